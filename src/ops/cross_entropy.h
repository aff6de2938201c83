#ifndef OR_OPS_CROSS_ENTROPY_H
#define OR_OPS_CROSS_ENTROPY_H
/* Losses of a classification, as exported training graphs hold them.
 *
 * NegativeLogLikelihoodLoss (ONNX ai.onnx 12, 13, 22): -input[n,target,d..] * weight[target].
 * SoftmaxCrossEntropyLoss (12, 13): the same of the logarithm of the softmax over the classes, which is the optional
 * second output.
 *
 * input, scores: [N,C,d..], float16 bfloat16 float32 float64; target, labels: [N,d..], int32 or int64, 0..C-1 or
 * ignore_index, which has loss and weight 0; weight: [C], 1 where left out. reduction none gives [N,d..]; sum a scalar;
 * mean (the default) the sum divided by the sum of the weights that were used. */

#include "ops/op.h"

extern const or_op_t or_op_negative_log_likelihood_loss, or_op_softmax_cross_entropy_loss;

#endif
