#ifndef OR_OPS_DET_H
#define OR_OPS_DET_H
/* Det (ONNX ai.onnx 11, 22): the determinant of each matrix, by LU decomposition with partial pivoting. X: [.., M, M];
 * Y: [..]; float16 bfloat16 float32 float64. Of a matrix without elements it is 1; one with a NaN gives NaN. */

#include "ops/op.h"

extern const or_op_t or_op_det;

#endif
