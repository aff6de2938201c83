/* One operator of the catalogue as a call: attributes of every kind, opsets, operands, and what is kept. */
#include "base/testing.h"

#include <math.h>

#include "fake/fake.h"
#include "openruntime/compute.h"
#include "runtime/runtime.h"

static or_runtime_t *runtime;
static or_device_t *device;
static or_counting_allocator_t counting;

static int setup(void **state) {
  static const or_backend_registration_t backends[] = {{"fake", or_fake_entry}};
  (void)state;
  or_fake_reset();
  or_counting_allocator_init(&counting, or_allocator_system(), 0);
  or_runtime_options_t options = {.allocator = &counting.base};
  expect_ok(or_runtime_create_with(&options, backends, 1, &runtime));
  device = or_runtime_device(runtime, 0);
  return 0;
}
static int teardown(void **state) {
  (void)state;
  or_runtime_release(runtime);
  assert_int_equal(counting.live_bytes, 0);
  assert_int_equal(or_status_live_count(), 0);
  return 0;
}

static or_tensor_t *floats(or_shape_t shape, const float *values) {
  or_tensor_t *tensor = NULL;
  uint64_t count = 0;
  assert_true(or_shape_count(&shape, &count));
  expect_ok(or_tensor_create_from(device, OR_FLOAT32, shape, values, count * sizeof(float), &tensor));
  return tensor;
}
#define SHAPE(...) or_shape_make(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t), (int64_t[]){__VA_ARGS__})

/* Calls an operator of one input and one attribute (or none) and compares its first elements. */
static void expect_result(const char *op, int64_t opset, const or_compute_attribute_t *attribute, or_tensor_t *input,
                          const double *expected, size_t count) {
  or_tensor_t *output = NULL;
  float got[16];
  or_compute_call_t call = {.op = op,
                            .opset = opset,
                            .attributes = attribute,
                            .attribute_count = attribute != NULL ? 1 : 0,
                            .inputs = &input,
                            .input_count = 1,
                            .outputs = &output,
                            .output_count = 1};
  expect_ok(or_compute(device, &call));
  expect_ok(or_tensor_read(output, got, or_tensor_bytes(output)));
  for (size_t i = 0; i < count; ++i) assert_true(fabs((double)got[i] - expected[i]) < 1e-5);
  or_tensor_release(output);
}

static void takes_attributes_of_every_kind(void **state) {
  (void)state;
  static const int64_t swapped[] = {1, 0};
  or_tensor_t *x = floats(SHAPE(2, 2), (const float[]){-1, 2, 3, 4});
  expect_result("Transpose", 0, &(or_compute_attribute_t){.name = "perm", .integers = swapped, .integer_count = 2}, x,
                (const double[]){-1, 3, 2, 4}, 4);
  expect_result("ReduceSum", 0, &(or_compute_attribute_t){.name = "keepdims", .integer = 0}, x, (const double[]){8}, 1);
  expect_result("LeakyRelu", 0, &(or_compute_attribute_t){.name = "alpha", .real = 0.5}, x,
                (const double[]){-0.5, 2, 3, 4}, 4);
  /* x / 2 (1 + erf(x / sqrt 2)) against x / 2 (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) at -1 */
  expect_result("Gelu", 0, NULL, x, (const double[]){-0.5 * (1 + erf(-1 / sqrt(2)))}, 1);
  expect_result("Gelu", 0, &(or_compute_attribute_t){.name = "approximate", .string = "tanh"}, x,
                (const double[]){-0.5 * (1 + tanh(0.7978845608028654 * -1.044715))}, 1);
  or_tensor_release(x);
}

static void an_older_opset_has_its_own_semantics(void **state) {
  (void)state;
  or_tensor_t *x = floats(SHAPE(1, 2, 2), (const float[]){0, 0, 0, 0});
  expect_result("Softmax", 0, NULL, x, (const double[]){0.5}, 1);   /* along the last axis */
  expect_result("Softmax", 11, NULL, x, (const double[]){0.25}, 1); /* over all from axis 1 */
  expect_result("Softmax", 9999, NULL, x, (const double[]){0.5}, 1);
  or_tensor_release(x);
}

static void names_what_is_wrong_with_a_call(void **state) {
  (void)state;
  or_tensor_t *x = floats(SHAPE(2), (const float[]){1, 2}), *many[33], *outputs[33] = {NULL};
  for (size_t i = 0; i < 33; ++i) many[i] = x;
  static const or_compute_attribute_t wrong[] = {{.name = "axes"}, {.name = "value"}};
  const struct {
    or_compute_call_t call;
    or_status_code_t code;
    const char *words;
  } cases[] = {
      {{.op = "Rellu", .input_count = 1, .output_count = 1}, OR_NOT_FOUND, "did you mean \"Relu\"?"},
      {{.op = "nowhere:Relu", .input_count = 1, .output_count = 1}, OR_NOT_FOUND, "no operator \"Relu\""},
      {{.op = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", .input_count = 1, .output_count = 1},
       OR_NOT_FOUND,
       "no operator"},
      {{.op = "a_domain_that_is_longer_than_any_that_there_is:Relu", .input_count = 1, .output_count = 1},
       OR_NOT_FOUND,
       "no operator"},
      {{.op = NULL, .input_count = 1, .output_count = 1}, OR_NOT_FOUND, "no operator \"\""},
      {{.op = "Gelu", .opset = 7, .input_count = 1, .output_count = 1}, OR_UNIMPLEMENTED, "does not exist in opset 7"},
      {{.op = "Relu", .attributes = &wrong[0], .attribute_count = 1, .input_count = 1, .output_count = 1},
       OR_INVALID_ARGUMENT,
       "operator \"Relu\" has no attribute \"axes\""},
      {{.op = "ConstantOfShape", .attributes = &wrong[1], .attribute_count = 1, .input_count = 1, .output_count = 1},
       OR_INVALID_ARGUMENT,
       "no attribute \"value\" that a call can set"},
      {{.op = "Concat", .input_count = 33, .output_count = 1}, OR_OUT_OF_RANGE, "33 inputs and 1 outputs"},
      {{.op = "Split", .input_count = 1, .output_count = 33}, OR_OUT_OF_RANGE, "1 inputs and 33 outputs"},
      {{.op = "Add", .input_count = 1, .output_count = 1}, OR_INVALID_ARGUMENT, "Add"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
    or_compute_call_t call = cases[i].call;
    or_session_t *session = NULL;
    call.inputs = many;
    call.outputs = outputs;
    expect_failure(or_compute(device, &call), cases[i].code, cases[i].words);
    expect_failure(or_compute_session(device, &call, &session), cases[i].code, cases[i].words);
    assert_null(session);
    assert_null(outputs[0]);
  }
  or_tensor_release(x);
}

static void leaves_out_an_optional_input_and_writes_into_a_given_output(void **state) {
  (void)state;
  float got[3];
  or_tensor_t *x = floats(SHAPE(3), (const float[]){-5, 0, 5}),
              *top = floats(or_shape_make(0, NULL), (const float[]){1});
  or_tensor_t *inputs[] = {x, NULL, top}, *output = NULL;
  expect_ok(or_tensor_create(device, OR_FLOAT32, SHAPE(3), &output));
  or_tensor_t *given = output;
  or_compute_call_t call = {.op = "Clip", .inputs = inputs, .input_count = 3, .outputs = &output, .output_count = 1};
  expect_ok(or_compute(device, &call));
  assert_ptr_equal(output, given);
  expect_ok(or_tensor_read(output, got, sizeof got));
  assert_true(got[0] == -5 && got[1] == 0 && got[2] == 1);
  or_tensor_release(output);
  or_tensor_release(top);
  or_tensor_release(x);
}

/* A value in memory that the host can't reach decides the shape. */
static void reads_a_deciding_input_from_the_devices_memory(void **state) {
  (void)state;
  static const int64_t targets[][2] = {{3, 2}, {1, 6}, {3, 2}};
  or_tensor_t *x = floats(SHAPE(2, 3), (const float[]){1, 2, 3, 4, 5, 6});
  for (size_t i = 0; i < 3; ++i) {
    or_tensor_t *shape = NULL, *output = NULL;
    expect_ok(or_tensor_create_from(device, OR_INT64, SHAPE(2), targets[i], sizeof targets[i], &shape));
    assert_null(or_tensor_data(shape));
    or_tensor_t *inputs[] = {x, shape};
    or_compute_call_t call = {
        .op = "Reshape", .inputs = inputs, .input_count = 2, .outputs = &output, .output_count = 1};
    expect_ok(or_compute(device, &call));
    assert_int_equal(or_tensor_shape(output)->dims[0], targets[i][0]);
    assert_int_equal(or_tensor_shape(output)->dims[1], targets[i][1]);
    or_tensor_release(output);
    or_tensor_release(shape);
  }
  or_tensor_t *large = NULL, *output = NULL;
  expect_ok(or_tensor_create(device, OR_INT64, SHAPE(1 << 20), &large));
  or_tensor_t *inputs[] = {x, large};
  or_compute_call_t call = {.op = "Reshape", .inputs = inputs, .input_count = 2, .outputs = &output, .output_count = 1};
  expect_failure(or_compute(device, &call), OR_OUT_OF_RANGE, "decides a shape and has 1048576 elements; the limit is");
  or_tensor_release(large);
  or_tensor_release(x);
}

/* More calls than are kept: the ones used least go, and their results stay right. */
static void forgets_the_calls_used_least(void **state) {
  (void)state;
  or_tensor_t *x = floats(SHAPE(1), (const float[]){-2});
  size_t kept_bytes = 0;
  for (int round = 0; round < 2; ++round) {
    for (int alpha = 0; alpha < 100; ++alpha) {
      expect_result("LeakyRelu", 0, &(or_compute_attribute_t){.name = "alpha", .real = alpha}, x,
                    (const double[]){-2.0 * alpha}, 1);
    }
    if (round == 0) kept_bytes = counting.live_bytes;
  }
  assert_true(counting.live_bytes <= kept_bytes);
  uint64_t compiled = or_fake_calls(OR_FAKE_COMPILE);
  expect_result("LeakyRelu", 0, &(or_compute_attribute_t){.name = "alpha", .real = 99}, x, (const double[]){-198}, 1);
  assert_int_equal(or_fake_calls(OR_FAKE_COMPILE), compiled);
  expect_result("LeakyRelu", 0, &(or_compute_attribute_t){.name = "alpha", .real = 0}, x, (const double[]){0}, 1);
  assert_int_equal(or_fake_calls(OR_FAKE_COMPILE), compiled + 1);
  or_tensor_release(x);
}

static void lists_the_catalogue(void **state) {
  (void)state;
  bool softmax = false, triad = false;
  or_operator_info_t info;
  for (size_t i = 0; i < or_operator_count(); ++i) {
    assert_true(or_operator_info(i, &info));
    assert_true(info.version_count > 0 && info.summary[0] != '\0');
    assert_true(info.input_min <= info.input_max && info.output_min <= info.output_max);
    triad = triad || (strcmp(info.domain, "openruntime") == 0 && strcmp(info.name, "Triad") == 0);
    if (info.domain[0] != '\0' || strcmp(info.name, "Softmax") != 0) continue;
    softmax = info.version_count == 3 && info.versions[0] == 1 && info.versions[1] == 11 && info.versions[2] == 13;
  }
  assert_true(softmax && triad);
  assert_false(or_operator_info(or_operator_count(), &info));
}

static or_status_t compute_with(const or_allocator_t *allocator) {
  static const or_backend_registration_t backends[] = {{"fake", or_fake_entry}};
  static const int64_t perm[] = {1, 0};
  const or_compute_attribute_t attributes[] = {{.name = "perm", .integers = perm, .integer_count = 2},
                                               {.name = "approximate", .string = "tanh"}};
  static const char *const ops[] = {"Transpose", "Gelu"};
  or_runtime_options_t options = {.allocator = allocator};
  or_runtime_t *own = NULL;
  const float values[4] = {1, 2, 3, 4};
  or_status_t status = or_runtime_create_with(&options, backends, 1, &own);
  for (size_t i = 0; or_ok(status) && i < 2; ++i) {
    or_tensor_t *input = NULL, *output = NULL;
    or_device_t *fake = or_runtime_device(own, 0);
    status = or_tensor_create_from(fake, OR_FLOAT32, SHAPE(2, 2), values, sizeof values, &input);
    or_compute_call_t call = {.op = ops[i],
                              .attributes = &attributes[i],
                              .attribute_count = 1,
                              .inputs = &input,
                              .input_count = 1,
                              .outputs = &output,
                              .output_count = 1};
    if (or_ok(status)) status = or_compute(fake, &call);
    or_tensor_release(output);
    or_tensor_release(input);
  }
  or_runtime_release(own);
  return status;
}
static void survives_every_failing_allocation(void **state) {
  (void)state;
  expect_survives_every_failing_allocation(compute_with);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(takes_attributes_of_every_kind),
      TEST(an_older_opset_has_its_own_semantics),
      TEST(names_what_is_wrong_with_a_call),
      TEST(leaves_out_an_optional_input_and_writes_into_a_given_output),
      TEST(reads_a_deciding_input_from_the_devices_memory),
      TEST(forgets_the_calls_used_least),
      TEST(lists_the_catalogue),
      cmocka_unit_test(survives_every_failing_allocation),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
