#ifndef OR_OPS_CONV_TRANSPOSE_H
#define OR_OPS_CONV_TRANSPOSE_H
/* ConvTranspose (ONNX ai.onnx 1, 11, 22): every element of X adds its multiple of the kernel to Y, which is what the
 * gradient of a convolution does; then B is added.
 *
 * X [N,C,spatial...], W [C,M/group,kernel...], B [M] (optional) -> Y [N,M,spatial'...]; float16 bfloat16 float32
 * float64, all the same. Attributes auto_pad, dilations, group, kernel_shape, output_padding, output_shape, pads,
 * strides. With reach = dilation (kernel - 1) + 1 the whole is stride (spatial - 1) + reach + output_padding long, of
 * which the pads are cut off. output_shape (of the spatial dimensions, or of all) or auto_pad SAME_UPPER and SAME_LOWER
 * (spatial' = stride spatial) say the length instead; then pads are what is too much, split in halves, and of an odd
 * number the end has more with SAME_UPPER, the beginning else. What is too little is added behind the end, as
 * output_padding is. Version 1 splits as 11 does, as other runtimes do: its text contradicts itself. */

#include "ops/shape.h"

extern const or_op_t or_op_conv_transpose;

/* The window of the convolution whose transpose the call is: `in` are the extents of Y, `out` those of X; the last
 * window may end before `in` with its padding does. `x`, `w`: shapes of known rank. INVALID_ARGUMENT. */
or_status_t or_conv_transpose_window(const or_op_call_t *call, const or_shape_t *x, const or_shape_t *w,
                                     or_window_t *out);

#endif
