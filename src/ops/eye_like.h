#ifndef OR_OPS_EYE_LIKE_H
#define OR_OPS_EYE_LIKE_H
/* EyeLike (ONNX ai.onnx 9, 22): ones on the diagonal `k` (default 0; above the main one where positive), zeros
 * elsewhere, in the input's shape. input: a matrix, floating-point types, integers or bool; output: the attribute
 * dtype, else the input's. */

#include "ops/op.h"

extern const or_op_t or_op_eye_like;

#endif
