#ifndef OR_OPS_IS_INF_H
#define OR_OPS_IS_INF_H
/* IsInf (ONNX ai.onnx 10, 20): Y[i] is true where X[i] is infinite, of the signs that the attributes detect_negative
 * and detect_positive (default 1) ask for. X: float16 bfloat16 float32 float64, since 20 the float8 types, any shape;
 * Y: bool, X's shape. */

#include "ops/op.h"

extern const or_op_t or_op_is_inf;

#endif
