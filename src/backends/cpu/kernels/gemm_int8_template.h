/* Integer products whose operands are packed as pairs of int16 along depth: exact for every int8 and uint8. The
 * including file defines I_MR, I_NR, I_SIZE and static void micro_sums(size_t rows, size_t pairs, const int16_t *a,
 * const int16_t *b, int32_t sums[I_MR][I_NR]). */

#define P_DST int16_t
#define P_CONVERT(x) ((int16_t)(x))
#define P_GROUP 2
#define P_EXACT false
#define P_TYPE pack_s8_t
#define P_SRC int8_t
#define P_NAME pack_s8
#include "backends/cpu/kernels/pack_template.h"
P_DEFINE_A(pack_a_s8, I_MR)
P_DEFINE_B(pack_b_s8, I_NR)
#undef P_TYPE
#undef P_SRC
#undef P_NAME
#undef P_DEFINE_A
#undef P_DEFINE_B
#define P_TYPE pack_u8_t
#define P_SRC uint8_t
#define P_NAME pack_u8
#include "backends/cpu/kernels/pack_template.h"
P_DEFINE_A(pack_a_u8, I_MR)

/* Sums wrap, as the int32 of ONNX's MatMulInteger does. */
static inline int32_t add_wrapping(int32_t a, int32_t b) { return (int32_t)((uint32_t)a + (uint32_t)b); }

static void strip_int8(const or_gemm_strip_t *strip) {
  const int16_t *a = strip->a;
  const int32_t *bias_col = strip->bias_col, *bias_row = strip->bias_row, *residual = strip->residual;
  for (size_t row = 0; row < strip->rows; row += I_MR) {
    const size_t rows = strip->rows - row < I_MR ? strip->rows - row : I_MR;
    int32_t sums[I_MR][I_NR];
    micro_sums(rows, strip->kc / 2, a, strip->b, sums);
    for (size_t i = 0; i < rows; ++i) {
      int32_t *c = (int32_t *)strip->c + (row + i) * strip->ldc;
      for (size_t j = 0; j < strip->cols; ++j) {
        int32_t value = sums[i][j];
        if (strip->beta != 0.0) value = add_wrapping(value, c[j]);
        if (bias_col != NULL) value = add_wrapping(value, bias_col[j]);
        if (bias_row != NULL) value = add_wrapping(value, bias_row[row + i]);
        if (residual != NULL) value = add_wrapping(value, residual[(row + i) * strip->residual_ld + j]);
        c[j] = value;
      }
    }
    a += I_MR * strip->kc;
  }
}

#define INT8_OPS(name, from, pack)                                                        \
  const or_gemm_ops_t OR_LEVEL(or_gemm_##name) = {.layout = from " as s16 pairs " I_SIZE, \
                                                  .mr = I_MR,                             \
                                                  .nr = I_NR,                             \
                                                  .k_group = 2,                           \
                                                  .a_bytes = 1,                           \
                                                  .b_bytes = 1,                           \
                                                  .c_bytes = sizeof(int32_t),             \
                                                  .packed_a_bytes = sizeof(int16_t),      \
                                                  .packed_b_bytes = sizeof(int16_t),      \
                                                  .l1_depth = 512,                        \
                                                  .pack_a = pack,                         \
                                                  .pack_b = pack_b_s8,                    \
                                                  .strip = strip_int8};
INT8_OPS(u8s8, "u8", pack_a_u8)
INT8_OPS(s8s8, "s8", pack_a_s8)
