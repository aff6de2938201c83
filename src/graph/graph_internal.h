#ifndef OR_GRAPH_GRAPH_INTERNAL_H
#define OR_GRAPH_GRAPH_INTERNAL_H
/* What the passes over a graph share. */

#include "graph/graph.h"

#define OR_GRAPH_MAX_SYMBOLS 4096u /* names of symbolic extents in one graph */

/* Adds to graph->counts and, if not NULL, to *counts. */
void or_graph_count(or_graph_t *graph, or_graph_pass_counts_t *counts, or_graph_pass_counts_t more);

/* One operator call over a node of a graph: the arrays that or_op_call_t points to, reused from node to node.
 * Zero-initialise, then set `allocator`. */
typedef struct or_node_call_t {
  or_op_call_t call;
  const or_allocator_t *allocator;
  or_op_tensor_t *tensors; /* inputs, then outputs */
  size_t tensor_capacity;
  void **copies; /* of constants that were read from their file for this call */
  size_t copy_count, copy_capacity;
} or_node_call_t;
/* Sets op, node, dtypes and shapes; every data is NULL. UNIMPLEMENTED: no such operator. */
or_status_t or_node_call_bind(or_node_call_t *self, const or_value_info_t *values, const or_node_t *node);
/* Makes input `index` see the constant's bytes, which live until the next bind. */
or_status_t or_node_call_load(or_node_call_t *self, uint32_t index, const or_constant_t *constant);
void or_node_call_deinit(or_node_call_t *self);

/* Folds `node`, whose inference is in `call`, if what decides its outputs is known: they become constants.
 * `overridable`: see above. */
or_status_t or_graph_fold_node(or_graph_t *graph, const bool *overridable, or_node_call_t *call, bool *folded);

/* A constant of a matrix transposed, whose elements are moved as it is read. `source` has two dimensions, elements of
 * whole bytes and at least one of them, and lives as long as the graph. */
or_status_t or_transposed_constant(or_graph_t *graph, const or_constant_t *source, const or_constant_t **out);

/* A constant of float16 or bfloat16 as float32, widened as it is read. `source` lives as long as the graph. */
or_status_t or_widened_constant(or_graph_t *graph, const or_constant_t *source, const or_constant_t **out);

/* flops and bytes of a node of a static graph by its operator; of a fused one, the sum of its parts' flops and what
 * goes in and out of the whole. */
or_status_t or_graph_node_cost(const or_graph_t *graph, const or_node_t *node, or_node_call_t *call, or_cost_t *out);

/* Words for what the producer of `value` stood for, or `op` if nothing was recorded. */
const char *or_graph_origin(const or_graph_t *graph, or_value_id_t value, const char *op);
or_status_t or_graph_set_origin(or_graph_t *graph, or_value_id_t value, const char *words);

#endif
