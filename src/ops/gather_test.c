#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ops/call_fixture_template.h"

static const int32_t table[6] = {1, 2, 3, 4, 5, 6};

static void picks_slices_and_counts_negative_indices_from_the_end(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "Gather", 13);
  call_input(&f, OR_INT32, SHAPE(2, 3), table);
  call_input(&f, OR_INT64, SHAPE(1, 2), (int64_t[]){-1, 0});
  call_int(&f, "axis", 1);
  call_run(&f, 1);
  expect_shape(&f, 0, OR_INT32, SHAPE(2, 1, 2));
  expect_ints(&f, 0, INTS(3, 1, 6, 4));
  call_deinit(&f);
  call_init(&f, "", "Gather", 13);
  call_input(&f, OR_INT32, SHAPE(2, 3), table);
  call_input(&f, OR_INT32, SCALAR, (int32_t[]){1});
  call_run(&f, 1);
  expect_shape(&f, 0, OR_INT32, SHAPE(3));
  expect_ints(&f, 0, INTS(4, 5, 6));
  call_deinit(&f);
}

static void gather_elements_picks_one_by_one(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "GatherElements", 13);
  call_input(&f, OR_INT32, SHAPE(2, 3), table);
  call_input(&f, OR_INT64, SHAPE(3, 2), (int64_t[]){1, 0, 0, -1, 1, 1});
  call_run(&f, 1);
  expect_shape(&f, 0, OR_INT32, SHAPE(3, 2));
  expect_ints(&f, 0, INTS(4, 2, 1, 5, 4, 5));
  call_deinit(&f);
}

static void an_index_outside_is_refused_with_its_place(void **state) {
  (void)state;
  for (int64_t wrong = -3; wrong <= 2; wrong += 5) {
    call_fixture_t f;
    call_init(&f, "", wrong < 0 ? "Gather" : "GatherElements", 13);
    call_input(&f, OR_INT32, SHAPE(2, 3), table);
    call_input(&f, OR_INT64, SHAPE(1, 3), (int64_t[]){0, wrong, 1});
    call_infer(&f, 1);
    int32_t out[9];
    f.outputs[0].data = out;
    or_status_t status = or_op_reference(&f.call);
    assert_int_equal(or_status_code(status), OR_INVALID_ARGUMENT);
    assert_non_null(strstr(or_status_message(status), wrong < 0 ? "index -3 at 1" : "index 2 at 1"));
    assert_non_null(strstr(or_status_message(status), "extent 2"));
    or_status_ignore(status); /* expected */
    f.outputs[0].data = NULL;
    call_deinit(&f);
  }
}

static void symbols_pass_and_ranks_add_up(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "Gather", 13);
  call_input(&f, OR_FLOAT32, SHAPE(30522, 768), NULL);
  call_input(&f, OR_INT64, SHAPE(SYMBOL(0), SYMBOL(1)), NULL);
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(SYMBOL(0), SYMBOL(1), 768));
  f.inputs[1].shape = RANK_UNKNOWN;
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, RANK_UNKNOWN);
  call_deinit(&f);
}

static void refuses_shapes_and_dtypes_that_do_not_fit(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "Gather", 13);
  call_input(&f, OR_FLOAT32, SHAPE(2), NULL);
  call_input(&f, OR_FLOAT32, SHAPE(1), NULL);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "input 1 (indices) is float32");
  f.inputs[1].dtype = OR_INT64;
  f.inputs[0].shape = SCALAR;
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "axis 0");
  call_deinit(&f);
  call_init(&f, "", "GatherElements", 13);
  call_input(&f, OR_FLOAT32, SHAPE(2, 2), NULL);
  call_input(&f, OR_INT64, SHAPE(5, 3), NULL);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "dimension 1 of indices has extent 3, that of data only 2");
  f.inputs[1].shape = SHAPE(5);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "data has rank 2, indices have rank 1");
  call_deinit(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(picks_slices_and_counts_negative_indices_from_the_end),
      cmocka_unit_test(gather_elements_picks_one_by_one),
      cmocka_unit_test(an_index_outside_is_refused_with_its_place),
      cmocka_unit_test(symbols_pass_and_ranks_add_up),
      cmocka_unit_test(refuses_shapes_and_dtypes_that_do_not_fit),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
