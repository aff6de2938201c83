#ifndef OR_OPS_TF_IDF_H
#define OR_OPS_TF_IDF_H
/* TfIdfVectorizer (ONNX ai.onnx 9): how often n-grams of a pool stand in a row of tokens. X: [C] or [N, C], int32,
 * int64 or string; Y, float32: [max(ngram_indexes) + 1] or [N, that].
 *
 * pool_int64s or pool_strings has the n-grams of length 1, then those of length 2, …; those of length n begin at
 * ngram_counts[n - 1]. N-gram i counts at Y[ngram_indexes[i]]. Only lengths from min_gram_length to max_gram_length are
 * looked for, their tokens 1 to max_skip_count + 1 places apart; single tokens are counted once. mode: TF (the count),
 * TFIDF (the count times weights[i]), IDF (weights[i] where there is one); weights are 1 without the attribute. */

#include "ops/op.h"

extern const or_op_t or_op_tf_idf_vectorizer;

#endif
