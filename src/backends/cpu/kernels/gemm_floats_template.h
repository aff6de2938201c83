/* The fp32 product's packing, and the 16-bit ones, which widen to fp32 while they pack and then use the same
 * micro-kernels. After gemm_strip_template.h and gemv_template.h; the including file defines static functions pack_a
 * and pack_b for fp32. */

#define P_TYPE pack_bf16_t
#define P_SRC uint16_t
#define P_DST float
#define P_CONVERT or_bf16_to_float
#define P_GROUP 1
#define P_EXACT true
#define P_NAME pack_bf16
#include "backends/cpu/kernels/pack_template.h"
P_DEFINE_A(pack_a_bf16, G_MR)
P_DEFINE_B(pack_b_bf16, G_W *G_NV)
#undef P_TYPE
#undef P_CONVERT
#undef P_NAME
#undef P_DEFINE_A
#undef P_DEFINE_B

#define P_TYPE pack_f16_t
#define P_CONVERT or_f16_to_float
#define P_NAME pack_f16
#include "backends/cpu/kernels/pack_template.h"
P_DEFINE_A(pack_a_f16, G_MR)
P_DEFINE_B(pack_b_f16, G_W *G_NV)

#ifdef G_DIRECT_A
#define DIRECT_A true
#else
#define DIRECT_A false
#endif

const or_gemm_ops_t OR_LEVEL(or_gemm_f32) = {.layout = "f32 " G_SIZE,
                                             .mr = G_MR,
                                             .nr = G_W * G_NV,
                                             .k_group = 1,
                                             .a_bytes = sizeof(float),
                                             .b_bytes = sizeof(float),
                                             .c_bytes = sizeof(float),
                                             .packed_a_bytes = sizeof(float),
                                             .packed_b_bytes = sizeof(float),
                                             .exact_rows = true,
                                             .direct_a = DIRECT_A,
                                             .direct_b = true,
                                             .l1_depth = G_DEPTH,
                                             .pack_a = pack_a,
                                             .pack_b = pack_b,
                                             .strip = strip_f32,
                                             .gemv_rows = gemv_rows,
                                             .gemv_dots = gemv_dots,
                                             .gemv_panels = gemv_panels,
                                             .activate = OR_LEVEL(or_activate)};

#define WIDENED(name, from)                                                         \
  const or_gemm_ops_t OR_LEVEL(or_gemm_##name) = {.layout = from " as f32 " G_SIZE, \
                                                  .mr = G_MR,                       \
                                                  .nr = G_W * G_NV,                 \
                                                  .k_group = 1,                     \
                                                  .a_bytes = sizeof(uint16_t),      \
                                                  .b_bytes = sizeof(uint16_t),      \
                                                  .c_bytes = sizeof(float),         \
                                                  .packed_a_bytes = sizeof(float),  \
                                                  .packed_b_bytes = sizeof(float),  \
                                                  .exact_rows = true,               \
                                                  .l1_depth = G_DEPTH,              \
                                                  .pack_a = pack_a_##name,          \
                                                  .pack_b = pack_b_##name,          \
                                                  .strip = strip_f32,               \
                                                  .activate = OR_LEVEL(or_activate)};
WIDENED(bf16, "bf16")
WIDENED(f16, "f16")
