/* What the Fourier transforms need of vectors, for the portable level and NEON: pairs apart and together, and squares
 * turned. order: which pair of a vector's worth lane i holds. */
#ifndef OR_BACKENDS_CPU_KERNELS_FFT_SIMD_PORTABLE_H
#define OR_BACKENDS_CPU_KERNELS_FFT_SIMD_PORTABLE_H

#include "backends/cpu/kernels/simd_portable.h"

static const uint8_t v_order[V_WIDTH] = {0, 1, 2, 3}, d_order[D_WIDTH] = {0, 1};

OR_INLINE void v_split(const float *p, v_t *re, v_t *im) {
  const v_t a = v_load(p), b = v_load(p + 4);
  *re = (v_t){a[0], a[2], b[0], b[2]};
  *im = (v_t){a[1], a[3], b[1], b[3]};
}
OR_INLINE void v_join(float *p, v_t re, v_t im) {
  v_store(p, (v_t){re[0], im[0], re[1], im[1]});
  v_store(p + 4, (v_t){re[2], im[2], re[3], im[3]});
}
OR_INLINE void v_turn(v_t x[4]) {
  const v_t a = x[0], b = x[1], c = x[2], d = x[3];
  x[0] = (v_t){a[0], b[0], c[0], d[0]};
  x[1] = (v_t){a[1], b[1], c[1], d[1]};
  x[2] = (v_t){a[2], b[2], c[2], d[2]};
  x[3] = (v_t){a[3], b[3], c[3], d[3]};
}
OR_INLINE d_t d_fnma(d_t a, d_t b, d_t c) { return d_sub(c, d_mul(a, b)); }
OR_INLINE void d_split(const double *p, d_t *re, d_t *im) {
  const d_t a = d_load(p), b = d_load(p + 2);
  *re = (d_t){a[0], b[0]};
  *im = (d_t){a[1], b[1]};
}
OR_INLINE void d_join(double *p, d_t re, d_t im) {
  d_store(p, (d_t){re[0], im[0]});
  d_store(p + 2, (d_t){re[1], im[1]});
}
OR_INLINE void d_turn(d_t x[2]) {
  const d_t a = x[0], b = x[1];
  x[0] = (d_t){a[0], b[0]};
  x[1] = (d_t){a[1], b[1]};
}

#endif
