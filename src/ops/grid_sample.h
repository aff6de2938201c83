#ifndef OR_OPS_GRID_SAMPLE_H
#define OR_OPS_GRID_SAMPLE_H
/* GridSample (ONNX ai.onnx 16, 20, 22): an image sampled where a grid says.
 *
 * X: [N,C,D1..Dr]; grid: [N,O1..Or,r], positions with the innermost dimension first, -1 and 1 the outer edges of the
 * outermost pixels, or their centres with align_corners 1; Y: [N,C,O1..Or]. r = 2 before version 20, up to 8 for cubic.
 * mode nearest (halves to even), linear (bilinear before 20) or cubic (bicubic before 20; Keys' with a = -0.75). Beyond
 * the image padding_mode gives 0 (zeros), the outermost pixels (border), or its mirror image (reflection). Positions
 * are computed in float32, of a float64 grid in float64. One that is NaN, or infinite under reflection, is in the first
 * pixel; under zeros either is outside.
 * X: floating-point types, integers (interpolated as double, truncated), complex, bool, in mode nearest text; grid:
 * floating-point types. */

#include "ops/op.h"

extern const or_op_t or_op_grid_sample;

#endif
