#include "model/builtin/gpt2.h"

#include <float.h>
#include <math.h>

#include "base/string.h"

typedef struct gpt2_t {
  or_network_t *network;
  const or_gpt2_config_t *config;
  or_value_id_t ids, positions;
  or_value_id_t table; /* of the tokens' vectors */
  or_value_id_t mask;  /* [1, 1, sequence, past + sequence] */
  int64_t batch, sequence, past;
} gpt2_t;

/* Keys and values of a layer. */
typedef struct cache_t {
  or_value_id_t key, value;
} cache_t;

static cache_t add_past(gpt2_t *self, int64_t layer);
static void add_mask(gpt2_t *self, or_value_id_t past);
static or_value_id_t add_embeddings(gpt2_t *self);
static or_value_id_t add_layer(gpt2_t *self, or_value_id_t x, int64_t layer, cache_t *cache);
static or_value_id_t add_head(gpt2_t *self, or_value_id_t x);

#define MAX_LAYERS 256 /* of a configuration; more are refused when the graph ends */

void or_build_gpt2(or_network_t *network, const or_gpt2_config_t *config) {
  gpt2_t self = {.network = network, .config = config};
  cache_t caches[MAX_LAYERS];
  char name[OR_NETWORK_NAME_BYTES];
  if (config->layers > MAX_LAYERS || config->layers < 1) {
    network->status =
        or_status_first(network->status, or_error(OR_RESOURCE_EXHAUSTED, "%lld layers; 1 to %d can be had",
                                                  (long long)config->layers, MAX_LAYERS));
    return;
  }
  self.batch = or_network_symbol(network, "batch");
  self.sequence = or_network_symbol(network, "sequence");
  self.past = or_network_symbol(network, "past");
  or_shape_t ids = or_shape_make(2, (const int64_t[]){self.batch, self.sequence});
  self.ids = or_network_input(network, "input_ids", OR_INT64, ids);
  self.positions = or_network_input(network, "position_ids", OR_INT64, ids);
  for (int64_t i = 0; i < config->layers; ++i) caches[i] = add_past(&self, i);
  add_mask(&self, caches[0].key);
  or_value_id_t x = add_embeddings(&self);
  for (int64_t i = 0; i < config->layers; ++i) x = add_layer(&self, x, i, &caches[i]);
  or_shape_t logits = or_shape_make(3, (const int64_t[]){self.batch, self.sequence, config->vocabulary});
  or_network_output(network, add_head(&self, x), "logits", &logits);
  for (int64_t i = 0; i < config->layers; ++i) {
    or_network_output(network, caches[i].key, or_format(name, sizeof name, "present.%lld.key", (long long)i), NULL);
    or_network_output(network, caches[i].value, or_format(name, sizeof name, "present.%lld.value", (long long)i), NULL);
  }
}

static cache_t add_past(gpt2_t *self, int64_t layer) {
  char name[OR_NETWORK_NAME_BYTES];
  const or_gpt2_config_t *config = self->config;
  or_shape_t shape =
      or_shape_make(4, (const int64_t[]){self->batch, config->heads, self->past, config->hidden / config->heads});
  cache_t cache;
  or_format(name, sizeof name, "past_key_values.%lld.key", (long long)layer);
  cache.key = or_network_input(self->network, name, OR_FLOAT32, shape);
  or_format(name, sizeof name, "past_key_values.%lld.value", (long long)layer);
  cache.value = or_network_input(self->network, name, OR_FLOAT32, shape);
  return cache;
}

/* Token i of the sequence sees what is at most i behind the past. */
static void add_mask(gpt2_t *self, or_value_id_t past) {
  or_network_t *network = self->network;
  or_network_scope(network, "mask");
  or_value_id_t zero = or_network_index(network, 0), one = or_network_index(network, 1);
  or_value_id_t before = or_network_extent(network, past, 2), length = or_network_extent(network, self->ids, 1);
  or_value_id_t end = or_network_node(network, "Add", OR_IDS(before, length), OR_NO_ATTRIBUTES);
  or_value_id_t rows = or_network_node(network, "Range", OR_IDS(before, end, one), OR_NO_ATTRIBUTES);
  or_value_id_t columns = or_network_node(network, "Range", OR_IDS(zero, end, one), OR_NO_ATTRIBUTES);
  or_value_id_t last = or_network_integers(network, OR_NUMBERS(1)),
                front = or_network_integers(network, OR_NUMBERS(0, 1));
  rows = or_network_node(network, "Unsqueeze", OR_IDS(rows, last), OR_NO_ATTRIBUTES);
  or_value_id_t seen = or_network_node(network, "LessOrEqual", OR_IDS(columns, rows), OR_NO_ATTRIBUTES);
  or_value_id_t mask = or_network_node(
      network, "Where", OR_IDS(seen, or_network_scalar(network, 0.0F), or_network_scalar(network, -FLT_MAX)),
      OR_NO_ATTRIBUTES);
  self->mask = or_network_node(network, "Unsqueeze", OR_IDS(mask, front), OR_NO_ATTRIBUTES);
}

static or_value_id_t table(gpt2_t *self, const char *name, int64_t rows, float deviation) {
  const or_weight_request_t request = {.name = name,
                                       .dtype = OR_FLOAT32,
                                       .shape = or_shape_make(2, (const int64_t[]){rows, self->config->hidden}),
                                       .deviation = deviation};
  return or_network_weight(self->network, &request);
}

static or_value_id_t add_embeddings(gpt2_t *self) {
  or_network_t *network = self->network;
  or_network_scope(network, "transformer.embeddings");
  self->table = table(self, "transformer.wte.weight", self->config->vocabulary, 0.05F);
  or_value_id_t places = table(self, "transformer.wpe.weight", self->config->positions, 0.02F);
  or_value_id_t words =
      or_network_node(network, "Gather", OR_IDS(self->table, self->ids), OR_ATTRIBUTES(OR_INT("axis", 0)));
  places = or_network_node(network, "Gather", OR_IDS(places, self->positions), OR_ATTRIBUTES(OR_INT("axis", 0)));
  return or_network_node(network, "Add", OR_IDS(words, places), OR_NO_ATTRIBUTES);
}

/* One of the layer's matrices (transformers' Conv1D: [in, out]). */
static or_value_id_t matrix(gpt2_t *self, or_value_id_t x, int64_t layer, or_linear_t linear) {
  char name[OR_NETWORK_NAME_BYTES];
  linear.name = or_format(name, sizeof name, "transformer.h.%lld.%s", (long long)layer, linear.name);
  or_network_scope(self->network, "%s", linear.name);
  return or_network_linear(self->network, x, &linear);
}

static or_value_id_t norm(gpt2_t *self, or_value_id_t x, int64_t layer, const char *part) {
  char name[OR_NETWORK_NAME_BYTES];
  or_format(name, sizeof name, "transformer.h.%lld.%s", (long long)layer, part);
  or_network_scope(self->network, "%s", name);
  return or_network_layer_norm(self->network, x, name, self->config->hidden, self->config->epsilon);
}

static or_value_id_t add_attention(gpt2_t *self, or_value_id_t x, int64_t layer, cache_t *cache) {
  or_network_t *network = self->network;
  const int64_t hidden = self->config->hidden, heads = self->config->heads, width = hidden / heads;
  or_value_id_t qkv[3];
  x = matrix(self, x, layer, (or_linear_t){.name = "attn.c_attn", .in = hidden, .out = 3 * hidden, .gain = 1.0F});
  or_network_scope(network, "transformer.h.%lld.attn", (long long)layer);
  or_value_id_t parts = or_network_integers(network, OR_NUMBERS(hidden, hidden, hidden));
  or_network_nodes(network, "Split", OR_IDS(x, parts), OR_ATTRIBUTES(OR_INT("axis", 2)), qkv, 3);
  for (int i = 0; i < 3; ++i) qkv[i] = or_network_split_heads(network, qkv[i], heads, width);
  cache->key = or_network_node(network, "Concat", OR_IDS(cache->key, qkv[1]), OR_ATTRIBUTES(OR_INT("axis", -2)));
  cache->value = or_network_node(network, "Concat", OR_IDS(cache->value, qkv[2]), OR_ATTRIBUTES(OR_INT("axis", -2)));
  const or_attention_t attention = {qkv[0], cache->key, cache->value, self->mask, width};
  return or_network_join_heads(network, or_network_attention(network, &attention), hidden);
}

static or_value_id_t add_layer(gpt2_t *self, or_value_id_t x, int64_t layer, cache_t *cache) {
  or_network_t *network = self->network;
  const int64_t hidden = self->config->hidden, inner = self->config->inner;
  const float last = 1.0F / sqrtf(2.0F * (float)self->config->layers); /* so that the sum of all layers stays small */
  or_value_id_t y = add_attention(self, norm(self, x, layer, "ln_1"), layer, cache);
  y = matrix(self, y, layer, (or_linear_t){.name = "attn.c_proj", .in = hidden, .out = hidden, .gain = last});
  x = or_network_node(network, "Add", OR_IDS(y, x), OR_NO_ATTRIBUTES);
  y = norm(self, x, layer, "ln_2");
  y = matrix(self, y, layer, (or_linear_t){.name = "mlp.c_fc", .in = hidden, .out = inner, .gain = 1.0F});
  y = or_network_activation(network, y, self->config->activation);
  y = matrix(self, y, layer, (or_linear_t){.name = "mlp.c_proj", .in = inner, .out = hidden, .gain = last});
  return or_network_node(network, "Add", OR_IDS(x, y), OR_NO_ATTRIBUTES);
}

/* The table once more, as the second operand of a product: the tokens of all items are the rows of one matrix. */
static or_value_id_t add_head(gpt2_t *self, or_value_id_t x) {
  or_network_t *network = self->network;
  const or_gpt2_config_t *config = self->config;
  or_network_scope(network, "transformer.ln_f");
  x = or_network_layer_norm(network, x, "transformer.ln_f", config->hidden, config->epsilon);
  or_network_scope(network, "lm_head");
  or_value_id_t shape = or_network_node(network, "Shape", OR_IDS(self->ids), OR_NO_ATTRIBUTES);
  or_value_id_t vocabulary = or_network_integers(network, OR_NUMBERS(config->vocabulary));
  shape = or_network_node(network, "Concat", OR_IDS(shape, vocabulary), OR_ATTRIBUTES(OR_INT("axis", 0)));
  x = or_network_reshape(network, x, OR_NUMBERS(-1, config->hidden));
  or_value_id_t matrix = config->own_head ? table(self, "lm_head.weight", config->vocabulary, 0.05F) : self->table;
  x = or_network_node(network, "Gemm", OR_IDS(x, matrix), OR_ATTRIBUTES(OR_INT("transB", 1)));
  return or_network_node(network, "Reshape", OR_IDS(x, shape), OR_NO_ATTRIBUTES);
}
