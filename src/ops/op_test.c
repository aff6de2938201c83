#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ops/call_fixture_template.h"

static void finds_every_row_by_its_domain_and_name(void **state) {
  (void)state;
  for (size_t i = 0; i < or_op_count(); ++i) {
    const or_op_t *op = or_op_at(i);
    assert_ptr_equal(or_op_find(op->domain, op->name), op); /* also: no two rows share a name */
  }
  assert_null(or_op_at(or_op_count()));
  assert_ptr_equal(or_op_find("ai.onnx", "Conv"), or_op_find("", "Conv"));
  assert_null(or_op_find("", "conv"));
  assert_null(or_op_find("com.example", "Conv"));
}

static void every_row_is_complete(void **state) {
  (void)state;
  for (size_t i = 0; i < or_op_count(); ++i) {
    const or_op_t *op = or_op_at(i);
    assert_non_null(op->summary);
    assert_non_null(op->infer);
    assert_non_null(op->cost);
    assert_true(op->reference != NULL || op->handles);
    assert_true(op->since[0] > 0 && op->dtypes != 0);
    assert_true(op->input_min <= op->input_max && op->output_min <= op->output_max && op->output_max > 0);
    for (size_t v = 1; v < OR_OP_MAX_VERSIONS && op->since[v] != 0; ++v) assert_true(op->since[v] > op->since[v - 1]);
    assert_true(or_op_newest_opset(op->domain) >= or_op_version(op, INT32_MAX));
  }
}

static void versions_take_the_types_that_they_have(void **state) {
  (void)state;
  static const struct {
    const char *name;
    int version;
    or_dtype_t dtype;
    bool taken;
  } cases[] = {
      {"Relu", 6, OR_FLOAT32, true},    {"Relu", 6, OR_BFLOAT16, false}, {"Relu", 13, OR_BFLOAT16, true},
      {"Relu", 13, OR_INT32, false},    {"Relu", 14, OR_INT32, true},    {"Erf", 9, OR_INT32, true},
      {"Erf", 13, OR_INT32, false}, /* a version may take less */
      {"Identity", 19, OR_INT4, false}, {"Identity", 21, OR_INT4, true}, {"Identity", 25, OR_FLOAT6E2M3, false},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
    call_fixture_t f;
    call_init(&f, "", cases[i].name, cases[i].version);
    call_input(&f, cases[i].dtype, SHAPE(2), NULL);
    if (cases[i].taken) call_infer(&f, 1);
    if (!cases[i].taken) expect_refused(&f, 1, OR_INVALID_ARGUMENT, "does not take");
    call_deinit(&f);
  }
  call_fixture_t f;
  call_init(&f, "", "Relu", 13);
  call_input(&f, OR_INT32, SHAPE(2), NULL);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "input 0 is int32, which version 13 of Relu does not take");
  call_deinit(&f);
}

/* A walk along the other extents would take hours. */
static void what_has_no_elements_is_computed_at_once(void **state) {
  (void)state;
  static const char *const names[] = {"Softmax", "LogSoftmax", "Hardmax", "CumSum"};
  const int64_t many = INT64_C(1) << 40, axis = 1;
  for (size_t i = 0; i < sizeof names / sizeof *names; ++i) {
    call_fixture_t f;
    call_init(&f, "", names[i], 14);
    call_input(&f, OR_FLOAT32, SHAPE(many, 0), FLOATS(0));
    if (i == 3) call_input(&f, OR_INT64, SCALAR, &axis);
    if (i != 3) call_int(&f, "axis", 1);
    call_run(&f, 1);
    expect_shape(&f, 0, OR_FLOAT32, SHAPE(many, 0));
    call_deinit(&f);
  }
}

static void the_version_in_force_is_the_newest_not_after_the_opset(void **state) {
  (void)state;
  const or_op_t *softmax = or_op_find("", "Softmax");
  assert_int_equal(or_op_version(softmax, 7), 1);
  assert_int_equal(or_op_version(softmax, 11), 11);
  assert_int_equal(or_op_version(softmax, 12), 11);
  assert_int_equal(or_op_version(softmax, 21), 13);
  assert_int_equal(or_op_version(or_op_find("", "LayerNormalization"), 16), 0);
}

static void knows_the_newest_opset_of_its_domains(void **state) {
  (void)state;
  assert_int_equal(or_op_newest_opset(""), 28);
  assert_int_equal(or_op_newest_opset("ai.onnx"), 28);
  assert_int_equal(or_op_newest_opset("openruntime"), 1);
  assert_int_equal(or_op_newest_opset("com.example"), 0);
}

static void refuses_wrong_counts_of_inputs_and_outputs(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "Relu", 14);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "0 inputs, expected 1");
  call_input(&f, OR_FLOAT32, SHAPE(2), NULL);
  expect_refused(&f, 2, OR_INVALID_ARGUMENT, "2 outputs, expected 1");
  call_input(&f, OR_FLOAT32, SHAPE(2), NULL);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "2 inputs, expected 1");
  call_deinit(&f);

  call_init(&f, "", "Conv", 11);
  call_input(&f, OR_FLOAT32, SHAPE(1, 1, 3, 3), NULL);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "1 inputs, expected 2 to 3");
  call_input(&f, OR_DTYPE_NONE, SCALAR, NULL);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "input 1 is left out");
  call_deinit(&f);
}

static void refuses_an_attribute_by_its_name(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "Elu", 6);
  call_input(&f, OR_FLOAT32, SHAPE(2), NULL);
  call_int(&f, "consumed_inputs", 1);
  expect_refused(&f, 1, OR_UNIMPLEMENTED, "attribute \"consumed_inputs\" is not one of Elu");
  f.attributes[0].name = "alpha";
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "attribute \"alpha\" is int, expected float");
  call_deinit(&f);

  call_init(&f, "", "MaxPool", 8);
  call_input(&f, OR_FLOAT32, SHAPE(1, 1, 4), NULL);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "attribute \"kernel_shape\" is missing");
  call_deinit(&f);
}

static void refuses_a_dtype_that_the_operator_does_not_take(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "Sigmoid", 13);
  call_input(&f, OR_INT32, SHAPE(2), NULL);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "input 0 is int32, which Sigmoid does not take");
  f.inputs[0].dtype = (or_dtype_t)77;
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "input 0 is invalid");
  call_deinit(&f);
}

static void reads_attributes_with_their_defaults(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "Conv", 11);
  size_t count = 7;
  assert_null(or_op_attribute(&f.call, "group"));
  assert_int_equal(or_op_attribute_int(&f.call, "group", 3), 3);
  assert_true(or_op_attribute_float(&f.call, "alpha", 0.5F) == 0.5F);
  assert_null(or_op_attribute_ints(&f.call, "pads", &count));
  assert_int_equal(count, 0);
  assert_true(or_op_attribute_is(&f.call, "auto_pad", "NOTSET", "NOTSET"));
  assert_false(or_op_attribute_is(&f.call, "auto_pad", "VALID", "NOTSET"));

  call_int(&f, "group", 5);
  call_float(&f, "alpha", 2);
  call_ints(&f, "pads", INTS(1, 2));
  call_string(&f, "auto_pad", "VALID");
  assert_int_equal(or_op_attribute_int(&f.call, "group", 3), 5);
  assert_true(or_op_attribute_float(&f.call, "alpha", 0.5F) == 2);
  assert_int_equal(or_op_attribute_ints(&f.call, "pads", &count)[1], 2);
  assert_int_equal(count, 2);
  assert_true(or_op_attribute_is(&f.call, "auto_pad", "VALID", "NOTSET"));
  assert_false(or_op_attribute_is(&f.call, "auto_pad", "VALI", "NOTSET"));
  assert_false(or_op_attribute_is(&f.call, "auto_pad", "NOTSET", "NOTSET"));
  call_deinit(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(finds_every_row_by_its_domain_and_name),
      cmocka_unit_test(every_row_is_complete),
      cmocka_unit_test(versions_take_the_types_that_they_have),
      cmocka_unit_test(what_has_no_elements_is_computed_at_once),
      cmocka_unit_test(the_version_in_force_is_the_newest_not_after_the_opset),
      cmocka_unit_test(knows_the_newest_opset_of_its_domains),
      cmocka_unit_test(refuses_wrong_counts_of_inputs_and_outputs),
      cmocka_unit_test(refuses_an_attribute_by_its_name),
      cmocka_unit_test(refuses_a_dtype_that_the_operator_does_not_take),
      cmocka_unit_test(reads_attributes_with_their_defaults),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
