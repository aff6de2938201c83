#ifndef OR_GRAPH_REWRITE_SIMPLIFY_INTERNAL_H
#define OR_GRAPH_REWRITE_SIMPLIFY_INTERNAL_H
/* One pass forward before the patterns, each node after those that it reads: what is computed twice is computed once,
 * and reshapes and transposes in a row become one. */

#include "graph/graph_internal.h"

typedef struct or_simplifier_t {
  or_graph_t *graph;
  size_t value_count;      /* entries of the arrays per value: those that the pass adds have none */
  uint32_t *producers;     /* node of each value; UINT32_MAX: none yet */
  or_value_id_t *same_as;  /* what to read in a value's place; itself at first */
  bool *is_output;         /* of the graph */
  bool *is_needed;         /* for an output of the graph */
  bool *dead;              /* per node */
  uint32_t *table;         /* of nodes, by what they compute; UINT32_MAX: free */
  uint64_t *hashes;        /* per node */
  size_t table_size;       /* a power of two */
  uint32_t repeated_count; /* nodes that computed what another had */
  uint32_t chained_count;  /* reshapes and transposes that took over another */
  uint32_t unread_count;   /* nodes that nobody reads after that */
} or_simplifier_t;

/* Simplifies a static graph in order of execution. */
typedef struct or_simplified_t {
  uint32_t repeated_count, chained_count, unread_count; /* as above */
} or_simplified_t;
or_status_t or_graph_simplify(or_graph_t *graph, or_simplified_t *out);

/* Marks node `n` dead if an earlier one has the same operator, attributes and inputs; its readers read that one's
 * outputs. */
void or_simplify_repeated(or_simplifier_t *simplifier, uint32_t n);
/* Lets a reshape or transposition read what the one before it reads, if one does for both. */
or_status_t or_simplify_chain(or_simplifier_t *simplifier, uint32_t n);
/* Lets the readers of the node's only output read `value`; false if the output is the graph's. */
bool or_simplify_bypass(or_simplifier_t *simplifier, uint32_t n, or_value_id_t value);

#endif
