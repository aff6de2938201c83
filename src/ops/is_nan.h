#ifndef OR_OPS_IS_NAN_H
#define OR_OPS_IS_NAN_H
/* IsNaN (ONNX ai.onnx 9, 13, 20): Y[i] is true where X[i] is NaN. X: float16 bfloat16 float32 float64, since
 * 20 the float8 types, any shape; Y: bool, X's shape. */

#include "ops/op.h"

extern const or_op_t or_op_is_nan;

#endif
