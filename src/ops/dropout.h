#ifndef OR_OPS_DROPOUT_H
#define OR_OPS_DROPOUT_H
/* Dropout (ONNX ai.onnx 1, 6, 7, 10, 12, 13, 22) at inference: the input itself, and a mask of which everything is kept
 * (bool; before 10 of the input's dtype). Its training form is refused. data: float16 bfloat16 float32 float64. */

#include "ops/op.h"

extern const or_op_t or_op_dropout;

#endif
