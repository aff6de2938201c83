/* Elementary functions and activations by AVX-512. */
#include "backends/cpu/kernels/levels_internal.h"
#include "backends/cpu/kernels/simd_avx512.h"

#include "backends/cpu/kernels/math_template.h"

#include "backends/cpu/kernels/unary_template.h"
