#ifndef OR_OPS_CAST_INTERNAL_H
#define OR_OPS_CAST_INTERNAL_H
/* Cast's way of storing reals in floating-point types of up to 8 bits, for the operators that quantise too; and its way
 * with text. */

#include "ops/lanes.h"

typedef struct or_cast_target_t {
  or_dtype_t dtype;
  void *data;
  int version; /* of the operator */
  bool saturates;
} or_cast_target_t;
/* data[first + i] = real[i], which may be changed. Not for float8e8m0. Any thread. */
void or_cast_store_bounded(const or_cast_target_t *to, uint64_t first, size_t count, or_lanes_t *lanes);

/* Output 0, of strings, from the numbers of input 0. RESOURCE_EXHAUSTED. Any thread. */
or_status_t or_cast_to_text(or_op_call_t *call);
/* The numbers that elements first .. first + count - 1 of a tensor of strings say, in the member that `kind` names;
 * count <= OR_LANES. To float32 they are rounded once. INVALID_ARGUMENT names an element that is no number. Any
 * thread. */
or_status_t or_cast_read_texts(const or_op_tensor_t *in, or_dtype_t to, uint64_t first, size_t count,
                               or_lane_kind_t kind, or_lanes_t *out);

#endif
