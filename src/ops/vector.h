#ifndef OR_OPS_VECTOR_H
#define OR_OPS_VECTOR_H
/* Ours (domain "openruntime", version 1): the work of compute tasks on vectors and on memory. All operands are of one
 * dtype and shape; alpha and value are float attributes, 1 where absent (value: 0).
 *
 *   Copy(x) -> y = x, any dtype
 *   Fill() -> y = value everywhere; attributes shape, dtype (TensorProto.DataType's number, float32 where absent)
 *   Scale(x) -> alpha x
 *   Axpy(x, y) -> alpha x + y
 *   Triad(a, b) -> a + alpha b
 *   Dot(x, y) -> [1], sum of x[i] y[i]
 *   Norm(x) -> [1], square root of the sum of squares
 *   ReadSum(x) -> [1], sum of x[i]: every byte must be read
 *
 * Floating-point types; Copy any, Fill, Dot and ReadSum integers too, whose sums wrap around in their own dtype. */

#include "ops/op.h"

extern const or_op_t or_op_copy, or_op_scale, or_op_axpy, or_op_triad, or_op_dot, or_op_norm, or_op_read_sum,
    or_op_fill;

#endif
