#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ops/call_fixture_template.h"

static void finds_nan_and_nothing_else(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "IsNaN", 20);
  call_input(&f, OR_FLOAT32, SHAPE(2, 2), FLOATS(0, (float)NAN, (float)INFINITY, -1));
  call_run(&f, 1);
  expect_shape(&f, 0, OR_BOOL, SHAPE(2, 2));
  expect_ints(&f, 0, INTS(0, 1, 0, 0));
  call_deinit(&f);
}

static void symbols_pass_unchanged(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "IsNaN", 9);
  call_input(&f, OR_FLOAT16, SHAPE(SYMBOL(0), UNKNOWN), NULL);
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_BOOL, SHAPE(SYMBOL(0), UNKNOWN));
  call_deinit(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(finds_nan_and_nothing_else),
      cmocka_unit_test(symbols_pass_unchanged),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
