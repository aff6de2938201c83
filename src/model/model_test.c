/* A model from memory and from files, what it says of itself, and the pictures that it takes. */
#include "base/testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "base/string.h"
#include "fake/fake.h"
#include "graph/onnx/testing.h"
#include "openruntime/session.h"
#include "runtime/runtime.h"

#define PICTURE "data/digits/samples/7-1.png"

/* The fake device, with the host's memory or its own. */
static or_runtime_t *make_runtime(bool unified) {
  static const or_backend_registration_t backends[] = {{"fake", or_fake_entry}};
  or_runtime_t *runtime = NULL;
  or_fake_reset();
  if (unified) or_fake_set_unified(0);
  expect_ok(or_runtime_create_with(NULL, backends, 1, &runtime));
  return runtime;
}

static or_status_t load_memory(or_runtime_t *runtime, pb_t proto, const or_model_options_t *options, or_model_t **out) {
  or_status_t status = or_model_load_memory(runtime, "small", proto.data, proto.length, options, out);
  pb_free(&proto);
  return status;
}

static void loads_from_memory_and_runs(void **state) {
  (void)state;
  static const float x[] = {-1, 2};
  float y[2] = {0};
  char shape[32];
  or_runtime_t *runtime = make_runtime(false);
  or_model_t *model = NULL;
  or_session_t *session = NULL;
  or_binding_t input = {.name = "x"}, output = {.name = "y"};
  expect_ok(load_memory(runtime, model_proto(relu_graph(), 17), NULL, &model));
  assert_string_equal(or_model_name(model), "small");
  assert_string_equal(or_model_path(model), "");
  assert_int_equal(or_model_input_count(model), 1);
  assert_string_equal(or_model_format_shape(model, &or_model_input(model, 0)->shape, shape, sizeof shape), "[batch,2]");
  assert_int_equal(or_model_symbol_count(model), 1);
  assert_string_equal(or_model_symbol(model, 0), "batch");
  assert_null(or_model_symbol(model, 1));
  assert_null(or_model_input(model, 1));
  assert_null(or_model_output(model, 1));
  assert_null(or_model_label(model, 0));
  expect_ok(or_session_create(model, NULL, &session));
  expect_ok(or_tensor_create_from(or_runtime_device(runtime, 0), OR_FLOAT32, or_shape_make(2, (int64_t[]){1, 2}), x,
                                  sizeof x, &input.tensor));
  or_model_release(model); /* the session keeps it */
  expect_ok(or_session_run(session, &input, 1, &output, 1));
  expect_ok(or_tensor_read(output.tensor, y, sizeof y));
  assert_true(y[0] == 0 && y[1] == 2);
  or_tensor_release(output.tensor);
  or_tensor_release(input.tensor);
  or_session_release(session);
  or_runtime_release(runtime);
  assert_int_equal(or_fake_live_objects(), 0);
}

static void refuses_bytes_beyond_the_limits_it_is_given(void **state) {
  (void)state;
  or_runtime_t *runtime = make_runtime(true);
  or_model_t *model = NULL;
  expect_failure(
      load_memory(runtime, model_proto(relu_graph(), 17), &(or_model_options_t){.limits = {.file_bytes = 8}}, &model),
      OR_RESOURCE_EXHAUSTED, "74 bytes, more than 8, the limit");
  assert_null(model);
  expect_failure(or_model_load_memory(runtime, "small", "text", 4, NULL, &model), OR_DATA_LOSS, "small");
  assert_null(model);
  or_runtime_release(runtime);
}

/* NAME.onnx with this NAME.json beside it. */
static or_status_t load_described(or_runtime_t *runtime, const char *description, or_model_t **out) {
  char folder[] = "/tmp/model_test_XXXXXX", path[2][64];
  pb_t proto = model_proto(relu_graph(), 17);
  assert_non_null(mkdtemp(folder));
  or_format(path[0], sizeof path[0], "%s/relu.onnx", folder);
  or_format(path[1], sizeof path[1], "%s/relu.json", folder);
  expect_ok(or_file_write(path[0], proto.data, proto.length));
  if (description != NULL) expect_ok(or_file_write(path[1], description, strlen(description)));
  or_status_t status = or_model_load(runtime, path[0], NULL, out);
  (void)unlink(path[0]);
  (void)unlink(path[1]);
  (void)rmdir(folder);
  pb_free(&proto);
  return status;
}

static void reads_the_description_beside_the_file_where_there_is_one(void **state) {
  (void)state;
  or_runtime_t *runtime = make_runtime(true);
  or_model_t *model = NULL;
  expect_ok(load_described(runtime, NULL, &model));
  assert_string_equal(or_model_name(model), "relu");
  assert_int_equal(or_model_label_count(model), 0);
  or_model_release(model);
  expect_ok(load_described(runtime, "{\"labels\":[\"low\",\"high\"]}", &model));
  assert_int_equal(or_model_label_count(model), 2);
  assert_string_equal(or_model_label(model, 1), "high");
  or_model_release(model);
  expect_failure(load_described(runtime, "{\"labels\":7}", &model), OR_INVALID_ARGUMENT, "relu.json");
  assert_null(model);
  or_runtime_release(runtime);
}

static void takes_pictures_only_where_its_description_says_how(void **state) {
  (void)state;
  or_runtime_t *runtime = make_runtime(true);
  or_model_t *model = NULL;
  or_tensor_t *tensor = NULL;
  char *picture = NULL;
  size_t length = 0;
  expect_ok(or_file_read(or_allocator_system(), PICTURE, 65536, &picture, &length));
  expect_ok(or_model_load(runtime, "data/digits", NULL, &model));
  expect_ok(or_model_read_image(model, 0, picture, length, &tensor));
  assert_int_equal(or_tensor_bytes(tensor), 28 * 28 * sizeof(float));
  or_tensor_release(tensor);
  expect_failure(or_model_read_image(model, 1, picture, length, &tensor), OR_OUT_OF_RANGE, "has 1 inputs");
  assert_null(tensor);
  expect_failure(or_model_read_image(model, 0, "text", 4, &tensor), OR_UNIMPLEMENTED, "PNG");
  or_model_release(model);
  expect_ok(load_described(runtime, NULL, &model));
  expect_failure(or_model_read_image(model, 0, picture, length, &tensor), OR_FAILED_PRECONDITION,
                 "add inputs.x.image to its model.json");
  or_model_release(model);
  or_runtime_release(runtime);
  runtime = make_runtime(false);
  expect_ok(or_model_load(runtime, "data/digits", NULL, &model));
  expect_failure(or_model_read_image(model, 0, picture, length, &tensor), OR_UNAVAILABLE, "memory is the host's");
  assert_null(tensor);
  or_model_release(model);
  or_runtime_release(runtime);
  or_free(or_allocator_system(), picture);
}

static or_status_t load_with(const or_allocator_t *allocator) {
  static const or_backend_registration_t backends[] = {{"fake", or_fake_entry}};
  or_runtime_options_t options = or_runtime_options_default();
  or_runtime_t *runtime = NULL;
  or_model_t *model = NULL;
  pb_t proto = model_proto(relu_graph(), 17);
  or_fake_reset();
  options.allocator = allocator;
  or_status_t status = or_runtime_create_with(&options, backends, 1, &runtime);
  if (or_ok(status)) status = or_model_load_memory(runtime, "small", proto.data, proto.length, NULL, &model);
  or_model_release(model);
  or_runtime_release(runtime);
  pb_free(&proto);
  return status;
}
static void survives_every_failing_allocation(void **state) {
  (void)state;
  expect_survives_every_failing_allocation(load_with);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(loads_from_memory_and_runs),
      cmocka_unit_test(refuses_bytes_beyond_the_limits_it_is_given),
      cmocka_unit_test(reads_the_description_beside_the_file_where_there_is_one),
      cmocka_unit_test(takes_pictures_only_where_its_description_says_how),
      cmocka_unit_test(survives_every_failing_allocation),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
