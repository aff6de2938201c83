#ifndef OR_OPS_GRANULARITY_H
#define OR_OPS_GRANULARITY_H
/* How far one scale and zero point of QuantizeLinear or DequantizeLinear reaches, as backends want it too. Pure: any
 * thread. */

#include "ops/op.h"

/* x as [outer, axis, inner]: element (o, a, i) has scale number a / block, or, where `blocked`, number
 * (o ceil(axis / block) + a / block) inner + i. One scale for all: axis = inner = block = 1. */
typedef struct or_granularity_t {
  uint64_t count;       /* elements of x */
  uint64_t scale_count; /* of scales */
  uint64_t axis, inner; /* extents of the axis, and of all behind it */
  uint64_t block;       /* indices of the axis that share a scale */
  bool blocked;         /* each index before and behind the axis has scales of its own */
} or_granularity_t;
/* Of QuantizeLinear or DequantizeLinear, static shapes. INVALID_ARGUMENT: scales, axis, block_size that do not fit. */
or_status_t or_granularity_make(const or_op_call_t *call, or_granularity_t *out);

#endif
