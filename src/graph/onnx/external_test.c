/* Elements that lie in the model's file or beside it. */
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "graph/onnx/testing.h"

#define LARGE_FLOATS 4096u /* 16 KiB: stays in its file */

/* A folder for one test: folder/model.onnx, folder/weights.bin, and what the test adds. */
typedef struct folder_t {
  char path[64], model[96], weights[96];
  float content[LARGE_FLOATS + 16];
} folder_t;

static void write_file(const char *path, const void *bytes, size_t length) {
  expect_ok(or_file_write(path, bytes, length));
}

static folder_t *make_folder(void) {
  folder_t *folder = calloc(1, sizeof *folder);
  assert_non_null(folder);
  (void)snprintf(folder->path, sizeof folder->path, "/tmp/or-onnx-XXXXXX");
  assert_non_null(mkdtemp(folder->path));
  (void)snprintf(folder->model, sizeof folder->model, "%s/model.onnx", folder->path);
  (void)snprintf(folder->weights, sizeof folder->weights, "%s/weights.bin", folder->path);
  for (size_t i = 0; i < LARGE_FLOATS + 16; ++i) folder->content[i] = (float)i * 0.5f;
  write_file(folder->weights, folder->content, sizeof folder->content);
  return folder;
}

/* Removes the files named (in the folder) and the folder. */
static void remove_folder(folder_t *folder, const char *more) {
  char path[160];
  (void)remove(folder->model);
  (void)remove(folder->weights);
  if (more != NULL) {
    (void)snprintf(path, sizeof path, "%s/%s", folder->path, more);
    assert_int_equal(remove(path), 0);
  }
  assert_int_equal(rmdir(folder->path), 0);
  free(folder);
}

static pb_t entry_proto(const char *key, const char *value) {
  pb_t pb = {.data = NULL};
  pb_text(&pb, 1, key);
  pb_text(&pb, 2, value);
  return pb;
}

/* y = x + w, w external; NULL leaves an entry out. */
static pb_t external_model(const char *dims, const char *location, const char *offset, const char *length) {
  pb_t w = tensor_proto("w", OR_FLOAT32, dims), graph = {.data = NULL};
  if (location != NULL) pb_put(&w, 13, entry_proto("location", location));
  if (offset != NULL) pb_put(&w, 13, entry_proto("offset", offset));
  if (length != NULL) pb_put(&w, 13, entry_proto("length", length));
  pb_put(&w, 13, entry_proto("checksum", "not looked at"));
  pb_int(&w, 14, 1);
  pb_put(&graph, 1, node_proto("Add", "x,w", "y"));
  pb_put(&graph, 5, w);
  pb_put(&graph, 11, value_proto("x", OR_FLOAT32, dims));
  pb_put(&graph, 12, value_proto("y", OR_FLOAT32, NULL));
  return model_proto(graph, 13);
}

static or_status_t read_written(const folder_t *folder, pb_t model, or_graph_t **graph) {
  write_file(folder->model, model.data, model.length);
  pb_free(&model);
  return or_onnx_read_file(or_allocator_system(), folder->model, NULL, graph);
}

static const or_constant_t *weights_of(const or_graph_t *graph) {
  for (size_t i = 0; i < graph->value_count; ++i) {
    if (strcmp(graph->values[i].name, "w") == 0) return graph->values[i].constant;
  }
  fail_msg("%s", "no value \"w\"");
  return NULL;
}

static void reads_small_external_data_at_once(void **state) {
  (void)state;
  folder_t *folder = make_folder();
  or_graph_t *graph = NULL;
  expect_ok(read_written(folder, external_model("4", "weights.bin", "8", "16"), &graph));
  const or_constant_t *w = weights_of(graph);
  assert_non_null(w->data);
  assert_memory_equal(w->data, folder->content + 2, 16);
  or_graph_release(graph);
  /* The same by hand: without offset and length, over another way to the file. */
  expect_ok(read_written(folder, external_model("4", "./weights.bin", NULL, NULL), &graph));
  assert_memory_equal(weights_of(graph)->data, folder->content, 16);
  or_graph_release(graph);
  remove_folder(folder, NULL);
}

static void leaves_large_external_data_in_its_file(void **state) {
  (void)state;
  folder_t *folder = make_folder();
  or_graph_t *graph = NULL, *other = NULL;
  expect_ok(read_written(folder, external_model("4096", "weights.bin", "16", NULL), &graph));
  const or_constant_t *w = weights_of(graph);
  float part[8];
  assert_null(w->data);
  assert_int_equal(w->bytes, LARGE_FLOATS * 4);
  expect_ok(w->read(w, 40, part, sizeof part));
  assert_memory_equal(part, folder->content + 4 + 10, sizeof part);
  expect_failure(w->read(w, w->bytes - 4, part, 8), OR_OUT_OF_RANGE, "asked for");
  /* The name of the content: the same place is the same, another is not. */
  expect_ok(or_onnx_read_file(or_allocator_system(), folder->model, NULL, &other));
  assert_true(weights_of(other)->hash == w->hash);
  or_graph_release(other);
  expect_ok(read_written(folder, external_model("4096", "weights.bin", "32", NULL), &other));
  assert_true(weights_of(other)->hash != w->hash);
  or_graph_release(other);
  assert_int_equal(truncate(folder->weights, 100), 0);
  expect_failure(w->read(w, 200, part, sizeof part), OR_DATA_LOSS, "shrank");
  or_graph_release(graph);
  remove_folder(folder, NULL);
}

static void refuses_external_data_that_leaves_the_folder(void **state) {
  (void)state;
  static const char *const outside[] = {"/etc/passwd", "../weights.bin", "a/../../weights.bin", "..", "a/..", "/"};
  folder_t *folder = make_folder();
  or_graph_t *graph = NULL;
  for (size_t i = 0; i < sizeof outside / sizeof *outside; ++i) {
    expect_failure(read_written(folder, external_model("4", outside[i], NULL, NULL), &graph), OR_PERMISSION_DENIED,
                   "is outside the model's folder");
    assert_null(graph);
  }
  expect_failure(read_written(folder, external_model("4", "..weights", NULL, NULL), &graph), OR_NOT_FOUND, "..weights");
  remove_folder(folder, NULL);
}

static void refuses_a_link_that_leads_out_and_follows_one_that_stays(void **state) {
  (void)state;
  folder_t *folder = make_folder(), *other = make_folder();
  or_graph_t *graph = NULL;
  char link[128];
  (void)snprintf(link, sizeof link, "%s/link.bin", folder->path);
  assert_int_equal(symlink(other->weights, link), 0);
  expect_failure(read_written(folder, external_model("4", "link.bin", NULL, NULL), &graph), OR_PERMISSION_DENIED,
                 "is a link that leads outside the model's folder; copy");
  assert_int_equal(unlink(link), 0);
  assert_int_equal(symlink(other->path, link), 0); /* a folder on the way */
  expect_failure(read_written(folder, external_model("4", "link.bin/weights.bin", NULL, NULL), &graph),
                 OR_PERMISSION_DENIED, "is a link that leads outside the model's folder; copy");
  assert_int_equal(unlink(link), 0);
  assert_int_equal(symlink("weights.bin", link), 0);
  expect_ok(read_written(folder, external_model("4", "link.bin", NULL, NULL), &graph));
  or_graph_release(graph);
  remove_folder(folder, "link.bin");
  remove_folder(other, NULL);
}

/* Whoever knows the folder by one name does not learn from an error where it is. */
static void messages_name_the_folder_as_it_was_given(void **state) {
  (void)state;
  folder_t *folder = make_folder();
  or_graph_t *graph = NULL;
  char link[96], model[128];
  float part[8];
  (void)snprintf(link, sizeof link, "%s-link", folder->path);
  (void)snprintf(model, sizeof model, "%s/model.onnx", link);
  assert_int_equal(symlink(folder->path, link), 0);
  expect_ok(read_written(folder, external_model("4096", "weights.bin", "16", NULL), &graph));
  or_graph_release(graph);
  expect_ok(or_onnx_read_file(or_allocator_system(), model, NULL, &graph));
  assert_int_equal(truncate(folder->weights, 100), 0);
  const or_constant_t *w = weights_of(graph);
  expect_failure(w->read(w, 200, part, sizeof part), OR_DATA_LOSS, "-link/weights.bin\" shrank");
  or_graph_release(graph);
  assert_int_equal(unlink(link), 0);
  remove_folder(folder, NULL);
}

static void refuses_external_data_past_the_end_of_its_file(void **state) {
  (void)state;
  folder_t *folder = make_folder();
  or_graph_t *graph = NULL;
  static const struct {
    const char *dims, *offset;
  } cases[] = {{"4113", NULL}, {"4", "16436"}, {"4", "16449"}, {"4", "18446744073709551615"}, {"68719476736", NULL}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
    expect_failure(read_written(folder, external_model(cases[i].dims, "weights.bin", cases[i].offset, NULL), &graph),
                   OR_DATA_LOSS, "initializer \"w\": external data \"weights.bin\" has 16448 bytes");
  }
  expect_ok(read_written(folder, external_model("4", "weights.bin", "16432", NULL), &graph)); /* the last 16 bytes */
  or_graph_release(graph);
  remove_folder(folder, NULL);
}

static void refuses_entries_that_make_no_sense(void **state) {
  (void)state;
  folder_t *folder = make_folder();
  or_graph_t *graph = NULL;
  static const struct {
    const char *location, *offset, *length;
    or_status_code_t code;
    const char *words;
  } cases[] = {
      {NULL, NULL, NULL, OR_INVALID_ARGUMENT, "has no location"},
      {"", NULL, NULL, OR_INVALID_ARGUMENT, "has no location"},
      {"weights.bin", "-1", NULL, OR_INVALID_ARGUMENT, "offset \"-1\""},
      {"weights.bin", "", NULL, OR_INVALID_ARGUMENT, "offset \"\""},
      {"weights.bin", "18446744073709551616", NULL, OR_INVALID_ARGUMENT, "offset \"18446744073709551616\""},
      {"weights.bin", NULL, "1e3", OR_INVALID_ARGUMENT, "length \"1e3\""},
      {"weights.bin", NULL, "20", OR_INVALID_ARGUMENT, "its shape needs 16 bytes, and 20 are given"},
      {"missing.bin", NULL, NULL, OR_NOT_FOUND, "missing.bin\" can't be reached"},
      {"weights.bin/x", NULL, NULL, OR_NOT_FOUND, "weights.bin/x"},
      {".", NULL, NULL, OR_PERMISSION_DENIED, "outside the model's folder"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
    pb_t model = external_model("4", cases[i].location, cases[i].offset, cases[i].length);
    expect_failure(read_written(folder, model, &graph), cases[i].code, cases[i].words);
  }
  remove_folder(folder, NULL);
}

static void takes_external_data_from_memory_only_with_a_base_directory(void **state) {
  (void)state;
  folder_t *folder = make_folder();
  or_graph_t *graph = NULL;
  pb_t model = external_model("4", "weights.bin", NULL, NULL);
  or_onnx_source_t source = {.name = "m", .bytes = model.data, .length = model.length};
  expect_failure(or_onnx_read_memory(or_allocator_system(), &source, NULL, &graph), OR_PERMISSION_DENIED,
                 "no base directory was given");
  source.base_directory = folder->path;
  expect_ok(or_onnx_read_memory(or_allocator_system(), &source, NULL, &graph));
  assert_memory_equal(weights_of(graph)->data, folder->content, 16);
  or_graph_release(graph);
  pb_free(&model);
  remove_folder(folder, NULL);
}

/* The model's own raw_data: 8 MiB that are not in memory after the model was read. */
static void leaves_large_initializers_in_the_model_file(void **state) {
  (void)state;
  size_t count = (size_t)2 << 20;
  float *values = malloc(count * sizeof *values);
  assert_non_null(values);
  for (size_t i = 0; i < count; ++i) values[i] = (float)(i % 1000);
  folder_t *folder = make_folder();
  pb_t graph_proto = relu_graph();
  pb_put(&graph_proto, 5, raw_tensor_proto("w", OR_FLOAT32, "2097152", values, count * sizeof *values));
  pb_t model = model_proto(graph_proto, 13);
  write_file(folder->model, model.data, model.length);
  pb_free(&model);

  or_counting_allocator_t counting;
  or_counting_allocator_init(&counting, or_allocator_system(), 0);
  or_graph_t *graph = NULL;
  expect_ok(or_onnx_read_file(&counting.base, folder->model, NULL, &graph));
  assert_true(counting.peak_bytes < (size_t)256 << 10);
  assert_int_equal(graph->weight_bytes, count * sizeof *values);
  const or_constant_t *w = weights_of(graph);
  assert_null(w->data);
  void *scratch = NULL;
  size_t capacity = 0;
  const void *bytes = NULL;
  expect_ok(or_constant_bytes(w, or_allocator_system(), &scratch, &capacity, &bytes));
  assert_memory_equal(bytes, values, w->bytes);
  or_free(or_allocator_system(), scratch);
  assert_int_equal(truncate(folder->model, 1000), 0);
  expect_failure(w->read(w, 0, values, 4096), OR_DATA_LOSS, "model.onnx\"");
  or_graph_release(graph);
  assert_int_equal(counting.live_bytes, 0);
  free(values);
  remove_folder(folder, NULL);
}

/* Bools that stay in the file are 0 or 1 when they are read, whatever the bytes are. */
static void makes_bools_in_a_file_0_or_1(void **state) {
  (void)state;
  uint8_t raw[8192], read[8192];
  for (size_t i = 0; i < sizeof raw; ++i) raw[i] = (uint8_t)(i % 3 == 0 ? 0 : i | 1);
  folder_t *folder = make_folder();
  pb_t graph_proto = relu_graph();
  pb_put(&graph_proto, 5, raw_tensor_proto("w", OR_BOOL, "8192", raw, sizeof raw));
  or_graph_t *graph = NULL;
  expect_ok(read_written(folder, model_proto(graph_proto, 13), &graph));
  const or_constant_t *w = weights_of(graph);
  expect_ok(w->read(w, 0, read, sizeof read));
  for (size_t i = 0; i < sizeof read; ++i) assert_int_equal(read[i], i % 3 != 0);
  or_graph_release(graph);
  remove_folder(folder, NULL);
}

static folder_t *shared_folder;

static or_status_t read_and_release(const or_allocator_t *allocator) {
  or_graph_t *graph = NULL;
  or_status_t status = or_onnx_read_file(allocator, shared_folder->model, NULL, &graph);
  or_graph_release(graph);
  return status;
}

static void gives_back_every_byte_when_an_allocation_fails(void **state) {
  (void)state;
  shared_folder = make_folder();
  or_graph_t *graph = NULL;
  expect_ok(read_written(shared_folder, external_model("4096", "weights.bin", NULL, NULL), &graph));
  or_graph_release(graph);
  expect_survives_every_failing_allocation(read_and_release);
  remove_folder(shared_folder, NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(reads_small_external_data_at_once),
      cmocka_unit_test(leaves_large_external_data_in_its_file),
      cmocka_unit_test(refuses_external_data_that_leaves_the_folder),
      cmocka_unit_test(refuses_a_link_that_leads_out_and_follows_one_that_stays),
      cmocka_unit_test(messages_name_the_folder_as_it_was_given),
      cmocka_unit_test(refuses_external_data_past_the_end_of_its_file),
      cmocka_unit_test(refuses_entries_that_make_no_sense),
      cmocka_unit_test(takes_external_data_from_memory_only_with_a_base_directory),
      cmocka_unit_test(leaves_large_initializers_in_the_model_file),
      cmocka_unit_test(makes_bools_in_a_file_0_or_1),
      cmocka_unit_test(gives_back_every_byte_when_an_allocation_fails),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
