#ifndef OR_OPS_ACTIVATION_H
#define OR_OPS_ACTIVATION_H
/* Functions of one element: Y[i] = f(X[i]); Y has X's shape and dtype.
 *
 * Floating-point types: Sigmoid Tanh Exp Log Sqrt Reciprocal Sin Cos Tan Asin Acos Atan Sinh
 * Cosh Asinh Acosh Atanh Floor Ceil Round (half to even) Gelu
 * (approximate: none, tanh) HardSigmoid HardSwish Elu Celu Selu LeakyRelu ThresholdedRelu Softplus Softsign Mish Swish.
 * Also signed integers: Relu Neg. Also all integers: Abs Sign Erf Shrink Clip. Integers wrap, and Erf of them is
 * truncated. NaN gives NaN (ThresholdedRelu, Shrink: 0).
 *
 * Clip (ONNX ai.onnx 1, 6, 11, 12, 13): min(max(X, low), high); the bounds are attributes `min` and `max` before 11,
 * from then on inputs 1 and 2, each optional, a scalar of X's dtype. One that is left out does not bound, but in
 * version 6 is the lowest or largest float32, so that infinities are cut. The versions of the others stand in their
 * rows. */

#include "ops/op.h"

extern const or_op_t or_op_relu, or_op_clip, or_op_sigmoid, or_op_tanh, or_op_exp, or_op_log, or_op_sqrt, or_op_abs,
    or_op_neg, or_op_reciprocal, or_op_erf, or_op_gelu, or_op_hard_sigmoid, or_op_hard_swish, or_op_elu, or_op_celu,
    or_op_selu, or_op_leaky_relu, or_op_thresholded_relu, or_op_softplus, or_op_softsign, or_op_mish, or_op_swish,
    or_op_sin, or_op_cos, or_op_tan, or_op_asin, or_op_acos, or_op_atan, or_op_sinh, or_op_cosh, or_op_asinh,
    or_op_acosh, or_op_atanh, or_op_shrink, or_op_floor, or_op_ceil, or_op_round, or_op_sign;

/* The upper bound that a Clip of that version has where none is given; the lower one is its opposite. */
float or_clip_default(int version);

#endif
