/* What loading a model takes: each large initializer is read once, whoever needs it, and memory holds the packed ones,
 * one that is on its way, and little else. */
#include "base/testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "base/string.h"
#include "graph/onnx/testing.h"
#include "hal/packed.h"
#include "openruntime/session.h"
#include "runtime/runtime.h"

#define WIDE 1024
#define NARROW 256
#define WORDS 4096
#define CHANNELS 64
#define FILTERS 256
#define MIB ((size_t)1 << 20)
#define SMALL_BYTES (2 * MIB) /* structure, plans, workspaces, and a read that is rounded up to a huge page */

typedef enum storage_t { RAW, TYPED, EXTERNAL } storage_t;

/* In the order in which their nodes stand: the one that is needed as it is comes last, when all others are packed. */
typedef struct weight_t {
  const char *name, *dims;
  size_t count;
} weight_t;
static const weight_t weights[] = {{"up", "256,1024", (size_t)NARROW *WIDE},
                                   {"down", "256,1024", (size_t)NARROW *WIDE},
                                   {"filters", "256,64,3,3", (size_t)FILTERS *CHANNELS * 9},
                                   {"table", "4096,256", (size_t)WORDS *NARROW}};
#define WEIGHTS (sizeof weights / sizeof *weights)
#define LARGEST_PACKED_BYTES ((size_t)NARROW * WIDE * 4)

static char folder[64];

static const char *in_folder(const char *name) {
  static char path[128];
  return or_format(path, sizeof path, "%s/%s", folder, name);
}

static size_t all_bytes(void) {
  size_t bytes = 0;
  for (size_t i = 0; i < WEIGHTS; ++i) bytes += weights[i].count * sizeof(float);
  return bytes;
}

static float element(size_t weight, size_t index) {
  return (float)((index * 7 + weight * 3 + index / NARROW) % 31) / 16.0f - 1.0f;
}

static float *elements_of(size_t weight) {
  float *elements = malloc(weights[weight].count * sizeof *elements);
  assert_non_null(elements);
  for (size_t i = 0; i < weights[weight].count; ++i) elements[i] = element(weight, i);
  return elements;
}

static pb_t entry_proto(const char *key, size_t value) {
  char text[32];
  pb_t pb = {.data = NULL};
  pb_text(&pb, 1, key);
  pb_text(&pb, 2, or_format(text, sizeof text, "%zu", value));
  return pb;
}

static void put_weight(pb_t *graph, size_t index, storage_t storage, pb_t *beside) {
  const weight_t *weight = &weights[index];
  const size_t bytes = weight->count * sizeof(float);
  float *elements = elements_of(index);
  pb_t proto = tensor_proto(weight->name, OR_FLOAT32, weight->dims);
  if (storage == EXTERNAL) {
    pb_t location = {.data = NULL};
    pb_text(&location, 1, "location");
    pb_text(&location, 2, "weights.bin");
    pb_put(&proto, 13, location);
    pb_put(&proto, 13, entry_proto("offset", beside->length));
    pb_put(&proto, 13, entry_proto("length", bytes));
    pb_int(&proto, 14, 1);
    pb_append(beside, elements, bytes);
  } else {
    pb_bytes(&proto, storage == RAW ? 9 : 4, elements, bytes);
  }
  free(elements);
  pb_put(graph, 5, proto);
}

static pb_t gemm_proto(void) {
  pb_t node = node_proto("Gemm", "wide,down", "y"), attribute = {.data = NULL};
  pb_text(&attribute, 1, "transB");
  pb_int(&attribute, 20, 2);
  pb_int(&attribute, 3, 1);
  pb_put(&node, 5, attribute);
  return node;
}

static void write_model(pb_t graph, const pb_t *beside) {
  pb_t model = model_proto(graph, 17);
  expect_ok(or_file_write(in_folder("model.onnx"), model.data, model.length));
  if (beside->length > 0) expect_ok(or_file_write(in_folder("weights.bin"), beside->data, beside->length));
  pb_free(&model);
}

/* y = Gemm(x up, down); z = Conv(image, filters); e = Gather(table, ids) */
static void write_network(storage_t storage) {
  pb_t graph = {.data = NULL}, beside = {.data = NULL};
  pb_put(&graph, 1, node_proto("MatMul", "x,up", "wide"));
  pb_put(&graph, 1, gemm_proto());
  pb_put(&graph, 1, node_proto("Conv", "image,filters", "z"));
  pb_put(&graph, 1, node_proto("Gather", "table,ids", "e"));
  for (size_t i = 0; i < WEIGHTS; ++i) put_weight(&graph, i, storage, &beside);
  pb_put(&graph, 11, value_proto("x", OR_FLOAT32, "n,256"));
  pb_put(&graph, 11, value_proto("image", OR_FLOAT32, "1,64,h,8"));
  pb_put(&graph, 11, value_proto("ids", OR_INT64, "n"));
  pb_put(&graph, 12, value_proto("y", OR_FLOAT32, NULL));
  pb_put(&graph, 12, value_proto("z", OR_FLOAT32, NULL));
  pb_put(&graph, 12, value_proto("e", OR_FLOAT32, NULL));
  write_model(graph, &beside);
  pb_free(&beside);
}

/* A runtime with the CPU alone, on an allocator that counts. */
typedef struct fixture_t {
  or_counting_allocator_t memory;
  or_runtime_t *runtime;
  or_device_t *cpu;
} fixture_t;

static int setup(void **state) {
  static fixture_t fixture;
  static const or_backend_registration_t backends[] = {{"cpu", or_backend_cpu_entry}};
  or_counting_allocator_init(&fixture.memory, or_allocator_system(), 0);
  or_runtime_options_t options = or_runtime_options_default();
  options.allocator = &fixture.memory.base;
  options.vendor_libraries = false;
  options.threads = 2;
  expect_ok(or_runtime_create_with(&options, backends, 1, &fixture.runtime));
  expect_ok(or_runtime_find_device(fixture.runtime, "cpu", &fixture.cpu));
  or_format(folder, sizeof folder, "/tmp/model_bytes_test_XXXXXX");
  assert_non_null(mkdtemp(folder));
  *state = &fixture;
  return 0;
}

static int teardown(void **state) {
  fixture_t *fixture = *state;
  assert_int_equal(or_packed_counters(fixture->cpu).entries, 0);
  or_runtime_release(fixture->runtime);
  assert_int_equal(atomic_load(&fixture->memory.live_bytes), 0);
  assert_int_equal(or_status_live_count(), 0);
  (void)remove(in_folder("model.onnx"));
  (void)remove(in_folder("weights.bin"));
  return rmdir(folder);
}

static or_tensor_t *zeros(const fixture_t *fixture, or_dtype_t dtype, size_t rank, const int64_t *dims) {
  or_tensor_t *tensor = NULL;
  expect_ok(or_tensor_create(fixture->cpu, dtype, or_shape_make(rank, dims), &tensor));
  memset((void *)(uintptr_t)or_tensor_data(tensor), 0, or_tensor_bytes(tensor));
  return tensor;
}

/* y of row 0 where x is 1 at 5 and 0 elsewhere: row 5 of `up` times `down`, turned. */
static double expected_y(size_t column) {
  double sum = 0;
  for (size_t k = 0; k < WIDE; ++k)
    sum += (double)element(0, (size_t)5 * WIDE + k) * (double)element(1, column * WIDE + k);
  return sum;
}

static void run(const fixture_t *fixture, or_session_t *session, int64_t n, int64_t h) {
  or_binding_t inputs[] = {{.tensor = zeros(fixture, OR_FLOAT32, 2, (int64_t[]){n, NARROW})},
                           {.tensor = zeros(fixture, OR_FLOAT32, 4, (int64_t[]){1, CHANNELS, h, 8})},
                           {.tensor = zeros(fixture, OR_INT64, 1, (int64_t[]){n})}};
  or_binding_t outputs[3] = {{.name = "y"}, {.name = "z"}, {.name = "e"}};
  ((float *)(uintptr_t)or_tensor_data(inputs[0].tensor))[5] = 1;
  ((float *)(uintptr_t)or_tensor_data(inputs[1].tensor))[0] = 2;
  ((int64_t *)(uintptr_t)or_tensor_data(inputs[2].tensor))[n - 1] = 77;
  expect_ok(or_session_run(session, inputs, 3, outputs, 3));
  const float *y = or_tensor_data(outputs[0].tensor), *z = or_tensor_data(outputs[1].tensor);
  const float *e = or_tensor_data(outputs[2].tensor);
  for (size_t c = 0; c < NARROW; c += 51) assert_float_equal(y[c], expected_y(c), 1e-2);
  assert_float_equal(z[0], 2 * element(2, 0), 1e-6); /* one element of the image meets one of the first filter */
  for (size_t c = 0; c < NARROW; ++c)
    assert_true(e[(size_t)(n - 1) * NARROW + c] == element(3, (size_t)77 * NARROW + c));
  for (size_t i = 0; i < 3; ++i) {
    or_tensor_release(inputs[i].tensor);
    or_tensor_release(outputs[i].tensor);
  }
}

static or_model_t *load(const fixture_t *fixture) {
  or_model_t *model = NULL;
  expect_ok(or_model_load(fixture->runtime, in_folder("model.onnx"), NULL, &model));
  return model;
}

static or_session_t *open_session(or_model_t *model, bool reference) {
  const or_session_options_t options = {.reference = reference};
  or_session_t *session = NULL;
  expect_ok(or_session_create(model, &options, &session));
  return session;
}

static void expect_bounded_load(fixture_t *fixture, storage_t storage) {
  write_network(storage);
  const size_t before = atomic_load(&fixture->memory.live_bytes);
  atomic_store(&fixture->memory.peak_bytes, before);
  or_model_t *model = load(fixture);
  assert_true(atomic_load(&fixture->memory.peak_bytes) - before < MIB / 2);
  const uint64_t structure = or_model_read_bytes(model); /* of the file, with its small initializers */
  or_session_t *session = open_session(model, false);
  run(fixture, session, 3, 8);

  const uint64_t packed = or_packed_counters(fixture->cpu).bytes;
  const size_t peak = atomic_load(&fixture->memory.peak_bytes) - before;
  print_message("weights %zu, packed %llu, largest on its way %zu, read %llu, peak %zu bytes\n", all_bytes(),
                (unsigned long long)packed, LARGEST_PACKED_BYTES,
                (unsigned long long)(or_model_read_bytes(model) - structure), peak);
  assert_true(peak <= packed + LARGEST_PACKED_BYTES + SMALL_BYTES);
  assert_true(packed < all_bytes() + MIB);
  assert_int_equal(or_model_read_bytes(model) - structure, all_bytes());
  or_session_release(session);
  or_model_release(model);
}

static void reads_raw_weights_once(void **state) { expect_bounded_load(*state, RAW); }
static void reads_typed_weights_once(void **state) { expect_bounded_load(*state, TYPED); }
static void reads_external_weights_once(void **state) { expect_bounded_load(*state, EXTERNAL); }

static void sessions_and_shapes_share_what_was_read(void **state) {
  fixture_t *fixture = *state;
  write_network(RAW);
  or_model_t *model = load(fixture);
  or_session_t *first = open_session(model, false), *second = open_session(model, false);
  run(fixture, first, 3, 8);
  const uint64_t once = or_model_read_bytes(model);
  const or_packed_counters_t counters = or_packed_counters(fixture->cpu);
  for (int64_t shape = 1; shape < 20; shape += 6) run(fixture, first, shape, 7 + shape);
  run(fixture, second, 2, 9);
  assert_int_equal(or_model_read_bytes(model), once);
  assert_int_equal(or_packed_counters(fixture->cpu).fills, counters.fills);
  assert_int_equal(or_packed_counters(fixture->cpu).bytes, counters.bytes);
  or_session_release(second);
  or_session_release(first);
  or_model_release(model);
}

/* The references need every weight as it is; the table is there already, as the Gather reads it. */
static void references_share_what_is_needed_as_it_is(void **state) {
  fixture_t *fixture = *state;
  write_network(RAW);
  or_model_t *model = load(fixture);
  or_session_t *session = open_session(model, false), *first = open_session(model, true);
  or_session_t *second = open_session(model, true);
  run(fixture, session, 3, 4);
  const uint64_t once = or_model_read_bytes(model);
  run(fixture, first, 3, 4);
  const size_t table_bytes = weights[3].count * sizeof(float);
  assert_int_equal(or_model_read_bytes(model) - once, all_bytes() - table_bytes);
  const uint64_t held = or_packed_counters(fixture->cpu).bytes;
  run(fixture, first, 2, 5);
  run(fixture, second, 3, 4);
  assert_int_equal(or_model_read_bytes(model) - once, all_bytes() - table_bytes);
  assert_int_equal(or_packed_counters(fixture->cpu).bytes, held);
  or_session_release(second);
  or_session_release(first);
  or_session_release(session);
  or_model_release(model);
}

/* x up + 0, or x up * 1 */
static pb_t branch_proto(const char *op, const char *result) {
  char inputs[64];
  pb_t graph = {.data = NULL};
  pb_put(&graph, 1, node_proto("MatMul", "x,up", "inside"));
  pb_put(&graph, 1, node_proto(op, or_format(inputs, sizeof inputs, "inside,%s", "one"), result));
  pb_text(&graph, 2, result);
  pb_put(&graph, 12, value_proto(result, OR_FLOAT32, NULL));
  return graph;
}

static void put_graph(pb_t *node, const char *name, pb_t graph) {
  pb_t attribute = {.data = NULL};
  pb_text(&attribute, 1, name);
  pb_int(&attribute, 20, 5);
  pb_put(&attribute, 6, graph);
  pb_put(node, 5, attribute);
}

/* y = x up + (if c: x up + 1, else x up * 1); s = table[from:from + 1] in a Loop, and the same beside it: what is cut
 * out hangs on data, so it is done on the host. */
static void write_program(void) {
  static const float one = 1;
  static const int64_t axes = 0, twice = 2;
  pb_t graph = {.data = NULL}, body = {.data = NULL}, beside = {.data = NULL};
  pb_t choice = node_proto("If", "c", "chosen"), loop = node_proto("Loop", "twice,,from", "at,s");
  put_graph(&choice, "then_branch", branch_proto("Add", "then"));
  put_graph(&choice, "else_branch", branch_proto("Mul", "else"));
  pb_put(&body, 1, node_proto("Add", "start,step", "end"));
  pb_put(&body, 1, node_proto("Slice", "table,start,end,axes", "row"));
  pb_put(&body, 1, node_proto("Identity", "go", "go_on"));
  pb_text(&body, 2, "body");
  pb_put(&body, 11, value_proto("i", OR_INT64, ""));
  pb_put(&body, 11, value_proto("go", OR_BOOL, ""));
  pb_put(&body, 11, value_proto("start", OR_INT64, "1"));
  pb_put(&body, 12, value_proto("go_on", OR_BOOL, ""));
  pb_put(&body, 12, value_proto("end", OR_INT64, "1"));
  pb_put(&body, 12, value_proto("row", OR_FLOAT32, NULL));
  put_graph(&loop, "body", body);
  pb_put(&graph, 1, choice);
  pb_put(&graph, 1, node_proto("MatMul", "x,up", "plain"));
  pb_put(&graph, 1, node_proto("Add", "plain,chosen", "y"));
  pb_put(&graph, 1, loop);
  pb_put(&graph, 1, node_proto("Slice", "table,at,past,axes", "t"));
  pb_put(&graph, 1, node_proto("Add", "at,step", "past"));
  pb_put(&graph, 1, node_proto("Gather", "table,from", "e"));
  put_weight(&graph, 0, RAW, &beside);
  put_weight(&graph, 3, RAW, &beside);
  pb_put(&graph, 5, raw_tensor_proto("one", OR_FLOAT32, "", &one, sizeof one));
  pb_put(&graph, 5, raw_tensor_proto("axes", OR_INT64, "1", &axes, sizeof axes));
  pb_put(&graph, 5, raw_tensor_proto("twice", OR_INT64, "", &twice, sizeof twice));
  pb_put(&graph, 5, raw_tensor_proto("step", OR_INT64, "1", &(int64_t){1}, sizeof(int64_t)));
  pb_put(&graph, 11, value_proto("x", OR_FLOAT32, "1,256"));
  pb_put(&graph, 11, value_proto("c", OR_BOOL, ""));
  pb_put(&graph, 11, value_proto("from", OR_INT64, "1"));
  static const char *const outputs[] = {"y", "s", "t", "e"};
  for (size_t i = 0; i < 4; ++i) pb_put(&graph, 12, value_proto(outputs[i], OR_FLOAT32, NULL));
  write_model(graph, &beside);
}

static void run_program(const fixture_t *fixture, or_session_t *session, bool condition) {
  or_binding_t inputs[] = {{.tensor = zeros(fixture, OR_FLOAT32, 2, (int64_t[]){1, NARROW})},
                           {.tensor = zeros(fixture, OR_BOOL, 0, NULL)},
                           {.tensor = zeros(fixture, OR_INT64, 1, (int64_t[]){1})}};
  or_binding_t outputs[4] = {{.name = "y"}, {.name = "s"}, {.name = "t"}, {.name = "e"}};
  ((float *)(uintptr_t)or_tensor_data(inputs[0].tensor))[5] = 1;
  *(bool *)(uintptr_t)or_tensor_data(inputs[1].tensor) = condition;
  *(int64_t *)(uintptr_t)or_tensor_data(inputs[2].tensor) = 40;
  expect_ok(or_session_run(session, inputs, 3, outputs, 4));
  const float *y = or_tensor_data(outputs[0].tensor), *s = or_tensor_data(outputs[1].tensor);
  const float *t = or_tensor_data(outputs[2].tensor), *e = or_tensor_data(outputs[3].tensor);
  for (size_t i = 0; i < WIDE; i += 97)
    assert_float_equal(y[i], 2 * element(0, (size_t)5 * WIDE + i) + (condition ? 1.0f : 0.0f), 1e-5);
  for (size_t i = 0; i < NARROW; ++i) {
    assert_true(s[i] == element(3, (size_t)40 * NARROW + i) && s[NARROW + i] == element(3, (size_t)41 * NARROW + i));
    assert_true(t[i] == element(3, (size_t)42 * NARROW + i) && e[i] == element(3, (size_t)40 * NARROW + i));
  }
  for (size_t i = 0; i < 3; ++i) or_tensor_release(inputs[i].tensor);
  for (size_t i = 0; i < 4; ++i) or_tensor_release(outputs[i].tensor);
}

static void bodies_share_the_weights_that_they_read_from_outside(void **state) {
  fixture_t *fixture = *state;
  write_program();
  or_model_t *model = load(fixture);
  const uint64_t structure = or_model_read_bytes(model);
  const size_t needed = (weights[0].count + weights[3].count) * sizeof(float);
  or_session_t *session = open_session(model, false), *second = NULL;
  run_program(fixture, session, true);
  run_program(fixture, session, false);
  second = open_session(model, false);
  run_program(fixture, second, true);
  assert_int_equal(or_model_read_bytes(model) - structure, needed);
  assert_true(or_packed_counters(fixture->cpu).bytes < needed + MIB);
  or_session_release(second);
  or_session_release(session);
  or_model_release(model);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(reads_raw_weights_once, setup, teardown),
      cmocka_unit_test_setup_teardown(reads_typed_weights_once, setup, teardown),
      cmocka_unit_test_setup_teardown(reads_external_weights_once, setup, teardown),
      cmocka_unit_test_setup_teardown(sessions_and_shapes_share_what_was_read, setup, teardown),
      cmocka_unit_test_setup_teardown(references_share_what_is_needed_as_it_is, setup, teardown),
      cmocka_unit_test_setup_teardown(bodies_share_the_weights_that_they_read_from_outside, setup, teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
