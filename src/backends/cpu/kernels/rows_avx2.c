/* Softmax, layer norm and reductions by AVX2. */
#include <math.h>

#include "backends/cpu/kernels/levels_internal.h"
#include "backends/cpu/kernels/simd_avx2.h"

#include "backends/cpu/kernels/math_template.h"

#include "backends/cpu/kernels/softmax_template.h"

#include "backends/cpu/kernels/rows_template.h"
