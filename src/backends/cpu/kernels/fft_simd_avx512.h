/* What the Fourier transforms need of vectors, by AVX-512: pairs apart and together, squares turned.
 * order: which pair of a vector's worth lane i holds. */
#ifndef OR_BACKENDS_CPU_KERNELS_FFT_SIMD_AVX512_H
#define OR_BACKENDS_CPU_KERNELS_FFT_SIMD_AVX512_H

#include "backends/cpu/kernels/simd_avx512.h"

static const uint8_t v_order[V_WIDTH] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
                     d_order[D_WIDTH] = {0, 4, 1, 5, 2, 6, 3, 7};

OR_INLINE void v_split(const float *p, v_t *re, v_t *im) {
  const v_t a = v_load(p), b = v_load(p + 16);
  const __m512i even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30),
                odd = _mm512_setr_epi32(1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
  *re = _mm512_permutex2var_ps(a, even, b);
  *im = _mm512_permutex2var_ps(a, odd, b);
}
OR_INLINE void v_join(float *p, v_t re, v_t im) {
  const __m512i low = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23),
                high = _mm512_setr_epi32(8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
  v_store(p, _mm512_permutex2var_ps(re, low, im));
  v_store(p + 16, _mm512_permutex2var_ps(re, high, im));
}

/* Rows of four 128-bit parts: part j of rows i .. become the rows. */
OR_INLINE void turn_parts(v_t *a, v_t *b, v_t *c, v_t *d) {
  const v_t ab_low = _mm512_shuffle_f32x4(*a, *b, 0x44), ab_high = _mm512_shuffle_f32x4(*a, *b, 0xee),
            cd_low = _mm512_shuffle_f32x4(*c, *d, 0x44), cd_high = _mm512_shuffle_f32x4(*c, *d, 0xee);
  *a = _mm512_shuffle_f32x4(ab_low, cd_low, 0x88);
  *b = _mm512_shuffle_f32x4(ab_low, cd_low, 0xdd);
  *c = _mm512_shuffle_f32x4(ab_high, cd_high, 0x88);
  *d = _mm512_shuffle_f32x4(ab_high, cd_high, 0xdd);
}

/* 4 x 4 within each part: x[i + j], part q: columns 4 q + j of rows i .. i + 3. Then turn_parts of j, j + 4, .. */
OR_INLINE void v_turn_within(v_t x[16]) {
  OR_UNROLL
  for (int i = 0; i < 16; i += 4) {
    const v_t ab_low = _mm512_unpacklo_ps(x[i], x[i + 1]), ab_high = _mm512_unpackhi_ps(x[i], x[i + 1]),
              cd_low = _mm512_unpacklo_ps(x[i + 2], x[i + 3]), cd_high = _mm512_unpackhi_ps(x[i + 2], x[i + 3]);
    x[i] = _mm512_shuffle_ps(ab_low, cd_low, 0x44);
    x[i + 1] = _mm512_shuffle_ps(ab_low, cd_low, 0xee);
    x[i + 2] = _mm512_shuffle_ps(ab_high, cd_high, 0x44);
    x[i + 3] = _mm512_shuffle_ps(ab_high, cd_high, 0xee);
  }
}

OR_INLINE void v_turn(v_t x[16]) {
  v_turn_within(x);
  OR_UNROLL
  for (int j = 0; j < 4; ++j) turn_parts(&x[j], &x[4 + j], &x[8 + j], &x[12 + j]);
}

OR_INLINE d_t d_fnma(d_t a, d_t b, d_t c) { return _mm512_fnmadd_pd(a, b, c); }
OR_INLINE void d_split(const double *p, d_t *re, d_t *im) {
  const d_t a = d_load(p), b = d_load(p + 8);
  *re = _mm512_unpacklo_pd(a, b);
  *im = _mm512_unpackhi_pd(a, b);
}
OR_INLINE void d_join(double *p, d_t re, d_t im) {
  d_store(p, _mm512_unpacklo_pd(re, im));
  d_store(p + 8, _mm512_unpackhi_pd(re, im));
}
OR_INLINE void d_turn(d_t x[8]) {
  v_t y[8]; /* y[2 i + j], part q: column 2 q + j of rows 2 i, 2 i + 1 */
  OR_UNROLL
  for (int i = 0; i < 8; i += 2) {
    y[i] = _mm512_castpd_ps(_mm512_unpacklo_pd(x[i], x[i + 1]));
    y[i + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(x[i], x[i + 1]));
  }
  OR_UNROLL
  for (int j = 0; j < 2; ++j) {
    turn_parts(&y[j], &y[2 + j], &y[4 + j], &y[6 + j]);
    OR_UNROLL
    for (int q = 0; q < 4; ++q) x[2 * q + j] = _mm512_castps_pd(y[2 * q + j]);
  }
}

#endif
