#include "ops/string_normalizer.h"

#include "base/string.h"
#include "base/unicode.h"
#include "ops/extents.h"
#include "ops/infer.h"
#include "ops/shape.h"
#include "ops/strings.h"

static or_status_t normalizer_infer(or_op_call_t *call);
static or_status_t normalizer_reference(or_op_call_t *call);

const or_op_t or_op_string_normalizer = {
    .domain = "",
    .name = "StringNormalizer",
    .summary = "texts without stop words, in lower or upper case",
    .since = {10},
    .input_min = 1,
    .input_max = 1,
    .output_min = 1,
    .output_max = 1,
    .dtypes = OR_OP_STRINGS,
    .value_inputs = 1u << 0,
    .attributes = {{"case_change_action", OR_ATTRIBUTE_STRING, false},
                   {"is_case_sensitive", OR_ATTRIBUTE_INT, false},
                   {"locale", OR_ATTRIBUTE_STRING, false},
                   {"stopwords", OR_ATTRIBUTE_STRINGS, false}},
    .infer = normalizer_infer,
    .cost = or_cost_move,
    .reference = normalizer_reference,
};

typedef enum letter_case_t { CASE_NONE, CASE_LOWER, CASE_UPPER } letter_case_t;

typedef struct normalizer_t {
  letter_case_t action, compared; /* `compared`: of texts and stop words when one is looked for */
  bool turkic;
  const or_string_t *stopwords;
  size_t stopword_count;
} normalizer_t;

static or_status_t read_attributes(const or_op_call_t *call, normalizer_t *out) {
  static const char *const names[] = {"NONE", "LOWER", "UPPER"};
  const or_attribute_t *locale = or_op_attribute(call, "locale"), *action = or_op_attribute(call, "case_change_action");
  int at = 0;
  while (at < 3 && !or_op_attribute_is(call, "case_change_action", names[at], "NONE")) ++at;
  if (at == 3) {
    return or_error(OR_INVALID_ARGUMENT, "attribute \"case_change_action\" is \"%.*s\", expected NONE, LOWER or UPPER",
                    action->string.length < 64 ? (int)action->string.length : 64, action->string.data);
  }
  *out = (normalizer_t){.action = (letter_case_t)at};
  const char *name = locale != NULL && locale->string.length >= 2 ? locale->string.data : "  ";
  const bool whole = locale != NULL && (locale->string.length == 2 || (locale->string.length > 2 && name[2] == '_') ||
                                        (locale->string.length > 2 && name[2] == '-'));
  out->turkic = whole && (memcmp(name, "tr", 2) == 0 || memcmp(name, "az", 2) == 0);
  out->compared = or_op_attribute_int(call, "is_case_sensitive", 0) != 0 ? CASE_NONE : CASE_LOWER;
  out->stopwords = or_op_attribute_strings(call, "stopwords", &out->stopword_count);
  return or_status_success();
}

static uint32_t in_case(const normalizer_t *self, letter_case_t wanted, uint32_t code) {
  if (wanted == CASE_NONE) return code;
  if (self->turkic && wanted == CASE_LOWER && code == 'I') return 0x131;
  if (self->turkic && wanted == CASE_UPPER && code == 'i') return 0x130;
  const or_unicode_record_t *record = or_unicode_record(code);
  return (uint32_t)((int64_t)code + (wanted == CASE_LOWER ? record->lower : record->upper));
}

/* The next character of a text in the wanted case, at most 4 bytes of `out`; returns how many. */
static size_t take(const normalizer_t *self, letter_case_t wanted, or_string_t *text, char out[4]) {
  size_t width = or_utf8_character(text->data, text->length), length = 0, written = 1;
  if (width == 0) {
    width = 1;
    out[0] = text->data[0];
  } else {
    written = or_unicode_write(in_case(self, wanted, or_unicode_read(text->data, &length)), out);
  }
  text->data += width;
  text->length -= width;
  return written;
}

static bool equal_in_case(const normalizer_t *self, or_string_t a, or_string_t b) {
  if (self->compared == CASE_NONE) return or_string_same(a, b);
  while (a.length > 0 && b.length > 0) {
    char x[4], y[4];
    const size_t length = take(self, self->compared, &a, x);
    if (take(self, self->compared, &b, y) != length || memcmp(x, y, length) != 0) return false;
  }
  return a.length == 0 && b.length == 0;
}

static bool is_stopword(const normalizer_t *self, or_string_t text) {
  for (size_t i = 0; i < self->stopword_count; ++i) {
    if (equal_in_case(self, text, self->stopwords[i])) return true;
  }
  return false;
}

static or_status_t normalizer_infer(or_op_call_t *call) {
  const or_op_tensor_t *x = &call->inputs[0];
  const int32_t rank = x->shape.rank;
  or_shape_t *y = &call->outputs[0].shape;
  normalizer_t self;
  call->outputs[0].dtype = OR_STRING;
  or_status_t status = read_attributes(call, &self);
  if (!or_ok(status) || rank < 0) return status;
  if (rank < 1 || rank > 2 || (rank == 2 && x->shape.dims[0] >= 0 && x->shape.dims[0] != 1)) {
    char text[160];
    return or_error(OR_INVALID_ARGUMENT, "input 0 has shape %s, expected [C] or [1,C]",
                    or_shape_format(&x->shape, text, sizeof text));
  }
  status = or_shape_unknown(rank, y);
  if (rank == 2) y->dims[0] = 1;
  if (x->data == NULL || !or_shape_is_static(&x->shape)) return status;
  int64_t kept = 0;
  for (int64_t i = 0; i < x->shape.dims[rank - 1]; ++i) kept += !is_stopword(&self, ((const or_string_t *)x->data)[i]);
  y->dims[rank - 1] = kept > 0 ? kept : 1;
  return status;
}

static or_status_t normalizer_reference(or_op_call_t *call) {
  const or_op_tensor_t *x = &call->inputs[0];
  const or_string_t *in = x->data;
  or_string_t *out = call->outputs[0].data;
  const int64_t count = x->shape.dims[x->shape.rank - 1], room = call->outputs[0].shape.dims[x->shape.rank - 1];
  normalizer_t self;
  size_t bytes = 0;
  char *text = NULL;
  or_status_t status = read_attributes(call, &self);
  /* A character of one byte never takes more than two in another case, one of two never more than three. */
  for (int64_t i = 0; or_ok(status) && i < count; ++i) {
    status = or_strings_add(&bytes, in[i].length);
    if (or_ok(status)) status = or_strings_add(&bytes, in[i].length);
  }
  if (or_ok(status)) status = or_strings_room(call, bytes, &text);
  if (!or_ok(status)) return status;
  int64_t kept = 0;
  for (int64_t i = 0; i < count && kept < room && !or_stops(call->stop, in[i].length * (1 + self.stopword_count));
       ++i) {
    if (is_stopword(&self, in[i])) continue;
    or_string_t rest = in[i];
    const char *start = text;
    while (rest.length > 0) {
      char character[4];
      const size_t length = take(&self, self.action, &rest, character);
      memcpy(text, character, length);
      text += length;
    }
    out[kept++] = (or_string_t){.data = start, .length = (size_t)(text - start)};
  }
  or_strings_clear(out + kept, (uint64_t)(room - kept));
  return status;
}
