/* fp32 products by AVX2 and FMA: 6 x 16 register tiles (12 sums, 2 of B, 1 of A in 16 registers); the 16-bit ones over
 * them. */
#include <string.h>

#include "backends/cpu/kernels/half.h"
#include "backends/cpu/kernels/levels_internal.h"
#include "backends/cpu/kernels/simd_avx2.h"

#define G_MR 6
#define G_NV 2
#define G_SIZE "6x16"
#define G_DEPTH 320
#define G_DIRECT_A
#include "backends/cpu/kernels/gemm_terms_f32.h"

#include "backends/cpu/kernels/gemm_strip_template.h"

#include "backends/cpu/kernels/gemv_template.h"

#include "backends/cpu/kernels/pack_x86.h"

#include "backends/cpu/kernels/gemm_pack_x86_template.h"

#include "backends/cpu/kernels/gemm_floats_template.h"
