#ifndef OR_OPS_SCATTER_H
#define OR_OPS_SCATTER_H
/* A copy of data with some elements written over.
 *
 * ScatterElements (ONNX ai.onnx 11, 13, 16, 18) and its older name Scatter (9, 11): element i of updates goes to i's
 * own place, with the index along `axis` (default 0) taken from element i of indices (int32 or int64). updates and
 * indices have one shape, of data's rank.
 * ScatterND (11, 13, 16, 18): the last dimension of indices (int64) holds tuples of k indices into the first k
 * dimensions of data; updates: indices[:-1] + data[k:].
 *
 * data, updates: any dtype of fixed width, or string. Attribute `reduction` (from 16): none, add, mul; max, min (from
 * 18; NaN if one is; not of complex numbers); none but the first of strings; of bools add and max are or, mul and min
 * are and. Indices may be negative, from the end. Of two that are equal the later one counts. */

#include "ops/op.h"

extern const or_op_t or_op_scatter_elements, or_op_scatter, or_op_scatter_nd;

#endif
