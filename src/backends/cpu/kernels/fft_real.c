/* Real transforms around complex ones of half the length. */
#include "backends/cpu/kernels/fft_internal.h"

size_t or_fft_scalar_bytes(const or_fft_ops_t *ops) { return ops->scalar_bytes; }

const void *or_fft_real_roots(const or_fft_ops_t *ops, size_t n, or_fft_memory_t memory) {
  const size_t count = n / 4 + 1;
  void *roots = memory.alloc(memory.self, count * 2 * ops->scalar_bytes, true);
  for (size_t k = 0; roots != NULL && k < count; ++k) {
    double re, im;
    or_fft_root(k, n, &re, &im);
    or_fft_put(ops, roots, 2 * k, re);
    or_fft_put(ops, roots, 2 * k + 1, im);
  }
  return roots;
}

/* Z = E + i O, the transforms of the numbers of even and of odd index: E = (Z[k] + conj Z[h - k]) / 2, i O the other
 * half; y[k] = E + w^k O, y[h - k] = conj(E - w^k O). */
#define DEFINE(T)                                                                                          \
  static void untangle_##T(size_t h, const T *roots, const T *z, T *y) {                                   \
    const T half = (T)0.5;                                                                                 \
    for (size_t k = 0; k <= h / 2; ++k) {                                                                  \
      const T *a = z + 2 * k, *b = z + 2 * (k == 0 ? 0 : h - k), wr = roots[2 * k], wi = roots[2 * k + 1]; \
      const T even_re = (a[0] + b[0]) * half, even_im = (a[1] - b[1]) * half;                              \
      const T odd_re = (a[1] + b[1]) * half, odd_im = (b[0] - a[0]) * half;                                \
      const T re = odd_re * wr - odd_im * wi, im = odd_re * wi + odd_im * wr;                              \
      y[2 * k] = even_re + re;                                                                             \
      y[2 * k + 1] = even_im + im;                                                                         \
      y[2 * (h - k)] = even_re - re;                                                                       \
      y[2 * (h - k) + 1] = im - even_im;                                                                   \
    }                                                                                                      \
  }                                                                                                        \
  /* Twice the halves above: the scale of a transform of n is that of n numbers, not of h pairs. */        \
  static void tangle_##T(size_t h, const T *roots, const T *x, T *z) {                                     \
    for (size_t k = 0; k <= h / 2; ++k) {                                                                  \
      const T *a = x + 2 * k, *b = x + 2 * (h - k), wr = roots[2 * k], wi = -roots[2 * k + 1];             \
      const T a_im = k == 0 ? (T)0 : a[1], b_im = k == 0 ? (T)0 : b[1];                                    \
      const T even_re = a[0] + b[0], even_im = a_im - b_im, gap_re = a[0] - b[0], gap_im = a_im + b_im;    \
      const T odd_re = gap_re * wr - gap_im * wi, odd_im = gap_re * wi + gap_im * wr;                      \
      z[2 * k] = even_re - odd_im;                                                                         \
      z[2 * k + 1] = even_im + odd_re;                                                                     \
      if (k == 0) continue;                                                                                \
      z[2 * (h - k)] = even_re + odd_im;                                                                   \
      z[2 * (h - k) + 1] = odd_re - even_im;                                                               \
    }                                                                                                      \
  }
DEFINE(float)
DEFINE(double)

#define DEFINE_COMPLETE(T)                               \
  static void complete_##T(size_t n, const T *x, T *y) { \
    for (size_t k = 0; k <= n / 2; ++k) {                \
      const bool single = k == 0 || 2 * k == n;          \
      y[2 * k] = x[2 * k];                               \
      y[2 * k + 1] = single ? (T)0 : x[2 * k + 1];       \
      if (single) continue;                              \
      y[2 * (n - k)] = x[2 * k];                         \
      y[2 * (n - k) + 1] = -x[2 * k + 1];                \
    }                                                    \
  }
DEFINE_COMPLETE(float)
DEFINE_COMPLETE(double)

void or_fft_untangle(const or_fft_ops_t *ops, size_t n, const void *roots, const void *z, void *y) {
  if (ops->scalar_bytes == sizeof(double)) {
    untangle_double(n / 2, roots, z, y);
  } else {
    untangle_float(n / 2, roots, z, y);
  }
}

void or_fft_tangle(const or_fft_ops_t *ops, size_t n, const void *roots, const void *x, void *z) {
  if (ops->scalar_bytes == sizeof(double)) {
    tangle_double(n / 2, roots, x, z);
  } else {
    tangle_float(n / 2, roots, x, z);
  }
}

void or_fft_complete(const or_fft_ops_t *ops, size_t n, const void *x, void *y) {
  if (ops->scalar_bytes == sizeof(double)) {
    complete_double(n, x, y);
  } else {
    complete_float(n, x, y);
  }
}
