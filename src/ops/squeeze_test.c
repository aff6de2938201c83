#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ops/call_fixture_template.h"

static void squeeze_takes_out_the_axes_named(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "Squeeze", 13);
  call_input(&f, OR_FLOAT32, SHAPE(1, 2, 1, 1), FLOATS(5, 6));
  call_list(&f, INTS(0, -1));
  call_run(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(2, 1));
  expect_doubles(&f, 0, 0, DOUBLES(5, 6));
  call_deinit(&f);
  call_init(&f, "", "Squeeze", 11);
  call_input(&f, OR_FLOAT32, SHAPE(1, SYMBOL(0), SYMBOL(1)), NULL);
  call_ints(&f, "axes", INTS(0, 2));
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(SYMBOL(0)));
  call_deinit(&f);
}

static void squeeze_without_axes_takes_out_every_one(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "Squeeze", 13);
  call_input(&f, OR_FLOAT32, SHAPE(1, 2, 1, 0), NULL);
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(2, 0));
  f.inputs[0].shape = SHAPE(1, SYMBOL(0)); /* the symbol may turn out as one */
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, RANK_UNKNOWN);
  call_deinit(&f);
}

static void unsqueeze_counts_axes_in_the_output(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "Unsqueeze", 13);
  call_input(&f, OR_FLOAT32, SHAPE(SYMBOL(0), 4), NULL);
  call_list(&f, INTS(-1, 0));
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(1, SYMBOL(0), 4, 1));
  f.inputs[1].data = NULL; /* how many is known, which is not */
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN));
  call_deinit(&f);
  call_init(&f, "", "Unsqueeze", 11);
  call_input(&f, OR_INT8, SCALAR, NULL);
  call_ints(&f, "axes", INTS(0));
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_INT8, SHAPE(1));
  call_deinit(&f);
}

static void refuse(const char *name, or_shape_t shape, const int64_t *axes, size_t count, const char *part) {
  call_fixture_t f;
  call_init(&f, "", name, 13);
  call_input(&f, OR_FLOAT32, shape, NULL);
  call_list(&f, axes, count);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, part);
  call_deinit(&f);
}

static void refuses_axes_that_do_not_fit(void **state) {
  (void)state;
  refuse("Squeeze", SHAPE(2, 1), INTS(0), "axis 0 has extent 2; only 1 can be squeezed");
  refuse("Squeeze", SHAPE(1, 1), INTS(2), "axis 2 is outside");
  refuse("Squeeze", SHAPE(1, 1), INTS(1, -1), "axis 1 is given twice");
  refuse("Squeeze", SHAPE(1), INTS(0, 0), "2 axes, but the input has rank 1");
  refuse("Unsqueeze", SHAPE(1), INTS(2), "axis 2 is outside");
  refuse("Unsqueeze", SHAPE(1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1), INTS(0), "rank 17; the limit is 16");
  call_fixture_t f;
  call_init(&f, "", "Squeeze", 13);
  call_input(&f, OR_FLOAT32, SHAPE(1), NULL);
  call_ints(&f, "axes", INTS(0));
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "\"axes\" does not exist in version 13");
  call_deinit(&f);
  call_init(&f, "", "Unsqueeze", 13);
  call_input(&f, OR_FLOAT32, SHAPE(1), NULL);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "input 1 axes is missing");
  call_deinit(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(squeeze_takes_out_the_axes_named),
      cmocka_unit_test(squeeze_without_axes_takes_out_every_one),
      cmocka_unit_test(unsqueeze_counts_axes_in_the_output),
      cmocka_unit_test(refuses_axes_that_do_not_fit),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
