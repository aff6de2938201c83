/* fp32 products by NEON: 8 x 12 register tiles (24 sums, 3 of B, 1 of A in 32 registers); the 16-bit ones over them. */
#include <string.h>

#include "backends/cpu/kernels/half.h"
#include "backends/cpu/kernels/levels_internal.h"
#include "backends/cpu/kernels/simd_neon.h"

#define G_MR 8
#define G_NV 3
#define G_SIZE "8x12"
#define G_DEPTH 256
#include "backends/cpu/kernels/gemm_terms_f32.h"

#include "backends/cpu/kernels/gemm_strip_template.h"

#include "backends/cpu/kernels/gemv_template.h"

#define P_TYPE pack_f32_t
#define P_SRC float
#define P_DST float
#define P_CONVERT(x) (x)
#define P_GROUP 1
#define P_EXACT true
#define P_NAME pack_f32
#include "backends/cpu/kernels/pack_template.h"
P_DEFINE_A(pack_a, G_MR)
P_DEFINE_B(pack_b, G_W *G_NV)
#undef P_TYPE
#undef P_SRC
#undef P_DST
#undef P_CONVERT
#undef P_GROUP
#undef P_EXACT
#undef P_NAME
#undef P_DEFINE_A
#undef P_DEFINE_B
#include "backends/cpu/kernels/gemm_floats_template.h"
