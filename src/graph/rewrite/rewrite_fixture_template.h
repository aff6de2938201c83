/* For tests of patterns, included once after fixtures/graphs.h and fixtures/counted.h: graphs before and after
   rewriting, and the references' results of both. */

#include <math.h>

static inline or_value_id_t weights(or_graph_t *graph, const char *name, or_shape_t shape) {
  static float data[4096];
  uint64_t count = 0;
  assert_true(or_shape_count(&shape, &count) && count <= 4096);
  or_random_fill(&noise, OR_FLOAT32, data, count);
  return constant(graph, name, OR_FLOAT32, shape, data);
}

static inline or_value_id_t number(or_graph_t *graph, double of) {
  float element = (float)of;
  return constant(graph, "number", OR_FLOAT32, or_shape_make(0, NULL), &element);
}

/* Specialised and rewritten; the fixture's graph stays for comparison. */
static inline or_graph_t *rewritten(or_graph_t *graph, or_value_id_t output) {
  or_graph_t *special = NULL;
  or_expect_ok(or_graph_add_output(graph, output));
  finish_graph(graph);
  or_expect_ok(specialize_static(graph, false, &special));
  return special;
}

static inline uint32_t found(const or_graph_t *graph, const char *pattern) {
  for (size_t i = 0; i < graph->pattern_count; ++i) {
    if (strcmp(graph->patterns[i].name, pattern) == 0) return graph->patterns[i].count;
  }
  return 0;
}

/* The first output of both graphs, on the same random inputs between -limit and limit. */
static inline void assert_same_results(const or_graph_t *graph, const or_graph_t *special, double limit,
                                       double tolerance) {
  static float inputs[4][4096], more[2][8][4096];
  void *pointers[4], *expected[8], *got[8];
  or_graph_t *plain = NULL;
  or_expect_ok(specialize_static(graph, true, &plain));
  for (size_t i = 0; i < graph->input_count; ++i) {
    assert_true(i < 4 && bytes_of(special, special->inputs[i]) <= sizeof inputs[i]);
    pointers[i] = inputs[i];
    if (graph->values[graph->inputs[i]].dtype == OR_INT64) {
      for (size_t k = 0; k < 2048; ++k) ((int64_t *)(void *)inputs[i])[k] = (int64_t)(k * 7 % 5);
      continue;
    }
    or_random_fill(&noise, OR_FLOAT32, inputs[i], 4096);
    for (size_t k = 0; k < 4096; ++k) inputs[i][k] *= (float)limit;
  }
  for (size_t i = 0; i < 8; ++i) {
    expected[i] = more[0][i];
    got[i] = more[1][i];
  }
  run_by_reference(plain, pointers, expected);
  run_by_reference(special, pointers, got);
  for (size_t o = 0; o < graph->output_count; ++o) {
    size_t count = bytes_of(plain, plain->outputs[o]) / sizeof(float);
    assert_int_equal(bytes_of(special, special->outputs[o]), bytes_of(plain, plain->outputs[o]));
    for (size_t i = 0; i < count; ++i) {
      double e = (double)more[0][o][i], g = (double)more[1][o][i];
      if (!(fabs(e - g) <= tolerance * (1 + fabs(e)))) fail_msg("output %zu, element %zu: %g, expected %g", o, i, g, e);
    }
  }
  or_graph_release(plain);
}
