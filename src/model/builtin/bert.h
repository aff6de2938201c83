#ifndef OR_MODEL_BUILTIN_BERT_H
#define OR_MODEL_BUILTIN_BERT_H
/* BERT (J. Devlin et al., "BERT: pre-training of deep bidirectional transformers", 2018) of any size, as transformers'
 * BertModel has it, and its relatives of the same shape. */

#include "model/builtin/network.h"

/* What the module calls its parts. */
typedef struct or_bert_names_t {
  const char *layer; /* "encoder.layer." and a number */
  const char *query, *key, *value, *attention_output, *attention_norm, *up, *down, *output_norm; /* in a layer */
  const char *head_dense, *head; /* of a classifier of texts: a layer before the last one, and that one */
} or_bert_names_t;
extern const or_bert_names_t or_bert_names, or_distilbert_names, or_roberta_names;

/* What becomes of the tokens' vectors (sentence-transformers' Pooling). */
typedef enum or_pooling_t { OR_POOLING_NONE, OR_POOLING_CLS, OR_POOLING_MEAN } or_pooling_t;

/* What classifies: the whole text by its first token, or each token. */
typedef enum or_bert_head_t { OR_BERT_HEAD_NONE, OR_BERT_HEAD_TEXT, OR_BERT_HEAD_TOKENS } or_bert_head_t;

/* How logits become probabilities: one class of all, each class for itself, or not at all (a regression). */
typedef enum or_bert_chance_t { OR_BERT_SOFTMAX, OR_BERT_SIGMOID, OR_BERT_NO_CHANCE } or_bert_chance_t;

typedef struct or_bert_config_t {
  int64_t vocabulary, hidden, layers, heads, intermediate, positions;
  int64_t types; /* of tokens; 0: the module has no such embedding */
  float epsilon;
  or_activation_kind_t activation;
  const or_bert_names_t *names;
  /* RoBERTa counts positions from padding + 1 and over tokens that are no padding; padding itself has position
   * `padding`. Else they are 0, 1, … */
  bool skips_padding;
  int64_t padding; /* its token id */
  or_bert_head_t head;
  or_bert_chance_t chance;
  int64_t labels;
  bool head_relu; /* behind head_dense: relu, else tanh */
  bool pooler;    /* output pooler_output: tanh of a matrix times the first token's vector */
  or_pooling_t pooling;
  bool normalize; /* sentence_embedding has length 1 */
} or_bert_config_t;

/* Inputs input_ids, attention_mask (default: all ones), token_type_ids (default: all zeros): int64 [batch, sequence].
 * Outputs: sentence_embedding [batch, hidden] if there is pooling, last_hidden_state [batch, sequence, hidden],
 * pooler_output [batch, hidden] if there is a pooler. With a head instead: probabilities (unless NO_CHANCE) and logits,
 * [batch, labels] or [batch, sequence, labels]. */
void or_build_bert(or_network_t *network, const or_bert_config_t *config);

#endif
