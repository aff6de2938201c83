#ifndef OR_OPS_GATHER_ND_H
#define OR_OPS_GATHER_ND_H
/* GatherND (ONNX ai.onnx 11, 12, 13): slices of data picked by tuples of indices. The first batch_dims (from 12 on)
 * dimensions of data and indices go in step; the last dimension of indices holds a tuple of k indices into the next k
 * dimensions of data. data: any fixed-width dtype or string; indices: int64, negative ones from the end; output: data's
 * dtype, indices[:-1] + data[batch_dims + k:]. */

#include "ops/op.h"

extern const or_op_t or_op_gather_nd;

#endif
