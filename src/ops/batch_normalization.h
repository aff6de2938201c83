#ifndef OR_OPS_BATCH_NORMALIZATION_H
#define OR_OPS_BATCH_NORMALIZATION_H
/* BatchNormalization (ONNX ai.onnx 1, 6, 7, 9, 14, 15), as a trained network uses it: Y = (X - mean) / sqrt(variance +
 * epsilon) * scale + bias, channel by channel.
 *
 * X, Y [N,C,...]; scale, bias, mean, variance [C]; in version 7 with spatial 0 [C,...], one for each place. float16
 * bfloat16 float32 float64; since 14 mean and variance, since 15 also scale and bias may be of another of these types
 * than X. Training (training_mode 1; before 14 more than one output) is UNIMPLEMENTED. */

#include "ops/op.h"

extern const or_op_t or_op_batch_normalization;

#endif
