#ifndef OR_GRAPH_CACHED_H
#define OR_GRAPH_CACHED_H
/* One graph for every length of a past. Where each pair of past and present belongs to an Attention, the past becomes a
 * cache of fixed capacity to which the new rows are appended (CachedAttention), its length an input like others: the
 * shapes depend on it no more. */

#include "graph/graph.h"

/* The input that says how many rows the caches hold: int64 [1]. */
#define OR_GRAPH_PAST_LENGTH "openruntime.past_length"

typedef struct or_graph_tie_t {
  uint32_t input, output; /* indices into graph->inputs and graph->outputs: past [B,H,P,D], present [B,H,P+N,D] */
} or_graph_tie_t;

typedef struct or_graph_cached_t {
  const or_graph_tie_t *ties;
  size_t tie_count;
  uint32_t mask;                 /* index of an input [B,P+N] that hides keys where it is 0, or UINT32_MAX */
  int64_t batch, rows, capacity; /* rows: N of a run, at most the capacity */
} or_graph_cached_t;

/* What an input looks like in a run after `past` rows: symbolic extents are the batch in front and the rows
 * elsewhere, in `mask` past + rows; of tied inputs `past` along dimension 2. */
or_shape_t or_graph_cached_shape(const or_graph_t *graph, const or_graph_cached_t *request, uint32_t input,
                                 int64_t past);

/* *out: a static graph, not yet rewritten but for its attentions, with graph's inputs in their order (tied ones
 * [B,H,capacity,D], the mask [B,capacity], where what lies behind the past and the new rows is not looked at) and
 * OR_GRAPH_PAST_LENGTH after them, and graph's outputs but the tied ones. That the past's length shows nowhere else,
 * and that masks hide what the input says and the future or not, is found out by specialising for several lengths and
 * masks. NULL, and `reason` in words, where that is not so. RESOURCE_EXHAUSTED. */
or_status_t or_graph_cached(const or_graph_t *graph, const or_graph_cached_t *request, or_graph_t **out,
                            char reason[160]);

#endif
