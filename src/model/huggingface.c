#include "model/huggingface.h"

#include <string.h>
#include <sys/stat.h>

#include "base/json.h"
#include "base/string.h"
#include "model/builtin/bert.h"
#include "model/builtin/gpt2.h"
#include "model/checkpoint.h"

#define CONFIG_BYTES ((size_t)4 << 20)

/* One folder being read. Owned by the thread that reads. */
typedef struct folder_t {
  const or_allocator_t *allocator;
  or_text_t path; /* of the transformer: the folder itself, or one in it */
  or_pooling_t pooling;
  bool normalize;
  or_json_document_t *document; /* config.json */
  const or_json_value_t *config;
} folder_t;

typedef struct family_t family_t;
struct family_t {
  const char *model_type, *prefix; /* of its parameters in a network with a head */
  or_status_t (*build)(const folder_t *folder, or_checkpoint_t *checkpoint, or_network_t *network);
};

static or_status_t read_modules(folder_t *self, const char *folder);
static or_status_t read_json(const or_allocator_t *allocator, const char *folder, const char *name,
                             or_json_document_t **out);
static or_status_t find_family(const folder_t *self, const family_t **out);
static or_status_t build_graph(const folder_t *self, const family_t *family, const char *name,
                               const or_model_limits_t *limits, or_graph_t **out);
static or_status_t build_bert(const folder_t *folder, or_checkpoint_t *checkpoint, or_network_t *network);
static or_status_t build_distilbert(const folder_t *folder, or_checkpoint_t *checkpoint, or_network_t *network);
static or_status_t build_roberta(const folder_t *folder, or_checkpoint_t *checkpoint, or_network_t *network);
static or_status_t build_gpt2(const folder_t *folder, or_checkpoint_t *checkpoint, or_network_t *network);

static const family_t families[] = {
    {"bert", "bert.", build_bert},          {"distilbert", "distilbert.", build_distilbert},
    {"roberta", "roberta.", build_roberta}, {"xlm-roberta", "roberta.", build_roberta},
    {"gpt2", "transformer.", build_gpt2},
};

static bool has_file(const char *folder, const char *name) {
  char path[OR_FILE_PATH_BYTES];
  struct stat info;
  or_format(path, sizeof path, "%s/%s", folder, name);
  return stat(path, &info) == 0 && S_ISREG(info.st_mode);
}

bool or_huggingface_is_folder(const char *folder) {
  return has_file(folder, "config.json") || has_file(folder, "modules.json");
}

or_status_t or_huggingface_read_folder(const or_allocator_t *allocator, const char *folder, const char *name,
                                       const or_model_limits_t *limits, or_graph_t **out) {
  folder_t self = {.allocator = allocator, .pooling = OR_POOLING_NONE};
  const family_t *family = NULL;
  *out = NULL;
  or_text_init(&self.path, allocator);
  or_status_t status = or_text_append_string(&self.path, folder);
  if (or_ok(status) && has_file(folder, "modules.json")) status = read_modules(&self, folder);
  if (or_ok(status)) status = read_json(allocator, or_text_string(&self.path), "config.json", &self.document);
  if (or_ok(status)) {
    self.config = or_json_root(self.document);
    status = find_family(&self, &family);
  }
  if (or_ok(status)) status = build_graph(&self, family, name, limits, out);
  or_json_document_free(self.document);
  or_text_deinit(&self.path);
  return status;
}

static or_status_t read_json(const or_allocator_t *allocator, const char *folder, const char *name,
                             or_json_document_t **out) {
  char path[OR_FILE_PATH_BYTES];
  char *text = NULL;
  size_t length = 0;
  *out = NULL;
  or_format(path, sizeof path, "%s/%s", folder, name);
  or_status_t status = or_file_read(allocator, path, CONFIG_BYTES, &text, &length);
  if (or_ok(status)) status = or_status_context(or_json_parse(allocator, text, length, out), "%s", path);
  or_free(allocator, text);
  return status;
}

/* A folder in the folder, by a path that can't lead out of it. */
static bool is_inside(const char *path) { return path[0] != '/' && strstr(path, "..") == NULL && strlen(path) < 256; }

static or_status_t read_pooling(folder_t *self, const char *folder, const char *path) {
  char pooling_folder[OR_FILE_PATH_BYTES];
  or_json_document_t *document = NULL;
  or_status_t status =
      read_json(self->allocator, or_format(pooling_folder, sizeof pooling_folder, "%s/%s", folder, path), "config.json",
                &document);
  if (!or_ok(status)) return status;
  const or_json_value_t *root = or_json_root(document);
  const char *mode = or_json_get_string(or_json_get(root, "pooling_mode"), NULL);
  size_t count = 0;
  for (size_t i = 0; i < or_json_count(root); ++i) {
    const or_json_value_t *value = NULL;
    const char *key = or_json_key_at(root, i, &value);
    if (!or_string_starts_with(key, "pooling_mode_") || !or_json_get_bool(value, false)) continue;
    mode = key + strlen("pooling_mode_");
    ++count;
  }
  if (mode != NULL && count <= 1 && (strcmp(mode, "mean_tokens") == 0 || strcmp(mode, "mean") == 0)) {
    self->pooling = OR_POOLING_MEAN;
  } else if (mode != NULL && count <= 1 && (strcmp(mode, "cls_token") == 0 || strcmp(mode, "cls") == 0)) {
    self->pooling = OR_POOLING_CLS;
  } else {
    status = or_error(OR_UNIMPLEMENTED, "%s/config.json: pooling \"%.64s\" is not supported; mean and cls alone are",
                      pooling_folder, mode != NULL ? (count > 1 ? "several at once" : mode) : "none");
  }
  or_json_document_free(document);
  return status;
}

static or_status_t read_module(folder_t *self, const char *folder, const or_json_value_t *module) {
  const char *type = or_json_get_string(or_json_get(module, "type"), "");
  const char *path = or_json_get_string(or_json_get(module, "path"), "");
  if (!is_inside(path))
    return or_error(OR_PERMISSION_DENIED, "module \"%.64s\": \"%.200s\" leads out of the folder", type, path);
  if (or_string_ends_with(type, ".Transformer"))
    return path[0] != '\0' ? or_text_printf(&self->path, "/%s", path) : or_status_success();
  if (or_string_ends_with(type, ".Pooling")) return read_pooling(self, folder, path);
  if (or_string_ends_with(type, ".Normalize") && self->pooling != OR_POOLING_NONE) {
    self->normalize = true;
    return or_status_success();
  }
  return or_error(OR_UNIMPLEMENTED,
                  "module \"%.64s\" is not supported; Transformer, Pooling, Normalize in this order are", type);
}

/* sentence-transformers: what comes after the transformer. */
static or_status_t read_modules(folder_t *self, const char *folder) {
  or_json_document_t *document = NULL;
  or_status_t status = read_json(self->allocator, folder, "modules.json", &document);
  if (!or_ok(status)) return status;
  const or_json_value_t *root = or_json_root(document);
  if (or_json_kind(root) != OR_JSON_ARRAY || or_json_count(root) == 0 ||
      or_json_count(root) > OR_HUGGINGFACE_MAX_MODULES) {
    status = or_error(OR_INVALID_ARGUMENT, "it is not an array of 1 to %zu modules", OR_HUGGINGFACE_MAX_MODULES);
  }
  for (size_t i = 0; or_ok(status) && i < or_json_count(root); ++i)
    status = read_module(self, folder, or_json_at(root, i));
  or_json_document_free(document);
  return or_status_context(status, "%s/modules.json", folder);
}

static or_status_t find_family(const folder_t *self, const family_t **out) {
  const char *type = or_json_get_string(or_json_get(self->config, "model_type"), "");
  for (size_t i = 0; i < sizeof families / sizeof *families; ++i) {
    if (strcmp(families[i].model_type, type) != 0) continue;
    *out = &families[i];
    if (self->pooling == OR_POOLING_NONE || families[i].build != build_gpt2) return or_status_success();
    return or_error(OR_UNIMPLEMENTED, "%s/config.json: pooling is not supported for model_type \"gpt2\"",
                    or_text_string(&self->path));
  }
  return or_error(
      OR_UNIMPLEMENTED,
      "%s/config.json: model_type \"%.64s\" is not supported; bert, distilbert, roberta, xlm-roberta and gpt2 "
      "are. Export it to ONNX instead",
      or_text_string(&self->path), type);
}

static or_status_t build_graph(const folder_t *self, const family_t *family, const char *name,
                               const or_model_limits_t *limits, or_graph_t **out) {
  or_checkpoint_t checkpoint;
  or_network_t network;
  or_graph_t *graph = NULL;
  or_status_t status = or_checkpoint_open(&checkpoint, self->allocator, or_text_string(&self->path), family->prefix);
  if (!or_ok(status)) return status;
  status = or_graph_create(self->allocator, name, limits, &graph);
  if (or_ok(status)) {
    or_network_begin(&network, graph, &checkpoint.base);
    status =
        or_status_context(family->build(self, &checkpoint, &network), "%s/config.json", or_text_string(&self->path));
    status = or_status_first(status, or_network_end(&network));
  }
  or_checkpoint_close(&checkpoint);
  if (or_ok(status)) status = or_graph_check_files(graph);
  if (!or_ok(status)) {
    or_graph_release(graph);
    return status;
  }
  *out = graph;
  return status;
}

/* Fields of a configuration. The first failure is kept. */
typedef struct fields_t {
  const or_json_value_t *config;
  or_status_t status;
} fields_t;

/* A whole number from 1 (0 where `fallback` is given and it is null) to `most`. `fallback` < 0: it must be there. */
static int64_t whole(fields_t *fields, const char *name, int64_t most, int64_t fallback) {
  const or_json_value_t *value = or_json_get(fields->config, name);
  if (or_json_kind(value) == OR_JSON_NULL && fallback >= 0) return fallback;
  int64_t number = or_json_get_int(value, -1);
  if (number >= 1 && number <= most) return number;
  if (or_ok(fields->status)) {
    fields->status =
        value == NULL ? or_error(OR_INVALID_ARGUMENT, "%s is missing", name)
                      : or_error(OR_INVALID_ARGUMENT, "%s is not a whole number from 1 to %lld", name, (long long)most);
  }
  return 1;
}

static float epsilon(fields_t *fields, const char *name, double fallback) {
  double value = or_json_get_double(or_json_get(fields->config, name), fallback);
  if (or_ok(fields->status) && !(value > 0 && value < 1))
    fields->status = or_error(OR_INVALID_ARGUMENT, "%s is not between 0 and 1", name);
  return (float)value;
}

static or_activation_kind_t activation(fields_t *fields, const char *name, const char *fallback) {
  static const struct {
    const char *name;
    or_activation_kind_t kind;
  } kinds[] = {{"gelu", OR_GELU_ERF},
               {"gelu_new", OR_GELU_TANH},
               {"gelu_pytorch_tanh", OR_GELU_TANH},
               {"gelu_fast", OR_GELU_TANH},
               {"relu", OR_RELU}};
  const char *word = or_json_get_string(or_json_get(fields->config, name), fallback);
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; ++i) {
    if (strcmp(kinds[i].name, word) == 0) return kinds[i].kind;
  }
  if (or_ok(fields->status))
    fields->status =
        or_error(OR_UNIMPLEMENTED, "%s \"%.64s\" is not supported; gelu, gelu_new and relu are", name, word);
  return OR_RELU;
}

/* A switch that must have the value that is built. */
static void expect_bool(fields_t *fields, const char *name, bool expected) {
  if (or_json_get_bool(or_json_get(fields->config, name), expected) == expected || !or_ok(fields->status)) return;
  fields->status = or_error(OR_UNIMPLEMENTED, "%s = %s is not supported", name, expected ? "false" : "true");
}

static void expect_divides(fields_t *fields, const char *part, int64_t divisor, const char *name, int64_t number) {
  if (number % divisor == 0 || !or_ok(fields->status)) return;
  fields->status = or_error(OR_INVALID_ARGUMENT, "%s is %lld, which %s (%lld) does not divide", name, (long long)number,
                            part, (long long)divisor);
}

/* The head that the network was saved with: architectures[0]. Heads that only training needs are left out; with a
 * pooling behind it the transformer alone counts. */
static void read_head(fields_t *fields, const folder_t *folder, or_bert_config_t *config) {
  static const char *const bodies[] = {"Model", "ForMaskedLM", "ForPreTraining", "ForNextSentencePrediction"};
  const or_json_value_t *architectures = or_json_get(folder->config, "architectures");
  const char *name = or_json_get_string(or_json_at(architectures, 0), NULL);
  if (name == NULL || folder->pooling != OR_POOLING_NONE || !or_ok(fields->status)) return;
  for (size_t i = 0; i < sizeof bodies / sizeof *bodies; ++i) {
    if (or_string_ends_with(name, bodies[i])) return;
  }
  if (or_string_ends_with(name, "ForSequenceClassification")) {
    config->head = OR_BERT_HEAD_TEXT;
  } else if (or_string_ends_with(name, "ForTokenClassification")) {
    config->head = OR_BERT_HEAD_TOKENS;
  } else {
    fields->status =
        or_error(OR_UNIMPLEMENTED, "architecture \"%.64s\" is not supported. Export it to ONNX instead", name);
    return;
  }
  const or_json_value_t *names = or_json_get(folder->config, "id2label");
  const char *problem = or_json_get_string(or_json_get(folder->config, "problem_type"), "");
  config->labels = or_json_kind(names) == OR_JSON_OBJECT && or_json_count(names) > 0
                       ? (int64_t)or_json_count(names)
                       : whole(fields, "num_labels", OR_HUGGINGFACE_MAX_EXTENT, 2);
  config->chance = OR_BERT_SOFTMAX;
  if (strcmp(problem, "multi_label_classification") == 0) config->chance = OR_BERT_SIGMOID;
  if (strcmp(problem, "regression") == 0 || config->labels == 1) config->chance = OR_BERT_NO_CHANCE;
}

/* What BERT and RoBERTa have in common. */
static void read_bert(fields_t *fields, const folder_t *folder, or_bert_config_t *out) {
  out->vocabulary = whole(fields, "vocab_size", OR_HUGGINGFACE_MAX_EXTENT, -1);
  out->hidden = whole(fields, "hidden_size", OR_HUGGINGFACE_MAX_EXTENT, -1);
  out->layers = whole(fields, "num_hidden_layers", OR_HUGGINGFACE_MAX_LAYERS, -1);
  out->heads = whole(fields, "num_attention_heads", OR_HUGGINGFACE_MAX_EXTENT, -1);
  out->intermediate = whole(fields, "intermediate_size", OR_HUGGINGFACE_MAX_EXTENT, -1);
  out->positions = whole(fields, "max_position_embeddings", OR_HUGGINGFACE_MAX_EXTENT, -1);
  out->types = whole(fields, "type_vocab_size", OR_HUGGINGFACE_MAX_EXTENT, 2);
  out->epsilon = epsilon(fields, "layer_norm_eps", 1e-12);
  out->activation = activation(fields, "hidden_act", "gelu");
  expect_divides(fields, "num_attention_heads", out->heads, "hidden_size", out->hidden);
  expect_bool(fields, "is_decoder", false);
  read_head(fields, folder, out);
  const char *positions = or_json_get_string(or_json_get(folder->config, "position_embedding_type"), "absolute");
  if (or_ok(fields->status) && strcmp(positions, "absolute") != 0)
    fields->status = or_error(OR_UNIMPLEMENTED, "position_embedding_type \"%.64s\" is not supported", positions);
}

static bool has_pooler(const folder_t *folder, const or_checkpoint_t *checkpoint) {
  return folder->pooling == OR_POOLING_NONE && or_checkpoint_has(checkpoint, "pooler.dense.weight");
}

static or_status_t build_bert(const folder_t *folder, or_checkpoint_t *checkpoint, or_network_t *network) {
  fields_t fields = {folder->config, or_status_success()};
  or_bert_config_t config = {.names = &or_bert_names, .pooling = folder->pooling, .normalize = folder->normalize};
  read_bert(&fields, folder, &config);
  config.pooler = has_pooler(folder, checkpoint);
  if (or_ok(fields.status)) or_build_bert(network, &config);
  return fields.status;
}

static or_status_t build_roberta(const folder_t *folder, or_checkpoint_t *checkpoint, or_network_t *network) {
  fields_t fields = {folder->config, or_status_success()};
  or_bert_config_t config = {.names = &or_roberta_names,
                             .pooling = folder->pooling,
                             .normalize = folder->normalize,
                             .skips_padding = true,
                             .padding = 1};
  const or_json_value_t *padding = or_json_get(folder->config, "pad_token_id");
  read_bert(&fields, folder, &config);
  config.pooler = has_pooler(folder, checkpoint);
  if (padding != NULL) config.padding = or_json_get_int(padding, -1);
  if (or_ok(fields.status) && (config.padding < 0 || config.padding >= config.positions - 1))
    fields.status = or_error(OR_INVALID_ARGUMENT, "pad_token_id is not a whole number below max_position_embeddings");
  if (or_ok(fields.status)) or_build_bert(network, &config);
  return fields.status;
}

static or_status_t build_distilbert(const folder_t *folder, or_checkpoint_t *checkpoint, or_network_t *network) {
  (void)checkpoint;
  fields_t fields = {folder->config, or_status_success()};
  or_bert_config_t config = {
      .names = &or_distilbert_names, .pooling = folder->pooling, .normalize = folder->normalize, .epsilon = 1e-12F};
  config.vocabulary = whole(&fields, "vocab_size", OR_HUGGINGFACE_MAX_EXTENT, -1);
  config.hidden = whole(&fields, "dim", OR_HUGGINGFACE_MAX_EXTENT, -1);
  config.layers = whole(&fields, "n_layers", OR_HUGGINGFACE_MAX_LAYERS, -1);
  config.heads = whole(&fields, "n_heads", OR_HUGGINGFACE_MAX_EXTENT, -1);
  config.intermediate = whole(&fields, "hidden_dim", OR_HUGGINGFACE_MAX_EXTENT, -1);
  config.positions = whole(&fields, "max_position_embeddings", OR_HUGGINGFACE_MAX_EXTENT, -1);
  config.activation = activation(&fields, "activation", "gelu");
  config.head_relu = true;
  read_head(&fields, folder, &config);
  expect_divides(&fields, "n_heads", config.heads, "dim", config.hidden);
  if (or_ok(fields.status)) or_build_bert(network, &config);
  return fields.status;
}

static or_status_t build_gpt2(const folder_t *folder, or_checkpoint_t *checkpoint, or_network_t *network) {
  fields_t fields = {folder->config, or_status_success()};
  or_gpt2_config_t config = {.vocabulary = whole(&fields, "vocab_size", OR_HUGGINGFACE_MAX_EXTENT, -1)};
  config.hidden = whole(&fields, "n_embd", OR_HUGGINGFACE_MAX_EXTENT, -1);
  config.layers = whole(&fields, "n_layer", OR_HUGGINGFACE_MAX_LAYERS, -1);
  config.heads = whole(&fields, "n_head", OR_HUGGINGFACE_MAX_EXTENT, -1);
  config.inner = whole(&fields, "n_inner", OR_HUGGINGFACE_MAX_EXTENT, 4 * config.hidden);
  config.positions = whole(&fields, "n_positions", OR_HUGGINGFACE_MAX_EXTENT, -1);
  config.epsilon = epsilon(&fields, "layer_norm_epsilon", 1e-5);
  config.activation = activation(&fields, "activation_function", "gelu_new");
  expect_divides(&fields, "n_head", config.heads, "n_embd", config.hidden);
  expect_bool(&fields, "scale_attn_weights", true);
  expect_bool(&fields, "scale_attn_by_inverse_layer_idx", false);
  expect_bool(&fields, "add_cross_attention", false);
  if (!or_json_get_bool(or_json_get(folder->config, "tie_word_embeddings"), true))
    config.own_head = or_checkpoint_has(checkpoint, "lm_head.weight");
  const char *name = or_json_get_string(or_json_at(or_json_get(folder->config, "architectures"), 0), "GPT2Model");
  if (or_ok(fields.status) && strcmp(name, "GPT2Model") != 0 && strcmp(name, "GPT2LMHeadModel") != 0)
    fields.status =
        or_error(OR_UNIMPLEMENTED, "architecture \"%.64s\" is not supported. Export it to ONNX instead", name);
  if (or_ok(fields.status)) or_build_gpt2(network, &config);
  return fields.status;
}
