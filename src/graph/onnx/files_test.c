/* Whole files: the digits network that ships with the program, whole and damaged, and the test models of the ONNX
 * project where they are installed. Runs in the source folder. */
#include <dirent.h>
#include <stdio.h>
#include <unistd.h>

#include "graph/onnx/testing.h"
#include "graph/onnx/wire.h"

#define DIGITS "data/digits/model.onnx"
#define TEST_DATA "/usr/share/libonnx-testdata/data"

static char *whole_file(const char *path, size_t *length) {
  char *bytes = NULL;
  expect_ok(or_file_read(or_allocator_system(), path, (size_t)1 << 30, &bytes, length));
  return bytes;
}

static or_status_t read_bytes(const void *bytes, size_t length) {
  const or_onnx_source_t source = {.name = "m", .bytes = bytes, .length = length};
  or_graph_t *graph = NULL;
  or_status_t status = or_onnx_read_memory(or_allocator_system(), &source, NULL, &graph);
  or_graph_release(graph);
  return status;
}

static void reads_the_digits_network(void **state) {
  (void)state;
  or_graph_t *graph = NULL;
  expect_ok(or_onnx_read_file(or_allocator_system(), DIGITS, NULL, &graph));
  assert_string_equal(graph->name, "model.onnx");
  assert_int_equal(graph->input_count, 1);
  assert_int_equal(graph->output_count, 1);
  const or_value_info_t *output = &graph->values[graph->outputs[0]];
  assert_int_equal(output->dtype, OR_FLOAT32);
  assert_int_equal(output->shape.rank, 2);
  assert_int_equal(output->shape.dims[1], 10);
  assert_true(graph->weight_bytes > 200000 && graph->weight_bytes < 500000);
  assert_int_equal(graph->file_count, 1);
  or_graph_release(graph);
}

static void reads_the_digits_input_and_output(void **state) {
  (void)state;
  static const char *const names[] = {"data/digits/test_data_set_0/input_0.pb",
                                      "data/digits/test_data_set_0/output_0.pb"};
  for (int i = 0; i < 2; ++i) {
    or_onnx_tensor_t tensor;
    size_t length = 0;
    char *bytes = whole_file(names[i], &length);
    expect_ok(or_onnx_read_tensor(or_allocator_system(), bytes, length, &tensor));
    assert_int_equal(tensor.dtype, OR_FLOAT32);
    if (i == 1) assert_int_equal(tensor.shape.dims[1], 10);
    or_free(or_allocator_system(), tensor.data);
    or_free(or_allocator_system(), bytes);
  }
}

static void refuses_the_digits_network_cut_at_every_byte(void **state) {
  (void)state;
  size_t length = 0;
  char *bytes = whole_file(DIGITS, &length);
  for (size_t cut = 0; cut < length; ++cut) {
    /* A copy of exactly that size, so that the sanitizer sees a read past its end; the last kilobytes are the
     * interesting ones. */
    char *piece = cut < 4096 || cut + 4096 > length ? malloc(cut > 0 ? cut : 1) : NULL;
    if (piece != NULL) memcpy(piece, bytes, cut);
    or_status_t status = read_bytes(piece != NULL ? piece : bytes, cut);
    or_status_code_t code = or_status_code(status);
    or_status_ignore(status); /* its code is looked at */
    free(piece);
    if (code != OR_DATA_LOSS && code != OR_INVALID_ARGUMENT) fail_msg("cut at %zu: code %d", cut, (int)code);
  }
  expect_ok(read_bytes(bytes, length));
  or_free(or_allocator_system(), bytes);
}

/* Flips every bit of `count` bytes, one at a time. Any outcome but a crash will do. */
static size_t flip_bits(uint8_t *bytes, size_t length, size_t from, size_t count) {
  size_t refused = 0;
  for (size_t i = from; i < from + count && i < length; ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      bytes[i] ^= (uint8_t)(1 << bit);
      or_status_t status = read_bytes(bytes, length);
      refused += !or_ok(status);
      or_status_ignore(status); /* most are refused, one way or another */
      bytes[i] ^= (uint8_t)(1 << bit);
    }
  }
  return refused;
}

static void survives_every_flipped_bit_of_the_digits_structure(void **state) {
  (void)state;
  size_t length = 0, refused = 0;
  uint8_t *bytes = (uint8_t *)whole_file(DIGITS, &length);
  or_wire_source_t source;
  or_wire_field_t outer, inner;
  or_wire_source_memory(&source, bytes, length);
  or_wire_t model = or_wire_all(&source);
  or_status_t status = or_status_success();
  while (or_wire_more(&model, &outer, &status)) {
    if (outer.number != 7) {
      refused += flip_bits(bytes, length, (size_t)outer.at, (size_t)(model.at - outer.at));
      continue;
    }
    or_wire_t graph = outer.bytes;
    refused += flip_bits(bytes, length, (size_t)outer.at, (size_t)(graph.at - outer.at));
    while (or_wire_more(&graph, &inner, &status)) {
      /* Of an initializer the head, up to the first elements; any element will do. */
      size_t size = (size_t)(graph.at - inner.at);
      refused += flip_bits(bytes, length, (size_t)inner.at, inner.number == 5 && size > 48 ? 48 : size);
    }
  }
  expect_ok(status);
  assert_true(refused > 1000);
  or_free(or_allocator_system(), bytes);
}

static or_status_t read_digits(const or_allocator_t *allocator) {
  or_graph_t *graph = NULL;
  or_status_t status = or_onnx_read_file(allocator, DIGITS, NULL, &graph);
  or_graph_release(graph);
  return status;
}

static void gives_back_every_byte_when_an_allocation_fails(void **state) {
  (void)state;
  expect_survives_every_failing_allocation(read_digits);
}

static void names_a_file_that_is_not_there(void **state) {
  (void)state;
  or_graph_t *graph = NULL;
  expect_failure(or_onnx_read_file(or_allocator_system(), "data/none.onnx", NULL, &graph), OR_NOT_FOUND,
                 "data/none.onnx");
  expect_failure(or_onnx_read_file(or_allocator_system(), "data", NULL, &graph), OR_INVALID_ARGUMENT, "a folder");
}

typedef struct counts_t {
  size_t read, refused, tensors;
} counts_t;

/* Read, or refused as UNIMPLEMENTED with the name of a node, value or opset; the same from the file and from memory. */
static void check_model(const char *path, counts_t *counts) {
  or_graph_t *graph = NULL;
  size_t length = 0;
  char *bytes = whole_file(path, &length);
  or_status_t status = or_onnx_read_file(or_allocator_system(), path, NULL, &graph), again = read_bytes(bytes, length);
  const char *message = or_status_message(status);
  bool named =
      strstr(message, "node \"") != NULL || strstr(message, "put \"") != NULL || strstr(message, "opset") != NULL;
  or_status_code_t code = or_status_code(status);
  if (code != or_status_code(again) || (code != OR_OK && (code != OR_UNIMPLEMENTED || !named)))
    fail_msg("%s: %s", path, message);
  counts->read += code == OR_OK;
  counts->refused += code != OR_OK;
  or_status_ignore(status); /* looked at */
  or_status_ignore(again);  /* likewise */
  or_graph_release(graph);
  or_free(or_allocator_system(), bytes);
}

/* Any tensor file: read, or refused without a crash (sequences and optionals lie there too). */
static void check_tensor(const char *path, counts_t *counts) {
  or_onnx_tensor_t tensor;
  size_t length = 0;
  char *bytes = whole_file(path, &length);
  or_status_t status = or_onnx_read_tensor(or_allocator_system(), bytes, length, &tensor);
  counts->tensors += or_ok(status);
  or_status_ignore(status); /* only that it came back */
  or_free(or_allocator_system(), tensor.data);
  or_free(or_allocator_system(), bytes);
}

static void check_folder(const char *path, int depth, counts_t *counts) {
  DIR *folder = depth > 0 ? opendir(path) : NULL;
  if (folder == NULL) return;
  for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
    char below[1024];
    const char *dot = strrchr(entry->d_name, '.');
    int length = snprintf(below, sizeof below, "%s/%s", path, entry->d_name);
    if (entry->d_name[0] == '.' || length < 0 || (size_t)length >= sizeof below) continue;
    if (dot != NULL && strcmp(dot, ".onnx") == 0)
      check_model(below, counts);
    else if (dot != NULL && strcmp(dot, ".pb") == 0)
      check_tensor(below, counts);
    else
      check_folder(below, depth - 1, counts);
  }
  (void)closedir(folder);
}

static void reads_or_refuses_by_name_every_test_model_of_onnx(void **state) {
  (void)state;
  counts_t counts = {0};
  if (access(TEST_DATA, R_OK) != 0) {
    print_message("skipped: " TEST_DATA " is not there; install libonnx-testdata\n");
    skip();
  }
  check_folder(TEST_DATA, 4, &counts);
  print_message("%zu models read, %zu refused by name; %zu tensors read\n", counts.read, counts.refused,
                counts.tensors);
  assert_true(counts.read + counts.refused > 900);
  assert_true(counts.read >= 300);
  assert_true(counts.tensors > 2000);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(reads_the_digits_network),
      cmocka_unit_test(reads_the_digits_input_and_output),
      cmocka_unit_test(refuses_the_digits_network_cut_at_every_byte),
      cmocka_unit_test(survives_every_flipped_bit_of_the_digits_structure),
      cmocka_unit_test(gives_back_every_byte_when_an_allocation_fails),
      cmocka_unit_test(names_a_file_that_is_not_there),
      cmocka_unit_test(reads_or_refuses_by_name_every_test_model_of_onnx),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
