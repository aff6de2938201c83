/* Post-processors: each says what surrounds one text and two. */
#include <string.h>

#include "model/tokenizer/tokenizer_internal.h"

#define PROCESSORS "Sequence, TemplateProcessing, BertProcessing, RobertaProcessing, ByteLevel"
#define MAX_SEQUENCE_DEPTH 8

static or_status_t put(or_tokenizer_t *tokenizer, or_template_t *template, or_template_piece_t piece) {
  void *memory = template->pieces;
  or_status_t status = or_status_success();
  if (memory == NULL) status = or_arena_array(&tokenizer->arena, OR_TOKENIZER_MAX_STEPS, sizeof piece, &memory);
  template->pieces = memory;
  if (or_ok(status) && template->count == OR_TOKENIZER_MAX_STEPS)
    status = or_error(OR_OUT_OF_RANGE, "a template has more than %zu pieces", OR_TOKENIZER_MAX_STEPS);
  if (!or_ok(status)) return status;
  template->pieces[template->count++] = piece;
  template->special_count += piece.kind == OR_PIECE_SPECIAL;
  return status;
}

static or_status_t put_all(or_tokenizer_t *tokenizer, or_template_t *template, const or_template_piece_t *pieces,
                           size_t count) {
  or_status_t status = or_status_success();
  for (size_t i = 0; or_ok(status) && i < count; ++i) status = put(tokenizer, template, pieces[i]);
  return status;
}

/* {"SpecialToken": {"id": name, "type_id": n}}: the ids stand in special_tokens under the name. */
static or_status_t read_special(or_tokenizer_t *tokenizer, const or_json_value_t *specials,
                                const or_json_value_t *value, uint32_t type_id, or_template_t *template) {
  const char *name = or_json_get_string(or_json_get(value, "id"), "");
  const or_json_value_t *ids = or_json_get(or_json_get(specials, name), "ids");
  or_status_t status = or_status_success();
  if (or_json_kind(ids) != OR_JSON_ARRAY)
    return or_error(OR_INVALID_ARGUMENT, "\"special_tokens\" has no ids for \"%.80s\"", name);
  for (size_t i = 0; or_ok(status) && i < or_json_count(ids); ++i) {
    or_template_piece_t piece = {.kind = OR_PIECE_SPECIAL, .type_id = type_id};
    status = or_tokenizer_read_id(tokenizer, or_json_at(ids, i), "an id of \"special_tokens\"", &piece.id);
    if (or_ok(status)) status = put(tokenizer, template, piece);
  }
  return status;
}

static or_status_t read_pieces(or_tokenizer_t *tokenizer, const or_json_value_t *value, const char *key,
                               or_template_t *template) {
  const or_json_value_t *list = or_json_get(value, key);
  or_status_t status = or_status_success();
  bool has_first = false, has_second = false;
  if (or_json_kind(list) != OR_JSON_ARRAY) return or_error(OR_INVALID_ARGUMENT, "\"%s\" is not a list", key);
  for (size_t i = 0; or_ok(status) && i < or_json_count(list); ++i) {
    const or_json_value_t *sequence = or_json_get(or_json_at(list, i), "Sequence");
    const or_json_value_t *special = or_json_get(or_json_at(list, i), "SpecialToken");
    const char *id = or_json_get_string(or_json_get(sequence, "id"), "");
    size_t type_id = 0;
    status = or_tokenizer_read_count(sequence != NULL ? sequence : special, "type_id", UINT16_MAX, &type_id);
    if (!or_ok(status)) break;
    if (special != NULL) {
      status = read_special(tokenizer, or_json_get(value, "special_tokens"), special, (uint32_t)type_id, template);
    } else if (strcmp(id, "A") == 0 || strcmp(id, "B") == 0) {
      bool second = id[0] == 'B';
      has_first = has_first || !second;
      has_second = has_second || second;
      status =
          put(tokenizer, template,
              (or_template_piece_t){.kind = second ? OR_PIECE_SECOND : OR_PIECE_FIRST, .type_id = (uint32_t)type_id});
    } else {
      status = or_error(OR_INVALID_ARGUMENT, "\"%s\"[%zu] is neither SpecialToken nor Sequence A or B", key, i);
    }
  }
  bool is_pair = template == &tokenizer->pair;
  if (or_ok(status) && (is_pair ? !has_first || !has_second : has_second)) {
    status = or_error(OR_INVALID_ARGUMENT, "\"%s\" must use Sequence %s", key, is_pair ? "A and B" : "A alone");
  }
  return status;
}

/* ["token", id] */
static or_status_t read_named(const or_tokenizer_t *tokenizer, const or_json_value_t *value, const char *key,
                              uint32_t *id) {
  return or_tokenizer_read_id(tokenizer, or_json_at(or_json_get(value, key), 1), key, id);
}

static or_status_t read_bert(or_tokenizer_t *tokenizer, const or_json_value_t *value) {
  uint32_t cls = 0, sep = 0;
  or_status_t status = read_named(tokenizer, value, "cls", &cls);
  if (or_ok(status)) status = read_named(tokenizer, value, "sep", &sep);
  const or_template_piece_t pieces[] = {{OR_PIECE_SPECIAL, cls, 0},
                                        {OR_PIECE_FIRST, 0, 0},
                                        {OR_PIECE_SPECIAL, sep, 0},
                                        {OR_PIECE_SECOND, 0, 1},
                                        {OR_PIECE_SPECIAL, sep, 1}};
  if (or_ok(status)) status = put_all(tokenizer, &tokenizer->single, pieces, 3);
  if (or_ok(status)) status = put_all(tokenizer, &tokenizer->pair, pieces, 5);
  return status;
}

static or_status_t read_trimming(or_tokenizer_t *tokenizer, const or_json_value_t *value) {
  bool trims = true;
  or_status_t status = or_tokenizer_read_bool(value, "trim_offsets", true, &trims);
  if (!or_ok(status) || !trims) return status;
  if (tokenizer->trim_spans)
    return or_error(OR_UNIMPLEMENTED, "two that trim offsets are not supported; let one not do it");
  tokenizer->trim_spans = true;
  return or_tokenizer_read_bool(value, "add_prefix_space", true, &tokenizer->trim_keeps_prefix);
}

static or_status_t read_roberta(or_tokenizer_t *tokenizer, const or_json_value_t *value) {
  uint32_t cls = 0, sep = 0;
  or_status_t status = read_trimming(tokenizer, value);
  if (or_ok(status)) status = read_named(tokenizer, value, "cls", &cls);
  if (or_ok(status)) status = read_named(tokenizer, value, "sep", &sep);
  const or_template_piece_t pieces[] = {{OR_PIECE_SPECIAL, cls, 0}, {OR_PIECE_FIRST, 0, 0},
                                        {OR_PIECE_SPECIAL, sep, 0}, {OR_PIECE_SPECIAL, sep, 0},
                                        {OR_PIECE_SECOND, 0, 0},    {OR_PIECE_SPECIAL, sep, 0}};
  if (or_ok(status)) status = put_all(tokenizer, &tokenizer->single, pieces, 3);
  if (or_ok(status)) status = put_all(tokenizer, &tokenizer->pair, pieces, 6);
  return status;
}

static or_status_t read_processor(or_tokenizer_t *tokenizer, const or_json_value_t *value, int depth) {
  const char *type = or_tokenizer_type(value);
  or_status_t status = or_status_success();
  bool surrounds = strcmp(type, "TemplateProcessing") == 0 || strcmp(type, "BertProcessing") == 0 ||
                   strcmp(type, "RobertaProcessing") == 0;
  if (surrounds && tokenizer->single.count > 0)
    return or_error(OR_UNIMPLEMENTED, "\"%.60s\" behind another that adds special tokens is not supported; merge them",
                    type);
  if (strcmp(type, "Sequence") == 0) {
    const or_json_value_t *list = or_json_get(value, "processors");
    if (or_json_kind(list) != OR_JSON_ARRAY) return or_error(OR_INVALID_ARGUMENT, "\"processors\" is not a list");
    if (depth >= MAX_SEQUENCE_DEPTH) {
      return or_error(OR_OUT_OF_RANGE, "Sequences lie %d deep in Sequences; the limit is %d", depth + 1,
                      MAX_SEQUENCE_DEPTH);
    }
    for (size_t i = 0; or_ok(status) && i < or_json_count(list); ++i) /* depth is bounded */
      status = or_status_context(read_processor(tokenizer, or_json_at(list, i), depth + 1), "processors[%zu]", i);
    return status;
  }
  if (strcmp(type, "TemplateProcessing") == 0) {
    status = read_pieces(tokenizer, value, "single", &tokenizer->single);
    if (or_ok(status)) status = read_pieces(tokenizer, value, "pair", &tokenizer->pair);
  } else if (strcmp(type, "BertProcessing") == 0) {
    status = read_bert(tokenizer, value);
  } else if (strcmp(type, "RobertaProcessing") == 0) {
    status = read_roberta(tokenizer, value);
  } else if (strcmp(type, "ByteLevel") == 0) {
    if (surrounds || tokenizer->single.count > 0) /* it would trim the special tokens, which have no spans */
      return or_error(OR_UNIMPLEMENTED, "behind another processor it is not supported; put it first");
    status = read_trimming(tokenizer, value);
  } else {
    return or_tokenizer_unsupported("post-processor", type, PROCESSORS);
  }
  return or_status_context(status, "%s", type);
}

or_status_t or_tokenizer_read_template(or_tokenizer_t *tokenizer, const or_json_value_t *value) {
  static const or_template_piece_t plain[] = {{OR_PIECE_FIRST, 0, 0}, {OR_PIECE_SECOND, 0, 1}};
  or_status_t status = or_status_success();
  if (or_json_kind(value) != OR_JSON_NULL)
    status = or_status_context(read_processor(tokenizer, value, 0), "post_processor");
  if (or_ok(status) && tokenizer->single.count == 0) status = put_all(tokenizer, &tokenizer->single, plain, 1);
  if (or_ok(status) && tokenizer->pair.count == 0) status = put_all(tokenizer, &tokenizer->pair, plain, 2);
  return status;
}
