#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ops/call_fixture_template.h"

static void scales_to_mean_square_one(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "RMSNormalization", 23);
  call_input(&f, OR_FLOAT32, SHAPE(2, 4), ((float[]){1, 2, 4, 8, -1, 0, 3, 5}));
  call_input(&f, OR_FLOAT32, SHAPE(4), ((float[]){1, 2, 0.5F, 1}));
  call_float(&f, "epsilon", 0.01F);
  call_run(&f, 1);
  expect_doubles(&f, 0, 1e-6,
                 DOUBLES(0.216879427, 0.86751771, 0.433758855, 1.735035419, -0.33786869, 0, 0.506803036, 1.689343452));
  call_deinit(&f);

  call_init(&f, "", "RMSNormalization", 23);
  call_input(&f, OR_FLOAT32, SHAPE(2, 2), ((float[]){3, 4, 3, 4}));
  call_input(&f, OR_FLOAT64, SCALAR, ((double[]){5}));
  call_int(&f, "axis", 0);
  call_float(&f, "epsilon", 0.0F);
  call_run(&f, 1);
  expect_shape(&f, 0, OR_FLOAT64, SHAPE(2, 2));
  expect_doubles(&f, 0, 1e-9, DOUBLES(4.2426406871, 5.6568542495, 4.2426406871, 5.6568542495));
  call_deinit(&f);
}

static void refuses_a_scale_that_does_not_fit(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "RMSNormalization", 23);
  call_input(&f, OR_FLOAT32, SHAPE(2, 2), ((float[]){1, 2, 3, 4}));
  call_input(&f, OR_FLOAT32, SHAPE(3), ((float[]){1, 2, 3}));
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "broadcast");
  call_deinit(&f);

  call_init(&f, "", "RMSNormalization", 23);
  call_input(&f, OR_FLOAT32, SHAPE(1), ((float[]){1}));
  call_input(&f, OR_INT32, SHAPE(1), NULL);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "scale");
  call_deinit(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(scales_to_mean_square_one),
      cmocka_unit_test(refuses_a_scale_that_does_not_fit),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
