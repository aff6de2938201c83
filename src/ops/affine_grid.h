#ifndef OR_OPS_AFFINE_GRID_H
#define OR_OPS_AFFINE_GRID_H
/* AffineGrid (ONNX ai.onnx 20): where each place of an image comes from under an affine transformation, for GridSample.
 *
 * theta: [N,2,3], or [N,3,4] for volumes; size: int64, N C H W or N C D H W. grid: [N,H,W,2] or [N,D,H,W,3], x first:
 * theta times (x, y, 1) or (x, y, z, 1), of places evenly spaced from -1 to 1, which are the centres of the outermost
 * pixels with align_corners 1 (an axis of one pixel: -1), else their outer edges. theta, grid: float16 bfloat16 float32
 * float64. */

#include "ops/op.h"

extern const or_op_t or_op_affine_grid;

#endif
