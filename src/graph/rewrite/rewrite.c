#include <string.h>

#include "graph/rewrite/rewrite_internal.h"
#include "graph/rewrite/simplify_internal.h"

/* In this order, each over the whole graph: operators of their parts first, then what changes weights, then what
 * fuses. A pattern that stands in the file as the operator itself is counted with those that are found. */
static const struct {
  const char *name; /* for people; rows in sequence with the same name are counted together */
  const char *root; /* operator of ai.onnx at which the pattern begins */
  or_pattern_apply_t apply;
} patterns[] = {
    {"gemm as matmul", "Gemm", or_rewrite_gemm_to_matmul},
    {"layer norm", "LayerNormalization", or_rewrite_count_operator},
    {"layer norm", "Div", or_rewrite_layer_norm},
    {"layer norm", "Mul", or_rewrite_layer_norm},
    {"gelu", "Gelu", or_rewrite_count_operator},
    {"gelu", "Erf", or_rewrite_gelu_erf},
    {"gelu", "Tanh", or_rewrite_gelu_tanh},
    {"hard swish", "HardSwish", or_rewrite_count_operator},
    {"hard swish", "Clip", or_rewrite_hard_swish_clip},
    {"hard swish", "HardSigmoid", or_rewrite_hard_swish_sigmoid},
    {"conv+bn", "Conv", or_rewrite_conv_batch_norm},
    {"conv epilogue", "Conv", or_rewrite_conv},
    {"attention", "Softmax", or_rewrite_attention},
    {"matmul epilogue", "MatMul", or_rewrite_matmul},
    {"matmul epilogue", "Gemm", or_rewrite_gemm},
    {"embedding sum", "Add", or_rewrite_embedding_sum},
    {"add+layer norm", "LayerNormalization", or_rewrite_add_layer_norm}, /* last: where no product takes the Add */
};
enum { PATTERNS = sizeof patterns / sizeof *patterns };

static or_status_t begin(or_rewriter_t *rewriter);
static void end(or_rewriter_t *rewriter);
static or_status_t keep_counts(const or_rewriter_t *rewriter, const or_simplified_t *simplified);
static uint32_t drop_unread(or_rewriter_t *rewriter);
static or_status_t rewrite(or_graph_t *graph, const char *only, or_graph_pass_counts_t *counts);

or_status_t or_graph_rewrite(or_graph_t *graph, or_graph_pass_counts_t *counts) { return rewrite(graph, NULL, counts); }

or_status_t or_graph_rewrite_pattern(or_graph_t *graph, const char *name) { return rewrite(graph, name, NULL); }

static or_status_t rewrite(or_graph_t *graph, const char *only, or_graph_pass_counts_t *counts) {
  or_simplified_t simplified;
  or_status_t status = or_graph_simplify(graph, &simplified);
  if (!or_ok(status)) return status;
  or_rewriter_t rewriter = {.graph = graph, .value_count = graph->value_count};
  status = begin(&rewriter);
  for (uint32_t p = 0; p < PATTERNS; ++p) {
    if (only != NULL && strcmp(patterns[p].name, only) != 0) continue;
    rewriter.pattern = p;
    /* Backwards, so that of two convolutions that an Add joins the later one takes it: the other's result is there by
     * then. */
    for (uint32_t n = (uint32_t)graph->node_count; or_ok(status) && n-- > 0;) {
      if (!rewriter.dead[n] && or_rewrite_is(&graph->nodes[n], patterns[p].root))
        status = patterns[p].apply(&rewriter, n);
    }
  }
  if (or_ok(status)) status = keep_counts(&rewriter, &simplified);
  if (or_ok(status)) {
    or_graph_pass_counts_t done = {.fused = rewriter.fused_count, .removed = drop_unread(&rewriter)};
    done.removed += simplified.repeated_count + simplified.unread_count;
    or_graph_count(graph, counts, done);
  }
  end(&rewriter);
  return status;
}

static or_status_t begin(or_rewriter_t *rewriter) {
  const or_graph_t *graph = rewriter->graph;
  const or_allocator_t *allocator = graph->allocator;
  or_status_t status = or_alloc_array(allocator, graph->value_count, sizeof(uint32_t), (void **)&rewriter->producers);
  if (or_ok(status))
    status = or_alloc_array(allocator, graph->value_count, sizeof(uint32_t), (void **)&rewriter->consumers);
  if (or_ok(status))
    status = or_alloc_array(allocator, graph->value_count, sizeof(uint32_t), (void **)&rewriter->reader);
  if (or_ok(status)) status = or_alloc_array(allocator, graph->node_count, sizeof(bool), (void **)&rewriter->dead);
  if (or_ok(status)) status = or_alloc_array(allocator, PATTERNS, sizeof(uint32_t), (void **)&rewriter->counts);
  if (!or_ok(status)) return status;
  or_graph_uses(graph, rewriter->producers, rewriter->consumers);
  memset(rewriter->reader, 0xff, graph->value_count * sizeof(uint32_t));
  for (uint32_t n = 0; n < graph->node_count; ++n) {
    for (uint32_t i = 0; i < graph->nodes[n].input_count; ++i) {
      if (graph->nodes[n].inputs[i] != OR_NO_VALUE) rewriter->reader[graph->nodes[n].inputs[i]] = n;
    }
  }
  return or_status_success();
}

static void end(or_rewriter_t *rewriter) {
  void *const arrays[] = {rewriter->producers, rewriter->consumers, rewriter->reader, rewriter->dead, rewriter->counts};
  for (size_t i = 0; i < sizeof arrays / sizeof *arrays; ++i) or_free(rewriter->graph->allocator, arrays[i]);
}

static or_status_t keep_counts(const or_rewriter_t *rewriter, const or_simplified_t *simplified) {
  or_graph_t *graph = rewriter->graph;
  void *memory = NULL;
  or_status_t status = or_arena_array(&graph->arena, PATTERNS + 2, sizeof(or_pattern_report_t), &memory);
  if (!or_ok(status)) return status;
  or_pattern_report_t *found = memory;
  size_t count = 0;
  if (simplified->repeated_count > 0)
    found[count++] = (or_pattern_report_t){"common subexpression", simplified->repeated_count};
  if (simplified->chained_count > 0) found[count++] = (or_pattern_report_t){"reshape chain", simplified->chained_count};
  for (uint32_t p = 0; p < PATTERNS; ++p) {
    if (rewriter->counts[p] == 0) continue;
    if (count == 0 || strcmp(found[count - 1].name, patterns[p].name) != 0)
      found[count++] = (or_pattern_report_t){.name = patterns[p].name};
    found[count - 1].count += rewriter->counts[p];
  }
  graph->patterns = found;
  graph->pattern_count = count;
  return or_status_success();
}

/* Takes out what is fused, and what nobody reads any more: that number is returned. Backwards, so that whoever was read
 * by those only goes too. */
static uint32_t drop_unread(or_rewriter_t *rewriter) {
  or_graph_t *graph = rewriter->graph;
  uint32_t unread_count = 0;
  for (uint32_t n = (uint32_t)graph->node_count; n-- > 0;) {
    if (rewriter->dead[n]) continue;
    bool read = false;
    for (uint32_t i = 0; i < graph->nodes[n].output_count; ++i) {
      or_value_id_t v = graph->nodes[n].outputs[i];
      bool added = v != OR_NO_VALUE && v >= rewriter->value_count; /* by a pattern, for a node that reads it */
      read = read || added || (v < rewriter->value_count && rewriter->consumers[v] > 0);
    }
    if (read) continue;
    or_rewrite_unread(rewriter, n);
    rewriter->dead[n] = true;
    ++unread_count;
  }
  size_t kept = 0;
  for (size_t n = 0; n < graph->node_count; ++n) {
    if (!rewriter->dead[n]) graph->nodes[kept++] = graph->nodes[n];
  }
  graph->node_count = kept;
  return unread_count;
}

or_status_t or_rewrite_count_operator(or_rewriter_t *rewriter, uint32_t root) {
  (void)root;
  or_rewrite_count(rewriter, 0);
  return or_status_success();
}

void or_rewrite_count(or_rewriter_t *rewriter, uint32_t gone) {
  ++rewriter->counts[rewriter->pattern];
  rewriter->fused_count += gone;
}

/* An output of the graph that nobody reads has one consumer too, and no reader. */
uint32_t or_rewrite_single_reader(const or_rewriter_t *rewriter, or_value_id_t value) {
  if (value >= rewriter->value_count || rewriter->consumers[value] != 1) return UINT32_MAX;
  return rewriter->reader[value];
}

const or_constant_t *or_rewrite_constant(const or_rewriter_t *rewriter, or_value_id_t value) {
  if (value == OR_NO_VALUE) return NULL;
  const or_graph_t *graph = rewriter->graph;
  for (size_t i = 0; graph->parent == NULL && i < graph->input_count; ++i) {
    if (graph->inputs[i] == value) return NULL; /* a default that a run may override */
  }
  return graph->values[value].constant;
}

bool or_rewrite_is(const or_node_t *node, const char *op) {
  return node->domain[0] == '\0' && strcmp(node->op, op) == 0;
}

const char *or_graph_origin(const or_graph_t *graph, or_value_id_t value, const char *op) {
  return value < graph->origin_capacity && graph->origins[value] != NULL ? graph->origins[value] : op;
}

or_status_t or_graph_set_origin(or_graph_t *graph, or_value_id_t value, const char *words) {
  const char *copy = NULL;
  or_status_t status = or_arena_strndup(&graph->arena, words, strlen(words), &copy);
  if (or_ok(status)) {
    status = or_grow_array(graph->allocator, (size_t)value + 1, sizeof *graph->origins, (void **)&graph->origins,
                           &graph->origin_capacity);
  }
  if (or_ok(status)) graph->origins[value] = copy;
  return status;
}
