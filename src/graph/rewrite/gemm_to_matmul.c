/* Gemm between reshapes: exporters write a linear layer over [.., k] as Reshape to [m, k], Gemm, Reshape to [.., n]. It
 * is MatMul and Add without reshapes, and then what follows fuses as it does elsewhere. */
#include <string.h>

#include "graph/rewrite/rewrite_internal.h"

/* The nodes around a Gemm. */
typedef struct layer_t {
  uint32_t before, after;
  or_value_id_t source; /* what the product reads: of shape [.., k], or made so by `before` */
  bool reshaped;        /* by `before` */
} layer_t;

static bool matches(const or_rewriter_t *rewriter, const or_node_t *gemm, layer_t *layer);
static or_status_t reshape_rows(or_rewriter_t *rewriter, const or_node_t *gemm, const layer_t *layer);
static bool reshapes(const or_node_t *node);
static bool is_row_bias(const or_rewriter_t *rewriter, const or_node_t *gemm);
static or_status_t make(or_rewriter_t *rewriter, uint32_t index, const char *op, or_value_id_t a, or_value_id_t b);

or_status_t or_rewrite_gemm_to_matmul(or_rewriter_t *rewriter, uint32_t root) {
  or_graph_t *graph = rewriter->graph;
  const or_node_t gemm = graph->nodes[root];
  or_value_id_t product = gemm.outputs[0];
  layer_t layer;
  if (!matches(rewriter, &gemm, &layer)) return or_status_success();
  or_status_t status = or_status_success();
  if (layer.reshaped) status = reshape_rows(rewriter, &gemm, &layer);
  if (!or_ok(status)) return status;
  bool biased = gemm.input_count > 2 && gemm.inputs[2] != OR_NO_VALUE;
  or_rewrite_unread(rewriter, root);
  or_rewrite_unread(rewriter, layer.after);
  if (biased) {
    graph->values[product].shape = graph->values[graph->nodes[layer.after].outputs[0]].shape;
    status = make(rewriter, root, "MatMul", layer.source, gemm.inputs[1]);
    if (or_ok(status)) status = make(rewriter, layer.after, "Add", product, gemm.inputs[2]);
  } else {
    rewriter->dead[root] = true;
    status = make(rewriter, layer.after, "MatMul", layer.source, gemm.inputs[1]);
  }
  if (!or_ok(status)) return status;
  if (rewriter->consumers[gemm.inputs[0]] == 0) { /* not read by others, nor by the product */
    or_rewrite_unread(rewriter, layer.before);
    rewriter->dead[layer.before] = true;
  }
  or_rewrite_count(rewriter, 1);
  return status;
}

static bool matches(const or_rewriter_t *rewriter, const or_node_t *gemm, layer_t *layer) {
  const or_graph_t *graph = rewriter->graph;
  if (or_rewrite_float(gemm, "alpha", 1) != 1 || or_rewrite_int(gemm, "transA", 0) != 0) return false;
  if (or_rewrite_int(gemm, "transB", 0) != 0 || !is_row_bias(rewriter, gemm)) return false;
  layer->before = or_rewrite_producer(rewriter, gemm->inputs[0]);
  layer->after = or_rewrite_single_reader(rewriter, gemm->outputs[0]);
  if (layer->before == UINT32_MAX || layer->after == UINT32_MAX) return false;
  const or_node_t *before = &graph->nodes[layer->before], *after = &graph->nodes[layer->after];
  if (!reshapes(before) || !reshapes(after) || after->inputs[0] != gemm->outputs[0]) return false;
  const or_shape_t *x = &graph->values[before->inputs[0]].shape, *y = &graph->values[after->outputs[0]].shape;
  const or_shape_t *a = &graph->values[gemm->inputs[0]].shape, *c = &graph->values[gemm->outputs[0]].shape;
  if (a->rank != 2 || c->rank != 2 || y->rank < 3 || y->dims[y->rank - 1] != c->dims[1]) return false;
  bool same_rows = x->rank == y->rank && x->dims[x->rank - 1] == a->dims[1];
  for (int32_t d = 0; same_rows && d + 1 < x->rank; ++d) same_rows = x->dims[d] == y->dims[d];
  layer->reshaped = !same_rows;
  layer->source = same_rows ? before->inputs[0] : gemm->inputs[0];
  return same_rows || or_rewrite_single_reader(rewriter, gemm->inputs[0]) != UINT32_MAX;
}

/* Lets the reshape before the product give its rows as they lie after it: [.., k]. */
static or_status_t reshape_rows(or_rewriter_t *rewriter, const or_node_t *gemm, const layer_t *layer) {
  or_graph_t *graph = rewriter->graph;
  or_shape_t shape = graph->values[graph->nodes[layer->after].outputs[0]].shape;
  shape.dims[shape.rank - 1] = graph->values[gemm->inputs[0]].shape.dims[1];
  or_shape_t list = or_shape_make(1, (const int64_t[]){shape.rank});
  const or_constant_t *extents = NULL;
  or_value_id_t value = OR_NO_VALUE, source = graph->nodes[layer->before].inputs[0];
  or_status_t status = or_graph_constant(graph, OR_INT64, list, shape.dims, &extents);
  if (or_ok(status)) status = or_graph_add_value(graph, "", 0, OR_INT64, &list, &value);
  if (!or_ok(status)) return status;
  graph->values[value].constant = extents;
  graph->values[gemm->inputs[0]].shape = shape;
  or_rewrite_unread(rewriter, layer->before);
  return make(rewriter, layer->before, "Reshape", source, value);
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

/* Node `index` becomes an operator with two inputs; it keeps its name and output. */
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
