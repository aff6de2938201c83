#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ops/call_fixture_template.h"

static void draws_a_diagonal(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "EyeLike", 22);
  call_input(&f, OR_INT32, SHAPE(2, 3), NULL);
  call_run(&f, 1);
  expect_shape(&f, 0, OR_INT32, SHAPE(2, 3));
  expect_ints(&f, 0, INTS(1, 0, 0, 0, 1, 0));
  call_deinit(&f);

  call_init(&f, "", "EyeLike", 9);
  call_input(&f, OR_INT32, SHAPE(3, 2), NULL);
  call_int(&f, "k", -1);
  call_int(&f, "dtype", 1);
  call_run(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(3, 2));
  expect_doubles(&f, 0, 0, DOUBLES(0, 0, 1, 0, 0, 1));
  call_deinit(&f);

  call_init(&f, "", "EyeLike", 22);
  call_input(&f, OR_INT32, SHAPE(2, 2), NULL);
  call_int(&f, "k", INT64_MIN);
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(0, 0, 0, 0));
  call_deinit(&f);
}

static void refuses_other_ranks_and_strings(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "EyeLike", 22);
  call_input(&f, OR_INT32, SHAPE(2), NULL);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "rank 1");
  call_deinit(&f);

  call_init(&f, "", "EyeLike", 22);
  call_input(&f, OR_INT32, SHAPE(2, 2), NULL);
  call_int(&f, "dtype", 8);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "dtype");
  call_deinit(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(draws_a_diagonal),
      cmocka_unit_test(refuses_other_ranks_and_strings),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
