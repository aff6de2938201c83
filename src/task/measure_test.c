/* Generated inputs. */
#include "base/testing.h"

#include "base/numbers.h"
#include "openruntime/runtime.h"
#include "task/task_internal.h"

#define COUNT ((size_t)(1 << 22) + 5) /* more than one piece */

static void generates_the_numbers_of_one_sequence_however_many_there_are(void **state) {
  or_runtime_t *runtime = NULL;
  or_device_t *device = NULL;
  or_tensor_t *tensor = NULL;
  (void)state;
  expect_ok(or_runtime_create(NULL, &runtime));
  expect_ok(or_runtime_find_device(runtime, "cpu", &device));
  expect_ok(or_task_generate(device, OR_FLOAT32, or_shape_make(1, (int64_t[]){(int64_t)COUNT}), 7, NULL, &tensor));
  const float *numbers = or_tensor_data(tensor);
  or_random_t random = {7};
  for (size_t i = 0; i < COUNT; ++i) {
    assert_true(numbers[i] == (float)(or_random_next(&random) >> 40) * 0x1p-23F - 1.0F);
  }
  or_tensor_release(tensor);
  or_runtime_release(runtime);
}

static void ends_the_generation_of_a_cancelled_task(void **state) {
  or_runtime_t *runtime = NULL;
  or_device_t *device = NULL;
  or_tensor_t *tensor = NULL;
  or_cancel_t cancel;
  (void)state;
  or_cancel_init(&cancel, INT64_MAX);
  or_cancel_request(&cancel);
  expect_ok(or_runtime_create(NULL, &runtime));
  expect_ok(or_runtime_find_device(runtime, "cpu", &device));
  expect_failure(or_task_generate(device, OR_INT8, or_shape_make(1, (int64_t[]){64}), 7, &cancel, &tensor),
                 OR_CANCELLED, "cancelled");
  assert_null(tensor);
  or_runtime_release(runtime);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(generates_the_numbers_of_one_sequence_however_many_there_are),
      cmocka_unit_test(ends_the_generation_of_a_cancelled_task),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
