#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ops/call_fixture_template.h"

static void finds_infinities_of_the_signs_asked_for(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "IsInf", 20);
  call_input(&f, OR_FLOAT32, SHAPE(4), ((float[]){INFINITY, -INFINITY, NAN, 1}));
  call_run(&f, 1);
  expect_shape(&f, 0, OR_BOOL, SHAPE(4));
  expect_ints(&f, 0, INTS(1, 1, 0, 0));
  call_deinit(&f);

  call_init(&f, "", "IsInf", 10);
  call_input(&f, OR_FLOAT32, SHAPE(4), ((float[]){INFINITY, -INFINITY, NAN, 1}));
  call_int(&f, "detect_negative", 0);
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(1, 0, 0, 0));
  call_deinit(&f);

  call_init(&f, "", "IsInf", 10);
  call_input(&f, OR_FLOAT32, SHAPE(4), ((float[]){INFINITY, -INFINITY, NAN, 1}));
  call_int(&f, "detect_positive", 0);
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(0, 1, 0, 0));
  call_deinit(&f);
}

static void refuses_integers(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "IsInf", 20);
  call_input(&f, OR_INT32, SHAPE(2), NULL);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "does not take");
  call_deinit(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(finds_infinities_of_the_signs_asked_for),
      cmocka_unit_test(refuses_integers),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
