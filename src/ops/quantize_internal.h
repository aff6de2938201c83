#ifndef OR_OPS_QUANTIZE_INTERNAL_H
#define OR_OPS_QUANTIZE_INTERNAL_H
/* How far one scale and zero point reach, and rounding to a quantised dtype: for the operators that quantise, and for
 * backends. All functions are pure: any thread. */

#include "ops/cast_internal.h"

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

/* The ends of an integer dtype's range. */
void or_quantized_range(or_dtype_t dtype, double *low, double *high);
/* data[first + i] = saturate(round(values[i]) + zeros[i]) of an integer dtype; of a floating-point one values[i] +
 * zeros[i] as Cast of this version stores it. count <= OR_LANES; `first`: see or_lanes_store. */
void or_quantized_store(const or_cast_target_t *to, uint64_t first, size_t count, const double *values,
                        const double *zeros);

#endif
