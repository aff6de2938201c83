#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ops/call_fixture_template.h"

static void marks_each_index(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "OneHot", 11);
  call_input(&f, OR_INT64, SHAPE(3), ((int64_t[]){1, -1, 7}));
  call_input(&f, OR_INT64, SCALAR, ((int64_t[]){3}));
  call_input(&f, OR_FLOAT32, SHAPE(2), ((float[]){2, 5}));
  call_run(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(3, 3));
  expect_doubles(&f, 0, 0, DOUBLES(2, 5, 2, 2, 2, 5, 2, 2, 2));
  call_deinit(&f);

  call_init(&f, "", "OneHot", 28);
  call_input(&f, OR_INT64, SHAPE(2), ((int64_t[]){0, 1}));
  call_input(&f, OR_FLOAT32, SCALAR, ((float[]){2}));
  call_input(&f, OR_FLOAT32, SHAPE(2), ((float[]){2, 5}));
  call_int(&f, "axis", 0);
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(5, 2, 2, 5));
  call_deinit(&f);

  call_init(&f, "", "OneHot", 9);
  call_input(&f, OR_INT64, SHAPE(1), ((int64_t[]){-1}));
  call_input(&f, OR_INT64, SCALAR, ((int64_t[]){2}));
  call_input(&f, OR_FLOAT32, SHAPE(2), ((float[]){2, 5}));
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(2, 2));
  call_deinit(&f);

  call_init(&f, "", "OneHot", 11);
  call_input(&f, OR_FLOAT32, SHAPE(1), ((float[]){1.75F}));
  call_input(&f, OR_INT32, SCALAR, ((int32_t[]){3}));
  call_input(&f, OR_BOOL, SHAPE(2), ((uint8_t[]){0, 1}));
  call_run(&f, 1);
  expect_shape(&f, 0, OR_BOOL, SHAPE(1, 3));
  expect_ints(&f, 0, INTS(0, 1, 0));
  call_deinit(&f);
}

static void leaves_an_unknown_depth_open(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "OneHot", 11);
  call_input(&f, OR_INT64, SHAPE(SYMBOL(0)), NULL);
  call_input(&f, OR_INT64, SCALAR, NULL);
  call_input(&f, OR_FLOAT32, SHAPE(2), NULL);
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(SYMBOL(0), UNKNOWN));
  call_deinit(&f);
}

static void refuses_what_does_not_fit(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "OneHot", 11);
  call_input(&f, OR_INT64, SHAPE(1), NULL);
  call_input(&f, OR_INT64, SCALAR, ((int64_t[]){-1}));
  call_input(&f, OR_FLOAT32, SHAPE(2), ((float[]){2, 5}));
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "depth is -1");
  call_deinit(&f);

  call_init(&f, "", "OneHot", 11);
  call_input(&f, OR_INT64, SHAPE(1), NULL);
  call_input(&f, OR_INT64, SCALAR, ((int64_t[]){1}));
  call_input(&f, OR_FLOAT32, SHAPE(3), ((float[]){1, 2, 3}));
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "values");
  call_deinit(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(marks_each_index),
      cmocka_unit_test(leaves_an_unknown_depth_open),
      cmocka_unit_test(refuses_what_does_not_fit),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
