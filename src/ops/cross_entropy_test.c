#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ops/call_fixture_template.h"

/* The standard's own example: N, C, d1 = 2, 3, 2. */
static const float input[] = {1, 2, 2, 2, 3, 2, 0, 1, 2, 2, 1, 2};
static const int64_t target[] = {2, 1, 0, 2};
static const float weight[] = {0.2F, 0.3F, 0.1F};

static void example(call_fixture_t *f, int version, const char *reduction, bool weighted) {
  call_init(f, "", "NegativeLogLikelihoodLoss", version);
  call_input(f, OR_FLOAT32, SHAPE(2, 3, 2), input);
  call_input(f, OR_INT64, SHAPE(2, 2), target);
  if (weighted) call_input(f, OR_FLOAT32, SHAPE(3), weight);
  if (reduction != NULL) call_string(f, "reduction", reduction);
}

static void likelihood_is_as_the_standard_writes_it(void **state) {
  (void)state;
  call_fixture_t f;
  example(&f, 12, "none", false);
  call_run(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(2, 2));
  expect_doubles(&f, 0, 0, DOUBLES(-3, -2, 0, -2));
  call_deinit(&f);

  example(&f, 13, "sum", true);
  call_run(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SCALAR);
  expect_doubles(&f, 0, 1e-6, DOUBLES(-1.1));
  call_deinit(&f);

  example(&f, 22, NULL, true);
  call_run(&f, 1);
  expect_doubles(&f, 0, 1e-6, DOUBLES(-1.1 / 0.7));
  call_deinit(&f);

  example(&f, 22, "mean", false);
  call_run(&f, 1);
  expect_doubles(&f, 0, 1e-6, DOUBLES(-7.0 / 4));
  call_deinit(&f);
}

static void a_target_that_is_ignored_has_neither_loss_nor_weight(void **state) {
  (void)state;
  const int32_t targets[] = {2, -5, -5, 2};
  call_fixture_t f;
  call_init(&f, "", "NegativeLogLikelihoodLoss", 13);
  call_input(&f, OR_FLOAT32, SHAPE(2, 3, 2), input);
  call_input(&f, OR_INT32, SHAPE(2, 2), targets);
  call_int(&f, "ignore_index", -5);
  call_run(&f, 1);
  expect_doubles(&f, 0, 1e-6, DOUBLES(-5.0 / 2));
  call_deinit(&f);

  call_init(&f, "", "NegativeLogLikelihoodLoss", 13);
  call_input(&f, OR_FLOAT32, SHAPE(2, 3, 2), input);
  call_input(&f, OR_INT32, SHAPE(2, 2), targets);
  call_int(&f, "ignore_index", -5);
  call_string(&f, "reduction", "none");
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(-3, 0, 0, -2));
  call_deinit(&f);

  call_init(&f, "", "SoftmaxCrossEntropyLoss", 13);
  call_input(&f, OR_FLOAT32, SHAPE(2, 2), FLOATS(0, 0, 1, 1));
  call_input(&f, OR_INT32, SHAPE(2), ((int32_t[]){7, 7}));
  call_int(&f, "ignore_index", 7);
  call_run(&f, 1); /* nothing of nothing */
  expect_doubles(&f, 0, 0, DOUBLES(NAN));
  call_deinit(&f);
}

static void entropy_is_the_likelihood_of_the_softmax(void **state) {
  (void)state;
  const double l = log(4);
  call_fixture_t f;
  call_init(&f, "", "SoftmaxCrossEntropyLoss", 13);
  call_input(&f, OR_FLOAT32, SHAPE(2, 2), FLOATS(0, (float)log(3), 1000, 1000));
  call_list(&f, INTS(0, 1));
  call_string(&f, "reduction", "none");
  call_run(&f, 2);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(2));
  expect_doubles(&f, 0, 1e-6, DOUBLES(l, log(2)));
  expect_shape(&f, 1, OR_FLOAT32, SHAPE(2, 2));
  expect_doubles(&f, 1, 1e-6, DOUBLES(-l, log(0.75), -log(2), -log(2)));
  call_deinit(&f);

  call_init(&f, "", "SoftmaxCrossEntropyLoss", 12);
  call_input(&f, OR_FLOAT64, SHAPE(1, 2, 3), ((double[]){0, 0, log(3), log(3), 0, 0}));
  call_input(&f, OR_INT64, SHAPE(1, 3), ((int64_t[]){0, 1, 1}));
  call_input(&f, OR_FLOAT64, SHAPE(2), ((double[]){2, 1}));
  call_run(&f, 1);
  expect_doubles(&f, 0, 1e-12, DOUBLES((2 * l + log(2) + l) / 4));
  call_deinit(&f);
}

/* More places than a block holds: equal scores, so that every loss is log 2. */
static void long_rows_are_taken_in_blocks(void **state) {
  (void)state;
  static float scores[2 * 300];
  static int64_t labels[300];
  call_fixture_t f;
  call_init(&f, "", "SoftmaxCrossEntropyLoss", 13);
  call_input(&f, OR_FLOAT32, SHAPE(1, 2, 300), scores);
  call_input(&f, OR_INT64, SHAPE(1, 300), labels);
  call_string(&f, "reduction", "sum");
  call_run(&f, 2);
  expect_doubles(&f, 0, 1e-6, DOUBLES(300 * log(2)));
  call_deinit(&f);
}

static void empty_batches_are_legal(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "SoftmaxCrossEntropyLoss", 13);
  call_input(&f, OR_FLOAT32, SHAPE(0, 2), FLOATS(0));
  call_list(&f, NULL, 0);
  call_string(&f, "reduction", "sum");
  call_run(&f, 2);
  expect_doubles(&f, 0, 0, DOUBLES(0));
  call_deinit(&f);
}

static void shapes_complete_each_other(void **state) {
  (void)state;
  call_fixture_t f;
  call_init(&f, "", "SoftmaxCrossEntropyLoss", 13);
  call_input(&f, OR_FLOAT32, SHAPE(SYMBOL(0), 3, UNKNOWN), NULL);
  call_input(&f, OR_INT64, SHAPE(UNKNOWN, 5), NULL);
  call_string(&f, "reduction", "none");
  call_infer(&f, 2);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(SYMBOL(0), 5));
  expect_shape(&f, 1, OR_FLOAT32, SHAPE(SYMBOL(0), 3, UNKNOWN));
  f.inputs[1].shape = RANK_UNKNOWN;
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(SYMBOL(0), UNKNOWN));
  f.inputs[0].shape = RANK_UNKNOWN;
  f.inputs[1].shape = SHAPE(4);
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(4));
  call_deinit(&f);
}

static void refuses_what_does_not_fit(void **state) {
  (void)state;
  call_fixture_t f;
  example(&f, 13, "max", true);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "\"reduction\" is \"max\"");
  f.node.attribute_count = 0;
  f.inputs[2].shape = SHAPE(2);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "classes and weights");
  f.inputs[2].dtype = OR_FLOAT64;
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "input 2");
  f.inputs[2] = (or_op_tensor_t){.dtype = OR_DTYPE_NONE};
  f.inputs[1].shape = SHAPE(2, 3);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "targets and input");
  f.inputs[1].shape = SHAPE(2);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "rank");
  f.inputs[0].shape = SHAPE(2);
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "[N,C,...]");
  f.inputs[1].dtype = OR_FLOAT32;
  expect_refused(&f, 1, OR_INVALID_ARGUMENT, "target");
  call_deinit(&f);

  static const char *const names[] = {"NegativeLogLikelihoodLoss", "SoftmaxCrossEntropyLoss"};
  for (int i = 0; i < 4; ++i) {
    call_init(&f, "", names[i % 2], 13);
    call_input(&f, OR_FLOAT32, SHAPE(1, 2), FLOATS(0, 0));
    call_input(&f, OR_INT64, SHAPE(1), ((int64_t[]){i < 2 ? -1 : 2}));
    expect_run_fails(&f, 1, i < 2 ? "target -1 at 0 is none of 2" : "target 2 at 0 is none of 2");
    call_deinit(&f);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(likelihood_is_as_the_standard_writes_it),
      cmocka_unit_test(a_target_that_is_ignored_has_neither_loss_nor_weight),
      cmocka_unit_test(entropy_is_the_likelihood_of_the_softmax),
      cmocka_unit_test(long_rows_are_taken_in_blocks),
      cmocka_unit_test(empty_batches_are_legal),
      cmocka_unit_test(shapes_complete_each_other),
      cmocka_unit_test(refuses_what_does_not_fit),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
