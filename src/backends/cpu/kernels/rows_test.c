#include "backends/cpu/kernels/kernels_test_internal.h"

/* Softmax of a line of n elements `stride` apart, in double. */
static void exact_softmax(size_t n, const float *x, size_t stride, double *y, bool logarithm) {
  double top = -INFINITY, sum = 0.0;
  for (size_t i = 0; i < n; ++i) top = fmax(top, (double)x[i * stride]);
  for (size_t i = 0; i < n; ++i) sum += exp((double)x[i * stride] - top);
  for (size_t i = 0; i < n; ++i) {
    const double shifted = (double)x[i * stride] - top;
    y[i] = logarithm ? shifted - log(sum) : exp(shifted) / sum;
  }
}

static void assert_near(const or_cpu_kernels_t *kernels, const char *what, double got, double want, double relative,
                        double absolute) {
  if (!(fabs(got - want) <= relative * fabs(want) + absolute)) {
    fail_msg("%s %s is %.9g, not %.9g", kernels->name, what, got, want);
  }
}

static void normalises_rows_to_a_distribution(void **state) {
  (void)state;
  static double want[4099];
  FOR_EACH_LEVEL(kernels) {
    for (size_t l = 1; l < TEST_LENGTHS; ++l) {
      const size_t n = test_lengths[l], ld = n + 3, count = 2 * ld + n;
      float *x = test_buffer(0, count * sizeof(float)), *y = test_buffer(1, count * sizeof(float));
      test_fill(x, count, (uint32_t)l);
      for (size_t i = 0; i < count; ++i) x[i] *= 20.0f;
      for (int logarithm = 0; logarithm < 2; ++logarithm) {
        (logarithm ? kernels->rows.log_softmax : kernels->rows.softmax)(3, n, x, ld, y, ld);
        for (size_t row = 0; row < 3; ++row) {
          exact_softmax(n, x + row * ld, 1, want, logarithm);
          for (size_t i = 0; i < n; ++i) {
            assert_near(kernels, "softmax", (double)y[row * ld + i], want[i], 5e-6, logarithm ? 5e-6 : 1e-37);
          }
        }
        assert_true(test_untouched(y));
      }
      memcpy(y, x, count * sizeof(float));
      kernels->rows.softmax(3, n, y, ld, y, ld); /* in place */
      exact_softmax(n, x + 2 * ld, 1, want, false);
      for (size_t i = 0; i < n; ++i)
        assert_near(kernels, "softmax in place", (double)y[2 * ld + i], want[i], 5e-6, 1e-37);
    }
  }
}

static void normalises_columns_to_a_distribution(void **state) {
  (void)state;
  double want[33];
  FOR_EACH_LEVEL(kernels) {
    for (size_t l = 1; l < 26; ++l) {
      const size_t columns = test_lengths[l], ld = columns + 2, k = 33, count = (k - 1) * ld + columns;
      float *x = test_buffer(0, count * sizeof(float)), *y = test_buffer(1, count * sizeof(float));
      test_fill(x, count, (uint32_t)l);
      for (size_t i = 0; i < count; ++i) x[i] *= 20.0f;
      for (int logarithm = 0; logarithm < 2; ++logarithm) {
        (logarithm ? kernels->rows.log_softmax_columns : kernels->rows.softmax_columns)(k, columns, x, y, ld);
        for (size_t j = 0; j < columns; ++j) {
          exact_softmax(k, x + j, ld, want, logarithm);
          for (size_t i = 0; i < k; ++i) {
            assert_near(kernels, "column softmax", (double)y[i * ld + j], want[i], 5e-6, logarithm ? 5e-6 : 1e-37);
          }
        }
        assert_true(test_untouched(y));
      }
    }
  }
}

/* Three blocks of a row, of which the middle one is -inf throughout, against the softmax of all. */
static void carries_a_softmax_on_from_block_to_block(void **state) {
  (void)state;
  static double want[4099];
  FOR_EACH_LEVEL(kernels) {
    for (size_t l = 3; l < TEST_LENGTHS; ++l) {
      const size_t n = test_lengths[l], cuts[] = {0, n / 3, n / 3 * 2, n};
      float *x = test_buffer(0, 2 * n * sizeof(float)), max[2] = {-INFINITY, -INFINITY}, scale[3][2];
      double sum[2] = {0.0, 0.0};
      test_fill(x, 2 * n, (uint32_t)l);
      for (size_t i = 0; i < 2 * n; ++i) x[i] = i >= n + cuts[1] && i < n + cuts[2] ? -INFINITY : x[i] * 20.0f;
      exact_softmax(n, x + n, 1, want, false);
      for (size_t block = 0; block < 3; ++block) {
        kernels->rows.softmax_step(2, cuts[block + 1] - cuts[block], x + cuts[block], n, max, sum, scale[block]);
      }
      for (size_t i = 0; i < n; ++i) {
        size_t block = i < cuts[1] ? 0 : i < cuts[2] ? 1 : 2;
        double got = (double)x[n + i] / sum[1];
        for (size_t later = block + 1; later < 3; ++later) got *= (double)scale[later][1];
        assert_near(kernels, "softmax in blocks", got, want[i], 5e-6, 1e-37);
      }
      assert_true(test_untouched(x));
    }
    float hidden[20], max = -INFINITY, scale = 0.0f;
    double sum = 0.0;
    for (size_t i = 0; i < 20; ++i) hidden[i] = -INFINITY;
    kernels->rows.softmax_step(1, 20, hidden, 20, &max, &sum, &scale);
    for (size_t i = 0; i < 20; ++i) assert_true(hidden[i] == 0.0f);
    assert_true(sum == 0.0 && scale == 1.0f && max == -INFINITY);
    hidden[3] = NAN;
    kernels->rows.softmax_step(1, 20, hidden, 20, &max, &sum, &scale);
    assert_true(isnan(sum));
  }
}

static void masks_with_minus_infinity_and_shows_nan(void **state) {
  (void)state;
  FOR_EACH_LEVEL(kernels) {
    float x[40], y[40];
    for (size_t i = 0; i < 40; ++i) x[i] = i < 10 ? 1.0f : -INFINITY;
    kernels->rows.softmax(1, 40, x, 40, y, 40);
    for (size_t i = 0; i < 40; ++i) assert_near(kernels, "masked", (double)y[i], i < 10 ? 0.1 : 0.0, 1e-6, 0.0);
    kernels->rows.softmax_columns(40, 1, x, y, 1);
    for (size_t i = 0; i < 40; ++i) assert_near(kernels, "masked column", (double)y[i], i < 10 ? 0.1 : 0.0, 1e-6, 0.0);
    x[20] = NAN;
    kernels->rows.softmax(1, 40, x, 40, y, 40);
    for (size_t i = 0; i < 40; ++i) assert_true(isnan(y[i]));
    kernels->rows.softmax_columns(40, 1, x, y, 1);
    for (size_t i = 0; i < 40; ++i) assert_true(isnan(y[i]));
    for (size_t i = 0; i < 40; ++i) x[i] = 1e30f; /* the maximum is taken off before e^x */
    kernels->rows.softmax(1, 40, x, 40, y, 40);
    for (size_t i = 0; i < 40; ++i) assert_near(kernels, "large", (double)y[i], 1.0 / 40.0, 1e-6, 0.0);
  }
}

static void check_layer_norm(const or_cpu_kernels_t *kernels, size_t n, bool parameters, bool root_mean_square,
                             float offset) {
  const size_t x_ld = n + 1, y_ld = n + 4;
  float *x = test_buffer(0, (x_ld + n) * sizeof(float)), *y = test_buffer(1, (y_ld + n) * sizeof(float));
  float *scale = test_buffer(2, n * sizeof(float)), *bias = test_buffer(3, n * sizeof(float)), mean[2], inv_std[2];
  test_fill(x, x_ld + n, 5);
  test_fill(scale, n, 6);
  test_fill(bias, n, 7);
  for (size_t i = 0; i < x_ld + n; ++i) x[i] += offset;
  const or_cpu_layer_norm_t norm = {.n = n,
                                    .x_ld = x_ld,
                                    .y_ld = y_ld,
                                    .eps = 1e-5f,
                                    .scale = parameters ? scale : NULL,
                                    .bias = parameters ? bias : NULL,
                                    .mean = mean,
                                    .inv_std = inv_std,
                                    .root_mean_square = root_mean_square};
  kernels->rows.layer_norm(&norm, 2, x, y);
  for (size_t row = 0; row < 2; ++row) {
    double sum = 0.0, squares = 0.0;
    for (size_t i = 0; i < n; ++i) sum += (double)x[row * x_ld + i];
    const double centre = root_mean_square ? 0.0 : sum / (double)n;
    for (size_t i = 0; i < n; ++i) squares += pow((double)x[row * x_ld + i] - centre, 2.0);
    const double factor = 1.0 / sqrt(squares / (double)n + (double)1e-5f);
    assert_near(kernels, "mean", (double)mean[row], centre, 1e-6, 1e-7);
    /* A rounded mean moves every element by up to half its last place. */
    const double rounding = (fabs(centre) * 1.2e-7 + 1e-6) * factor;
    assert_near(kernels, "inverse deviation", (double)inv_std[row], factor, 1e-5 + rounding, 0.0);
    for (size_t i = 0; i < n; ++i) {
      double want = ((double)x[row * x_ld + i] - centre) * factor;
      if (parameters) want = want * (double)scale[i] + (double)bias[i];
      assert_near(kernels, "layer norm", (double)y[row * y_ld + i], want, 1e-5, rounding + 1e-6);
    }
  }
  assert_true(test_untouched(y));
}

static void normalises_rows_to_mean_zero_and_variance_one(void **state) {
  (void)state;
  FOR_EACH_LEVEL(kernels) {
    for (size_t l = 1; l < TEST_LENGTHS; ++l) {
      check_layer_norm(kernels, test_lengths[l], l % 2, false, 0.0f);
      check_layer_norm(kernels, test_lengths[l], true, true, 0.5f);
      check_layer_norm(kernels, test_lengths[l], true, false, 300.0f); /* a large mean must not eat the variance */
    }
  }
}

static void reduces_rows_and_columns(void **state) {
  (void)state;
  FOR_EACH_LEVEL(kernels) {
    for (size_t l = 1; l < TEST_LENGTHS; ++l) {
      for (size_t rows = 1; rows < 140; rows = rows * 3 + 1) {
        const size_t columns = test_lengths[l], ld = columns + 1, count = (rows - 1) * ld + columns;
        float *x = test_buffer(0, count * sizeof(float));
        float *by_row = test_buffer(1, rows * sizeof(float)), *by_column = test_buffer(2, columns * sizeof(float));
        test_fill(x, count, (uint32_t)l);
        for (int op = 0; op < OR_CPU_REDUCE_COUNT; ++op) {
          kernels->rows.reduce_rows[op](rows, columns, x, ld, by_row);
          kernels->rows.reduce_columns[op](rows, columns, x, ld, by_column);
          for (int across = 0; across < 2; ++across) {
            const size_t lines = across ? columns : rows, length = across ? rows : columns;
            for (size_t line = 0; line < lines; line += 1 + lines / 20) {
              double sum = 0.0, high = -INFINITY, low = INFINITY, size = 0.0;
              for (size_t i = 0; i < length; ++i) {
                const double value = (double)x[across ? i * ld + line : line * ld + i];
                sum += value;
                size += fabs(value);
                high = fmax(high, value);
                low = fmin(low, value);
              }
              const double want = op == OR_CPU_REDUCE_SUM    ? sum
                                  : op == OR_CPU_REDUCE_MEAN ? sum / (double)length
                                  : op == OR_CPU_REDUCE_MAX  ? high
                                                             : low;
              const double scale = op == OR_CPU_REDUCE_SUM    ? size
                                   : op == OR_CPU_REDUCE_MEAN ? size / (double)length
                                                              : 0.0;
              assert_near(kernels, "reduction", (double)(across ? by_column : by_row)[line], want, 1e-7, 1e-6 * scale);
            }
          }
        }
        assert_true(test_untouched(by_row) && test_untouched(by_column));
      }
    }
  }
}

static void reductions_of_columns_show_nan(void **state) {
  (void)state;
  FOR_EACH_LEVEL(kernels) {
    float x[5 * 37], y[37];
    test_fill(x, 5 * 37, 1);
    x[3 * 37 + 20] = NAN;
    for (int op = 0; op < OR_CPU_REDUCE_COUNT; ++op) {
      kernels->rows.reduce_columns[op](5, 37, x, 37, y);
      for (size_t i = 0; i < 37; ++i) assert_true((i == 20) == (isnan(y[i]) != 0));
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(normalises_rows_to_a_distribution),
      cmocka_unit_test(normalises_columns_to_a_distribution),
      cmocka_unit_test(carries_a_softmax_on_from_block_to_block),
      cmocka_unit_test(masks_with_minus_infinity_and_shows_nan),
      cmocka_unit_test(normalises_rows_to_mean_zero_and_variance_one),
      cmocka_unit_test(reduces_rows_and_columns),
      cmocka_unit_test(reductions_of_columns_show_nan),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
