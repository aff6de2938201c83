#include "graph/expansion.h"

#include "fixtures/graphs.h"

static void the_limit_is_a_multiple_of_weights_and_inputs_or_a_gibibyte(void **state) {
  (void)state;
  or_model_limits_t limits = {.expansion_ratio = 10, .run_bytes = UINT64_MAX};
  or_expansion_t expansion = {.limits = &limits, .weight_bytes = 5, .input_bytes = 7};
  assert_int_equal(or_expansion_limit(&expansion), UINT64_C(1073741824));
  expansion.weight_bytes = UINT64_C(1) << 30;
  assert_int_equal(or_expansion_limit(&expansion), 10 * ((UINT64_C(1) << 30) + 7));
  limits.expansion_ratio = 1e30;
  assert_int_equal(or_expansion_limit(&expansion), UINT64_MAX);
  limits.expansion_ratio = 0.25; /* the gibibyte as well */
  assert_int_equal(or_expansion_limit(&expansion), UINT64_C(268435457));
}

static void what_is_too_much_is_refused_in_numbers(void **state) {
  (void)state;
  const or_model_limits_t limits = {.expansion_ratio = 10, .run_bytes = UINT64_MAX};
  or_expansion_t expansion = {.limits = &limits, .alive = UINT64_C(1073741800)};
  or_expect_ok(or_expansion_check(&expansion, 24));
  or_expect_words(or_expansion_check(&expansion, 25), OR_RESOURCE_EXHAUSTED,
                  "25 bytes beside the 1073741800 that the run holds are more than 1073741824");
  or_expect_words(or_expansion_check(&expansion, UINT64_MAX), OR_RESOURCE_EXHAUSTED, "raise limits.expansion_ratio");
  expansion.alive = UINT64_MAX;
  or_expect_words(or_expansion_check(&expansion, 0), OR_RESOURCE_EXHAUSTED, "0 bytes of weights, 0 of inputs");
}

static void a_piece_is_measured_by_its_model(void **state) {
  (void)state;
  const or_graph_t whole = {.weight_bytes = 3}, piece = {.weight_bytes = 1, .model_bytes = 3};
  assert_int_equal(or_graph_model_bytes(&whole), 3);
  assert_int_equal(or_graph_model_bytes(&piece), 3);
}

static void the_bytes_of_a_run_have_a_limit_of_their_own(void **state) {
  (void)state;
  const or_model_limits_t limits = {.expansion_ratio = 10, .run_bytes = 1000};
  or_expansion_t expansion = {.limits = &limits, .weight_bytes = UINT64_C(1) << 40, .alive = 900};
  assert_int_equal(or_expansion_limit(&expansion), 1000);
  or_expect_ok(or_expansion_check(&expansion, 100));
  or_expect_words(or_expansion_check(&expansion, 101), OR_RESOURCE_EXHAUSTED,
                  "101 bytes beside the 900 that the run holds are more than 1000, the limit: raise limits.run_bytes");
}

static void folding_may_spend_what_the_limit_and_the_weights_give(void **state) {
  (void)state;
  or_graph_t graph = {.weight_bytes = 5, .limits = {.fold_work = 100}};
  assert_int_equal(or_fold_work_left(&graph), 120);
  graph.fold_work = 119;
  assert_int_equal(or_fold_work_left(&graph), 1);
  graph.fold_work = 121;
  assert_int_equal(or_fold_work_left(&graph), 0);
  graph.weight_bytes = UINT64_MAX / 2;
  assert_int_equal(or_fold_work_left(&graph), UINT64_MAX - 121);
}

static void a_shape_without_elements_is_as_large_as_its_other_extents(void **state) {
  (void)state;
  const or_shape_t some = {.rank = 2, .dims = {4, 5}}, none = {.rank = 3, .dims = {4, 0, 5}};
  const or_shape_t open = {.rank = 2, .dims = {OR_DIM_UNKNOWN, 20}}, huge = {.rank = 2, .dims = {INT64_MAX, 2}};
  const or_shape_t long_and_empty = {.rank = 3, .dims = {INT64_C(1) << 40, 0, INT64_C(1) << 40}};
  const or_shape_t unranked = {.rank = OR_RANK_UNKNOWN};
  assert_true(or_shape_is_within(&some, 20) && or_shape_is_within(&none, 20) && or_shape_is_within(&open, 20));
  assert_false(or_shape_is_within(&some, 19) || or_shape_is_within(&none, 19) || or_shape_is_within(&open, 19));
  assert_true(or_shape_is_within(&unranked, 1));
  assert_false(or_shape_is_within(&huge, UINT64_MAX));
  assert_false(or_shape_is_within(&long_and_empty, UINT64_MAX));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_limit_is_a_multiple_of_weights_and_inputs_or_a_gibibyte),
      cmocka_unit_test(what_is_too_much_is_refused_in_numbers),
      cmocka_unit_test(a_piece_is_measured_by_its_model),
      cmocka_unit_test(the_bytes_of_a_run_have_a_limit_of_their_own),
      cmocka_unit_test(folding_may_spend_what_the_limit_and_the_weights_give),
      cmocka_unit_test(a_shape_without_elements_is_as_large_as_its_other_extents),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
