#ifndef OR_OPS_BATCH_NORMALIZATION_H
#define OR_OPS_BATCH_NORMALIZATION_H
/* BatchNormalization (ONNX ai.onnx 1, 6, 7, 9, 14, 15), channel by channel: Y = (X - mean) / sqrt(variance + epsilon) *
 * scale + bias.
 *
 * X, Y [N,C,...]; scale, bias, mean, variance [C]; in version 7 with spatial 0 [C,...], one for each place. float16
 * bfloat16 float32 float64; since 14 mean and variance, since 15 also scale and bias may be of another of these types
 * than X.
 * Training (training_mode 1; before 14 more than one output): mean and variance of the batch itself, the variance that
 * of the population, stand in the place of the inputs; outputs 1 and 2 are input * momentum + the batch's * (1 -
 * momentum), before 14 outputs 3 and 4 the batch's own. */

#include "ops/op.h"

extern const or_op_t or_op_batch_normalization;

#endif
