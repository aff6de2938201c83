/* What the Fourier transforms need of vectors, by AVX2: pairs apart and together within 128 bits, and squares turned.
 * order: which pair of a vector's worth lane i holds. */
#ifndef OR_BACKENDS_CPU_KERNELS_FFT_SIMD_AVX2_H
#define OR_BACKENDS_CPU_KERNELS_FFT_SIMD_AVX2_H

#include "backends/cpu/kernels/simd_avx2.h"

static const uint8_t v_order[V_WIDTH] = {0, 1, 4, 5, 2, 3, 6, 7}, d_order[D_WIDTH] = {0, 2, 1, 3};

OR_INLINE void v_split(const float *p, v_t *re, v_t *im) {
  const v_t a = v_load(p), b = v_load(p + 8);
  *re = _mm256_shuffle_ps(a, b, 0x88);
  *im = _mm256_shuffle_ps(a, b, 0xdd);
}
OR_INLINE void v_join(float *p, v_t re, v_t im) {
  v_store(p, _mm256_unpacklo_ps(re, im));
  v_store(p + 8, _mm256_unpackhi_ps(re, im));
}
OR_INLINE void v_turn(v_t x[8]) {
  v_t y[8];
  OR_UNROLL
  for (int i = 0; i < 8; i += 4) { /* 4 x 4 within each half: y[i + j], half q: columns 4 q + j of rows i .. i + 3 */
    const v_t ab_low = _mm256_unpacklo_ps(x[i], x[i + 1]), ab_high = _mm256_unpackhi_ps(x[i], x[i + 1]),
              cd_low = _mm256_unpacklo_ps(x[i + 2], x[i + 3]), cd_high = _mm256_unpackhi_ps(x[i + 2], x[i + 3]);
    y[i] = _mm256_shuffle_ps(ab_low, cd_low, 0x44);
    y[i + 1] = _mm256_shuffle_ps(ab_low, cd_low, 0xee);
    y[i + 2] = _mm256_shuffle_ps(ab_high, cd_high, 0x44);
    y[i + 3] = _mm256_shuffle_ps(ab_high, cd_high, 0xee);
  }
  OR_UNROLL
  for (int j = 0; j < 4; ++j) {
    x[j] = _mm256_permute2f128_ps(y[j], y[4 + j], 0x20);
    x[4 + j] = _mm256_permute2f128_ps(y[j], y[4 + j], 0x31);
  }
}
OR_INLINE d_t d_fnma(d_t a, d_t b, d_t c) { return _mm256_fnmadd_pd(a, b, c); }
OR_INLINE void d_split(const double *p, d_t *re, d_t *im) {
  const d_t a = d_load(p), b = d_load(p + 4);
  *re = _mm256_unpacklo_pd(a, b);
  *im = _mm256_unpackhi_pd(a, b);
}
OR_INLINE void d_join(double *p, d_t re, d_t im) {
  d_store(p, _mm256_unpacklo_pd(re, im));
  d_store(p + 4, _mm256_unpackhi_pd(re, im));
}
OR_INLINE void d_turn(d_t x[4]) {
  const d_t ab_low = _mm256_unpacklo_pd(x[0], x[1]), ab_high = _mm256_unpackhi_pd(x[0], x[1]),
            cd_low = _mm256_unpacklo_pd(x[2], x[3]), cd_high = _mm256_unpackhi_pd(x[2], x[3]);
  x[0] = _mm256_permute2f128_pd(ab_low, cd_low, 0x20);
  x[1] = _mm256_permute2f128_pd(ab_high, cd_high, 0x20);
  x[2] = _mm256_permute2f128_pd(ab_low, cd_low, 0x31);
  x[3] = _mm256_permute2f128_pd(ab_high, cd_high, 0x31);
}

#endif
