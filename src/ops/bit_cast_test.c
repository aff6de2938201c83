#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ops/call_fixture_template.h"

static void keeps_the_bits(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "BitCast", 26);
  call_input(&f, OR_FLOAT32, SHAPE(2), ((float[]){1, -2}));
  call_int(&f, "to", 6);
  call_run(&f, 1);
  expect_shape(&f, 0, OR_INT32, SHAPE(2));
  expect_ints(&f, 0, INTS(1065353216, -1073741824));
  call_deinit(&f);

  call_init(&f, "", "BitCast", 26);
  call_input(&f, OR_UINT8, SHAPE(2), ((uint8_t[]){0, 1}));
  call_int(&f, "to", 9);
  call_run(&f, 1);
  expect_shape(&f, 0, OR_BOOL, SHAPE(2));
  expect_ints(&f, 0, INTS(0, 1));
  call_deinit(&f);
}

static void refuses_other_widths_and_bytes_that_are_no_bools(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "BitCast", 26);
  call_input(&f, OR_FLOAT32, SHAPE(1), ((float[]){1}));
  call_int(&f, "to", 7);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "32 bits");
  call_deinit(&f);

  call_init(&f, "", "BitCast", 26);
  call_input(&f, OR_FLOAT32, SHAPE(1), ((float[]){1}));
  call_int(&f, "to", 8);
  expect_refused(&f, 1, OR_UNIMPLEMENTED, "dtype");
  call_deinit(&f);

  call_init(&f, "", "BitCast", 26);
  call_input(&f, OR_UINT8, SHAPE(1), ((uint8_t[]){2}));
  call_int(&f, "to", 9);
  expect_run_fails(&f, 1, "no bool");
  call_deinit(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(keeps_the_bits),
      cmocka_unit_test(refuses_other_widths_and_bytes_that_are_no_bools),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
