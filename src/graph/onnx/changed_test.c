/* Files that change while a model is read from them, at every moment that there is: a failure, or a model that is
 * whole, of before or of after; never parts of both. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "graph/onnx/testing.h"

#define LARGE_FLOATS 4096u /* 16 KiB: stays in its file */

static char folder[64], model_path[96], weights_path[96];

static int make_folder(void **state) {
  (void)state;
  (void)snprintf(folder, sizeof folder, "/tmp/or-changed-XXXXXX");
  assert_non_null(mkdtemp(folder));
  (void)snprintf(model_path, sizeof model_path, "%s/model.onnx", folder);
  (void)snprintf(weights_path, sizeof weights_path, "%s/weights.bin", folder);
  return 0;
}

static int remove_folder(void **state) {
  (void)state;
  (void)remove(model_path);
  (void)remove(weights_path);
  assert_int_equal(rmdir(folder), 0);
  return 0;
}

/* y = x + beside + inside + version: all elements of a version's constants are its number. */
static pb_t model_of(float version) {
  float inside[LARGE_FLOATS];
  pb_t beside = tensor_proto("beside", OR_FLOAT32, "4096"), graph = {.data = NULL}, location = {.data = NULL};
  for (size_t i = 0; i < LARGE_FLOATS; ++i) inside[i] = version;
  pb_text(&location, 1, "location");
  pb_text(&location, 2, "weights.bin");
  pb_put(&beside, 13, location);
  pb_int(&beside, 14, 1);
  pb_put(&graph, 1, node_proto("Add", "x,beside", "a"));
  pb_put(&graph, 1, node_proto("Add", "a,inside", "b"));
  pb_put(&graph, 1, node_proto("Add", "b,version", "y"));
  pb_put(&graph, 5, raw_tensor_proto("inside", OR_FLOAT32, "4096", inside, sizeof inside));
  pb_put(&graph, 5, beside);
  pb_put(&graph, 5, raw_tensor_proto("version", OR_FLOAT32, "1", &version, sizeof version));
  pb_put(&graph, 11, value_proto("x", OR_FLOAT32, "4096"));
  pb_put(&graph, 12, value_proto("y", OR_FLOAT32, "4096"));
  return model_proto(graph, 13);
}

/* The time is set, so that a rewritten file has another however fast it was rewritten. */
static void write_in_place(const char *path, const void *bytes, size_t length, float version) {
  const struct timespec times[2] = {{.tv_sec = 1000}, {.tv_sec = 1000 + (long)version}};
  const int file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  assert_true(file >= 0);
  assert_int_equal(write(file, bytes, length), length);
  assert_int_equal(futimens(file, times), 0);
  assert_int_equal(close(file), 0);
}

static void put_version(float version, bool in_place) {
  float beside[LARGE_FLOATS];
  for (size_t i = 0; i < LARGE_FLOATS; ++i) beside[i] = version;
  pb_t model = model_of(version);
  if (in_place) {
    write_in_place(model_path, model.data, model.length, version);
    write_in_place(weights_path, beside, sizeof beside, version);
  } else {
    expect_ok(or_file_write(model_path, model.data, model.length));
    expect_ok(or_file_write(weights_path, beside, sizeof beside));
  }
  pb_free(&model);
}

static void replace(void) { put_version(2, false); }
static void rewrite(void) { put_version(2, true); }
static void cut_weights(void) { assert_int_equal(truncate(weights_path, 100), 0); }
static void cut_model(void) { assert_int_equal(truncate(model_path, 9000), 0); }
static void take_weights_away(void) { assert_int_equal(remove(weights_path), 0); }

/* An allocator that changes the files when it is asked for the n-th time. */
typedef struct meddler_t {
  or_allocator_t base;
  size_t calls, at;
  void (*change)(void);
} meddler_t;

static void *meddle(void *self, size_t bytes, size_t alignment) {
  meddler_t *meddler = self;
  if (++meddler->calls == meddler->at) meddler->change();
  const or_allocator_t *system = or_allocator_system();
  return system->alloc(system->self, bytes, alignment);
}

static void release(void *self, void *memory) {
  (void)self;
  or_allocator_system()->release(or_allocator_system()->self, memory);
}

static const or_constant_t *constant_of(const or_graph_t *graph, const char *name) {
  for (size_t i = 0; i < graph->value_count; ++i) {
    if (strcmp(graph->values[i].name, name) == 0 && graph->values[i].constant != NULL) return graph->values[i].constant;
  }
  fail_msg("no constant \"%s\"", name);
  return NULL;
}

static void expect_version(or_graph_t *graph, const char *name, float version) {
  float values[LARGE_FLOATS];
  const or_constant_t *constant = constant_of(graph, name);
  or_status_t status = constant->read(constant, 0, values, sizeof values);
  if (!or_ok(status)) {
    expect_failure(status, OR_DATA_LOSS, "while it was read");
    return;
  }
  for (size_t i = 0; i < LARGE_FLOATS; ++i) assert_true(values[i] == version);
}

/* Returns how many moments the load has. */
static size_t load_while(void (*change)(void), size_t at, or_status_code_t *code) {
  meddler_t meddler = {.base = {&meddler, meddle, release}, .at = at, .change = change};
  or_graph_t *graph = NULL;
  (void)remove(model_path);
  (void)remove(weights_path);
  put_version(1, true);
  or_status_t status = or_onnx_read_file(&meddler.base, model_path, NULL, &graph);
  *code = or_status_code(status);
  or_status_ignore(status); /* its code is looked at */
  if (graph != NULL) {
    const float version = ((const float *)constant_of(graph, "version")->data)[0];
    expect_version(graph, "inside", version);
    expect_version(graph, "beside", version);
  }
  or_graph_release(graph);
  return meddler.calls;
}

static void expect_whole_or_refused(void (*change)(void)) {
  or_status_code_t code = OR_OK;
  size_t refused = 0;
  const size_t moments = load_while(change, 0, &code);
  assert_int_equal(code, OR_OK);
  for (size_t n = 1; n <= moments; ++n) {
    (void)load_while(change, n, &code);
    refused += code != OR_OK;
    assert_true(code == OR_OK || code == OR_DATA_LOSS || code == OR_NOT_FOUND);
  }
  assert_true(refused + 3 >= moments); /* but for the moments before the file is opened */
}

static void refuses_files_that_are_replaced_meanwhile(void **state) {
  (void)state;
  expect_whole_or_refused(replace);
}

static void refuses_files_that_are_rewritten_meanwhile(void **state) {
  (void)state;
  expect_whole_or_refused(rewrite);
}

static void refuses_files_that_shrink_meanwhile(void **state) {
  (void)state;
  expect_whole_or_refused(cut_weights);
  expect_whole_or_refused(cut_model);
}

static void refuses_files_that_are_taken_away_meanwhile(void **state) {
  (void)state;
  expect_whole_or_refused(take_weights_away);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(refuses_files_that_are_replaced_meanwhile, make_folder, remove_folder),
      cmocka_unit_test_setup_teardown(refuses_files_that_are_rewritten_meanwhile, make_folder, remove_folder),
      cmocka_unit_test_setup_teardown(refuses_files_that_shrink_meanwhile, make_folder, remove_folder),
      cmocka_unit_test_setup_teardown(refuses_files_that_are_taken_away_meanwhile, make_folder, remove_folder),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
