#include "openruntime/types.h"

#include "base/testing.h"

static void knows_every_dtype_by_name_and_size(void **state) {
  (void)state;
  static const struct {
    or_dtype_t dtype;
    const char *name, *alias;
    uint32_t bits;
  } rows[] = {
      {OR_FLOAT32, "float32", "FP32", 32},
      {OR_UINT8, "uint8", "UINT8", 8},
      {OR_INT8, "int8", "Int8", 8},
      {OR_UINT16, "uint16", "uint16", 16},
      {OR_INT16, "int16", "int16", 16},
      {OR_INT32, "int32", "INT32", 32},
      {OR_INT64, "int64", "int64", 64},
      {OR_STRING, "string", "STRING", 128},
      {OR_BOOL, "bool", "BOOL", 8},
      {OR_FLOAT16, "float16", "fp16", 16},
      {OR_FLOAT64, "float64", "fp64", 64},
      {OR_UINT32, "uint32", "uint32", 32},
      {OR_UINT64, "uint64", "uint64", 64},
      {OR_COMPLEX64, "complex64", "COMPLEX64", 64},
      {OR_COMPLEX128, "complex128", "complex128", 128},
      {OR_BFLOAT16, "bfloat16", "BF16", 16},
      {OR_FLOAT8E4M3FN, "float8e4m3fn", "fp8e4m3fn", 8},
      {OR_FLOAT8E4M3FNUZ, "float8e4m3fnuz", "float8e4m3fnuz", 8},
      {OR_FLOAT8E5M2, "float8e5m2", "FP8E5M2", 8},
      {OR_FLOAT8E5M2FNUZ, "float8e5m2fnuz", "float8e5m2fnuz", 8},
      {OR_UINT4, "uint4", "uint4", 4},
      {OR_INT4, "int4", "int4", 4},
      {OR_FLOAT4E2M1, "float4e2m1", "fp4e2m1", 4},
      {OR_FLOAT8E8M0, "float8e8m0", "fp8e8m0", 8},
      {OR_UINT2, "uint2", "UINT2", 2},
      {OR_INT2, "int2", "int2", 2},
      {OR_FLOAT6E2M3, "float6e2m3", "fp6e2m3", 6},
      {OR_FLOAT6E3M2, "float6e3m2", "fp6e3m2", 6},
  };
  assert_int_equal(sizeof rows / sizeof rows[0], OR_DTYPE_COUNT - 1);
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; ++i) {
    assert_string_equal(or_dtype_name(rows[i].dtype), rows[i].name);
    assert_int_equal(or_dtype_from_name(rows[i].name), rows[i].dtype);
    assert_int_equal(or_dtype_from_name(rows[i].alias), rows[i].dtype);
    assert_int_equal(or_dtype_bits(rows[i].dtype), rows[i].bits);
    assert_int_equal(or_dtype_bytes(rows[i].dtype, 5), (5 * rows[i].bits + 7) / 8);
    assert_int_equal(or_dtype_bytes(rows[i].dtype, 0), 0);
  }
}

static void refuses_numbers_and_names_that_are_no_dtype(void **state) {
  (void)state;
  static const char *const names[] = {"",
                                      "float",
                                      "fp",
                                      "bf",
                                      "b",
                                      "invalid",
                                      "floatt32",
                                      "float3",
                                      "fp32x",
                                      "f",
                                      "a name much longer than any dtype could have"};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; ++i)
    assert_int_equal(or_dtype_from_name(names[i]), OR_DTYPE_NONE);
  assert_int_equal(or_dtype_from_name(NULL), OR_DTYPE_NONE);
  assert_string_equal(or_dtype_name((or_dtype_t)-1), "invalid");
  assert_string_equal(or_dtype_name((or_dtype_t)OR_DTYPE_COUNT), "invalid");
  assert_int_equal(or_dtype_bits((or_dtype_t)OR_DTYPE_COUNT), 0);
  assert_int_equal(or_dtype_bytes(OR_DTYPE_NONE, 1), SIZE_MAX);
}

static void says_when_bytes_overflow(void **state) {
  (void)state;
  assert_int_equal(or_dtype_bytes(OR_FLOAT32, UINT64_MAX / 4), UINT64_MAX / 4 * 4);
  assert_int_equal(or_dtype_bytes(OR_FLOAT32, UINT64_MAX / 4 + 1), SIZE_MAX);
  assert_int_equal(or_dtype_bytes(OR_INT4, UINT64_MAX), UINT64_MAX / 2 + 1);
}

static void counts_the_elements_of_a_shape(void **state) {
  (void)state;
  uint64_t count = 77;
  or_shape_t shape = or_shape_make(0, NULL);
  assert_true(or_shape_count(&shape, &count));
  assert_int_equal(count, 1);
  shape = or_shape_make(4, (const int64_t[]){1, 3, 224, 225});
  assert_true(or_shape_count(&shape, &count));
  assert_int_equal(count, 151200);
  shape = or_shape_make(3, (const int64_t[]){INT64_MAX, 0, INT64_MAX});
  assert_true(or_shape_count(&shape, &count));
  assert_int_equal(count, 0);
  count = 77;
  shape = or_shape_make(2, (const int64_t[]){INT64_C(1) << 32, INT64_C(1) << 31});
  assert_false(or_shape_count(&shape, &count));
  shape = or_shape_make(2, (const int64_t[]){2, -1});
  assert_false(or_shape_count(&shape, &count));
  assert_false(or_shape_is_static(&shape));
  shape = or_shape_make(OR_MAX_RANK + 1, NULL);
  assert_int_equal(shape.rank, OR_RANK_UNKNOWN);
  assert_false(or_shape_count(&shape, &count));
  shape.rank = OR_MAX_RANK + 1;
  assert_false(or_shape_is_static(&shape));
  assert_int_equal(count, 77);
}

static void compares_shapes(void **state) {
  (void)state;
  or_shape_t a = or_shape_make(2, (const int64_t[]){2, 3}), b = or_shape_make(2, (const int64_t[]){2, 3});
  b.dims[5] = 9; /* beyond the rank: of no meaning */
  assert_true(or_shape_equal(&a, &b));
  b.dims[1] = 4;
  assert_false(or_shape_equal(&a, &b));
  b = or_shape_make(3, (const int64_t[]){2, 3, 1});
  assert_false(or_shape_equal(&a, &b));
}

static void formats_shapes_within_the_room(void **state) {
  (void)state;
  char text[64], small[6];
  or_shape_t shape = or_shape_make(4, (const int64_t[]){OR_DIM_SYMBOL(0), 3, OR_DIM_UNKNOWN, OR_DIM_SYMBOL(12)});
  assert_string_equal(or_shape_format(&shape, text, sizeof text), "[s0,3,?,s12]");
  assert_string_equal(or_shape_format(&shape, small, sizeof small), "[s0,3");
  shape = or_shape_make(0, NULL);
  assert_string_equal(or_shape_format(&shape, text, sizeof text), "[]");
  shape.rank = OR_RANK_UNKNOWN;
  assert_string_equal(or_shape_format(&shape, text, sizeof text), "[...]");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(knows_every_dtype_by_name_and_size),
      cmocka_unit_test(refuses_numbers_and_names_that_are_no_dtype),
      cmocka_unit_test(says_when_bytes_overflow),
      cmocka_unit_test(counts_the_elements_of_a_shape),
      cmocka_unit_test(compares_shapes),
      cmocka_unit_test(formats_shapes_within_the_room),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
