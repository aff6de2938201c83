/* MatMul [+ bias] [+ residual] [+ activation] -> one fused node. A product with a vector has no columns to add a bias
 * to. */
#include "graph/rewrite/rewrite_internal.h"

/* One element a column of the product, and nothing but ones before it. */
static bool is_column_bias(const or_rewriter_t *rewriter, or_value_id_t value, const or_shape_t *shape) {
  const or_shape_t *bias = &rewriter->graph->values[value].shape;
  if (shape->rank < 1 || bias->rank < 1 || bias->rank > shape->rank) return false;
  for (int32_t d = 0; d < bias->rank; ++d) {
    if (bias->dims[d] != (d + 1 == bias->rank ? shape->dims[shape->rank - 1] : 1)) return false;
  }
  return true;
}

or_status_t or_rewrite_matmul(or_rewriter_t *rewriter, uint32_t root) {
  const or_graph_t *graph = rewriter->graph;
  const or_node_t *product = &graph->nodes[root];
  bool matrices =
      graph->values[product->inputs[0]].shape.rank >= 2 && graph->values[product->inputs[1]].shape.rank >= 2;
  or_epilogue_t epilogue;
  or_epilogue_match(rewriter, root, matrices ? is_column_bias : NULL, &epilogue);
  return epilogue.part_count > 1 ? or_epilogue_fuse(rewriter, &epilogue) : or_status_success();
}
