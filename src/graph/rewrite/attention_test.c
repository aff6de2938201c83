/* Attention in the ways in which exporters write it, put together by hand: each against its own parts. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fixtures/counted.h"
#include "fixtures/graphs.h"

enum { BATCH = 2, HEADS = 3, WIDTH = 4, QUERIES = 5, PAST = 2, HIDDEN = HEADS * WIDTH };

typedef enum scaling_t { DIVIDED, MULTIPLIED, BOTH_OPERANDS, TWICE } scaling_t;
typedef enum keys_t { AT_ONCE, LAST_TWO, THROUGH_THREE } keys_t;
typedef enum mask_t {
  NO_MASK,
  ADDED,        /* numbers given at run time */
  ADDED_CAUSAL, /* a constant */
  WHERE_CAUSAL, /* Where(constant, scores, the lowest number) */
  WHERE_AND_ADDED,
  SEEN,       /* Where(bool given at run time, 0, -inf) added */
  WHERE_SEEN, /* Where(bool given at run time, scores, low) */
} mask_t;
typedef enum result_t { THREE, TWO, FOUR } result_t;

typedef struct form_t {
  scaling_t scaling;
  keys_t keys;
  mask_t mask;
  bool given_out;         /* keys and values, transposed, are outputs: the present of a first run */
  bool past, value_first; /* value_first: the score is the second operand of its Add */
  result_t result;
  float low;           /* of Where */
  or_value_id_t extra; /* out: a value within, for tests that give it out too */
} form_t;

static or_value_id_t number(or_graph_t *graph, const char *name, float is) {
  return constant(graph, name, OR_FLOAT32, or_shape_make(0, NULL), &is);
}

static or_value_id_t transposed(or_graph_t *graph, const char *name, or_value_id_t x, const int64_t *perm,
                                size_t rank) {
  or_node_t *made = node(graph, "Transpose", name, IDS(x));
  or_attribute_t *order = attribute(made, "perm", OR_ATTRIBUTE_INTS);
  order->integers = perm;
  order->count = rank;
  return made->outputs[0];
}

static or_value_id_t reshaped(or_graph_t *graph, const char *name, or_value_id_t x, const int64_t *shape, size_t rank) {
  return apply(graph, "Reshape", name, IDS(x, integers(graph, "shape", rank, shape)));
}

static const int64_t split[] = {BATCH, -1, HEADS, WIDTH}, swap[] = {0, 2, 1, 3};

static or_value_id_t heads_of(or_graph_t *graph, const char *name, bool given_out) {
  or_value_id_t x = input(graph, name, OR_FLOAT32, SHAPE(BATCH, QUERIES, HIDDEN));
  or_value_id_t heads = transposed(graph, "heads", reshaped(graph, "split", x, split, 4), swap, 4);
  if (given_out) or_expect_ok(or_graph_add_output(graph, heads));
  return heads;
}

static or_value_id_t with_past(or_graph_t *graph, const form_t *form, const char *name, or_value_id_t rows) {
  if (!form->past) return rows;
  or_value_id_t past = input(graph, name, OR_FLOAT32, SHAPE(BATCH, HEADS, PAST, WIDTH));
  or_node_t *concat = node(graph, "Concat", "present", IDS(past, rows));
  attribute(concat, "axis", OR_ATTRIBUTE_INT)->integer = -2;
  or_value_id_t present = concat->outputs[0];
  or_expect_ok(or_graph_add_output(graph, present));
  return present;
}

static or_value_id_t keys_of(or_graph_t *graph, const form_t *form) {
  static const int64_t at_once[] = {0, 2, 3, 1}, last[] = {0, 1, 3, 2}, three[] = {0, 2, 1};
  if (form->keys == AT_ONCE) {
    or_value_id_t x = input(graph, "k", OR_FLOAT32, SHAPE(BATCH, QUERIES, HIDDEN));
    return transposed(graph, "keys", reshaped(graph, "split", x, split, 4), at_once, 4);
  }
  or_value_id_t k = with_past(graph, form, "past_k", heads_of(graph, "k", form->given_out));
  if (form->keys == LAST_TWO) return transposed(graph, "keys", k, last, 4);
  int64_t total = QUERIES + (form->past ? PAST : 0);
  or_value_id_t merged = reshaped(graph, "merged", k, (const int64_t[]){-1, total, WIDTH}, 3);
  or_value_id_t swapped = transposed(graph, "swapped", merged, three, 3);
  return reshaped(graph, "keys", swapped, (const int64_t[]){BATCH, HEADS, WIDTH, total}, 4);
}

static or_value_id_t scaled_scores(or_graph_t *graph, form_t *form, or_value_id_t q, or_value_id_t k) {
  if (form->scaling == BOTH_OPERANDS) {
    q = apply(graph, "Mul", "q_scaled", IDS(q, number(graph, "root", 0.8F)));
    k = apply(graph, "Mul", "k_scaled", IDS(number(graph, "root", 0.8F), k));
  }
  or_value_id_t scores = apply(graph, "MatMul", "scores", IDS(q, k));
  form->extra = scores;
  if (form->scaling == BOTH_OPERANDS) return scores;
  if (form->scaling == TWICE) scores = apply(graph, "Mul", "twice", IDS(scores, number(graph, "half", 0.5F)));
  return form->scaling == MULTIPLIED ? apply(graph, "Mul", "scaled", IDS(scores, number(graph, "factor", 0.4F)))
                                     : apply(graph, "Div", "scaled", IDS(scores, number(graph, "divisor", 2)));
}

static or_value_id_t causal_constant(or_graph_t *graph, bool seen, int64_t past) {
  static float numbers[QUERIES * (QUERIES + PAST)];
  static bool bools[QUERIES * (QUERIES + PAST)];
  int64_t total = QUERIES + past;
  for (int64_t i = 0; i < QUERIES; ++i) {
    for (int64_t j = 0; j < total; ++j) {
      bools[i * total + j] = j <= i + past;
      numbers[i * total + j] = j <= i + past ? 0 : -INFINITY;
    }
  }
  return seen ? constant(graph, "causal", OR_BOOL, SHAPE(1, 1, QUERIES, total), bools)
              : constant(graph, "causal", OR_FLOAT32, SHAPE(QUERIES, total), numbers);
}

static or_value_id_t masked(or_graph_t *graph, const form_t *form, or_value_id_t scores) {
  int64_t past = form->past ? PAST : 0, total = QUERIES + past;
  or_value_id_t low = number(graph, "low", form->low), mask = OR_NO_VALUE;
  if (form->mask == WHERE_CAUSAL || form->mask == WHERE_AND_ADDED)
    scores = apply(graph, "Where", "hidden", IDS(causal_constant(graph, true, past), scores, low));
  if (form->mask == WHERE_SEEN) {
    or_value_id_t seen = input(graph, "seen", OR_BOOL, SHAPE(BATCH, 1, 1, total));
    return apply(graph, "Where", "hidden", IDS(seen, scores, low));
  }
  if (form->mask == NO_MASK || form->mask == WHERE_CAUSAL) return scores;
  if (form->mask == ADDED_CAUSAL) {
    mask = causal_constant(graph, false, past);
  } else if (form->mask == SEEN) {
    or_value_id_t seen = input(graph, "seen", OR_BOOL, SHAPE(BATCH, 1, 1, total));
    mask = apply(graph, "Where", "mask", IDS(seen, number(graph, "zero", 0), low));
  } else {
    mask = input(graph, "mask", OR_FLOAT32, SHAPE(BATCH, 1, 1, total));
  }
  return form->value_first ? apply(graph, "Add", "masked", IDS(mask, scores))
                           : apply(graph, "Add", "masked", IDS(scores, mask));
}

static or_graph_t *network(form_t *form) {
  or_graph_t *graph = new_graph(&memory.base);
  or_value_id_t q = heads_of(graph, "q", false), k = keys_of(graph, form);
  or_value_id_t scores = masked(graph, form, scaled_scores(graph, form, q, k));
  or_node_t *softmax = node(graph, "Softmax", "softmax", IDS(scores));
  attribute(softmax, "axis", OR_ATTRIBUTE_INT)->integer = -1;
  or_value_id_t weights = softmax->outputs[0];
  or_value_id_t v = with_past(graph, form, "past_v", heads_of(graph, "v", form->given_out));
  or_value_id_t y = apply(graph, "MatMul", "mixed", IDS(weights, v));
  if (form->result != FOUR) {
    y = transposed(graph, "back", y, swap, 4);
    y = form->result == TWO ? reshaped(graph, "y", y, (const int64_t[]){-1, HIDDEN}, 2)
                            : reshaped(graph, "y", y, (const int64_t[]){BATCH, -1, HIDDEN}, 3);
  }
  or_expect_ok(or_graph_add_output(graph, y));
  return graph;
}

static void fill(const or_graph_t *graph, size_t i, void *out) {
  or_dtype_t dtype = graph->values[graph->inputs[i]].dtype;
  size_t count = bytes_of(graph, graph->inputs[i]) / or_dtype_bytes(dtype, 1);
  if (dtype == OR_FLOAT32) or_random_fill(&noise, OR_FLOAT32, out, count);
  for (size_t e = 0; dtype == OR_BOOL && e < count; ++e) ((bool *)out)[e] = e % 3 != 1;
}

/* Every output of the rewritten graph against the same graph as it was. */
static void assert_same_numbers(const or_graph_t *graph, const or_graph_t *rewritten) {
  static float inputs[8][512], expected[4][1024], got[4][1024];
  void *pointers[8], *wanted[4], *outputs[4];
  or_graph_t *plain = NULL;
  or_expect_ok(specialize_static(graph, true, &plain));
  for (size_t i = 0; i < graph->input_count; ++i) {
    pointers[i] = inputs[i];
    fill(graph, i, inputs[i]);
  }
  for (size_t i = 0; i < 4; ++i) {
    wanted[i] = expected[i];
    outputs[i] = got[i];
  }
  run_by_reference(plain, pointers, wanted);
  run_by_reference(rewritten, pointers, outputs);
  for (size_t i = 0; i < plain->output_count; ++i) {
    size_t count = bytes_of(plain, plain->outputs[i]) / sizeof(float);
    for (size_t e = 0; e < count; ++e) assert_true(fabs((double)got[i][e] - (double)expected[i][e]) < 1e-6);
  }
  or_graph_release(plain);
}

static or_graph_t *rewritten_form(form_t *form, or_graph_t **graph) {
  or_graph_t *special = NULL;
  *graph = network(form);
  finish_graph(*graph);
  or_expect_ok(specialize_static(*graph, false, &special));
  return special;
}

static int64_t int_of(const or_node_t *of, const char *name) {
  for (uint32_t i = 0; i < of->attribute_count; ++i) {
    if (strcmp(of->attributes[i].name, name) == 0) return of->attributes[i].integer;
  }
  return 0;
}

/* The one node that is left (two where the result has two dimensions), against its parts. */
static void expect_attention(form_t form, uint32_t inputs, bool causal, bool flat) {
  or_graph_t *graph = NULL, *special = rewritten_form(&form, &graph);
  const or_node_t *found = node_named(special, "softmax");
  assert_non_null(found);
  assert_string_equal(found->op, "Attention");
  assert_string_equal(found->domain, "");
  assert_ptr_equal(found->definition, or_op_find("", "Attention"));
  assert_int_equal(found->input_count, inputs);
  assert_int_equal(int_of(found, "is_causal"), causal);
  assert_int_equal(int_of(found, "q_num_heads"), flat ? HEADS : 0);
  uint32_t count = 0;
  for (size_t p = 0; p < special->pattern_count; ++p)
    count += strcmp(special->patterns[p].name, "attention") == 0 ? special->patterns[p].count : 0;
  assert_int_equal(count, 1);
  assert_same_numbers(graph, special);

  /* Its parts, for a device that takes them alone. */
  or_graph_t in_parts = *special;
  or_node_t *nodes = NULL;
  or_expect_ok(
      or_alloc_array(or_allocator_system(), special->node_count + found->part_count, sizeof *nodes, (void **)&nodes));
  in_parts.nodes = nodes;
  in_parts.node_count = 0;
  for (size_t n = 0; n < special->node_count; ++n) {
    const or_node_t *it = &special->nodes[n];
    for (uint32_t p = 0; p < it->part_count; ++p) nodes[in_parts.node_count++] = it->parts[p];
    if (it->part_count == 0) nodes[in_parts.node_count++] = *it;
  }
  assert_same_numbers(graph, &in_parts);
  or_free(or_allocator_system(), nodes);
  or_graph_release(special);
  or_graph_release(graph);
}

static void takes_the_transposes_around_it(void **state) {
  (void)state;
  expect_attention((form_t){.scaling = DIVIDED, .keys = AT_ONCE}, 3, false, true);
  expect_attention((form_t){.scaling = MULTIPLIED, .keys = LAST_TWO}, 3, false, true);
  expect_attention((form_t){.scaling = BOTH_OPERANDS, .keys = THROUGH_THREE}, 3, false, true);
  expect_attention((form_t){.scaling = TWICE, .keys = AT_ONCE}, 3, false, true);
}

static void gives_two_dimensions_by_a_reshape_of_three(void **state) {
  (void)state;
  expect_attention((form_t){.keys = AT_ONCE, .result = TWO}, 3, false, true);
}

static void keeps_four_dimensions_where_the_result_has_them(void **state) {
  (void)state;
  expect_attention((form_t){.keys = LAST_TWO, .past = true, .result = FOUR}, 6, false, false);
  expect_attention((form_t){.keys = THROUGH_THREE, .past = true, .result = FOUR}, 6, false, false);
}

static void takes_masks(void **state) {
  (void)state;
  expect_attention((form_t){.mask = ADDED}, 4, false, true);
  expect_attention((form_t){.mask = ADDED, .value_first = true, .scaling = BOTH_OPERANDS}, 4, false, true);
  expect_attention((form_t){.mask = SEEN, .low = -INFINITY}, 4, false, true);
  expect_attention((form_t){.mask = SEEN, .low = -3.4028235e38F}, 4, false, true);
  expect_attention((form_t){.mask = WHERE_SEEN, .low = -INFINITY}, 4, false, true);
}

static void constants_that_hide_the_future_are_causal(void **state) {
  (void)state;
  expect_attention((form_t){.mask = ADDED_CAUSAL}, 3, true, true);
  expect_attention((form_t){.mask = WHERE_CAUSAL, .low = -3.4028235e38F}, 3, true, true);
  expect_attention((form_t){.mask = WHERE_AND_ADDED, .low = -1e4F}, 4, true, true);
}

static void takes_the_past_and_gives_the_present(void **state) {
  (void)state;
  expect_attention((form_t){.keys = LAST_TWO, .past = true}, 6, false, true);
  expect_attention((form_t){.keys = LAST_TWO, .past = true, .mask = WHERE_CAUSAL, .low = -1e4F}, 6, true, true);
  expect_attention((form_t){.keys = THROUGH_THREE, .past = true, .mask = ADDED_CAUSAL, .result = TWO}, 6, true, true);
  expect_attention((form_t){.keys = THROUGH_THREE, .past = true, .mask = ADDED, .scaling = BOTH_OPERANDS}, 6, false,
                   true);
}

static void leaves_keys_and_values_that_are_given_out(void **state) {
  (void)state;
  expect_attention((form_t){.keys = LAST_TWO, .given_out = true, .mask = ADDED_CAUSAL}, 3, true, true);
  expect_attention((form_t){.keys = THROUGH_THREE, .given_out = true}, 3, false, true);
}

static void expect_none(or_graph_t *graph) {
  or_graph_t *special = NULL;
  finish_graph(graph);
  or_expect_ok(specialize_static(graph, false, &special));
  assert_non_null(node_named(special, "softmax"));
  assert_string_equal(node_named(special, "softmax")->op, "Softmax");
  or_graph_release(special);
  or_graph_release(graph);
}

static void leaves_what_others_read(void **state) {
  (void)state;
  form_t form = {.keys = AT_ONCE};
  or_graph_t *graph = network(&form);
  or_expect_ok(or_graph_add_output(graph, form.extra));
  expect_none(graph);
}

/* In a row that is hidden as a whole the lowest number weighs all keys evenly, as the operator's mask would not. */
static void leaves_a_low_number_in_the_place_of_scores(void **state) {
  (void)state;
  form_t form = {.mask = WHERE_SEEN, .low = -1e4F};
  expect_none(network(&form));
  form = (form_t){.mask = WHERE_CAUSAL, .low = -5};
  expect_none(network(&form));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(takes_the_transposes_around_it, set_up, tear_down),
      cmocka_unit_test_setup_teardown(gives_two_dimensions_by_a_reshape_of_three, set_up, tear_down),
      cmocka_unit_test_setup_teardown(keeps_four_dimensions_where_the_result_has_them, set_up, tear_down),
      cmocka_unit_test_setup_teardown(takes_masks, set_up, tear_down),
      cmocka_unit_test_setup_teardown(constants_that_hide_the_future_are_causal, set_up, tear_down),
      cmocka_unit_test_setup_teardown(takes_the_past_and_gives_the_present, set_up, tear_down),
      cmocka_unit_test_setup_teardown(leaves_keys_and_values_that_are_given_out, set_up, tear_down),
      cmocka_unit_test_setup_teardown(leaves_what_others_read, set_up, tear_down),
      cmocka_unit_test_setup_teardown(leaves_a_low_number_in_the_place_of_scores, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
