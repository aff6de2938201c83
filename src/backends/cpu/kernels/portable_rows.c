/* Softmax, layer norm and reductions in portable C. */
#include <math.h>

#include "backends/cpu/kernels/levels_internal.h"
#include "backends/cpu/kernels/simd_portable.h"

#include "backends/cpu/kernels/math_template.h"

#include "backends/cpu/kernels/softmax_template.h"

#include "backends/cpu/kernels/rows_template.h"
