#ifndef OR_OPS_CUMULATIVE_H
#define OR_OPS_CUMULATIVE_H
/* CumSum (ONNX ai.onnx 11, 14) and CumProd (26): Y[.., i, ..] is the sum, or product, of X[.., 0..i, ..] along an axis;
 * without element i itself if `exclusive`, from the end if `reverse`. X: float16 bfloat16 float32 float64 int32 int64
 * uint32 uint64 (integers wrap); axis: int32 or int64, one element, negative from the end. */

#include "ops/op.h"

extern const or_op_t or_op_cum_sum, or_op_cum_prod;

#endif
