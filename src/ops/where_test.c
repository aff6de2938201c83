#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ops/call_fixture_template.h"

static void where_takes_from_x_or_y_by_element(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "Where", 16);
  call_input(&f, OR_BOOL, SHAPE(2, 1), (uint8_t[]){1, 0});
  call_input(&f, OR_INT16, SHAPE(3), (int16_t[]){1, 2, 3});
  call_input(&f, OR_INT16, SCALAR, (int16_t[]){-7});
  call_run(&f, 1);
  expect_shape(&f, 0, OR_INT16, SHAPE(2, 3));
  expect_ints(&f, 0, INTS(1, 2, 3, -7, -7, -7));
  call_deinit(&f);
}

static void where_moves_elements_of_every_width(void **state) {
  (void)state;
  static const or_dtype_t dtypes[] = {OR_UINT8, OR_FLOAT16, OR_FLOAT32, OR_FLOAT64, OR_COMPLEX128};
  uint8_t x[32], y[32], condition[2] = {0, 1};
  for (uint8_t i = 0; i < 32; ++i) {
    x[i] = i;
    y[i] = (uint8_t)(100 + i);
  }
  for (size_t d = 0; d < sizeof dtypes / sizeof *dtypes; ++d) {
    size_t bytes = or_dtype_bytes(dtypes[d], 1);
    call_fixture_t f;
    call_init(&f, "", "Where", 16);
    call_input(&f, OR_BOOL, SHAPE(2), condition);
    call_input(&f, dtypes[d], SHAPE(2), x);
    call_input(&f, dtypes[d], SHAPE(2), y);
    call_run(&f, 1);
    assert_memory_equal(f.outputs[0].data, y, bytes);
    assert_memory_equal((uint8_t *)f.outputs[0].data + bytes, x + bytes, bytes);
    call_deinit(&f);
  }
}

static void refuses_what_does_not_fit(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "Where", 16);
  call_input(&f, OR_BOOL, SHAPE(2), NULL);
  call_input(&f, OR_FLOAT32, SHAPE(2), NULL);
  call_input(&f, OR_INT32, SHAPE(2), NULL);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "differ in dtype: float32 and int32");
  call_deinit(&f);
  call_init(&f, "", "Where", 16);
  call_input(&f, OR_BOOL, SHAPE(2), NULL);
  call_input(&f, OR_INT4, SHAPE(2), NULL);
  call_input(&f, OR_INT4, SHAPE(2), NULL);
  expect_refused(&f, 1, OR_UNIMPLEMENTED, "int4");
  call_deinit(&f);
  call_init(&f, "", "Where", 16);
  call_input(&f, OR_BOOL, SHAPE(4), NULL);
  call_input(&f, OR_FLOAT32, SHAPE(3), NULL);
  call_input(&f, OR_FLOAT32, SHAPE(1), NULL);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "the condition: shapes [4] and [3]");
  call_deinit(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(where_takes_from_x_or_y_by_element),
      cmocka_unit_test(where_moves_elements_of_every_width),
      cmocka_unit_test(refuses_what_does_not_fit),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
