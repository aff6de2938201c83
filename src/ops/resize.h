#ifndef OR_OPS_RESIZE_H
#define OR_OPS_RESIZE_H
/* Resize (ONNX ai.onnx 10, 11, 13, 18, 19) and its predecessor Upsample (7, 9): a tensor sampled at another resolution
 * along some axes; mode nearest, linear or cubic (Keys, "Cubic convolution interpolation for digital image processing",
 * 1981), each axis by itself.
 *
 * Resize: every coordinate_transformation_mode and nearest_mode of the standard, antialias, exclude_outside, axes,
 * keep_aspect_ratio_policy; roi for tf_crop_and_resize, which decides where elements come from, not how many there
 * are (floor(extent * scale), as ONNX's own shape inference has it). Inputs: X, roi, scales (float32), sizes (int64),
 * one of the last two (version 10: X, scales). Upsample and version 10 sample at i / scale; nearest takes the element
 * below that, or above it where the axis shrinks. X: any dtype of fixed width, and string in mode nearest; interpolated
 * integers are rounded, halves to even, and kept in range; a bool is true where the result is not 0. */

#include "ops/op.h"

extern const or_op_t or_op_resize, or_op_upsample;

#endif
