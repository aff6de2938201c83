#ifndef OR_OPS_TENSOR_SCATTER_H
#define OR_OPS_TENSOR_SCATTER_H
/* TensorScatter (ONNX ai.onnx 24): a cache with an update written over part of it. past_cache: [B, .., L, ..] with L at
 * `axis` (default -2, never 0); update: the same but for S <= L there; write_indices: int64 [B], where each item's
 * update begins, default 0. mode: linear (it must fit), circular (it wraps around). Any fixed-width dtype or string. */

#include "ops/op.h"

extern const or_op_t or_op_tensor_scatter;

#endif
