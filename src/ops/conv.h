#ifndef OR_OPS_CONV_H
#define OR_OPS_CONV_H
/* Conv (ONNX ai.onnx 1, 11, 22): Y = X * W + B, a cross-correlation over one or more spatial dimensions.
 *
 * X [N,C,spatial...], W [M,C/group,kernel...], B [M] (optional) -> Y [N,M,spatial'...]; float16 bfloat16 float32
 * float64, all the same. Attributes auto_pad, dilations, group, kernel_shape, pads, strides: see or_window_make. */

#include "ops/op.h"

extern const or_op_t or_op_conv;

#endif
