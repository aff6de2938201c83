/* Fusing what follows a convolution or product. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fixtures/counted.h"
#include "fixtures/graphs.h"

static or_value_id_t weights(or_graph_t *graph, const char *name, or_shape_t shape) {
  static float data[1024];
  uint64_t count = 0;
  assert_true(or_shape_count(&shape, &count) && count <= 1024);
  or_random_fill(&noise, OR_FLOAT32, data, count);
  return constant(graph, name, OR_FLOAT32, shape, data);
}

static or_graph_t *rewritten(or_graph_t *graph, or_value_id_t output) {
  or_graph_t *special = NULL;
  or_expect_ok(or_graph_add_output(graph, output));
  finish_graph(graph);
  or_expect_ok(specialize_static(graph, false, &special));
  return special;
}

static void assert_parts(const or_node_t *fused, const char *op, size_t count, const char *const *parts) {
  assert_string_equal(fused->domain, "openruntime.fused");
  assert_string_equal(fused->op, op);
  assert_int_equal(fused->part_count, count);
  for (size_t p = 0; p < count; ++p) assert_string_equal(fused->parts[p].op, parts[p]);
}

/* The fused graph gives the very same bits, as the references carry out its parts. */
static void assert_same_as_unfused(const or_graph_t *graph, const or_graph_t *fused) {
  static float inputs[4][512], expected[512], got[512];
  void *pointers[4];
  or_graph_t *plain = NULL;
  or_expect_ok(specialize_static(graph, true, &plain));
  for (size_t i = 0; i < graph->input_count; ++i) {
    or_random_fill(&noise, OR_FLOAT32, inputs[i], 512);
    pointers[i] = inputs[i];
  }
  run_by_reference(plain, pointers, (void *[]){expected});
  run_by_reference(fused, pointers, (void *[]){got});
  assert_memory_equal(expected, got, bytes_of(plain, plain->outputs[0]));
  or_graph_release(plain);
}

static void fuses_convolution_residual_and_activation(void **state) {
  (void)state;
  or_graph_t *graph = new_graph(&memory.base);
  or_value_id_t x = input(graph, "x", OR_FLOAT32, SHAPE(1, 2, 4, 4)),
                other = input(graph, "other", OR_FLOAT32, SHAPE(1, 3, 4, 4));
  or_node_t *conv =
      node(graph, "Conv", "conv", IDS(x, weights(graph, "w", SHAPE(3, 2, 3, 3)), weights(graph, "b", SHAPE(3))));
  or_attribute_t *pads = attribute(conv, "pads", OR_ATTRIBUTE_INTS);
  pads->integers = (const int64_t[]){1, 1, 1, 1};
  pads->count = 4;
  or_value_id_t sum = apply(graph, "Add", "sum", IDS(other, conv->outputs[0]));
  or_value_id_t y = apply(graph, "Relu", "y", IDS(sum));
  or_graph_t *special = rewritten(graph, y);
  assert_int_equal(special->node_count, 1);
  const or_node_t *fused = &special->nodes[0];
  assert_parts(fused, "Conv", 3, (const char *const[]){"Conv", "Add", "Relu"});
  assert_string_equal(fused->name, "conv");
  assert_int_equal(fused->input_count, 4);
  assert_int_equal(fused->inputs[0], x);
  assert_int_equal(fused->inputs[3], other);
  assert_int_equal(fused->outputs[0], y);
  assert_int_equal(fused->attribute_count, 1);
  assert_string_equal(fused->attributes[0].name, "pads");
  special->values[y].shape.rank = OR_RANK_UNKNOWN;
  or_expect_ok(or_graph_infer(special, NULL)); /* through the parts */
  or_shape_t shape = SHAPE(1, 3, 4, 4);
  assert_true(or_shape_equal(&special->values[y].shape, &shape));
  assert_same_as_unfused(graph, special);
  or_graph_release(special);
  or_graph_release(graph);
}

static void leaves_room_for_a_bias_that_is_not_there(void **state) {
  (void)state;
  or_graph_t *graph = new_graph(&memory.base);
  or_value_id_t x = input(graph, "x", OR_FLOAT32, SHAPE(1, 2, 4, 4)),
                other = input(graph, "other", OR_FLOAT32, SHAPE(1, 3, 4, 4));
  or_value_id_t conv = apply(graph, "Conv", "conv", IDS(x, weights(graph, "w", SHAPE(3, 2, 1, 1))));
  or_graph_t *special = rewritten(graph, apply(graph, "Add", "sum", IDS(conv, other)));
  assert_int_equal(special->nodes[0].input_count, 4);
  assert_int_equal(special->nodes[0].inputs[2], OR_NO_VALUE);
  assert_int_equal(special->nodes[0].inputs[3], other);
  assert_same_as_unfused(graph, special);
  or_graph_release(special);
  or_graph_release(graph);
}

static void takes_a_constant_per_channel_as_the_bias(void **state) {
  (void)state;
  or_graph_t *graph = new_graph(&memory.base);
  or_value_id_t x = input(graph, "x", OR_FLOAT32, SHAPE(1, 2, 4, 4));
  or_value_id_t conv = apply(graph, "Conv", "conv", IDS(x, weights(graph, "w", SHAPE(3, 2, 1, 1))));
  or_value_id_t bias = weights(graph, "bias", SHAPE(1, 3, 1, 1));
  or_graph_t *special = rewritten(graph, apply(graph, "Add", "sum", IDS(conv, bias)));
  assert_parts(&special->nodes[0], "Conv", 2, (const char *const[]){"Conv", "Add"});
  assert_int_equal(special->nodes[0].input_count, 3);
  assert_int_equal(special->nodes[0].inputs[2], bias);
  assert_same_as_unfused(graph, special);
  or_graph_release(special);
  or_graph_release(graph);
}

static void fuses_a_clip_with_constant_bounds_only(void **state) {
  (void)state;
  for (int constant_bounds = 0; constant_bounds < 2; ++constant_bounds) {
    or_graph_t *graph = new_graph(&memory.base);
    or_value_id_t x = input(graph, "x", OR_FLOAT32, SHAPE(1, 2, 4, 4));
    or_value_id_t low = constant(graph, "low", OR_FLOAT32, or_shape_make(0, NULL), (const float[]){0});
    or_value_id_t high = constant_bounds
                             ? constant(graph, "high", OR_FLOAT32, or_shape_make(0, NULL), (const float[]){6})
                             : input(graph, "high", OR_FLOAT32, or_shape_make(0, NULL));
    or_value_id_t conv = apply(graph, "Conv", "conv", IDS(x, weights(graph, "w", SHAPE(3, 2, 1, 1))));
    or_graph_t *special = rewritten(graph, apply(graph, "Clip", "y", IDS(conv, low, high)));
    assert_int_equal(special->node_count, constant_bounds ? 1 : 2);
    if (constant_bounds) assert_parts(&special->nodes[0], "Conv", 2, (const char *const[]){"Conv", "Clip"});
    if (constant_bounds) assert_int_equal(special->nodes[0].input_count, 2);
    assert_same_as_unfused(graph, special);
    or_graph_release(special);
    or_graph_release(graph);
  }
}

static void fuses_product_bias_residual_and_activation(void **state) {
  (void)state;
  or_graph_t *graph = new_graph(&memory.base);
  or_value_id_t x = input(graph, "x", OR_FLOAT32, SHAPE(2, 3, 4)),
                other = input(graph, "other", OR_FLOAT32, SHAPE(2, 3, 5));
  or_value_id_t bias = weights(graph, "bias", SHAPE(5));
  or_value_id_t product = apply(graph, "MatMul", "product", IDS(x, weights(graph, "w", SHAPE(4, 5))));
  or_value_id_t biased = apply(graph, "Add", "biased", IDS(bias, product));
  or_value_id_t sum = apply(graph, "Add", "sum", IDS(biased, other));
  or_graph_t *special = rewritten(graph, apply(graph, "Tanh", "y", IDS(sum)));
  assert_int_equal(special->node_count, 1);
  assert_parts(&special->nodes[0], "MatMul", 4, (const char *const[]){"MatMul", "Add", "Add", "Tanh"});
  assert_int_equal(special->nodes[0].inputs[2], bias);
  assert_int_equal(special->nodes[0].inputs[3], other);
  assert_same_as_unfused(graph, special);
  or_graph_release(special);
  or_graph_release(graph);
}

static void fuses_silu_which_reads_its_input_twice(void **state) {
  (void)state;
  for (int also_an_output = 0; also_an_output < 2; ++also_an_output) {
    or_graph_t *graph = new_graph(&memory.base);
    or_value_id_t x = input(graph, "x", OR_FLOAT32, SHAPE(1, 2, 4, 4));
    or_value_id_t conv = apply(graph, "Conv", "conv", IDS(x, weights(graph, "w", SHAPE(3, 2, 1, 1))));
    or_value_id_t gate = apply(graph, "Sigmoid", "gate", IDS(conv));
    or_graph_t *special = NULL;
    or_expect_ok(or_graph_add_output(graph, apply(graph, "Mul", "y", IDS(gate, conv))));
    if (also_an_output) or_expect_ok(or_graph_add_output(graph, gate));
    finish_graph(graph);
    or_expect_ok(specialize_static(graph, false, &special));
    assert_int_equal(special->node_count, also_an_output ? 3 : 1);
    if (!also_an_output) {
      assert_parts(&special->nodes[0], "Conv", 3, (const char *const[]){"Conv", "Sigmoid", "Mul"});
      assert_same_as_unfused(graph, special);
    }
    or_graph_release(special);
    or_graph_release(graph);
  }
}

static void an_add_of_a_gemm_is_a_residual_never_its_bias(void **state) {
  (void)state;
  or_graph_t *graph = new_graph(&memory.base);
  or_value_id_t x = input(graph, "x", OR_FLOAT32, SHAPE(3, 4)), other = input(graph, "other", OR_FLOAT32, SHAPE(3, 5));
  or_value_id_t gemm =
      apply(graph, "Gemm", "gemm", IDS(x, weights(graph, "w", SHAPE(4, 5)), weights(graph, "c", SHAPE(5))));
  or_value_id_t sum = apply(graph, "Add", "sum", IDS(gemm, other));
  or_value_id_t again = apply(graph, "Add", "again", IDS(sum, weights(graph, "bias", SHAPE(5))));
  or_graph_t *special = rewritten(graph, again);
  assert_int_equal(special->node_count, 2);
  assert_parts(&special->nodes[0], "Gemm", 2, (const char *const[]){"Gemm", "Add"});
  assert_int_equal(special->nodes[0].inputs[3], other);
  assert_same_as_unfused(graph, special);
  or_graph_release(special);
  or_graph_release(graph);
}

static void leaves_a_product_that_two_nodes_read(void **state) {
  (void)state;
  or_graph_t *graph = new_graph(&memory.base);
  or_value_id_t x = input(graph, "x", OR_FLOAT32, SHAPE(3, 4));
  or_value_id_t product = apply(graph, "MatMul", "product", IDS(x, weights(graph, "w", SHAPE(4, 5))));
  or_value_id_t sum =
      apply(graph, "Add", "sum", IDS(apply(graph, "Relu", "a", IDS(product)), apply(graph, "Tanh", "b", IDS(product))));
  or_graph_t *special = rewritten(graph, sum);
  assert_int_equal(special->node_count, 4);
  or_graph_release(special);
  or_graph_release(graph);
}

static void leaves_a_product_added_to_itself(void **state) {
  (void)state;
  or_graph_t *graph = new_graph(&memory.base);
  or_value_id_t x = input(graph, "x", OR_FLOAT32, SHAPE(3, 4));
  or_value_id_t product = apply(graph, "MatMul", "product", IDS(x, weights(graph, "w", SHAPE(4, 5))));
  or_graph_t *special = rewritten(graph, apply(graph, "Add", "twice", IDS(product, product)));
  assert_int_equal(special->node_count, 2);
  or_graph_release(special);
  or_graph_release(graph);
}

static void leaves_a_product_that_is_an_output(void **state) {
  (void)state;
  or_graph_t *graph = new_graph(&memory.base);
  or_value_id_t x = input(graph, "x", OR_FLOAT32, SHAPE(3, 4));
  or_value_id_t product = apply(graph, "MatMul", "product", IDS(x, weights(graph, "w", SHAPE(4, 5))));
  or_expect_ok(or_graph_add_output(graph, product));
  or_graph_t *special = rewritten(graph, apply(graph, "Relu", "y", IDS(product)));
  assert_int_equal(special->node_count, 2);
  or_graph_release(special);
  or_graph_release(graph);
}

static void leaves_an_add_that_makes_the_result_larger(void **state) {
  (void)state;
  or_graph_t *graph = new_graph(&memory.base);
  or_value_id_t x = input(graph, "x", OR_FLOAT32, SHAPE(1, 4)),
                larger = input(graph, "larger", OR_FLOAT32, SHAPE(6, 5));
  or_value_id_t product = apply(graph, "MatMul", "product", IDS(x, weights(graph, "w", SHAPE(4, 5))));
  or_graph_t *special = rewritten(graph, apply(graph, "Add", "sum", IDS(product, larger)));
  assert_int_equal(special->node_count, 2);
  assert_same_as_unfused(graph, special);
  or_graph_release(special);
  or_graph_release(graph);
}

static void of_two_convolutions_the_later_takes_the_add(void **state) {
  (void)state;
  or_graph_t *graph = new_graph(&memory.base);
  or_value_id_t x = input(graph, "x", OR_FLOAT32, SHAPE(1, 2, 4, 4));
  or_value_id_t shortcut = apply(graph, "Conv", "shortcut", IDS(x, weights(graph, "v", SHAPE(3, 2, 1, 1))));
  or_value_id_t main_path = apply(graph, "Conv", "main", IDS(x, weights(graph, "w", SHAPE(3, 2, 1, 1))));
  or_value_id_t sum = apply(graph, "Add", "sum", IDS(shortcut, main_path));
  or_graph_t *special = rewritten(graph, apply(graph, "Relu", "y", IDS(sum)));
  assert_int_equal(special->node_count, 2);
  assert_string_equal(special->nodes[0].name, "shortcut");
  assert_string_equal(special->nodes[1].name, "main");
  assert_int_equal(special->nodes[1].inputs[3], shortcut);
  assert_same_as_unfused(graph, special);
  or_graph_release(special);
  or_graph_release(graph);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(fuses_convolution_residual_and_activation, set_up, tear_down),
      cmocka_unit_test_setup_teardown(leaves_room_for_a_bias_that_is_not_there, set_up, tear_down),
      cmocka_unit_test_setup_teardown(takes_a_constant_per_channel_as_the_bias, set_up, tear_down),
      cmocka_unit_test_setup_teardown(fuses_a_clip_with_constant_bounds_only, set_up, tear_down),
      cmocka_unit_test_setup_teardown(fuses_product_bias_residual_and_activation, set_up, tear_down),
      cmocka_unit_test_setup_teardown(fuses_silu_which_reads_its_input_twice, set_up, tear_down),
      cmocka_unit_test_setup_teardown(an_add_of_a_gemm_is_a_residual_never_its_bias, set_up, tear_down),
      cmocka_unit_test_setup_teardown(leaves_a_product_that_two_nodes_read, set_up, tear_down),
      cmocka_unit_test_setup_teardown(leaves_a_product_added_to_itself, set_up, tear_down),
      cmocka_unit_test_setup_teardown(leaves_a_product_that_is_an_output, set_up, tear_down),
      cmocka_unit_test_setup_teardown(leaves_an_add_that_makes_the_result_larger, set_up, tear_down),
      cmocka_unit_test_setup_teardown(of_two_convolutions_the_later_takes_the_add, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
