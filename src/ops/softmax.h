#ifndef OR_OPS_SOFTMAX_H
#define OR_OPS_SOFTMAX_H
/* Softmax (ONNX ai.onnx 1, 11, 13): Y = exp(X - max) / sum of exp(X - max) along `axis` (default -1). LogSoftmax (1,
 * 11, 13): its logarithm, X - max - log(sum of exp(X - max)). Before 13 the input counts as a matrix, its dimensions
 * from `axis` (default 1) on being the columns.
 *
 * X, Y [...], at least one dimension, float16 bfloat16 float32 float64. */

#include "ops/op.h"

extern const or_op_t or_op_softmax, or_op_log_softmax;

#endif
