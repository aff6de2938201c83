#ifndef OR_OPS_INSTANCE_NORMALIZATION_H
#define OR_OPS_INSTANCE_NORMALIZATION_H
/* Images shifted and scaled to mean 0 and variance 1, then y = scale x + bias. X: [N, C, ..], float16 bfloat16 float32
 * float64.
 *
 * InstanceNormalization (ONNX ai.onnx 1, 6, 22): each channel of each image by itself; scale, bias: [C].
 * GroupNormalization (18, 21): `num_groups` groups of neighbouring channels; scale, bias: [num_groups], from 21 on [C].
 * epsilon: 1e-5. */

#include "ops/op.h"

extern const or_op_t or_op_instance_normalization, or_op_group_normalization;

#endif
