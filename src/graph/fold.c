/* Constant folding: a node whose inputs are known is computed once, by its C reference. */
#include <string.h>

#include "graph/expansion.h"
#include "graph/graph_internal.h"

/* More than this is left to the device, which is much faster than a reference. */
#define MAX_FOLD_FLOPS 1e9
#define SMALL_ELEMENTS 1024u           /* of outputs, which are made even where no work is left for it */
#define LARGE_BYTES ((size_t)64 << 10) /* more is transposed and widened as it is read */

static bool needs_shape_only(const or_op_t *op);
static bool keeps_bytes(const or_op_t *op);
static or_status_t share_tensor_attribute(or_graph_t *graph, const or_node_t *node, bool *folded);
static or_status_t share_bytes(or_graph_t *graph, const or_node_call_t *call, const or_constant_t *constant,
                               bool *folded);
static or_status_t derive_large(or_graph_t *graph, const or_node_call_t *call, bool *folded);
static bool turns_large_matrix(const or_graph_t *graph, const or_node_t *node);
static bool widens_large(const or_graph_t *graph, const or_op_call_t *call);
static bool outputs_are_small(or_graph_t *graph, const or_op_call_t *call, size_t input_bytes);
static or_status_t compute(or_graph_t *graph, or_node_call_t *call, bool *folded);

or_status_t or_graph_fold_node(or_graph_t *graph, const bool *overridable, or_node_call_t *call, bool *folded) {
  const or_op_call_t *view = &call->call;
  const or_node_t *node = view->node;
  *folded = false;
  or_status_t status = share_tensor_attribute(graph, node, folded);
  /* Operators of our own are the work of compute tasks, which want them carried out. */
  if (!or_ok(status) || *folded || view->op->reference == NULL || view->op->domain[0] != '\0') return status;
  if (!or_op_is_repeatable(view->op, node)) return status;

  size_t input_bytes = 0;
  if (!needs_shape_only(view->op)) {
    for (uint32_t i = 0; i < node->input_count; ++i) {
      if (node->inputs[i] == OR_NO_VALUE) continue;
      const or_constant_t *constant = overridable[node->inputs[i]] ? NULL : graph->values[node->inputs[i]].constant;
      /* Of text only what lies in memory can be read; strings that come out are never made here. */
      if (constant != NULL && constant->dtype == OR_STRING && constant->data == NULL) return or_status_success();
      if (constant == NULL || !or_add_size(input_bytes, constant->bytes, &input_bytes)) return or_status_success();
    }
  } else if (node->input_count < 1 || !or_shape_is_static(&view->inputs[0].shape)) {
    return or_status_success();
  }
  for (uint32_t i = 0; i < node->output_count; ++i) {
    if (!or_shape_is_static(&view->outputs[i].shape) || view->outputs[i].dtype == OR_STRING) return or_status_success();
  }
  if (keeps_bytes(view->op)) return share_bytes(graph, call, graph->values[node->inputs[0]].constant, folded);
  status = derive_large(graph, call, folded);
  if (!or_ok(status) || *folded) return status;
  if (view->op->cost != NULL && view->op->cost(view).flops > MAX_FOLD_FLOPS) return or_status_success();
  if (!outputs_are_small(graph, view, input_bytes)) return or_status_success();

  for (uint32_t i = 0; or_ok(status) && i < node->input_count && !needs_shape_only(view->op); ++i) {
    if (node->inputs[i] != OR_NO_VALUE && view->inputs[i].data == NULL) {
      status = or_node_call_load(call, i, graph->values[node->inputs[i]].constant);
    }
  }
  return or_ok(status) ? compute(graph, call, folded) : status;
}

static bool needs_shape_only(const or_op_t *op) {
  return strcmp(op->name, "Shape") == 0 || strcmp(op->name, "Size") == 0;
}

/* Operators whose output is their first input's bytes under another shape. */
static bool keeps_bytes(const or_op_t *op) {
  static const char *const names[] = {"Identity", "Reshape", "Flatten", "Squeeze", "Unsqueeze"};
  for (size_t i = 0; i < sizeof names / sizeof *names; ++i) {
    if (strcmp(op->name, names[i]) == 0) return true;
  }
  return false;
}

/* Constant(value = tensor) gives the tensor itself; strings become one, as no reference makes any in the graph. */
static or_status_t share_tensor_attribute(or_graph_t *graph, const or_node_t *node, bool *folded) {
  if (strcmp(node->op, "Constant") != 0 || node->domain[0] != '\0' || node->attribute_count != 1)
    return or_status_success();
  const or_attribute_t *attribute = &node->attributes[0];
  if (node->output_count != 1 || node->outputs[0] == OR_NO_VALUE) return or_status_success();
  const or_constant_t **constant = &graph->values[node->outputs[0]].constant;
  const or_shape_t scalar = {.rank = 0}, list = {.rank = 1, .dims = {(int64_t)attribute->count}};
  or_status_t status = or_status_success();
  switch (attribute->kind) {
  case OR_ATTRIBUTE_TENSOR: *constant = attribute->tensor; break;
  case OR_ATTRIBUTE_STRING: status = or_graph_constant(graph, OR_STRING, scalar, &attribute->string, constant); break;
  case OR_ATTRIBUTE_STRINGS: status = or_graph_constant(graph, OR_STRING, list, attribute->strings, constant); break;
  default: return status;
  }
  *folded = or_ok(status);
  return status;
}

static or_status_t share_bytes(or_graph_t *graph, const or_node_call_t *call, const or_constant_t *constant,
                               bool *folded) {
  const or_node_t *node = call->call.node;
  void *memory = NULL;
  if (node->outputs[0] == OR_NO_VALUE || call->call.outputs[0].dtype != constant->dtype) return or_status_success();
  or_status_t status = or_arena_alloc(&graph->arena, sizeof(or_constant_t), &memory);
  if (!or_ok(status)) return status;
  or_constant_t *shared = memory;
  *shared = *constant; /* the reader's `source` included */
  shared->shape = call->call.outputs[0].shape;
  graph->values[node->outputs[0]].constant = shared;
  *folded = true;
  return or_status_success();
}

/* What is too large to stay in memory twice. */
static or_status_t derive_large(or_graph_t *graph, const or_node_call_t *call, bool *folded) {
  const or_node_t *node = call->call.node;
  const bool turns = turns_large_matrix(graph, node);
  if (!turns && !widens_large(graph, &call->call)) return or_status_success();
  const or_constant_t *source = graph->values[node->inputs[0]].constant,
                      **out = &graph->values[node->outputs[0]].constant;
  or_status_t status = turns ? or_transposed_constant(graph, source, out) : or_widened_constant(graph, source, out);
  *folded = or_ok(status);
  return status;
}

static bool widens_large(const or_graph_t *graph, const or_op_call_t *call) {
  const or_node_t *node = call->node;
  if (strcmp(node->op, "Cast") != 0 || node->outputs[0] == OR_NO_VALUE) return false;
  const or_constant_t *source = graph->values[node->inputs[0]].constant;
  const bool narrow = source->dtype == OR_FLOAT16 || source->dtype == OR_BFLOAT16;
  return narrow && call->outputs[0].dtype == OR_FLOAT32 && source->bytes > LARGE_BYTES;
}

/* A Transpose of a matrix. */
static bool turns_large_matrix(const or_graph_t *graph, const or_node_t *node) {
  if (strcmp(node->op, "Transpose") != 0 || node->outputs[0] == OR_NO_VALUE) return false;
  const or_constant_t *constant = graph->values[node->inputs[0]].constant;
  if (constant->shape.rank != 2 || constant->bytes <= LARGE_BYTES || constant->dtype == OR_STRING) return false;
  if (or_dtype_bits(constant->dtype) % 8 != 0) return false;
  for (uint32_t i = 0; i < node->attribute_count; ++i) {
    const or_attribute_t *perm = &node->attributes[i];
    if (strcmp(perm->name, "perm") == 0 && (perm->count != 2 || perm->integers[0] != 1)) return false;
  }
  return true;
}

/* What is not is left to a run, which gives its memory back. */
static bool outputs_are_small(or_graph_t *graph, const or_op_call_t *call, size_t input_bytes) {
  size_t total = 0;
  uint64_t elements = 0;
  for (uint32_t i = 0; i < call->output_count; ++i) {
    uint64_t count = 0;
    if (!or_shape_count(&call->outputs[i].shape, &count)) return false;
    if (!or_add_size(total, or_dtype_bytes(call->outputs[i].dtype, count), &total)) return false;
    if (__builtin_add_overflow(elements, count, &elements)) return false;
  }
  if (total > OR_GRAPH_FOLD_BYTES && total > input_bytes) return false;
  if (elements > SMALL_ELEMENTS && elements > or_fold_work_left(graph)) return false;
  const or_expansion_t expansion = {.limits = &graph->limits, .weight_bytes = or_graph_model_bytes(graph)};
  if (graph->folded_bytes + total > or_expansion_limit(&expansion)) return false;
  graph->folded_bytes += total;
  graph->fold_work += OR_STOP_COPIED(total); /* the hash */
  return true;
}

static or_status_t compute(or_graph_t *graph, or_node_call_t *call, bool *folded) {
  or_status_t status = or_status_success();
  or_op_call_t *view = &call->call;
  for (uint32_t i = 0; or_ok(status) && i < view->output_count; ++i) {
    or_constant_t *constant = NULL;
    status = or_graph_constant_begin(graph, view->outputs[i].dtype, view->outputs[i].shape, &view->outputs[i].data,
                                     &constant);
    if (or_ok(status) && view->node->outputs[i] != OR_NO_VALUE)
      graph->values[view->node->outputs[i]].constant = constant;
  }
  if (or_ok(status)) status = or_fold_call(graph, view, or_op_reference, folded);
  *folded = *folded && or_ok(status);
  for (uint32_t i = 0; i < view->output_count; ++i) {
    if (view->node->outputs[i] == OR_NO_VALUE) continue;
    or_value_info_t *value = &graph->values[view->node->outputs[i]];
    if (!*folded) {
      value->constant = NULL;
    } else {
      or_graph_constant_end((or_constant_t *)value->constant);
    }
  }
  return status;
}
