#ifndef OR_OPS_DEFORM_CONV_H
#define OR_OPS_DEFORM_CONV_H
/* DeformConv (ONNX ai.onnx 19, 22): a convolution that looks for each element of the kernel beside its place.
 *
 * X [N,C,spatial...], W [M,C/group,kernel...], offset [N,offset_group*product(kernel)*rank,spatial'...] (kernel
 * positions, and of each the distances along the `rank` spatial dimensions), B [M] (optional), mask
 * [N,offset_group*product(kernel),spatial'...] (optional, factors) -> Y [N,M,spatial'...]; float16 bfloat16 float32
 * float64, all the same. Channels are split among offset groups evenly. What lies between elements is interpolated
 * linearly in every dimension, with zeros around X. Attributes dilations, group, kernel_shape, offset_group, pads,
 * strides. At most DEFORM_CONV_MAX_SPATIAL spatial dimensions. */

#include "ops/op.h"

#define DEFORM_CONV_MAX_SPATIAL 4 /* a sample is made of 2^this elements */

extern const or_op_t or_op_deform_conv;

#endif
