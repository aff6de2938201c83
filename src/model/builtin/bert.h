#ifndef OR_MODEL_BUILTIN_BERT_H
#define OR_MODEL_BUILTIN_BERT_H
/* BERT (J. Devlin et al., "BERT: pre-training of deep bidirectional transformers", 2018) of any size, as transformers'
 * BertModel has it, and its relatives of the same shape. */

#include "model/builtin/network.h"

/* What the module calls its parts. */
typedef struct or_bert_names_t {
  const char *layer; /* "encoder.layer." and a number */
  const char *query, *key, *value, *attention_output, *attention_norm, *up, *down, *output_norm; /* in a layer */
} or_bert_names_t;
extern const or_bert_names_t or_bert_names, or_distilbert_names;

/* What becomes of the tokens' vectors (sentence-transformers' Pooling). */
typedef enum or_pooling_t { OR_POOLING_NONE, OR_POOLING_CLS, OR_POOLING_MEAN } or_pooling_t;

typedef struct or_bert_config_t {
  int64_t vocabulary, hidden, layers, heads, intermediate, positions;
  int64_t types; /* of tokens; 0: the module has no such embedding */
  float epsilon;
  or_activation_kind_t activation;
  const or_bert_names_t *names;
  bool pooler; /* output pooler_output: tanh of a matrix times the first token's vector */
  or_pooling_t pooling;
  bool normalize; /* sentence_embedding has length 1 */
} or_bert_config_t;

/* Inputs input_ids, attention_mask (default: all ones), token_type_ids (default: all zeros): int64 [batch, sequence].
 * Outputs: sentence_embedding [batch, hidden] if there is pooling, last_hidden_state [batch, sequence, hidden],
 * pooler_output [batch, hidden] if there is a pooler. */
void or_build_bert(or_network_t *network, const or_bert_config_t *config);

#endif
