#ifndef OR_OPS_BIT_CAST_H
#define OR_OPS_BIT_CAST_H
/* BitCast (ONNX ai.onnx 26): the same bits read as the dtype `to`, which is as wide. Any dtype but string. Bytes that
 * become bools must be 0 or 1. */

#include "ops/op.h"

extern const or_op_t or_op_bit_cast;

#endif
