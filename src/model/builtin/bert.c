#include "model/builtin/bert.h"

#include <float.h>

#include "base/string.h"

const or_bert_names_t or_bert_names = {
    .layer = "encoder.layer.",
    .query = "attention.self.query",
    .key = "attention.self.key",
    .value = "attention.self.value",
    .attention_output = "attention.output.dense",
    .attention_norm = "attention.output.LayerNorm",
    .up = "intermediate.dense",
    .down = "output.dense",
    .output_norm = "output.LayerNorm",
    .head_dense = "pooler.dense",
    .head = "classifier",
};
const or_bert_names_t or_roberta_names = {
    .layer = "encoder.layer.",
    .query = "attention.self.query",
    .key = "attention.self.key",
    .value = "attention.self.value",
    .attention_output = "attention.output.dense",
    .attention_norm = "attention.output.LayerNorm",
    .up = "intermediate.dense",
    .down = "output.dense",
    .output_norm = "output.LayerNorm",
    .head_dense = "classifier.dense",
    .head = "classifier.out_proj",
};
const or_bert_names_t or_distilbert_names = {
    .layer = "transformer.layer.",
    .query = "attention.q_lin",
    .key = "attention.k_lin",
    .value = "attention.v_lin",
    .attention_output = "attention.out_lin",
    .attention_norm = "sa_layer_norm",
    .up = "ffn.lin1",
    .down = "ffn.lin2",
    .output_norm = "output_layer_norm",
    .head_dense = "pre_classifier",
    .head = "classifier",
};

typedef struct bert_t {
  or_network_t *network;
  const or_bert_config_t *config;
  or_shape_t shape;               /* [batch, sequence] */
  or_value_id_t ids, mask, types; /* inputs, of that shape */
  or_value_id_t float_mask;       /* [batch, 1, 1, sequence]: 0, or so low that softmax gives 0 */
} bert_t;

static void add_inputs(bert_t *self);
static or_value_id_t add_embeddings(bert_t *self);
static or_value_id_t add_layer(bert_t *self, or_value_id_t x, int64_t index);
static or_value_id_t add_pooler(bert_t *self, or_value_id_t hidden);
static or_value_id_t add_sentence(bert_t *self, or_value_id_t hidden);
static void add_head(bert_t *self, or_value_id_t hidden);

void or_build_bert(or_network_t *network, const or_bert_config_t *config) {
  bert_t self = {.network = network, .config = config};
  add_inputs(&self);
  or_value_id_t hidden = add_embeddings(&self);
  for (int64_t i = 0; i < config->layers; ++i) hidden = add_layer(&self, hidden, i);
  if (config->head != OR_BERT_HEAD_NONE) {
    add_head(&self, hidden);
    return;
  }
  or_value_id_t pooled = config->pooler ? add_pooler(&self, hidden) : OR_NO_VALUE;
  const or_shape_t rows = or_shape_make(2, (const int64_t[]){self.shape.dims[0], config->hidden});
  const or_shape_t all = or_shape_make(3, (const int64_t[]){self.shape.dims[0], self.shape.dims[1], config->hidden});
  if (config->pooling != OR_POOLING_NONE)
    or_network_output(network, add_sentence(&self, hidden), "sentence_embedding", &rows);
  or_network_output(network, hidden, "last_hidden_state", &all);
  if (config->pooler) or_network_output(network, pooled, "pooler_output", &rows);
}

static void add_inputs(bert_t *self) {
  or_network_t *network = self->network;
  int64_t batch = or_network_symbol(network, "batch"), sequence = or_network_symbol(network, "sequence");
  self->shape = or_shape_make(2, (const int64_t[]){batch, sequence});
  self->ids = or_network_input(network, "input_ids", OR_INT64, self->shape);
  self->mask = or_network_input(network, "attention_mask", OR_INT64, self->shape);
  or_network_default(network, self->mask, 1);
  if (self->config->types > 0) {
    self->types = or_network_input(network, "token_type_ids", OR_INT64, self->shape);
    or_network_default(network, self->types, 0);
  }
  or_value_id_t axes = or_network_integers(network, OR_NUMBERS(1, 2));
  or_value_id_t wide = or_network_node(network, "Unsqueeze", OR_IDS(self->mask, axes), OR_NO_ATTRIBUTES);
  wide = or_network_node(network, "Cast", OR_IDS(wide), OR_ATTRIBUTES(OR_INT("to", OR_FLOAT32)));
  wide = or_network_node(network, "Sub", OR_IDS(or_network_scalar(network, 1.0F), wide), OR_NO_ATTRIBUTES);
  self->float_mask =
      or_network_node(network, "Mul", OR_IDS(wide, or_network_scalar(network, -FLT_MAX)), OR_NO_ATTRIBUTES);
}

static or_value_id_t look_up(bert_t *self, const char *name, int64_t rows, or_value_id_t ids) {
  const or_weight_request_t request = {
      .name = name,
      .dtype = OR_FLOAT32,
      .shape = or_shape_make(2, (const int64_t[]){rows, self->config->hidden}),
      .deviation = 0.02F,
  };
  or_value_id_t table = or_network_weight(self->network, &request);
  return or_network_node(self->network, "Gather", OR_IDS(table, ids), OR_ATTRIBUTES(OR_INT("axis", 0)));
}

/* Positions 0, 1, …: a range as long as the sequence, one row for every item of the batch. */
static or_value_id_t places_in_order(bert_t *self) {
  or_network_t *network = self->network;
  or_value_id_t zero = or_network_index(network, 0), one = or_network_index(network, 1);
  or_value_id_t length = or_network_extent(network, self->ids, 1);
  or_value_id_t range = or_network_node(network, "Range", OR_IDS(zero, length, one), OR_NO_ATTRIBUTES);
  or_value_id_t axis = or_network_integers(network, OR_NUMBERS(0));
  return or_network_node(network, "Unsqueeze", OR_IDS(range, axis), OR_NO_ATTRIBUTES);
}

/* The count of tokens up to and with each one, from `padding`; padding has position `padding`. */
static or_value_id_t places_of_tokens(bert_t *self) {
  or_network_t *network = self->network;
  or_value_id_t padding = or_network_index(network, self->config->padding), one = or_network_index(network, 1);
  or_value_id_t is_padding = or_network_node(network, "Equal", OR_IDS(self->ids, padding), OR_NO_ATTRIBUTES);
  or_value_id_t kept = or_network_node(network, "Not", OR_IDS(is_padding), OR_NO_ATTRIBUTES);
  kept = or_network_node(network, "Cast", OR_IDS(kept), OR_ATTRIBUTES(OR_INT("to", OR_INT64)));
  or_value_id_t count = or_network_node(network, "CumSum", OR_IDS(kept, one), OR_NO_ATTRIBUTES);
  count = or_network_node(network, "Mul", OR_IDS(count, kept), OR_NO_ATTRIBUTES);
  return or_network_node(network, "Add", OR_IDS(count, padding), OR_NO_ATTRIBUTES);
}

static or_value_id_t add_embeddings(bert_t *self) {
  or_network_t *network = self->network;
  const or_bert_config_t *config = self->config;
  or_network_scope(network, "embeddings");
  or_value_id_t sum = look_up(self, "embeddings.word_embeddings.weight", config->vocabulary, self->ids);
  if (config->types > 0) {
    or_value_id_t types = look_up(self, "embeddings.token_type_embeddings.weight", config->types, self->types);
    sum = or_network_node(network, "Add", OR_IDS(sum, types), OR_NO_ATTRIBUTES);
  }
  or_value_id_t places = config->skips_padding ? places_of_tokens(self) : places_in_order(self);
  or_value_id_t positions = look_up(self, "embeddings.position_embeddings.weight", config->positions, places);
  sum = or_network_node(network, "Add", OR_IDS(sum, positions), OR_NO_ATTRIBUTES);
  return or_network_layer_norm(network, sum, "embeddings.LayerNorm", config->hidden, config->epsilon);
}

/* One of the layer's matrices, by its part's name. */
static or_value_id_t linear(bert_t *self, or_value_id_t x, int64_t index, const char *part, int64_t in, int64_t out) {
  char name[OR_NETWORK_NAME_BYTES];
  or_format(name, sizeof name, "%s%lld.%s", self->config->names->layer, (long long)index, part);
  or_network_scope(self->network, "%s", name);
  return or_network_linear(self->network, x, &(or_linear_t){name, in, out, .transposed = true, .gain = 1.0F});
}

static or_value_id_t add_and_norm(bert_t *self, or_value_id_t x, or_value_id_t y, int64_t index, const char *part) {
  char name[OR_NETWORK_NAME_BYTES];
  or_format(name, sizeof name, "%s%lld.%s", self->config->names->layer, (long long)index, part);
  or_value_id_t sum = or_network_node(self->network, "Add", OR_IDS(x, y), OR_NO_ATTRIBUTES);
  return or_network_layer_norm(self->network, sum, name, self->config->hidden, self->config->epsilon);
}

static or_value_id_t add_layer(bert_t *self, or_value_id_t x, int64_t index) {
  const or_bert_config_t *config = self->config;
  const or_bert_names_t *names = config->names;
  const int64_t hidden = config->hidden, width = hidden / config->heads;
  const char *const parts[3] = {names->query, names->key, names->value};
  or_value_id_t heads[3];
  for (int i = 0; i < 3; ++i) {
    or_value_id_t y = linear(self, x, index, parts[i], hidden, hidden);
    heads[i] = or_network_split_heads(self->network, y, config->heads, width);
  }
  or_network_scope(self->network, "%s%lld.attention", names->layer, (long long)index);
  const or_attention_t attention = {heads[0], heads[1], heads[2], self->float_mask, width};
  or_value_id_t y = or_network_join_heads(self->network, or_network_attention(self->network, &attention), hidden);
  y = linear(self, y, index, names->attention_output, hidden, hidden);
  x = add_and_norm(self, y, x, index, names->attention_norm);
  y = linear(self, x, index, names->up, hidden, config->intermediate);
  y = or_network_activation(self->network, y, config->activation);
  y = linear(self, y, index, names->down, config->intermediate, hidden);
  return add_and_norm(self, y, x, index, names->output_norm);
}

static or_value_id_t first_token(bert_t *self, or_value_id_t hidden) {
  return or_network_node(self->network, "Gather", OR_IDS(hidden, or_network_index(self->network, 0)),
                         OR_ATTRIBUTES(OR_INT("axis", 1)));
}

static or_value_id_t add_pooler(bert_t *self, or_value_id_t hidden) {
  or_network_t *network = self->network;
  char name[OR_NETWORK_NAME_BYTES];
  const int64_t width = self->config->hidden;
  or_network_scope(network, "pooler");
  const or_weight_request_t weight = {.name = "pooler.dense.weight",
                                      .dtype = OR_FLOAT32,
                                      .shape = or_shape_make(2, (const int64_t[]){width, width}),
                                      .deviation = 0.02F},
                            bias = {.name = or_format(name, sizeof name, "pooler.dense.bias"),
                                    .dtype = OR_FLOAT32,
                                    .shape = or_shape_make(1, &width),
                                    .deviation = 0.02F};
  or_value_id_t first = first_token(self, hidden), matrix = or_network_weight(network, &weight);
  or_value_id_t y =
      or_network_node(network, "Gemm", OR_IDS(first, matrix, or_network_weight(network, &bias)),
                      OR_ATTRIBUTES(OR_FLOAT("alpha", 1.0F), OR_FLOAT("beta", 1.0F), OR_INT("transB", 1)));
  return or_network_node(network, "Tanh", OR_IDS(y), OR_NO_ATTRIBUTES);
}

/* The mean over the tokens that the mask keeps. */
static or_value_id_t add_mean(bert_t *self, or_value_id_t hidden) {
  or_network_t *network = self->network;
  or_value_id_t last = or_network_integers(network, OR_NUMBERS(-1)), axis = or_network_integers(network, OR_NUMBERS(1));
  or_value_id_t shape = or_network_node(network, "Shape", OR_IDS(self->ids), OR_NO_ATTRIBUTES);
  or_value_id_t mask = or_network_node(network, "Expand", OR_IDS(self->mask, shape), OR_NO_ATTRIBUTES);
  mask = or_network_node(network, "Cast", OR_IDS(mask), OR_ATTRIBUTES(OR_INT("to", OR_FLOAT32)));
  mask = or_network_node(network, "Unsqueeze", OR_IDS(mask, last), OR_NO_ATTRIBUTES);
  or_value_id_t kept = or_network_node(network, "Mul", OR_IDS(hidden, mask), OR_NO_ATTRIBUTES);
  kept = or_network_node(network, "ReduceSum", OR_IDS(kept, axis), OR_ATTRIBUTES(OR_INT("keepdims", 0)));
  or_value_id_t count = or_network_node(network, "ReduceSum", OR_IDS(mask, axis), OR_ATTRIBUTES(OR_INT("keepdims", 0)));
  count = or_network_node(network, "Clip", OR_IDS(count, or_network_scalar(network, 1e-9F)), OR_NO_ATTRIBUTES);
  return or_network_node(network, "Div", OR_IDS(kept, count), OR_NO_ATTRIBUTES);
}

static or_value_id_t add_sentence(bert_t *self, or_value_id_t hidden) {
  or_network_t *network = self->network;
  or_network_scope(network, "sentence");
  or_value_id_t y = self->config->pooling == OR_POOLING_CLS ? first_token(self, hidden) : add_mean(self, hidden);
  if (!self->config->normalize) return y;
  or_value_id_t length =
      or_network_node(network, "ReduceL2", OR_IDS(y), OR_ATTRIBUTES(OR_INTS("axes", -1), OR_INT("keepdims", 1)));
  length = or_network_node(network, "Clip", OR_IDS(length, or_network_scalar(network, 1e-12F)), OR_NO_ATTRIBUTES);
  return or_network_node(network, "Div", OR_IDS(y, length), OR_NO_ATTRIBUTES);
}

static or_value_id_t dense(bert_t *self, or_value_id_t x, const char *name, int64_t out) {
  or_network_scope(self->network, "%s", name);
  return or_network_linear(self->network, x, &(or_linear_t){name, self->config->hidden, out, true, 1.0F});
}

static void add_head(bert_t *self, or_value_id_t hidden) {
  or_network_t *network = self->network;
  const or_bert_config_t *config = self->config;
  const bool tokens = config->head == OR_BERT_HEAD_TOKENS;
  const or_shape_t shape =
      tokens ? or_shape_make(3, (const int64_t[]){self->shape.dims[0], self->shape.dims[1], config->labels})
             : or_shape_make(2, (const int64_t[]){self->shape.dims[0], config->labels});
  or_value_id_t y = hidden;
  if (!tokens) {
    y = dense(self, first_token(self, hidden), config->names->head_dense, config->hidden);
    y = or_network_node(network, config->head_relu ? "Relu" : "Tanh", OR_IDS(y), OR_NO_ATTRIBUTES);
  }
  y = dense(self, y, tokens ? "classifier" : config->names->head, config->labels);
  if (config->chance == OR_BERT_SOFTMAX) {
    or_value_id_t chance = or_network_node(network, "Softmax", OR_IDS(y), OR_ATTRIBUTES(OR_INT("axis", -1)));
    or_network_output(network, chance, "probabilities", &shape);
  } else if (config->chance == OR_BERT_SIGMOID) {
    or_network_output(network, or_network_node(network, "Sigmoid", OR_IDS(y), OR_NO_ATTRIBUTES), "probabilities",
                      &shape);
  }
  or_network_output(network, y, "logits", &shape);
}
