/* Expectations are those of the standard's own examples, and counts by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ops/call_fixture_template.h"
#include "ops/strings.h"

static const int32_t tokens[] = {1, 1, 3, 3, 3, 7, 8, 6, 7, 5, 6, 8};
static const int64_t pool[] = {2, 3, 5, 4, 5, 6, 7, 8, 6, 7}, starts[] = {0, 4};
static const int64_t columns[] = {0, 1, 2, 3, 4, 5, 6};

typedef struct setting_t {
  const char *mode;
  int64_t shortest, longest, skips;
} setting_t;

/* The pool of the standard's examples: four single tokens and three pairs. */
static void start(call_fixture_t *f, or_shape_t shape, setting_t setting) {
  call_init(f, "", "TfIdfVectorizer", 9);
  call_input(f, OR_INT32, shape, tokens);
  call_string(f, "mode", setting.mode);
  call_int(f, "min_gram_length", setting.shortest);
  call_int(f, "max_gram_length", setting.longest);
  call_int(f, "max_skip_count", setting.skips);
  call_ints(f, "ngram_counts", starts, 2);
  call_ints(f, "ngram_indexes", columns, 7);
  call_ints(f, "pool_int64s", pool, 10);
}

static or_attribute_t *attribute(call_fixture_t *f, const char *name) {
  for (uint32_t i = 0; i < f->node.attribute_count; ++i) {
    if (strcmp(f->attributes[i].name, name) == 0) return &f->attributes[i];
  }
  fail();
  return NULL;
}

static void finish(call_fixture_t *f, or_shape_t shape, const double *expected, size_t count) {
  call_run(f, 1);
  expect_shape(f, 0, OR_FLOAT32, shape);
  expect_doubles(f, 0, 0, expected, count);
  call_deinit(f);
}

static void counts_as_the_examples_of_the_standard(void **state) {
  (void)state;
  call_fixture_t f;
  start(&f, SHAPE(12), (setting_t){"TF", 2, 2, 0});
  finish(&f, SHAPE(7), DOUBLES(0, 0, 0, 0, 1, 1, 1));
  start(&f, SHAPE(12), (setting_t){"TF", 2, 2, 5});
  finish(&f, SHAPE(7), DOUBLES(0, 0, 0, 0, 1, 3, 1));
  start(&f, SHAPE(12), (setting_t){"TF", 1, 2, 5});
  finish(&f, SHAPE(7), DOUBLES(0, 3, 1, 0, 1, 3, 1));
  start(&f, SHAPE(2, 6), (setting_t){"TF", 2, 2, 0});
  finish(&f, SHAPE(2, 7), DOUBLES(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1));
  start(&f, SHAPE(2, 6), (setting_t){"TF", 1, 2, 5});
  finish(&f, SHAPE(2, 7), DOUBLES(0, 3, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 1, 1));
}

static void single_tokens_count_once_whatever_is_skipped(void **state) {
  (void)state;
  call_fixture_t f;
  start(&f, SHAPE(12), (setting_t){"TF", 1, 1, INT64_MAX});
  finish(&f, SHAPE(7), DOUBLES(0, 3, 1, 0, 0, 0, 0));
  start(&f, SHAPE(12), (setting_t){"TF", 1, 2, INT64_MAX});
  call_run(&f, 1);
  expect_doubles(&f, 0, 0, DOUBLES(0, 3, 1, 0, 1, 3, 1));
  call_deinit(&f);
}

static void weights_belong_to_ngrams_wherever_they_count(void **state) {
  (void)state;
  static const int64_t turned[] = {6, 5, 4, 3, 2, 1, 0};
  static const float weights[] = {1, 10, 100, 1000, 0.5F, 0.25F, 2};
  call_fixture_t f;
  start(&f, SHAPE(12), (setting_t){"TFIDF", 1, 2, 5});
  attribute(&f, "ngram_indexes")->integers = turned;
  call_attribute(&f, "weights", OR_ATTRIBUTE_FLOATS)->reals = weights;
  attribute(&f, "weights")->count = 7;
  finish(&f, SHAPE(7), DOUBLES(2, 0.75, 0.5, 0, 100, 30, 0));
  start(&f, SHAPE(12), (setting_t){"IDF", 1, 2, 5});
  call_attribute(&f, "weights", OR_ATTRIBUTE_FLOATS)->reals = weights;
  attribute(&f, "weights")->count = 7;
  finish(&f, SHAPE(7), DOUBLES(0, 10, 100, 0, 0.5, 0.25, 2));
  start(&f, SHAPE(12), (setting_t){"IDF", 1, 2, 5});
  finish(&f, SHAPE(7), DOUBLES(0, 1, 1, 0, 1, 1, 1));
}

static void tokens_may_be_texts(void **state) {
  (void)state;
  call_fixture_t f;
  start(&f, SHAPE(3), (setting_t){"TF", 1, 2, 0});
  f.inputs[0] = (or_op_tensor_t){
      .dtype = OR_STRING, .shape = SHAPE(4), .data = STRINGS(TEXT("b"), TEXT(""), TEXT("bb"), TEXT("b"))};
  *attribute(&f, "pool_int64s") = (or_attribute_t){.name = "pool_strings",
                                                   .kind = OR_ATTRIBUTE_STRINGS,
                                                   .strings = STRINGS(TEXT("b"), TEXT(""), TEXT("b"), TEXT("")),
                                                   .count = 4};
  attribute(&f, "ngram_counts")->integers = (int64_t[]){0, 2};
  attribute(&f, "ngram_counts")->count = 2;
  attribute(&f, "ngram_indexes")->count = 3;
  finish(&f, SHAPE(3), DOUBLES(2, 1, 1));
}

static void rows_without_tokens_count_nothing(void **state) {
  (void)state;
  call_fixture_t f;
  start(&f, SHAPE(2, 0), (setting_t){"TF", 1, 2, 5});
  finish(&f, SHAPE(2, 7), DOUBLES(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0));
  start(&f, SHAPE(0), (setting_t){"TF", 2, 2, 5});
  finish(&f, SHAPE(7), DOUBLES(0, 0, 0, 0, 0, 0, 0));
  static const int64_t far_columns[] = {0, 1, 2, 3, INT64_C(1) << 60, 5, 6}; /* of no row: nothing is allocated */
  start(&f, SHAPE(0, 6), (setting_t){"TF", 2, 2, 0});
  attribute(&f, "ngram_indexes")->integers = far_columns;
  finish(&f, SHAPE(0, (INT64_C(1) << 60) + 1), (const double[]){0}, 0);
  start(&f, SHAPE(SYMBOL(0), UNKNOWN), (setting_t){"TF", 1, 2, 5});
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, SHAPE(SYMBOL(0), 7));
  f.inputs[0].shape = RANK_UNKNOWN;
  call_infer(&f, 1);
  expect_shape(&f, 0, OR_FLOAT32, RANK_UNKNOWN);
  f.call.output_count = 0;
  call_deinit(&f);
}

static void refuse(call_fixture_t *f, const char *part) {
  expect_refused(f, 1, OR_INVALID_ARGUMENT, part);
  call_deinit(f);
}

static void attributes_that_contradict_each_other_are_refused(void **state) {
  (void)state;
  call_fixture_t f;
  start(&f, SHAPE(12), (setting_t){"tf", 1, 2, 0});
  refuse(&f, "\"mode\" is none of TF, IDF and TFIDF");
  start(&f, SHAPE(12), (setting_t){"TF", 0, 2, 0});
  refuse(&f, "n-grams of length 0 to 2 with 0 skips");
  start(&f, SHAPE(12), (setting_t){"TF", 1, 3, 0});
  refuse(&f, "max_gram_length is 3, and ngram_counts has 2 lengths");
  start(&f, SHAPE(12), (setting_t){"TF", 1, 2, 0});
  attribute(&f, "ngram_counts")->integers = (int64_t[]){4, 0};
  attribute(&f, "ngram_counts")->count = 2;
  refuse(&f, "ngram_counts[1] is 0, expected 4 to 10");
  start(&f, SHAPE(12), (setting_t){"TF", 1, 2, 0});
  attribute(&f, "ngram_counts")->integers = (int64_t[]){0, 3};
  attribute(&f, "ngram_counts")->count = 2;
  refuse(&f, "7 tokens for n-grams of length 2");
  start(&f, SHAPE(12), (setting_t){"TF", 1, 2, 0});
  attribute(&f, "ngram_indexes")->count = 6;
  refuse(&f, "ngram_indexes has 6 entries, the pool 7 n-grams");
  start(&f, SHAPE(12), (setting_t){"TF", 1, 2, 0});
  attribute(&f, "ngram_indexes")->integers = (int64_t[]){0, 1, 2, 3, 4, 5, -1};
  attribute(&f, "ngram_indexes")->count = 7;
  refuse(&f, "ngram_indexes[6] is -1");
  start(&f, SHAPE(12), (setting_t){"TF", 1, 2, 0});
  call_attribute(&f, "weights", OR_ATTRIBUTE_FLOATS)->count = 2;
  refuse(&f, "weights has 2 entries, ngram_indexes 7");
}

static void pools_and_inputs_that_do_not_fit_are_refused(void **state) {
  (void)state;
  call_fixture_t f;
  start(&f, SHAPE(12), (setting_t){"TF", 1, 2, 0});
  f.inputs[0].dtype = OR_STRING;
  refuse(&f, "input 0 is string, and the pool is attribute \"pool_int64s\"");
  start(&f, SHAPE(12), (setting_t){"TF", 1, 2, 0});
  call_strings(&f, "pool_strings", NULL, 0);
  refuse(&f, "one of the attributes pool_int64s and pool_strings");
  start(&f, SHAPE(1, 1, 1), (setting_t){"TF", 1, 2, 0});
  refuse(&f, "input 0 has rank 3, expected 1 or 2");
  start(&f, SHAPE(12), (setting_t){"TF", 1, 2, 0});
  attribute(&f, "pool_int64s")->count = SIZE_MAX;
  expect_refused(&f, 1, OR_OUT_OF_RANGE, "beyond 1073741824, the limit");
  call_deinit(&f);
  start(&f, SHAPE(12), (setting_t){"TF", 1, 2, 0});
  attribute(&f, "pool_int64s")->integers = (int64_t[]){2, 3, 5, 3, 5, 6, 7, 8, 6, 7};
  attribute(&f, "pool_int64s")->count = 10;
  expect_run_fails(&f, 1, "n-grams 1 and 3 of the pool are the same");
  call_deinit(&f);
}

static void gives_back_every_byte_when_an_allocation_fails(void **state) {
  (void)state;
  for (size_t n = 1; n <= 3; ++n) {
    call_fixture_t f;
    float out[7];
    start(&f, SHAPE(12), (setting_t){"TF", 1, 2, 0});
    call_infer(&f, 1);
    f.outputs[0].data = out;
    f.allocator.fail_at = n;
    or_status_t status = or_op_reference(&f.call);
    assert_int_equal(or_status_code(status), OR_RESOURCE_EXHAUSTED);
    or_status_ignore(status); /* expected */
    f.call.output_count = 0;
    call_deinit(&f);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(counts_as_the_examples_of_the_standard),
      cmocka_unit_test(single_tokens_count_once_whatever_is_skipped),
      cmocka_unit_test(weights_belong_to_ngrams_wherever_they_count),
      cmocka_unit_test(tokens_may_be_texts),
      cmocka_unit_test(rows_without_tokens_count_nothing),
      cmocka_unit_test(attributes_that_contradict_each_other_are_refused),
      cmocka_unit_test(pools_and_inputs_that_do_not_fit_are_refused),
      cmocka_unit_test(gives_back_every_byte_when_an_allocation_fails),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
