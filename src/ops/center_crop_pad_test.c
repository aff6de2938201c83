#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ops/call_fixture_template.h"

static void crops_and_pads_around_the_middle(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "CenterCropPad", 18);
  call_input(&f, OR_INT32, SHAPE(2, 5), ((int32_t[]){1, 2, 3, 4, 5, 6, 7, 8, 9, 10}));
  call_list(&f, INTS(5, 2));
  call_run(&f, 1);
  expect_shape(&f, 0, OR_INT32, SHAPE(5, 2));
  expect_ints(&f, 0, INTS(0, 0, 2, 3, 7, 8, 0, 0, 0, 0)); /* of three each, one comes first */
  call_deinit(&f);

  call_init(&f, "", "CenterCropPad", 18);
  call_input(&f, OR_FLOAT64, SHAPE(3), ((double[]){1, 2, 3}));
  call_list(&f, INTS(6));
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(0, 1, 2, 3, 0, 0));
  call_deinit(&f);
}

static void other_axes_than_those_named_stay(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "CenterCropPad", 18);
  call_input(&f, OR_UINT8, SHAPE(2, 2, 3), ((uint8_t[]){1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}));
  call_input(&f, OR_INT32, SHAPE(2), ((int32_t[]){1, 3}));
  call_ints(&f, "axes", INTS(-1, 0));
  call_run(&f, 1);
  expect_shape(&f, 0, OR_UINT8, SHAPE(3, 2, 1));
  expect_ints(&f, 0, INTS(2, 5, 8, 11, 0, 0));
  call_deinit(&f);
}

static void scalars_and_empty_tensors_are_legal(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "CenterCropPad", 18);
  call_input(&f, OR_FLOAT32, SCALAR, FLOATS(7));
  call_list(&f, NULL, 0);
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(7));
  call_deinit(&f);

  call_init(&f, "", "CenterCropPad", 18);
  call_input(&f, OR_FLOAT32, SHAPE(0, 2), FLOATS(0));
  call_list(&f, INTS(1, 3));
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(0, 0, 0));
  call_deinit(&f);

  call_init(&f, "", "CenterCropPad", 18);
  call_input(&f, OR_FLOAT32, SHAPE(2), FLOATS(1, 2));
  call_list(&f, INTS(0));
  call_run(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(0));
  call_deinit(&f);
}

static void knows_extents_where_it_can(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "CenterCropPad", 18);
  call_input(&f, OR_FLOAT32, SHAPE(SYMBOL(0), 3), NULL);
  call_list(&f, INTS(4));
  call_ints(&f, "axes", INTS(1));
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(SYMBOL(0), 4));
  f.inputs[1].data = NULL;
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(SYMBOL(0), UNKNOWN));
  f.inputs[0].shape = RANK_UNKNOWN;
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, RANK_UNKNOWN);
  f.node.attribute_count = 0;
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(UNKNOWN));
  call_deinit(&f);
}

static void refuses_what_does_not_fit(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "CenterCropPad", 18);
  call_input(&f, OR_FLOAT32, SHAPE(2, 3), FLOATS(0));
  call_list(&f, INTS(4));
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "1 extents for 2 axes");
  f.inputs[0].shape = SHAPE(2);
  f.inputs[1].data = (int64_t[]){-1};
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "extent -1");
  f.inputs[1].dtype = OR_FLOAT32;
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "shape");
  f.inputs[1].dtype = OR_INT64;
  call_ints(&f, "axes", INTS(0, 0));
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "axis 0");
  call_deinit(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(crops_and_pads_around_the_middle),    cmocka_unit_test(other_axes_than_those_named_stay),
      cmocka_unit_test(scalars_and_empty_tensors_are_legal), cmocka_unit_test(knows_extents_where_it_can),
      cmocka_unit_test(refuses_what_does_not_fit),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
