#ifndef OR_OPS_QUANTIZE_LINEAR_H
#define OR_OPS_QUANTIZE_LINEAR_H
/* QuantizeLinear (ONNX ai.onnx 10, 13, 19, 21, 23, 24, 25, 28): y = saturate(round(x / y_scale) + y_zero_point), halves
 * to even. DequantizeLinear (the same versions): y = (x - x_zero_point) x_scale.
 *
 * x, y: any shape, the same. The scale: one number; since 13 one an index of `axis` (default 1; ignored where x has one
 * dimension); since 21, where `block_size` B > 0, x's shape with ceil(D / B) in the place of the axis' extent D. The
 * zero point, 0 where it is left out, has the scale's shape and the dtype of the quantised side: integers of 2, 4, 8
 * and 16 bits, int32 (dequantised only), float8, float6, float4. NaN becomes the least integer.
 *
 * QuantizeLinear's y has the dtype of `output_dtype` (since 21) or the zero point's, else uint8. It divides in
 * `precision` (since 23), else in the scale's dtype; where that is int32 in float64, where it is float8e8m0 in x's
 * dtype, or float32 if x is int32. `saturate` 0: numbers beyond a float8's range become infinity or NaN, as in Cast.
 * DequantizeLinear's y has the dtype of `output_dtype` (since 23), else the scale's; it multiplies in float32.
 *
 * DynamicQuantizeLinear (11): x float32 -> y uint8, y_scale float32 [], y_zero_point uint8 [], so that min(0, x) ..
 * max(0, x) becomes 0 .. 255; NaN apart. Of zeros alone (or of nothing) the scale is 0. */

#include "ops/op.h"

extern const or_op_t or_op_quantize_linear;
extern const or_op_t or_op_dequantize_linear;
extern const or_op_t or_op_dynamic_quantize_linear;

#endif
