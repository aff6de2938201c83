#ifndef OR_OPS_SQUEEZE_H
#define OR_OPS_SQUEEZE_H
/* Extents of one taken out and put in. `axes` is an attribute before version 13 and an input since.
 *
 * Squeeze (ai.onnx 1, 11, 13, 21, 23, 24, 25): without axes every extent of one goes. Unsqueeze (the same versions):
 * axes count in the output. A negative axis counts from the end, in every version. */

#include "ops/op.h"

extern const or_op_t or_op_squeeze, or_op_unsqueeze;

#endif
