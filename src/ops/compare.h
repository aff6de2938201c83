#ifndef OR_OPS_COMPARE_H
#define OR_OPS_COMPARE_H
/* Comparisons and logic: bool results, operands broadcast to one shape.
 *
 * Equal (ai.onnx 1, 7, 11, 13, 19), Greater, Less (1, 7, 9, 13), GreaterOrEqual, LessOrEqual (12, 16): two tensors of
 * one numeric dtype (Equal: bool and string too); a comparison with NaN is false. And, Or, Xor (1, 7), Not (1):
 * bool. */

#include "ops/op.h"

extern const or_op_t or_op_equal, or_op_greater, or_op_less, or_op_greater_or_equal, or_op_less_or_equal;
extern const or_op_t or_op_and, or_op_or, or_op_xor, or_op_not;

#endif
