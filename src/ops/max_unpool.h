#ifndef OR_OPS_MAX_UNPOOL_H
#define OR_OPS_MAX_UNPOOL_H
/* MaxUnpool (ONNX ai.onnx 9, 11, 22): zeros, and each element of X where its index says: what MaxPool took the maxima
 * from, as far as they tell.
 *
 * X [N,C,spatial...] float16 bfloat16 float32 float64, I int64 of the same shape, output_shape int64 [rank] (optional)
 * -> Y of X's dtype. Attributes kernel_shape, pads, strides: without output_shape spatial' = stride (spatial - 1) +
 * kernel - pads, and indices count row-major in all of Y. With output_shape, which is Y's, pads are not looked at, and
 * indices count, as in ONNX's own case, in a tensor of the smaller of both extents, which is then put into the first
 * corner of Y. Of equal indices the last wins; one outside is INVALID_ARGUMENT. */

#include "ops/op.h"

extern const or_op_t or_op_max_unpool;

#endif
