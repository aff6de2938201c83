#ifndef OR_OPS_MATMUL_INTEGER_H
#define OR_OPS_MATMUL_INTEGER_H
/* Matrix products of quantised numbers; shapes as MatMul's (ops/matmul.h). A parameter of A is one number, [M] (one a
 * row), or A's shape with 1 for K; of B one number, [N], or B's shape with 1 for K.
 *
 * MatMulInteger (ONNX ai.onnx 10): Y = (A - a_zero_point)(B - b_zero_point), int8 or uint8 -> int32, which wraps.
 *
 * QLinearMatMul (10, 21): y = saturate(round(p a_scale b_scale / y_scale) + y_zero_point), halves to even, where p is
 * that product. a, b, y: int8 or uint8, since 21 float8, each its own; the scales float32, since 21 float16 bfloat16.
 * Integers: p is an int32 and wraps; a_scale b_scale / y_scale and its product with p are float32. */

#include "ops/op.h"

extern const or_op_t or_op_matmul_integer;
extern const or_op_t or_op_qlinear_matmul;

#endif
