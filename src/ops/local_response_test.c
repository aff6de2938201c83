#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ops/call_fixture_template.h"

static void divides_by_neighbouring_channels(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "LRN", 13);
  call_input(&f, OR_FLOAT32, SHAPE(1, 4, 2), ((float[]){1, 2, 4, 8, -1, 0, 3, 5}));
  call_int(&f, "size", 3);
  call_float(&f, "alpha", 0.5F);
  call_run(&f, 1);
  expect_doubles(&f, 0, 1e-6,
                 DOUBLES(0.365020756, 0.303892263, 1.41421356, 1.21556905, -0.284938382, 0, 1.43762198, 1.45902311));
  call_deinit(&f);
}

static void refuses_no_channels_and_no_size(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "LRN", 13);
  call_input(&f, OR_FLOAT32, SHAPE(1), ((float[]){1}));
  call_int(&f, "size", 3);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "rank 1");
  call_deinit(&f);

  call_init(&f, "", "LRN", 1);
  call_input(&f, OR_FLOAT32, SHAPE(1, 4, 2), ((float[]){1, 2, 4, 8, -1, 0, 3, 5}));
  call_int(&f, "size", 0);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "at least 1");
  call_deinit(&f);

  call_init(&f, "", "LRN", 1);
  call_input(&f, OR_FLOAT32, SHAPE(1), ((float[]){1}));
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "size");
  call_deinit(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(divides_by_neighbouring_channels),
      cmocka_unit_test(refuses_no_channels_and_no_size),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
