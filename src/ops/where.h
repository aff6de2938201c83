#ifndef OR_OPS_WHERE_H
#define OR_OPS_WHERE_H
/* Where (ai.onnx 9, 16): out[i] = condition[i] ? x[i] : y[i], all three broadcast to one shape. condition: bool; x, y:
 * any one fixed-width dtype or string. */

#include "ops/op.h"

extern const or_op_t or_op_where;

#endif
