/* Gemm between reshapes: exporters write a linear layer over [.., k] as Reshape to [m, k], Gemm, Reshape to [.., n]. It
 * is MatMul and Add without reshapes, and then what follows fuses as it does elsewhere. */
#include <string.h>

#include "graph/rewrite/rewrite_internal.h"

static bool matches(const or_rewriter_t *rewriter, const or_node_t *gemm, or_value_id_t *source, uint32_t *after);
static bool reshapes(const or_node_t *node);
static bool is_row_bias(const or_rewriter_t *rewriter, const or_node_t *gemm);
static or_status_t make(or_rewriter_t *rewriter, uint32_t index, const char *op, or_value_id_t a, or_value_id_t b);

or_status_t or_rewrite_gemm_to_matmul(or_rewriter_t *rewriter, uint32_t root) {
  or_graph_t *graph = rewriter->graph;
  const or_node_t gemm = graph->nodes[root];
  or_value_id_t source = OR_NO_VALUE, product = gemm.outputs[0];
  uint32_t after = UINT32_MAX;
  if (!matches(rewriter, &gemm, &source, &after)) return or_status_success();
  bool biased = gemm.input_count > 2 && gemm.inputs[2] != OR_NO_VALUE;
  or_rewrite_unread(rewriter, root);
  or_rewrite_unread(rewriter, after);
  or_status_t status;
  if (biased) {
    graph->values[product].shape = graph->values[graph->nodes[after].outputs[0]].shape;
    status = make(rewriter, root, "MatMul", source, gemm.inputs[1]);
    if (or_ok(status)) status = make(rewriter, after, "Add", product, gemm.inputs[2]);
  } else {
    rewriter->dead[root] = true;
    status = make(rewriter, after, "MatMul", source, gemm.inputs[1]);
  }
  if (or_ok(status)) or_rewrite_count(rewriter, 1);
  return status;
}

static bool matches(const or_rewriter_t *rewriter, const or_node_t *gemm, or_value_id_t *source, uint32_t *after) {
  const or_graph_t *graph = rewriter->graph;
  if (or_rewrite_float(gemm, "alpha", 1) != 1 || or_rewrite_int(gemm, "transA", 0) != 0) return false;
  if (or_rewrite_int(gemm, "transB", 0) != 0 || !is_row_bias(rewriter, gemm)) return false;
  uint32_t before = or_rewrite_producer(rewriter, gemm->inputs[0]);
  *after = or_rewrite_single_reader(rewriter, gemm->outputs[0]);
  if (before == UINT32_MAX || *after == UINT32_MAX) return false;
  if (!reshapes(&graph->nodes[before]) || !reshapes(&graph->nodes[*after])) return false;
  if (graph->nodes[*after].inputs[0] != gemm->outputs[0]) return false;
  *source = graph->nodes[before].inputs[0];
  const or_shape_t *x = &graph->values[*source].shape, *y = &graph->values[graph->nodes[*after].outputs[0]].shape;
  const or_shape_t *a = &graph->values[gemm->inputs[0]].shape, *c = &graph->values[gemm->outputs[0]].shape;
  if (x->rank < 2 || x->rank != y->rank || a->rank != 2 || c->rank != 2) return false;
  for (int32_t d = 0; d + 1 < x->rank; ++d) {
    if (x->dims[d] != y->dims[d]) return false;
  }
  return x->dims[x->rank - 1] == a->dims[1] && y->dims[y->rank - 1] == c->dims[1];
}

static bool reshapes(const or_node_t *node) {
  static const char *const names[] = {"Reshape", "Flatten", "Squeeze", "Unsqueeze"};
  for (size_t i = 0; i < sizeof names / sizeof *names; ++i) {
    if (or_rewrite_is(node, names[i])) return node->output_count == 1;
  }
  return false;
}

/* None, or one element a column, taken once. */
static bool is_row_bias(const or_rewriter_t *rewriter, const or_node_t *gemm) {
  const or_graph_t *graph = rewriter->graph;
  if (gemm->input_count < 3 || gemm->inputs[2] == OR_NO_VALUE) return true;
  const or_shape_t *bias = &graph->values[gemm->inputs[2]].shape;
  int64_t columns = graph->values[gemm->outputs[0]].shape.dims[1];
  if (or_rewrite_float(gemm, "beta", 1) != 1 || bias->rank < 1 || bias->rank > 2) return false;
  return bias->dims[bias->rank - 1] == columns && (bias->rank == 1 || bias->dims[0] == 1);
}

/* Node `index` becomes an operator of two operands; it keeps its name and output. */
static or_status_t make(or_rewriter_t *rewriter, uint32_t index, const char *op, or_value_id_t a, or_value_id_t b) {
  or_node_t *node = &rewriter->graph->nodes[index];
  void *inputs = NULL;
  or_status_t status = or_arena_array(&rewriter->graph->arena, 2, sizeof(or_value_id_t), &inputs);
  if (!or_ok(status)) return status;
  memcpy(inputs, (const or_value_id_t[]){a, b}, 2 * sizeof(or_value_id_t));
  node->op = op;
  node->definition = or_op_find("", op);
  node->version = or_op_version(node->definition, or_op_newest_opset(""));
  node->inputs = inputs;
  node->input_count = 2;
  node->attribute_count = 0;
  or_rewrite_read(rewriter, index);
  return or_status_success();
}
