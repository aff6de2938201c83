#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ops/call_fixture_template.h"

static void moves_channels_to_pixels_and_back(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "DepthToSpace", 1);
  call_input(&f, OR_INT64, SHAPE(1, 8, 1, 2), ((int64_t[]){0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}));
  call_int(&f, "blocksize", 2);
  call_run(&f, 1);
  expect_shape(&f, 0, OR_INT64, SHAPE(1, 2, 2, 4));
  expect_ints(&f, 0, INTS(0, 4, 1, 5, 8, 12, 9, 13, 2, 6, 3, 7, 10, 14, 11, 15));
  call_deinit(&f);

  call_init(&f, "", "DepthToSpace", 13);
  call_input(&f, OR_INT64, SHAPE(1, 8, 1, 2), ((int64_t[]){0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}));
  call_int(&f, "blocksize", 2);
  call_string(&f, "mode", "CRD");
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(0, 2, 1, 3, 4, 6, 5, 7, 8, 10, 9, 11, 12, 14, 13, 15));
  call_deinit(&f);

  call_init(&f, "", "SpaceToDepth", 13);
  call_input(&f, OR_INT64, SHAPE(1, 2, 2, 4), ((int64_t[]){0, 4, 1, 5, 8, 12, 9, 13, 2, 6, 3, 7, 10, 14, 11, 15}));
  call_int(&f, "blocksize", 2);
  call_run(&f, 1);
  expect_shape(&f, 0, OR_INT64, SHAPE(1, 8, 1, 2));
  expect_ints(&f, 0, INTS(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
  call_deinit(&f);

  call_init(&f, "", "SpaceToDepth", 28);
  call_input(&f, OR_INT64, SHAPE(1, 2, 2, 4), ((int64_t[]){0, 2, 1, 3, 4, 6, 5, 7, 8, 10, 9, 11, 12, 14, 13, 15}));
  call_int(&f, "blocksize", 2);
  call_string(&f, "mode", "CRD");
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
  call_deinit(&f);
}

static void refuses_what_does_not_divide(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "DepthToSpace", 13);
  call_input(&f, OR_INT64, SHAPE(1, 6, 1, 1), NULL);
  call_int(&f, "blocksize", 2);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "channels 6");
  call_deinit(&f);

  call_init(&f, "", "SpaceToDepth", 13);
  call_input(&f, OR_INT64, SHAPE(1, 1, 3, 2), NULL);
  call_int(&f, "blocksize", 2);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "height 3");
  call_deinit(&f);

  call_init(&f, "", "SpaceToDepth", 13);
  call_input(&f, OR_INT64, SHAPE(1, 8, 1, 2), ((int64_t[]){0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}));
  call_int(&f, "blocksize", 1);
  call_string(&f, "mode", "CRD");
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "version 13");
  call_deinit(&f);

  call_init(&f, "", "DepthToSpace", 13);
  call_input(&f, OR_INT64, SHAPE(1, 8, 1, 2), ((int64_t[]){0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}));
  call_int(&f, "blocksize", 0);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "blocksize");
  call_deinit(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(moves_channels_to_pixels_and_back),
      cmocka_unit_test(refuses_what_does_not_divide),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
