/* What the Fourier transforms need of vectors, by AVX-512: pairs apart and together within 128 bits, squares turned.
 * order: which pair of a vector's worth lane i holds. */
#ifndef OR_BACKENDS_CPU_KERNELS_FFT_SIMD_AVX512_H
#define OR_BACKENDS_CPU_KERNELS_FFT_SIMD_AVX512_H

#include "backends/cpu/kernels/simd_avx512.h"

static const uint8_t v_order[V_WIDTH] = {0, 1, 8, 9, 2, 3, 10, 11, 4, 5, 12, 13, 6, 7, 14, 15},
                     d_order[D_WIDTH] = {0, 4, 1, 5, 2, 6, 3, 7};

OR_INLINE void v_split(const float *p, v_t *re, v_t *im) {
  const v_t a = v_load(p), b = v_load(p + 16);
  *re = _mm512_shuffle_ps(a, b, 0x88);
  *im = _mm512_shuffle_ps(a, b, 0xdd);
}
OR_INLINE void v_join(float *p, v_t re, v_t im) {
  v_store(p, _mm512_unpacklo_ps(re, im));
  v_store(p + 16, _mm512_unpackhi_ps(re, im));
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

OR_INLINE void v_turn(v_t x[16]) {
  v_t y[16];
  OR_UNROLL
  for (int i = 0; i < 16; i += 4) { /* 4 x 4 within each part: y[i + j], part q: columns 4 q + j of rows i .. i + 3 */
    const v_t ab_low = _mm512_unpacklo_ps(x[i], x[i + 1]), ab_high = _mm512_unpackhi_ps(x[i], x[i + 1]),
              cd_low = _mm512_unpacklo_ps(x[i + 2], x[i + 3]), cd_high = _mm512_unpackhi_ps(x[i + 2], x[i + 3]);
    y[i] = _mm512_shuffle_ps(ab_low, cd_low, 0x44);
    y[i + 1] = _mm512_shuffle_ps(ab_low, cd_low, 0xee);
    y[i + 2] = _mm512_shuffle_ps(ab_high, cd_high, 0x44);
    y[i + 3] = _mm512_shuffle_ps(ab_high, cd_high, 0xee);
  }
  OR_UNROLL
  for (int j = 0; j < 4; ++j) {
    turn_parts(&y[j], &y[4 + j], &y[8 + j], &y[12 + j]);
    OR_UNROLL
    for (int q = 0; q < 4; ++q) x[4 * q + j] = y[4 * q + j];
  }
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
