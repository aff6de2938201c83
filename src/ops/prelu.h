#ifndef OR_OPS_PRELU_H
#define OR_OPS_PRELU_H
/* PRelu (ONNX ai.onnx 1, 6, 7, 9, 16): x, slope x below 0. slope broadcasts to X without making it larger. float16
 * bfloat16 float32 float64 int32 int64 uint32 uint64. Before version 7 the slope has one element, or one for
 * each channel (dimension 1). */

#include "ops/op.h"

extern const or_op_t or_op_prelu;

#endif
