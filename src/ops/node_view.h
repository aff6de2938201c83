#ifndef OR_OPS_NODE_VIEW_H
#define OR_OPS_NODE_VIEW_H
/* A node as the kernel families see it: the call of its (first) operator with shapes and resident constants, and what a
 * fused node adds to it. */

#include "base/alloc.h"
#include "openruntime/backend/subgraph.h"
#include "ops/epilogue.h"
#include "ops/op.h"

/* What follows a convolution or a matrix product: y = act(x + bias + residual). All over the same
 * channels: dimension 1 of a convolution's result, the last of a product's. */
typedef struct or_epilogue_t {
  or_value_id_t bias;     /* one element a channel; or OR_NO_VALUE */
  or_value_id_t residual; /* of the result's shape; or OR_NO_VALUE */
  or_act_t act;
} or_epilogue_t;

typedef struct or_node_view_t {
  const or_subgraph_t *subgraph;
  const or_node_t *node; /* as given */
  const or_node_t *core; /* the node itself, or the first part of a fused one */
  or_op_call_t call;     /* of the core; outputs of a fused node are the fused node's own */
  bool fused;
  or_epilogue_t epilogue;
} or_node_view_t;

/* Fills *out with arrays from `arena`. False in *known where the operator is unknown or a fused node holds what our
 * kernels can't add; `reason` says so. RESOURCE_EXHAUSTED. */
or_status_t or_node_view_make(or_arena_t *arena, const or_subgraph_t *subgraph, const or_node_t *node,
                              or_node_view_t *out, bool *known, char reason[160]);

/* The activation that a node of ai.onnx with one input is; false if kernels have none. */
bool or_view_read_activation(const or_node_t *node, or_act_t *act);

/* The result is the operand's bytes under another name or shape. */
bool or_view_is_alias(const or_node_view_t *view);

/* Shorthands. */
static inline bool or_view_is(const or_node_view_t *view, const or_op_t *op) { return view->call.op == op; }
static inline const or_op_tensor_t *or_view_input(const or_node_view_t *view, uint32_t index) {
  return &view->call.inputs[index];
}
static inline bool or_view_has_input(const or_node_view_t *view, uint32_t index) {
  return or_op_has_input(&view->call, index);
}
static inline const or_op_tensor_t *or_view_output(const or_node_view_t *view, uint32_t index) {
  return &view->call.outputs[index];
}
/* The constant of an input of the core, or NULL. */
const or_constant_t *or_view_constant_of(const or_node_view_t *view, or_value_id_t value);
static inline const or_constant_t *or_view_input_constant(const or_node_view_t *view, uint32_t index) {
  return or_view_constant_of(view, view->core->inputs[index]);
}
/* Elements of a static shape. */
static inline size_t or_view_count(const or_shape_t *shape) {
  uint64_t count = 0;
  return or_shape_count(shape, &count) ? (size_t)count : 0;
}
static inline size_t or_view_bytes(const or_op_tensor_t *tensor) {
  uint64_t count = 0;
  return or_shape_count(&tensor->shape, &count) ? or_dtype_bytes(tensor->dtype, count) : 0;
}

#endif
