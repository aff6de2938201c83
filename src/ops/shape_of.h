#ifndef OR_OPS_SHAPE_OF_H
#define OR_OPS_SHAPE_OF_H
/* What a tensor's shape says, as int64. Shape (ai.onnx 1, 13, 15, 19, 21, 23, 24, 25): the extents from `start` to
 * before `end` (both since 15, negative from the end, clamped). Size (1, 13, 19, 21, 23, 24, 25): the number of
 * elements, a scalar. Neither looks at the data. */

#include "ops/op.h"

extern const or_op_t or_op_shape, or_op_size;

#endif
