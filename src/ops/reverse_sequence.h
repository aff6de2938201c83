#ifndef OR_OPS_REVERSE_SEQUENCE_H
#define OR_OPS_REVERSE_SEQUENCE_H
/* ReverseSequence (ONNX ai.onnx 10, 28): for each item of the batch the first sequence_lens[item] steps of time in
 * reverse, the rest as it was. batch_axis (default 1) and time_axis (default 0) are 0 and 1 in either order. input:
 * rank 2 or more, any fixed-width dtype or string; sequence_lens: int64 [batch]. */

#include "ops/op.h"

extern const or_op_t or_op_reverse_sequence;

#endif
