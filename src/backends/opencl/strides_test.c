#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "backends/opencl/families_internal.h"

static or_shape_t shape(int32_t rank, const int64_t *dims) { return or_shape_make((size_t)rank, dims); }
#define SHAPE(...) shape((int32_t)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), (int64_t[]){__VA_ARGS__})

static void joins_dimensions_that_all_operands_walk_as_one(void **state) {
  (void)state;
  const or_shape_t out = SHAPE(2, 3, 4, 5), whole = SHAPE(2, 3, 4, 5), channel = SHAPE(3, 1, 1);
  const or_shape_t *pair[] = {&whole, &channel};
  or_cl_strides_t strides;
  assert_true(or_cl_broadcast(&out, pair, 2, &strides));
  assert_int_equal(strides.rank, 3);
  const int32_t dims[] = {2, 3, 20}, first[] = {60, 20, 1}, second[] = {0, 1, 0};
  assert_memory_equal(strides.dims, dims, sizeof dims);
  assert_memory_equal(strides.strides[0], first, sizeof first);
  assert_memory_equal(strides.strides[1], second, sizeof second);
}

static void leaves_nothing_of_a_scalar(void **state) {
  (void)state;
  const or_shape_t out = SHAPE(1, 1), one = SHAPE(1);
  const or_shape_t *operands[] = {&one};
  or_cl_strides_t strides;
  int32_t steps[3];
  assert_true(or_cl_broadcast(&out, operands, 1, &strides));
  assert_int_equal(strides.rank, 0);
  assert_int_equal(or_cl_split_rows(&strides, steps), 1);
  assert_int_equal(steps[0], 0);
}

static void takes_the_last_dimension_as_rows(void **state) {
  (void)state;
  const or_shape_t out = SHAPE(6, 7), column = SHAPE(6, 1), row = SHAPE(7);
  const or_shape_t *pair[] = {&column, &row};
  or_cl_strides_t strides;
  int32_t steps[3];
  assert_true(or_cl_broadcast(&out, pair, 2, &strides));
  assert_int_equal(or_cl_split_rows(&strides, steps), 7);
  assert_int_equal(strides.rank, 1);
  assert_int_equal(steps[0], 0);
  assert_int_equal(steps[1], 1);
}

static void refuses_what_an_int_does_not_count(void **state) {
  (void)state;
  or_cl_layout_t layout = {.rank = 1, .operands = 1, .dims = {INT64_C(1) << 31}, .strides = {{1}}};
  or_cl_strides_t strides;
  assert_false(or_cl_layout_join(&layout, &strides));
  layout.dims[0] = INT32_MAX; /* the last vector of it would end behind what an int counts */
  assert_false(or_cl_layout_join(&layout, &strides));
  layout.dims[0] = 2;
  layout.strides[0][0] = INT64_C(1) << 31;
  assert_false(or_cl_layout_join(&layout, &strides));
}

static void refuses_more_rows_than_an_int_counts(void **state) {
  (void)state;
  const or_shape_t column = SHAPE(65536, 65536, 1), out = SHAPE(65536, 65536, 2), fewer = SHAPE(16384, 65536, 2);
  const or_shape_t *pair[] = {&out, &column}, *dense[] = {&out}, *halves[] = {&fewer, &column};
  or_cl_strides_t strides;
  assert_false(or_cl_broadcast(&out, pair, 2, &strides)); /* 2^32 rows of 2 */
  assert_true(or_cl_broadcast(&out, dense, 1, &strides)); /* 2^16 rows of 2^17 */
  const or_shape_t few = SHAPE(16384, 65536, 1);
  halves[1] = &few;
  assert_true(or_cl_broadcast(&fewer, halves, 2, &strides));
}

/* A launch is rounded up to whole groups, and a place beyond INT32_MAX would be a negative one. */
static void leaves_room_for_a_group_behind_the_last_line(void **state) {
  (void)state;
  const uint64_t most = INT32_MAX - 4096;
  assert_true(or_cl_lines_fit(&(or_cl_lines_t){most, 1, most}));
  assert_false(or_cl_lines_fit(&(or_cl_lines_t){most + 1, 1, 1}));
  assert_false(or_cl_lines_fit(&(or_cl_lines_t){1, 1, most + 1}));
  assert_false(or_cl_lines_fit(&(or_cl_lines_t){1, INT32_MAX, 1}));
}

static void refuses_more_dimensions_than_kernels_have(void **state) {
  (void)state;
  or_cl_layout_t layout = {.rank = OR_CL_MAX_RANK + 1, .operands = 1};
  for (int32_t i = 0; i < layout.rank; ++i) {
    layout.dims[i] = 2;
    layout.strides[0][i] = 3; /* no two are one */
  }
  or_cl_strides_t strides;
  assert_false(or_cl_layout_join(&layout, &strides));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(joins_dimensions_that_all_operands_walk_as_one),
      cmocka_unit_test(leaves_nothing_of_a_scalar),
      cmocka_unit_test(takes_the_last_dimension_as_rows),
      cmocka_unit_test(refuses_what_an_int_does_not_count),
      cmocka_unit_test(refuses_more_rows_than_an_int_counts),
      cmocka_unit_test(leaves_room_for_a_group_behind_the_last_line),
      cmocka_unit_test(refuses_more_dimensions_than_kernels_have),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
