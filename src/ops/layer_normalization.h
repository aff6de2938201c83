#ifndef OR_OPS_LAYER_NORMALIZATION_H
#define OR_OPS_LAYER_NORMALIZATION_H
/* LayerNormalization (ONNX ai.onnx 17): Y = (X - mean) / sqrt(variance + epsilon) * scale + bias, with the mean and the
 * variance of the elements that share an index before `axis` (default -1).
 *
 * X, Y [...]; scale, bias (optional) broadcast to X, all of one dtype: float16 bfloat16 float32 float64. Optional
 * outputs Mean and InvStdDev: X's shape with 1 from `axis` on; float32, or with stash_type 16 bfloat16. */

#include "ops/op.h"

extern const or_op_t or_op_layer_normalization;

#endif
