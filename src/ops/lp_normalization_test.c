#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ops/call_fixture_template.h"

static void divides_by_the_norm(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "LpNormalization", 22);
  call_input(&f, OR_FLOAT32, SHAPE(2, 4), ((float[]){1, 2, 4, 8, -1, 0, 3, 5}));
  call_run(&f, 1);
  expect_doubles(
      &f, 0, 1e-6,
      DOUBLES(0.108465232, 0.216930464, 0.433860928, 0.867721856, -0.169030845, 0, 0.507092535, 0.845154226));
  call_deinit(&f);

  call_init(&f, "", "LpNormalization", 1);
  call_input(&f, OR_FLOAT32, SHAPE(2, 4), ((float[]){1, 2, 4, 8, -1, 0, 3, 5}));
  call_int(&f, "axis", 0);
  call_int(&f, "p", 1);
  call_run(&f, 1);
  expect_doubles(&f, 0, 1e-6, DOUBLES(0.5, 1, 4.0 / 7, 8.0 / 13, -0.5, 0, 3.0 / 7, 5.0 / 13));
  call_deinit(&f);

  call_init(&f, "", "LpNormalization", 22);
  call_input(&f, OR_FLOAT32, SHAPE(2), ((float[]){0, 0}));
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(0, 0));
  call_deinit(&f);
}

static void marks_the_first_largest(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "Hardmax", 13);
  call_input(&f, OR_FLOAT32, SHAPE(2, 3), ((float[]){3, 0, 3, 1, 2, -1}));
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(1, 0, 0, 0, 1, 0));
  call_deinit(&f);

  call_init(&f, "", "Hardmax", 13);
  call_input(&f, OR_FLOAT32, SHAPE(2, 2), ((float[]){3, 0, 1, 2}));
  call_int(&f, "axis", 0);
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(1, 0, 0, 1));
  call_deinit(&f);

  call_init(&f, "", "Hardmax", 11);
  call_input(&f, OR_FLOAT32, SHAPE(1, 2, 2), ((float[]){1, 2, 3, 0}));
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(0, 0, 1, 0));
  call_deinit(&f);
}

static void refuses_other_norms(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "LpNormalization", 22);
  call_input(&f, OR_FLOAT32, SHAPE(1), ((float[]){1}));
  call_int(&f, "p", 3);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "expected 1 or 2");
  call_deinit(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(divides_by_the_norm),
      cmocka_unit_test(marks_the_first_largest),
      cmocka_unit_test(refuses_other_norms),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
