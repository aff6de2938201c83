#ifndef OR_OPS_ATTENTION_H
#define OR_OPS_ATTENTION_H
/* Attention (ONNX ai.onnx 23, 24, 25): Y = softmax(scale Q K^T, capped, masked) V, head by head.
 *
 * Q [B,Hq,S,D], K [B,Hkv,N,D], V [B,Hkv,N,Dv], or with three dimensions [B,S,Hq*D], … and the attributes q_num_heads
 * and kv_num_heads; Hq is a multiple of Hkv. past_key [B,Hkv,P,D] and past_value come before K and V: T = P + N.
 * attn_mask broadcasts to [B,Hq,S,T]: bool (false: not attended) or numbers that are added; from 24 on its last
 * dimension may be shorter, and what it lacks is not attended. is_causal, windows (25) and nonpad_kv_seqlen (24,
 * int64 [B]) leave out more. float16 bfloat16 float32 float64; the softmax is computed at least in float32 whatever
 * softmax_precision says.
 *
 * A key that is not attended has weight 0 whatever its score is; numbers of a mask are added, -inf too. A query that
 * attends nothing gives zeros. Scores are rounded to float32 (of float64: not) after the mask was added, so that a
 * mask of the lowest float hides them as it does in float32.
 *
 * CachedAttention (openruntime 1): the same with K and V appended to caches [B,Hkv,C,D] and [B,Hkv,C,Dv] in the place
 * of past_key and past_value. Input 6 is the number of rows there before, int64 [1] (P; P + N <= C: OUT_OF_RANGE
 * otherwise); T is P + N, of the mask's last dimension (C or 1) the rest is not looked at; the one output is Y. It is
 * the one operator that writes to inputs: rows P..P+N-1 of both caches. Plans that run with a state hold it, files
 * never do. */

#include "ops/op.h"

extern const or_op_t or_op_attention, or_op_cached_attention;

enum {
  OR_ATTENTION_Q,
  OR_ATTENTION_K,
  OR_ATTENTION_V,
  OR_ATTENTION_MASK,
  OR_ATTENTION_PAST_KEY,   /* or the cache */
  OR_ATTENTION_PAST_VALUE, /* or the cache */
  OR_ATTENTION_LENGTH,     /* nonpad_kv_seqlen; of CachedAttention the past length */
};

/* Distances in elements between neighbours along each dimension; the elements of a row are neighbours. */
typedef struct or_attention_rows_t {
  int64_t batch, head, row;
} or_attention_rows_t;

/* A node of static shapes read for computing. */
typedef struct or_attention_t {
  bool cached; /* CachedAttention */
  int64_t batch, q_heads, kv_heads, q_length, new_length, head, value_head;
  int64_t past_length; /* CachedAttention: the capacity; the past is known when it runs */
  or_attention_rows_t q, k, v, y, past_key, past_value;
  int64_t mask_batch, mask_head, mask_row, mask_column; /* strides of the mask, 0 where it is broadcast */
  int64_t mask_length;                                  /* columns that it has; INT64_MAX where that is broadcast */
  double scale, softcap;                                /* softcap 0: none */
  bool causal;
  int64_t left_window, right_window; /* -1: none */
  int64_t output_mode;               /* of output 3 */
} or_attention_t;

/* Pure. `call` has passed infer, and its shapes are static. */
void or_attention_read(const or_op_call_t *call, or_attention_t *out);

/* The keys that query row `row` may attend, [*begin, *end), where `offset` keys come before query 0 and `total` there
 * are; the mask may leave out more. */
void or_attention_range(const or_attention_t *attention, int64_t row, int64_t offset, int64_t total, int64_t *begin,
                        int64_t *end);

#endif
