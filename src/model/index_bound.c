#include "model/index_bound.h"

#include <string.h>

#include "base/numbers.h"
#include "model/model_internal.h"

/* Operators whose first output holds elements of their first input and nothing else. */
static bool only_moves(const or_node_t *node) {
  static const char *const names[] = {"Identity", "Cast",      "Unsqueeze", "Squeeze", "Reshape",
                                      "Flatten",  "Transpose", "Expand",    "Slice",   "Tile"};
  for (size_t i = 0; i < sizeof names / sizeof *names; ++i) {
    if (strcmp(node->op, names[i]) == 0) return true;
  }
  return false;
}

/* The extent along the axis that the node picks from; 0 if it picks from none, or that is not known. */
static int64_t picked_extent(const or_graph_t *graph, const or_node_t *node) {
  if (strcmp(node->op, "Gather") != 0 && strcmp(node->op, "GatherElements") != 0) return 0;
  const or_shape_t *table = &graph->values[node->inputs[0]].shape;
  int64_t axis = 0;
  for (uint32_t i = 0; i < node->attribute_count; ++i) {
    if (strcmp(node->attributes[i].name, "axis") == 0) axis = node->attributes[i].integer;
  }
  if (axis < 0) axis += table->rank;
  return axis >= 0 && axis < table->rank && table->dims[axis] > 0 ? table->dims[axis] : 0;
}

or_status_t or_model_index_bound(const or_model_t *model, size_t input_index, int64_t *out) {
  const or_graph_t *graph = model->graph;
  void *memory = NULL;
  *out = 0;
  or_status_t status = or_alloc_zeroed(graph->allocator, graph->value_count * sizeof(bool) + 1, &memory);
  if (!or_ok(status)) return status;
  bool *moved = memory; /* of each value: it holds elements of the input */
  moved[graph->inputs[input_index]] = true;
  for (size_t n = 0; n < graph->node_count; ++n) {
    const or_node_t *node = &graph->nodes[n];
    if (node->domain[0] != '\0' || node->input_count == 0 || node->output_count == 0) continue;
    const or_value_id_t first = node->inputs[0], second = node->input_count > 1 ? node->inputs[1] : OR_NO_VALUE;
    if (first != OR_NO_VALUE && moved[first] && only_moves(node) && node->outputs[0] != OR_NO_VALUE)
      moved[node->outputs[0]] = true;
    if (first == OR_NO_VALUE || second == OR_NO_VALUE || !moved[second]) continue;
    int64_t extent = picked_extent(graph, node);
    if (extent > 0 && (*out == 0 || extent < *out)) *out = extent;
  }
  or_free(graph->allocator, memory);
  return status;
}

void or_model_bound_indices(int64_t bound, or_dtype_t dtype, void *data, size_t count) {
  if (bound <= 0 || (dtype != OR_INT64 && dtype != OR_INT32)) return;
  for (size_t i = 0; i < count; ++i) {
    int64_t number = or_element_get_int(dtype, data, i) % bound;
    or_element_set_int(dtype, data, i, number < 0 ? number + bound : number);
  }
}
