/* Conversions against the formulae of the formats, computed in double with pow(). */
#include <math.h>

#include "base/numbers.h"
#include "base/testing.h"

/* Code `code` of a format: (-1)^S 2^(e-bias) (1 + f/2^bits), subnormals below. special: what the top codes mean. */
typedef enum special_t { IEEE, ONLY_NAN_AT_TOP, NAN_IS_MINUS_ZERO, NONE } special_t;
typedef struct format_t {
  or_dtype_t dtype;
  int exponent_bits, fraction_bits, bias;
  special_t special;
} format_t;
static const format_t formats[] = {
    {OR_FLOAT16, 5, 10, 15, IEEE},
    {OR_BFLOAT16, 8, 7, 127, IEEE},
    {OR_FLOAT8E4M3FN, 4, 3, 7, ONLY_NAN_AT_TOP},
    {OR_FLOAT8E4M3FNUZ, 4, 3, 8, NAN_IS_MINUS_ZERO},
    {OR_FLOAT8E5M2, 5, 2, 15, IEEE},
    {OR_FLOAT8E5M2FNUZ, 5, 2, 16, NAN_IS_MINUS_ZERO},
    {OR_FLOAT4E2M1, 2, 1, 1, NONE},
    {OR_FLOAT6E2M3, 2, 3, 1, NONE},
    {OR_FLOAT6E3M2, 3, 2, 3, NONE},
};
#define FORMAT_COUNT (sizeof formats / sizeof formats[0])

static uint32_t code_count(const format_t *format) { return 1U << (1 + format->exponent_bits + format->fraction_bits); }

static double value_of(const format_t *format, uint32_t code) {
  uint32_t half = code_count(format) / 2, fractions = 1U << format->fraction_bits;
  uint32_t magnitude = code & (half - 1), exponent = magnitude >> format->fraction_bits,
           fraction = magnitude & (fractions - 1);
  uint32_t top = (1U << format->exponent_bits) - 1;
  if (format->special == NAN_IS_MINUS_ZERO && code == half) return (double)NAN;
  if (format->special == ONLY_NAN_AT_TOP && magnitude == half - 1) return (double)NAN;
  double sign = code >= half ? -1.0 : 1.0;
  if (format->special == IEEE && exponent == top) return fraction == 0 ? sign * (double)INFINITY : (double)NAN;
  double scaled = exponent == 0 ? (double)fraction / fractions * pow(2, 1 - format->bias)
                                : (1.0 + (double)fraction / fractions) * pow(2, (int)exponent - format->bias);
  return sign * scaled;
}

static uint32_t get(const format_t *format, const void *data) {
  return code_count(format) > 256 ? *(const uint16_t *)data : *(const uint8_t *)data & (code_count(format) - 1);
}

static void put(const format_t *format, void *data, uint32_t code) {
  if (code_count(format) > 256) {
    *(uint16_t *)data = (uint16_t)code;
  } else {
    *(uint8_t *)data = (uint8_t)code;
  }
}

static bool same(double a, double b) { return isnan(a) ? isnan(b) : a == b && signbit(a) == signbit(b); }

static void decodes_every_code(void **state) {
  (void)state;
  for (size_t f = 0; f < FORMAT_COUNT; ++f) {
    for (uint32_t code = 0; code < code_count(&formats[f]); ++code) {
      uint16_t data = 0;
      put(&formats[f], &data, code);
      assert_true(same(or_element_get(formats[f].dtype, &data, 0), value_of(&formats[f], code)));
    }
  }
  for (uint32_t code = 0; code < 65536; ++code) {
    assert_true(same((double)or_float16_to_float((uint16_t)code), value_of(&formats[0], code)));
    assert_true(same((double)or_bfloat16_to_float((uint16_t)code), value_of(&formats[1], code)));
  }
}

static void keeps_every_value_that_a_format_has(void **state) {
  (void)state;
  for (size_t f = 0; f < FORMAT_COUNT; ++f) {
    for (uint32_t code = 0; code < code_count(&formats[f]); ++code) {
      double value = value_of(&formats[f], code);
      uint16_t data = 0;
      or_element_set(formats[f].dtype, &data, 0, value);
      double again = value_of(&formats[f], get(&formats[f], &data));
      if (isinf(value) && formats[f].dtype == OR_FLOAT8E5M2) value = copysign(57344, value); /* ONNX Cast, saturating */
      assert_true(same(again, value));
    }
  }
}

static uint32_t largest_code(const format_t *format) {
  uint32_t code = code_count(format) / 2 - 1;
  while (!isfinite(value_of(format, code))) --code;
  return code;
}

static void expect_code(const format_t *format, double value, uint32_t expected) {
  uint16_t data = 0;
  or_element_set(format->dtype, &data, 0, value);
  uint32_t code = get(format, &data);
  if (code != expected)
    print_error("%s: %a became %x, expected %x\n", or_dtype_name(format->dtype), value, code, expected);
  assert_int_equal(code, expected);
  if (format->dtype == OR_FLOAT16 && (double)(float)value == value)
    assert_int_equal(or_float_to_float16((float)value), expected);
  if (format->dtype == OR_BFLOAT16 && (double)(float)value == value)
    assert_int_equal(or_float_to_bfloat16((float)value), expected);
}

/* Between each two neighbours: the middle goes to the even code, and what lies beside it to the nearer one. */
static void rounds_to_nearest_even(void **state) {
  (void)state;
  for (size_t f = 0; f < FORMAT_COUNT; ++f) {
    const format_t *format = &formats[f];
    uint32_t sign = code_count(format) / 2;
    for (uint32_t code = 0; code < largest_code(format); ++code) {
      double low = value_of(format, code), high = value_of(format, code + 1), middle = (low + high) / 2;
      double below = (double)nextafterf((float)middle, 0), above = (double)nextafterf((float)middle, INFINITY);
      uint32_t even = code % 2 == 0 ? code : code + 1, minus_zero = format->special == NAN_IS_MINUS_ZERO ? 0 : sign;
      expect_code(format, middle, even);
      expect_code(format, nextafter(middle, 0), code);
      expect_code(format, nextafter(middle, (double)INFINITY), code + 1);
      expect_code(format, -middle, even == 0 ? minus_zero : sign + even);
      if (below > low) expect_code(format, below, code);
      if (above < high) expect_code(format, above, code + 1);
    }
  }
}

/* IEEE formats of 16 bits go to infinity; float8 and float4 as in ONNX's table of saturating casts. */
static void overflows_as_onnx_says(void **state) {
  (void)state;
  for (size_t f = 0; f < FORMAT_COUNT; ++f) {
    const format_t *format = &formats[f];
    uint32_t largest = largest_code(format), sign = code_count(format) / 2;
    double step = value_of(format, largest) - value_of(format, largest - 1),
           limit = value_of(format, largest) + step / 2;
    bool to_infinity = format->fraction_bits > 3;
    expect_code(format, nextafter(limit, 0), largest);
    expect_code(format, limit, to_infinity ? largest + 1 : largest);
    expect_code(format, 1e300, to_infinity ? largest + 1 : largest);
    expect_code(format, -1e300, sign + largest + (to_infinity ? 1 : 0));
    uint32_t infinity = format->special == NAN_IS_MINUS_ZERO ? sign : largest + (to_infinity ? 1 : 0);
    expect_code(format, (double)INFINITY, infinity);
    expect_code(format, -(double)INFINITY, format->special == NAN_IS_MINUS_ZERO ? sign : sign + infinity);
    expect_code(format, 5e-324, 0);
    assert_true(or_dtype_largest(format->dtype) == value_of(format, largest));
  }
  expect_code(&formats[6], (double)NAN, 7); /* float4 has no NaN: the largest value */
  assert_true(isinf(or_float16_to_float(or_float_to_float16(1e30F))));
  assert_true(isinf(or_bfloat16_to_float(or_float_to_bfloat16(3.4028235e38F))));
}

static void float16_by_bits_agrees_with_float16_by_double(void **state) {
  (void)state;
  or_random_t random = {9};
  for (int i = 0; i < 1000000; ++i) {
    uint32_t bits = (uint32_t)or_random_next(&random);
    float value = 0;
    memcpy(&value, &bits, sizeof value);
    uint16_t half = 0, brain = 0;
    or_element_set(OR_FLOAT16, &half, 0, (double)value);
    or_element_set(OR_BFLOAT16, &brain, 0, (double)value);
    if (isnan(value)) {
      assert_true(isnan(or_float16_to_float(or_float_to_float16(value))));
      assert_true(isnan(or_bfloat16_to_float(or_float_to_bfloat16(value))));
    } else {
      assert_int_equal(or_float_to_float16(value), half);
      assert_int_equal(or_float_to_bfloat16(value), brain);
    }
  }
}

static void converts_integers_as_c_does(void **state) {
  (void)state;
  uint8_t bytes[16] = {0};
  or_element_set(OR_INT32, bytes, 1, -2.9);
  assert_int_equal(or_element_get_int(OR_INT32, bytes, 1), -2);
  or_element_set_int(OR_UINT8, bytes, 0, 300);
  assert_int_equal(or_element_get_int(OR_UINT8, bytes, 0), 44);
  or_element_set_int(OR_INT8, bytes, 0, 200);
  assert_int_equal(or_element_get_int(OR_INT8, bytes, 0), -56);
  or_element_set_int(OR_UINT64, bytes, 0, -1);
  assert_true(or_element_get(OR_UINT64, bytes, 0) == 18446744073709551616.0);
  or_element_set(OR_UINT64, bytes, 0, 0x1.8p63);
  assert_int_equal(*(uint64_t *)(void *)bytes, UINT64_C(3) << 62);
  or_element_set(OR_UINT64, bytes, 0, 1e300);
  assert_int_equal(*(uint64_t *)(void *)bytes, UINT64_MAX);
  or_element_set(OR_INT64, bytes, 0, -1e300);
  assert_true(or_element_get_int(OR_INT64, bytes, 0) == INT64_MIN);
  or_element_set(OR_INT64, bytes, 0, 1e300);
  assert_true(or_element_get_int(OR_INT64, bytes, 0) == INT64_MAX);
  or_element_set(OR_INT16, bytes, 0, (double)NAN);
  assert_int_equal(or_element_get_int(OR_INT16, bytes, 0), 0);
  or_element_set(OR_UINT16, bytes, 0, 65535);
  assert_int_equal(or_element_get_int(OR_UINT16, bytes, 0), 65535);
  or_element_set_int(OR_UINT32, bytes, 0, -1);
  assert_int_equal(or_element_get_int(OR_UINT32, bytes, 0), 4294967295);
  or_element_set(OR_FLOAT32, bytes, 0, -7.9);
  assert_int_equal(or_element_get_int(OR_FLOAT32, bytes, 0), -7);
  or_element_set(OR_BOOL, bytes, 0, 0.25);
  assert_int_equal(or_element_get_int(OR_BOOL, bytes, 0), 1);
  or_element_set_int(OR_BOOL, bytes, 0, 256);
  assert_int_equal(bytes[0], 1);
  or_element_set_int(OR_FLOAT32, bytes, 0, 16777217); /* rounded once, to even */
  assert_true(or_element_get(OR_FLOAT32, bytes, 0) == 16777216);
  or_element_set_int(OR_FLOAT16, bytes, 0, 2049);
  assert_true(or_element_get(OR_FLOAT16, bytes, 0) == 2048);
  memset(bytes, 0xFF, sizeof bytes);
  or_element_set(OR_COMPLEX64, bytes, 1, 2.5);
  assert_true(or_element_get(OR_COMPLEX64, bytes, 1) == 2.5 && ((float *)(void *)bytes)[3] == 0);
  or_element_set(OR_COMPLEX128, bytes, 0, -2.5);
  assert_true(or_element_get(OR_COMPLEX128, bytes, 0) == -2.5 && ((double *)(void *)bytes)[1] == 0);
}

static void packs_two_elements_of_four_bits_a_byte(void **state) {
  (void)state;
  uint8_t bytes[4] = {0};
  for (size_t i = 0; i < 8; ++i) or_element_set_int(OR_UINT4, bytes, i, (int64_t)i + 3);
  assert_memory_equal(bytes, "\x43\x65\x87\xA9", 4); /* the first element in the low half */
  or_element_set_int(OR_INT4, bytes, 3, -8);
  assert_int_equal(or_element_get_int(OR_INT4, bytes, 3), -8);
  assert_int_equal(or_element_get_int(OR_UINT4, bytes, 2), 5);
  assert_int_equal(or_element_get_int(OR_INT4, bytes, 7), -6);
  or_element_set(OR_INT4, bytes, 0, 2.5); /* ONNX: nearest even */
  assert_int_equal(or_element_get_int(OR_INT4, bytes, 0), 2);
  or_element_set(OR_FLOAT4E2M1, bytes, 1, -3);
  assert_true(or_element_get(OR_FLOAT4E2M1, bytes, 1) == -3);
  assert_int_equal(or_element_get_int(OR_INT4, bytes, 0), 2);
}

static void packs_elements_of_two_and_six_bits_across_bytes(void **state) {
  (void)state;
  uint8_t bytes[4] = {0xFF, 0xFF, 0xFF, 0xFF};
  for (size_t i = 0; i < 5; ++i) or_element_set_int(OR_UINT2, bytes, i, (int64_t)i);
  assert_memory_equal(bytes, "\xE4\xFC\xFF\xFF", 4); /* 0 1 2 3 from the low bits up, then 4 = 0 modulo 4 */
  assert_int_equal(or_element_get_int(OR_INT2, bytes, 2), -2);
  assert_int_equal(or_element_get_int(OR_UINT2, bytes, 2), 2);
  or_element_set(OR_INT2, bytes, 1, -1.5); /* nearest even */
  assert_int_equal(or_element_get_int(OR_INT2, bytes, 1), -2);
  assert_int_equal(or_element_get_int(OR_INT2, bytes, 3), -1);

  memset(bytes, 0xFF, sizeof bytes);
  for (uint64_t i = 0; i < 5; ++i) or_bits_append(6, bytes, i, (uint32_t)i + 1);
  assert_memory_equal(bytes, "\x81\x30\x10\x05", 4); /* 1 | 2 << 6, 2 >> 2 | 3 << 4, 3 >> 4 | 4 << 2, 5 */
  or_bits_set(6, bytes, 2, 0x3F);
  for (uint64_t i = 0; i < 5; ++i) assert_int_equal(or_bits_get(6, bytes, i), i == 2 ? 0x3F : i + 1);
  or_element_set(OR_FLOAT6E3M2, bytes, 1, -28);
  assert_true(or_element_get(OR_FLOAT6E3M2, bytes, 1) == -28);
  assert_int_equal(or_bits_get(6, bytes, 0), 1);
  assert_int_equal(or_bits_get(6, bytes, 2), 0x3F);
}

static void copies_elements_and_leaves_their_neighbours(void **state) {
  (void)state;
  const uint8_t from[3] = {0x21, 0x43, 0x65};
  uint8_t to[3] = {0xFF, 0xFF, 0xFF};
  or_bits_copy(4, from, 1, to, 2, 3);
  assert_memory_equal(to, "\xFF\x32\xF4", 3);
  or_bits_copy(8, from, 2, to, 0, 1);
  assert_memory_equal(to, "\x65\x32\xF4", 3);
}

/* ONNX, Cast 24: the table of special values, and "away from zero", "towards zero", "ties round up". */
static void powers_of_two_are_rounded_as_asked(void **state) {
  (void)state;
  static const struct {
    double value;
    uint8_t up, down, nearest, unsaturated; /* the last: nearest */
  } rows[] = {{1, 127, 127, 127, 127},          {0x1.000001p0, 128, 127, 127, 127},
              {1.5, 128, 127, 128, 128},        {0x1.7ffffffp3, 131, 130, 130, 130},
              {-4, 129, 129, 129, 129},         {0, 0, 0, 0, 255},
              {0x1p-127, 0, 0, 0, 0},           {0x1.8p-127, 1, 0, 1, 1},
              {0x1p-128, 0, 0, 0, 255},         {0x1p127, 254, 254, 254, 254},
              {0x1.4p127, 254, 254, 254, 254},  {0x1.8p127, 254, 254, 254, 255},
              {0x1p200, 254, 254, 254, 255},    {(double)INFINITY, 254, 254, 254, 255},
              {(double)NAN, 255, 255, 255, 255}};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; ++i) {
    assert_int_equal(or_double_to_float8e8m0(rows[i].value, OR_E8M0_UP, true), rows[i].up);
    assert_int_equal(or_double_to_float8e8m0(rows[i].value, OR_E8M0_DOWN, true), rows[i].down);
    assert_int_equal(or_double_to_float8e8m0(rows[i].value, OR_E8M0_NEAREST, true), rows[i].nearest);
    assert_int_equal(or_double_to_float8e8m0(rows[i].value, OR_E8M0_NEAREST, false), rows[i].unsaturated);
  }
  assert_int_equal(or_double_to_float8e8m0(0x1.4p127, OR_E8M0_UP, false), 255);
  for (int code = 0; code < 256; ++code) {
    uint8_t from = (uint8_t)code, to = 0;
    double value = or_element_get(OR_FLOAT8E8M0, &from, 0);
    assert_true(code == 255 ? isnan(value) : value == pow(2, code - 127));
    or_element_set(OR_FLOAT8E8M0, &to, 0, value);
    assert_int_equal(to, from);
  }
  assert_int_equal(or_element_get_int(OR_FLOAT8E8M0, &(uint8_t){130}, 0), 8);
}

static void sorts_dtypes_into_families(void **state) {
  (void)state;
  for (int d = OR_DTYPE_NONE; d < OR_DTYPE_COUNT; ++d) {
    or_dtype_t dtype = (or_dtype_t)d;
    const char *name = or_dtype_name(dtype);
    bool is_float = strstr(name, "float") != NULL, is_integer = strstr(name, "int") != NULL,
         is_complex = strstr(name, "complex") != NULL;
    assert_int_equal(or_dtype_is_float(dtype), is_float);
    assert_int_equal(or_dtype_is_integer(dtype), is_integer);
    assert_int_equal(or_dtype_is_signed(dtype),
                     (is_float && dtype != OR_FLOAT8E8M0) || is_complex || (is_integer && name[0] != 'u'));
  }
  assert_true(or_dtype_largest(OR_INT8) == 127 && or_dtype_largest(OR_UINT16) == 65535 &&
              or_dtype_largest(OR_INT4) == 7 && or_dtype_largest(OR_INT2) == 1 && or_dtype_largest(OR_UINT2) == 3);
  assert_true(or_dtype_largest(OR_FLOAT8E8M0) == 0x1p127 && or_dtype_largest(OR_FLOAT6E2M3) == 7.5);
  assert_true(or_dtype_largest(OR_UINT64) == 0x1p64 && or_dtype_largest(OR_INT64) == 0x1p63 &&
              or_dtype_largest(OR_BOOL) == 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(decodes_every_code),
      cmocka_unit_test(keeps_every_value_that_a_format_has),
      cmocka_unit_test(rounds_to_nearest_even),
      cmocka_unit_test(overflows_as_onnx_says),
      cmocka_unit_test(float16_by_bits_agrees_with_float16_by_double),
      cmocka_unit_test(converts_integers_as_c_does),
      cmocka_unit_test(packs_two_elements_of_four_bits_a_byte),
      cmocka_unit_test(packs_elements_of_two_and_six_bits_across_bytes),
      cmocka_unit_test(copies_elements_and_leaves_their_neighbours),
      cmocka_unit_test(powers_of_two_are_rounded_as_asked),
      cmocka_unit_test(sorts_dtypes_into_families),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
