#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ops/call_fixture_template.h"

static void expand_broadcasts_in_both_directions(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "Expand", 13);
  call_input(&f, OR_INT32, SHAPE(3, 1), (int32_t[]){1, 2, 3});
  call_list(&f, INTS(2, 1, 2));
  call_run(&f, 1);
  expect_shape(&f, 0, OR_INT32, SHAPE(2, 3, 2));
  expect_ints(&f, 0, INTS(1, 1, 2, 2, 3, 3, 1, 1, 2, 2, 3, 3));
  call_deinit(&f);
}

static void expand_says_what_can_be_said(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "Expand", 13);
  call_input(&f, OR_INT32, SHAPE(SYMBOL(0), 1), NULL);
  call_list(&f, INTS(1, 4));
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_INT32, SHAPE(SYMBOL(0), 4));
  f.inputs[0].shape = SHAPE(3, 1);
  f.inputs[1].data = NULL; /* 3 stays 3, 1 may become anything */
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_INT32, SHAPE(3, UNKNOWN));
  call_deinit(&f);
}

static void tile_repeats_every_dimension(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "Tile", 13);
  call_input(&f, OR_INT32, SHAPE(2, 2), (int32_t[]){1, 2, 3, 4});
  call_list(&f, INTS(2, 2));
  call_run(&f, 1);
  expect_shape(&f, 0, OR_INT32, SHAPE(4, 4));
  expect_ints(&f, 0, INTS(1, 2, 1, 2, 3, 4, 3, 4, 1, 2, 1, 2, 3, 4, 3, 4));
  call_deinit(&f);
  call_init(&f, "", "Tile", 13);
  call_input(&f, OR_INT32, SHAPE(SYMBOL(0), SYMBOL(1), 3), NULL);
  call_list(&f, INTS(1, 2, 0));
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_INT32, SHAPE(SYMBOL(0), UNKNOWN, 0));
  call_deinit(&f);
}

static void refuses_shapes_that_do_not_fit(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "Expand", 13);
  call_input(&f, OR_INT32, SHAPE(3), NULL);
  call_list(&f, INTS(2));
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "[3] and [2]");
  f.inputs[1].data = (int64_t[]){-2};
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "extent -2 at 0 is negative");
  call_deinit(&f);
  call_init(&f, "", "Tile", 13);
  call_input(&f, OR_INT32, SHAPE(3), NULL);
  call_list(&f, INTS(INT64_MAX));
  expect_refused(&f, 1, OR_OUT_OF_RANGE, "exceeds");
  f.inputs[1].data = (int64_t[]){-1, 2};
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "repeat -1 of dimension 0");
  f.inputs[1].shape = SHAPE(2);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "2 repeats for an input of rank 1");
  f.node.version = 1;
  f.inputs[0].dtype = OR_FLOAT32;
  expect_refused(&f, 1, OR_UNIMPLEMENTED, "version 1");
  call_deinit(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(expand_broadcasts_in_both_directions),
      cmocka_unit_test(expand_says_what_can_be_said),
      cmocka_unit_test(tile_repeats_every_dimension),
      cmocka_unit_test(refuses_shapes_that_do_not_fit),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
