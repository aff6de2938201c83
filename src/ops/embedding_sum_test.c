#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ops/call_fixture_template.h"

static const float words[] = {0, 1, 10, 11, 20, 21}, places[] = {100, 200, 300, 400};

static void begin(call_fixture_t *f) {
  call_init(f, "openruntime", "EmbeddingSum", 1);
  call_input(f, OR_FLOAT32, SHAPE(3, 2), words);
}

static void adds_the_rows_that_the_indices_name(void **state) {
  (void)state;
  call_fixture_t f;
  begin(&f);
  call_input(&f, OR_INT64, SHAPE(2, 2), (const int64_t[]){2, 0, -1, 1});
  call_input(&f, OR_FLOAT32, SHAPE(2, 2), places);
  call_input(&f, OR_INT32, SHAPE(1, 2), (const int32_t[]){0, 1}); /* the same in each line */
  call_input(&f, OR_FLOAT32, SHAPE(1, 2), FLOATS(0.5, 0.25));
  call_input(&f, OR_INT64, SHAPE(2, 1), (const int64_t[]){0, 0});
  call_run(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(2, 2, 2));
  expect_doubles(&f, 0, 0, DOUBLES(120.5, 221.25, 300.5, 401.25, 120.5, 221.25, 310.5, 411.25));
  call_deinit(&f);
}

static void a_single_index_gives_a_row(void **state) {
  (void)state;
  call_fixture_t f;
  begin(&f);
  call_input(&f, OR_INT64, SCALAR, (const int64_t[]){1});
  call_input(&f, OR_FLOAT32, SHAPE(2, 2), places);
  call_input(&f, OR_INT64, SCALAR, (const int64_t[]){1});
  call_run(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(2));
  expect_doubles(&f, 0, 0, DOUBLES(310, 411));
  call_deinit(&f);
}

static void refuses_what_does_not_fit(void **state) {
  (void)state;
  call_fixture_t f;
  begin(&f);
  call_input(&f, OR_INT64, SHAPE(2), (const int64_t[]){0, 1});
  call_input(&f, OR_FLOAT32, SHAPE(1, 4), places);
  call_input(&f, OR_INT64, SHAPE(2), (const int64_t[]){0, 1});
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "columns of the tables: 2 and 4 differ");
  call_deinit(&f);
  begin(&f);
  call_input(&f, OR_FLOAT32, SHAPE(2), FLOATS(0, 1));
  call_input(&f, OR_FLOAT32, SHAPE(2, 2), places);
  call_input(&f, OR_INT64, SHAPE(2), (const int64_t[]){0, 1});
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "input 1 (indices) is float32");
  call_deinit(&f);
  begin(&f);
  call_input(&f, OR_INT64, SHAPE(2), (const int64_t[]){0, 3});
  call_input(&f, OR_FLOAT32, SHAPE(2, 2), places);
  call_input(&f, OR_INT64, SHAPE(2), (const int64_t[]){0, 1});
  float out[4];
  call_infer(&f, 1);
  f.outputs[0].data = out;
  or_status_t status = or_op_reference(&f.call);
  assert_int_equal(or_status_code(status), OR_INVALID_ARGUMENT);
  assert_non_null(strstr(or_status_message(status), "input 1: index 3 at 1 is outside a table of 3 rows"));
  or_status_ignore(status); /* expected */
  f.outputs[0].data = NULL;
  call_deinit(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(adds_the_rows_that_the_indices_name),
      cmocka_unit_test(a_single_index_gives_a_row),
      cmocka_unit_test(refuses_what_does_not_fit),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
