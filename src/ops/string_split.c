#include "ops/string_split.h"

#include "base/string.h"
#include "base/unicode.h"
#include "ops/extents.h"
#include "ops/infer.h"
#include "ops/shape.h"
#include "ops/strings.h"

static or_status_t split_infer(or_op_call_t *call);
static or_status_t split_reference(or_op_call_t *call);

const or_op_t or_op_string_split = {
    .domain = "",
    .name = "StringSplit",
    .summary = "the pieces of texts between delimiters or white space",
    .since = {20},
    .input_min = 1,
    .input_max = 1,
    .output_min = 2,
    .output_max = 2,
    .dtypes = OR_OP_STRINGS,
    .value_inputs = 1u << 0,
    .attributes = {{"delimiter", OR_ATTRIBUTE_STRING, false}, {"maxsplit", OR_ATTRIBUTE_INT, false}},
    .infer = split_infer,
    .cost = or_cost_move,
    .reference = split_reference,
};

/* Takes one piece after the other off a text. */
typedef struct splitter_t {
  or_string_t delimiter;
  uint64_t cuts; /* still allowed */
  const char *at, *end;
  bool more;
} splitter_t;

static void begin(splitter_t *self, const or_op_call_t *call, or_string_t text);
static bool next(splitter_t *self, or_string_t *piece);

static uint64_t count_pieces(const or_op_call_t *call, or_string_t text) {
  splitter_t splitter;
  or_string_t piece;
  uint64_t count = 0;
  for (begin(&splitter, call, text); next(&splitter, &piece);) ++count;
  return count;
}

static const or_string_t *texts_of(const or_op_tensor_t *x) { return x->data; }

static or_status_t split_infer(or_op_call_t *call) {
  const or_op_tensor_t *x = &call->inputs[0];
  or_shape_t *y = &call->outputs[0].shape;
  call->outputs[0].dtype = OR_STRING;
  call->outputs[1].dtype = OR_INT64;
  call->outputs[1].shape = x->shape;
  or_status_t status = or_shape_unknown(x->shape.rank < 0 ? x->shape.rank : x->shape.rank + 1, y);
  if (!or_ok(status) || x->shape.rank < 0) return status;
  for (int32_t i = 0; i < x->shape.rank; ++i) y->dims[i] = x->shape.dims[i];
  uint64_t total = 0, most = 0;
  if (!or_shape_count(&x->shape, &total) || (x->data == NULL && total > 0)) return status;
  for (uint64_t i = 0; i < total && !or_stops(call->stop, 1 + texts_of(x)[i].length); ++i) {
    const uint64_t count = count_pieces(call, texts_of(x)[i]);
    if (count > most) most = count;
  }
  y->dims[x->shape.rank] = (int64_t)most;
  return or_shape_check_count(y);
}

static or_status_t split_reference(or_op_call_t *call) {
  const or_op_tensor_t *x = &call->inputs[0];
  const or_string_t *texts = x->data;
  or_string_t *pieces = call->outputs[0].data;
  int64_t *counts = call->outputs[1].data;
  const uint64_t total = or_shape_product(&x->shape, 0, x->shape.rank);
  const int64_t most = call->outputs[0].shape.dims[x->shape.rank];
  for (uint64_t i = 0; i < total && !or_stops(call->stop, 1 + texts[i].length + (uint64_t)most); ++i) {
    splitter_t splitter;
    int64_t count = 0;
    or_string_t *row = pieces + i * (uint64_t)most;
    begin(&splitter, call, texts[i]);
    while (count < most && next(&splitter, &row[count])) ++count;
    or_strings_clear(row + count, (uint64_t)(most - count));
    counts[i] = count;
  }
  return or_status_success();
}

static bool is_space(uint32_t code) { return (code >= 0x1C && code <= 0x1F) || or_unicode_is(code, OR_UNICODE_SPACE); }

/* Bytes of the white space at `at`; 0 if there is none. What is not UTF-8 is none. */
static size_t space_at(const char *at, const char *end) {
  size_t width = or_utf8_character(at, (size_t)(end - at)), length = 0;
  return width > 0 && is_space(or_unicode_read(at, &length)) ? width : 0;
}

static const char *skip_space(const char *at, const char *end) {
  for (size_t width = 0; at < end && (width = space_at(at, end)) > 0;) at += width;
  return at;
}

/* The text without the white space at its end. */
static const char *trimmed_end(const char *at, const char *end) {
  const char *last = at;
  while (at < end) {
    const size_t width = space_at(at, end);
    at += width > 0 ? width : 1;
    if (width == 0) last = at;
  }
  return last;
}

static void begin(splitter_t *self, const or_op_call_t *call, or_string_t text) {
  const or_attribute_t *delimiter = or_op_attribute(call, "delimiter");
  const int64_t cuts = or_op_attribute_int(call, "maxsplit", -1);
  const char *data = text.length > 0 ? text.data : "";
  *self = (splitter_t){.cuts = cuts < 0 ? UINT64_MAX : (uint64_t)cuts, .at = data, .end = data + text.length};
  if (delimiter != NULL) self->delimiter = delimiter->string;
  self->more = self->delimiter.length > 0;
  if (self->more) return;
  self->at = skip_space(self->at, self->end);
  self->more = self->at < self->end;
}

static const char *find_delimiter(const splitter_t *self) {
  const size_t length = self->delimiter.length;
  for (const char *at = self->at; (size_t)(self->end - at) >= length; ++at) {
    at = memchr(at, self->delimiter.data[0], (size_t)(self->end - at) - length + 1);
    if (at == NULL) return NULL;
    if (memcmp(at, self->delimiter.data, length) == 0) return at;
  }
  return NULL;
}

static bool next(splitter_t *self, or_string_t *piece) {
  if (!self->more) return false;
  const char *from = self->at, *to = NULL;
  const bool spaces = self->delimiter.length == 0;
  if (self->cuts == 0) {
    to = spaces ? trimmed_end(from, self->end) : self->end;
    self->more = false;
  } else if (spaces) {
    for (to = from; to < self->end && space_at(to, self->end) == 0;) ++to;
    self->at = skip_space(to, self->end);
    self->more = self->at < self->end;
  } else {
    to = find_delimiter(self);
    self->more = to != NULL;
    self->at = to != NULL ? to + self->delimiter.length : self->end;
    if (to == NULL) to = self->end;
  }
  --self->cuts;
  *piece = (or_string_t){.data = from, .length = (size_t)(to - from)};
  return true;
}
