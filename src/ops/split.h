#ifndef OR_OPS_SPLIT_H
#define OR_OPS_SPLIT_H
/* Split (ai.onnx 1, 2, 11, 13, 18): the input in pieces along `axis` (default 0, from the end where negative), one an
 * output. Their extents are the attribute `split` before 13 and an input since; without them the pieces are equal, and
 * since 18 the last one may be smaller (`num_outputs`, which must be the number of outputs). The lengths as an input of
 * version 1 are refused. */

#include "ops/op.h"

extern const or_op_t or_op_split;

#endif
