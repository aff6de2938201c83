#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ops/call_fixture_template.h"

static void start(call_fixture_t *f, or_dtype_t from, int64_t count, const void *data, or_dtype_t to) {
  call_init(f, "", "Cast", 28);
  call_input(f, from, SHAPE(count), data);
  call_int(f, "to", to);
}

static void reals_become_integers_by_truncation_and_never_overflow(void **state) {
  (void)state;
  call_fixture_t f;
  start(&f, OR_FLOAT32, 6, FLOATS(1.9F, -1.9F, NAN, INFINITY, -INFINITY, 1e10F), OR_INT32);
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(1, -1, 0, INT32_MAX, INT32_MIN, INT32_MAX));
  call_deinit(&f);
  start(&f, OR_FLOAT64, 4, (double[]){300, -5, 0x1p63, 255.5}, OR_UINT8);
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(255, 0, 255, 255));
  call_deinit(&f);
  start(&f, OR_FLOAT64, 3, (double[]){0x1p63, -0x1p64, 9007199254740993.0}, OR_INT64);
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(INT64_MAX, INT64_MIN, 9007199254740992));
  call_deinit(&f);
  start(&f, OR_FLOAT64, 3, (double[]){0x1p63, 0x1p65, -1}, OR_UINT64);
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(INT64_MIN, -1, 0)); /* the bits of 2^63, 2^64 - 1 and 0 */
  call_deinit(&f);
}

static void integers_keep_their_low_bits(void **state) {
  (void)state;
  call_fixture_t f;
  start(&f, OR_INT16, 3, (int16_t[]){200, -1, 256}, OR_INT8);
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(-56, -1, 0));
  call_deinit(&f);
  start(&f, OR_INT32, 5, (int32_t[]){-1, 7, 8, 15, 16}, OR_INT4);
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(-1, 7, -8, -1, 0));
  assert_int_equal(((uint8_t *)f.outputs[0].data)[2], 0); /* nothing behind the last element */
  call_deinit(&f);
}

static void bool_is_whether_not_zero(void **state) {
  (void)state;
  call_fixture_t f;
  start(&f, OR_FLOAT32, 4, FLOATS(0, -0.0F, 0.25F, NAN), OR_BOOL);
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(0, 0, 1, 1));
  call_deinit(&f);
  start(&f, OR_INT32, 2, (int32_t[]){256, 0}, OR_BOOL); /* its low byte is 0 */
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(1, 0));
  call_deinit(&f);
}

static void narrow_reals_are_rounded_once(void **state) {
  (void)state;
  call_fixture_t f;
  /* Just above the middle of 1 and the next float16; float32 would round it to that middle, and that to 1. */
  start(&f, OR_FLOAT64, 3, (double[]){1 + 0x1p-11 + 0x1p-40, 1 + 0x1p-11, 65519.9999999}, OR_FLOAT16);
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(1 + 0x1p-10, 1, 65504));
  call_deinit(&f);
  /* Just below a middle, where the nearest float32 is right already. */
  start(&f, OR_FLOAT64, 1, (double[]){1 + 0x3p-11 - 0x1.3p-24}, OR_FLOAT16);
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(1 + 0x1p-10));
  call_deinit(&f);
  /* The same for integers on their way through double: 2^62 + 2^54 is the middle of two bfloat16. */
  start(&f, OR_INT64, 2, (int64_t[]){(1LL << 62) + (1LL << 54) + 1, (1LL << 62) + (1LL << 54)}, OR_BFLOAT16);
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(0x1p62 + 0x1p55, 0x1p62));
  call_deinit(&f);
  start(&f, OR_UINT64, 1, (uint64_t[]){UINT64_MAX}, OR_FLOAT32);
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(0x1p64));
  call_deinit(&f);
}

/* The tables of ONNX's Cast. 464 and 61440 are ties beyond the largest value. */
static void eight_bit_floats_saturate_unless_told_otherwise(void **state) {
  (void)state;
  static const struct {
    or_dtype_t to;
    double saturated, unsaturated, largest;
  } cases[] = {{OR_FLOAT8E4M3FN, 448, NAN, 448},
               {OR_FLOAT8E4M3FNUZ, 240, NAN, 240},
               {OR_FLOAT8E5M2, 57344, INFINITY, 57344},
               {OR_FLOAT8E5M2FNUZ, 57344, NAN, 57344}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
    double expected = cases[i].saturated, other = cases[i].unsaturated, largest = cases[i].largest;
    call_fixture_t f;
    start(&f, OR_FLOAT32, 5, FLOATS(1e6F, -INFINITY, NAN, (float)largest, 1.0625F), cases[i].to);
    call_run(&f, 1);
    expect_doubles(&f, 0, 0, DOUBLES(expected, -expected, NAN, largest, 1)); /* 1.0625 is a tie, or below one */
    call_deinit(&f);
    start(&f, OR_FLOAT32, 4, FLOATS(1e6F, -INFINITY, NAN, (float)largest), cases[i].to);
    call_int(&f, "saturate", 0);
    call_run(&f, 1);
    expect_doubles(&f, 0, 0, DOUBLES(other, -other, NAN, largest));
    call_deinit(&f);
  }
}

static void infinity_is_nan_to_types_without_it_before_version_24(void **state) {
  (void)state;
  call_fixture_t f;
  start(&f, OR_FLOAT32, 2, FLOATS(INFINITY, 1e6F), OR_FLOAT8E4M3FNUZ);
  f.node.version = 19;
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(NAN, 240));
  call_deinit(&f);
}

static void four_bit_floats_saturate(void **state) {
  (void)state;
  call_fixture_t f;
  start(&f, OR_FLOAT32, 5, FLOATS(100, -INFINITY, 0.25F, 2.5F, -1.5F), OR_FLOAT4E2M1);
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(6, -6, 0, 2, -1.5));
  call_deinit(&f);
}

static void every_pair_of_dtypes_carries_small_numbers(void **state) {
  (void)state;
  static const or_dtype_t dtypes[] = {
      OR_FLOAT32,  OR_UINT8,        OR_INT8,           OR_UINT16,     OR_INT16,          OR_INT32,
      OR_INT64,    OR_BOOL,         OR_FLOAT16,        OR_FLOAT64,    OR_UINT32,         OR_UINT64,
      OR_BFLOAT16, OR_FLOAT8E4M3FN, OR_FLOAT8E4M3FNUZ, OR_FLOAT8E5M2, OR_FLOAT8E5M2FNUZ, OR_UINT4,
      OR_INT4,     OR_FLOAT4E2M1,   OR_UINT2,          OR_FLOAT6E2M3, OR_FLOAT6E3M2};
  for (size_t i = 0; i < sizeof dtypes / sizeof *dtypes; ++i) {
    for (size_t k = 0; k < sizeof dtypes / sizeof *dtypes; ++k) {
      uint64_t packed[3] = {0};
      for (size_t e = 0; e < 3; ++e) or_element_set(dtypes[i], packed, e, e == 1 ? 1 : 0);
      call_fixture_t f;
      start(&f, dtypes[i], 3, packed, dtypes[k]);
      call_run(&f, 1);
      expect_shape(&f, 0, dtypes[k], SHAPE(3));
      expect_doubles(&f, 0, 0, DOUBLES(0, 1, 0));
      call_deinit(&f);
    }
  }
}

/* The values of OCP Microscaling Formats 1.0, tables 3 and 4; NaN becomes -0 in ONNX's test data. */
static void six_bit_floats_saturate(void **state) {
  (void)state;
  call_fixture_t f;
  start(&f, OR_FLOAT32, 6, FLOATS(100, -INFINITY, 0.0625F, 0.1875F, -1.5F, NAN), OR_FLOAT6E2M3);
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(7.5, -7.5, 0, 0.25, -1.5, 0));
  call_deinit(&f);
  start(&f, OR_FLOAT32, 5, FLOATS(100, -INFINITY, 0.03125F, 5.5F, -1.5F), OR_FLOAT6E3M2);
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(28, -28, 0, 6, -1.5));
  call_deinit(&f);
}

static void integers_of_two_bits_keep_their_low_bits(void **state) {
  (void)state;
  call_fixture_t f;
  start(&f, OR_INT32, 5, ((int32_t[]){1, 2, -1, 7, -3}), OR_INT2);
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(1, -2, -1, -1, 1));
  call_deinit(&f);
  start(&f, OR_FLOAT32, 5, FLOATS(1.9F, 2, 3.5F, 5, -1), OR_UINT2);
  call_run(&f, 1);
  expect_ints(&f, 0, INTS(1, 2, 3, 1, 3));
  call_deinit(&f);
}

static void powers_of_two_are_rounded_as_attributes_say(void **state) {
  (void)state;
  call_fixture_t f;
  start(&f, OR_FLOAT32, 5, FLOATS(1.25F, 3, 0, INFINITY, NAN), OR_FLOAT8E8M0);
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(2, 4, 0x1p-127, 0x1p127, NAN));
  call_deinit(&f);
  start(&f, OR_INT64, 3, ((int64_t[]){5, 6, 0}), OR_FLOAT8E8M0);
  call_string(&f, "round_mode", "nearest");
  call_int(&f, "saturate", 0);
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(4, 8, NAN));
  call_deinit(&f);
  start(&f, OR_FLOAT16, 1, ((uint16_t[]){0x3e00}), OR_FLOAT8E8M0); /* 1.5 */
  call_string(&f, "round_mode", "down");
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(1));
  call_deinit(&f);
  start(&f, OR_FLOAT8E8M0, 3, ((uint8_t[]){126, 130, 255}), OR_FLOAT32);
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(0.5, 8, NAN));
  call_deinit(&f);
  start(&f, OR_FLOAT32, 1, NULL, OR_FLOAT8E8M0);
  call_string(&f, "round_mode", "sideways");
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "\"round_mode\" is \"sideways\", expected up, down or nearest");
  call_deinit(&f);
}

static void cast_like_takes_the_dtype_of_its_second_input(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "CastLike", 15);
  call_input(&f, OR_FLOAT32, SHAPE(2), FLOATS(3.7F, -3.7F));
  call_input(&f, OR_INT16, SHAPE(0), (int16_t[]){0});
  call_run(&f, 1);
  expect_shape(&f, 0, OR_INT16, SHAPE(2));
  expect_ints(&f, 0, INTS(3, -3));
  call_deinit(&f);
}

static void dtypes_that_onnx_does_not_cast_are_refused_by_name(void **state) {
  (void)state;
  call_fixture_t f;
  start(&f, OR_FLOAT32, 1, NULL, OR_FLOAT32);
  f.attributes[0].integer = 99;
  expect_refused(&f, 1, OR_UNIMPLEMENTED, "number 99");
  f.attributes[0].integer = OR_COMPLEX64;
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "complex64");
  call_deinit(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(reals_become_integers_by_truncation_and_never_overflow),
      cmocka_unit_test(integers_keep_their_low_bits),
      cmocka_unit_test(bool_is_whether_not_zero),
      cmocka_unit_test(narrow_reals_are_rounded_once),
      cmocka_unit_test(eight_bit_floats_saturate_unless_told_otherwise),
      cmocka_unit_test(infinity_is_nan_to_types_without_it_before_version_24),
      cmocka_unit_test(four_bit_floats_saturate),
      cmocka_unit_test(six_bit_floats_saturate),
      cmocka_unit_test(integers_of_two_bits_keep_their_low_bits),
      cmocka_unit_test(powers_of_two_are_rounded_as_attributes_say),
      cmocka_unit_test(every_pair_of_dtypes_carries_small_numbers),
      cmocka_unit_test(cast_like_takes_the_dtype_of_its_second_input),
      cmocka_unit_test(dtypes_that_onnx_does_not_cast_are_refused_by_name),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
