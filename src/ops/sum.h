#ifndef OR_OPS_SUM_H
#define OR_OPS_SUM_H
/* Sum, Mean (ONNX ai.onnx 1, 6, 8, 13): of any number of tensors, element by element, broadcast (from 8 on). float16
 * bfloat16 float32 float64; added in double, rounded once. */

#include "ops/op.h"

extern const or_op_t or_op_sum, or_op_mean;

#endif
