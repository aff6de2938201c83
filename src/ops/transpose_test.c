#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ops/call_fixture_template.h"

static void reverses_the_dimensions_without_perm(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "Transpose", 13);
  call_input(&f, OR_INT32, SHAPE(2, 3), (int32_t[]){1, 2, 3, 4, 5, 6});
  call_run(&f, 1);
  expect_shape(&f, 0, OR_INT32, SHAPE(3, 2));
  expect_ints(&f, 0, INTS(1, 4, 2, 5, 3, 6));
  call_deinit(&f);
}

static void follows_perm(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "Transpose", 13); /* element (i, j, k) is 100 i + 10 j + k */
  call_input(&f, OR_UINT8, SHAPE(2, 2, 2), (uint8_t[]){0, 1, 10, 11, 100, 101, 110, 111});
  call_ints(&f, "perm", INTS(1, 2, 0));
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(0, 100, 1, 101, 10, 110, 11, 111));
  call_deinit(&f);
  call_init(&f, "", "Transpose", 13);
  call_input(&f, OR_UINT8, SHAPE(SYMBOL(0), 3, UNKNOWN), NULL);
  call_ints(&f, "perm", INTS(2, 0, 1));
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_UINT8, SHAPE(UNKNOWN, SYMBOL(0), 3));
  call_deinit(&f);
}

/* Element (i, j, k, l) is 1000 i + 100 j + 10 k + l, and must be found at (l, j, i, k). */
static void follows_perm_through_many_dimensions(void **state) {
  (void)state;
  int16_t numbers[2 * 3 * 4 * 5];
  for (int i = 0; i < 120; ++i) numbers[i] = (int16_t)(i / 60 * 1000 + i / 20 % 3 * 100 + i / 5 % 4 * 10 + i % 5);
  call_fixture_t f;
  call_init(&f, "", "Transpose", 13);
  call_input(&f, OR_INT16, SHAPE(2, 3, 4, 5), numbers);
  call_ints(&f, "perm", INTS(3, 1, 0, 2));
  call_run(&f, 1);
  expect_shape(&f, 0, OR_INT16, SHAPE(5, 3, 2, 4));
  const int16_t *out = f.outputs[0].data;
  for (int n = 0; n < 120; ++n) {
    int l = n / 24, j = n / 8 % 3, i = n / 4 % 2, k = n % 4;
    assert_int_equal(out[n], 1000 * i + 100 * j + 10 * k + l);
  }
  call_deinit(&f);
}

static void elements_of_every_width_move_whole(void **state) {
  (void)state;
  static const or_dtype_t dtypes[] = {OR_INT8, OR_BFLOAT16, OR_FLOAT32, OR_INT64, OR_COMPLEX128};
  uint8_t bytes[6 * 16];
  for (size_t i = 0; i < sizeof bytes; ++i) bytes[i] = (uint8_t)i;
  static const size_t order[6] = {0, 3, 1, 4, 2, 5};
  for (size_t d = 0; d < sizeof dtypes / sizeof *dtypes; ++d) {
    size_t width = or_dtype_bytes(dtypes[d], 1);
    call_fixture_t f;
    call_init(&f, "", "Transpose", 13);
    call_input(&f, dtypes[d], SHAPE(2, 3), bytes);
    call_run(&f, 1);
    for (size_t i = 0; i < 6; ++i) {
      assert_memory_equal((uint8_t *)f.outputs[0].data + i * width, bytes + order[i] * width, width);
    }
    call_deinit(&f);
  }
}

static void halves_of_bytes_move_too(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "Transpose", 21);
  call_input(&f, OR_UINT4, SHAPE(3, 3), (uint8_t[]){0x21, 0x43, 0x65, 0x87, 0x09}); /* 1 2 3 / 4 5 6 / 7 8 9 */
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(1, 4, 7, 2, 5, 8, 3, 6, 9));
  assert_int_equal(((uint8_t *)f.outputs[0].data)[4], 9); /* nothing behind the last element */
  call_deinit(&f);
}

static void empty_and_scalar_tensors_are_legal(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "Transpose", 13);
  call_input(&f, OR_FLOAT32, SHAPE(0, INT64_C(1) << 40, INT64_C(1) << 40), FLOATS(0)); /* no product overflows */
  call_run(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(INT64_C(1) << 40, INT64_C(1) << 40, 0));
  call_deinit(&f);
  call_init(&f, "", "Transpose", 13);
  call_input(&f, OR_FLOAT32, SCALAR, FLOATS(3));
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(3));
  call_deinit(&f);
}

static void refuse(const int64_t *perm, size_t count, const char *part) {
  call_fixture_t f;
  call_init(&f, "", "Transpose", 13);
  call_input(&f, OR_FLOAT32, SHAPE(2, 3), NULL);
  call_ints(&f, "perm", perm, count);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, part);
  call_deinit(&f);
}

static void refuses_what_is_no_permutation(void **state) {
  (void)state;
  refuse(INTS(0), "1 entries, but the input has rank 2");
  refuse(INTS(0, 2), "entry 1 is 2");
  refuse(INTS(-1, 0), "entry 0 is -1");
  refuse(INTS(1, 1), "entry 1 is 1, which is there twice");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(reverses_the_dimensions_without_perm),
      cmocka_unit_test(follows_perm),
      cmocka_unit_test(follows_perm_through_many_dimensions),
      cmocka_unit_test(elements_of_every_width_move_whole),
      cmocka_unit_test(halves_of_bytes_move_too),
      cmocka_unit_test(empty_and_scalar_tensors_are_legal),
      cmocka_unit_test(refuses_what_is_no_permutation),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
