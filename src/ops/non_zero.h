#ifndef OR_OPS_NON_ZERO_H
#define OR_OPS_NON_ZERO_H
/* Operators whose output's extent depends on values.
 *
 * NonZero (ONNX ai.onnx 9, 13): the indices of elements that are not 0, in row-major order: int64 [rank, count]. X:
 * any dtype of fixed width; string, of which all but "" count.
 * Compress (9, 11, 28): slices of the input along `axis` where the condition is true; without the attribute, elements
 * of the input flattened. condition: bool [n], n at most the axis' extent. input: any fixed-width dtype or string. */

#include "ops/op.h"

extern const or_op_t or_op_non_zero, or_op_compress;

#endif
