#ifndef OR_OPS_CONCAT_H
#define OR_OPS_CONCAT_H
/* Concat (ai.onnx 1, 4, 11, 13): any number of tensors of one dtype and rank, end to end along `axis` (default 1 in
 * version 1, required since). The other extents are equal. A negative axis counts from the end, in every version. */

#include "ops/op.h"

extern const or_op_t or_op_concat;

#endif
