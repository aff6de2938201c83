#ifndef OR_GRAPH_EXPANSION_H
#define OR_GRAPH_EXPANSION_H
/* limits.expansion_ratio: how much memory a model may ask for, measured by what it and its inputs have. */

#include "graph/graph.h"

typedef struct or_expansion_t {
  const or_model_limits_t *limits; /* with their defaults */
  uint64_t weight_bytes;           /* of the whole model */
  uint64_t input_bytes;            /* of the run */
  uint64_t alive;                  /* what it holds now */
} or_expansion_t;
/* The weights that a graph's expansion is measured by. */
uint64_t or_graph_model_bytes(const or_graph_t *graph);
/* The bytes that may be alive at once. */
uint64_t or_expansion_limit(const or_expansion_t *expansion);
/* Before `more` bytes are allocated. RESOURCE_EXHAUSTED: they are too many, in numbers. */
or_status_t or_expansion_check(const or_expansion_t *expansion, uint64_t more);

#endif
