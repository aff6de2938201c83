#include "base/string.h"
#include "graph/graph.h"

char *or_graph_format_shape(const or_graph_t *graph, const or_shape_t *shape, char *text, size_t capacity) {
  if (shape->rank == OR_RANK_UNKNOWN) return or_format(text, capacity, "[...]");
  size_t used = 0;
  or_format(text, capacity, "[");
  for (int32_t d = 0; d < shape->rank; ++d) {
    while (used + 1 < capacity && text[used] != '\0') ++used;
    int64_t dim = shape->dims[d];
    const char *comma = d > 0 ? "," : "";
    if (dim >= 0) {
      or_format(text + used, capacity - used, "%s%lld", comma, (long long)dim);
    } else if (dim < OR_DIM_UNKNOWN && OR_DIM_SYMBOL_INDEX(dim) < graph->symbol_count) {
      or_format(text + used, capacity - used, "%s%s", comma, graph->symbols[OR_DIM_SYMBOL_INDEX(dim)]);
    } else {
      or_format(text + used, capacity - used, "%s?", comma);
    }
  }
  while (used + 1 < capacity && text[used] != '\0') ++used;
  or_format(text + used, capacity - used, "]");
  return text;
}
