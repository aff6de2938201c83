#ifndef OR_GRAPH_CUT_H
#define OR_GRAPH_CUT_H
/* The least cut of a directed network: vertices fall into the source's side and the sink's so that the capacities of
 * the edges that lead from the first to the second add up to the least. Whole numbers, so that it is exact. */

#include "base/alloc.h"

#define OR_CUT_SOURCE 0u
#define OR_CUT_SINK 1u
#define OR_CUT_FIRST 2u                /* vertices of the caller's begin here */
#define OR_CUT_MAX (UINT64_C(1) << 60) /* of a capacity: an edge that is never cut. All others add up to less. */

typedef struct or_cut_edge_t {
  uint32_t to, next; /* the next edge that leaves the same vertex */
  uint64_t room;
} or_cut_edge_t;

/* One thread's. Zero it, then init. */
typedef struct or_cut_t {
  const or_allocator_t *allocator;
  uint32_t vertex_count;
  or_cut_edge_t *edges; /* in pairs: an edge, and the way back */
  size_t edge_count, edge_capacity;
  uint32_t *first, *current, *levels, *stack; /* per vertex */
} or_cut_t;

/* RESOURCE_EXHAUSTED. Call deinit in any case. */
or_status_t or_cut_init(or_cut_t *cut, const or_allocator_t *allocator, uint32_t vertex_count);
void or_cut_deinit(or_cut_t *cut);
/* An edge. RESOURCE_EXHAUSTED. */
or_status_t or_cut_join(or_cut_t *cut, uint32_t from, uint32_t to, uint64_t capacity);
/* Once. The sink's side, of several least cuts the smallest, is what or_cut_is_sinks says afterwards. False: it would
 * take more than `steps` looks at an edge, and nothing was found.
 * Dinic, "Algorithm for solution of a problem of maximum flow in a network with power estimation", 1970. */
bool or_cut_find(or_cut_t *cut, uint64_t steps);
bool or_cut_is_sinks(const or_cut_t *cut, uint32_t vertex);

#endif
