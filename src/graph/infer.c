/* One pass forward: each node's shapes and types from its inputs', and, where those are known, its values. */
#include <string.h>

#include "base/string.h"
#include "graph/control.h"
#include "graph/expansion.h"
#include "graph/graph_internal.h"
#include "ops/shape.h"

/* A constant that decides a shape is read even if it lies in the file; larger ones are not looked at. */
#define MAX_VALUE_INPUT_BYTES ((size_t)1 << 20)

/* Of an input that is looked at where little work is left. */
#define MAX_SEEN_ELEMENTS 1024u

typedef struct infer_t {
  or_graph_t *graph;
  bool *overridable;
  or_node_call_t call;
} infer_t;

static or_status_t infer_node(infer_t *infer, or_node_t *node, bool *folded);
static or_status_t infer_call(infer_t *infer);
static or_status_t infer_parts(infer_t *infer, const or_node_t *node);
static or_status_t show_values(infer_t *infer, const or_node_t *node);
static or_status_t set_output(const infer_t *infer, uint32_t index);
static or_shape_t merged_shape(const or_shape_t *declared, const or_shape_t *inferred);

or_status_t or_graph_infer(or_graph_t *graph, or_graph_pass_counts_t *counts) {
  infer_t infer = {.graph = graph, .call = {.allocator = graph->allocator}};
  or_status_t status = or_graph_overridable(graph, &infer.overridable);
  size_t kept = 0, done = 0;
  for (; or_ok(status) && done < graph->node_count; ++done) {
    or_node_t node = graph->nodes[done];
    bool folded = false;
    status = or_cancel_status(graph->cancel);
    if (!or_ok(status)) break;
    status = or_node_is_fused(&node) ? infer_parts(&infer, &node) : infer_node(&infer, &node, &folded);
    if (!or_ok(status)) {
      status = or_graph_node_error(graph, &node, status);
      break;
    }
    if (!folded) graph->nodes[kept++] = node;
  }
  uint32_t folded_count = (uint32_t)(done - kept);
  if (done > kept) memmove(&graph->nodes[kept], &graph->nodes[done], (graph->node_count - done) * sizeof(or_node_t));
  graph->node_count -= folded_count;
  or_graph_count(graph, counts, (or_graph_pass_counts_t){.folded = folded_count});
  or_node_call_deinit(&infer.call);
  or_free(graph->allocator, infer.overridable);
  return status;
}

static or_status_t infer_node(infer_t *infer, or_node_t *node, bool *folded) {
  *folded = false;
  const bool control = or_node_is_control(node);
  or_status_t status = or_status_success();
  if (control) status = or_graph_give_constants(infer->graph, infer->overridable, node);
  if (or_ok(status)) status = or_node_call_bind(&infer->call, infer->graph->values, node);
  if (or_ok(status)) status = show_values(infer, node);
  if (or_ok(status)) status = infer_call(infer);
  if (or_ok(status) && control) status = or_graph_infer_bodies(infer->graph, &infer->call.call);
  for (uint32_t i = 0; or_ok(status) && i < node->output_count; ++i) status = set_output(infer, i);
  if (or_ok(status)) status = or_graph_fold_node(infer->graph, infer->overridable, &infer->call, folded);
  return status;
}

/* What would take more work to look at than may be spent is not looked at. */
static or_status_t infer_call(infer_t *infer) {
  or_op_call_t *call = &infer->call.call;
  bool enough = true;
  or_status_t status = or_fold_call(infer->graph, call, or_op_infer, &enough);
  if (enough) return status;
  for (uint32_t i = 0; i < call->input_count; ++i) {
    uint64_t count = 0;
    if (!or_shape_count(&call->inputs[i].shape, &count) || count > MAX_SEEN_ELEMENTS)
      infer->call.tensors[i].data = NULL;
  }
  status = or_fold_call(infer->graph, call, or_op_infer, &enough);
  if (enough) return status;
  return or_error(OR_RESOURCE_EXHAUSTED, "its shape takes more work than limits.fold_work leaves");
}

/* Of a fused node the parts are inferred; nothing of it is folded. */
static or_status_t infer_parts(infer_t *infer, const or_node_t *node) {
  or_status_t status = or_status_success();
  for (uint32_t p = 0; or_ok(status) && p < node->part_count; ++p) {
    status = or_node_call_bind(&infer->call, infer->graph->values, &node->parts[p]);
    if (or_ok(status)) status = show_values(infer, &node->parts[p]);
    if (or_ok(status)) status = infer_call(infer);
    for (uint32_t i = 0; or_ok(status) && i < node->parts[p].output_count; ++i) status = set_output(infer, i);
  }
  return status;
}

/* Lets the call see the values of constants: resident ones, and those from the file that decide a shape. */
static or_status_t show_values(infer_t *infer, const or_node_t *node) {
  for (uint32_t i = 0; i < node->input_count; ++i) {
    or_value_id_t v = node->inputs[i];
    if (v == OR_NO_VALUE || infer->overridable[v]) continue;
    const or_constant_t *constant = infer->graph->values[v].constant;
    if (constant == NULL) continue;
    bool decides = i < 32 && (infer->call.call.op->value_inputs >> i & 1) != 0;
    if (constant->data == NULL && (!decides || constant->bytes > MAX_VALUE_INPUT_BYTES)) continue;
    or_status_t status = or_node_call_load(&infer->call, i, constant);
    if (!or_ok(status)) return status;
  }
  return or_status_success();
}

/* What was inferred wins over what the file declares; what is not known is taken from there. The call's output then has
 * what was kept. */
static or_status_t set_output(const infer_t *infer, uint32_t index) {
  or_value_id_t v = infer->call.call.node->outputs[index];
  if (v == OR_NO_VALUE) return or_status_success();
  or_value_info_t *value = &infer->graph->values[v];
  or_op_tensor_t *inferred = &infer->call.call.outputs[index];
  if (value->dtype != OR_DTYPE_NONE && inferred->dtype != OR_DTYPE_NONE && value->form != inferred->form) {
    return or_error(OR_INVALID_ARGUMENT, "output \"%s\" is declared to be something else than the %s that %s gives",
                    value->name, inferred->form == OR_FORM_TENSOR ? "tensor" : "sequence or optional",
                    infer->call.call.op->name);
  }
  value->form = inferred->form;
  if (inferred->dtype != OR_DTYPE_NONE) {
    if (value->dtype != OR_DTYPE_NONE && value->dtype != inferred->dtype) {
      return or_error(OR_INVALID_ARGUMENT, "output \"%s\" is declared as %s, and the operator gives %s", value->name,
                      or_dtype_name(value->dtype), or_dtype_name(inferred->dtype));
    }
    value->dtype = inferred->dtype;
  }
  value->shape = merged_shape(&value->shape, &inferred->shape);
  inferred->dtype = value->dtype;
  inferred->shape = value->shape;

  if (!or_shape_is_within(&value->shape, infer->graph->limits.tensor_elements)) {
    char text[200];
    return or_error(OR_RESOURCE_EXHAUSTED,
                    "output \"%s\" of shape %s has more than %llu elements, the limit: raise limits.tensor_elements",
                    value->name, or_shape_format(&value->shape, text, sizeof text),
                    (unsigned long long)infer->graph->limits.tensor_elements);
  }
  return or_status_success();
}

static or_shape_t merged_shape(const or_shape_t *declared, const or_shape_t *inferred) {
  if (inferred->rank == OR_RANK_UNKNOWN) return *declared;
  or_shape_t result = *inferred;
  if (declared->rank != inferred->rank) return result;
  for (int32_t d = 0; d < result.rank; ++d) {
    if (result.dims[d] == OR_DIM_UNKNOWN) result.dims[d] = declared->dims[d];
  }
  return result;
}
