/* fp32 products by AVX-512: 14 x 32 register tiles (28 sums, 2 of B, 1 of A in 32 registers); the 16-bit ones over
 * them. */
#include <string.h>

#include "backends/cpu/kernels/half.h"
#include "backends/cpu/kernels/levels_internal.h"
#include "backends/cpu/kernels/simd_avx512.h"

#define G_MR 14
#define G_NV 2
#define G_SIZE "14x32"
#define G_DEPTH 512
#include "backends/cpu/kernels/gemm_terms_f32.h"

#include "backends/cpu/kernels/gemm_strip_template.h"

#include "backends/cpu/kernels/gemv_template.h"

#include "backends/cpu/kernels/pack_x86.h"

#include "backends/cpu/kernels/gemm_pack_x86_template.h"

#include "backends/cpu/kernels/gemm_floats_template.h"
