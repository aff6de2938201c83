#ifndef OR_OPS_ADD_LAYER_NORMALIZATION_H
#define OR_OPS_ADD_LAYER_NORMALIZATION_H
/* AddLayerNormalization (openruntime 1): Sum = A + B, Y = LayerNormalization(Sum) with scale and bias, axis and epsilon
 * as ai.onnx has them: a residual branch that ends in a norm.
 *
 * A, B broadcast to each other; Y and the optional second output Sum have the shape that they come to; scale and bias
 * (optional) broadcast to it; all of one dtype: float16 bfloat16 float32 float64. Y is made of the Sum as it rounds. */

#include "ops/op.h"

extern const or_op_t or_op_add_layer_normalization;

#endif
