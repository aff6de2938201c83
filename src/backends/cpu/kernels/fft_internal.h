/* What the parts of the Fourier transforms share. */
#ifndef OR_BACKENDS_CPU_KERNELS_FFT_INTERNAL_H
#define OR_BACKENDS_CPU_KERNELS_FFT_INTERNAL_H

#include "backends/cpu/kernels/fft.h"

/* How a pass's input and output lie: pairs (real, imaginary), or split: a vector of real parts, then one of imaginary
 * parts, the lanes in the level's order. */
typedef enum or_fft_form_t {
  OR_FFT_PAIRS_PAIRS,
  OR_FFT_PAIRS_SPLIT,
  OR_FFT_SPLIT_PAIRS,
  OR_FFT_SPLIT_SPLIT,
  OR_FFT_FORMS,
} or_fft_form_t;

#define OR_FFT_MAX_RADIX 16

/* Multiplies by roots of unity and turns: out[j][k] = in[k][j] w^(j k), k < rows, j < columns. `in` holds rows of
 * in_ld scalars, split; `out` rows of out_ld scalars, split. The root of row j at column K + lane is step[j][K / W] *
 * start[j][lane]. */
typedef struct or_fft_turn_t {
  size_t rows, columns, in_ld, out_ld;
  const void *step, *start;
  size_t step_ld; /* pairs of a row of step */
} or_fft_turn_t;

/* The last pass where n2 = W: X[k1 + n1 k2] from in[k1][j2]. */
typedef struct or_fft_finish_t {
  size_t n1;
  ptrdiff_t out_k0, out_k;
  const void *roots; /* [n1 / W][W][re W, im W] */
  double scale;
} or_fft_finish_t;

struct or_fft_ops_t {
  size_t width, scalar_bytes;
  const or_fft_ops_t *narrow; /* with fewer lanes, for lines too short to fill these; NULL: none */
  const uint8_t *order;       /* [width]: which element of a vector's worth of pairs lane i holds */
  void (*pass)(const or_fft_pass_t *pass, const void *in, void *out, size_t columns, double scale);
  void (*turn)(const or_fft_turn_t *turn, const void *in, void *out);
  void (*finish)(const or_fft_finish_t *finish, const void *in, void *out);
  /* z = x y, conjugated where asked for; pairs. z may be x. */
  void (*multiply)(size_t n, const void *x, const void *y, bool conjugate, void *z);
};

/* exp(-2 pi i k / n), rounded once. */
void or_fft_root(size_t k, size_t n, double *re, double *im);
/* Number i of an array of doubles or floats. */
void or_fft_put(const or_fft_ops_t *ops, void *array, size_t i, double value);
static inline double or_fft_get(const or_fft_ops_t *ops, const void *array, size_t i) {
  return ops->scalar_bytes == sizeof(double) ? ((const double *)array)[i] : (double)((const float *)array)[i];
}

#endif
