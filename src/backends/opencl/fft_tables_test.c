#include "backends/opencl/fft_tables.h"

#include <math.h>

#include "base/testing.h"

#define TAU 6.283185307179586476925

static void expect_near(const double *got, double re, double im, double tolerance) {
  assert_true(fabs(got[0] - re) <= tolerance && fabs(got[1] - im) <= tolerance);
}

static void roots_go_once_around(void **state) {
  (void)state;
  double roots[24];
  float narrow[24];
  or_cl_fft_table_t table = {.n = 12, .count = 12, .wide = true};
  expect_ok(or_cl_fft_fill_roots(&table, NULL, roots));
  table.wide = false;
  expect_ok(or_cl_fft_fill_roots(&table, NULL, narrow));
  expect_near(roots, 1, 0, 0);
  expect_near(roots + 2 * 3, 0, -1, 1e-15);
  expect_near(roots + 2 * 8, -0.5, 0.86602540378443865, 1e-15);
  for (size_t i = 0; i < 24; ++i) assert_true(fabs((double)narrow[i] - roots[i]) <= 1e-7);
}

static void chirps_of_long_lines_stay_exact(void **state) {
  (void)state;
  enum { N = 1000003 };
  double *chirps = test_malloc(2 * N * sizeof(double));
  const or_cl_fft_table_t table = {.n = N, .count = N, .wide = true};
  expect_ok(or_cl_fft_fill_chirps(&table, NULL, chirps));
  /* c[n - 1] = exp(-pi i (n - 1)^2 / n), and (n - 1)^2 = n (n - 2) + 1, with n - 2 odd. */
  expect_near(chirps + 2 * (size_t)(N - 1), -cos(TAU / 2 / N), sin(TAU / 2 / N), 1e-15);
  test_free(chirps);
}

static void spectrum_is_the_transform_of_the_chirps(void **state) {
  (void)state;
  enum { N = 11, M = 32 };
  double work[2 * M], spectrum[2 * M];
  const or_cl_fft_table_t table = {.n = N, .m = M, .count = M, .wide = true, .work = work};
  expect_ok(or_cl_fft_fill_spectrum(&table, NULL, spectrum));
  for (int k = 0; k < M; ++k) {
    double re = 0, im = 0;
    for (int j = 1 - N; j < N; ++j) { /* conj c[j], which is even in j */
      double angle = TAU / 2 * j * j / N - TAU * j * k / M;
      re += cos(angle) / M;
      im += sin(angle) / M;
    }
    expect_near(spectrum + 2 * (size_t)k, re, im, 1e-14);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(roots_go_once_around),
      cmocka_unit_test(chirps_of_long_lines_stay_exact),
      cmocka_unit_test(spectrum_is_the_transform_of_the_chirps),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
