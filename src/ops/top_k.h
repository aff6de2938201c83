#ifndef OR_OPS_TOP_K_H
#define OR_OPS_TOP_K_H
/* TopK (ONNX ai.onnx 1, 10, 11, 24): the k largest elements along `axis` (default -1), largest first, and where they
 * were. Of equals the one with the lower index comes first; NaN counts as the largest. From 10 on k is input 1 (int64,
 * one element), before it an attribute; from 11 on `largest` = 0 asks for the smallest, and `sorted` = 0 lets the order
 * be any (here it is sorted all the same). X: floating-point types and integers; outputs: X's dtype, and int64. */

#include "ops/op.h"

extern const or_op_t or_op_top_k;

#endif
