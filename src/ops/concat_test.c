#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ops/call_fixture_template.h"

static void joins_along_the_axis(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "Concat", 13);
  call_input(&f, OR_INT32, SHAPE(2, 1), (int32_t[]){1, 2});
  call_input(&f, OR_INT32, SHAPE(2, 2), (int32_t[]){3, 4, 5, 6});
  call_input(&f, OR_INT32, SHAPE(2, 0), (int32_t[]){0});
  call_int(&f, "axis", -1);
  call_run(&f, 1);
  expect_shape(&f, 0, OR_INT32, SHAPE(2, 3));
  expect_ints(&f, 0, INTS(1, 3, 4, 2, 5, 6));
  call_deinit(&f);
}

static void extents_add_up_as_far_as_they_are_known(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "Concat", 13);
  call_input(&f, OR_FLOAT32, SHAPE(UNKNOWN, 2, SYMBOL(0)), NULL);
  call_input(&f, OR_FLOAT32, SHAPE(SYMBOL(1), 3, 4), NULL);
  call_int(&f, "axis", 1);
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(SYMBOL(1), 5, 4));
  f.inputs[0].shape = SHAPE(1, SYMBOL(0), 4);
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(1, UNKNOWN, 4));
  f.inputs[1].shape = SHAPE(1, 0, 4);
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(1, SYMBOL(0), 4));
  f.inputs[0].shape = RANK_UNKNOWN;
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(1, UNKNOWN, 4));
  call_deinit(&f);
}

static void version_1_joins_along_axis_1(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "Concat", 1);
  call_input(&f, OR_FLOAT32, SHAPE(2, 1), NULL);
  call_input(&f, OR_FLOAT32, SHAPE(2, 2), NULL);
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(2, 3));
  f.node.version = 4;
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "\"axis\" is missing");
  call_deinit(&f);
}

static void refuses_what_does_not_fit(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "Concat", 13);
  call_input(&f, OR_FLOAT32, SHAPE(2, 1), NULL);
  call_input(&f, OR_FLOAT32, SHAPE(3, 1), NULL);
  call_int(&f, "axis", 1);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "dimension 0 of input 1: 2 and 3 differ");
  f.inputs[1].shape = SHAPE(2);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "input 1 has rank 1, the ones before it have rank 2");
  f.inputs[1].dtype = OR_INT8;
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "input 1 is int8");
  f.inputs[1] = (or_op_tensor_t){.dtype = OR_DTYPE_NONE};
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "input 1 is left out");
  f.inputs[1] = f.inputs[0];
  f.attributes[0].integer = 2;
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "axis 2 is outside");
  f.attributes[0].integer = 1;
  f.inputs[0].shape = f.inputs[1].shape = SHAPE(2, INT64_MAX);
  expect_refused(&f, 1, OR_OUT_OF_RANGE, "add up to more than");
  call_deinit(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(joins_along_the_axis),
      cmocka_unit_test(extents_add_up_as_far_as_they_are_known),
      cmocka_unit_test(version_1_joins_along_axis_1),
      cmocka_unit_test(refuses_what_does_not_fit),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
