#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ops/call_fixture_template.h"

static void normalises_over_axes(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "MeanVarianceNormalization", 13);
  call_input(&f, OR_FLOAT32, SHAPE(2, 4), ((float[]){1, 2, 4, 8, -1, 0, 3, 5}));
  call_ints(&f, "axes", INTS(0));
  call_run(&f, 1);
  expect_doubles(&f, 0, 1e-6, DOUBLES(1, 1, 1, 1, -1, -1, -1, -1));
  call_deinit(&f);

  call_init(&f, "", "MeanVarianceNormalization", 9);
  call_input(&f, OR_FLOAT32, SHAPE(1, 2, 1, 2), ((float[]){1, 3, 5, 5}));
  call_run(&f, 1);
  expect_doubles(&f, 0, 1e-6, DOUBLES(-1, 1, 0, 0));
  call_deinit(&f);
}

static void refuses_axes_that_are_not_there(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "MeanVarianceNormalization", 13);
  call_input(&f, OR_FLOAT32, SHAPE(1), ((float[]){1}));
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "axis 2");
  call_deinit(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(normalises_over_axes),
      cmocka_unit_test(refuses_axes_that_are_not_there),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
