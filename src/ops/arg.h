#ifndef OR_OPS_ARG_H
#define OR_OPS_ARG_H
/* ArgMax, ArgMin (ONNX ai.onnx 1, 11, 12, 13): the index of the largest, smallest element along `axis` (default 0); the
 * first of several, or the last if select_last_index (from 12 on); NaN counts as the extreme. data: floating-point
 * types and integers; output: int64, that dimension 1, or gone if keepdims = 0. */

#include "ops/op.h"

extern const or_op_t or_op_arg_max, or_op_arg_min;

#endif
