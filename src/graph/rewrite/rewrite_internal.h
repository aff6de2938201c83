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

/* Values and attributes (values.c). */
/* The number of a constant of one element. */
bool or_rewrite_scalar(const or_rewriter_t *rewriter, or_value_id_t value, double *out);
/* True if a number is the expected one, as it rounds in `dtype`. */
bool or_rewrite_close(or_dtype_t dtype, double value, double expected);
/* Of a node with two operands the one that is not `value`; OR_NO_VALUE if it does not read `value` exactly once. */
or_value_id_t or_rewrite_other(const or_node_t *node, or_value_id_t value);
/* Of a node with two operands the one beside a scalar constant; OR_NO_VALUE if there is none. */
or_value_id_t or_rewrite_beside_scalar(const or_rewriter_t *rewriter, const or_node_t *node, double *scalar);
const or_attribute_t *or_rewrite_attribute(const or_node_t *node, const char *name); /* NULL: none */
int64_t or_rewrite_int(const or_node_t *node, const char *name, int64_t fallback);
double or_rewrite_float(const or_node_t *node, const char *name, double fallback);
bool or_rewrite_is_float(const or_rewriter_t *rewriter, or_value_id_t value);               /* 16 to 64 bits */
bool or_rewrite_same_type(const or_rewriter_t *rewriter, or_value_id_t a, or_value_id_t b); /* dtype and shape */
/* A new value: a constant whose elements are all one number. */
or_status_t or_rewrite_fill(or_rewriter_t *rewriter, or_dtype_t dtype, or_shape_t shape, double element,
                            or_value_id_t *out);

/* A set of nodes that become the parts of one operator (match.c). Zero-initialise, then set `rewriter`. */
#define OR_MATCH_MAX_PARTS 24u
typedef struct or_match_t {
  const or_rewriter_t *rewriter;
  uint32_t parts[OR_MATCH_MAX_PARTS];
  uint32_t count;
  bool at_first; /* the operator stands where the first of them stood, not the last: all its inputs are there by then */
} or_match_t;
/* The node that makes `value`, or UINT32_MAX. */
uint32_t or_rewrite_producer(const or_rewriter_t *rewriter, or_value_id_t value);
/* Takes the node that makes `value` into the set, if it is an `op` of ai.onnx with no other output; else NULL. */
const or_node_t *or_match_producer(or_match_t *match, or_value_id_t value, const char *op);
bool or_match_add(or_match_t *match, uint32_t node); /* false: no room */
/* True if nothing outside the set reads what lies within, but for `results`. */
bool or_match_is_closed(const or_match_t *match, const or_value_id_t *results, size_t result_count);
/* Puts the operator `with` (domain, op, inputs, outputs, attributes; copied) in the place of one node of the set, with
 * the set as its parts, and counts it. */
or_status_t or_match_replace(or_rewriter_t *rewriter, or_match_t *match, const or_node_t *with);
/* Books the uses of a node that a pattern made, and takes back those of one that it changes. */
void or_rewrite_read(or_rewriter_t *rewriter, uint32_t index);
void or_rewrite_unread(or_rewriter_t *rewriter, uint32_t index);

/* c[i][j]: of x^i t^j. */
#define OR_POLYNOMIAL_X 4
#define OR_POLYNOMIAL_T 2
typedef struct or_polynomial_t {
  double c[OR_POLYNOMIAL_X][OR_POLYNOMIAL_T];
} or_polynomial_t;
/* True if `value` is that polynomial in the values x and t, written with Add, Sub, Mul, Div, Pow and numbers; takes the
 * nodes between into the set. */
bool or_polynomial_is(or_match_t *match, or_value_id_t value, or_value_id_t x, or_value_id_t t,
                      const or_polynomial_t *expected);
/* The value some nodes after t that is that polynomial, is of x's type, and closes the set; OR_NO_VALUE: none. */
or_value_id_t or_polynomial_after(or_match_t *match, or_value_id_t x, or_value_id_t t, const or_polynomial_t *expected);

/* The patterns, one file each. */
or_status_t or_rewrite_count_operator(or_rewriter_t *rewriter, uint32_t root);
or_status_t or_rewrite_gemm_to_matmul(or_rewriter_t *rewriter, uint32_t root);
or_status_t or_rewrite_layer_norm(or_rewriter_t *rewriter, uint32_t root);
or_status_t or_rewrite_gelu_erf(or_rewriter_t *rewriter, uint32_t root);
or_status_t or_rewrite_gelu_tanh(or_rewriter_t *rewriter, uint32_t root);
or_status_t or_rewrite_embedding_sum(or_rewriter_t *rewriter, uint32_t root);
or_status_t or_rewrite_add_layer_norm(or_rewriter_t *rewriter, uint32_t root);
or_status_t or_rewrite_hard_swish_clip(or_rewriter_t *rewriter, uint32_t root);
or_status_t or_rewrite_hard_swish_sigmoid(or_rewriter_t *rewriter, uint32_t root);
or_status_t or_rewrite_conv_batch_norm(or_rewriter_t *rewriter, uint32_t root);
or_status_t or_rewrite_conv(or_rewriter_t *rewriter, uint32_t root);
or_status_t or_rewrite_attention(or_rewriter_t *rewriter, uint32_t root);
or_status_t or_rewrite_matmul(or_rewriter_t *rewriter, uint32_t root);
or_status_t or_rewrite_gemm(or_rewriter_t *rewriter, uint32_t root);

#endif
