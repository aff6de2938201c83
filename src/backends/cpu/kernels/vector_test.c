#include "backends/cpu/kernels/kernels_test_internal.h"

/* Both element types run the same checks: V(name) is the table's member. */
static double exact_binary(or_cpu_binary_t op, double a, double b) {
  switch (op) {
  case OR_CPU_BINARY_ADD: return a + b;
  case OR_CPU_BINARY_SUB: return a - b;
  case OR_CPU_BINARY_MUL: return a * b;
  case OR_CPU_BINARY_DIV: return a / b;
  case OR_CPU_BINARY_MAX: return isnan(a) || isnan(b) ? NAN : a > b ? a : b;
  default: return isnan(a) || isnan(b) ? NAN : a < b ? a : b;
  }
}

#define DEFINE_CHECKS(T, V)                                                                                       \
  static void fill_##V(T *x, size_t n, uint32_t seed) {                                                           \
    uint32_t state = seed * 2654435761u + 1;                                                                      \
    for (size_t i = 0; i < n; ++i) x[i] = (T)test_uniform(&state) + (T)0.0078125;                                 \
  }                                                                                                               \
  static void specials_##V(T *x, size_t n, size_t at) {                                                           \
    if (n > 6) {                                                                                                  \
      x[at % n] = (T)NAN;                                                                                         \
      x[(at + 3) % n] = (T)INFINITY;                                                                              \
      x[(at + 5) % n] = (T)-INFINITY;                                                                             \
    }                                                                                                             \
  }                                                                                                               \
  static bool same_##V(T got, T want) { return isnan(want) ? isnan(got) : got == want; }                          \
  static void combine_##V(const or_cpu_kernels_t *kernels, size_t n, bool stream) {                               \
    T *x = test_buffer(0, n * sizeof(T)), *y = test_buffer(1, n * sizeof(T)), *z = test_buffer(2, n * sizeof(T)); \
    fill_##V(x, n, 1);                                                                                            \
    fill_##V(y, n, 2);                                                                                            \
    specials_##V(x, n, 1);                                                                                        \
    specials_##V(y, n, 2);                                                                                        \
    for (int op = 0; op < OR_CPU_BINARY_COUNT; ++op) {                                                            \
      for (int form = 0; form < OR_CPU_FORM_COUNT; ++form) {                                                      \
        T scalar = (T)0.375;                                                                                      \
        const T *a = form == OR_CPU_SCALAR_VECTOR ? &scalar : x, *b = form == OR_CPU_VECTOR_SCALAR ? &scalar : y; \
        kernels->V.binary[op][form](n, a, b, z, stream);                                                          \
        for (size_t i = 0; i < n; ++i) {                                                                          \
          T want = (T)exact_binary((or_cpu_binary_t)op, (double)(a == &scalar ? scalar : a[i]),                   \
                                   (double)(b == &scalar ? scalar : b[i]));                                       \
          if (!same_##V(z[i], want)) {                                                                            \
            fail_msg("%s op %d form %d n %zu: z[%zu] is %.17g, not %.17g", kernels->name, op, form, n, i,         \
                     (double)z[i], (double)want);                                                                 \
          }                                                                                                       \
        }                                                                                                         \
        assert_true(test_untouched(z));                                                                           \
      }                                                                                                           \
    }                                                                                                             \
    kernels->V.binary[OR_CPU_BINARY_SUB][OR_CPU_VECTOR_VECTOR](n, x, y, z, stream);                               \
    kernels->V.binary[OR_CPU_BINARY_SUB][OR_CPU_VECTOR_VECTOR](n, x, y, x, stream);                               \
    for (size_t i = 0; i < n; ++i) assert_true(same_##V(x[i], z[i])); /* in place */                              \
  }                                                                                                               \
  static void linear_##V(const or_cpu_kernels_t *kernels, size_t n, bool stream, double unit) {                   \
    T *x = test_buffer(0, n * sizeof(T)), *y = test_buffer(1, n * sizeof(T)), *z = test_buffer(2, n * sizeof(T)); \
    fill_##V(x, n, 1);                                                                                            \
    fill_##V(y, n, 2);                                                                                            \
    const T alpha = (T)0.7;                                                                                       \
    kernels->V.triad(n, alpha, x, y, z, stream);                                                                  \
    for (size_t i = 0; i < n; ++i) {                                                                              \
      assert_true(fabs((double)z[i] - ((double)x[i] + (double)alpha * (double)y[i])) <= 2.0 * unit);              \
    }                                                                                                             \
    kernels->V.scale(n, alpha, x, z, stream);                                                                     \
    for (size_t i = 0; i < n; ++i) assert_true(z[i] == alpha * x[i]);                                             \
    memcpy(z, y, n * sizeof(T));                                                                                  \
    kernels->V.axpy(n, alpha, x, z);                                                                              \
    for (size_t i = 0; i < n; ++i) {                                                                              \
      assert_true(fabs((double)z[i] - ((double)y[i] + (double)alpha * (double)x[i])) <= 2.0 * unit);              \
    }                                                                                                             \
    kernels->V.fill(n, alpha, z, stream);                                                                         \
    for (size_t i = 0; i < n; ++i) assert_true(z[i] == alpha);                                                    \
    assert_true(test_untouched(z));                                                                               \
  }

#define DEFINE_REDUCTIONS(T, V)                                                                                   \
  static void reduce_##V(const or_cpu_kernels_t *kernels, size_t n, double unit) {                                \
    T *x = test_buffer(0, n * sizeof(T)), *y = test_buffer(1, n * sizeof(T));                                     \
    fill_##V(x, n, 1);                                                                                            \
    fill_##V(y, n, 2);                                                                                            \
    double dot = 0.0, sum = 0.0, squares = 0.0, products = 0.0, sizes = 0.0, high = -INFINITY, low = INFINITY,    \
           top = 0.0;                                                                                             \
    for (size_t i = 0; i < n; ++i) {                                                                              \
      const double a = (double)x[i], b = (double)y[i];                                                            \
      dot += a * b;                                                                                               \
      products += fabs(a * b);                                                                                    \
      sum += a;                                                                                                   \
      sizes += fabs(a);                                                                                           \
      squares += a * a;                                                                                           \
      high = fmax(high, a);                                                                                       \
      low = fmin(low, a);                                                                                         \
      top = fmax(top, fabs(a));                                                                                   \
    }                                                                                                             \
    assert_true(fabs(kernels->V.dot(n, x, y) - dot) <= 4.0 * unit * products);                                    \
    assert_true(fabs(kernels->V.sum(n, x) - sum) <= 4.0 * unit * sizes);                                          \
    assert_true(fabs(kernels->V.sum_squares(n, x) - squares) <= 1e-12 * squares);                                 \
    assert_true((double)kernels->V.max(n, x) == high);                                                            \
    assert_true((double)kernels->V.min(n, x) == low);                                                             \
    assert_true((double)kernels->V.abs_max(n, x) == top);                                                         \
    for (size_t i = 0; i < n; i += 1 + n / 50) { /* NaN anywhere shows */                                         \
      const T old = x[i];                                                                                         \
      x[i] = (T)NAN;                                                                                              \
      assert_true(isnan(kernels->V.max(n, x)) && isnan(kernels->V.min(n, x)) && isnan(kernels->V.abs_max(n, x))); \
      assert_true(isnan(kernels->V.sum(n, x)) && isnan(kernels->V.dot(n, x, y)));                                 \
      x[i] = (T)-INFINITY;                                                                                        \
      assert_true((double)kernels->V.min(n, x) == -INFINITY && (double)kernels->V.abs_max(n, x) == INFINITY);     \
      x[i] = old;                                                                                                 \
    }                                                                                                             \
  }
DEFINE_CHECKS(float, f32)
DEFINE_CHECKS(double, f64)
DEFINE_REDUCTIONS(float, f32)
DEFINE_REDUCTIONS(double, f64)

static void combines_vectors_and_scalars(void **state) {
  (void)state;
  FOR_EACH_LEVEL(kernels) {
    for (size_t l = 0; l < TEST_LENGTHS; ++l) {
      combine_f32(kernels, test_lengths[l], l % 2);
      combine_f64(kernels, test_lengths[l], l % 2);
    }
  }
}

static void scales_and_adds(void **state) {
  (void)state;
  FOR_EACH_LEVEL(kernels) {
    for (size_t l = 0; l < 2 * TEST_LENGTHS; ++l) {
      linear_f32(kernels, test_lengths[l / 2], l % 2, 1.2e-7);
      linear_f64(kernels, test_lengths[l / 2], l % 2, 2.3e-16);
    }
  }
}

static void sums_to_the_precision_of_double_across_blocks(void **state) {
  (void)state;
  FOR_EACH_LEVEL(kernels) {
    for (size_t l = 0; l < TEST_LENGTHS; ++l) {
      reduce_f32(kernels, test_lengths[l], 1.2e-7);
      reduce_f64(kernels, test_lengths[l], 2.3e-16);
    }
  }
}

static void sums_a_million_tenths_without_drift(void **state) {
  (void)state;
  enum { COUNT = 1000003 };
  float *x = test_buffer(0, COUNT * sizeof(float));
  for (size_t i = 0; i < COUNT; ++i) x[i] = 0.1f;
  FOR_EACH_LEVEL(kernels) {
    assert_true(fabs(kernels->f32.sum(COUNT, x) / ((double)0.1f * COUNT) - 1.0) < 1e-6);
    assert_true(fabs(kernels->f32.dot(COUNT, x, x) / ((double)0.1f * (double)0.1f * COUNT) - 1.0) < 1e-6);
  }
}

static void squares_large_floats_without_overflow(void **state) {
  (void)state;
  const float x[3] = {3e30f, -4e30f, 0.0f};
  FOR_EACH_LEVEL(kernels) assert_true(fabs(sqrt(kernels->f32.sum_squares(3, x)) / 5e30 - 1.0) < 1e-6);
}

static void reads_a_scalar_that_the_result_overwrites(void **state) {
  (void)state;
  FOR_EACH_LEVEL(kernels) {
    float x[50];
    for (size_t i = 0; i < 50; ++i) x[i] = (float)i + 2.0f;
    kernels->f32.binary[OR_CPU_BINARY_MUL][OR_CPU_VECTOR_SCALAR](50, x, &x[0], x, false);
    for (size_t i = 0; i < 50; ++i) assert_true(x[i] == 2.0f * ((float)i + 2.0f));
  }
}

static void copies_any_bytes_at_any_offset(void **state) {
  (void)state;
  FOR_EACH_LEVEL(kernels) {
    for (size_t bytes = 0; bytes < 700; bytes += 1 + bytes / 9) {
      for (size_t offset = 0; offset < 33; offset += 11) {
        unsigned char *x = test_buffer(0, bytes + 40), *y = test_buffer(1, bytes);
        for (size_t i = 0; i < bytes + 40; ++i) x[i] = (unsigned char)(i * 7 + 1);
        for (int stream = 0; stream < 2; ++stream) {
          memset(y, 0, bytes);
          kernels->copy(bytes, x + offset, y, stream);
          assert_memory_equal(y, x + offset, bytes);
          assert_true(test_untouched(y));
        }
      }
    }
  }
}

static void measures_with_loops_that_count_their_operations(void **state) {
  (void)state;
  FOR_EACH_LEVEL(kernels) {
    float x[1000];
    for (size_t i = 0; i < 1000; ++i) x[i] = 0.5f;
    assert_true(kernels->measure.read_sum(1000, x) == 500.0);
    assert_int_equal(kernels->measure.peak_f32(10), 10 * 12 * 2 * kernels->vector_bytes / 4);
    assert_int_equal(kernels->measure.peak_f64(10), 10 * 12 * 2 * kernels->vector_bytes / 8);
    if (kernels->measure.peak_bf16 != NULL) assert_true(kernels->measure.peak_bf16(10) > 0);
    if (kernels->measure.peak_int8 != NULL) assert_true(kernels->measure.peak_int8(10) > 0);
  }
}

static void selects_the_best_level_within_the_allowed_features(void **state) {
  (void)state;
  assert_string_equal(or_cpu_kernels_select(0)->name, "portable");
  for (size_t i = 0; or_cpu_kernels_level(i) != NULL; ++i) {
    const or_cpu_kernels_t *level = or_cpu_kernels_level(i);
    assert_ptr_equal(or_cpu_kernels_select(level->needs), level);
  }
  const or_cpu_kernels_t *best = or_cpu_kernels_select(or_cpu_features_detect());
  assert_int_equal(best->needs & ~or_cpu_features_detect(), 0);
  for (unsigned i = 0; i < OR_CPU_FEATURE_COUNT; ++i) assert_non_null(or_cpu_feature_name(i));
  assert_null(or_cpu_feature_name(OR_CPU_FEATURE_COUNT));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(combines_vectors_and_scalars),
      cmocka_unit_test(scales_and_adds),
      cmocka_unit_test(sums_to_the_precision_of_double_across_blocks),
      cmocka_unit_test(sums_a_million_tenths_without_drift),
      cmocka_unit_test(squares_large_floats_without_overflow),
      cmocka_unit_test(reads_a_scalar_that_the_result_overwrites),
      cmocka_unit_test(copies_any_bytes_at_any_offset),
      cmocka_unit_test(measures_with_loops_that_count_their_operations),
      cmocka_unit_test(selects_the_best_level_within_the_allowed_features),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
