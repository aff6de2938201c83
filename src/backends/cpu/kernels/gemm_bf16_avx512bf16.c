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
#define ALL_ROWS(OP) OP(0) OP(1) OP(2) OP(3) OP(4) OP(5) OP(6) OP(7) OP(8) OP(9) OP(10) OP(11) OP(12) OP(13)
#define DECLARE(i) v_t c##i##0 = v_zero(), c##i##1 = v_zero();
#define KEEP(i)              \
  v_store(sums[i], c##i##0); \
  v_store(sums[i] + 16, c##i##1);

static void micro_sums(size_t pairs, const uint16_t *a, const uint16_t *b, float sums[MR][NR]) {
  ALL_ROWS(DECLARE)
  for (; pairs > 0; --pairs) {
    const __m512i b0 = _mm512_loadu_si512(b), b1 = _mm512_loadu_si512(b + 32);
    ALL_ROWS(ROW)
    a += (size_t)2 * MR;
    b += (size_t)2 * NR;
  }
  ALL_ROWS(KEEP)
}

#include "backends/cpu/kernels/gemm_sums_avx512.h"

static void strip(const or_gemm_strip_t *at) {
  const uint16_t *a = at->a;
  for (size_t row = 0; row < at->rows; row += MR) {
    const size_t rows = at->rows - row < MR ? at->rows - row : MR;
    float sums[MR][NR];
    micro_sums(at->kc / 2, a, at->b, sums);
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
