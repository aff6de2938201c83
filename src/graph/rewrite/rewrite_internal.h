#ifndef OR_GRAPH_REWRITE_REWRITE_INTERNAL_H
#define OR_GRAPH_REWRITE_REWRITE_INTERNAL_H
/* What the patterns share. A pattern is one file with one function and one row in rewrite.c's table. */

#include "graph/graph_internal.h"

/* One rewriting of a graph: who produces and who reads each value, kept true while nodes are fused. Values that a
 * pattern adds are constants and have no entry. */
typedef struct or_rewriter_t {
  or_graph_t *graph;
  size_t value_count;  /* entries in the arrays below */
  uint32_t *producers; /* node of each value; UINT32_MAX: none */
  uint32_t *consumers; /* how often each value is read; outputs of the graph count */
  uint32_t *reader;    /* a node that reads the value: the only one where consumers is 1 and it is no output */
  bool *dead;          /* per node: fused into another */
  uint32_t pattern;    /* row of the table that is at work */
  uint32_t *counts;    /* per row: how often it fired */
  uint32_t fused_count;
} or_rewriter_t;

/* Looks at node `root`, whose operator is the pattern's, and rewrites from there if the pattern holds. */
typedef or_status_t (*or_pattern_apply_t)(or_rewriter_t *rewriter, uint32_t root);

/* The one node that reads `value`, once, or UINT32_MAX: several do, none does, or the graph gives the value out. */
uint32_t or_rewrite_single_reader(const or_rewriter_t *rewriter, or_value_id_t value);
/* The constant that `value` always has, or NULL. */
const or_constant_t *or_rewrite_constant(const or_rewriter_t *rewriter, or_value_id_t value);
/* The pattern at work fired once, and `gone` nodes are now within others. */
void or_rewrite_count(or_rewriter_t *rewriter, uint32_t gone);
/* True for a node of ai.onnx with that operator. */
bool or_rewrite_is(const or_node_t *node, const char *op);

/* What follows a product or convolution and can be computed with it: [Add of a bias] [Add of a residual]
 * [activation, or Sigmoid and Mul, which together are SiLU]. */
#define OR_EPILOGUE_MAX_PARTS 5u
typedef struct or_epilogue_t {
  uint32_t parts[OR_EPILOGUE_MAX_PARTS]; /* nodes, the root first */
  uint32_t part_count;
  or_value_id_t bias, residual; /* OR_NO_VALUE: none */
} or_epilogue_t;
/* True if `value` can be the bias of a root whose output has `shape`. */
typedef bool (*or_is_bias_t)(const or_rewriter_t *rewriter, or_value_id_t value, const or_shape_t *shape);
/* `is_bias` NULL: the root takes no bias by an Add. */
void or_epilogue_match(const or_rewriter_t *rewriter, uint32_t root, or_is_bias_t is_bias, or_epilogue_t *out);
/* Puts a fused node in place of the epilogue's last part: domain "openruntime.fused", the root's operator, name,
 * version and attributes, inputs [first, second, bias or the root's third, residual], trailing absent ones left out. */
or_status_t or_epilogue_fuse(or_rewriter_t *rewriter, const or_epilogue_t *epilogue);

/* A constant whose element i is that of `source` times factors[i / elements_per_factor]: resident if small, else scaled
 * as it is read. `factors` and `source` live as long as the graph; source->dtype is a float type. */
typedef struct or_scaling_t {
  const or_constant_t *source;
  const double *factors;
  size_t elements_per_factor;
} or_scaling_t;
or_status_t or_scaled_constant(or_graph_t *graph, const or_scaling_t *scaling, const or_constant_t **out);

/* The patterns, one file each. */
or_status_t or_rewrite_conv_batch_norm(or_rewriter_t *rewriter, uint32_t root);
or_status_t or_rewrite_conv(or_rewriter_t *rewriter, uint32_t root);
or_status_t or_rewrite_matmul(or_rewriter_t *rewriter, uint32_t root);
or_status_t or_rewrite_gemm(or_rewriter_t *rewriter, uint32_t root);

#endif
