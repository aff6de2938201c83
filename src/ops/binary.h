#ifndef OR_OPS_BINARY_H
#define OR_OPS_BINARY_H
/* Arithmetic on two tensors that are broadcast to one shape: C[i] = f(A[i], B[i]); Max and Min of any number.
 *
 * Add, Sub, Mul, Div (ai.onnx 1, 6, 7, 13, 14), Max, Min (1, 6, 8, 12, 13), Mod (10, 13, 28): all of one dtype. Pow (1,
 * 7, 12, 13, 15): the exponent's dtype may differ; the result has the base's. The limited broadcasting of versions
 * before 7 (attributes broadcast and axis) is refused by attribute name.
 *
 * Integers wrap around modulo 2^bits. Integer Div truncates towards zero; what ONNX leaves undefined is defined here: x
 * / 0 and x mod 0 are 0, the smallest integer / -1 is itself, and an integer to a negative power is the truncated
 * quotient 1 / x^n (0 for x = 0). Max and Min give NaN if any operand is NaN. */

#include "ops/op.h"

extern const or_op_t or_op_add, or_op_sub, or_op_mul, or_op_div, or_op_pow, or_op_mod, or_op_max, or_op_min;

/* Shared with the comparisons: infer for two inputs of one dtype, broadcast; output 0 gets `dtype`, or input 0's for
 * OR_DTYPE_NONE. */
or_status_t or_infer_broadcast_pair(or_op_call_t *call, or_dtype_t dtype);

#endif
