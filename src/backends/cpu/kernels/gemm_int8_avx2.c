/* int8 products by AVX2: int16 pairs through vpmaddwd, whose sums of two products fit int32 (vpmaddubsw would
 * saturate). */
#include <string.h>

#include "backends/cpu/kernels/levels_internal.h"
#include "backends/cpu/kernels/simd_avx2.h"

#define I_MR 4
#define I_NR 16
#define I_SIZE "4x16"

OR_INLINE __m256i pair_of_a(const int16_t *a) {
  int32_t both;
  memcpy(&both, a, sizeof both);
  return _mm256_set1_epi32(both);
}

/* All four rows always: rows beyond the matrix are packed as zeros. */
static void micro_sums(size_t rows, size_t pairs, const int16_t *a, const int16_t *b, int32_t sums[I_MR][I_NR]) {
  (void)rows;
  __m256i c00 = _mm256_setzero_si256(), c01 = c00, c10 = c00, c11 = c00, c20 = c00, c21 = c00, c30 = c00, c31 = c00;
  for (size_t k = 0; k < pairs; ++k) {
    const __m256i b0 = _mm256_loadu_si256((const __m256i *)(const void *)b);
    const __m256i b1 = _mm256_loadu_si256((const __m256i *)(const void *)(b + 16));
    __m256i x = pair_of_a(a);
    c00 = _mm256_add_epi32(c00, _mm256_madd_epi16(x, b0));
    c01 = _mm256_add_epi32(c01, _mm256_madd_epi16(x, b1));
    x = pair_of_a(a + 2);
    c10 = _mm256_add_epi32(c10, _mm256_madd_epi16(x, b0));
    c11 = _mm256_add_epi32(c11, _mm256_madd_epi16(x, b1));
    x = pair_of_a(a + 4);
    c20 = _mm256_add_epi32(c20, _mm256_madd_epi16(x, b0));
    c21 = _mm256_add_epi32(c21, _mm256_madd_epi16(x, b1));
    x = pair_of_a(a + 6);
    c30 = _mm256_add_epi32(c30, _mm256_madd_epi16(x, b0));
    c31 = _mm256_add_epi32(c31, _mm256_madd_epi16(x, b1));
    a += 2 * I_MR;
    b += 2 * I_NR;
  }
  const __m256i all[I_MR][2] = {{c00, c01}, {c10, c11}, {c20, c21}, {c30, c31}};
  for (size_t i = 0; i < I_MR; ++i) {
    _mm256_storeu_si256((__m256i *)(void *)sums[i], all[i][0]);
    _mm256_storeu_si256((__m256i *)(void *)(sums[i] + 8), all[i][1]);
  }
}

#include "backends/cpu/kernels/gemm_int8_template.h"
