#ifndef OR_GRAPH_CONTROL_H
#define OR_GRAPH_CONTROL_H
/* Nodes with bodies: If, Loop, Scan. A body is a graph of its own in an attribute; what it reads from outside are its
 * last inputs and the node's (or_node_t.captured_count). */

#include "graph/graph.h"

bool or_node_is_control(const or_node_t *node);
/* Body `index` of a control node: If has two, then and else. NULL if there is none. */
const or_graph_t *or_node_body(const or_node_t *node, size_t index);
/* The first of the inputs of a Loop or Scan that go in and come out of each iteration, and how many they are. */
typedef struct or_node_carried_t {
  uint32_t first, count;
  uint32_t scanned; /* inputs after them that are cut into slices */
} or_node_carried_t;
or_node_carried_t or_node_carried(const or_node_t *node);

/* For the graph as it was read (not its specialisations, which share the bodies): what a body reads from outside and is
 * known there becomes its constant, and is no input any more. `node` is of `graph`, and may be changed. */
or_status_t or_graph_give_constants(or_graph_t *graph, const bool *overridable, or_node_t *node);
/* Gives the inputs of the bodies types, infers them (in the graph as it was read) and sets the call's outputs.
 * INVALID_ARGUMENT: counts, dtypes or forms that don't fit. */
or_status_t or_graph_infer_bodies(or_graph_t *graph, or_op_call_t *call);

#endif
