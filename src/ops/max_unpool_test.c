#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ops/call_fixture_template.h"

static const float pooled[4] = {5, 6, 7, 8};
static const int64_t where[4] = {5, 7, 13, 15}, twos[2] = {2, 2};

/* [1,1,2,2] from windows of 2, two apart: ONNX's own example. */
static void of_four(call_fixture_t *f, int version) {
  call_init(f, "", "MaxUnpool", version);
  call_input(f, OR_FLOAT32, SHAPE(1, 1, 2, 2), pooled);
  call_input(f, OR_INT64, SHAPE(1, 1, 2, 2), where);
  call_ints(f, "kernel_shape", twos, 2);
  call_ints(f, "strides", twos, 2);
}

static void puts_elements_where_they_were_found(void **state) {
  (void)state;
  call_fixture_t f;
  of_four(&f, 9);
  call_run(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(1, 1, 4, 4));
  expect_doubles(&f, 0, 0, DOUBLES(0, 0, 0, 0, 0, 5, 0, 6, 0, 0, 0, 0, 0, 7, 0, 8));
  call_deinit(&f);
}

static void a_larger_output_has_them_in_its_first_corner(void **state) {
  (void)state;
  call_fixture_t f;
  of_four(&f, 11);
  call_list(&f, INTS(1, 1, 5, 6));
  call_run(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(1, 1, 5, 6));
  expect_doubles(&f, 0, 0,
                 DOUBLES(0, 0, 0, 0, 0, 0, 0, 5, 0, 6, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0));
  call_deinit(&f);
}

/* 3 elements of windows of 2, two apart, padded by one at each side of 5: indices count in the 5. */
static void a_smaller_output_is_what_indices_count_in(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "MaxUnpool", 22);
  call_input(&f, OR_FLOAT16, SHAPE(2, 1, 3), ((uint16_t[]){0x3c00, 0x4000, 0x4200, 0x4400, 0x4500, 0x4600}));
  call_input(&f, OR_INT64, SHAPE(2, 1, 3), ((int64_t[]){0, 2, 4, 5, 7, 9}));
  call_list(&f, INTS(2, 1, 5));
  call_ints(&f, "kernel_shape", INTS(2));
  call_ints(&f, "strides", INTS(2));
  call_ints(&f, "pads", INTS(1, 1));
  call_run(&f, 1);
  expect_shape(&f, 0, OR_FLOAT16, SHAPE(2, 1, 5));
  expect_doubles(&f, 0, 0, DOUBLES(1, 0, 2, 0, 3, 4, 0, 5, 0, 6));
  call_deinit(&f);
}

static void pads_shorten_it_and_the_last_of_equal_indices_wins(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "MaxUnpool", 22);
  call_input(&f, OR_FLOAT64, SHAPE(1, 1, 3), ((double[]){1, 2, 3}));
  call_input(&f, OR_INT64, SHAPE(1, 1, 3), ((int64_t[]){1, 1, 3}));
  call_ints(&f, "kernel_shape", INTS(3));
  call_ints(&f, "pads", INTS(1, 0)); /* 2 + 3 - 1 */
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(0, 2, 0, 3));
  call_deinit(&f);
}

static void an_index_outside_is_refused(void **state) {
  (void)state;
  for (int64_t index = -1; index <= 16; index += 17) {
    const int64_t indices[4] = {5, index, 13, 15};
    call_fixture_t f;
    of_four(&f, 22);
    f.inputs[1].data = (void *)(uintptr_t)indices;
    expect_run_fails(&f, 1, "outside [0, 16)");
    call_deinit(&f);
  }
}

static void empty_inputs_are_legal(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "MaxUnpool", 11);
  call_input(&f, OR_FLOAT32, SHAPE(1, 2, 0), NULL);
  call_input(&f, OR_INT64, SHAPE(1, 2, 0), NULL);
  call_ints(&f, "kernel_shape", INTS(2));
  call_ints(&f, "strides", INTS(3));
  call_run(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(1, 2, 0));
  call_deinit(&f);
}

static void symbols_and_values_not_known_yet(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "MaxUnpool", 11);
  call_input(&f, OR_FLOAT32, SHAPE(SYMBOL(0), 3, SYMBOL(1), 4), NULL);
  call_input(&f, OR_INT64, RANK_UNKNOWN, NULL);
  call_ints(&f, "kernel_shape", INTS(3, 2));
  call_ints(&f, "pads", INTS(1, 0, 1, 0));
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(SYMBOL(0), 3, SYMBOL(1), 5));
  call_ints(&f, "strides", twos, 2);
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(SYMBOL(0), 3, UNKNOWN, 8));
  call_input(&f, OR_INT64, SHAPE(4), NULL);
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(SYMBOL(0), 3, UNKNOWN, UNKNOWN));
  f.inputs[0].shape = RANK_UNKNOWN;
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, RANK_UNKNOWN);
  call_deinit(&f);
}

static void what_does_not_fit_is_refused(void **state) {
  (void)state;
  call_fixture_t f;
  of_four(&f, 22);
  f.inputs[1].shape = SHAPE(1, 1, 2, 3);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "X and I: 2 and 3");
  f.inputs[1].shape = SHAPE(4);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "input 1 has rank 1");
  f.inputs[1].dtype = OR_INT32;
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "expected int64");
  f.inputs[1] = (or_op_tensor_t){.dtype = OR_INT64, .shape = SHAPE(1, 1, 2, 2)};
  f.inputs[0].shape = f.inputs[1].shape = SHAPE(2, 2);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "input 0 has rank 2");
  f.inputs[0].shape = f.inputs[1].shape = SHAPE(1, 1, INT64_MAX, 1);
  expect_refused(&f, 1, OR_OUT_OF_RANGE, "too large");
  f.inputs[0].shape = f.inputs[1].shape = SHAPE(1, 1, 2, 2);
  call_ints(&f, "pads", INTS(3, 0, 3, 0));
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "leave nothing of dimension 2");
  call_list(&f, INTS(1, 4, 4));
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "output_shape has 3 entries");
  f.call.input_count = 2;
  call_list(&f, INTS(1, 2, 4, 4));
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "holds 2 at 1");
  f.call.input_count = 2;
  call_list(&f, INTS(1, 1, 4, -4));
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "holds -4 at 3");
  f.call.input_count = 2;
  call_input(&f, OR_INT32, SHAPE(4), NULL);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "output_shape");
  call_deinit(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(puts_elements_where_they_were_found),
      cmocka_unit_test(a_larger_output_has_them_in_its_first_corner),
      cmocka_unit_test(a_smaller_output_is_what_indices_count_in),
      cmocka_unit_test(pads_shorten_it_and_the_last_of_equal_indices_wins),
      cmocka_unit_test(an_index_outside_is_refused),
      cmocka_unit_test(empty_inputs_are_legal),
      cmocka_unit_test(symbols_and_values_not_known_yet),
      cmocka_unit_test(what_does_not_fit_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
