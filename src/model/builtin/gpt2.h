#ifndef OR_MODEL_BUILTIN_GPT2_H
#define OR_MODEL_BUILTIN_GPT2_H
/* GPT-2 (A. Radford et al., "Language models are unsupervised multitask learners", 2019) of any size, as transformers'
 * GPT2LMHeadModel has it, with its keys and values as inputs and outputs. */

#include "model/builtin/network.h"

typedef struct or_gpt2_config_t {
  int64_t vocabulary, hidden, layers, heads, inner, positions;
  float epsilon;
  or_activation_kind_t activation;
  bool own_head; /* the output matrix is lm_head.weight, not the embedding's */
} or_gpt2_config_t;

/* Inputs input_ids, position_ids: int64 [batch, sequence]; past_key_values.N.key and .value: float32 [batch, heads,
 * past, hidden / heads], where past may be 0. Outputs logits [batch, sequence, vocabulary]; present.N.key and .value:
 * the past with what was computed behind it. */
void or_build_gpt2(or_network_t *network, const or_gpt2_config_t *config);

#endif
