/* Conv [+ bias] [+ residual] [+ activation] -> one fused node. */
#include "graph/rewrite/rewrite_internal.h"

/* A constant with one element an output channel, and nothing but ones around that dimension. */
static bool is_channel_bias(const or_rewriter_t *rewriter, or_value_id_t value, const or_shape_t *shape) {
  const or_constant_t *constant = or_rewrite_constant(rewriter, value);
  if (constant == NULL || shape->rank < 2 || constant->shape.rank < shape->rank - 1) return false;
  int32_t channel = constant->shape.rank - (shape->rank - 1);
  for (int32_t d = 0; d < constant->shape.rank; ++d) {
    if (constant->shape.dims[d] != (d == channel ? shape->dims[1] : 1)) return false;
  }
  return true;
}

or_status_t or_rewrite_conv(or_rewriter_t *rewriter, uint32_t root) {
  const or_node_t *conv = &rewriter->graph->nodes[root];
  bool has_bias = conv->input_count > 2 && conv->inputs[2] != OR_NO_VALUE;
  or_epilogue_t epilogue;
  or_epilogue_match(rewriter, root, has_bias ? NULL : is_channel_bias, &epilogue);
  return epilogue.part_count > 1 ? or_epilogue_fuse(rewriter, &epilogue) : or_status_success();
}
