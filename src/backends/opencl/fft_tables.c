#include "backends/opencl/fft_tables.h"

#include <assert.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

static const double PI = 3.14159265358979323846;

static void put(const or_cl_fft_table_t *table, void *destination, size_t index, double re, double im) {
  if (table->wide) {
    double *to = destination;
    to[2 * index] = re;
    to[2 * index + 1] = im;
  } else {
    float *to = destination;
    to[2 * index] = (float)re;
    to[2 * index + 1] = (float)im;
  }
}

or_status_t or_cl_fft_fill_roots(const void *self, const void *source, void *destination) {
  const or_cl_fft_table_t *table = self;
  (void)source;
  for (size_t k = 0; k < table->count; ++k) {
    double angle = 2 * PI * ((double)k / (double)table->n);
    put(table, destination, k, cos(angle), -sin(angle));
  }
  return or_status_success();
}

/* k * k modulo 2 n keeps the angle small, and exact: k < 2^31. */
static double chirp_angle(size_t k, size_t n) {
  uint64_t square = (uint64_t)k * (uint64_t)k % (2 * (uint64_t)n);
  return PI * ((double)square / (double)n);
}

or_status_t or_cl_fft_fill_chirps(const void *self, const void *source, void *destination) {
  const or_cl_fft_table_t *table = self;
  (void)source;
  for (size_t k = 0; k < table->count; ++k) {
    double angle = chirp_angle(k, table->n);
    put(table, destination, k, cos(angle), -sin(angle));
  }
  return or_status_success();
}

/* Decimation in frequency in place: natural order in, bit-reversed out (Gentleman and Sande). */
static void transform_power_of_two(double *line, size_t n) {
  for (size_t half = n / 2; half > 0; half /= 2) {
    for (size_t j = 0; j < half; ++j) {
      double angle = PI * ((double)j / (double)half), c = cos(angle), s = -sin(angle);
      for (size_t i = j; i < n; i += 2 * half) {
        double *a = line + 2 * i, *b = line + 2 * (i + half), re = a[0] - b[0], im = a[1] - b[1];
        a[0] += b[0];
        a[1] += b[1];
        b[0] = re * c - im * s;
        b[1] = re * s + im * c;
      }
    }
  }
}

or_status_t or_cl_fft_fill_spectrum(const void *self, const void *source, void *destination) {
  const or_cl_fft_table_t *table = self;
  size_t n = table->n, m = table->m;
  (void)source;
  assert(table->work != NULL && (m & (m - 1)) == 0 && m >= 2 * n - 1);
  memset(table->work, 0, 2 * m * sizeof(double));
  for (size_t k = 0; k < n; ++k) {
    double angle = chirp_angle(k, n), *at = table->work + 2 * k, *mirror = table->work + 2 * ((m - k) % m);
    at[0] = mirror[0] = cos(angle) / (double)m;
    at[1] = mirror[1] = sin(angle) / (double)m;
  }
  transform_power_of_two(table->work, m);
  for (size_t i = 0, reversed = 0; i < m; ++i) {
    put(table, destination, i, table->work[2 * reversed], table->work[2 * reversed + 1]);
    size_t bit = m / 2;
    for (; bit > 0 && (reversed & bit) != 0; bit /= 2) reversed ^= bit;
    reversed |= bit;
  }
  return or_status_success();
}
