#ifndef OR_OPS_RANGE_H
#define OR_OPS_RANGE_H
/* Range (ai.onnx 11, 27): start, start + delta, … before limit: max(ceil((limit - start) / delta), 0) numbers, of three
 * scalars of one dtype. Integers are exact; floating-point numbers are computed as start + i * delta in double and
 * rounded once, whatever stash_type says. */

#include "ops/op.h"

extern const or_op_t or_op_range;

#endif
