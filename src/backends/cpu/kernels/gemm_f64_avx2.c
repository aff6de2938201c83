/* fp64 products by AVX2 and FMA: 6 x 8 register tiles. */
#include <string.h>

#include "backends/cpu/kernels/levels_internal.h"
#include "backends/cpu/kernels/simd_avx2.h"

#define G_MR 6
#define G_NV 2
#define G_SIZE "6x8"
#define G_DEPTH 256
#include "backends/cpu/kernels/gemm_terms_f64.h"

#include "backends/cpu/kernels/gemm_strip_template.h"

#include "backends/cpu/kernels/gemv_template.h"

#include "backends/cpu/kernels/gemm_f64_template.h"
