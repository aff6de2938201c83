#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ops/call_fixture_template.h"

/* What Reshape makes of shape `from` with this request; `to` is checked. */
static void expect_reshape(or_shape_t from, const int64_t *request, size_t count, or_shape_t to) {
  call_fixture_t f;
  call_init(&f, "", "Reshape", 21);
  call_input(&f, OR_FLOAT32, from, NULL);
  call_list(&f, request, count);
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, to);
  call_deinit(&f);
}

static void zero_copies_and_minus_one_is_found(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "Reshape", 14);
  call_input(&f, OR_FLOAT32, SHAPE(2, 3, 2), FLOATS(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11));
  call_list(&f, INTS(0, -1));
  call_run(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(2, 6));
  expect_doubles(&f, 0, 0, DOUBLES(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11));
  call_deinit(&f);
  expect_reshape(SHAPE(2, 3, 4), INTS(4, -1, 3), SHAPE(4, 2, 3));
  expect_reshape(SHAPE(1, 1), NULL, 0, SCALAR);
  expect_reshape(SHAPE(0, 4), INTS(0, -1), SHAPE(0, 4)); /* the copied 0 takes no part */
}

static void symbols_are_kept_where_they_follow(void **state) {
  (void)state;
  expect_reshape(SHAPE(SYMBOL(0), 3, 4), INTS(0, -1), SHAPE(SYMBOL(0), 12));
  expect_reshape(SHAPE(SYMBOL(0), 64, 1, 1), INTS(-1, 64), SHAPE(SYMBOL(0), 64));
  expect_reshape(SHAPE(SYMBOL(0), SYMBOL(1), 8), INTS(0, 0, 2, -1), SHAPE(SYMBOL(0), SYMBOL(1), 2, 4));
  expect_reshape(SHAPE(SYMBOL(0), SYMBOL(1), 8), INTS(0, -1), SHAPE(SYMBOL(0), UNKNOWN));
  expect_reshape(SHAPE(SYMBOL(0), 8), INTS(-1), SHAPE(UNKNOWN));
  expect_reshape(SHAPE(SYMBOL(0), 0), INTS(-1, 7), SHAPE(0, 7));
  expect_reshape(RANK_UNKNOWN, INTS(0, -1, 7), SHAPE(UNKNOWN, UNKNOWN, 7));
}

static void an_unknown_request_leaves_its_rank(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "Reshape", 21);
  call_input(&f, OR_FLOAT32, SHAPE(2, 3), NULL);
  call_input(&f, OR_INT64, SHAPE(3), NULL);
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(UNKNOWN, UNKNOWN, UNKNOWN));
  f.inputs[1].shape = SHAPE(SYMBOL(0));
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, RANK_UNKNOWN);
  call_deinit(&f);
}

static void allowzero_takes_zero_at_its_word(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "Reshape", 14);
  call_input(&f, OR_FLOAT32, SHAPE(0, 3), NULL);
  call_list(&f, INTS(3, 0));
  call_int(&f, "allowzero", 1);
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(3, 0));
  call_deinit(&f);
  call_init(&f, "", "Reshape", 14);
  call_input(&f, OR_FLOAT32, SHAPE(0, 3), NULL);
  call_list(&f, INTS(-1, 0));
  call_int(&f, "allowzero", 1);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "with allowzero");
  call_deinit(&f);
}

static void version_1_has_its_shape_as_an_attribute(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "Reshape", 1);
  call_input(&f, OR_FLOAT32, SHAPE(2, 3), NULL);
  call_ints(&f, "shape", INTS(3, 2));
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(3, 2));
  f.node.version = 14;
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "\"shape\" does not exist in version 14");
  call_deinit(&f);
}

static void refuse(const int64_t *request, size_t count, const char *part) {
  call_fixture_t f;
  call_init(&f, "", "Reshape", 21);
  call_input(&f, OR_FLOAT32, SHAPE(2, 3), NULL);
  call_list(&f, request, count);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, part);
  call_deinit(&f);
}

static void refuses_requests_that_no_shape_meets(void **state) {
  (void)state;
  refuse(INTS(-1, -1), "-1 twice, at 0 and 1");
  refuse(INTS(-2, 3), "extent -2 at 0 is negative");
  refuse(INTS(4, -1), "6 elements left of the input's shape [2,3] are no multiple of 4");
  refuse(INTS(5), "[2,3] has 6 elements, the new shape [5] has 5");
  refuse(INTS(2, 3, 0), "rank 2 does not have");
  refuse(INTS(1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 6), "17 entries");
  call_fixture_t f;
  call_init(&f, "", "Reshape", 21);
  call_input(&f, OR_FLOAT32, SHAPE(2, 3), NULL);
  call_input(&f, OR_FLOAT32, SHAPE(1), FLOATS(6));
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "input 1 (shape) is float32; it must be int64");
  call_deinit(&f);
}

static void sizes_beyond_64_bits_are_refused(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "Reshape", 21);
  call_input(&f, OR_FLOAT32, SHAPE(SYMBOL(0)), NULL);
  call_list(&f, INTS(INT64_MAX, INT64_MAX));
  expect_refused(&f, 1, OR_OUT_OF_RANGE, "more than 9223372036854775807 elements");
  f.inputs[0].shape = RANK_UNKNOWN;
  expect_refused(&f, 1, OR_OUT_OF_RANGE, "more than 9223372036854775807 elements");
  call_deinit(&f);
}

static void flatten_has_two_dimensions(void **state) {
  (void)state;
  static const struct {
    int64_t axis;
    int64_t expected[2];
  } cases[] = {{0, {1, 24}}, {1, {2, 12}}, {3, {24, 1}}, {-1, {6, 4}}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
    call_fixture_t f;
    call_init(&f, "", "Flatten", 13);
    call_input(&f, OR_UINT8, SHAPE(2, 3, 4), NULL);
    call_int(&f, "axis", cases[i].axis);
    call_infer(&f, 1);
    expect_shape(&f, 0, OR_UINT8, or_shape_make(2, cases[i].expected));
    call_deinit(&f);
  }
  call_fixture_t f;
  call_init(&f, "", "Flatten", 13);
  call_input(&f, OR_UINT8, SHAPE(SYMBOL(3), 1, 2, SYMBOL(1)), NULL);
  call_int(&f, "axis", 2);
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_UINT8, SHAPE(SYMBOL(3), UNKNOWN));
  call_deinit(&f);
  call_init(&f, "", "Flatten", 9);
  call_input(&f, OR_UINT8, SHAPE(2, 3), NULL);
  call_int(&f, "axis", -1);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "axis -1 is outside 0..2");
  call_deinit(&f);
}

static void identity_keeps_types_of_four_bits(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "Identity", 21);
  call_input(&f, OR_INT4, SHAPE(3), (uint8_t[]){0x7F, 0x08});
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(-1, 7, -8));
  call_deinit(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(zero_copies_and_minus_one_is_found),      cmocka_unit_test(symbols_are_kept_where_they_follow),
      cmocka_unit_test(an_unknown_request_leaves_its_rank),      cmocka_unit_test(allowzero_takes_zero_at_its_word),
      cmocka_unit_test(version_1_has_its_shape_as_an_attribute), cmocka_unit_test(refuses_requests_that_no_shape_meets),
      cmocka_unit_test(sizes_beyond_64_bits_are_refused),        cmocka_unit_test(flatten_has_two_dimensions),
      cmocka_unit_test(identity_keeps_types_of_four_bits),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
