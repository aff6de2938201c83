/* Reshapes and transpositions in a row. Shapes are static, so whatever only changes the shape is a Reshape to a known
 * one: Reshape, Flatten, Squeeze, Unsqueeze. */
#include <string.h>

#include "graph/rewrite/simplify_internal.h"

static const or_node_t *producer_of(const or_simplifier_t *simplifier, or_value_id_t value);
static bool reshapes(const or_simplifier_t *simplifier, const or_node_t *node);
static or_status_t chain_reshape(or_simplifier_t *simplifier, uint32_t n);
static bool swaps_last_axes(const or_simplifier_t *simplifier, const or_node_t *last, or_value_id_t *source);
static or_status_t make_reshape(or_simplifier_t *simplifier, uint32_t n, or_value_id_t source);
static or_status_t chain_transpose(or_simplifier_t *simplifier, uint32_t n);
static or_status_t transpose_of(or_simplifier_t *simplifier, uint32_t n, or_value_id_t source, const int64_t *own);
static or_status_t make_transpose(or_simplifier_t *simplifier, uint32_t n, or_value_id_t source, const int64_t *order);
static bool order_of(const or_simplifier_t *simplifier, const or_node_t *node, int64_t order[OR_MAX_RANK]);

or_status_t or_simplify_chain(or_simplifier_t *simplifier, uint32_t n) {
  const or_node_t *node = &simplifier->graph->nodes[n];
  if (node->domain[0] != '\0' || node->output_count != 1 || node->input_count < 1) return or_status_success();
  if (reshapes(simplifier, node)) return chain_reshape(simplifier, n);
  if (strcmp(node->op, "Transpose") == 0) return chain_transpose(simplifier, n);
  return or_status_success();
}

static const or_node_t *producer_of(const or_simplifier_t *simplifier, or_value_id_t value) {
  if (value >= simplifier->value_count || simplifier->producers[value] == UINT32_MAX) return NULL;
  return &simplifier->graph->nodes[simplifier->producers[value]];
}

static bool reshapes(const or_simplifier_t *simplifier, const or_node_t *node) {
  static const char *const names[] = {"Reshape", "Flatten", "Squeeze", "Unsqueeze"};
  const or_graph_t *graph = simplifier->graph;
  bool known = false;
  for (size_t i = 0; i < sizeof names / sizeof *names; ++i) known = known || strcmp(node->op, names[i]) == 0;
  if (!known || node->domain[0] != '\0' || node->output_count != 1) return false;
  if (node->inputs[0] == OR_NO_VALUE || node->outputs[0] == OR_NO_VALUE) return false;
  return or_shape_is_static(&graph->values[node->outputs[0]].shape) &&
         graph->values[node->inputs[0]].dtype != OR_STRING;
}

static or_status_t chain_reshape(or_simplifier_t *simplifier, uint32_t n) {
  const or_graph_t *graph = simplifier->graph;
  const or_node_t *node = &graph->nodes[n];
  const or_shape_t *shape = &graph->values[node->outputs[0]].shape;
  or_value_id_t source = OR_NO_VALUE;
  if (swaps_last_axes(simplifier, node, &source)) {
    int64_t order[OR_MAX_RANK] = {0};
    for (int32_t d = 0; d < shape->rank; ++d) order[d] = d;
    order[shape->rank - 2] = shape->rank - 1;
    order[shape->rank - 1] = shape->rank - 2;
    return transpose_of(simplifier, n, source, order);
  }
  const or_node_t *before = producer_of(simplifier, node->inputs[0]);
  bool chained = before != NULL && reshapes(simplifier, before);
  source = chained ? before->inputs[0] : node->inputs[0];
  if (or_shape_equal(&graph->values[source].shape, shape) && or_simplify_bypass(simplifier, n, source)) {
    ++simplifier->chained_count;
    return or_status_success();
  }
  return chained ? make_reshape(simplifier, n, source) : or_status_success();
}

/* [.., a, b] -> [p, a, b] -> [p, b, a] -> [.., b, a]: a transposition of the last two axes. */
static bool swaps_last_axes(const or_simplifier_t *simplifier, const or_node_t *last, or_value_id_t *source) {
  static const int64_t swapped[] = {0, 2, 1};
  const or_value_info_t *values = simplifier->graph->values;
  const or_node_t *middle = producer_of(simplifier, last->inputs[0]);
  int64_t order[OR_MAX_RANK];
  if (middle == NULL || !order_of(simplifier, middle, order) || values[middle->inputs[0]].shape.rank != 3) return false;
  const or_node_t *first = producer_of(simplifier, middle->inputs[0]);
  if (memcmp(order, swapped, sizeof swapped) != 0 || first == NULL || !reshapes(simplifier, first)) return false;
  const or_shape_t *x = &values[first->inputs[0]].shape, *flat = &values[middle->inputs[0]].shape;
  const or_shape_t *y = &values[last->outputs[0]].shape;
  if (x->rank < 3 || y->rank != x->rank) return false;
  for (int32_t d = 0; d + 2 < x->rank; ++d) {
    if (x->dims[d] != y->dims[d]) return false;
  }
  *source = first->inputs[0];
  return x->dims[x->rank - 2] == flat->dims[1] && x->dims[x->rank - 1] == flat->dims[2] &&
         y->dims[y->rank - 2] == flat->dims[2] && y->dims[y->rank - 1] == flat->dims[1];
}

static or_status_t make_reshape(or_simplifier_t *simplifier, uint32_t n, or_value_id_t source) {
  or_graph_t *graph = simplifier->graph;
  or_shape_t shape = graph->values[graph->nodes[n].outputs[0]].shape;
  or_shape_t list = or_shape_make(1, (const int64_t[]){shape.rank});
  const or_constant_t *constant = NULL;
  void *inputs = NULL;
  or_value_id_t extents = OR_NO_VALUE;
  for (int32_t d = 0; d < shape.rank; ++d) {
    if (shape.dims[d] == 0) return or_status_success(); /* an extent of 0 has a meaning of its own there */
  }
  or_status_t status = or_graph_constant(graph, OR_INT64, list, shape.dims, &constant);
  if (or_ok(status)) status = or_graph_add_value(graph, "", 0, OR_INT64, &list, &extents);
  if (or_ok(status)) status = or_arena_array(&graph->arena, 2, sizeof(or_value_id_t), &inputs);
  if (!or_ok(status)) return status;
  graph->values[extents].constant = constant;
  memcpy(inputs, (const or_value_id_t[]){source, extents}, 2 * sizeof(or_value_id_t));
  or_node_t *node = &graph->nodes[n];
  node->op = "Reshape";
  node->definition = or_op_find("", "Reshape");
  node->version = or_op_version(node->definition, or_op_newest_opset(""));
  node->inputs = inputs;
  node->input_count = 2;
  node->attribute_count = 0;
  ++simplifier->chained_count;
  return or_status_success();
}

static or_status_t chain_transpose(or_simplifier_t *simplifier, uint32_t n) {
  const or_node_t *node = &simplifier->graph->nodes[n];
  const or_node_t *before = producer_of(simplifier, node->inputs[0]);
  int64_t own[OR_MAX_RANK] = {0}, first[OR_MAX_RANK] = {0};
  if (before == NULL || !order_of(simplifier, node, own) || !order_of(simplifier, before, first))
    return or_status_success();
  return transpose_of(simplifier, n, node->inputs[0], own);
}

/* Node `n` becomes the transposition of `source`, or of what is transposed there, or nothing if that cancels. */
static or_status_t transpose_of(or_simplifier_t *simplifier, uint32_t n, or_value_id_t source, const int64_t *own) {
  int32_t rank = simplifier->graph->values[source].shape.rank;
  const or_node_t *before = producer_of(simplifier, source);
  int64_t first[OR_MAX_RANK] = {0}, order[OR_MAX_RANK] = {0};
  bool chained = before != NULL && order_of(simplifier, before, first), identity = true;
  if (chained) source = before->inputs[0];
  for (int32_t d = 0; d < rank; ++d) {
    order[d] = chained ? first[own[d]] : own[d];
    identity = identity && order[d] == d;
  }
  if (identity && or_simplify_bypass(simplifier, n, source)) {
    ++simplifier->chained_count;
    return or_status_success();
  }
  return make_transpose(simplifier, n, source, order);
}

static or_status_t make_transpose(or_simplifier_t *simplifier, uint32_t n, or_value_id_t source, const int64_t *order) {
  or_graph_t *graph = simplifier->graph;
  size_t rank = (size_t)graph->values[source].shape.rank;
  void *inputs = NULL, *axes = NULL, *attributes = NULL;
  or_status_t status = or_arena_array(&graph->arena, 1, sizeof(or_value_id_t), &inputs);
  if (or_ok(status)) status = or_arena_array(&graph->arena, rank, sizeof(int64_t), &axes);
  if (or_ok(status)) status = or_arena_array(&graph->arena, 1, sizeof(or_attribute_t), &attributes);
  if (!or_ok(status)) return status;
  memcpy(inputs, &source, sizeof source);
  memcpy(axes, order, rank * sizeof *order);
  *(or_attribute_t *)attributes =
      (or_attribute_t){.name = "perm", .kind = OR_ATTRIBUTE_INTS, .integers = axes, .count = rank};
  or_node_t *node = &graph->nodes[n];
  node->op = "Transpose";
  node->definition = or_op_find("", "Transpose");
  node->version = or_op_version(node->definition, or_op_newest_opset(""));
  node->inputs = inputs;
  node->input_count = 1;
  node->attributes = attributes;
  node->attribute_count = 1;
  ++simplifier->chained_count;
  return or_status_success();
}

/* The axes of a Transpose's input in the order of its output; without `perm` backwards. */
static bool order_of(const or_simplifier_t *simplifier, const or_node_t *node, int64_t order[OR_MAX_RANK]) {
  if (node->domain[0] != '\0' || strcmp(node->op, "Transpose") != 0 || node->input_count != 1) return false;
  int32_t rank = simplifier->graph->values[node->inputs[0]].shape.rank;
  if (rank < 0 || rank > OR_MAX_RANK) return false;
  for (int32_t d = 0; d < rank; ++d) order[d] = rank - 1 - d;
  for (uint32_t i = 0; i < node->attribute_count; ++i) {
    const or_attribute_t *attribute = &node->attributes[i];
    if (strcmp(attribute->name, "perm") != 0 || attribute->count != (size_t)rank) return false;
    for (int32_t d = 0; d < rank; ++d) order[d] = attribute->integers[d];
  }
  return true;
}
