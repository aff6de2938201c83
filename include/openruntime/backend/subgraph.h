#ifndef OPENRUNTIME_BACKEND_SUBGRAPH_H
#define OPENRUNTIME_BACKEND_SUBGRAPH_H
/* What a backend is asked to compile: nodes and values as plain data. Everything is borrowed for the length of the
 * call, except constants that the backend retains through or_constant_t. */

#include <string.h>

#include "openruntime/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Index into the value table of the graph or subgraph at hand. */
typedef uint32_t or_value_id_t;
#define OR_NO_VALUE UINT32_MAX /* an optional input or output that is left out */

/* A constant: resident, or read on demand (weights stay in their file until a backend packs them). Immutable; any
 * thread may read it. Lives as long as the graph that holds it. */
typedef struct or_constant_t {
  or_dtype_t dtype;
  or_shape_t shape;
  size_t bytes;
  uint64_t hash;    /* identity of the content: constants with equal hash, dtype and bytes are equal */
  const void *data; /* NULL: use read */
  /* Copies `length` bytes from `offset`; DATA_LOSS if the file shrank or changed. NULL if `data` is set. */
  or_status_t (*read)(const struct or_constant_t *constant, size_t offset, void *destination, size_t length);
  void *source; /* of `read` */
} or_constant_t;

/* ONNX's AttributeProto.AttributeType, numbers included. */
typedef enum or_attribute_kind_t {
  OR_ATTRIBUTE_NONE = 0,
  OR_ATTRIBUTE_FLOAT = 1,
  OR_ATTRIBUTE_INT = 2,
  OR_ATTRIBUTE_STRING = 3,
  OR_ATTRIBUTE_TENSOR = 4,
  OR_ATTRIBUTE_GRAPH = 5,
  OR_ATTRIBUTE_FLOATS = 6,
  OR_ATTRIBUTE_INTS = 7,
  OR_ATTRIBUTE_STRINGS = 8,
  OR_ATTRIBUTE_TYPE = 13,
} or_attribute_kind_t;

typedef struct or_attribute_t {
  const char *name;
  or_attribute_kind_t kind;
  int64_t integer;
  float real;
  or_string_t string; /* not terminated */
  const or_constant_t *tensor;
  const struct or_graph_t *graph; /* control flow; opaque to backends */
  const int64_t *integers;        /* `count` of them, likewise below */
  const float *reals;
  const or_string_t *strings;
  size_t count;
  or_value_form_t form; /* of a type: a tensor or a sequence, and its tensors' dtype */
  or_dtype_t dtype;
} or_attribute_t;

typedef struct or_node_t {
  const char *name;   /* unique in its graph; for messages and reports */
  const char *domain; /* "" is ai.onnx; "openruntime": operators of ours; "openruntime.fused": what rewriting made */
  const char *op;     /* "Conv" */
  int version;        /* of the definition in force: 1, 11, 13 … */
  const or_value_id_t *inputs, *outputs;
  uint32_t input_count, output_count;
  /* Of control flow: so many of the last inputs are what the bodies in its attributes read from outside. Each body has
   * them as its last inputs, in the same order. */
  uint32_t captured_count;
  const or_attribute_t *attributes;
  uint32_t attribute_count;
  /* What rewriting put in the place of several nodes: the nodes that it stands for, in order of execution; they use
   * values of the same table and may have parts themselves, down to OR_NODE_MAX_DEPTH. A fused node (or_node_is_fused)
   * is its parts: its first one's operator with all that follows. Any other is the operator that it names, as good as
   * its parts together and with inputs of its own; a device that refuses it is asked for them. */
  const struct or_node_t *parts;
  uint32_t part_count;
  const struct or_op_t *definition; /* the catalogue's row; NULL in a plug-in's copy and for fused nodes */
} or_node_t;

#define OR_NODE_MAX_DEPTH 3u /* a node, its parts, theirs */
#define OR_DOMAIN_FUSED "openruntime.fused"
static inline bool or_node_is_fused(const or_node_t *node) {
  return node->part_count > 0 && node->domain != NULL && strcmp(node->domain, OR_DOMAIN_FUSED) == 0;
}

typedef struct or_value_info_t {
  const char *name;
  or_dtype_t dtype;
  or_shape_t shape;              /* symbols index `symbols` below */
  const or_constant_t *constant; /* NULL: computed or given at run time */
  or_value_form_t form;          /* tensors only in what a backend sees; else dtype and shape are its tensors' */
} or_value_info_t;

/* What a symbolic extent may be in this compilation; in an exact shape class min == max and no shape has symbols. */
typedef struct or_symbol_bound_t {
  int64_t min, max;
} or_symbol_bound_t;

typedef struct or_cancel_t or_cancel_t; /* a request to stop, src/base/cancel.h */

typedef struct or_subgraph_t {
  const or_value_info_t *values;
  uint32_t value_count;
  const or_node_t *nodes; /* in an order of execution */
  uint32_t node_count;
  /* given and asked for at each run, dense row-major; constants are not among the inputs */
  const or_value_id_t *inputs, *outputs;
  uint32_t input_count, output_count;
  const or_symbol_bound_t *symbols;
  uint32_t symbol_count;
  /* NONE: every value is computed in its own type. OR_BFLOAT16: operands of MatMul, Gemm and Conv of float32 may be
   * rounded to bfloat16 (nearest, ties to even), as may what lies between two of them; sums are float32, and so is
   * everything else. A permission: a backend that has nothing faster computes in the values' own types. */
  or_dtype_t precision;
  /* NULL, or asked between nodes while they are compiled, which ends with CANCELLED then. Not kept. */
  const or_cancel_t *cancel;
} or_subgraph_t;

#ifdef __cplusplus
}
#endif
#endif
