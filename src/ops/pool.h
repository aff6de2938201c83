#ifndef OR_OPS_POOL_H
#define OR_OPS_POOL_H
/* Pooling over one or more spatial dimensions: X [N,C,spatial...] -> Y [N,C,spatial'...] of the same dtype.
 *
 * MaxPool (ONNX ai.onnx 1, 8, 10, 11, 12, 22): float16 bfloat16 float32 float64 int8 uint8. NaN in a window gives NaN;
 * a window that lies over padding alone gives the least value. The second output, if asked for, is int64
 * [N,C,spatial'...]: where in X each maximum is (the first of equal ones), as an index into all of X; with
 * storage_order 1 the spatial part counts column-major. -1 over padding alone. AveragePool (1, 7, 10, 11, 19, 22):
 * float16 bfloat16 float32 float64. With count_include_pad the padding counts as zeros, but not what ceil_mode adds
 * behind it; without, a window over padding alone gives 0. LpPool (1, 2, 11, 18, 22): floating-point types; the
 * p-th root of the sum of the p-th powers of the absolute values, p 2 by default. Attributes auto_pad, ceil_mode,
 * dilations, kernel_shape, pads, strides: see or_window_make. GlobalAveragePool, GlobalMaxPool (1, 22), GlobalLpPool
 * (1, 2, 22): floating-point types; one window over each channel, spatial' all 1. Version 1 of the Lp pools, whose p
 * is a float, belongs to opset 1 and is not read. */

#include "ops/op.h"

extern const or_op_t or_op_max_pool, or_op_average_pool, or_op_lp_pool, or_op_global_average_pool,
    or_op_global_max_pool, or_op_global_lp_pool;

#endif
