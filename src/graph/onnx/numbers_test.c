/* Numbers in fields of their own, float_data to uint64_data, that stay in the model's file. */
#include <math.h>
#include <stdio.h>
#include <unistd.h>

#include "graph/onnx/testing.h"

#define COUNT 40000u /* more than two times what lies between two places that are noted */

static char folder[64], path[96];

static int make_folder(void **state) {
  (void)state;
  (void)snprintf(folder, sizeof folder, "/tmp/or-numbers-XXXXXX");
  assert_non_null(mkdtemp(folder));
  (void)snprintf(path, sizeof path, "%s/model.onnx", folder);
  return 0;
}

static int remove_folder(void **state) {
  (void)state;
  (void)remove(path);
  assert_int_equal(rmdir(folder), 0);
  return 0;
}

static or_status_t read_weights(pb_t tensor, const or_allocator_t *allocator, or_graph_t **graph) {
  pb_t proto = relu_graph();
  pb_put(&proto, 5, tensor);
  pb_t model = model_proto(proto, 13);
  expect_ok(or_file_write(path, model.data, model.length));
  pb_free(&model);
  return or_onnx_read_file(allocator, path, NULL, graph);
}

static const or_constant_t *weights_of(const or_graph_t *graph) {
  for (size_t i = 0; i < graph->value_count; ++i) {
    if (strcmp(graph->values[i].name, "w") == 0) return graph->values[i].constant;
  }
  fail_msg("%s", "no value \"w\"");
  return NULL;
}

/* Numbers of all lengths that the wire has, negative ones included where `is_signed`. */
static uint64_t number(size_t i, uint64_t mask, bool is_signed) {
  uint64_t value = (i * UINT64_C(0x9E3779B97F4A7C15)) >> (i % 60);
  value &= mask;
  return is_signed && value > mask / 2 ? value | ~mask : value;
}

static pb_t varints(int dtype, uint32_t field, uint64_t mask, bool is_signed) {
  pb_t tensor = tensor_proto("w", dtype, "40000"), packed = {.data = NULL};
  for (size_t i = 0; i < COUNT; ++i) pb_varint(&packed, number(i, mask, is_signed));
  pb_put(&tensor, field, packed);
  return tensor;
}

/* Whole, and in parts that begin and end anywhere. */
static void expect_numbers(const or_constant_t *w, size_t width, uint64_t mask, bool is_signed) {
  uint8_t *expected = malloc(COUNT * width), *got = malloc(COUNT * width);
  assert_non_null(expected);
  assert_non_null(got);
  for (size_t i = 0; i < COUNT; ++i) {
    const uint64_t value = number(i, mask, is_signed);
    memcpy(expected + i * width, &value, width); /* little-endian, as all machines that this is built for */
  }
  assert_null(w->data);
  assert_int_equal(w->bytes, COUNT * width);
  expect_ok(w->read(w, 0, got, w->bytes));
  assert_memory_equal(got, expected, w->bytes);
  for (size_t from = 0; from < w->bytes; from += 16381 * width / 3 + 1) {
    const size_t length = w->bytes - from < 3001 ? w->bytes - from : 3001;
    memset(got, 0xAA, COUNT * width);
    expect_ok(w->read(w, from, got, length));
    assert_memory_equal(got, expected + from, length);
    if (length < COUNT * width) assert_int_equal(got[length], 0xAA);
  }
  expect_ok(w->read(w, w->bytes, got, 0));
  expect_failure(w->read(w, w->bytes - 1, got, 2), OR_OUT_OF_RANGE, "asked for");
  free(expected);
  free(got);
}

static void decodes_numbers_of_any_length_as_they_are_asked_for(void **state) {
  (void)state;
  static const struct {
    int dtype;
    uint32_t field;
    size_t width;
    uint64_t mask;
    bool is_signed;
  } cases[] = {
      {OR_INT32, 5, 4, UINT32_MAX, true},    {OR_INT8, 5, 1, UINT8_MAX, true},      {OR_UINT8, 5, 1, UINT8_MAX, false},
      {OR_FLOAT16, 5, 2, UINT16_MAX, false}, {OR_UINT16, 5, 2, UINT16_MAX, false},  {OR_INT64, 7, 8, UINT64_MAX, false},
      {OR_UINT32, 11, 4, UINT32_MAX, false}, {OR_UINT64, 11, 8, UINT64_MAX, false},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
    or_graph_t *graph = NULL;
    pb_t tensor = varints(cases[i].dtype, cases[i].field, cases[i].mask, cases[i].is_signed);
    expect_ok(read_weights(tensor, or_allocator_system(), &graph));
    expect_numbers(weights_of(graph), cases[i].width, cases[i].mask, cases[i].is_signed);
    or_graph_release(graph);
  }
}

static void leaves_packed_floats_where_they_are(void **state) {
  (void)state;
  static const struct {
    int dtype;
    const char *dims;
    uint32_t field;
  } cases[] = {
      {OR_FLOAT32, "8192", 4}, {OR_COMPLEX64, "4096", 4}, {OR_FLOAT64, "4096", 10}, {OR_COMPLEX128, "2048", 10}};
  uint8_t bytes[32768], got[32768];
  for (size_t i = 0; i < sizeof bytes; ++i) bytes[i] = (uint8_t)(i * 7 + i / 256);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
    or_counting_allocator_t counting;
    or_counting_allocator_init(&counting, or_allocator_system(), 0);
    pb_t tensor = tensor_proto("w", cases[i].dtype, cases[i].dims);
    pb_bytes(&tensor, cases[i].field, bytes, sizeof bytes);
    or_graph_t *graph = NULL;
    expect_ok(read_weights(tensor, &counting.base, &graph));
    const or_constant_t *w = weights_of(graph);
    assert_null(w->data);
    expect_ok(w->read(w, 5, got, sizeof bytes - 5));
    assert_memory_equal(got, bytes + 5, sizeof bytes - 5);
    or_graph_release(graph);
    assert_int_equal(counting.live_bytes, 0);
  }
}

/* Fields that are not packed, or in several pieces, mean the same; so do types of which a number is part of a byte. */
static void keeps_numbers_of_several_fields_in_memory(void **state) {
  (void)state;
  float floats[4096];
  pb_t single = tensor_proto("w", OR_FLOAT32, "4096"), pieces = tensor_proto("w", OR_FLOAT32, "4096");
  for (size_t i = 0; i < 4096; ++i) {
    floats[i] = (float)i * 0.25f;
    pb_float(&single, 4, floats[i]);
  }
  pb_bytes(&pieces, 4, floats, 4000);
  pb_bytes(&pieces, 4, (char *)floats + 4000, sizeof floats - 4000);
  pb_t both[] = {single, pieces};
  for (size_t i = 0; i < 2; ++i) {
    or_graph_t *graph = NULL;
    expect_ok(read_weights(both[i], or_allocator_system(), &graph));
    assert_memory_equal(weights_of(graph)->data, floats, sizeof floats);
    or_graph_release(graph);
  }
  pb_t six = tensor_proto("w", OR_FLOAT6E2M3, "40000"), packed = {.data = NULL};
  for (size_t i = 0; i < COUNT; ++i) pb_varint(&packed, i % 64);
  pb_put(&six, 5, packed);
  or_graph_t *graph = NULL;
  expect_ok(read_weights(six, or_allocator_system(), &graph));
  const uint8_t *bits = weights_of(graph)->data;
  assert_non_null(bits);
  for (size_t i = 0; i < COUNT; i += 4) { /* four in three bytes, the first in the low bits */
    const uint32_t three =
        (uint32_t)bits[i / 4 * 3] | (uint32_t)bits[i / 4 * 3 + 1] << 8 | (uint32_t)bits[i / 4 * 3 + 2] << 16;
    for (size_t k = 0; k < 4; ++k) assert_int_equal(three >> (6 * k) & 63, (i + k) % 64);
  }
  or_graph_release(graph);
}

static void finds_a_number_that_its_type_does_not_hold_when_the_model_is_read(void **state) {
  (void)state;
  pb_t tensor = tensor_proto("w", OR_INT8, "40000"), packed = {.data = NULL};
  for (size_t i = 0; i < COUNT; ++i) pb_varint(&packed, i == 39998 ? 200 : 5);
  pb_put(&tensor, 5, packed);
  or_graph_t *graph = NULL;
  expect_failure(read_weights(tensor, or_allocator_system(), &graph), OR_INVALID_ARGUMENT, "element 39998 is 200");
  assert_null(graph);
}

static void notices_that_the_numbers_changed(void **state) {
  (void)state;
  or_graph_t *graph = NULL;
  int32_t value = 0;
  expect_ok(read_weights(varints(OR_INT32, 5, UINT32_MAX, true), or_allocator_system(), &graph));
  assert_int_equal(truncate(path, 1000), 0);
  const or_constant_t *w = weights_of(graph);
  expect_failure(w->read(w, 80000, &value, sizeof value), OR_DATA_LOSS, "while it was read");
  or_graph_release(graph);
}

static or_status_t read_one(const or_allocator_t *allocator) {
  or_graph_t *graph = NULL;
  uint8_t bytes[64];
  or_status_t status = or_onnx_read_file(allocator, path, NULL, &graph);
  if (or_ok(status)) status = weights_of(graph)->read(weights_of(graph), 30000, bytes, sizeof bytes);
  or_graph_release(graph);
  return status;
}

static void gives_back_every_byte_when_an_allocation_fails(void **state) {
  (void)state;
  or_graph_t *graph = NULL;
  expect_ok(read_weights(varints(OR_INT64, 7, UINT64_MAX, false), or_allocator_system(), &graph));
  or_graph_release(graph);
  expect_survives_every_failing_allocation(read_one);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(decodes_numbers_of_any_length_as_they_are_asked_for),
      cmocka_unit_test(leaves_packed_floats_where_they_are),
      cmocka_unit_test(keeps_numbers_of_several_fields_in_memory),
      cmocka_unit_test(finds_a_number_that_its_type_does_not_hold_when_the_model_is_read),
      cmocka_unit_test(notices_that_the_numbers_changed),
      cmocka_unit_test(gives_back_every_byte_when_an_allocation_fails),
  };
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
