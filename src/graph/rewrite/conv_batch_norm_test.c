#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fixtures/counted.h"
#include "fixtures/graphs.h"

enum { CHANNELS = 5, IN_CHANNELS = 3, SIDE = 6, KERNEL = 3 };

/* A weight that lies in a file: read in pieces, never resident. */
typedef struct file_weight_t {
  or_constant_t constant;
  const char *bytes;
  size_t reads;
} file_weight_t;

static or_status_t read_file_weight(const or_constant_t *constant_read, size_t offset, void *destination,
                                    size_t length) {
  file_weight_t *weight = constant_read->source;
  assert_true(offset + length <= weight->constant.bytes);
  memcpy(destination, weight->bytes + offset, length);
  ++weight->reads;
  return or_status_success();
}

typedef struct network_t {
  or_graph_t *graph;
  or_value_id_t conv, norm;
} network_t;

static or_value_id_t channels_of(or_graph_t *graph, const char *name, double low, double high) {
  float data[CHANNELS];
  for (int c = 0; c < CHANNELS; ++c) data[c] = (float)(low + (high - low) * or_random_uniform(&noise));
  return constant(graph, name, OR_FLOAT32, SHAPE(CHANNELS), data);
}

static network_t make_network(bool with_bias, file_weight_t *lazy) {
  static float weights[CHANNELS * IN_CHANNELS * KERNEL * KERNEL];
  network_t network = {.graph = new_graph(&memory.base)};
  or_graph_t *graph = network.graph;
  or_value_id_t x = input(graph, "x", OR_FLOAT32, SHAPE(2, IN_CHANNELS, SIDE, SIDE));
  or_shape_t shape = SHAPE(CHANNELS, IN_CHANNELS, KERNEL, KERNEL);
  or_random_fill(&noise, OR_FLOAT32, weights, sizeof weights / sizeof *weights);
  or_value_id_t w = OR_NO_VALUE;
  if (lazy == NULL) {
    w = constant(graph, "w", OR_FLOAT32, shape, weights);
  } else {
    *lazy = (file_weight_t){.bytes = (const char *)weights};
    lazy->constant = (or_constant_t){.dtype = OR_FLOAT32,
                                     .shape = shape,
                                     .bytes = sizeof weights,
                                     .hash = 99,
                                     .read = read_file_weight,
                                     .source = lazy};
    w = value_of(graph, "w", OR_FLOAT32, shape);
    graph->values[w].constant = &lazy->constant;
  }
  or_value_id_t b = with_bias ? channels_of(graph, "b", -1, 1) : OR_NO_VALUE;
  network.conv = apply(graph, "Conv", "conv", (const or_value_id_t[]){x, w, b}, with_bias ? 3 : 2);
  or_value_id_t scale = channels_of(graph, "scale", -2, 2), bias = channels_of(graph, "bias", -1, 1);
  or_value_id_t mean = channels_of(graph, "mean", -1, 1), variance = channels_of(graph, "variance", 0.01, 3);
  or_node_t *norm = node(graph, "BatchNormalization", "norm", IDS(network.conv, scale, bias, mean, variance));
  attribute(norm, "epsilon", OR_ATTRIBUTE_FLOAT)->real = 1e-3f;
  network.norm = norm->outputs[0];
  return network;
}

/* The folded graph against the graph as it was, both by the references, which work in double: only the rounding of the
 * new weights to float lies between them. */
static void assert_same_result(const or_graph_t *graph, double tolerance) {
  static float x[2 * IN_CHANNELS * SIDE * SIDE], expected[2 * CHANNELS * SIDE * SIDE], got[2 * CHANNELS * SIDE * SIDE];
  or_graph_t *plain = NULL, *rewritten = NULL;
  or_random_fill(&noise, OR_FLOAT32, x, sizeof x / sizeof *x);
  or_expect_ok(specialize_static(graph, true, &plain));
  or_expect_ok(specialize_static(graph, false, &rewritten));
  assert_null(node_named(rewritten, "norm"));
  assert_non_null(node_named(plain, "norm"));
  run_by_reference(plain, (void *[]){x}, (void *[]){expected});
  run_by_reference(rewritten, (void *[]){x}, (void *[]){got});
  size_t count = bytes_of(plain, plain->outputs[0]) / sizeof(float);
  for (size_t i = 0; i < count; ++i)
    assert_true(fabs((double)got[i] - (double)expected[i]) <= tolerance * (1 + fabs((double)expected[i])));
  or_graph_release(plain);
  or_graph_release(rewritten);
}

static void gives_the_same_numbers_with_and_without_a_bias(void **state) {
  (void)state;
  for (int with_bias = 0; with_bias < 2; ++with_bias) {
    network_t network = make_network(with_bias != 0, NULL);
    or_expect_ok(or_graph_add_output(network.graph, network.norm));
    finish_graph(network.graph);
    assert_same_result(network.graph, 1e-5);
    or_graph_release(network.graph);
  }
}

static void small_weights_from_a_file_are_scaled_at_once(void **state) {
  (void)state;
  file_weight_t lazy;
  network_t network = make_network(true, &lazy);
  or_expect_ok(or_graph_add_output(network.graph, network.norm));
  finish_graph(network.graph);
  assert_int_equal(lazy.reads, 0);
  assert_same_result(network.graph, 1e-5);
  or_graph_release(network.graph);
}

static void says_what_the_convolution_stands_for(void **state) {
  (void)state;
  network_t network = make_network(true, NULL);
  or_expect_ok(or_graph_add_output(network.graph, network.norm));
  finish_graph(network.graph);
  or_graph_t *special = NULL;
  or_graph_pass_counts_t counts = {0};
  or_graph_binding_t binding = {.shape = network.graph->values[network.graph->inputs[0]].shape, .given = true};
  or_expect_ok(or_graph_specialize(network.graph, &binding, false, NULL, &special, &counts));
  assert_int_equal(special->node_count, 1);
  assert_int_equal(counts.fused, 1);
  assert_string_equal(special->origins[network.norm], "Conv+BatchNormalization");
  or_graph_release(special);
  or_graph_release(network.graph);
}

static void leaves_a_normalisation_that_trains(void **state) {
  (void)state;
  network_t network = make_network(false, NULL);
  network.graph->opset = 14;
  or_node_t *norm = node_named(network.graph, "norm");
  norm->version = 14;
  attribute(norm, "training_mode", OR_ATTRIBUTE_INT)->integer = 0;
  or_expect_ok(or_graph_add_output(network.graph, network.norm));
  finish_graph(network.graph);
  or_graph_t *special = NULL;
  or_expect_ok(specialize_static(network.graph, true, &special));
  ((or_attribute_t *)&node_named(special, "norm")->attributes[1])->integer = 1;
  or_expect_ok(or_graph_rewrite(special, NULL));
  assert_non_null(node_named(special, "norm"));
  ((or_attribute_t *)&node_named(special, "norm")->attributes[1])->integer = 0;
  or_expect_ok(or_graph_rewrite(special, NULL));
  assert_null(node_named(special, "norm"));
  or_graph_release(special);
  or_graph_release(network.graph);
}

/* In double, to the last digits. */
static void scales_weights_of_other_types(void **state) {
  (void)state;
  const double weights[2] = {3, -5}, scale[2] = {2, 4}, bias[2] = {1, 0.5}, mean[2] = {10, 20}, variance[2] = {4, 16};
  or_graph_t *graph = new_graph(&memory.base), *special = NULL;
  or_value_id_t x = input(graph, "x", OR_FLOAT64, SHAPE(1, 1, 1, 1));
  or_value_id_t conv =
      apply(graph, "Conv", "conv", IDS(x, constant(graph, "w", OR_FLOAT64, SHAPE(2, 1, 1, 1), weights)));
  or_value_id_t parameters[] = {
      conv, constant(graph, "scale", OR_FLOAT64, SHAPE(2), scale), constant(graph, "bias", OR_FLOAT64, SHAPE(2), bias),
      constant(graph, "mean", OR_FLOAT64, SHAPE(2), mean), constant(graph, "variance", OR_FLOAT64, SHAPE(2), variance)};
  or_node_t *norm = node(graph, "BatchNormalization", "norm", parameters, 5);
  attribute(norm, "epsilon", OR_ATTRIBUTE_FLOAT)->real = 0;
  or_expect_ok(or_graph_add_output(graph, norm->outputs[0]));
  finish_graph(graph);
  or_expect_ok(specialize_static(graph, false, &special));
  const double *scaled = special->values[special->nodes[0].inputs[1]].constant->data;
  const double *shifted = special->values[special->nodes[0].inputs[2]].constant->data;
  assert_true(scaled[0] == 3.0 && scaled[1] == -5.0); /* times 2 / sqrt(4), 4 / sqrt(16) */
  assert_true(shifted[0] == 1.0 - 10.0 && shifted[1] == 0.5 - 20.0);
  or_graph_release(special);
  or_graph_release(graph);
}

static void leaves_a_convolution_that_others_read(void **state) {
  (void)state;
  network_t network = make_network(false, NULL);
  or_expect_ok(or_graph_add_output(network.graph, network.norm));
  or_expect_ok(or_graph_add_output(network.graph, apply(network.graph, "Relu", "reader", IDS(network.conv))));
  finish_graph(network.graph);
  or_graph_t *special = NULL;
  or_expect_ok(specialize_static(network.graph, false, &special));
  assert_non_null(node_named(special, "norm"));
  or_graph_release(special);
  or_graph_release(network.graph);
}

static void leaves_a_convolution_that_is_an_output(void **state) {
  (void)state;
  network_t network = make_network(false, NULL);
  or_expect_ok(or_graph_add_output(network.graph, network.norm));
  or_expect_ok(or_graph_add_output(network.graph, network.conv));
  finish_graph(network.graph);
  or_graph_t *special = NULL;
  or_expect_ok(specialize_static(network.graph, false, &special));
  assert_non_null(node_named(special, "norm"));
  or_graph_release(special);
  or_graph_release(network.graph);
}

/* 96 x 192 x 1 x 1 floats are above what is kept resident: the scaled weights are computed as they are read. */
static void large_weights_are_scaled_as_they_are_read(void **state) {
  (void)state;
  enum { OUT = 96, IN = 192 };
  static float weights[OUT * IN], scaled[OUT * IN];
  float scale[OUT], zero[OUT] = {0}, one[OUT];
  or_random_fill(&noise, OR_FLOAT32, weights, OUT * IN);
  for (int c = 0; c < OUT; ++c) {
    scale[c] = (float)(c - 40);
    one[c] = 1;
  }
  or_graph_t *graph = new_graph(&memory.base);
  or_value_id_t x = input(graph, "x", OR_FLOAT32, SHAPE(1, IN, 2, 2));
  file_weight_t lazy = {.bytes = (const char *)weights};
  lazy.constant = (or_constant_t){.dtype = OR_FLOAT32,
                                  .shape = SHAPE(OUT, IN, 1, 1),
                                  .bytes = sizeof weights,
                                  .hash = 5,
                                  .read = read_file_weight,
                                  .source = &lazy};
  or_value_id_t w = value_of(graph, "w", OR_FLOAT32, SHAPE(OUT, IN, 1, 1));
  graph->values[w].constant = &lazy.constant;
  or_value_id_t conv = apply(graph, "Conv", "conv", IDS(x, w));
  or_node_t *norm = node(graph, "BatchNormalization", "norm",
                         IDS(conv, constant(graph, "scale", OR_FLOAT32, SHAPE(OUT), scale),
                             constant(graph, "bias", OR_FLOAT32, SHAPE(OUT), zero),
                             constant(graph, "mean", OR_FLOAT32, SHAPE(OUT), zero),
                             constant(graph, "variance", OR_FLOAT32, SHAPE(OUT), one)));
  attribute(norm, "epsilon", OR_ATTRIBUTE_FLOAT)->real = 0;
  or_expect_ok(or_graph_add_output(graph, norm->outputs[0]));
  finish_graph(graph);
  or_graph_t *special = NULL;
  or_expect_ok(specialize_static(graph, false, &special));
  assert_int_equal(lazy.reads, 0); /* nothing read yet, nothing copied */
  const or_constant_t *derived = special->values[special->nodes[0].inputs[1]].constant;
  assert_null(derived->data);
  assert_true(derived->hash != lazy.constant.hash);

  for (size_t piece = 1; piece <= sizeof weights; piece = piece * 7 + 1) { /* pieces that cut elements, too */
    memset(scaled, 0, sizeof scaled);
    for (size_t at = 0; at < sizeof weights; at += piece) {
      size_t length = sizeof weights - at < piece ? sizeof weights - at : piece;
      or_expect_ok(derived->read(derived, at, (char *)scaled + at, length));
    }
    for (int c = 0; c < OUT; ++c) {
      for (int k = 0; k < IN; ++k) assert_true(scaled[c * IN + k] == weights[c * IN + k] * scale[c]);
    }
  }
  or_graph_release(special);
  or_graph_release(graph);
}

static void gives_back_every_byte_when_the_nth_allocation_fails(void **state) {
  (void)state;
  network_t network = make_network(true, NULL);
  or_expect_ok(or_graph_add_output(network.graph, network.norm));
  finish_graph(network.graph);
  size_t before = memory.live_bytes;
  for (size_t n = 1;; ++n) {
    or_graph_t *special = NULL;
    memory.fail_at = memory.alloc_count + n;
    or_status_t status = specialize_static(network.graph, false, &special);
    memory.fail_at = 0;
    if (or_ok(status)) {
      or_graph_release(special);
      break;
    }
    or_expect(status, OR_RESOURCE_EXHAUSTED);
    assert_int_equal(memory.live_bytes, before);
  }
  or_graph_release(network.graph);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(gives_the_same_numbers_with_and_without_a_bias, set_up, tear_down),
      cmocka_unit_test_setup_teardown(small_weights_from_a_file_are_scaled_at_once, set_up, tear_down),
      cmocka_unit_test_setup_teardown(says_what_the_convolution_stands_for, set_up, tear_down),
      cmocka_unit_test_setup_teardown(leaves_a_normalisation_that_trains, set_up, tear_down),
      cmocka_unit_test_setup_teardown(scales_weights_of_other_types, set_up, tear_down),
      cmocka_unit_test_setup_teardown(leaves_a_convolution_that_others_read, set_up, tear_down),
      cmocka_unit_test_setup_teardown(leaves_a_convolution_that_is_an_output, set_up, tear_down),
      cmocka_unit_test_setup_teardown(large_weights_are_scaled_as_they_are_read, set_up, tear_down),
      cmocka_unit_test_setup_teardown(gives_back_every_byte_when_the_nth_allocation_fails, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
