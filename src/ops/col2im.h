#ifndef OR_OPS_COL2IM_H
#define OR_OPS_COL2IM_H
/* Col2Im (ONNX ai.onnx 18): blocks, a column each, are added up to images where they overlap.
 *
 * X [N,C*product(block_shape),L], image_shape int64 [rank], block_shape int64 [rank] -> Y [N,C,image_shape...] of X's
 * dtype: floating-point and integer types, which wrap around, complex types, and bool, where a sum is an or. (Strings,
 * which the standard's type list has, have no sum.) L is the number of blocks in the padded image, row-major.
 * Attributes dilations, pads, strides. */

#include "ops/op.h"

extern const or_op_t or_op_col2im;

#endif
