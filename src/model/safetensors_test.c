#include "model/safetensors.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/numbers.h"
#include "base/testing.h"
#include "model/checkpoint.h"

#define ENTRY(name, dtype, shape, begin, end) \
  "\"" name "\":{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":[" #begin "," #end "]}"

static or_status_t parse(const char *header, uint64_t data_bytes, or_safetensors_t *out) {
  return or_safetensors_parse(or_allocator_system(), header, strlen(header), data_bytes, out);
}

static void reads_names_types_shapes_and_places(void **state) {
  (void)state;
  or_safetensors_t read;
  expect_ok(parse("{\"__metadata__\":{\"format\":\"pt\"}," ENTRY("b", "I64", "[]", 24, 32) "," ENTRY(
                      "a", "F32", "[2,3]", 0, 24) "," ENTRY("c", "BF16", "[0,5]", 32, 32) "}  ",
                  32, &read));
  assert_int_equal(read.count, 3);
  const or_safetensor_t *a = or_safetensors_find(&read, "a"), *b = or_safetensors_find(&read, "b");
  assert_non_null(a);
  assert_non_null(b);
  assert_int_equal(a->dtype, OR_FLOAT32);
  assert_int_equal(a->shape.rank, 2);
  assert_int_equal(a->shape.dims[1], 3);
  assert_int_equal(a->offset, 0);
  assert_int_equal(a->bytes, 24);
  assert_int_equal(b->dtype, OR_INT64);
  assert_int_equal(b->shape.rank, 0);
  assert_int_equal(b->offset, 24);
  assert_int_equal(or_safetensors_find(&read, "c")->bytes, 0);
  assert_null(or_safetensors_find(&read, "__metadata__"));
  or_safetensors_deinit(&read);
}

static void refuses_headers_that_do_not_describe_the_file(void **state) {
  (void)state;
  static const struct {
    const char *header;
    uint64_t data_bytes;
    or_status_code_t code;
    const char *words;
  } cases[] = {
      {"{" ENTRY("a", "F32", "[2]", 0, 8) "," ENTRY("b", "F32", "[2]", 4, 12) "}", 12, OR_INVALID_ARGUMENT,
       "\"b\": its elements begin at byte 4, where another tensor"},
      {"{" ENTRY("a", "F32", "[2]", 0, 8) "," ENTRY("b", "F32", "[2]", 0, 8) "}", 8, OR_INVALID_ARGUMENT,
       "another tensor"},
      {"{" ENTRY("a", "F32", "[2]", 4, 12) "}", 12, OR_INVALID_ARGUMENT, "belong to none"},
      {"{" ENTRY("a", "F32", "[2]", 0, 8) "}", 9, OR_INVALID_ARGUMENT, "have 8 bytes, and the file has 9"},
      {"{" ENTRY("a", "F32", "[2]", 0, 8) "}", 7, OR_DATA_LOSS, "truncated"},
      {"{" ENTRY("a", "F32", "[2]", 9223372036854775799, 9223372036854775807) "}", 8, OR_DATA_LOSS, "\"a\""},
      {"{" ENTRY("a", "F32", "[2]", 0, 4) "}", 4, OR_INVALID_ARGUMENT, "its 4 bytes are not what"},
      {"{" ENTRY("a", "F32", "[4611686018427387904,8]", 0, 4) "}", 4, OR_INVALID_ARGUMENT, "not what"},
      {"{" ENTRY("a", "F32", "[-1]", 0, 4) "}", 4, OR_INVALID_ARGUMENT, "extent 0"},
      {"{" ENTRY("a", "F32", "[1.5]", 0, 4) "}", 4, OR_INVALID_ARGUMENT, "extent 0"},
      {"{" ENTRY("a", "F32", "[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]", 0, 4) "}", 4, OR_RESOURCE_EXHAUSTED,
       "17 dimensions"},
      {"{" ENTRY("a", "F32", "[1]", 4, 0) "}", 4, OR_INVALID_ARGUMENT, "data_offsets"},
      {"{" ENTRY("a", "F32", "[1]", -4, 0) "}", 4, OR_INVALID_ARGUMENT, "data_offsets"},
      {"{" ENTRY("a", "Q3", "[1]", 0, 4) "}", 4, OR_UNIMPLEMENTED, "dtype \"Q3\""},
      {"{" ENTRY("a", "F32", "[1]", 0, 4) "," ENTRY("a", "F32", "[1]", 4, 8) "}", 8, OR_INVALID_ARGUMENT, "duplicate"},
      {"{" ENTRY("a", "F32", "[1]", 0, 18446744073709551616) "}", 4, OR_INVALID_ARGUMENT, ""},
      {"{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,4]}}", 4, OR_INVALID_ARGUMENT, "its shape is missing"},
      {"{\"a\":3}", 0, OR_INVALID_ARGUMENT, "tensor \"a\""},
      {"[]", 0, OR_INVALID_ARGUMENT, "not an object"},
      {"", 0, OR_INVALID_ARGUMENT, "header"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
    or_safetensors_t read;
    expect_failure(parse(cases[i].header, cases[i].data_bytes, &read), cases[i].code, cases[i].words);
    assert_int_equal(read.count, 0);
  }
}

static void refuses_lengths_beyond_the_file_and_the_limit(void **state) {
  (void)state;
  size_t length = 0;
  const uint8_t small[8] = {2}, huge[8] = {0, 0, 0, 0, 0, 0, 0, 0x80}, big[8] = {0, 0, 0, 2};
  expect_ok(or_safetensors_header_length(small, 10, &length));
  assert_int_equal(length, 2);
  expect_failure(or_safetensors_header_length(small, 9, &length), OR_DATA_LOSS, "truncated");
  expect_failure(or_safetensors_header_length(small, 3, &length), OR_DATA_LOSS, "truncated");
  expect_failure(or_safetensors_header_length(huge, UINT64_MAX, &length), OR_RESOURCE_EXHAUSTED, "the limit");
  expect_failure(or_safetensors_header_length(big, (uint64_t)1 << 30, &length), OR_RESOURCE_EXHAUSTED, "33554432");
}

/* A folder with one file: w is float32 [3,700] and holds its own indices; h is float16 [700,3], and likewise modulo
 * 2048. */
#define ROWS 3
#define COLUMNS 700
static char folder[] = "/tmp/or_safetensors_test_XXXXXX";

static int make_folder(void **state) {
  (void)state;
  static float w[ROWS * COLUMNS];
  static uint16_t h[ROWS * COLUMNS];
  char path[64];
  const char header[] = "{" ENTRY("net.w", "F32", "[3,700]", 0, 8400) "," ENTRY("h", "F16", "[700,3]", 8400, 12600) "}";
  const uint64_t length = strlen(header);
  if (mkdtemp(folder) == NULL) return 1;
  for (int i = 0; i < ROWS * COLUMNS; ++i) {
    w[i] = (float)i;
    h[i] = or_float_to_float16((float)(i % 2048));
  }
  (void)snprintf(path, sizeof path, "%s/model.safetensors", folder);
  FILE *file = fopen(path, "wb");
  bool good = file != NULL && fwrite(&length, 8, 1, file) == 1 && fwrite(header, length, 1, file) == 1 &&
              fwrite(w, sizeof w, 1, file) == 1 && fwrite(h, sizeof h, 1, file) == 1;
  return file == NULL || fclose(file) != 0 || !good;
}

static int remove_folder(void **state) {
  (void)state;
  char path[64];
  (void)snprintf(path, sizeof path, "%s/model.safetensors", folder);
  return unlink(path) + rmdir(folder);
}

typedef struct found_t {
  or_graph_t *graph;
  const or_constant_t *constant;
} found_t;

static found_t find(const char *name, int64_t rows, int64_t columns, bool transposed) {
  found_t found = {.graph = NULL};
  or_checkpoint_t checkpoint;
  const or_weight_request_t request = {.name = name,
                                       .dtype = OR_FLOAT32,
                                       .shape = or_shape_make(2, (const int64_t[]){rows, columns}),
                                       .transposed = transposed};
  expect_ok(or_checkpoint_open(&checkpoint, or_allocator_system(), folder, "net."));
  expect_ok(or_graph_create(or_allocator_system(), "x", NULL, &found.graph));
  expect_ok(checkpoint.base.find(&checkpoint.base, found.graph, &request, &found.constant));
  or_checkpoint_close(&checkpoint); /* the graph keeps the file */
  return found;
}

/* Any part of a constant, whatever its bytes begin and end with, is that of the whole. */
static void expect_parts_of(const or_constant_t *constant, const float *whole) {
  static const size_t parts[][2] = {{0, 8400}, {0, 4},       {4, 8396}, {2796, 12},
                                    {1, 6},    {2803, 2795}, {8399, 1}, {400, 0}};
  char bytes[8400];
  assert_int_equal(constant->bytes, sizeof bytes);
  for (size_t i = 0; i < sizeof parts / sizeof *parts; ++i) {
    memset(bytes, 0xaa, sizeof bytes);
    expect_ok(constant->read(constant, parts[i][0], bytes, parts[i][1]));
    assert_memory_equal(bytes, (const char *)whole + parts[i][0], parts[i][1]);
  }
  expect_failure(constant->read(constant, 8400, bytes, 1), OR_OUT_OF_RANGE, "8400");
}

static void gives_parameters_as_they_are_transposed_and_converted(void **state) {
  (void)state;
  static const struct {
    const char *name;
    int64_t rows, columns;
    bool transposed;
  } cases[] = {{"w", ROWS, COLUMNS, false},
               {"net.w", ROWS, COLUMNS, true},
               {"h", COLUMNS, ROWS, false},
               {"net.h", COLUMNS, ROWS, true}};
  uint64_t hashes[4];
  for (size_t i = 0; i < 4; ++i) {
    static float expected[ROWS * COLUMNS];
    const size_t rows = (size_t)cases[i].rows, columns = (size_t)cases[i].columns;
    found_t found = find(cases[i].name, cases[i].rows, cases[i].columns, cases[i].transposed);
    for (size_t r = 0; r < rows; ++r) {
      for (size_t c = 0; c < columns; ++c) {
        size_t index = r * columns + c;
        expected[cases[i].transposed ? c * rows + r : index] = (float)(i < 2 ? index : index % 2048);
      }
    }
    assert_int_equal(found.constant->shape.dims[0], cases[i].transposed ? cases[i].columns : cases[i].rows);
    expect_parts_of(found.constant, expected);
    hashes[i] = found.constant->hash;
    for (size_t k = 0; k < i; ++k) assert_true(hashes[k] != hashes[i]);
    or_graph_release(found.graph);
  }
  found_t again = find("w", ROWS, COLUMNS, false);
  assert_true(again.constant->hash == hashes[0]);
  or_graph_release(again.graph);
}

static or_status_t open_folder(const or_allocator_t *allocator) {
  or_checkpoint_t checkpoint;
  or_status_t status = or_checkpoint_open(&checkpoint, allocator, folder, "");
  if (or_ok(status)) or_checkpoint_close(&checkpoint);
  return status;
}

static void gives_back_every_byte_when_the_nth_allocation_fails(void **state) {
  (void)state;
  expect_survives_every_failing_allocation(open_folder);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(reads_names_types_shapes_and_places),
      cmocka_unit_test(refuses_headers_that_do_not_describe_the_file),
      cmocka_unit_test(refuses_lengths_beyond_the_file_and_the_limit),
      cmocka_unit_test(gives_parameters_as_they_are_transposed_and_converted),
      cmocka_unit_test(gives_back_every_byte_when_the_nth_allocation_fails),
  };
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
