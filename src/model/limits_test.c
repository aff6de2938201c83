#include "model/limits.h"

#include "fake/expect.h"

static void sets_each_by_its_name(void **state) {
  (void)state;
  or_model_limits_t limits = {.nodes = 7};
  or_expect_ok(or_model_limits_set(&limits, "file_bytes=1"));
  or_expect_ok(or_model_limits_set(&limits, "initializer_bytes=18446744073709551615"));
  or_expect_ok(or_model_limits_set(&limits, "values=4294967295"));
  or_expect_ok(or_model_limits_set(&limits, "loop_seconds=0.5"));
  or_expect_ok(or_model_limits_set(&limits, "expansion_ratio=1e3"));
  assert_int_equal(limits.file_bytes, 1);
  assert_true(limits.initializer_bytes == UINT64_MAX);
  assert_true(limits.values == UINT32_MAX);
  assert_true(limits.loop_seconds == 0.5 && limits.expansion_ratio == 1000);
  or_expect_ok(or_model_limits_set(&limits, "run_bytes=2"));
  or_expect_ok(or_model_limits_set(&limits, "fold_work=3"));
  assert_true(limits.run_bytes == 2 && limits.fold_work == 3);
  assert_int_equal(limits.nodes, 7);
  or_expect_ok(or_model_limits_set(&limits, "nodes=8"));
  assert_int_equal(limits.nodes, 8);
}

static void says_what_is_wrong(void **state) {
  (void)state;
  or_model_limits_t limits = {.nodes = 7};
  static const char *const wrong[] = {"nodes=0",        "nodes=-1",           "nodes= 1",
                                      "nodes=1x",       "nodes=4294967296",   "file_bytes=18446744073709551616",
                                      "loop_seconds=0", "loop_seconds=nan",   "loop_seconds=1s",
                                      "loop_seconds=",  "expansion_ratio=inf"};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; ++i)
    or_expect_words(or_model_limits_set(&limits, wrong[i]), OR_INVALID_ARGUMENT, "is no ");
  or_expect_words(or_model_limits_set(&limits, "node=1"), OR_INVALID_ARGUMENT, "tensor_elements nesting");
  or_expect_words(or_model_limits_set(&limits, "nodes"), OR_INVALID_ARGUMENT, "must be NAME=VALUE");
  assert_int_equal(limits.nodes, 7);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(sets_each_by_its_name),
      cmocka_unit_test(says_what_is_wrong),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
