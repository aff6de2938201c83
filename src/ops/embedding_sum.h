#ifndef OR_OPS_EMBEDDING_SUM_H
#define OR_OPS_EMBEDDING_SUM_H
/* EmbeddingSum (openruntime 1): Y[.., h] = sum over i of table_i[indices_i[..], h]: what a transformer looks up for a
 * token, its position and its segment.
 *
 * Inputs table_0, indices_0, table_1, indices_1, …: 2 to 8 tables [rows_i, hidden] of one dtype (float16 bfloat16
 * float32 float64), each with indices int32 or int64, negative ones from the end, whose shapes broadcast to each other.
 * An index outside its table is INVALID_ARGUMENT from the reference, with its place. */

#include "ops/op.h"

#define OR_EMBEDDING_MAX_TABLES 8u

extern const or_op_t or_op_embedding_sum;

#endif
