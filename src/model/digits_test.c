/* The shipped network on its pictures, against the outputs that an independent implementation in double gave. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/json.h"
#include "base/numbers.h"
#include "base/string.h"
#include "graph/onnx/onnx.h"
#include "openruntime/model.h"
#include "runtime/session.h"

#define FOLDER "data/digits"
#define CLASSES 10
#define MAX_SAMPLES 64

/* The samples' pictures as tensors, with what is expected of them. */
typedef struct samples_t {
  or_runtime_t *runtime;
  or_model_t *model;
  or_json_document_t *document;
  or_tensor_t *pictures[MAX_SAMPLES];
  double expected[MAX_SAMPLES][CLASSES], tolerance[MAX_SAMPLES];
  size_t count;
} samples_t;

static void read_sample(samples_t *samples, const or_json_value_t *sample) {
  char path[256], *bytes = NULL;
  size_t length = 0, index = samples->count++;
  const or_json_value_t *probabilities = or_json_get(sample, "probabilities");
  or_format(path, sizeof path, FOLDER "/%s", or_json_get_string(or_json_get(sample, "file"), ""));
  assert_true(or_ok(or_file_read(or_allocator_system(), path, 1 << 20, &bytes, &length)));
  assert_true(or_ok(or_model_read_image(samples->model, 0, bytes, length, &samples->pictures[index])));
  or_free(or_allocator_system(), bytes);
  assert_int_equal(or_json_count(probabilities), CLASSES);
  for (size_t c = 0; c < CLASSES; ++c)
    samples->expected[index][c] = or_json_get_double(or_json_at(probabilities, c), NAN);
  samples->tolerance[index] = or_json_get_double(or_json_get(sample, "tolerance"), NAN);
}

static int setup(void **state) {
  static samples_t samples;
  char *text = NULL;
  size_t length = 0;
  or_runtime_options_t options = or_runtime_options_default();
  options.threads = 1;
  options.backends = "cpu";
  samples = (samples_t){0};
  assert_true(or_ok(or_runtime_create(&options, &samples.runtime)));
  assert_true(or_ok(or_model_load(samples.runtime, FOLDER, NULL, &samples.model)));
  assert_true(or_ok(or_file_read(or_allocator_system(), FOLDER "/expected.json", 1 << 20, &text, &length)));
  assert_true(or_ok(or_json_parse(or_allocator_system(), text, length, &samples.document)));
  or_free(or_allocator_system(), text);
  const or_json_value_t *list = or_json_get(or_json_root(samples.document), "samples");
  assert_true(or_json_count(list) >= 12 && or_json_count(list) <= MAX_SAMPLES);
  for (size_t i = 0; i < or_json_count(list); ++i) read_sample(&samples, or_json_at(list, i));
  *state = &samples;
  return 0;
}

static int teardown(void **state) {
  samples_t *samples = *state;
  for (size_t i = 0; i < samples->count; ++i) or_tensor_release(samples->pictures[i]);
  or_json_document_free(samples->document);
  or_model_release(samples->model);
  or_runtime_release(samples->runtime);
  assert_int_equal(or_status_live_count(), 0);
  return 0;
}

/* Samples whose probabilities are further from the expected ones than their tolerance. */
static size_t count_wrong(const samples_t *samples, or_session_t *session) {
  size_t wrong = 0;
  for (size_t i = 0; i < samples->count; ++i) {
    or_binding_t input = {.tensor = samples->pictures[i]}, output = {.tensor = NULL};
    float got[CLASSES];
    double worst = 0;
    assert_true(or_ok(or_session_run(session, &input, 1, &output, 1)));
    assert_true(or_ok(or_tensor_read(output.tensor, got, sizeof got)));
    or_tensor_release(output.tensor);
    for (int c = 0; c < CLASSES; ++c) worst = fmax(worst, fabs((double)got[c] - samples->expected[i][c]));
    if (!(worst <= samples->tolerance[i])) ++wrong;
  }
  return wrong;
}

static void gives_the_expected_probabilities(void **state) {
  const samples_t *samples = *state;
  for (int reference = 0; reference < 2; ++reference) {
    or_session_options_t options = {.reference = reference == 1};
    or_session_t *session = NULL;
    assert_true(or_ok(or_session_create(samples->model, &options, &session)));
    assert_int_equal(count_wrong(samples, session), 0);
    or_session_release(session);
  }
}

/* Adds noise of the weights' own standard deviation to one constant that lies in memory. */
static void disturb(const or_constant_t *constant, uint64_t seed) {
  float *weights = (float *)(uintptr_t)constant->data; /* the graph is this test's own */
  size_t count = constant->bytes / sizeof(float);
  double mean = 0, variance = 0;
  or_random_t random = {seed};
  for (size_t i = 0; i < count; ++i) mean += (double)weights[i] / (double)count;
  for (size_t i = 0; i < count; ++i)
    variance += ((double)weights[i] - mean) * ((double)weights[i] - mean) / (double)count;
  for (size_t i = 0; i < count; ++i)
    weights[i] += (float)((2 * or_random_uniform(&random) - 1) * sqrt(3 * variance)); /* uniform, of that variance */
  ((or_constant_t *)(uintptr_t)constant)->hash ^= seed;
}

static void noise_in_any_weight_matrix_shows(void **state) {
  const samples_t *samples = *state;
  char *bytes = NULL;
  size_t length = 0, matrices = 0, constants = 1;
  assert_true(or_ok(or_file_read(or_allocator_system(), FOLDER "/model.onnx", 1 << 20, &bytes, &length)));
  or_onnx_source_t source = {.name = "digits", .bytes = bytes, .length = length};
  or_model_limits_t limits = {0};
  for (size_t disturbed = 0; disturbed < constants; ++disturbed) {
    or_graph_t *graph = NULL;
    or_session_t *session = NULL;
    assert_true(or_ok(or_onnx_read_memory(or_allocator_system(), &source, &limits, &graph)));
    constants = graph->value_count;
    const or_constant_t *constant = graph->values[disturbed].constant;
    bool matrix =
        constant != NULL && constant->dtype == OR_FLOAT32 && constant->shape.rank >= 2 && constant->data != NULL;
    if (matrix) {
      disturb(constant, disturbed + 1);
      assert_true(
          or_ok(or_session_create_for_graph(samples->runtime, graph, NULL, (or_owner_t){NULL, NULL}, &session)));
      if (count_wrong(samples, session) == 0)
        fail_msg("noise in \"%s\" changes nothing", graph->values[disturbed].name);
      or_session_release(session);
      ++matrices;
    }
    or_graph_release(graph);
  }
  assert_int_equal(matrices, 5); /* three convolutions, two products */
  or_free(or_allocator_system(), bytes);
}

static void says_what_it_takes_and_gives(void **state) {
  const samples_t *samples = *state;
  char text[64];
  assert_int_equal(or_model_input_count(samples->model), 1);
  assert_string_equal(or_model_input(samples->model, 0)->name, "image");
  assert_string_equal(
      or_model_format_shape(samples->model, &or_model_input(samples->model, 0)->shape, text, sizeof text),
      "[batch,1,28,28]");
  assert_string_equal(or_model_output(samples->model, 0)->name, "probabilities");
  assert_null(or_model_output(samples->model, 1));
  assert_int_equal(or_model_label_count(samples->model), CLASSES);
  assert_string_equal(or_model_label(samples->model, 7), "7");
  assert_string_equal(or_model_name(samples->model), "digits");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(gives_the_expected_probabilities),
      cmocka_unit_test(noise_in_any_weight_matrix_shows),
      cmocka_unit_test(says_what_it_takes_and_gives),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}
