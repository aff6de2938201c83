/* One shape class of a graph: a copy whose inputs are static, folded until every shape is known. */
#include <string.h>

#include "base/string.h"
#include "graph/expansion.h"
#include "graph/graph_internal.h"

static or_status_t copy_graph(const or_graph_t *graph, or_graph_t **out);
static or_status_t copy_symbols(const or_graph_t *graph, or_graph_t *copy);
static or_status_t copy_nodes(const or_graph_t *graph, or_graph_t *copy);
static or_status_t copy_ids(or_graph_t *graph, const or_value_id_t **ids, uint32_t count);
static void forget_shapes(or_graph_t *graph);
static or_status_t bind_input(or_graph_t *graph, size_t index, const or_graph_binding_t *binding, int64_t *symbols);
static or_status_t bind_extents(const or_graph_t *graph, const or_value_info_t *value, const or_shape_t *given,
                                int64_t *symbols);
static or_status_t bind_default(or_value_info_t *value);
static or_status_t check_static(const or_graph_t *graph);

or_status_t or_graph_specialize(const or_graph_t *graph, const or_graph_binding_t *bindings, bool no_fusion,
                                const or_cancel_t *cancel, or_graph_t **out, or_graph_pass_counts_t *counts) {
  or_graph_t *copy = NULL;
  int64_t *symbols = NULL; /* the extent that each was bound to; -1: none yet */
  *out = NULL;
  or_status_t status = copy_graph(graph, &copy);
  if (!or_ok(status)) return status;
  status = or_alloc_array(graph->allocator, graph->symbol_count, sizeof(int64_t), (void **)&symbols);
  if (or_ok(status)) memset(symbols, 0xff, graph->symbol_count * sizeof(int64_t));
  for (size_t i = 0; or_ok(status) && i < copy->input_count; ++i) status = bind_input(copy, i, &bindings[i], symbols);
  or_free(graph->allocator, symbols);
  copy->cancel = cancel;
  if (or_ok(status)) status = or_graph_infer(copy, counts);
  copy->cancel = NULL;
  if (or_ok(status)) status = or_graph_prune(copy, counts);
  if (or_ok(status)) status = check_static(copy);
  if (or_ok(status) && !no_fusion) status = or_graph_rewrite(copy, counts);
  if (!or_ok(status)) {
    or_graph_release(copy);
    return status;
  }
  *out = copy;
  return or_status_success();
}

or_status_t or_graph_cut(const or_graph_t *graph, const or_value_id_t *outputs, size_t count, or_graph_t **out) {
  or_graph_t *copy = NULL;
  *out = NULL;
  or_status_t status = copy_graph(graph, &copy);
  if (!or_ok(status)) return status;
  copy->output_count = 0;
  for (size_t i = 0; or_ok(status) && i < count; ++i) status = or_graph_add_output(copy, outputs[i]);
  if (or_ok(status)) status = copy_symbols(graph, copy);
  if (or_ok(status)) status = or_graph_infer(copy, NULL);
  if (or_ok(status)) status = or_graph_prune(copy, NULL);
  if (!or_ok(status)) {
    or_graph_release(copy);
    return status;
  }
  *out = copy;
  return or_status_success();
}

static or_status_t copy_symbols(const or_graph_t *graph, or_graph_t *copy) {
  or_status_t status = or_status_success();
  for (size_t s = 0; or_ok(status) && s < graph->symbol_count; ++s) {
    size_t index = 0;
    status = or_graph_symbol(copy, graph->symbols[s], strlen(graph->symbols[s]), &index);
  }
  return status;
}

/* Names, attributes and constants stay the parent's; what passes write to is the copy's own. */
static or_status_t copy_graph(const or_graph_t *graph, or_graph_t **out) {
  or_graph_t *copy = NULL;
  *out = NULL;
  or_status_t status = or_graph_create(graph->allocator, graph->name, &graph->limits, &copy);
  if (!or_ok(status)) return status;
  copy->parent = graph;
  or_graph_retain(graph);
  copy->opset = graph->opset;
  copy->counts = graph->counts;
  copy->file_node_count = graph->file_node_count;
  copy->weight_bytes = graph->weight_bytes;
  copy->model_bytes = graph->model_bytes;
  copy->folded_bytes = graph->folded_bytes;
  copy->fold_work = graph->fold_work;
  copy->synthetic = graph->synthetic;
  status = or_grow_array(copy->allocator, graph->value_count, sizeof *copy->values, (void **)&copy->values,
                         &copy->value_capacity);
  if (or_ok(status) && graph->value_count > 0)
    memcpy(copy->values, graph->values, graph->value_count * sizeof *copy->values);
  if (or_ok(status)) copy->value_count = graph->value_count;
  for (size_t i = 0; or_ok(status) && i < graph->input_count; ++i) status = or_graph_add_input(copy, graph->inputs[i]);
  for (size_t i = 0; or_ok(status) && i < graph->output_count; ++i)
    status = or_graph_add_output(copy, graph->outputs[i]);
  for (size_t i = 0; or_ok(status) && i < graph->origin_capacity; ++i) {
    if (graph->origins[i] != NULL) status = or_graph_set_origin(copy, (or_value_id_t)i, graph->origins[i]);
  }
  if (or_ok(status)) status = copy_nodes(graph, copy);
  if (!or_ok(status)) {
    or_graph_release(copy);
    return status;
  }
  forget_shapes(copy);
  *out = copy;
  return or_status_success();
}

static or_status_t copy_nodes(const or_graph_t *graph, or_graph_t *copy) {
  or_status_t status = or_grow_array(copy->allocator, graph->node_count, sizeof *copy->nodes, (void **)&copy->nodes,
                                     &copy->node_capacity);
  for (size_t n = 0; or_ok(status) && n < graph->node_count; ++n) {
    copy->nodes[n] = graph->nodes[n];
    status = copy_ids(copy, &copy->nodes[n].inputs, copy->nodes[n].input_count);
    if (or_ok(status)) status = copy_ids(copy, &copy->nodes[n].outputs, copy->nodes[n].output_count);
  }
  if (or_ok(status)) copy->node_count = graph->node_count;
  return status;
}

static or_status_t copy_ids(or_graph_t *graph, const or_value_id_t **ids, uint32_t count) {
  void *memory = NULL;
  or_status_t status = or_arena_array(&graph->arena, count, sizeof(or_value_id_t), &memory);
  if (!or_ok(status)) return status;
  if (count > 0) memcpy(memory, *ids, count * sizeof(or_value_id_t));
  *ids = memory;
  return or_status_success();
}

/* What the file or an earlier inference says about computed values is no more than a hint, and here every shape must be
 * certain. */
static void forget_shapes(or_graph_t *graph) {
  for (size_t n = 0; n < graph->node_count; ++n) {
    const or_node_t *node = &graph->nodes[n];
    for (uint32_t i = 0; i < node->output_count; ++i) {
      if (node->outputs[i] != OR_NO_VALUE) graph->values[node->outputs[i]].shape.rank = OR_RANK_UNKNOWN;
    }
  }
}

static or_status_t bind_input(or_graph_t *graph, size_t index, const or_graph_binding_t *binding, int64_t *symbols) {
  or_value_info_t *value = &graph->values[graph->inputs[index]];
  if (!binding->given) return bind_default(value);
  or_status_t status = bind_extents(graph, value, &binding->shape, symbols);
  if (!or_ok(status)) return status;
  value->shape = binding->shape;
  value->constant = NULL;
  uint64_t count = 0;
  if (!or_shape_count(&value->shape, &count) || !or_shape_is_within(&value->shape, graph->limits.tensor_elements)) {
    return or_error(OR_RESOURCE_EXHAUSTED,
                    "input \"%s\" has more than %llu elements, the limit: raise limits.tensor_elements", value->name,
                    (unsigned long long)graph->limits.tensor_elements);
  }
  if (binding->data == NULL) return or_status_success();
  if (count > OR_GRAPH_DECIDING_ELEMENTS) {
    return or_error(OR_UNIMPLEMENTED, "input \"%s\" decides a shape and has %llu elements; at most %u are looked at",
                    value->name, (unsigned long long)count, OR_GRAPH_DECIDING_ELEMENTS);
  }
  return or_graph_constant(graph, value->dtype, value->shape, binding->data, &value->constant);
}

static or_status_t bind_default(or_value_info_t *value) {
  if (value->constant != NULL) {
    value->shape = value->constant->shape;
    return or_status_success();
  }
  return or_error(OR_INVALID_ARGUMENT, "input \"%s\" is missing and has no default", value->name);
}

/* The same symbol must mean the same extent in every input. */
static or_status_t bind_extents(const or_graph_t *graph, const or_value_info_t *value, const or_shape_t *given,
                                int64_t *symbols) {
  char expected_text[160], given_text[160];
  const or_shape_t *expected = &value->shape;
  if (!or_shape_is_static(given))
    return or_error(OR_INVALID_ARGUMENT, "input \"%s\": the shape given is not static", value->name);
  if (expected->rank == OR_RANK_UNKNOWN) return or_status_success();
  bool fits = expected->rank == given->rank;
  for (int32_t d = 0; fits && d < given->rank; ++d) {
    fits = expected->dims[d] < 0 || expected->dims[d] == given->dims[d];
    if (expected->dims[d] > OR_DIM_SYMBOL(0)) continue;
    size_t s = OR_DIM_SYMBOL_INDEX(expected->dims[d]);
    const or_graph_t *names = graph->parent;
    if (s >= names->symbol_count) continue;
    if (symbols[s] >= 0 && symbols[s] != given->dims[d]) {
      return or_error(OR_INVALID_ARGUMENT,
                      "input \"%s\": dimension %d (\"%s\") is %lld, and an earlier input has %lld there", value->name,
                      d, names->symbols[s], (long long)given->dims[d], (long long)symbols[s]);
    }
    symbols[s] = given->dims[d];
  }
  if (fits) return or_status_success();
  return or_error(OR_INVALID_ARGUMENT, "input \"%s\": expected shape %s, got %s", value->name,
                  or_graph_format_shape(graph->parent, expected, expected_text, sizeof expected_text),
                  or_shape_format(given, given_text, sizeof given_text));
}

/* The node that is named is the first whose own output depends on data: where a later version splits the graph and
 * specialises the rest on what was computed. */
static or_status_t check_static(const or_graph_t *graph) {
  for (size_t n = 0; n < graph->node_count; ++n) {
    const or_node_t *node = &graph->nodes[n];
    for (uint32_t i = 0; i < node->output_count; ++i) {
      const or_value_info_t *value = node->outputs[i] == OR_NO_VALUE ? NULL : &graph->values[node->outputs[i]];
      if (value == NULL || (or_shape_is_static(&value->shape) && value->dtype != OR_DTYPE_NONE)) continue;
      return or_graph_node_error(graph, node,
                                 or_error(OR_UNIMPLEMENTED,
                                          "the shape of output \"%s\" depends on data that is known only "
                                          "while the model runs, which is not supported yet",
                                          value->name));
    }
  }
  return or_status_success();
}
