#include <math.h>
#include <string.h>

#include "ops/line_transform_internal.h"

#define TWO_PI 6.28318530717958647692
#define STOP_POINTS ((size_t)4096) /* between two questions whether to stop */
#define DIRECT_MAX 256             /* factors up to this are added up directly */

/* Up to DIRECT_MAX; n itself where there is none. */
static size_t smallest_factor(size_t n) {
  for (size_t p = 2; p <= DIRECT_MAX; ++p) {
    if (n % p == 0) return p;
  }
  return n;
}

static void fill_roots(or_stop_t *stop, double *roots, size_t n, double sign) {
  for (size_t k = 0; k < n && !or_stops(stop, 16); ++k) {
    double angle = TWO_PI * ((double)k / (double)n);
    roots[2 * k] = cos(angle);
    roots[2 * k + 1] = sign * sin(angle);
  }
}

static void times(double *a, const double *b) {
  double re = a[0] * b[0] - a[1] * b[1];
  a[1] = a[0] * b[1] + a[1] * b[0];
  a[0] = re;
}

/* Of a power of two, in place: bits reversed, then pairs, fours, …; conjugate: the exponent's sign is plus. */
static void power_of_two(or_stop_t *stop, size_t n, const double *roots, bool conjugate, double *x) {
  for (size_t i = 1, j = 0; i < n && !or_stops(stop, 2); ++i) {
    size_t bit = n >> 1;
    for (; (j & bit) != 0; bit >>= 1) j ^= bit;
    j |= bit;
    if (i >= j) continue;
    double t[2];
    memcpy(t, x + 2 * i, sizeof t);
    memcpy(x + 2 * i, x + 2 * j, sizeof t);
    memcpy(x + 2 * j, t, sizeof t);
  }
  for (size_t half = 1; half < n; half *= 2) {
    for (size_t first = 0; first < n; first += 2 * half) {
      for (size_t k = 0; k < half; ++k) {
        if (k % STOP_POINTS == 0 && or_stops(stop, half < STOP_POINTS ? half : STOP_POINTS)) return;
        const double *root = roots + 2 * k * (n / (2 * half));
        double *a = x + 2 * (first + k), *b = a + 2 * half, t[2] = {b[0], b[1]};
        times(t, (double[]){root[0], conjugate ? -root[1] : root[1]});
        b[0] = a[0] - t[0];
        b[1] = a[1] - t[1];
        a[0] += t[0];
        a[1] += t[1];
      }
    }
  }
}

/* exp(-+ pi i j j / p) = chirp[j]: then j k = (j j + k k - (k - j)(k - j)) / 2 makes the transform a convolution. */
static or_status_t prepare_convolution(or_line_transform_t *transform, double sign) {
  size_t p = transform->rest, m = 1;
  void *memory = NULL;
  while (m < 2 * p) m *= 2;
  transform->m = m;
  or_status_t status = or_alloc_zeroed(transform->allocator, (p + 3 * m) * 2 * sizeof(double), &memory);
  if (!or_ok(status)) return status;
  transform->chirp = memory;
  transform->filter = transform->chirp + 2 * p;
  transform->long_roots = transform->filter + 2 * m;
  transform->scratch = transform->long_roots + 2 * m;
  fill_roots(transform->stop, transform->long_roots, m, -1);
  for (size_t j = 0, square = 0; j < p; square = (square + 2 * j + 1) % (2 * p), ++j) {
    if (or_stops(transform->stop, 16)) break;
    double angle = TWO_PI * ((double)square / (double)(2 * p));
    double *chirp = transform->chirp + 2 * j, conjugate[2] = {cos(angle), -sign * sin(angle)};
    chirp[0] = conjugate[0];
    chirp[1] = -conjugate[1];
    memcpy(transform->filter + 2 * j, conjugate, sizeof conjugate);
    if (j > 0) memcpy(transform->filter + 2 * (m - j), conjugate, sizeof conjugate);
  }
  power_of_two(transform->stop, m, transform->long_roots, false, transform->filter);
  return status;
}

or_status_t or_line_transform_init(or_line_transform_t *transform, const or_allocator_t *allocator, size_t n,
                                   bool inverse, or_stop_t *stop) {
  void *memory = NULL;
  double sign = inverse ? 1 : -1;
  *transform = (or_line_transform_t){.allocator = allocator, .stop = stop, .n = n};
  or_status_t status = or_alloc(allocator, n * 2 * sizeof(double), &memory);
  if (!or_ok(status)) return status;
  transform->roots = memory;
  fill_roots(transform->stop, transform->roots, n, sign);
  size_t rest = n;
  while (rest > DIRECT_MAX && smallest_factor(rest) <= DIRECT_MAX) rest /= smallest_factor(rest);
  if (rest > DIRECT_MAX) transform->rest = rest;
  return transform->rest > 0 ? prepare_convolution(transform, sign) : status;
}

void or_line_transform_deinit(or_line_transform_t *transform) {
  or_free(transform->allocator, transform->roots);
  or_free(transform->allocator, transform->chirp);
}

static void convolve(const or_line_transform_t *transform, const double *in, size_t step, double *out) {
  size_t p = transform->rest, m = transform->m;
  double *x = transform->scratch;
  memset(x, 0, m * 2 * sizeof(double));
  for (size_t j = 0; j < p; ++j) {
    memcpy(x + 2 * j, in + 2 * j * step, 2 * sizeof(double));
    times(x + 2 * j, transform->chirp + 2 * j);
  }
  power_of_two(transform->stop, m, transform->long_roots, false, x);
  for (size_t j = 0; j < m; ++j) times(x + 2 * j, transform->filter + 2 * j);
  power_of_two(transform->stop, m, transform->long_roots, true, x);
  for (size_t j = 0; j < p; ++j) {
    out[2 * j] = x[2 * j] / (double)m;
    out[2 * j + 1] = x[2 * j + 1] / (double)m;
    times(out + 2 * j, transform->chirp + 2 * j);
  }
}

/* n divides transform->n. Depth: one a prime factor. */
static void divide(const or_line_transform_t *transform, size_t n, const double *in, size_t step, double *out) {
  if (n == 1) {
    memcpy(out, in, 2 * sizeof(double));
    return;
  }
  if (n == transform->rest) {
    convolve(transform, in, step, out);
    return;
  }
  size_t p = smallest_factor(n), m = n / p, ratio = transform->n / n;
  for (size_t r = 0; r < p; ++r) divide(transform, m, in + 2 * r * step, step * p, out + 2 * r * m);
  for (size_t k = 0; k < m && !or_stops(transform->stop, p * p); ++k) {
    double t[2 * DIRECT_MAX];
    for (size_t r = 0; r < p; ++r) {
      memcpy(t + 2 * r, out + 2 * (r * m + k), 2 * sizeof(double));
      times(t + 2 * r, transform->roots + 2 * (r * k % n * ratio));
    }
    for (size_t q = 0; q < p; ++q) {
      double re = 0, im = 0;
      for (size_t r = 0; r < p; ++r) {
        const double *root = transform->roots + 2 * (r * q % p * m * ratio), *a = t + 2 * r;
        re += a[0] * root[0] - a[1] * root[1];
        im += a[0] * root[1] + a[1] * root[0];
      }
      out[2 * (q * m + k)] = re;
      out[2 * (q * m + k) + 1] = im;
    }
  }
}

void or_line_transform_run(const or_line_transform_t *transform, const double *in, size_t step, double *out) {
  divide(transform, transform->n, in, step, out);
}
