#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ops/call_fixture_template.h"

static void passes_everything_on(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "Dropout", 13);
  call_input(&f, OR_FLOAT32, SHAPE(2), ((float[]){1, 2}));
  call_run(&f, 2);
  expect_shape(&f, 1, OR_BOOL, SHAPE(2));
  expect_doubles(&f, 0, 0, DOUBLES(1, 2));
  expect_ints(&f, 1, INTS(1, 1));
  call_deinit(&f);

  call_init(&f, "", "Dropout", 7);
  call_input(&f, OR_FLOAT32, SHAPE(2), ((float[]){1, 2}));
  call_run(&f, 2);
  expect_shape(&f, 1, OR_FLOAT32, SHAPE(2));
  expect_doubles(&f, 1, 0, DOUBLES(1, 1));
  call_deinit(&f);

  call_init(&f, "", "Dropout", 12);
  call_input(&f, OR_FLOAT32, SHAPE(1), ((float[]){1}));
  call_input(&f, OR_FLOAT32, SCALAR, ((float[]){0.5F}));
  call_input(&f, OR_BOOL, SCALAR, ((uint8_t[]){0}));
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(1));
  call_deinit(&f);
}

static void refuses_training(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "Dropout", 13);
  call_input(&f, OR_FLOAT32, SHAPE(1), ((float[]){1}));
  call_input(&f, OR_FLOAT32, SCALAR, ((float[]){0.5F}));
  call_input(&f, OR_BOOL, SCALAR, ((uint8_t[]){1}));
  expect_refused(&f, 1, OR_UNIMPLEMENTED, "training");
  call_deinit(&f);

  call_init(&f, "", "Dropout", 6);
  call_input(&f, OR_FLOAT32, SHAPE(1), ((float[]){1}));
  expect_refused(&f, 1, OR_UNIMPLEMENTED, "training");
  call_deinit(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(passes_everything_on),
      cmocka_unit_test(refuses_training),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
