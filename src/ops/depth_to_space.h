#ifndef OR_OPS_DEPTH_TO_SPACE_H
#define OR_OPS_DEPTH_TO_SPACE_H
/* Channels against pixels, blocks of `blocksize` b by b. Any fixed-width dtype or string.
 *
 * DepthToSpace (ONNX ai.onnx 1, 11, 13, 28): [N, C, H, W] -> [N, C / b^2, H b, W b]; `mode` (from 11 on): DCR
 * (default), the block's row and column are the outer part of a channel's number, or CRD, the inner one.
 * SpaceToDepth (1, 13, 28): [N, C, H, W] -> [N, C b^2, H / b, W / b], the reverse of it; `mode` from
 * 28 on, before it DCR. */

#include "ops/op.h"

extern const or_op_t or_op_depth_to_space, or_op_space_to_depth;

#endif
