#ifndef OR_OPS_BITWISE_H
#define OR_OPS_BITWISE_H
/* Bits of integers, broadcast.
 *
 * BitwiseAnd BitwiseOr BitwiseXor BitwiseNot (ONNX ai.onnx 18): all integers.
 * BitShift (11, 28): X moved by Y bits, direction LEFT or RIGHT; unsigned integers, from 28 on signed ones too, whose
 * right shift keeps the sign. By less than 0 or by all bits or more: what the sign alone gives, -1 or 0. */

#include "ops/op.h"

extern const or_op_t or_op_bitwise_and, or_op_bitwise_or, or_op_bitwise_xor, or_op_bitwise_not, or_op_bit_shift;

#endif
