#ifndef OR_OPS_MEAN_VARIANCE_H
#define OR_OPS_MEAN_VARIANCE_H
/* MeanVarianceNormalization (ONNX ai.onnx 9, 13): (X - mean) / (standard deviation + 1e-9), both over `axes` (default
 * 0, 2, 3). X: float16 bfloat16 float32 float64. */

#include "ops/op.h"

extern const or_op_t or_op_mean_variance_normalization;

#endif
