#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ops/call_fixture_template.h"

static void sums_up_to_each_element(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "CumSum", 14);
  call_input(&f, OR_FLOAT32, SHAPE(3), ((float[]){1, 2, 3}));
  call_input(&f, OR_INT64, SCALAR, ((int64_t[]){0}));
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(1, 3, 6));
  call_deinit(&f);

  call_init(&f, "", "CumSum", 11);
  call_input(&f, OR_FLOAT32, SHAPE(3), ((float[]){1, 2, 3}));
  call_input(&f, OR_INT32, SCALAR, ((int32_t[]){-1}));
  call_int(&f, "exclusive", 1);
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(0, 1, 3));
  call_deinit(&f);

  call_init(&f, "", "CumSum", 14);
  call_input(&f, OR_FLOAT32, SHAPE(3), ((float[]){1, 2, 3}));
  call_input(&f, OR_INT64, SCALAR, ((int64_t[]){0}));
  call_int(&f, "reverse", 1);
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(6, 5, 3));
  call_deinit(&f);

  call_init(&f, "", "CumSum", 14);
  call_input(&f, OR_FLOAT32, SHAPE(3), ((float[]){1, 2, 3}));
  call_input(&f, OR_INT64, SCALAR, ((int64_t[]){0}));
  call_int(&f, "reverse", 1);
  call_int(&f, "exclusive", 1);
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(5, 3, 0));
  call_deinit(&f);

  call_init(&f, "", "CumSum", 14);
  call_input(&f, OR_INT64, SHAPE(2, 3), ((int64_t[]){1, 2, 3, 4, 5, 6}));
  call_input(&f, OR_INT64, SCALAR, ((int64_t[]){0}));
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(1, 2, 3, 5, 7, 9));
  call_deinit(&f);

  call_init(&f, "", "CumSum", 14);
  call_input(&f, OR_INT64, SHAPE(2, 3), ((int64_t[]){1, 2, 3, 4, 5, 6}));
  call_input(&f, OR_INT64, SCALAR, ((int64_t[]){1}));
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(1, 3, 6, 4, 9, 15));
  call_deinit(&f);
}

static void multiplies_up_to_each_element(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "CumProd", 26);
  call_input(&f, OR_FLOAT32, SHAPE(3), ((float[]){1, 2, 3}));
  call_input(&f, OR_INT64, SCALAR, ((int64_t[]){0}));
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(1, 2, 6));
  call_deinit(&f);

  call_init(&f, "", "CumProd", 26);
  call_input(&f, OR_FLOAT32, SHAPE(3), ((float[]){1, 2, 3}));
  call_input(&f, OR_INT64, SCALAR, ((int64_t[]){0}));
  call_int(&f, "exclusive", 1);
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(1, 1, 2));
  call_deinit(&f);

  call_init(&f, "", "CumProd", 26);
  call_input(&f, OR_INT32, SHAPE(3), ((int32_t[]){1, 2, 3}));
  call_input(&f, OR_INT64, SCALAR, ((int64_t[]){0}));
  call_int(&f, "reverse", 1);
  call_int(&f, "exclusive", 1);
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(6, 3, 1));
  call_deinit(&f);
}

static void refuses_a_foreign_axis(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "CumSum", 14);
  call_input(&f, OR_FLOAT32, SHAPE(2), ((float[]){1, 2}));
  call_input(&f, OR_INT64, SCALAR, ((int64_t[]){1}));
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "axis 1");
  call_deinit(&f);

  call_init(&f, "", "CumSum", 14);
  call_input(&f, OR_FLOAT32, SHAPE(2), ((float[]){1, 2}));
  call_input(&f, OR_FLOAT32, SCALAR, ((float[]){0}));
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "axis");
  call_deinit(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(sums_up_to_each_element),
      cmocka_unit_test(multiplies_up_to_each_element),
      cmocka_unit_test(refuses_a_foreign_axis),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
