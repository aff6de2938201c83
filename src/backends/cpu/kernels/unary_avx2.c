/* Elementary functions and activations by AVX2. */
#include "backends/cpu/kernels/levels_internal.h"
#include "backends/cpu/kernels/simd_avx2.h"

#include "backends/cpu/kernels/math_template.h"

#include "backends/cpu/kernels/unary_template.h"
