#ifndef OR_OPS_EXTENTS_H
#define OR_OPS_EXTENTS_H
/* What operators that make shapes share: the small integer lists that decide one, and arithmetic on extents that may be
 * symbolic. All functions are pure: any thread. */

#include "ops/op.h"

/* Every dtype that is moved without being looked at: all but strings. */
#define OR_OP_MOVABLE (OR_OP_ALL_FIXED | OR_OP_NARROW)
/* Those that ONNX has moved: text too, but no float6, which is only cast and quantised. */
#define OR_OP_MOVED ((OR_OP_MOVABLE & ~OR_OP_FLOAT6) | OR_DTYPE_BIT(OR_STRING))

/* Whether a dtype, which may come from a file and be no dtype at all, is in a mask of OR_DTYPE_BITs. */
static inline bool or_dtype_is_one_of(or_dtype_t dtype, uint32_t mask) {
  return (unsigned)dtype < OR_DTYPE_COUNT && (mask & OR_DTYPE_BIT(dtype)) != 0;
}

/* A list of axes, extents, repeats, … from an input or an attribute. */
typedef struct or_integers_t {
  int32_t count; /* OR_RANK_UNKNOWN: not even the length is known */
  bool known;    /* false: `values` is not filled in */
  int64_t values[OR_MAX_RANK];
} or_integers_t;

/* Input `index`, an int64 (or int32, where the operator allows it: `wide_only` false) tensor of one dimension; a scalar
 * counts as a list of one. An input that is left out is a known list of none. INVALID_ARGUMENT names `name` and what is
 * wrong: dtype, rank, more than OR_MAX_RANK entries. */
or_status_t or_integers_input(const or_op_call_t *call, uint32_t index, const char *name, bool wide_only,
                              or_integers_t *out);
/* The attribute of that name; a known list of none if it is absent. INVALID_ARGUMENT: more than OR_MAX_RANK entries. */
or_status_t or_integers_attribute(const or_op_call_t *call, const char *name, or_integers_t *out);
/* Marks the axes of a known list, each in -rank..rank-1. INVALID_ARGUMENT names an axis outside or given twice. */
or_status_t or_integers_mark_axes(const or_integers_t *axes, int32_t rank, bool marked[OR_MAX_RANK]);

/* Refuses an attribute that `call`'s version of the operator no longer has (it became an input). INVALID_ARGUMENT. */
or_status_t or_refuse_attribute(const or_op_call_t *call, const char *name, int since);

/* Product of `count` extents, kept symbolic where one symbol times ones is left. OUT_OF_RANGE: more than INT64_MAX. */
or_status_t or_extent_product(const int64_t *extents, int32_t count, int64_t *out);
/* Refuses a static shape of more than INT64_MAX elements. OUT_OF_RANGE. */
or_status_t or_shape_check_count(const or_shape_t *shape);

/* A shape of `rank` unknown extents; of unknown rank if rank < 0. INVALID_ARGUMENT if rank > OR_MAX_RANK. */
or_status_t or_shape_unknown(int32_t rank, or_shape_t *out);

/* The reference of operators that only change the shape: copies input 0's bytes to output 0. OK. */
or_status_t or_reference_copy(or_op_call_t *call);
/* The cost of moving data: every output element read once and written once; no arithmetic. */
or_cost_t or_cost_move(const or_op_call_t *call);

#endif
