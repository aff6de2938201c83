#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ops/call_fixture_template.h"

static void scales_what_is_negative(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "PRelu", 16);
  call_input(&f, OR_FLOAT32, SHAPE(2, 2), ((float[]){-1, 2, -3, -4}));
  call_input(&f, OR_FLOAT32, SHAPE(2), ((float[]){0.5F, 0.25F}));
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(-0.5, 2, -1.5, -1));
  call_deinit(&f);

  call_init(&f, "", "PRelu", 9);
  call_input(&f, OR_INT64, SHAPE(2), ((int64_t[]){-3, 3}));
  call_input(&f, OR_INT64, SHAPE(1), ((int64_t[]){2}));
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(-6, 3));
  call_deinit(&f);
}

static void refuses_slopes_that_make_it_larger(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "PRelu", 16);
  call_input(&f, OR_FLOAT32, SHAPE(2), ((float[]){1, 2}));
  call_input(&f, OR_FLOAT32, SHAPE(2, 2), ((float[]){1, 2, 3, 4}));
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "broadcast");
  call_deinit(&f);

  call_init(&f, "", "PRelu", 6);
  call_input(&f, OR_FLOAT32, SHAPE(2), ((float[]){1, 2}));
  call_input(&f, OR_FLOAT32, SHAPE(2), ((float[]){1, 2}));
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "two dimensions");
  call_deinit(&f);

  call_init(&f, "", "PRelu", 6);
  call_input(&f, OR_FLOAT32, SHAPE(1, 3), ((float[]){1, 2, 3}));
  call_input(&f, OR_FLOAT32, SHAPE(2), ((float[]){1, 2}));
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "2 slopes for 3 channels");
  call_deinit(&f);
}

/* ONNX, PRelu-1 and PRelu-6. */
static void has_a_slope_a_channel_before_version_7(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "PRelu", 6);
  call_input(&f, OR_FLOAT32, SHAPE(1, 2, 2), ((float[]){-1, 1, -1, -2}));
  call_input(&f, OR_FLOAT32, SHAPE(2), ((float[]){10, 100}));
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(-10, 1, -100, -200));
  call_deinit(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(scales_what_is_negative),
      cmocka_unit_test(refuses_slopes_that_make_it_larger),
      cmocka_unit_test(has_a_slope_a_channel_before_version_7),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
