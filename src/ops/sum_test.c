#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ops/call_fixture_template.h"

static void adds_and_averages_broadcast_tensors(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "Sum", 13);
  call_input(&f, OR_FLOAT32, SHAPE(2, 2), ((float[]){1, 2, 3, 4}));
  call_input(&f, OR_FLOAT32, SHAPE(2), ((float[]){10, 20}));
  call_input(&f, OR_FLOAT32, SCALAR, ((float[]){100}));
  call_run(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(2, 2));
  expect_doubles(&f, 0, 0, DOUBLES(111, 122, 113, 124));
  call_deinit(&f);

  call_init(&f, "", "Mean", 13);
  call_input(&f, OR_FLOAT32, SHAPE(2), ((float[]){1, 2}));
  call_input(&f, OR_FLOAT32, SHAPE(2), ((float[]){3, 6}));
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(2, 4));
  call_deinit(&f);

  call_init(&f, "", "Sum", 8);
  call_input(&f, OR_FLOAT32, SHAPE(1), ((float[]){1}));
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(1));
  call_deinit(&f);

  call_init(&f, "", "Mean", 13);
  call_input(&f, OR_FLOAT32, SHAPE(0), ((float[]){0}));
  call_input(&f, OR_FLOAT32, SHAPE(1), ((float[]){1}));
  call_run(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(0));
  call_deinit(&f);
}

static void refuses_mixed_dtypes(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "Sum", 13);
  call_input(&f, OR_FLOAT32, SHAPE(1), ((float[]){1}));
  call_input(&f, OR_FLOAT64, SHAPE(1), NULL);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "input 1");
  call_deinit(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(adds_and_averages_broadcast_tensors),
      cmocka_unit_test(refuses_mixed_dtypes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
