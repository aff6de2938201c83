#ifndef OR_OPS_QUANTIZE_INTERNAL_H
#define OR_OPS_QUANTIZE_INTERNAL_H
/* Rounding to a quantised dtype, for the operators that quantise. All functions are pure: any thread. */

#include "ops/cast_internal.h"

/* The ends of an integer dtype's range. */
void or_quantized_range(or_dtype_t dtype, double *low, double *high);
/* data[first + i] = saturate(round(values[i]) + zeros[i]) of an integer dtype; of a floating-point one values[i] +
 * zeros[i] as Cast of this version stores it. count <= OR_LANES; `first`: see or_lanes_store. */
void or_quantized_store(const or_cast_target_t *to, uint64_t first, size_t count, const double *values,
                        const double *zeros);

#endif
