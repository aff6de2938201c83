#ifndef OR_OPS_SWIGLU_H
#define OR_OPS_SWIGLU_H
/* SwiGLU (ONNX ai.onnx 28; Shazeer, "GLU variants improve transformer", 2020): Y = A sigmoid(alpha A) B, alpha 1. A, B,
 * Y: one shape and dtype, float16 bfloat16 float32 float64. */

#include "ops/op.h"

extern const or_op_t or_op_swiglu;

#endif
