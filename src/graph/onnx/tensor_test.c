#include "graph/onnx/testing.h"

static or_status_t read_tensor(pb_t pb, or_onnx_tensor_t *out) {
  or_status_t status = or_onnx_read_tensor(or_allocator_system(), pb.data, pb.length, out);
  pb_free(&pb);
  return status;
}

/* Numbers in `field`, and the bytes that they must become. */
typedef struct ints_t {
  int dtype;
  const char *dims;
  uint32_t field;
  int64_t numbers[5];
  size_t count;
} ints_t;

static void expect_ints(const ints_t *ints, const void *bytes, size_t length) {
  for (int packed = 0; packed < 2; ++packed) {
    or_onnx_tensor_t tensor;
    pb_t pb = tensor_proto("t", ints->dtype, ints->dims), all = {.data = NULL};
    for (size_t i = 0; i < ints->count; ++i) {
      if (packed) pb_varint(&all, (uint64_t)ints->numbers[i]);
      if (!packed) pb_int(&pb, ints->field, ints->numbers[i]);
    }
    if (packed) pb_put(&pb, ints->field, all);
    expect_ok(read_tensor(pb, &tensor));
    assert_int_equal(tensor.dtype, ints->dtype);
    assert_int_equal(tensor.bytes, length);
    assert_memory_equal(tensor.data, bytes, length);
    or_free(or_allocator_system(), tensor.data);
  }
}
#define EXPECT_INTS(dtype, dims, field, type, values, ...)                                            \
  do {                                                                                                \
    const type values_[] = values;                                                                    \
    const size_t count_ = sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t);                         \
    expect_ints(&(ints_t){(dtype), (dims), (field), {__VA_ARGS__}, count_}, values_, sizeof values_); \
  } while (0)
#define VALUES(...) \
  { __VA_ARGS__ }

static void decodes_integers_of_every_width(void **state) {
  (void)state;
  EXPECT_INTS(OR_INT8, "3", 5, int8_t, VALUES(-128, 0, 127), -128, 0, 127);
  EXPECT_INTS(OR_UINT8, "2", 5, uint8_t, VALUES(0, 255), 0, 255);
  EXPECT_INTS(OR_INT16, "2", 5, int16_t, VALUES(-32768, 32767), -32768, 32767);
  EXPECT_INTS(OR_UINT16, "2", 5, uint16_t, VALUES(0, 65535), 0, 65535);
  EXPECT_INTS(OR_INT32, "2,1", 5, int32_t, VALUES(INT32_MIN, INT32_MAX), INT32_MIN, INT32_MAX);
  EXPECT_INTS(OR_INT64, "2", 7, int64_t, VALUES(INT64_MIN, INT64_MAX), INT64_MIN, INT64_MAX);
  EXPECT_INTS(OR_UINT32, "2", 11, uint32_t, VALUES(0, UINT32_MAX), 0, UINT32_MAX);
  EXPECT_INTS(OR_UINT64, "2", 11, uint64_t, VALUES(1, UINT64_MAX), 1, -1);
  EXPECT_INTS(OR_BOOL, "3", 5, uint8_t, VALUES(1, 0, 1), 1, 0, 5);
}

/* Types of 16 bits and less are kept as their bits in int32_data; two 4-bit elements share a number, the first in
 * the low half. */
static void decodes_types_that_are_kept_as_bits(void **state) {
  (void)state;
  EXPECT_INTS(OR_FLOAT16, "2", 5, uint16_t, VALUES(0x3e00, 0xc000), 0x3e00, 0xc000); /* 1.5, -2 */
  EXPECT_INTS(OR_BFLOAT16, "1", 5, uint16_t, VALUES(0x3fc0), 0x3fc0);                /* 1.5 */
  EXPECT_INTS(OR_FLOAT8E4M3FN, "2", 5, uint8_t, VALUES(0x38, 0xc0), 0x38, 0xc0);     /* 1, -2 */
  EXPECT_INTS(OR_UINT4, "3", 5, uint8_t, VALUES(0x21, 0x03), 0x21, 0x03);
  EXPECT_INTS(OR_INT4, "2", 5, uint8_t, VALUES(0xf1), 0xf1);
  EXPECT_INTS(OR_FLOAT8E8M0, "2", 5, uint8_t, VALUES(0x7f, 0xff), 0x7f, 0xff); /* 1, NaN */
  EXPECT_INTS(OR_INT2, "5", 5, uint8_t, VALUES(0xe4, 0x01), 0xe4, 0x01);       /* four elements share a number */
  EXPECT_INTS(OR_FLOAT6E2M3, "5", 5, uint8_t, VALUES(0x81, 0x30, 0x10, 0x05), 1, 2, 3, 4, 5); /* one each, packed */
}

static void decodes_floats_doubles_and_complex_numbers(void **state) {
  (void)state;
  const float floats[] = {1.5f, -2.0f};
  const double doubles[] = {0.1, -1e300};
  or_onnx_tensor_t tensor;
  pb_t pb = tensor_proto("t", OR_FLOAT32, "2");
  pb_bytes(&pb, 4, floats, sizeof floats);
  expect_ok(read_tensor(pb, &tensor));
  assert_memory_equal(tensor.data, floats, sizeof floats);
  or_free(or_allocator_system(), tensor.data);

  pb = tensor_proto("t", OR_COMPLEX64, "1");
  for (int i = 0; i < 2; ++i) pb_float(&pb, 4, floats[i]); /* not packed */
  expect_ok(read_tensor(pb, &tensor));
  assert_int_equal(tensor.bytes, 8);
  assert_memory_equal(tensor.data, floats, sizeof floats);
  or_free(or_allocator_system(), tensor.data);

  for (int complex = 0; complex < 2; ++complex) {
    pb = tensor_proto("t", complex ? OR_COMPLEX128 : OR_FLOAT64, complex ? "1" : "2");
    pb_bytes(&pb, 10, doubles, sizeof doubles);
    expect_ok(read_tensor(pb, &tensor));
    assert_memory_equal(tensor.data, doubles, sizeof doubles);
    or_free(or_allocator_system(), tensor.data);
  }
}

static void reads_raw_data_names_scalars_and_empty_tensors(void **state) {
  (void)state;
  or_onnx_tensor_t tensor;
  const float value = 2.5f;
  expect_ok(read_tensor(raw_tensor_proto("weights", OR_FLOAT32, "", &value, sizeof value), &tensor));
  assert_string_equal(tensor.name, "weights");
  assert_int_equal(tensor.shape.rank, 0);
  assert_memory_equal(tensor.data, &value, sizeof value);
  or_free(or_allocator_system(), tensor.data);

  expect_ok(read_tensor(tensor_proto(NULL, OR_INT64, "3,0"), &tensor));
  assert_string_equal(tensor.name, "");
  assert_int_equal(tensor.shape.rank, 2);
  assert_int_equal(tensor.bytes, 0);
  assert_non_null(tensor.data);
  or_free(or_allocator_system(), tensor.data);
}

static void makes_raw_bools_0_or_1(void **state) {
  (void)state;
  const uint8_t raw[] = {0, 1, 2, 255}, expected[] = {0, 1, 1, 1};
  or_onnx_tensor_t tensor;
  expect_ok(read_tensor(raw_tensor_proto("b", OR_BOOL, "4", raw, sizeof raw), &tensor));
  assert_memory_equal(tensor.data, expected, sizeof expected);
  or_free(or_allocator_system(), tensor.data);
}

static void cuts_a_long_name_at_a_whole_character(void **state) {
  (void)state;
  char name[200];
  or_onnx_tensor_t tensor;
  memset(name, 'a', sizeof name);
  memcpy(name + 126, "\xc3\xa4", 2); /* ä over the border */
  name[199] = '\0';
  expect_ok(read_tensor(tensor_proto(name, OR_FLOAT32, "0"), &tensor));
  assert_int_equal(strlen(tensor.name), 126);
  or_free(or_allocator_system(), tensor.data);
}

static void refuses_sizes_that_do_not_add_up(void **state) {
  (void)state;
  or_onnx_tensor_t tensor;
  const float two[2] = {1, 2};
  pb_t pb = raw_tensor_proto("t", OR_FLOAT32, "3", two, sizeof two);
  expect_failure(read_tensor(pb, &tensor), OR_INVALID_ARGUMENT, "float32 [3] needs 12 bytes, and raw_data has 8");
  assert_null(tensor.data);
  pb = tensor_proto("t", OR_FLOAT32, "1");
  pb_bytes(&pb, 4, two, sizeof two);
  expect_failure(read_tensor(pb, &tensor), OR_INVALID_ARGUMENT, "needs 1 numbers, and float_data has 2");
  expect_failure(read_tensor(tensor_proto("t", OR_INT64, "1"), &tensor), OR_INVALID_ARGUMENT, "int64_data has 0");
  pb = tensor_proto("t", OR_INT64, "2");
  pb_bytes(&pb, 4, two, sizeof two);
  expect_failure(read_tensor(pb, &tensor), OR_INVALID_ARGUMENT, "2 elements of int64 are in TensorProto.float_data");
  pb = raw_tensor_proto("t", OR_FLOAT32, "2", two, sizeof two);
  pb_float(&pb, 4, 1);
  expect_failure(read_tensor(pb, &tensor), OR_INVALID_ARGUMENT, "float_data, where they do not belong");
}

static void refuses_numbers_that_the_type_does_not_have(void **state) {
  (void)state;
  static const struct {
    int dtype;
    uint32_t field;
    int64_t number;
    const char *words;
  } cases[] = {
      {OR_INT8, 5, 128, "element 1 is 128, which is no int8"},
      {OR_INT8, 5, -129, "-129"},
      {OR_UINT8, 5, 256, "256"},
      {OR_UINT8, 5, -1, "-1"},
      {OR_INT16, 5, 32768, "32768"},
      {OR_UINT16, 5, 65536, "65536"},
      {OR_INT32, 5, INT64_C(1) << 31, "2147483648"},
      {OR_UINT32, 11, INT64_C(1) << 32, "4294967296"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
    or_onnx_tensor_t tensor;
    pb_t pb = tensor_proto("t", cases[i].dtype, "2");
    pb_int(&pb, cases[i].field, 0);
    pb_int(&pb, cases[i].field, cases[i].number);
    expect_failure(read_tensor(pb, &tensor), OR_INVALID_ARGUMENT, cases[i].words);
  }
}

static void refuses_bad_shapes_and_types(void **state) {
  (void)state;
  or_onnx_tensor_t tensor;
  expect_failure(read_tensor(tensor_proto("t", OR_FLOAT32, "2,-1"), &tensor), OR_INVALID_ARGUMENT, "extent 1 is -1");
  expect_failure(read_tensor(tensor_proto("t", OR_FLOAT32, "1000000000000000000"), &tensor), OR_RESOURCE_EXHAUSTED,
                 "more elements than 68719476736");
  expect_failure(read_tensor(tensor_proto("t", OR_FLOAT32, "4294967296,4294967296,4"), &tensor), OR_RESOURCE_EXHAUSTED,
                 "[4294967296,4294967296,4]");
  expect_failure(read_tensor(tensor_proto("t", OR_FLOAT32, "1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1"), &tensor),
                 OR_RESOURCE_EXHAUSTED, "more than 16 dimensions");
  expect_failure(read_tensor(tensor_proto("t", 0, "1"), &tensor), OR_INVALID_ARGUMENT, "element type is 0");
  expect_failure(read_tensor(tensor_proto("t", 29, "1"), &tensor), OR_UNIMPLEMENTED, "29, which is not known here");
  expect_failure(read_tensor(tensor_proto("t", OR_STRING, "1"), &tensor), OR_INVALID_ARGUMENT,
                 "string [1] needs 1 strings, and string_data has 0");
}

static void refuses_segments_external_data_and_wrong_wire_types(void **state) {
  (void)state;
  or_onnx_tensor_t tensor;
  pb_t pb = tensor_proto("t", OR_FLOAT32, "1");
  pb_int(&pb, 14, 1);
  expect_failure(read_tensor(pb, &tensor), OR_PERMISSION_DENIED, "external data");
  pb = tensor_proto("t", OR_FLOAT32, "1");
  pb_int(&pb, 14, 7);
  expect_failure(read_tensor(pb, &tensor), OR_INVALID_ARGUMENT, "location 7");
  pb = tensor_proto("t", OR_FLOAT32, "1");
  pb_bytes(&pb, 3, "", 0);
  expect_failure(read_tensor(pb, &tensor), OR_UNIMPLEMENTED, "segment");
  static const struct {
    uint32_t field;
    const char *name;
  } texts[] = {{6, "TensorProto.string_data"}, {8, "TensorProto.name"}, {9, "TensorProto.raw_data"}};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; ++i) {
    pb = tensor_proto(NULL, OR_FLOAT32, "1");
    pb_int(&pb, texts[i].field, 1);
    expect_failure(read_tensor(pb, &tensor), OR_DATA_LOSS, texts[i].name);
  }
  pb = tensor_proto("t", OR_FLOAT32, "1");
  pb_float(&pb, 2, 1);
  expect_failure(read_tensor(pb, &tensor), OR_DATA_LOSS, "TensorProto.data_type has wire type 5, expected 0");
  expect_failure(or_onnx_read_tensor(or_allocator_system(), "<html>", 6, &tensor), OR_DATA_LOSS, "not an ONNX");
}

static void writes_what_it_reads(void **state) {
  (void)state;
  const int16_t values[] = {1, -2, 300};
  or_onnx_tensor_t tensor = {.name = "x", .dtype = OR_INT16, .data = (void *)values, .bytes = sizeof values}, again;
  const int64_t dims[] = {3, 1};
  tensor.shape = or_shape_make(2, dims);
  void *bytes = NULL;
  size_t length = 0;
  expect_ok(or_onnx_write_tensor(or_allocator_system(), &tensor, &bytes, &length));
  /* The same message, written by hand. */
  pb_t expected = raw_tensor_proto("x", OR_INT16, "3,1", values, sizeof values);
  assert_int_equal(length, expected.length);
  assert_memory_equal(bytes, expected.data, length);
  pb_free(&expected);
  expect_ok(or_onnx_read_tensor(or_allocator_system(), bytes, length, &again));
  assert_true(or_shape_equal(&again.shape, &tensor.shape));
  assert_memory_equal(again.data, values, sizeof values);
  or_free(or_allocator_system(), again.data);
  or_free(or_allocator_system(), bytes);

  tensor.bytes = 5;
  expect_failure(or_onnx_write_tensor(or_allocator_system(), &tensor, &bytes, &length), OR_INVALID_ARGUMENT, "5 bytes");
  assert_null(bytes);
}

static void reads_and_writes_strings(void **state) {
  (void)state;
  pb_t pb = tensor_proto("words", OR_STRING, "3");
  pb_text(&pb, 6, "alpha");
  pb_bytes(&pb, 6, "", 0);
  pb_bytes(&pb, 6, "\xff\0z", 3); /* bytes, whatever they are */
  or_onnx_tensor_t tensor;
  void *bytes = NULL;
  size_t length = 0;
  expect_ok(or_onnx_read_tensor(or_allocator_system(), pb.data, pb.length, &tensor));
  const or_string_t *strings = tensor.data;
  assert_int_equal(tensor.dtype, OR_STRING);
  assert_int_equal(tensor.bytes, 3 * sizeof *strings);
  assert_int_equal(strings[0].length, 5);
  assert_memory_equal(strings[0].data, "alpha", 5);
  assert_int_equal(strings[1].length, 0);
  assert_int_equal(strings[2].length, 3);
  assert_memory_equal(strings[2].data, "\xff\0z", 3);
  expect_ok(or_onnx_write_tensor(or_allocator_system(), &tensor, &bytes, &length));
  or_onnx_tensor_t again;
  expect_ok(or_onnx_read_tensor(or_allocator_system(), bytes, length, &again));
  assert_int_equal(again.bytes, tensor.bytes);
  assert_string_equal(again.name, "words");
  assert_memory_equal(((const or_string_t *)again.data)[2].data, "\xff\0z", 3);
  or_free(or_allocator_system(), again.data);
  or_free(or_allocator_system(), tensor.data);
  or_free(or_allocator_system(), bytes);
  pb_free(&pb);
  expect_failure(read_tensor(raw_tensor_proto("t", OR_STRING, "0", "", 0), &tensor), OR_INVALID_ARGUMENT,
                 "strings are in TensorProto.string_data, and these are in raw_data");
  pb = tensor_proto("t", OR_STRING, "0");
  pb_int(&pb, 14, 1);
  expect_failure(read_tensor(pb, &tensor), OR_INVALID_ARGUMENT, "and these are in external data");
  pb = tensor_proto("t", OR_INT64, "1");
  pb_text(&pb, 6, "a");
  expect_failure(read_tensor(pb, &tensor), OR_INVALID_ARGUMENT, "1 elements of int64 are in TensorProto.string_data");
}

static or_status_t read_and_write(const or_allocator_t *allocator) {
  const float value = 1;
  pb_t pb = raw_tensor_proto("t", OR_FLOAT32, "1", &value, sizeof value);
  or_onnx_tensor_t tensor;
  void *bytes = NULL;
  size_t length = 0;
  or_status_t status = or_onnx_read_tensor(allocator, pb.data, pb.length, &tensor);
  if (or_ok(status)) status = or_onnx_write_tensor(allocator, &tensor, &bytes, &length);
  or_free(allocator, bytes);
  or_free(allocator, tensor.data);
  pb_free(&pb);
  return status;
}

static void gives_back_every_byte_when_an_allocation_fails(void **state) {
  (void)state;
  expect_survives_every_failing_allocation(read_and_write);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(decodes_integers_of_every_width),
      cmocka_unit_test(decodes_types_that_are_kept_as_bits),
      cmocka_unit_test(decodes_floats_doubles_and_complex_numbers),
      cmocka_unit_test(reads_raw_data_names_scalars_and_empty_tensors),
      cmocka_unit_test(makes_raw_bools_0_or_1),
      cmocka_unit_test(cuts_a_long_name_at_a_whole_character),
      cmocka_unit_test(refuses_sizes_that_do_not_add_up),
      cmocka_unit_test(refuses_numbers_that_the_type_does_not_have),
      cmocka_unit_test(refuses_bad_shapes_and_types),
      cmocka_unit_test(refuses_segments_external_data_and_wrong_wire_types),
      cmocka_unit_test(writes_what_it_reads),
      cmocka_unit_test(reads_and_writes_strings),
      cmocka_unit_test(gives_back_every_byte_when_an_allocation_fails),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
