#ifndef OR_OPS_RESHAPE_H
#define OR_OPS_RESHAPE_H
/* The same elements under another shape.
 *
 * Reshape (ai.onnx 1, 5, 13, 14, 19, 21, 23, 24, 25): the new shape is an attribute in version 1, an input since; -1
 * (once) stands for what is left over, 0 for the input's extent of the same index (since 14 a true 0 with allowzero).
 * Extents that the two shapes share by 0 take no part in finding -1, so it is known even where they are symbols or
 * zero. Flatten (1, 9, 11, 13, 21, 23, 24, 25): two dimensions, [product before axis, product from axis on]. Identity
 * (1, 13, 14, 16, 19, 21, 23, 24, 25). It takes sequences
 * too since 14, optionals since 16. */

#include "ops/op.h"

extern const or_op_t or_op_reshape, or_op_flatten, or_op_identity;

#endif
