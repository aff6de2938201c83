#include "model/index_bound.h"

#include "base/testing.h"

static or_runtime_t *runtime;

static int set_up(void **state) {
  (void)state;
  or_runtime_options_t options = or_runtime_options_default();
  options.threads = 1;
  options.backends = "cpu";
  expect_ok(or_runtime_create(&options, &runtime));
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  or_runtime_release(runtime);
  return 0;
}

/* Extents of the tables: tools/networks/transformer.py. */
static void expect_bound(const char *file, const char *input, int64_t expected) {
  or_model_t *model = NULL;
  int64_t bound = -1;
  expect_ok(or_model_load(runtime, file, NULL, &model));
  for (size_t i = 0; i < or_model_input_count(model); ++i) {
    if (strcmp(or_model_input(model, i)->name, input) == 0) expect_ok(or_model_index_bound(model, i, &bound));
  }
  assert_int_equal(bound, expected);
  or_model_release(model);
}

static void finds_the_rows_of_the_table_that_an_input_picks_from(void **state) {
  (void)state;
  static const char *const files[] = {"tests/data/networks/bert-old11.onnx", "tests/data/networks/bert-new20.onnx"};
  for (size_t i = 0; i < sizeof files / sizeof *files; ++i) {
    expect_bound(files[i], "input_ids", 128);
    expect_bound(files[i], "token_type_ids", 2);
    expect_bound(files[i], "attention_mask", 0);
  }
  expect_bound("tests/data/networks/gpt2-old13.onnx", "position_ids", 384);
  expect_bound("tests/data/networks/resnet50-new18.onnx", "pixels", 0);
}

static void brings_whole_numbers_into_the_table(void **state) {
  (void)state;
  int64_t wide[] = {-8, -1, 0, 1, 7};
  int32_t narrow[] = {-3, 5};
  float real[] = {-3.5F, 9.0F};
  or_model_bound_indices(3, OR_INT64, wide, 5);
  or_model_bound_indices(3, OR_INT32, narrow, 2);
  or_model_bound_indices(3, OR_FLOAT32, real, 2);
  assert_memory_equal(wide, ((int64_t[]){1, 2, 0, 1, 1}), sizeof wide);
  assert_memory_equal(narrow, ((int32_t[]){0, 2}), sizeof narrow);
  assert_memory_equal(real, ((float[]){-3.5F, 9.0F}), sizeof real);
  or_model_bound_indices(0, OR_INT64, wide, 5);
  assert_int_equal(wide[1], 2);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(finds_the_rows_of_the_table_that_an_input_picks_from),
      cmocka_unit_test(brings_whole_numbers_into_the_table),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
