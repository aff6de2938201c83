#ifndef OR_OPS_TRILU_H
#define OR_OPS_TRILU_H
/* Trilu (ONNX ai.onnx 14): the upper (attribute upper, default 1) or lower triangle of matrices, zeros elsewhere.
 * input: [.., N, M], any fixed-width dtype or string; k: int64, one element, default 0: the diagonal that ends the
 * triangle, above the main one where positive. */

#include "ops/op.h"

extern const or_op_t or_op_trilu;

#endif
