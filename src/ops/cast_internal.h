#ifndef OR_OPS_CAST_INTERNAL_H
#define OR_OPS_CAST_INTERNAL_H
/* Cast's way of storing reals in floating-point types of up to 8 bits, for the operators that quantise too. */

#include "ops/lanes.h"

typedef struct or_cast_target_t {
  or_dtype_t dtype;
  void *data;
  int version; /* of the operator */
  bool saturates;
} or_cast_target_t;
/* data[first + i] = real[i], which may be changed. Not for float8e8m0. Any thread. */
void or_cast_store_bounded(const or_cast_target_t *to, uint64_t first, size_t count, or_lanes_t *lanes);

#endif
