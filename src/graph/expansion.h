#ifndef OR_GRAPH_EXPANSION_H
#define OR_GRAPH_EXPANSION_H
/* How much memory a model may ask for, measured by what it and its inputs have (limits.expansion_ratio) and by number
 * (limits.run_bytes), and how much work folding may be (limits.fold_work). */

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

/* The work that folding may still spend on a graph: what limits.fold_work and its weights give, less what it spent. */
uint64_t or_fold_work_left(const or_graph_t *graph);
/* or_op_infer or or_op_reference while a graph is built: graph->cancel ends it, and its work is taken off what folding
 * may spend. *enough false: that did not do, nothing is computed, and the status is success. */
or_status_t or_fold_call(or_graph_t *graph, or_op_call_t *call, or_status_t (*function)(or_op_call_t *call),
                         bool *enough);
/* Whether the known extents make at most `limit` elements, where one of 0 counts as 1: along the others of a tensor
 * that has no elements there is no longer way either. */
bool or_shape_is_within(const or_shape_t *shape, uint64_t limit);

#endif
