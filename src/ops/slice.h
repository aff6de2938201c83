#ifndef OR_OPS_SLICE_H
#define OR_OPS_SLICE_H
/* Slice (ai.onnx 1, 10, 11, 13): along each axis named, elements start, start + step, … before end. Negative starts and
 * ends count from the extent; both are clamped to it. Attributes starts, ends, axes in version 1 (steps are 1); inputs
 * starts, ends, axes, steps since 10, int32 or int64. A step is never 0; a negative one walks backwards. The numbers
 * per axis: or_slice_make in ops/shape.h. */

#include "ops/op.h"

extern const or_op_t or_op_slice;

#endif
