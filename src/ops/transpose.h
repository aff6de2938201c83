#ifndef OR_OPS_TRANSPOSE_H
#define OR_OPS_TRANSPOSE_H
/* Transpose (ai.onnx 1, 13, 21, 23, 24, 25): dimension i of the output is dimension perm[i] of the input; without perm
 * the order is reversed. */

#include "ops/op.h"

extern const or_op_t or_op_transpose;

/* The permutation for an input of rank `rank` (0..OR_MAX_RANK), for backends too. INVALID_ARGUMENT if the attribute is
 * none. Any thread. */
or_status_t or_transpose_permutation(const or_op_call_t *call, int32_t rank, int32_t permutation[OR_MAX_RANK]);

#endif
