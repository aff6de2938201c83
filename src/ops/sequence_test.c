#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ops/call_fixture_template.h"

static void start(call_fixture_t *f, const char *name, int version, or_dtype_t dtype, or_shape_t shape) {
  call_init(f, "", name, version);
  call_input(f, dtype, shape, NULL);
}

static void start_of_sequence(call_fixture_t *f, const char *name, or_dtype_t dtype, or_shape_t shape) {
  start(f, name, 11, dtype, shape);
  f->inputs[0].form = OR_FORM_SEQUENCE;
}

static void finish(call_fixture_t *f, or_value_form_t form, or_dtype_t dtype, or_shape_t shape) {
  call_infer(f, 1);
  assert_int_equal(f->outputs[0].form, form);
  expect_shape(f, 0, dtype, shape);
  if (form == OR_FORM_SEQUENCE) assert_true(f->call.op->cost(&f->call).bytes_written == 0);
  call_deinit(f);
}

static void refuse(call_fixture_t *f, const char *part) {
  expect_refused(f, 1, OR_INVALID_ARGUMENT, part);
  call_deinit(f);
}

static void a_sequence_knows_what_its_tensors_share(void **state) {
  (void)state;
  call_fixture_t f;
  start(&f, "SequenceConstruct", 11, OR_FLOAT32, SHAPE(2, SYMBOL(0), 4));
  call_input(&f, OR_FLOAT32, SHAPE(2, SYMBOL(0), 5), NULL);
  finish(&f, OR_FORM_SEQUENCE, OR_FLOAT32, SHAPE(2, SYMBOL(0), UNKNOWN));
  start(&f, "SequenceConstruct", 11, OR_STRING, SHAPE(2));
  call_input(&f, OR_STRING, SHAPE(2, 2), NULL);
  finish(&f, OR_FORM_SEQUENCE, OR_STRING, RANK_UNKNOWN);
  start(&f, "SequenceConstruct", 11, OR_FLOAT32, SHAPE(2));
  call_input(&f, OR_INT32, SHAPE(2), NULL);
  refuse(&f, "input 1 is int32, expected float32");
  start(&f, "SequenceConstruct", 11, OR_FLOAT32, SHAPE(2));
  call_input(&f, OR_DTYPE_NONE, SCALAR, NULL);
  refuse(&f, "input 1 is left out");
  start_of_sequence(&f, "SequenceConstruct", OR_FLOAT32, SHAPE(2));
  refuse(&f, "input 0 is a sequence, expected a tensor");
}

static void an_empty_sequence_has_a_dtype(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "SequenceEmpty", 11);
  finish(&f, OR_FORM_SEQUENCE, OR_FLOAT32, RANK_UNKNOWN);
  call_init(&f, "", "SequenceEmpty", 11);
  call_int(&f, "dtype", OR_STRING);
  finish(&f, OR_FORM_SEQUENCE, OR_STRING, RANK_UNKNOWN);
  call_init(&f, "", "SequenceEmpty", 11);
  call_int(&f, "dtype", 1000);
  expect_refused(&f, 1, OR_UNIMPLEMENTED, "number 1000");
  call_deinit(&f);
}

static void tensors_go_in_and_come_out_at_positions(void **state) {
  (void)state;
  call_fixture_t f;
  start_of_sequence(&f, "SequenceInsert", OR_FLOAT32, SHAPE(2, 3));
  call_input(&f, OR_FLOAT32, SHAPE(2, 4), NULL);
  call_input(&f, OR_INT32, SCALAR, NULL);
  finish(&f, OR_FORM_SEQUENCE, OR_FLOAT32, SHAPE(2, UNKNOWN));
  start_of_sequence(&f, "SequenceInsert", OR_FLOAT32, RANK_UNKNOWN);
  call_input(&f, OR_FLOAT32, SHAPE(2), NULL);
  finish(&f, OR_FORM_SEQUENCE, OR_FLOAT32, RANK_UNKNOWN);
  start_of_sequence(&f, "SequenceInsert", OR_FLOAT32, SHAPE(2));
  call_input(&f, OR_FLOAT64, SHAPE(2), NULL);
  refuse(&f, "input 1 is float64");
  start_of_sequence(&f, "SequenceErase", OR_FLOAT32, SHAPE(2, 3));
  finish(&f, OR_FORM_SEQUENCE, OR_FLOAT32, SHAPE(2, 3));
  start_of_sequence(&f, "SequenceErase", OR_FLOAT32, SHAPE(2, 3));
  call_input(&f, OR_FLOAT32, SCALAR, NULL);
  refuse(&f, "position");
  start_of_sequence(&f, "SequenceAt", OR_STRING, SHAPE(SYMBOL(1)));
  call_input(&f, OR_INT64, SCALAR, NULL);
  finish(&f, OR_FORM_TENSOR, OR_STRING, SHAPE(SYMBOL(1)));
  start_of_sequence(&f, "SequenceAt", OR_STRING, SHAPE(1));
  call_input(&f, OR_INT64, SCALAR, NULL);
  f.inputs[1].form = OR_FORM_SEQUENCE;
  refuse(&f, "input 1 is a sequence");
  start(&f, "SequenceAt", 11, OR_FLOAT32, SHAPE(2));
  call_input(&f, OR_INT64, SCALAR, NULL);
  refuse(&f, "input 0 is a tensor, expected a sequence");
  start_of_sequence(&f, "SequenceLength", OR_FLOAT32, SHAPE(2, 3));
  finish(&f, OR_FORM_TENSOR, OR_INT64, SCALAR);
}

static void pieces_of_a_tensor_have_the_length_of_the_split(void **state) {
  (void)state;
  call_fixture_t f;
  start(&f, "SplitToSequence", 24, OR_FLOAT32, SHAPE(6, SYMBOL(0)));
  finish(&f, OR_FORM_SEQUENCE, OR_FLOAT32, SHAPE(1, SYMBOL(0)));
  start(&f, "SplitToSequence", 11, OR_FLOAT32, SHAPE(6, 2, SYMBOL(0)));
  call_int(&f, "axis", 1);
  call_int(&f, "keepdims", 0);
  finish(&f, OR_FORM_SEQUENCE, OR_FLOAT32, SHAPE(6, SYMBOL(0)));
  for (int64_t length = 3; length <= 4; ++length) {
    start(&f, "SplitToSequence", 11, OR_FLOAT32, SHAPE(2, 6));
    call_input(&f, OR_INT64, SCALAR, &length);
    call_int(&f, "axis", -1);
    call_int(&f, "keepdims", 0); /* ignored beside `split` */
    finish(&f, OR_FORM_SEQUENCE, OR_FLOAT32, SHAPE(2, length == 3 ? 3 : UNKNOWN));
  }
  start(&f, "SplitToSequence", 11, OR_FLOAT32, SHAPE(2, 6));
  call_list(&f, INTS(1, 1));
  finish(&f, OR_FORM_SEQUENCE, OR_FLOAT32, SHAPE(UNKNOWN, 6));
  start(&f, "SplitToSequence", 11, OR_FLOAT32, RANK_UNKNOWN);
  finish(&f, OR_FORM_SEQUENCE, OR_FLOAT32, RANK_UNKNOWN);
  start(&f, "SplitToSequence", 11, OR_FLOAT32, RANK_UNKNOWN);
  call_input(&f, OR_INT32, SCALAR, NULL);
  finish(&f, OR_FORM_SEQUENCE, OR_FLOAT32, RANK_UNKNOWN);
}

static void splits_that_can_not_be_are_refused(void **state) {
  (void)state;
  call_fixture_t f;
  start(&f, "SplitToSequence", 11, OR_FLOAT32, SHAPE(6));
  call_input(&f, OR_INT64, SCALAR, (int64_t[]){0});
  refuse(&f, "(split) is 0, expected at least 1");
  start(&f, "SplitToSequence", 11, OR_FLOAT32, SHAPE(6));
  call_input(&f, OR_FLOAT32, SCALAR, NULL);
  refuse(&f, "input 1 (split) is float32");
  start(&f, "SplitToSequence", 11, OR_FLOAT32, SHAPE(6));
  call_input(&f, OR_INT64, SHAPE(1, 2), NULL);
  refuse(&f, "input 1 (split) has rank 2");
  start(&f, "SplitToSequence", 11, OR_FLOAT32, SHAPE(6));
  call_int(&f, "axis", 1);
  refuse(&f, "axis 1");
  start_of_sequence(&f, "SplitToSequence", OR_FLOAT32, SHAPE(6));
  refuse(&f, "input 0 is a sequence");
}

static void tensors_of_a_sequence_are_joined_or_stacked(void **state) {
  (void)state;
  call_fixture_t f;
  start_of_sequence(&f, "ConcatFromSequence", OR_FLOAT32, SHAPE(2, 3));
  call_int(&f, "axis", -1);
  finish(&f, OR_FORM_TENSOR, OR_FLOAT32, SHAPE(2, UNKNOWN));
  start_of_sequence(&f, "ConcatFromSequence", OR_FLOAT32, SHAPE(2, 3));
  call_int(&f, "axis", 1);
  call_int(&f, "new_axis", 1);
  finish(&f, OR_FORM_TENSOR, OR_FLOAT32, SHAPE(2, UNKNOWN, 3));
  start_of_sequence(&f, "ConcatFromSequence", OR_FLOAT32, RANK_UNKNOWN);
  call_int(&f, "axis", 1);
  finish(&f, OR_FORM_TENSOR, OR_FLOAT32, RANK_UNKNOWN);
  start_of_sequence(&f, "ConcatFromSequence", OR_FLOAT32, SHAPE(2, 3));
  call_int(&f, "axis", 2);
  refuse(&f, "axis 2");
  start_of_sequence(&f, "ConcatFromSequence", OR_FLOAT32, SHAPE(2, 3));
  call_int(&f, "axis", 0);
  call_int(&f, "new_axis", 2);
  refuse(&f, "\"new_axis\" is 2");
  start(&f, "ConcatFromSequence", 11, OR_FLOAT32, SHAPE(2, 3));
  call_int(&f, "axis", 0);
  refuse(&f, "input 0 is a tensor");
}

static void identity_takes_what_its_version_has(void **state) {
  (void)state;
  call_fixture_t f;
  start(&f, "Identity", 14, OR_FLOAT32, SHAPE(2));
  f.inputs[0].form = OR_FORM_SEQUENCE;
  call_infer(&f, 1);
  assert_int_equal(f.outputs[0].form, OR_FORM_SEQUENCE);
  f.node.version = 13;
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "input 0 is a sequence, which version 13 does not take");
  f.inputs[0].form = OR_FORM_OPTIONAL_SEQUENCE;
  f.node.version = 14;
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "input 0 is an optional sequence, which version 14 does not take");
  f.node.version = 16;
  call_infer(&f, 1);
  assert_int_equal(f.outputs[0].form, OR_FORM_OPTIONAL_SEQUENCE);
  call_deinit(&f);
  start_of_sequence(&f, "Flatten", OR_FLOAT32, SHAPE(2));
  refuse(&f, "input 0 is a sequence, and Flatten takes tensors");
}

static void a_map_begins_with_a_sequence(void **state) {
  (void)state;
  call_fixture_t f;
  start(&f, "SequenceMap", 17, OR_FLOAT32, SHAPE(2));
  call_attribute(&f, "body", OR_ATTRIBUTE_GRAPH);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "input 0 is a tensor, expected a sequence");
  f.inputs[0].form = OR_FORM_SEQUENCE;
  call_input(&f, OR_FLOAT32, SHAPE(2), NULL);
  call_infer(&f, 2);
  assert_int_equal(f.outputs[1].form, OR_FORM_SEQUENCE);
  f.inputs[1].form = OR_FORM_OPTIONAL_TENSOR;
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "input 1 is an optional tensor");
  call_deinit(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_sequence_knows_what_its_tensors_share),
      cmocka_unit_test(an_empty_sequence_has_a_dtype),
      cmocka_unit_test(tensors_go_in_and_come_out_at_positions),
      cmocka_unit_test(pieces_of_a_tensor_have_the_length_of_the_split),
      cmocka_unit_test(splits_that_can_not_be_are_refused),
      cmocka_unit_test(tensors_of_a_sequence_are_joined_or_stacked),
      cmocka_unit_test(identity_takes_what_its_version_has),
      cmocka_unit_test(a_map_begins_with_a_sequence),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
