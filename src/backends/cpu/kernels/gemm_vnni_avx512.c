/* int8 products by AVX512-VNNI: vpdpbusd multiplies unsigned by signed bytes, four along depth. Signed A is packed with
 * 128 added, and 128 times the column sums of B are taken off again; both are exact. 12 x 32 register tiles. */
#include <string.h>

#include "backends/cpu/kernels/levels_internal.h"
#include "backends/cpu/kernels/simd_avx512.h"

enum { MR = 12, NR = 32 };

#define P_DST uint8_t
#define P_GROUP 4
#define P_EXACT false
#define P_TYPE pack_u8_t
#define P_SRC uint8_t
#define P_CONVERT(x) (x)
#define P_NAME pack_u8
#include "backends/cpu/kernels/pack_template.h"
P_DEFINE_A(pack_a_u8, MR)
#undef P_TYPE
#undef P_SRC
#undef P_CONVERT
#undef P_NAME
#undef P_DEFINE_A
#undef P_DEFINE_B
/* The padding stays 0, not 128: it meets zeros of B, and the correction counts B only. */
#define P_TYPE pack_s8_t
#define P_SRC int8_t
#define P_CONVERT(x) ((uint8_t)((uint8_t)(x) ^ 0x80u))
#define P_NAME pack_s8
#include "backends/cpu/kernels/pack_template.h"
P_DEFINE_A(pack_a_s8, MR)
#undef P_TYPE
#undef P_CONVERT
#undef P_NAME
#undef P_DEFINE_A
#undef P_DEFINE_B
#define P_TYPE pack_b_t
#define P_CONVERT(x) ((uint8_t)(x))
#define P_NAME pack_signed
#include "backends/cpu/kernels/pack_template.h"
P_DEFINE_B(pack_b_any, NR)

/* Four rows of 32 bytes, to columns of four bytes. */
OR_INLINE void interleave(const int8_t *const rows[4], uint8_t *to) {
  __m256i r[4];
  for (int i = 0; i < 4; ++i) r[i] = _mm256_loadu_si256((const __m256i *)(const void *)rows[i]);
  const __m256i a = _mm256_unpacklo_epi8(r[0], r[1]), b = _mm256_unpackhi_epi8(r[0], r[1]);
  const __m256i c = _mm256_unpacklo_epi8(r[2], r[3]), d = _mm256_unpackhi_epi8(r[2], r[3]);
  /* Columns 0-3 and 16-19, 4-7 and 20-23, 8-11 and 24-27, 12-15 and 28-31. */
  const __m256i e = _mm256_unpacklo_epi16(a, c), f = _mm256_unpackhi_epi16(a, c);
  const __m256i g = _mm256_unpacklo_epi16(b, d), h = _mm256_unpackhi_epi16(b, d);
  _mm256_storeu_si256((__m256i *)(void *)to, _mm256_permute2x128_si256(e, f, 0x20));
  _mm256_storeu_si256((__m256i *)(void *)(to + 32), _mm256_permute2x128_si256(g, h, 0x20));
  _mm256_storeu_si256((__m256i *)(void *)(to + 64), _mm256_permute2x128_si256(e, f, 0x31));
  _mm256_storeu_si256((__m256i *)(void *)(to + 96), _mm256_permute2x128_si256(g, h, 0x31));
}

/* Whole panels of neighbouring columns at the speed of memory, others byte by byte. */
static void pack_b_s8(size_t kc, size_t cols, const void *b, size_t k_stride, size_t col_stride, void *dst) {
  static const int8_t zeros[NR];
  const size_t whole = col_stride == 1 ? cols / NR * NR : 0, depth = (kc + 3) / 4 * 4;
  uint8_t *to = dst;
  for (size_t column = 0; column < whole; column += NR) {
    for (size_t k = 0; k < kc; k += 4, to += (size_t)4 * NR) {
      const int8_t *rows[4];
      for (size_t i = 0; i < 4; ++i) rows[i] = k + i < kc ? (const int8_t *)b + (k + i) * k_stride + column : zeros;
      interleave(rows, to);
    }
  }
  if (whole < cols) {
    pack_b_any(kc, cols - whole, (const int8_t *)b + whole * col_stride, k_stride, col_stride,
               (uint8_t *)dst + whole * depth);
  }
}

#define V_DOT_INTO(sum, x, y) __asm__("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(x), "v"(y))

/* One row of C: its two vectors of sums get one group of four depth steps. */
#define ROW(i)                                 \
  {                                            \
    int32_t four;                              \
    memcpy(&four, a + 4 * (i), sizeof four);   \
    const __m512i x = _mm512_set1_epi32(four); \
    V_DOT_INTO(c##i##0, x, b0);                \
    V_DOT_INTO(c##i##1, x, b1);                \
  }
#define ALL_ROWS(OP) OP(0) OP(1) OP(2) OP(3) OP(4) OP(5) OP(6) OP(7) OP(8) OP(9) OP(10) OP(11)
#define DECLARE(i) __m512i c##i##0 = zero, c##i##1 = zero;
#define KEEP(i)                                                   \
  _mm512_storeu_si512(sums[i], _mm512_sub_epi32(c##i##0, less0)); \
  _mm512_storeu_si512(sums[i] + 16, _mm512_sub_epi32(c##i##1, less1));

OR_INLINE void micro_sums(size_t groups, const uint8_t *a, const uint8_t *b, const bool offset, int32_t sums[MR][NR]) {
  const __m512i zero = _mm512_setzero_si512(), all_128 = _mm512_set1_epi8((char)-128);
  __m512i less0 = zero, less1 = zero;
  ALL_ROWS(DECLARE)
  for (; groups > 0; --groups) {
    const __m512i b0 = _mm512_loadu_si512(b), b1 = _mm512_loadu_si512(b + 64);
    ALL_ROWS(ROW)
    if (offset) {
      V_DOT_INTO(less0, all_128, b0);
      V_DOT_INTO(less1, all_128, b1);
    }
    a += (size_t)4 * MR;
    b += (size_t)4 * NR;
  }
  ALL_ROWS(KEEP)
}

OR_INLINE __m512i from_i32(const int32_t *p, __mmask16 lanes) { return _mm512_maskz_loadu_epi32(lanes, p); }

OR_INLINE void strip_any(const or_gemm_strip_t *strip, const bool offset) {
  const uint8_t *a = strip->a;
  const int32_t *bias_col = strip->bias_col, *bias_row = strip->bias_row, *residual = strip->residual;
  for (size_t row = 0; row < strip->rows; row += MR) {
    const size_t rows = strip->rows - row < MR ? strip->rows - row : MR;
    int32_t sums[MR][NR];
    micro_sums(strip->kc / 4, a, strip->b, offset, sums);
    for (size_t i = 0; i < rows; ++i) {
      int32_t *c = (int32_t *)strip->c + (row + i) * strip->ldc;
      for (size_t j = 0; j < strip->cols; j += 16) {
        const __mmask16 lanes = strip->cols - j < 16 ? v_lanes(strip->cols - j) : (__mmask16)0xffff;
        __m512i value = _mm512_loadu_si512(sums[i] + j);
        if (strip->beta != 0.0) value = _mm512_add_epi32(value, from_i32(c + j, lanes));
        if (bias_col != NULL) value = _mm512_add_epi32(value, from_i32(bias_col + j, lanes));
        if (bias_row != NULL) value = _mm512_add_epi32(value, _mm512_set1_epi32(bias_row[row + i]));
        if (residual != NULL) {
          value = _mm512_add_epi32(value, from_i32(residual + (row + i) * strip->residual_ld + j, lanes));
        }
        _mm512_mask_storeu_epi32(c + j, lanes, value);
      }
    }
    a += MR * strip->kc;
  }
}

static void strip_u8(const or_gemm_strip_t *strip) { strip_any(strip, false); }
static void strip_s8(const or_gemm_strip_t *strip) { strip_any(strip, true); }

#define VNNI_OPS(name, from, pack, strip_function)                              \
  const or_gemm_ops_t or_gemm_##name##_avx512 = {.layout = from " fours 12x32", \
                                                 .mr = MR,                      \
                                                 .nr = NR,                      \
                                                 .k_group = 4,                  \
                                                 .a_bytes = 1,                  \
                                                 .b_bytes = 1,                  \
                                                 .c_bytes = sizeof(int32_t),    \
                                                 .packed_a_bytes = 1,           \
                                                 .packed_b_bytes = 1,           \
                                                 .l1_depth = 512,               \
                                                 .pack_a = pack,                \
                                                 .pack_b = pack_b_s8,           \
                                                 .strip = strip_function};
VNNI_OPS(u8s8, "u8", pack_a_u8, strip_u8)
VNNI_OPS(s8s8, "s8", pack_a_s8, strip_s8)

/* Twelve chains, as in measure_template.h; a group of four multiply-adds a lane. */
uint64_t or_peak_int8_avx512(uint64_t iterations) {
  const __m512i zero = _mm512_setzero_si512(), x = _mm512_set1_epi8(1);
#define CHAIN(i) __m512i c##i = zero;
#define GROW(i) V_DOT_INTO(c##i, x, x);
#define TOTAL(i) total = _mm512_add_epi32(total, c##i);
  ALL_ROWS(CHAIN)
  for (uint64_t step = 0; step < iterations; ++step) {
    ALL_ROWS(GROW)
  }
  __m512i total = zero;
  ALL_ROWS(TOTAL)
  return _mm512_reduce_add_epi32(total) == 1 ? 0 : iterations * 12 * 2 * 64;
}
