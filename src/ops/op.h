#ifndef OR_OPS_OP_H
#define OR_OPS_OP_H
/* The operator catalogue's row, and what its functions see of one node. */

#include "base/alloc.h"
#include "openruntime/backend/subgraph.h"
#include "ops/stop.h"

typedef struct or_op_t or_op_t;

/* One input or output of a call. An optional one that is left out has dtype OR_DTYPE_NONE. In `infer` shapes may be
 * symbolic and data is NULL unless the value is a resident constant; in `reference` shapes are static and data is dense
 * row-major. */
typedef struct or_op_tensor_t {
  or_dtype_t dtype;
  or_shape_t shape;
  void *data;
  or_value_form_t form; /* anything but a tensor only where the row says `handles` */
} or_op_tensor_t;

typedef struct or_op_call_t {
  const or_op_t *op;
  const or_node_t *node; /* attributes, version, name */
  const or_op_tensor_t *inputs;
  uint32_t input_count;
  or_op_tensor_t *outputs; /* infer fills dtype and shape; reference fills data */
  uint32_t output_count;
  const or_allocator_t *allocator; /* for scratch of `reference`, given back before it returns */
  /* Where `reference` puts the bytes of strings that it makes; they are copied before the arena goes. Strings that are
   * only moved keep the bytes of the input. NULL where no output is of strings. */
  or_arena_t *strings;
  uint64_t *appended_bytes;  /* NULL, or the bytes of keys and values that `reference` copies are added to it */
  const or_cancel_t *cancel; /* NULL, or ends `infer` and `reference` midway: CANCELLED, DEADLINE_EXCEEDED */
  uint64_t *budget;          /* NULL, or the work that they may spend (stop.h): RESOURCE_EXHAUSTED, and it is 0 then */
  or_stop_t *stop;           /* set by or_op_infer and or_op_reference: what loops over elements ask */
} or_op_call_t;

typedef struct or_cost_t {
  double flops;      /* a fused multiply-add is two */
  double bytes_read; /* inputs once */
  double bytes_written;
} or_cost_t;

/* An attribute that the operator knows. A node with another attribute, or one of another kind, is refused by name. */
typedef struct or_op_attribute_t {
  const char *name;
  or_attribute_kind_t kind;
  bool required;
} or_op_attribute_t;

typedef struct or_tolerance_t {
  double rel, abs; /* |a - b| <= abs + rel |b|, for float32; backends scale it for narrower types */
} or_tolerance_t;

#define OR_OP_MAX_VERSIONS 12
#define OR_OP_MAX_ATTRIBUTES 16
#define OR_OP_VARIADIC UINT8_MAX /* input_max or output_max: no limit */
#define OR_DTYPE_BIT(dtype) (UINT32_C(1) << (dtype))
#define OR_OP_FLOATS \
  (OR_DTYPE_BIT(OR_FLOAT16) | OR_DTYPE_BIT(OR_BFLOAT16) | OR_DTYPE_BIT(OR_FLOAT32) | OR_DTYPE_BIT(OR_FLOAT64))
#define OR_OP_SIGNED_INTS \
  (OR_DTYPE_BIT(OR_INT8) | OR_DTYPE_BIT(OR_INT16) | OR_DTYPE_BIT(OR_INT32) | OR_DTYPE_BIT(OR_INT64))
#define OR_OP_UNSIGNED_INTS \
  (OR_DTYPE_BIT(OR_UINT8) | OR_DTYPE_BIT(OR_UINT16) | OR_DTYPE_BIT(OR_UINT32) | OR_DTYPE_BIT(OR_UINT64))
#define OR_OP_INTS (OR_OP_SIGNED_INTS | OR_OP_UNSIGNED_INTS)
#define OR_OP_WIDE_INTS \
  (OR_DTYPE_BIT(OR_INT32) | OR_DTYPE_BIT(OR_INT64) | OR_DTYPE_BIT(OR_UINT32) | OR_DTYPE_BIT(OR_UINT64))
#define OR_OP_SHORT_INTS \
  (OR_DTYPE_BIT(OR_INT8) | OR_DTYPE_BIT(OR_INT16) | OR_DTYPE_BIT(OR_UINT8) | OR_DTYPE_BIT(OR_UINT16))
#define OR_OP_NUMERIC (OR_OP_FLOATS | OR_OP_INTS)
#define OR_OP_COMPLEX (OR_DTYPE_BIT(OR_COMPLEX64) | OR_DTYPE_BIT(OR_COMPLEX128))
/* The four float8 types with a sign. */
#define OR_OP_FLOAT8                                                                               \
  (OR_DTYPE_BIT(OR_FLOAT8E4M3FN) | OR_DTYPE_BIT(OR_FLOAT8E4M3FNUZ) | OR_DTYPE_BIT(OR_FLOAT8E5M2) | \
   OR_DTYPE_BIT(OR_FLOAT8E5M2FNUZ))
#define OR_OP_4BIT_INTS (OR_DTYPE_BIT(OR_UINT4) | OR_DTYPE_BIT(OR_INT4))
#define OR_OP_2BIT_INTS (OR_DTYPE_BIT(OR_UINT2) | OR_DTYPE_BIT(OR_INT2))
#define OR_OP_NARROW_INTS (OR_OP_4BIT_INTS | OR_OP_2BIT_INTS)
#define OR_OP_FLOAT6 (OR_DTYPE_BIT(OR_FLOAT6E2M3) | OR_DTYPE_BIT(OR_FLOAT6E3M2))
#define OR_OP_NARROW \
  (OR_OP_FLOAT8 | OR_OP_NARROW_INTS | OR_OP_FLOAT6 | OR_DTYPE_BIT(OR_FLOAT4E2M1) | OR_DTYPE_BIT(OR_FLOAT8E8M0))
/* Every type of fixed width except the narrow ones. */
#define OR_OP_ALL_FIXED (OR_OP_NUMERIC | OR_OP_COMPLEX | OR_DTYPE_BIT(OR_BOOL))

/* Types that a version of an operator is the first to take, or the first to take no longer. */
typedef struct or_op_change_t {
  int version; /* 0 ends */
  uint32_t added, dropped;
} or_op_change_t;

#define OR_OP_MAX_CHANGES 8
#define OR_OP_BFLOAT16_SINCE(version) \
  { version, OR_DTYPE_BIT(OR_BFLOAT16), 0 }
/* When the types came to operators that only move elements, or look at shapes. */
#define OR_OP_MOVED_SINCE                                                                                          \
  OR_OP_BFLOAT16_SINCE(13), {19, OR_OP_FLOAT8, 0}, {21, OR_OP_4BIT_INTS, 0}, {23, OR_DTYPE_BIT(OR_FLOAT4E2M1), 0}, \
      {24, OR_DTYPE_BIT(OR_FLOAT8E8M0), 0}, {                                                                      \
    25, OR_OP_2BIT_INTS, 0                                                                                         \
  }

struct or_op_t {
  const char *domain; /* "" ai.onnx, "openruntime" ours */
  const char *name;
  const char *summary;           /* one line for the docs */
  int since[OR_OP_MAX_VERSIONS]; /* ascending, 0 ends: every version of the operator up to the newest opset known */
  uint8_t input_min, input_max, output_min, output_max;
  uint32_t dtypes; /* bits: of input 0 (of output 0 for operators without inputs), in any version */
  or_op_change_t changes[OR_OP_MAX_CHANGES]; /* of dtypes; one that none of them adds is taken by every version */
  uint32_t value_inputs;                     /* bits: inputs whose values decide a shape (Reshape: 1 << 1) */
  /* Output element i depends on input elements i (after broadcasting) only: may be fused, run in place. */
  bool pointwise;
  /* Takes or gives sequences, optionals or graphs. The runtime carries it out where a value is no tensor or an
   * attribute is a graph; `reference`, which may be NULL then, sees tensors only. */
  bool handles;
  /* Only graphs that the library makes may hold it: to files and or_compute it does not exist. */
  bool internal;
  /* NULL: the same inputs and attributes always give the same outputs. Else whether this node draws random numbers anew
   * in every run (draw.h): such a node is never folded, and never computed once for several. Reads attributes, version
   * and which inputs there are. */
  bool (*draws_anew)(const or_node_t *node);
  or_op_attribute_t attributes[OR_OP_MAX_ATTRIBUTES];
  or_tolerance_t tolerance; /* 0, 0: exact */
  /* Sets every output's dtype and shape. With symbolic inputs: what can be said (OR_DIM_UNKNOWN, OR_RANK_UNKNOWN else).
   * INVALID_ARGUMENT says what does not fit, without naming the node (the caller adds it). */
  or_status_t (*infer)(or_op_call_t *call);
  or_cost_t (*cost)(const or_op_call_t *call); /* static shapes */
  /* Computes outputs->data (allocated by the caller at the inferred shape). In double (integers exactly). The oracle
   * and the fallback. INVALID_ARGUMENT (an index out of range, …), RESOURCE_EXHAUSTED (scratch). Any thread. */
  or_status_t (*reference)(or_op_call_t *call);
};

/* The list of operators, in ops/ops_list.h, as X(symbol): `extern const or_op_t or_op_<symbol>;`. */
const or_op_t *or_op_at(size_t index); /* NULL outside */
size_t or_op_count(void);
/* NULL if there is none of that name in the domain. "ai.onnx" and "" are the same. */
const or_op_t *or_op_find(const char *domain, const char *name);
/* The version of `op` in force at `opset`; 0 if the operator came later. */
int or_op_version(const or_op_t *op, int opset);
/* The newest opset of a domain whose operators we know; 0 for an unknown domain. */
int or_op_newest_opset(const char *domain);
/* The bits of `dtypes` in a version. */
uint32_t or_op_dtypes(const or_op_t *op, int version);
/* Checks input and output counts, attribute names and kinds, and the dtype of input 0; then infer. Messages name input,
 * dtype, attribute. */
or_status_t or_op_infer(or_op_call_t *call);
/* Checks nothing; used after or_op_infer. After a failure the outputs hold anything. */
or_status_t or_op_reference(or_op_call_t *call);

/* "a tensor", "a sequence", … for messages. */
const char *or_op_form_name(or_value_form_t form);

/* Attributes of call->node, with defaults. */
const or_attribute_t *or_op_attribute(const or_op_call_t *call, const char *name); /* NULL if absent */
int64_t or_op_attribute_int(const or_op_call_t *call, const char *name, int64_t fallback);
float or_op_attribute_float(const or_op_call_t *call, const char *name, float fallback);
/* True if it is the string `expected`, or absent and `fallback` is. */
bool or_op_attribute_is(const or_op_call_t *call, const char *name, const char *expected, const char *fallback);
/* The ints of an attribute (count 0 if absent). */
const int64_t *or_op_attribute_ints(const or_op_call_t *call, const char *name, size_t *count);
/* Whether a node of `op` (NULL: none is known) may be computed once in place of every time. */
static inline bool or_op_is_repeatable(const or_op_t *op, const or_node_t *node) {
  return op == NULL || op->draws_anew == NULL || !op->draws_anew(node);
}
static inline bool or_op_has_input(const or_op_call_t *call, uint32_t index) {
  return index < call->input_count && call->inputs[index].dtype != OR_DTYPE_NONE;
}
static inline bool or_op_has_output(const or_op_call_t *call, uint32_t index) { return index < call->output_count; }

#endif
