#ifndef OR_OPS_CONV_INTEGER_H
#define OR_OPS_CONV_INTEGER_H
/* Convolutions of int8 or uint8 operands, each its own; shapes and attributes as Conv's (ops/conv.h). Padding is the
 * zero point of x. The parameters of w are one number or [M], one a filter; the others one number.
 *
 * ConvInteger (ONNX ai.onnx 10): y = (x - x_zero_point) * (w - w_zero_point), int32, which wraps.
 *
 * QLinearConv (10): y = saturate(round((p + B) x_scale w_scale / y_scale) + y_zero_point), int8 or uint8, halves to
 * even, where p is that convolution and B int32 [M]; their sum is an int32 and wraps. The scales are float32, and so
 * are the factor and its product with the sum. */

#include "ops/op.h"

extern const or_op_t or_op_conv_integer;
extern const or_op_t or_op_qlinear_conv;

#endif
