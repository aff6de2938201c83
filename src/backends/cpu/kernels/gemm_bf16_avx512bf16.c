/* bf16 products by AVX512-BF16: vdpbf16ps multiplies pairs along depth and adds them up in fp32. 14 x 32 register
 * tiles. */
#include <string.h>

#include "backends/cpu/kernels/levels_internal.h"
#include "backends/cpu/kernels/simd_avx512.h"

enum { MR = 14, NR = 32 };

#define P_TYPE pack_pairs_t
#define P_SRC uint16_t
#define P_DST uint16_t
#define P_CONVERT(x) (x)
#define P_GROUP 2
#define P_EXACT false
#define P_NAME pack_pairs
#include "backends/cpu/kernels/pack_template.h"
P_DEFINE_A(pack_a, MR)
P_DEFINE_B(pack_b, NR)

#define V_DOT_INTO(sum, x, y) __asm__("vdpbf16ps %2, %1, %0" : "+v"(sum) : "v"(x), "v"(y))

#define ROW(i)                                 \
  {                                            \
    int32_t pair;                              \
    memcpy(&pair, a + 2 * (i), sizeof pair);   \
    const __m512i x = _mm512_set1_epi32(pair); \
    V_DOT_INTO(c##i##0, x, b0);                \
    V_DOT_INTO(c##i##1, x, b1);                \
  }
#define ROWS_2(OP) OP(0) OP(1)
#define ROWS_4(OP) ROWS_2(OP) OP(2) OP(3)
#define ROWS_8(OP) ROWS_4(OP) OP(4) OP(5) OP(6) OP(7)
#define ALL_ROWS(OP) ROWS_8(OP) OP(8) OP(9) OP(10) OP(11) OP(12) OP(13)
#define DECLARE(i) v_t c##i##0 = v_zero(), c##i##1 = v_zero();
#define KEEP(i)              \
  v_store(sums[i], c##i##0); \
  v_store(sums[i] + 16, c##i##1);

/* The first rows of a panel; the fewer, the less is computed for nothing at the end of a matrix. */
#define DEFINE_MICRO(name, ROWS)                                                             \
  static void name(size_t pairs, const uint16_t *a, const uint16_t *b, float sums[MR][NR]) { \
    ROWS(DECLARE)                                                                            \
    for (; pairs > 0; --pairs) {                                                             \
      const __m512i b0 = _mm512_loadu_si512(b), b1 = _mm512_loadu_si512(b + 32);             \
      ROWS(ROW)                                                                              \
      a += (size_t)2 * MR;                                                                   \
      b += (size_t)2 * NR;                                                                   \
    }                                                                                        \
    ROWS(KEEP)                                                                               \
  }
DEFINE_MICRO(micro_2, ROWS_2)
DEFINE_MICRO(micro_4, ROWS_4)
DEFINE_MICRO(micro_8, ROWS_8)
DEFINE_MICRO(micro_14, ALL_ROWS)

static void micro_sums(size_t rows, size_t pairs, const uint16_t *a, const uint16_t *b, float sums[MR][NR]) {
  (rows <= 2 ? micro_2 : rows <= 4 ? micro_4 : rows <= 8 ? micro_8 : micro_14)(pairs, a, b, sums);
}

#include "backends/cpu/kernels/gemm_sums_avx512.h"

static void strip(const or_gemm_strip_t *at) {
  const uint16_t *a = at->a;
  for (size_t row = 0; row < at->rows; row += MR) {
    const size_t rows = at->rows - row < MR ? at->rows - row : MR;
    float sums[MR][NR];
    micro_sums(rows, at->kc / 2, a, at->b, sums);
    or_gemm_finish_sums(at, row, rows, &sums[0][0], NR);
    a += MR * at->kc;
  }
}

const or_gemm_ops_t or_gemm_bf16_avx512bf16 = {.layout = "bf16 pairs 14x32",
                                               .mr = MR,
                                               .nr = NR,
                                               .k_group = 2,
                                               .a_bytes = sizeof(uint16_t),
                                               .b_bytes = sizeof(uint16_t),
                                               .c_bytes = sizeof(float),
                                               .packed_a_bytes = sizeof(uint16_t),
                                               .packed_b_bytes = sizeof(uint16_t),
                                               .l1_depth = 384,
                                               .pack_a = pack_a,
                                               .pack_b = pack_b,
                                               .strip = strip,
                                               .activate = or_activate_avx512};

static void pack_a_f32(size_t rows, size_t kc, const void *a, size_t row_stride, size_t k_stride, void *dst) {
  const or_pack_pairs_t pack = {rows, kc, row_stride, k_stride, MR, 2};
  or_pack_bf16_pairs_avx512bf16(&pack, a, dst);
}

static void pack_b_f32(size_t kc, size_t cols, const void *b, size_t k_stride, size_t col_stride, void *dst) {
  const or_pack_pairs_t pack = {cols, kc, col_stride, k_stride, NR, 2};
  or_pack_bf16_pairs_avx512bf16(&pack, b, dst);
}

static void gemv_panels(size_t kc, size_t panels, const void *x, size_t x_stride, const void *b, void *y) {
  const or_pack_pairs_t pack = {panels, kc, 1, x_stride, NR, 2};
  or_gemv_bf16_panels_avx512bf16(&pack, x, b, y);
}

const or_gemm_ops_t or_gemm_f32_bf16_avx512bf16 = {.layout = "bf16 pairs 14x32",
                                                   .mr = MR,
                                                   .nr = NR,
                                                   .k_group = 2,
                                                   .a_bytes = sizeof(float),
                                                   .b_bytes = sizeof(float),
                                                   .c_bytes = sizeof(float),
                                                   .packed_a_bytes = sizeof(uint16_t),
                                                   .packed_b_bytes = sizeof(uint16_t),
                                                   .l1_depth = 384,
                                                   .pack_a = pack_a_f32,
                                                   .pack_b = pack_b_f32,
                                                   .strip = strip,
                                                   .gemv_panels = gemv_panels,
                                                   .activate = or_activate_avx512};

/* Fourteen chains, as in measure_template.h; two multiply-adds a lane. */
uint64_t or_peak_bf16_avx512bf16(uint64_t iterations) {
  const __m512i x = _mm512_set1_epi16(0x3f00); /* 0.5 */
#define CHAIN(i) v_t c##i = v_zero();
#define GROW(i) V_DOT_INTO(c##i, x, x);
#define TOTAL(i) total = v_add(total, c##i);
  ALL_ROWS(CHAIN)
  for (uint64_t step = 0; step < iterations; ++step) {
    ALL_ROWS(GROW)
  }
  v_t total = v_zero();
  ALL_ROWS(TOTAL)
  return v_reduce_add(total) < 0.0f ? 0 : iterations * 14 * 2 * 32;
}
