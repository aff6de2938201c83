#include "task/run_test_internal.h"

#include <math.h>

static or_difference_t difference(const float *actual, const float *expected, uint64_t count,
                                  or_task_tolerance_t tolerance) {
  or_difference_t out;
  or_task_compare(OR_FLOAT32, actual, expected, count, tolerance, &out);
  return out;
}

static void counts_what_is_beyond_both_tolerances_together(void **state) {
  (void)state;
  static const float expected[] = {0, 100, -100, 4}, actual[] = {0.5f, 101, -98, 4};
  or_difference_t out = difference(actual, expected, 4, (or_task_tolerance_t){.rel = 0.01, .abs = 0.5});
  assert_int_equal(out.count, 4);
  assert_int_equal(out.wrong, 1); /* 0.5 <= 0.5, 1 <= 1.5, 2 > 1.5 */
  assert_int_equal(out.first_wrong, 2);
  assert_true(out.wrong_actual == -98 && out.wrong_expected == -100);
  assert_true(out.max_abs == 2 && fabs(out.max_rel - 0.02) < 1e-12 && fabs(out.mean_abs - 3.5 / 4) < 1e-12);
  out = difference(actual, expected, 4, (or_task_tolerance_t){.rel = 0.02, .abs = 0.5});
  assert_int_equal(out.wrong, 0);
  assert_true(out.first_wrong == UINT64_MAX);
  out = difference(actual, expected, 0, (or_task_tolerance_t){0, 0});
  assert_true(out.count == 0 && out.wrong == 0 && out.mean_abs == 0);
}

static void infinities_and_nan_agree_only_with_their_like(void **state) {
  (void)state;
  static const float values[] = {1, INFINITY, -INFINITY, NAN};
  for (int i = 0; i < 4; ++i) {
    for (int j = 0; j < 4; ++j) {
      or_difference_t out = difference(&values[i], &values[j], 1, (or_task_tolerance_t){.rel = 1e30, .abs = 0.5});
      assert_int_equal(out.wrong, i == j ? 0 : 1);
      assert_true(out.max_abs == 0 && out.max_rel == 0);
    }
  }
}

static or_status_t compare_on_fakes(const or_allocator_t *allocator) {
  static const float one[] = {1, 2}, two[] = {1, 3};
  or_runtime_t *runtime = NULL;
  or_tensor_t *tensors[2] = {NULL, NULL};
  or_difference_t out = {.wrong = 0};
  or_shape_t shape = or_shape_make(1, (int64_t[]){2});
  or_status_t status = open_fakes(allocator, true, &runtime); /* one in the host's memory, the other not */
  if (or_ok(status))
    status = or_tensor_create_from(or_runtime_device(runtime, 0), OR_FLOAT32, shape, one, sizeof one, &tensors[0]);
  if (or_ok(status))
    status = or_tensor_create_from(or_runtime_device(runtime, 1), OR_FLOAT32, shape, two, sizeof two, &tensors[1]);
  for (int i = 0; or_ok(status) && i < 2; ++i) {
    status = or_task_compare_tensors(allocator, tensors[i], tensors[1 - i], (or_task_tolerance_t){0, 0}, &out);
    if (or_ok(status)) assert_true(out.wrong == 1 && out.wrong_actual == 2 + i && out.wrong_expected == 3 - i);
  }
  or_tensor_release(tensors[0]);
  or_tensor_release(tensors[1]);
  or_runtime_release(runtime);
  return status;
}

static void a_cosine_is_of_directions_and_none_of_what_has_no_length(void **state) {
  (void)state;
  static const float rows[] = {3, 4, 40, 30, 0, 0, -6, -8};
  assert_true(fabs(or_task_cosine(OR_FLOAT32, rows, 2, 0, 1) - 24.0 / 25) < 1e-12);
  assert_true(fabs(or_task_cosine(OR_FLOAT32, rows, 2, 0, 3) + 1) < 1e-12);
  assert_true(or_task_cosine(OR_FLOAT32, rows, 2, 0, 2) == 0);
}

static void compares_tensors_wherever_they_are(void **state) {
  (void)state;
  expect_survives_every_failing_allocation(compare_on_fakes);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(counts_what_is_beyond_both_tolerances_together),
      cmocka_unit_test(infinities_and_nan_agree_only_with_their_like),
      cmocka_unit_test(a_cosine_is_of_directions_and_none_of_what_has_no_length),
      cmocka_unit_test(compares_tensors_wherever_they_are),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
