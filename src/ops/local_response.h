#ifndef OR_OPS_LOCAL_RESPONSE_H
#define OR_OPS_LOCAL_RESPONSE_H
/* LRN (ONNX ai.onnx 1, 13), local response normalisation across channels (Krizhevsky, Sutskever and Hinton, "ImageNet
 * classification with deep convolutional neural networks", 2012): y = x / (bias + alpha / size s)^beta, s the sum of
 * squares of `size` channels around x's. X: [N, C, ..], float16 bfloat16 float32 float64. Defaults: alpha 1e-4, beta
 * 0.75, bias 1. */

#include "ops/op.h"

extern const or_op_t or_op_lrn;

#endif
