#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ops/call_fixture_template.h"

/* start, limit and delta lie next to each other at `operands`. */
static void start_range(call_fixture_t *f, or_dtype_t dtype, const void *operands) {
  call_init(f, "", "Range", 11);
  for (size_t i = 0; i < 3; ++i) call_input(f, dtype, SCALAR, (const char *)operands + or_dtype_bytes(dtype, i));
}

static void range_counts_exactly(void **state) {
  (void)state;
  call_fixture_t f;
  start_range(&f, OR_INT32, (int32_t[]){10, 4, -4});
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(10, 6));
  call_deinit(&f);
  start_range(&f, OR_FLOAT64, (double[]){0, 1, 0.3});
  call_run(&f, 1);
  expect_doubles(&f, 0, 1e-15, DOUBLES(0, 0.3, 0.6, 0.9));
  call_deinit(&f);
  start_range(&f, OR_INT64, (int64_t[]){INT64_MIN, INT64_MAX, INT64_MAX}); /* the distance does not fit an int64 */
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(INT64_MIN, -1, INT64_MAX - 1));
  call_deinit(&f);
  start_range(&f, OR_INT16, (int16_t[]){3, 3, 1});
  call_run(&f, 1);
  expect_shape(&f, 0, OR_INT16, SHAPE(0));
  call_deinit(&f);
}

static void range_refuses_steps_that_lead_nowhere(void **state) {
  (void)state;
  call_fixture_t f;
  start_range(&f, OR_INT64, (int64_t[]){0, 4, 0});
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "delta is 0");
  f.inputs[2].data = NULL;
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_INT64, SHAPE(UNKNOWN));
  call_deinit(&f);
  start_range(&f, OR_INT64, (int64_t[]){INT64_MIN, INT64_MAX, 1});
  expect_refused(&f, 1, OR_OUT_OF_RANGE, "18446744073709551615 numbers");
  call_deinit(&f);
  start_range(&f, OR_FLOAT32, FLOATS(0, 1e30F, 1e-30F));
  expect_refused(&f, 1, OR_OUT_OF_RANGE, "numbers");
  f.inputs[1].data = FLOATS(NAN);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "no count follows");
  f.inputs[1].shape = SHAPE(2);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "input 1 must be a scalar");
  call_deinit(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(range_counts_exactly),
      cmocka_unit_test(range_refuses_steps_that_lead_nowhere),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
