#ifndef OR_OPS_GEMM_H
#define OR_OPS_GEMM_H
/* Gemm (ONNX ai.onnx 1, 6, 7, 9, 11, 13): Y = alpha A' B' + beta C, with A' = A or its transpose, likewise B'.
 *
 * A [M,K] or [K,M] (transA), B [K,N] or [N,K] (transB), C broadcast to [M,N] (optional since 11) -> Y [M,N]; float16
 * bfloat16 float32 float64 int32 int64 uint32 uint64, all the same. Integers wrap, and are exact where alpha and beta
 * are whole numbers; otherwise the result is computed in double and truncated. */

#include "ops/op.h"

extern const or_op_t or_op_gemm;

#endif
