#ifndef OR_OPS_REDUCE_H
#define OR_OPS_REDUCE_H
/* Reductions along axes: ReduceSum (ai.onnx 1, 11, 13), ReduceMean, ReduceProd, ReduceL1, ReduceL2, ReduceSumSquare (1,
 * 11, 13, 18), ReduceLogSum, ReduceLogSumExp (… 18, 28), ReduceMax, ReduceMin (1, 11, 12, 13, 18, 20).
 *
 * The axes are an attribute at first, an input since 18 (ReduceSum: 13); none means all, or with noop_with_empty_axes
 * none: then each element is a group of its own (ReduceL2 gives |x|, ReduceLogSum log x). Sums are taken in double, of
 * integers modulo 2^bits; integer means truncate. Over no elements: sums 0, product 1, Max the smallest and Min the
 * largest value of the dtype (infinite where it has infinities), logarithms -infinity, a mean NaN (integers: 0). Max
 * and Min give NaN if any element is NaN. */

#include "ops/op.h"

extern const or_op_t or_op_reduce_sum, or_op_reduce_mean, or_op_reduce_max, or_op_reduce_min, or_op_reduce_prod;
extern const or_op_t or_op_reduce_l1, or_op_reduce_l2, or_op_reduce_sum_square, or_op_reduce_log_sum,
    or_op_reduce_log_sum_exp;

#endif
