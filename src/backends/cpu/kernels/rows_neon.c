/* Softmax, layer norm and reductions by NEON. */
#include <math.h>

#include "backends/cpu/kernels/levels_internal.h"
#include "backends/cpu/kernels/simd_neon.h"

#include "backends/cpu/kernels/math_template.h"

#include "backends/cpu/kernels/softmax_template.h"

#include "backends/cpu/kernels/rows_template.h"
