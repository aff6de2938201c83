#ifndef OR_OPS_ONE_HOT_H
#define OR_OPS_ONE_HOT_H
/* OneHot (ONNX ai.onnx 9, 11, 28): values[1] where the place along the new dimension `axis` (default -1) is the index,
 * values[0] elsewhere, and everywhere if the index is outside [-depth, depth) (version 9: [0, depth)). indices:
 * integers or floating-point types (truncated); depth: one element of such a type, not negative; values: two elements
 * of any fixed-width dtype or string, which the output has: indices' shape with depth inserted. */

#include "ops/op.h"

extern const or_op_t or_op_one_hot;

#endif
