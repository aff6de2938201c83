/* fp32 products by AVX-512: 8 x 48 register tiles (24 sums, 3 of B, 1 of A in 32 registers); the 16-bit ones over
 * them. A step loads 11 vectors for 24 multiply-adds; 14 x 32, with 16 for 28, is a tenth slower where two units
 * multiply. */
#include <string.h>

#include "backends/cpu/kernels/half.h"
#include "backends/cpu/kernels/levels_internal.h"
#include "backends/cpu/kernels/simd_avx512.h"

#define G_MR 8
#define G_NV 3
#define G_SIZE "8x48"
#define G_DEPTH 256
#include "backends/cpu/kernels/gemm_terms_f32.h"

#include "backends/cpu/kernels/gemm_strip_template.h"

#include "backends/cpu/kernels/gemv_template.h"

#include "backends/cpu/kernels/pack_x86.h"

#include "backends/cpu/kernels/gemm_pack_x86_template.h"

#include "backends/cpu/kernels/gemm_floats_template.h"
