#ifndef OR_OPS_CAUSAL_CONV_H
#define OR_OPS_CAUSAL_CONV_H
/* CausalConvWithState (ONNX ai.onnx 27): a convolution of each channel with a kernel of its own, which sees a position
 * and those before it, also of the step before.
 *
 * X [N,C,L], W [C,1,K], B [C] (optional), past_state [N,C,K-1] (optional, zeros) -> Y [N,C,L], present_state [N,C,K-1],
 * the last of past_state and X one after the other; float16 bfloat16 float32 (float64 too), all the same. Attribute
 * activation: none (the default), or silu, also called swish: y / (1 + exp(-y)). */

#include "ops/op.h"

extern const or_op_t or_op_causal_conv_with_state;

#endif
