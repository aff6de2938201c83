#include <string.h>

#include "graph/graph_internal.h"

/* Backward: a value decides a shape if a node reads it to know one, or computes from it something that does. Shape and
 * Size read extents, not values, so the walk ends there. */
or_status_t or_graph_deciding_inputs(const or_graph_t *graph, bool *deciding) {
  void *memory = NULL;
  or_status_t status = or_alloc_array(graph->allocator, graph->value_count, sizeof(bool), &memory);
  if (!or_ok(status)) return status;
  bool *decides = memory;
  for (size_t n = graph->node_count; n-- > 0;) {
    const or_node_t *node = &graph->nodes[n];
    bool reads_extents = node->domain[0] == '\0' && (strcmp(node->op, "Shape") == 0 || strcmp(node->op, "Size") == 0);
    bool wanted = false;
    for (uint32_t i = 0; i < node->output_count; ++i)
      wanted = wanted || (node->outputs[i] != OR_NO_VALUE && decides[node->outputs[i]]);
    for (uint32_t i = 0; i < node->input_count; ++i) {
      if (node->inputs[i] == OR_NO_VALUE) continue;
      bool read_for_shape = node->definition != NULL && i < 32 && (node->definition->value_inputs >> i & 1) != 0;
      if (read_for_shape || (wanted && !reads_extents)) decides[node->inputs[i]] = true;
    }
  }
  for (size_t i = 0; i < graph->input_count; ++i) deciding[i] = decides[graph->inputs[i]];
  or_free(graph->allocator, memory);
  return or_status_success();
}
