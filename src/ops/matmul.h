#ifndef OR_OPS_MATMUL_H
#define OR_OPS_MATMUL_H
/* MatMul (ONNX ai.onnx 1, 9, 13): Y = A B, as numpy.matmul.
 *
 * A [batch...,M,K], B [batch...,K,N] -> Y [batch...,M,N]; the batch dimensions broadcast. A one-dimensional A is a row,
 * a one-dimensional B a column, and the dimension of extent 1 that this adds is left out of Y. float16 bfloat16 float32
 * float64 int32 int64 uint32 uint64, all the same; integers wrap. */

#include "ops/op.h"

extern const or_op_t or_op_matmul;

#endif
