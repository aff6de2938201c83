#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ops/call_fixture_template.h"

static void reverses_the_first_steps(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "ReverseSequence", 10);
  call_input(&f, OR_FLOAT32, SHAPE(4, 4), ((float[]){0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15}));
  call_list(&f, INTS(4, 3, 2, 1));
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(3, 6, 9, 12, 2, 5, 8, 13, 1, 4, 10, 14, 0, 7, 11, 15));
  call_deinit(&f);

  call_init(&f, "", "ReverseSequence", 28);
  call_input(&f, OR_FLOAT32, SHAPE(2, 3), ((float[]){0, 1, 2, 3, 4, 5}));
  call_list(&f, INTS(1, 3));
  call_int(&f, "time_axis", 1);
  call_int(&f, "batch_axis", 0);
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(0, 1, 2, 5, 4, 3));
  call_deinit(&f);
}

static void refuses_what_does_not_fit(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "ReverseSequence", 10);
  call_input(&f, OR_FLOAT32, SHAPE(2, 2), ((float[]){1, 2, 3, 4}));
  call_list(&f, INTS(1, 3));
  expect_run_fails(&f, 1, "length 3");
  call_deinit(&f);

  call_init(&f, "", "ReverseSequence", 10);
  call_input(&f, OR_FLOAT32, SHAPE(2, 2), ((float[]){1, 2, 3, 4}));
  call_list(&f, INTS(1, 1));
  call_int(&f, "time_axis", 1);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "either order");
  call_deinit(&f);

  call_init(&f, "", "ReverseSequence", 10);
  call_input(&f, OR_FLOAT32, SHAPE(2, 2), ((float[]){1, 2, 3, 4}));
  call_list(&f, INTS(1));
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "differ");
  call_deinit(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(reverses_the_first_steps),
      cmocka_unit_test(refuses_what_does_not_fit),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
