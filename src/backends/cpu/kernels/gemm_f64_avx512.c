/* fp64 products by AVX-512: 14 x 16 register tiles. */
#include <string.h>

#include "backends/cpu/kernels/levels_internal.h"
#include "backends/cpu/kernels/simd_avx512.h"

#define G_MR 14
#define G_NV 2
#define G_SIZE "14x16"
#define G_DEPTH 256
#include "backends/cpu/kernels/gemm_terms_f64.h"

#include "backends/cpu/kernels/gemm_strip_template.h"

#include "backends/cpu/kernels/gemv_template.h"

#include "backends/cpu/kernels/gemm_f64_template.h"
