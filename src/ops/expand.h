#ifndef OR_OPS_EXPAND_H
#define OR_OPS_EXPAND_H
/* A tensor repeated. Expand (ai.onnx 8, 13): broadcast to the shape of input 1, or that shape to the tensor's where
 * that is larger. Tile (1, 6, 13): input 1 says how often along each dimension; the three-input form of version 1 is
 * refused. */

#include "ops/op.h"

extern const or_op_t or_op_expand, or_op_tile;

#endif
