#ifndef OR_GRAPH_REWRITE_ATTENTION_INTERNAL_H
#define OR_GRAPH_REWRITE_ATTENTION_INTERNAL_H
/* The two halves of the attention pattern: finding it, and putting the operator in its place. */

#include "graph/rewrite/rewrite_internal.h"

#define OR_ATTENTION_MAX_PARTS 40u /* the pattern has at most 25 */
/* What is added to a score to hide it is at most this: e to its power is 0 in every type, whatever the others are. */
#define OR_ATTENTION_HIDES (-1e4)

/* One of Q, K, V. */
typedef struct or_attention_operand_t {
  or_value_id_t heads;            /* [B,H,N,D] */
  or_value_id_t flat;             /* [B,N,H*D] that `heads` is a transposed view of; or OR_NO_VALUE */
  uint32_t flat_parts[2];         /* Reshape and Transpose between them */
  or_value_id_t past, present;    /* K, V: heads = new rows, present = Concat(past, heads); or OR_NO_VALUE */
  uint32_t extra[4], extra_count; /* further nodes between the product and `heads` or `present` */
  uint32_t flat_count;
} or_attention_operand_t;

typedef struct or_attention_match_t {
  or_rewriter_t *rewriter;
  uint32_t parts[OR_ATTENTION_MAX_PARTS];
  uint32_t part_count;
  or_attention_operand_t q, k, v;
  or_value_id_t masks[2]; /* in the order of the graph from its end; of them one that is not causal */
  uint32_t mask_count;
  or_value_id_t mask; /* the one that is left; OR_NO_VALUE: none */
  bool causal;
  double scale;
  or_value_id_t scores;            /* Q K^T as multiplied: its shape */
  or_value_id_t y;                 /* [B,H,S,Dv] */
  uint32_t y_transpose, y_reshape; /* that follow; UINT32_MAX: they don't */
  or_value_id_t y_flat;            /* what the Reshape gives */
  const char *name;
} or_attention_match_t;

/* Walks from the Softmax `root` both ways; false if that is no attention. Changes nothing. */
bool or_attention_match(or_rewriter_t *rewriter, uint32_t root, or_attention_match_t *out);

/* The producer of `value`, if it is alive and is that operator of ai.onnx; else UINT32_MAX. */
uint32_t or_attention_producer(const or_rewriter_t *rewriter, or_value_id_t value, const char *op);
/* The float constant of one element that `value` is. */
bool or_attention_scalar(const or_rewriter_t *rewriter, or_value_id_t value, double *out);
/* Whether a constant of `value` says that query i sees keys j <= i + past of `total` and no others: of numbers, 0
 * where it sees and OR_ATTENTION_HIDES or less where not; of bool, true where it sees. */
bool or_attention_causal(const or_rewriter_t *rewriter, or_value_id_t value, int64_t queries, int64_t total,
                         int64_t past);

#endif
