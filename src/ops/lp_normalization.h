#ifndef OR_OPS_LP_NORMALIZATION_H
#define OR_OPS_LP_NORMALIZATION_H
/* Lines along `axis` (default -1). float16 bfloat16 float32 float64.
 *
 * LpNormalization (ONNX ai.onnx 1, 22): divided by their norm, p = 1 or 2 (default); a line of zeros stays.
 * Hardmax (1, 11, 13): 1 at the first largest element, 0 elsewhere; before 13 the input is flattened to two dimensions
 * at `axis` (default 1), and the line is the second. */

#include "ops/op.h"

extern const or_op_t or_op_lp_normalization, or_op_hardmax;

#endif
