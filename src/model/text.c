/* Texts as a model's inputs. */
#include "model/text.h"

#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/numbers.h"
#include "hal/device.h"
#include "model/model_internal.h"
#include "runtime/runtime.h"

#define CONFIG_BYTES ((size_t)4 << 20)
#define PATH_BYTES OR_FILE_PATH_BYTES

/* What an input holds of an encoding. */
typedef enum part_t { PART_NONE, PART_IDS, PART_MASK, PART_TYPES, PART_POSITIONS, PART_PAST } part_t;

/* Ids and types of several texts, a row each, as long as the longest. */
typedef struct rows_t {
  int64_t *ids, *mask, *types; /* count * length each, in one block */
  size_t count, length;
} rows_t;

static or_status_t load(or_model_t *model);
static or_status_t encode(const or_model_t *model, const or_string_t *texts, size_t count, rows_t *out);
static or_status_t make_tensor(const or_model_t *model, const or_model_value_t *input, part_t part, const rows_t *rows,
                               or_tensor_t **out);
static part_t part_of(const or_model_value_t *input);

void or_model_text_init(or_model_text_t *text) {
  *text = (or_model_text_t){.known = false};
  or_mutex_init(&text->mutex);
}

void or_model_text_deinit(or_model_text_t *text) {
  or_tokenizer_release(text->tokenizer);
  or_mutex_deinit(&text->mutex);
}

or_status_t or_model_encode_text(const or_model_t *model, size_t input_index, const or_string_t *texts, size_t count,
                                 or_tensor_t **out) {
  rows_t rows = {.count = 0};
  *out = NULL;
  if (input_index >= model->graph->input_count || count == 0 || count > OR_TEXT_MAX_COUNT) {
    return or_error(OR_OUT_OF_RANGE, "the model has %zu inputs, and takes 1 to %u texts at once",
                    model->graph->input_count, OR_TEXT_MAX_COUNT);
  }
  const or_model_value_t *input = &model->inputs[input_index];
  part_t part = part_of(input);
  if (part == PART_NONE) {
    return or_error(OR_NOT_FOUND,
                    "input \"%s\" of model \"%s\" takes no text; input_ids, attention_mask, token_type_ids, "
                    "position_ids and past_key_values do",
                    input->name, model->name);
  }
  or_status_t status = load((or_model_t *)model);
  if (or_ok(status)) status = encode(model, texts, count, &rows);
  if (or_ok(status)) status = make_tensor(model, input, part, &rows, out);
  or_free(model->graph->allocator, rows.ids);
  return status;
}

static part_t part_of(const or_model_value_t *input) {
  static const struct {
    const char *name;
    part_t part;
  } names[] = {{"input_ids", PART_IDS},
               {"attention_mask", PART_MASK},
               {"token_type_ids", PART_TYPES},
               {"position_ids", PART_POSITIONS}};
  if (strncmp(input->name, "past_key_values.", strlen("past_key_values.")) == 0) return PART_PAST;
  for (size_t i = 0; i < sizeof names / sizeof *names; ++i) {
    if (strcmp(names[i].name, input->name) == 0) return names[i].part;
  }
  return PART_NONE;
}

/* The folder of model.onnx, or the one that is the model. */
static or_status_t folder_of(const or_model_t *model, char folder[PATH_BYTES]) {
  static const char file[] = "/model.onnx";
  size_t length = strlen(model->path);
  if (or_string_ends_with(model->path, file)) {
    length -= strlen(file);
  } else if (length == 0 || or_string_ends_with(model->path, ".onnx")) {
    return or_error(OR_FAILED_PRECONDITION,
                    "model \"%s\" has no tokenizer: it is in no folder of its own, where tokenizer.json could lie",
                    model->name);
  }
  or_format(folder, PATH_BYTES, "%.*s", (int)length, model->path);
  return or_status_success();
}

/* How many tokens a configuration allows. */
typedef int64_t (*limit_fn)(const or_json_value_t *config);

static int64_t length_or_none(const or_json_value_t *config, const char *name) {
  int64_t number = or_json_get_int(or_json_get(config, name), 0);
  return number > 0 && number <= (int64_t)OR_TOKENIZER_MAX_LENGTH ? number : 0;
}

/* Rows of the table of positions; RoBERTa and what is made as it is leave those up to the padding's unused. */
static int64_t positions_of(const or_json_value_t *config) {
  static const char *const skipping[] = {"roberta", "xlm-roberta", "camembert", "mpnet"};
  const char *type = or_json_get_string(or_json_get(config, "model_type"), "");
  int64_t rows = length_or_none(config, "max_position_embeddings");
  if (rows == 0) rows = length_or_none(config, "n_positions");
  for (size_t i = 0; i < sizeof skipping / sizeof *skipping; ++i) {
    int64_t unused = or_json_get_int(or_json_get(config, "pad_token_id"), 1) + 1;
    if (strcmp(type, skipping[i]) == 0 && unused > 0 && unused < rows) return rows - unused;
  }
  return rows;
}

static int64_t sequence_of(const or_json_value_t *config) { return length_or_none(config, "max_seq_length"); }

/* What a configuration says that need not be there; 0 if it is not. */
static or_status_t read_limit(const or_model_t *model, const char *folder, const char *file, limit_fn limit,
                              int64_t *out) {
  char path[PATH_BYTES];
  char *text = NULL;
  size_t length = 0;
  or_json_document_t *document = NULL;
  const or_allocator_t *allocator = model->graph->allocator;
  *out = 0;
  or_format(path, sizeof path, "%s/%s", folder, file);
  or_status_t status = or_file_read(allocator, path, CONFIG_BYTES, &text, &length);
  if (or_status_code(status) == OR_NOT_FOUND) {
    or_status_ignore(status); /* it need not be there */
    return or_status_success();
  }
  if (or_ok(status)) status = or_status_context(or_json_parse(allocator, text, length, &document), "%s", path);
  if (or_ok(status)) *out = limit(or_json_root(document));
  or_json_document_free(document);
  or_free(allocator, text);
  return status;
}

static or_status_t load_locked(or_model_t *model) {
  char folder[PATH_BYTES], path[PATH_BYTES];
  int64_t places = 0, asked = 0;
  or_tokenizer_t *tokenizer = NULL;
  or_status_t status = folder_of(model, folder);
  if (!or_ok(status)) return status;
  or_format(path, sizeof path, "%s/tokenizer.json", folder);
  status = or_tokenizer_load(model->graph->allocator, path, &tokenizer);
  if (or_status_code(status) == OR_NOT_FOUND) {
    or_status_ignore(status); /* said with the cure */
    return or_error(OR_FAILED_PRECONDITION, "model \"%s\" has no tokenizer: there is no %s", model->name, path);
  }
  if (or_ok(status)) status = read_limit(model, folder, "config.json", positions_of, &places);
  if (or_ok(status)) status = read_limit(model, folder, "sentence_bert_config.json", sequence_of, &asked);
  if (!or_ok(status)) {
    or_tokenizer_release(tokenizer);
    return status;
  }
  /* What sentence-transformers asks for counts before what the tokenizer's file says; neither beyond the table. */
  int64_t kept = asked > 0 ? asked : (int64_t)or_tokenizer_facts(tokenizer).max_length;
  model->text.max_tokens = places > 0 && (kept == 0 || places < kept) ? places : kept;
  model->text.tokenizer = tokenizer;
  model->text.known = true;
  return status;
}

static or_status_t load(or_model_t *model) {
  or_mutex_lock(&model->text.mutex);
  or_status_t status = model->text.known ? or_status_success() : load_locked(model);
  or_mutex_unlock(&model->text.mutex);
  return status;
}

/* One text behind the others, in `ids` and `types`. */
typedef struct tokens_t {
  const or_allocator_t *allocator;
  int64_t *ids, *types;
  size_t count, id_capacity, type_capacity;
  size_t *ends; /* of each text */
} tokens_t;

static or_status_t append(tokens_t *tokens, const or_encoding_t *encoding) {
  size_t needed = tokens->count + encoding->count;
  or_status_t status =
      or_grow_array(tokens->allocator, needed, sizeof(int64_t), (void **)&tokens->ids, &tokens->id_capacity);
  if (or_ok(status))
    status = or_grow_array(tokens->allocator, needed, sizeof(int64_t), (void **)&tokens->types, &tokens->type_capacity);
  if (!or_ok(status) || encoding->count == 0) return status;
  memcpy(tokens->ids + tokens->count, encoding->ids, encoding->count * sizeof(int64_t));
  memcpy(tokens->types + tokens->count, encoding->type_ids, encoding->count * sizeof(int64_t));
  tokens->count = needed;
  return status;
}

static or_status_t lay_out(const or_model_t *model, const tokens_t *tokens, size_t count, rows_t *out) {
  void *memory = NULL;
  size_t longest = 0, cells = 0;
  for (size_t i = 0, begin = 0; i < count; begin = tokens->ends[i++]) {
    if (tokens->ends[i] - begin > longest) longest = tokens->ends[i] - begin;
  }
  if (!or_mul_size(count, longest, &cells) || !or_mul_size(cells, 3, &cells))
    return or_error(OR_OUT_OF_RANGE, "%zu texts of %zu tokens are too many", count, longest);
  or_status_t status = or_alloc_array(model->graph->allocator, cells, sizeof(int64_t), &memory);
  if (!or_ok(status)) return status;
  *out = (rows_t){.ids = memory, .count = count, .length = longest};
  out->mask = out->ids + count * longest;
  out->types = out->mask + count * longest;
  const int64_t pad = (int64_t)or_tokenizer_facts(model->text.tokenizer).pad_id;
  for (size_t i = 0, begin = 0; i < count; begin = tokens->ends[i++]) {
    for (size_t k = 0; k < longest; ++k) {
      bool there = begin + k < tokens->ends[i];
      out->ids[i * longest + k] = there ? tokens->ids[begin + k] : pad;
      out->types[i * longest + k] = there ? tokens->types[begin + k] : 0;
      out->mask[i * longest + k] = there;
    }
  }
  return status;
}

static or_status_t encode(const or_model_t *model, const or_string_t *texts, size_t count, rows_t *out) {
  tokens_t tokens = {.allocator = model->graph->allocator};
  or_tokenizer_encoder_t *encoder = NULL;
  void *ends = NULL;
  const or_tokenizer_options_t options = {.max_length =
                                              model->text.max_tokens > 0 ? model->text.max_tokens : OR_TOKENIZER_NONE,
                                          .pad_length = OR_TOKENIZER_NONE};
  or_status_t status = or_alloc_array(tokens.allocator, count, sizeof(size_t), &ends);
  tokens.ends = ends;
  if (or_ok(status)) status = or_tokenizer_encoder_create(model->text.tokenizer, &encoder);
  for (size_t i = 0; or_ok(status) && i < count; ++i) {
    or_encoding_t encoding;
    const or_tokenizer_text_t text = {texts[i].data, texts[i].length};
    status = or_tokenizer_encode(encoder, text, NULL, &options, &encoding);
    if (or_ok(status)) status = append(&tokens, &encoding);
    tokens.ends[i] = tokens.count;
  }
  if (or_ok(status) && tokens.count == 0) status = or_error(OR_INVALID_ARGUMENT, "the text has no token");
  if (or_ok(status)) status = lay_out(model, &tokens, count, out);
  or_tokenizer_encoder_free(encoder);
  or_free(tokens.allocator, tokens.ids);
  or_free(tokens.allocator, tokens.types);
  or_free(tokens.allocator, ends);
  return status;
}

/* An input of keys or values has a row for each text and no past. */
static or_status_t past_shape(const or_model_value_t *input, size_t count, or_shape_t *out) {
  *out = input->shape;
  if (out->rank != 4 || out->dims[1] < 0 || out->dims[2] >= 0 || out->dims[3] < 0)
    return or_error(OR_UNIMPLEMENTED, "input \"%s\" is not [batch, heads, past, width]", input->name);
  out->dims[0] = (int64_t)count;
  out->dims[2] = 0;
  return or_status_success();
}

static int64_t element_of(part_t part, const rows_t *rows, size_t index) {
  switch (part) {
  case PART_IDS: return rows->ids[index];
  case PART_MASK: return rows->mask[index];
  case PART_TYPES: return rows->types[index];
  default: return (int64_t)(index % rows->length);
  }
}

static or_status_t make_tensor(const or_model_t *model, const or_model_value_t *input, part_t part, const rows_t *rows,
                               or_tensor_t **out) {
  or_shape_t shape = or_shape_make(2, (const int64_t[]){(int64_t)rows->count, (int64_t)rows->length});
  or_device_t *host = or_runtime_host_device(model->runtime);
  or_tensor_t *tensor = NULL;
  or_status_t status = part == PART_PAST ? past_shape(input, rows->count, &shape) : or_status_success();
  if (or_ok(status) && part != PART_PAST && input->dtype != OR_INT64 && input->dtype != OR_INT32)
    status = or_error(OR_UNIMPLEMENTED, "input \"%s\" is %s; token ids are int64 or int32", input->name,
                      or_dtype_name(input->dtype));
  if (or_ok(status) && host == NULL)
    status = or_error(OR_UNAVAILABLE, "the runtime has no device whose memory is the host's");
  if (or_ok(status)) status = or_tensor_create(host, input->dtype, shape, &tensor);
  if (!or_ok(status)) return status;
  void *data = (void *)(uintptr_t)or_tensor_data(tensor);
  for (size_t i = 0; part != PART_PAST && i < rows->count * rows->length; ++i)
    or_element_set_int(input->dtype, data, i, element_of(part, rows, i));
  *out = tensor;
  return status;
}
