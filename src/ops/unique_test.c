#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ops/call_fixture_template.h"

/* The standard's examples. */
static void lists_what_is_different_in_order_or_as_it_is_met(void **state) {
  (void)state;
  const float x[] = {2, 1, 1, 3, 4, 3};
  call_fixture_t f;
  call_init(&f, "", "Unique", 11);
  call_input(&f, OR_FLOAT32, SHAPE(6), x);
  call_int(&f, "sorted", 0);
  call_run(&f, 4);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(4));
  expect_doubles(&f, 0, 0, DOUBLES(2, 1, 3, 4));
  expect_ints(&f, 1, INTS(0, 1, 3, 4));
  expect_ints(&f, 2, INTS(0, 1, 1, 2, 3, 2));
  expect_ints(&f, 3, INTS(1, 2, 2, 1));
  call_deinit(&f);

  call_init(&f, "", "Unique", 28);
  call_input(&f, OR_INT32, SHAPE(2, 2), ((int32_t[]){1, 3, 2, 3}));
  call_run(&f, 4);
  expect_ints(&f, 0, INTS(1, 2, 3));
  expect_ints(&f, 1, INTS(0, 2, 1));
  expect_ints(&f, 2, INTS(0, 2, 1, 2));
  expect_ints(&f, 3, INTS(1, 1, 2));
  call_deinit(&f);
}

static void compares_slices_along_an_axis(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "Unique", 11);
  call_input(&f, OR_FLOAT32, SHAPE(3, 3), FLOATS(1, 0, 0, 1, 0, 0, 2, 3, 4));
  call_int(&f, "axis", 0);
  call_run(&f, 4);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(2, 3));
  expect_doubles(&f, 0, 0, DOUBLES(1, 0, 0, 2, 3, 4));
  expect_ints(&f, 1, INTS(0, 2));
  expect_ints(&f, 2, INTS(0, 0, 1));
  expect_ints(&f, 3, INTS(2, 1));
  call_deinit(&f);

  call_init(&f, "", "Unique", 11);
  call_input(&f, OR_FLOAT32, SHAPE(2, 4, 2), FLOATS(1, 1, 0, 1, 2, 1, 0, 1, 1, 1, 0, 1, 2, 1, 0, 1));
  call_int(&f, "axis", -2);
  call_run(&f, 4);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(2, 3, 2));
  expect_doubles(&f, 0, 0, DOUBLES(0, 1, 1, 1, 2, 1, 0, 1, 1, 1, 2, 1));
  expect_ints(&f, 1, INTS(1, 0, 2));
  expect_ints(&f, 2, INTS(1, 0, 2, 0));
  expect_ints(&f, 3, INTS(2, 1, 1));
  call_deinit(&f);
}

static void orders_every_kind_of_number(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "Unique", 11);
  call_input(&f, OR_FLOAT64, SHAPE(9), ((double[]){NAN, 1, -0.0, 0, -INFINITY, -1e-320, NAN, INFINITY, -2}));
  call_run(&f, 4);
  expect_doubles(&f, 0, 0, DOUBLES(-INFINITY, -2, -1e-320, 0, 1, INFINITY, NAN));
  expect_ints(&f, 1, INTS(4, 8, 5, 2, 1, 7, 0));
  call_deinit(&f);

  call_init(&f, "", "Unique", 11);
  call_input(&f, OR_INT64, SHAPE(4), ((int64_t[]){0, INT64_MIN, INT64_MAX, -1}));
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(INT64_MIN, -1, 0, INT64_MAX));
  call_deinit(&f);

  call_init(&f, "", "Unique", 11);
  call_input(&f, OR_UINT64, SHAPE(3), ((uint64_t[]){UINT64_MAX, 0, UINT64_MAX - 1}));
  call_run(&f, 2);
  expect_ints(&f, 1, INTS(1, 2, 0));
  call_deinit(&f);

  call_init(&f, "", "Unique", 11);
  call_input(&f, OR_BOOL, SHAPE(2, 2), ((uint8_t[]){1, 0, 1, 1}));
  call_run(&f, 4);
  expect_ints(&f, 0, INTS(0, 1));
  expect_ints(&f, 3, INTS(1, 3));
  call_deinit(&f);

  call_init(&f, "", "Unique", 11);
  call_input(&f, OR_COMPLEX64, SHAPE(4), FLOATS(2, 1, 1, 5, 2, 0, 1, 5));
  call_run(&f, 3);
  expect_shape(&f, 0, OR_COMPLEX64, SHAPE(3));
  expect_ints(&f, 1, INTS(1, 2, 0));
  expect_ints(&f, 2, INTS(2, 0, 1, 0));
  const float *out = f.outputs[0].data;
  assert_true(out[0] == 1 && out[1] == 5 && out[2] == 2 && out[3] == 0 && out[4] == 2 && out[5] == 1);
  call_deinit(&f);

  call_init(&f, "", "Unique", 11);
  call_input(&f, OR_COMPLEX128, SHAPE(2), ((double[]){2, 1, 2, 1}));
  call_run(&f, 1);
  expect_shape(&f, 0, OR_COMPLEX128, SHAPE(1));
  call_deinit(&f);
}

/* However many: nothing is allocated for each. */
static void slices_without_elements_are_all_equal(void **state) {
  (void)state;
  const int64_t many = INT64_C(1) << 40;
  call_fixture_t f;
  call_init(&f, "", "Unique", 11);
  call_input(&f, OR_FLOAT32, SHAPE(many, 0), FLOATS(0));
  call_int(&f, "axis", 0);
  call_infer(&f, 4);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(1, 0));
  expect_shape(&f, 1, OR_INT64, SHAPE(1));
  expect_shape(&f, 2, OR_INT64, SHAPE(many));
  expect_shape(&f, 3, OR_INT64, SHAPE(1));
  call_deinit(&f);

  call_init(&f, "", "Unique", 11);
  call_input(&f, OR_FLOAT32, SHAPE(3, 0), FLOATS(0));
  call_int(&f, "axis", 0);
  call_run(&f, 4);
  expect_ints(&f, 1, INTS(0));
  expect_ints(&f, 2, INTS(0, 0, 0));
  expect_ints(&f, 3, INTS(3));
  call_deinit(&f);

  call_init(&f, "", "Unique", 11);
  call_input(&f, OR_FLOAT32, SHAPE(many, 2, 0), FLOATS(0));
  call_int(&f, "axis", 1);
  call_run(&f, 4);
  expect_ints(&f, 1, INTS(0));
  expect_ints(&f, 2, INTS(0, 0));
  expect_ints(&f, 3, INTS(2));
  call_deinit(&f);
}

static void nothing_has_nothing_different(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "Unique", 11);
  call_input(&f, OR_FLOAT32, SHAPE(0, 3), FLOATS(0));
  call_run(&f, 4);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(0));
  call_deinit(&f);

  call_init(&f, "", "Unique", 11);
  call_input(&f, OR_FLOAT32, SHAPE(3, 0), FLOATS(0));
  call_int(&f, "axis", 0);
  call_run(&f, 4);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(1, 0));
  expect_ints(&f, 3, INTS(3));
  call_deinit(&f);
}

static void knows_what_can_be_known_without_the_values(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "Unique", 11);
  call_input(&f, OR_FLOAT32, SHAPE(SYMBOL(0), 1), NULL);
  call_infer(&f, 4);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(UNKNOWN));
  expect_shape(&f, 1, OR_INT64, SHAPE(UNKNOWN));
  expect_shape(&f, 2, OR_INT64, SHAPE(SYMBOL(0)));
  expect_shape(&f, 3, OR_INT64, SHAPE(UNKNOWN));
  call_int(&f, "axis", 1);
  call_infer(&f, 3);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(SYMBOL(0), UNKNOWN));
  expect_shape(&f, 2, OR_INT64, SHAPE(1));
  f.inputs[0].shape = RANK_UNKNOWN;
  call_infer(&f, 3);
  expect_shape(&f, 0, OR_FLOAT32, RANK_UNKNOWN);
  expect_shape(&f, 2, OR_INT64, SHAPE(UNKNOWN));
  call_deinit(&f);
}

static void refuses_what_does_not_fit(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "Unique", 11);
  call_input(&f, OR_FLOAT32, SHAPE(2), FLOATS(1, 2));
  call_int(&f, "axis", 1);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "axis");
  call_int(&f, "sorted", 2);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "\"sorted\" is 2");
  call_deinit(&f);
}

static void gives_back_every_byte_when_an_allocation_fails(void **state) {
  (void)state;
  for (size_t n = 1; n <= 6; ++n) {
    call_fixture_t f;
    call_init(&f, "", "Unique", 11);
    or_counting_allocator_init(&f.allocator, or_allocator_system(), n);
    call_input(&f, OR_FLOAT32, SHAPE(2), FLOATS(1, 2));
    expect_refused(&f, 4, OR_RESOURCE_EXHAUSTED, "");
    call_deinit(&f);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(lists_what_is_different_in_order_or_as_it_is_met),
      cmocka_unit_test(compares_slices_along_an_axis),
      cmocka_unit_test(orders_every_kind_of_number),
      cmocka_unit_test(slices_without_elements_are_all_equal),
      cmocka_unit_test(nothing_has_nothing_different),
      cmocka_unit_test(knows_what_can_be_known_without_the_values),
      cmocka_unit_test(refuses_what_does_not_fit),
      cmocka_unit_test(gives_back_every_byte_when_an_allocation_fails),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
