#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ops/call_fixture_template.h"

static void writes_an_update_into_the_cache(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "TensorScatter", 24);
  call_input(&f, OR_FLOAT32, SHAPE(2, 4, 1), ((float[]){1, 2, 3, 4, 5, 6, 7, 8}));
  call_input(&f, OR_FLOAT32, SHAPE(2, 2, 1), ((float[]){10, 20, 30, 40}));
  call_input(&f, OR_INT64, SHAPE(2), ((int64_t[]){1, 2}));
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(1, 10, 20, 4, 5, 6, 30, 40));
  call_deinit(&f);

  call_init(&f, "", "TensorScatter", 24);
  call_input(&f, OR_FLOAT32, SHAPE(2, 4, 1), ((float[]){1, 2, 3, 4, 5, 6, 7, 8}));
  call_input(&f, OR_FLOAT32, SHAPE(2, 2, 1), ((float[]){10, 20, 30, 40}));
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(10, 20, 3, 4, 30, 40, 7, 8));
  call_deinit(&f);

  call_init(&f, "", "TensorScatter", 24);
  call_input(&f, OR_FLOAT32, SHAPE(2, 4, 1), ((float[]){1, 2, 3, 4, 5, 6, 7, 8}));
  call_input(&f, OR_FLOAT32, SHAPE(2, 2, 1), ((float[]){10, 20, 30, 40}));
  call_input(&f, OR_INT64, SHAPE(2), ((int64_t[]){3, 6}));
  call_string(&f, "mode", "circular");
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(20, 2, 3, 10, 5, 6, 30, 40));
  call_deinit(&f);
}

static void elements_that_share_bytes_leave_their_neighbours(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "TensorScatter", 24);
  call_input(&f, OR_UINT4, SHAPE(1, 3, 1), ((uint8_t[]){0x21, 0x03}));
  call_input(&f, OR_UINT4, SHAPE(1, 1, 1), ((uint8_t[]){0x0f}));
  call_input(&f, OR_INT64, SHAPE(1), ((int64_t[]){1}));
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(1, 15, 3));
  call_deinit(&f);
}

static void refuses_what_does_not_fit(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "TensorScatter", 24);
  call_input(&f, OR_FLOAT32, SHAPE(2, 4, 1), ((float[]){1, 2, 3, 4, 5, 6, 7, 8}));
  call_input(&f, OR_FLOAT32, SHAPE(2, 2, 1), ((float[]){10, 20, 30, 40}));
  call_input(&f, OR_INT64, SHAPE(2), ((int64_t[]){3, 0}));
  expect_run_fails(&f, 1, "does not fit");
  call_deinit(&f);

  call_init(&f, "", "TensorScatter", 24);
  call_input(&f, OR_FLOAT32, SHAPE(2, 2, 1), ((float[]){10, 20, 30, 40}));
  call_input(&f, OR_FLOAT32, SHAPE(2, 4, 1), ((float[]){1, 2, 3, 4, 5, 6, 7, 8}));
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "the cache 2");
  call_deinit(&f);

  call_init(&f, "", "TensorScatter", 24);
  call_input(&f, OR_FLOAT32, SHAPE(2, 4, 1), ((float[]){1, 2, 3, 4, 5, 6, 7, 8}));
  call_input(&f, OR_FLOAT32, SHAPE(2, 2, 1), ((float[]){10, 20, 30, 40}));
  call_int(&f, "axis", 0);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "batch");
  call_deinit(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(elements_that_share_bytes_leave_their_neighbours),
      cmocka_unit_test(writes_an_update_into_the_cache),
      cmocka_unit_test(refuses_what_does_not_fit),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
