#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ops/call_fixture_template.h"

static void transforms_the_places_of_an_image(void **state) {
  (void)state;
  const float thetas[] = {1, 0, 0, 0, 1, 0, 0, 2, 0.5F, -1, 0, 3};
  call_fixture_t f;
  call_init(&f, "", "AffineGrid", 20);
  call_input(&f, OR_FLOAT32, SHAPE(2, 2, 3), thetas);
  call_list(&f, INTS(2, 7, 2, 1));
  call_run(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(2, 2, 1, 2));
  expect_doubles(&f, 0, 1e-6, DOUBLES(0, -0.5, 0, 0.5, -0.5, 3, 1.5, 3)); /* (2y + 0.5, 3 - x) */
  call_deinit(&f);

  call_init(&f, "", "AffineGrid", 20);
  call_input(&f, OR_FLOAT32, SHAPE(1, 2, 3), thetas);
  call_list(&f, INTS(1, 1, 1, 3));
  call_int(&f, "align_corners", 1);
  call_run(&f, 1);
  expect_doubles(&f, 0, 1e-6, DOUBLES(-1, -1, 0, -1, 1, -1));
  call_deinit(&f);
}

static void transforms_the_places_of_a_volume(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "AffineGrid", 20);
  call_input(&f, OR_FLOAT64, SHAPE(1, 3, 4), ((double[]){1, 0, 0, 10, 0, 1, 0, 20, 0, 0, 1, 30}));
  call_list(&f, INTS(1, 1, 2, 1, 2));
  call_run(&f, 1);
  expect_shape(&f, 0, OR_FLOAT64, SHAPE(1, 2, 1, 2, 3));
  expect_doubles(&f, 0, 1e-12, DOUBLES(9.5, 20, 29.5, 10.5, 20, 29.5, 9.5, 20, 30.5, 10.5, 20, 30.5));
  call_deinit(&f);

  call_init(&f, "", "AffineGrid", 20);
  call_input(&f, OR_FLOAT32, SHAPE(0, 2, 3), FLOATS(0));
  call_list(&f, INTS(0, 1, 2, 2));
  call_run(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(0, 2, 2, 2));
  call_deinit(&f);
}

static void knows_the_shape_as_far_as_the_size_is_known(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "AffineGrid", 20);
  call_input(&f, OR_FLOAT32, SHAPE(SYMBOL(0), UNKNOWN, UNKNOWN), NULL);
  call_input(&f, OR_INT64, SHAPE(4), NULL);
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(SYMBOL(0), UNKNOWN, UNKNOWN, 2));
  f.inputs[0].shape = SHAPE(SYMBOL(0), UNKNOWN, 4);
  f.inputs[1].shape = SHAPE(UNKNOWN);
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(SYMBOL(0), UNKNOWN, UNKNOWN, UNKNOWN, 3));
  f.inputs[0].shape = RANK_UNKNOWN;
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, RANK_UNKNOWN);
  call_deinit(&f);
}

static void refuses_what_does_not_fit(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "AffineGrid", 20);
  call_input(&f, OR_FLOAT32, SHAPE(1, 2, 4), NULL);
  call_list(&f, INTS(1, 1, 2, 2));
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "it must be [N,2,3] or [N,3,4]");
  f.inputs[0].shape = SHAPE(1, 3, 4);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "size) has 4 entries");
  f.inputs[0].shape = SHAPE(2, 2, 3);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "batches of theta and size");
  f.inputs[0].shape = SHAPE(1, 2);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "rank");
  f.inputs[0].shape = SHAPE(1, 2, 3);
  f.inputs[1].data = (int64_t[]){1, 1, -2, 2};
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "extent -2");
  f.inputs[1].data = (int64_t[]){1, 1, INT64_MAX / 2, 2};
  expect_refused(&f, 1, OR_OUT_OF_RANGE, "");
  f.inputs[1].dtype = OR_INT32;
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "size");
  call_deinit(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(transforms_the_places_of_an_image),
      cmocka_unit_test(transforms_the_places_of_a_volume),
      cmocka_unit_test(knows_the_shape_as_far_as_the_size_is_known),
      cmocka_unit_test(refuses_what_does_not_fit),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
