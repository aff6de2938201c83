#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fixtures/counted.h"
#include "fixtures/graphs.h"

static void assert_shape(const or_graph_t *graph, or_value_id_t v, or_shape_t expected) {
  assert_true(or_shape_equal(&graph->values[v].shape, &expected));
}

static void carries_a_symbol_through(void **state) {
  (void)state;
  or_graph_t *graph = new_graph(&memory.base);
  size_t batch = 99;
  or_expect_ok(or_graph_symbol(graph, "batch", 5, &batch));
  const float weights[12] = {0};
  or_value_id_t x = input(graph, "x", OR_FLOAT32, SHAPE(OR_DIM_SYMBOL(0), 3));
  or_value_id_t w = constant(graph, "w", OR_FLOAT32, SHAPE(3, 4), weights);
  or_value_id_t y = apply(graph, "Relu", "y", IDS(apply(graph, "MatMul", "product", IDS(x, w))));
  or_expect_ok(or_graph_add_output(graph, y));
  finish_graph(graph);
  assert_int_equal(batch, 0);
  assert_shape(graph, y, SHAPE(OR_DIM_SYMBOL(0), 4));
  assert_int_equal(graph->values[y].dtype, OR_FLOAT32);
  or_graph_release(graph);
}

/* x [batch,4,6] -> Reshape(x, [Shape(x)[0], -1]): what exporters write for Flatten. */
static or_graph_t *reshape_by_shape(void) {
  or_graph_t *graph = new_graph(&memory.base);
  size_t symbol = 0;
  or_expect_ok(or_graph_symbol(graph, "batch", 5, &symbol));
  or_value_id_t x = input(graph, "x", OR_FLOAT32, SHAPE(OR_DIM_SYMBOL(symbol), 4, 6));
  or_value_id_t zero = integers(graph, "zero", 1, (const int64_t[]){0});
  or_value_id_t minus_one = integers(graph, "minus_one", 1, (const int64_t[]){-1});
  or_value_id_t first = apply(graph, "Gather", "first", IDS(apply(graph, "Shape", "shape", IDS(x)), zero));
  or_node_t *concat = node(graph, "Concat", "target", IDS(first, minus_one));
  attribute(concat, "axis", OR_ATTRIBUTE_INT)->integer = 0;
  or_value_id_t y = apply(graph, "Reshape", "y", IDS(x, concat->outputs[0]));
  or_expect_ok(or_graph_add_output(graph, y));
  finish_graph(graph);
  return graph;
}

static void folds_a_shape_that_is_computed_from_a_shape(void **state) {
  (void)state;
  or_graph_t *graph = reshape_by_shape();
  assert_int_equal(graph->node_count, 4); /* the batch is not known yet */
  or_graph_t *special = NULL;
  or_graph_pass_counts_t counts = {0};
  or_graph_binding_t binding = {.shape = SHAPE(5, 4, 6), .given = true};
  or_expect_ok(or_graph_specialize(graph, &binding, false, NULL, &special, &counts));
  assert_int_equal(special->node_count, 1);
  assert_int_equal(counts.folded, 3);
  assert_string_equal(special->nodes[0].op, "Reshape");
  assert_shape(special, special->outputs[0], SHAPE(5, 24));
  assert_int_equal(graph->node_count, 4); /* the original is as it was */
  or_graph_release(graph);
  assert_int_equal(special->parent->node_count, 4); /* and lives as long as its copy */
  or_graph_release(special);
}

static void folds_what_is_computed_from_constants(void **state) {
  (void)state;
  or_graph_t *graph = new_graph(&memory.base);
  or_value_id_t a = constant(graph, "a", OR_FLOAT32, SHAPE(2), (const float[]){1, 2});
  or_value_id_t b = constant(graph, "b", OR_FLOAT32, SHAPE(2), (const float[]){10, 20});
  or_value_id_t sum = apply(graph, "Add", "sum", IDS(a, b));
  or_expect_ok(or_graph_add_output(graph, sum));
  finish_graph(graph);
  assert_int_equal(graph->node_count, 0);
  assert_int_equal(graph->counts.folded, 1);
  const float *values = graph->values[sum].constant->data;
  assert_true(values[0] == 11.0f && values[1] == 22.0f);
  or_graph_release(graph);
}

/* exp of 8192 known numbers: 8192 of work, and their hash 2048. */
static bool folds_within(uint64_t work) {
  static float numbers[8192];
  or_graph_t *graph = new_graph(&memory.base);
  graph->limits.fold_work = work;
  const or_value_id_t x = constant(graph, "x", OR_FLOAT32, SHAPE(8192), numbers);
  const or_value_id_t y = apply(graph, "Exp", "y", IDS(x));
  or_expect_ok(or_graph_add_output(graph, y));
  finish_graph(graph);
  const bool folded = graph->values[y].constant != NULL;
  assert_int_equal(graph->node_count, folded ? 0 : 1);
  assert_shape(graph, y, SHAPE(8192));
  if (folded) assert_true(*(const float *)graph->values[y].constant->data == 1.0f);
  or_graph_release(graph);
  return folded;
}

static void folds_as_much_as_there_is_work_for(void **state) {
  (void)state;
  assert_true(folds_within(8192 + 2048 + 1));
  assert_false(folds_within(8192 + 2048)); /* the last of it is one too many */
  assert_false(folds_within(8191));
}

/* A shape that takes too much work to find is not known, as if the data were not: the graph is as right as before. */
static void does_not_look_at_data_for_a_shape_without_work_left(void **state) {
  (void)state;
  static float numbers[8192];
  or_graph_t *graph = new_graph(&memory.base);
  graph->limits.fold_work = 1;
  const or_value_id_t x = constant(graph, "x", OR_FLOAT32, SHAPE(8192), numbers);
  const or_value_id_t few = constant(graph, "few", OR_FLOAT32, SHAPE(16), numbers);
  const or_value_id_t y = apply(graph, "Unique", "y", IDS(x)), z = apply(graph, "Unique", "z", IDS(few));
  or_expect_ok(or_graph_add_output(graph, y));
  or_expect_ok(or_graph_add_output(graph, z));
  finish_graph(graph);
  assert_shape(graph, y, SHAPE(OR_DIM_UNKNOWN));
  assert_shape(graph, z, SHAPE(1)); /* small ones always are looked at */
  or_graph_release(graph);
}

static void a_cancel_ends_what_a_shape_class_folds(void **state) {
  (void)state;
  or_cancel_t cancel;
  or_cancel_init(&cancel, INT64_MAX);
  or_graph_t *graph = new_graph(&memory.base), *special = NULL;
  or_expect_ok(or_graph_add_output(graph, apply(graph, "Neg", "y", IDS(input(graph, "x", OR_FLOAT32, SHAPE(4))))));
  finish_graph(graph);
  const or_graph_binding_t binding = {.shape = SHAPE(4), .given = true};
  or_expect_ok(or_graph_specialize(graph, &binding, false, &cancel, &special, NULL));
  assert_null(special->cancel);
  or_graph_release(special);
  or_cancel_request(&cancel);
  or_expect_words(or_graph_specialize(graph, &binding, false, &cancel, &special, NULL), OR_CANCELLED, "cancelled");
  or_graph_release(graph);
}

static or_status_t read_never(const or_constant_t *constant, size_t offset, void *destination, size_t length) {
  (void)constant;
  (void)offset;
  (void)destination;
  (void)length;
  return or_error(OR_DATA_LOSS, "nobody may read this");
}

static void reshapes_a_weight_in_a_file_without_reading_it(void **state) {
  (void)state;
  or_graph_t *graph = new_graph(&memory.base);
  or_constant_t weight = {.dtype = OR_FLOAT32, .shape = SHAPE(6), .bytes = 24, .hash = 7, .read = read_never};
  or_value_id_t w = value_of(graph, "w", OR_FLOAT32, SHAPE(6));
  graph->values[w].constant = &weight;
  or_value_id_t target = integers(graph, "target", 2, (const int64_t[]){2, 3});
  or_value_id_t y = apply(graph, "Reshape", "y", IDS(w, target));
  or_expect_ok(or_graph_add_output(graph, y));
  finish_graph(graph);
  assert_int_equal(graph->node_count, 0);
  assert_non_null(graph->values[y].constant);
  assert_int_equal(graph->values[y].constant->hash, 7);
  assert_shape(graph, y, SHAPE(2, 3));
  or_graph_release(graph);
}

static or_status_t read_target(const or_constant_t *constant_read, size_t offset, void *destination, size_t length) {
  memcpy(destination, (const char *)constant_read->source + offset, length);
  return or_status_success();
}

static void reads_a_value_in_a_file_that_decides_a_shape(void **state) {
  (void)state;
  static int64_t extents[2] = {3, 4};
  or_graph_t *graph = new_graph(&memory.base);
  or_constant_t target = {.dtype = OR_INT64, .shape = SHAPE(2), .bytes = 16, .read = read_target, .source = extents};
  or_value_id_t t = value_of(graph, "target", OR_INT64, SHAPE(2));
  graph->values[t].constant = &target;
  or_value_id_t y = apply(graph, "Reshape", "y", IDS(input(graph, "x", OR_FLOAT32, SHAPE(12)), t));
  or_expect_ok(or_graph_add_output(graph, y));
  finish_graph(graph);
  assert_shape(graph, y, SHAPE(3, 4));
  or_graph_release(graph);
}

static void folds_with_constants_in_a_file(void **state) {
  (void)state;
  static int64_t numbers[2] = {3, 4};
  or_graph_t *graph = new_graph(&memory.base);
  or_constant_t source = {.dtype = OR_INT64, .shape = SHAPE(2), .bytes = 16, .read = read_target, .source = numbers};
  or_value_id_t c = value_of(graph, "c", OR_INT64, SHAPE(2));
  graph->values[c].constant = &source;
  or_value_id_t y = apply(graph, "Neg", "y", IDS(c));
  or_expect_ok(or_graph_add_output(graph, y));
  finish_graph(graph);
  const int64_t *folded = graph->values[y].constant->data;
  assert_true(folded[0] == -3 && folded[1] == -4);

  void *scratch = NULL;
  size_t capacity = 0;
  const void *bytes = NULL;
  or_expect_ok(or_constant_bytes(&source, &memory.base, &scratch, &capacity, &bytes));
  assert_ptr_equal(bytes, scratch);
  assert_memory_equal(bytes, numbers, sizeof numbers);
  or_expect_ok(or_constant_bytes(graph->values[y].constant, &memory.base, &scratch, &capacity, &bytes));
  assert_ptr_equal(bytes, folded);
  or_free(&memory.base, scratch);
  or_graph_release(graph);
}

static void does_not_fold_the_work_of_compute_tasks(void **state) {
  (void)state;
  or_graph_t *graph = new_graph(&memory.base);
  or_value_id_t c = constant(graph, "c", OR_FLOAT32, SHAPE(2), (const float[]){3, 4});
  or_node_t *copy = node(graph, "Neg", "copy", IDS(c));
  copy->domain = "openruntime";
  copy->op = "Copy";
  copy->definition = or_op_find("openruntime", "Copy");
  or_expect_ok(or_graph_add_output(graph, copy->outputs[0]));
  finish_graph(graph);
  assert_int_equal(graph->node_count, 1);
  or_graph_release(graph);
}

static void does_not_fold_a_default_that_a_run_may_replace(void **state) {
  (void)state;
  or_graph_t *graph = new_graph(&memory.base);
  or_value_id_t a = constant(graph, "a", OR_FLOAT32, SHAPE(2), (const float[]){1, 2});
  or_expect_ok(or_graph_add_input(graph, a));
  or_value_id_t y = apply(graph, "Neg", "y", IDS(a));
  or_expect_ok(or_graph_add_output(graph, y));
  finish_graph(graph);
  assert_int_equal(graph->node_count, 1);

  or_graph_t *special = NULL;
  or_graph_binding_t binding = {.given = false};
  or_expect_ok(or_graph_specialize(graph, &binding, false, NULL, &special, NULL));
  assert_int_equal(special->node_count, 0); /* left out: the default it is */
  or_graph_release(special);
  binding = (or_graph_binding_t){.shape = SHAPE(2), .given = true};
  or_expect_ok(or_graph_specialize(graph, &binding, false, NULL, &special, NULL));
  assert_int_equal(special->node_count, 1);
  assert_null(special->values[a].constant);
  or_graph_release(special);
  or_graph_release(graph);
}

static void takes_the_inferred_shape_over_the_declared_one(void **state) {
  (void)state;
  or_graph_t *graph = new_graph(&memory.base);
  or_value_id_t x = input(graph, "x", OR_FLOAT32, SHAPE(2, 3));
  or_node_t *relu = node(graph, "Relu", "relu", IDS(x));
  or_value_id_t y = relu->outputs[0];
  graph->values[y].shape = SHAPE(1, 7);
  graph->values[y].dtype = OR_FLOAT32;
  or_expect_ok(or_graph_add_output(graph, y));
  finish_graph(graph);
  assert_shape(graph, y, SHAPE(2, 3));
  or_expect_ok(or_graph_infer(graph, NULL)); /* again: nothing changes */
  assert_shape(graph, y, SHAPE(2, 3));
  or_graph_release(graph);
}

static void refuses_a_declared_type_that_can_not_be(void **state) {
  (void)state;
  or_graph_t *graph = new_graph(&memory.base);
  or_value_id_t x = input(graph, "x", OR_FLOAT32, SHAPE(2));
  or_value_id_t y = apply(graph, "Relu", "relu", IDS(x));
  graph->values[y].dtype = OR_INT64;
  or_expect_ok(or_graph_sort(graph));
  or_expect_words(or_graph_infer(graph, NULL), OR_INVALID_ARGUMENT,
                  "node \"relu\" (Relu, opset 13): output \"relu\" is declared as int64");
  or_graph_release(graph);
}

static void names_node_operator_and_opset_in_an_error(void **state) {
  (void)state;
  or_graph_t *graph = new_graph(&memory.base);
  or_value_id_t a = input(graph, "a", OR_FLOAT32, SHAPE(2, 3)), b = input(graph, "b", OR_FLOAT32, SHAPE(4, 5));
  (void)apply(graph, "MatMul", "product", IDS(a, b));
  or_expect_ok(or_graph_sort(graph));
  or_expect_words(or_graph_infer(graph, NULL), OR_INVALID_ARGUMENT, "node \"product\" (MatMul, opset 13): ");
  or_graph_release(graph);
}

static void bounds_the_elements_of_a_tensor(void **state) {
  (void)state;
  or_graph_t *graph = NULL;
  or_expect_ok(or_graph_create(&memory.base, "small", &(or_model_limits_t){.tensor_elements = 100}, &graph));
  graph->opset = 13;
  or_value_id_t a = input(graph, "a", OR_FLOAT32, SHAPE(11, 1)), b = input(graph, "b", OR_FLOAT32, SHAPE(1, 11));
  (void)apply(graph, "MatMul", "product", IDS(a, b));
  or_expect_ok(or_graph_sort(graph));
  or_expect_words(or_graph_infer(graph, NULL), OR_RESOURCE_EXHAUSTED, "more than 100 elements");
  or_graph_release(graph);
}

/* Operators would walk along the other extents of what has no elements. */
static void bounds_the_extents_of_a_tensor_without_elements(void **state) {
  (void)state;
  or_graph_t *graph = NULL;
  or_expect_ok(or_graph_create(&memory.base, "small", &(or_model_limits_t){.tensor_elements = 100}, &graph));
  graph->opset = 13;
  or_value_id_t a = input(graph, "a", OR_FLOAT32, SHAPE(0, 11, 1)), b = input(graph, "b", OR_FLOAT32, SHAPE(1, 11));
  (void)apply(graph, "MatMul", "product", IDS(a, b));
  or_expect_ok(or_graph_sort(graph));
  or_expect_words(or_graph_infer(graph, NULL), OR_RESOURCE_EXHAUSTED, "of shape [0,11,11] has more than 100 elements");
  or_graph_release(graph);
}

static void gives_the_tensor_of_a_constant_node_itself(void **state) {
  (void)state;
  or_graph_t *graph = new_graph(&memory.base);
  const or_constant_t *tensor = NULL;
  or_expect_ok(or_graph_constant(graph, OR_FLOAT32, SHAPE(2), (const float[]){3, 4}, &tensor));
  or_node_t *made = node(graph, "Constant", "c", NULL, 0);
  attribute(made, "value", OR_ATTRIBUTE_TENSOR)->tensor = tensor;
  or_value_id_t c = made->outputs[0];
  or_expect_ok(or_graph_add_output(graph, c));
  finish_graph(graph);
  assert_ptr_equal(graph->values[c].constant, tensor);
  assert_int_equal(graph->node_count, 0);
  or_graph_release(graph);
}

static void equal_constants_have_equal_hashes(void **state) {
  (void)state;
  or_graph_t *graph = new_graph(&memory.base);
  const or_constant_t *a = NULL, *b = NULL, *c = NULL;
  or_expect_ok(or_graph_constant(graph, OR_FLOAT32, SHAPE(2), (const float[]){3, 4}, &a));
  or_expect_ok(or_graph_constant(graph, OR_FLOAT32, SHAPE(2), (const float[]){3, 4}, &b));
  or_expect_ok(or_graph_constant(graph, OR_FLOAT32, SHAPE(2), (const float[]){3, 5}, &c));
  assert_true(a->hash == b->hash && a->hash != c->hash);
  or_graph_release(graph);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(carries_a_symbol_through, set_up, tear_down),
      cmocka_unit_test_setup_teardown(folds_a_shape_that_is_computed_from_a_shape, set_up, tear_down),
      cmocka_unit_test_setup_teardown(folds_what_is_computed_from_constants, set_up, tear_down),
      cmocka_unit_test_setup_teardown(reshapes_a_weight_in_a_file_without_reading_it, set_up, tear_down),
      cmocka_unit_test_setup_teardown(reads_a_value_in_a_file_that_decides_a_shape, set_up, tear_down),
      cmocka_unit_test_setup_teardown(folds_with_constants_in_a_file, set_up, tear_down),
      cmocka_unit_test_setup_teardown(does_not_fold_the_work_of_compute_tasks, set_up, tear_down),
      cmocka_unit_test_setup_teardown(does_not_fold_a_default_that_a_run_may_replace, set_up, tear_down),
      cmocka_unit_test_setup_teardown(takes_the_inferred_shape_over_the_declared_one, set_up, tear_down),
      cmocka_unit_test_setup_teardown(refuses_a_declared_type_that_can_not_be, set_up, tear_down),
      cmocka_unit_test_setup_teardown(names_node_operator_and_opset_in_an_error, set_up, tear_down),
      cmocka_unit_test_setup_teardown(bounds_the_elements_of_a_tensor, set_up, tear_down),
      cmocka_unit_test_setup_teardown(bounds_the_extents_of_a_tensor_without_elements, set_up, tear_down),
      cmocka_unit_test_setup_teardown(gives_the_tensor_of_a_constant_node_itself, set_up, tear_down),
      cmocka_unit_test_setup_teardown(folds_as_much_as_there_is_work_for, set_up, tear_down),
      cmocka_unit_test_setup_teardown(does_not_look_at_data_for_a_shape_without_work_left, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_cancel_ends_what_a_shape_class_folds, set_up, tear_down),
      cmocka_unit_test_setup_teardown(equal_constants_have_equal_hashes, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
