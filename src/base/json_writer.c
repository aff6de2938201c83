#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/json_internal.h"
#include "base/numbers.h"

/* Bits of or_json_writer_t.state[level]. */
#define IN_OBJECT 1U              /* else in an array */
#define HAS_VALUE 2U              /* a comma is due before the next */
#define HAS_KEY 4U                /* a key waits for its value */
#define NUMBER_BYTES ((size_t)40) /* room for any number, a comma and a bracket */
#define ROW ((size_t)32)          /* numbers that room is made for at once */

/* Where so many more bytes and the terminator have room; NULL where there is no memory for them. */
static inline char *room(or_json_writer_t *json, size_t bytes) {
  or_text_t *text = json->text;
  if (!or_ok(json->status)) return NULL;
  if (text->capacity - text->length <= bytes) {
    json->status = or_text_reserve(text, bytes);
    if (!or_ok(json->status)) return NULL;
  }
  return text->data + text->length;
}

/* The text goes up to here. */
static inline void end_at(or_json_writer_t *json, char *end) {
  *end = '\0';
  json->text->length = (size_t)(end - json->text->data);
}

static void put(or_json_writer_t *json, const char *bytes, size_t length) {
  char *to = room(json, length);
  if (to == NULL) return;
  memcpy(to, bytes, length);
  end_at(json, to + length);
}

static void new_line(or_json_writer_t *json) {
  static const char spaces[] = "\n                                                                ";
  if (json->indent <= 0) return;
  size_t width = (size_t)json->indent * (size_t)json->depth;
  put(json, spaces, 1 + (width < sizeof spaces - 2 ? width : sizeof spaces - 2));
}

/* What must stand before the next value: comma and new line in an array, nothing behind a key. */
static void before_value(or_json_writer_t *json) {
  uint8_t *state = &json->state[json->depth];
  if ((*state & IN_OBJECT) != 0) {
    assert((*state & HAS_KEY) != 0);
    *state = (uint8_t)(*state & ~HAS_KEY);
    return;
  }
  if (json->depth > 0) {
    if ((*state & HAS_VALUE) != 0) put(json, ",", 1);
    new_line(json);
  } else {
    assert((*state & HAS_VALUE) == 0); /* one value makes a document */
  }
  *state |= HAS_VALUE;
}

static void open_level(or_json_writer_t *json, const char *bracket, unsigned state) {
  if (!or_ok(json->status)) return;
  before_value(json);
  put(json, bracket, 1);
  if ((size_t)json->depth + 1 >= sizeof json->state) {
    json->status = or_status_first(
        json->status, or_error(OR_OUT_OF_RANGE, "JSON is nested deeper than %zu, the limit", sizeof json->state - 1));
    return;
  }
  json->state[++json->depth] = (uint8_t)state;
}

static void close_level(or_json_writer_t *json, const char *bracket, unsigned state) {
  if (!or_ok(json->status)) return;
  unsigned closed = json->state[json->depth];
  assert(json->depth > 0 && (closed & (IN_OBJECT | HAS_KEY)) == state);
  (void)state;
  --json->depth;
  if ((closed & HAS_VALUE) != 0) new_line(json);
  put(json, bracket, 1);
}

void or_json_begin(or_json_writer_t *json, or_text_t *text, int indent) {
  *json = (or_json_writer_t){.text = text, .indent = indent};
}

or_status_t or_json_finish(or_json_writer_t *json) {
  or_status_t status = json->status;
  assert(!or_ok(status) || json->depth == 0);
  json->status = or_status_success();
  return status;
}

void or_json_object_begin(or_json_writer_t *json) { open_level(json, "{", IN_OBJECT); }
void or_json_object_end(or_json_writer_t *json) { close_level(json, "}", IN_OBJECT); }
void or_json_array_begin(or_json_writer_t *json) { open_level(json, "[", 0); }
void or_json_array_end(or_json_writer_t *json) { close_level(json, "]", 0); }

/* What a character of a string is written as that can't stand as it is; `escape` may be where it is put together. */
static const char *escape_of(unsigned char c, char escape[8]) {
  static const char *const named[] = {"\b\\b", "\f\\f", "\n\\n", "\r\\r", "\t\\t", "\"\\\"", "\\\\\\"};
  if (c >= 0x80) return "\\ufffd"; /* a byte that is no UTF-8 */
  for (size_t i = 0; i < sizeof named / sizeof named[0]; ++i) {
    if (named[i][0] == (char)c) return named[i] + 1;
  }
  return or_format(escape, 8, "\\u%04x", (unsigned)c);
}

/* The end of the run at `at` that needs no escape. */
static size_t plain_end(const char *value, size_t at, size_t length) {
  for (;;) {
    uint64_t eight = 0;
    while (length - at >= sizeof eight) {
      memcpy(&eight, value + at, sizeof eight);
      if (or_json_has_special(eight)) break;
      at += sizeof eight;
    }
    if (at == length) return at;
    const unsigned char c = (unsigned char)value[at];
    if (c < ' ' || c == 0x7F || c == '"' || c == '\\') return at;
    const size_t bytes = c >= 0x80 ? or_utf8_character(value + at, length - at) : 1;
    if (bytes == 0) return at;
    at += bytes;
  }
}

/* What needs no escape, to `to`; false: something does, and what `to` has there is of no use. */
static bool copy_plain(const char *value, size_t length, char *to) {
  uint64_t eight = UINT64_C(0x2020202020202020); /* spaces, which are plain */
  if (length >= sizeof eight) {
    for (size_t at = 0; length - at >= sizeof eight; at += sizeof eight) {
      memcpy(&eight, value + at, sizeof eight);
      memcpy(to + at, &eight, sizeof eight);
      if (or_json_has_special(eight)) return false;
    }
    memcpy(&eight, value + length - sizeof eight, sizeof eight); /* with some of those before it */
    memcpy(to + length - sizeof eight, &eight, sizeof eight);
    return !or_json_has_special(eight);
  }
  if (length >= sizeof(uint32_t)) { /* the first four and the last four */
    uint32_t fours[2];
    memcpy(&fours[0], value, sizeof fours[0]);
    memcpy(&fours[1], value + length - sizeof fours[1], sizeof fours[1]);
    memcpy(to, &fours[0], sizeof fours[0]);
    memcpy(to + length - sizeof fours[1], &fours[1], sizeof fours[1]);
    return !or_json_has_special((uint64_t)fours[0] << 32 | fours[1]);
  }
  for (size_t i = 0; i < length; ++i) {
    eight = eight << 8 | (unsigned char)value[i];
    to[i] = value[i];
  }
  return !or_json_has_special(eight);
}

static void put_escaped(or_json_writer_t *json, const char *value, size_t length) {
  char escape[8];
  size_t begin = 0;
  put(json, "\"", 1);
  for (;;) {
    const size_t end = plain_end(value, begin, length);
    put(json, value + begin, end - begin);
    if (end == length) break;
    const char *words = escape_of((unsigned char)value[end], escape);
    put(json, words, strlen(words));
    begin = end + 1;
  }
  put(json, "\"", 1);
}

#define COMMA_BEFORE 1U
#define COLON_BEHIND 2U

static void put_quoted(or_json_writer_t *json, const char *value, size_t length, unsigned marks) {
  char *to = room(json, length + 4);
  if (to == NULL) return;
  if ((marks & COMMA_BEFORE) != 0) *to++ = ',';
  if (copy_plain(value, length, to + 1)) {
    *to++ = '"';
    to += length;
    *to++ = '"';
  } else {
    end_at(json, to);
    put_escaped(json, value, length);
    to = room(json, 1);
    if (to == NULL) return;
  }
  if ((marks & COLON_BEHIND) != 0) *to++ = ':';
  end_at(json, to);
}

void or_json_key(or_json_writer_t *json, const char *key) {
  if (!or_ok(json->status)) return;
  uint8_t *state = &json->state[json->depth];
  assert((*state & (IN_OBJECT | HAS_KEY)) == IN_OBJECT);
  const unsigned comma = (*state & HAS_VALUE) != 0 ? COMMA_BEFORE : 0;
  *state |= HAS_VALUE | HAS_KEY;
  if (json->indent <= 0) {
    put_quoted(json, key, strlen(key), comma | COLON_BEHIND);
    return;
  }
  if (comma != 0) put(json, ",", 1);
  new_line(json);
  put_quoted(json, key, strlen(key), COLON_BEHIND);
  put(json, " ", 1);
}

void or_json_raw(or_json_writer_t *json, const char *text, size_t length) {
  if (!or_ok(json->status)) return;
  before_value(json);
  put(json, text, length);
}

void or_json_string_n(or_json_writer_t *json, const char *value, size_t length) {
  if (!or_ok(json->status)) return;
  before_value(json);
  put_quoted(json, value, length, 0);
}

void or_json_string(or_json_writer_t *json, const char *value) {
  if (value == NULL) {
    or_json_null(json);
  } else {
    or_json_string_n(json, value, strlen(value));
  }
}

void or_json_null(or_json_writer_t *json) { or_json_raw(json, "null", 4); }

void or_json_bool(or_json_writer_t *json, bool value) { or_json_raw(json, value ? "true" : "false", value ? 4 : 5); }

static size_t format_unsigned(uint64_t value, char *text) {
  char digits[20];
  size_t count = 0;
  do {
    digits[count++] = (char)('0' + value % 10);
    value /= 10;
  } while (value > 0);
  for (size_t i = 0; i < count; ++i) text[i] = digits[count - 1 - i];
  return count;
}

static size_t format_integer(int64_t value, char *text) {
  if (value >= 0) return format_unsigned((uint64_t)value, text);
  text[0] = '-';
  return 1 + format_unsigned((uint64_t)0 - (uint64_t)value, text + 1);
}

/* Without a terminator. */
static size_t copy_word(const char *word, char *text) {
  size_t length = 0;
  for (; word[length] != '\0'; ++length) text[length] = word[length];
  return length;
}

static size_t format_special(double value, char *text) {
  return copy_word(isnan(value) ? "\"NaN\"" : value > 0 ? "\"Infinity\"" : "\"-Infinity\"", text);
}

/* JSON readers take "-0" for an integer and lose its sign. */
static size_t format_minus_zero(char *text) { return copy_word("-0.0", text); }

static size_t format_double(double value, char *text) {
  if (!isfinite(value)) return format_special(value, text);
  return value == 0 && signbit(value) ? format_minus_zero(text) : or_number_write_double(value, text);
}

static size_t format_float(float value, char *text) {
  if (!isfinite(value)) return format_special((double)value, text);
  return value == 0 && signbit(value) ? format_minus_zero(text) : or_number_write_float(value, text);
}

static char *number_room(or_json_writer_t *json) {
  if (!or_ok(json->status)) return NULL;
  before_value(json);
  return room(json, NUMBER_BYTES);
}

void or_json_int(or_json_writer_t *json, int64_t value) {
  char *to = number_room(json);
  if (to != NULL) end_at(json, to + format_integer(value, to));
}

void or_json_uint(or_json_writer_t *json, uint64_t value) {
  char *to = number_room(json);
  if (to != NULL) end_at(json, to + format_unsigned(value, to));
}

void or_json_double(or_json_writer_t *json, double value) {
  char *to = number_room(json);
  if (to != NULL) end_at(json, to + format_double(value, to));
}

void or_json_float(or_json_writer_t *json, float value) {
  char *to = number_room(json);
  if (to != NULL) end_at(json, to + format_float(value, to));
}

void or_json_field_string(or_json_writer_t *json, const char *key, const char *value) {
  or_json_key(json, key);
  or_json_string(json, value);
}

void or_json_field_int(or_json_writer_t *json, const char *key, int64_t value) {
  or_json_key(json, key);
  or_json_int(json, value);
}

void or_json_field_double(or_json_writer_t *json, const char *key, double value) {
  or_json_key(json, key);
  or_json_double(json, value);
}

void or_json_field_bool(or_json_writer_t *json, const char *key, bool value) {
  or_json_key(json, key);
  or_json_bool(json, value);
}

void or_json_field_null(or_json_writer_t *json, const char *key) {
  or_json_key(json, key);
  or_json_null(json);
}

static size_t format_element(or_dtype_t dtype, const void *data, size_t index, char *text) {
  switch (dtype) {
  case OR_FLOAT32:
  case OR_COMPLEX64: return format_float(((const float *)data)[index], text);
  case OR_FLOAT64:
  case OR_COMPLEX128: return format_double(((const double *)data)[index], text);
  case OR_UINT64: return format_unsigned(((const uint64_t *)data)[index], text);
  case OR_BOOL: return copy_word(((const uint8_t *)data)[index] != 0 ? "true" : "false", text);
  default: break;
  }
  if (or_dtype_is_integer(dtype)) return format_integer(or_element_get_int(dtype, data, index), text);
  return format_float((float)or_element_get(dtype, data, index), text); /* all smaller floats are float32 values */
}

/* Elements with commas between them, a complex one as [real, imaginary], where there is room; returns the end. */
static char *format_elements(or_dtype_t dtype, const void *data, size_t first, size_t count, char *end) {
  const bool complex = dtype == OR_COMPLEX64 || dtype == OR_COMPLEX128;
  for (size_t i = first; i < first + count; ++i) {
    if (i > 0) *end++ = ',';
    if (dtype == OR_FLOAT32) { /* most are */
      end += format_float(((const float *)data)[i], end);
    } else if (!complex) {
      end += format_element(dtype, data, i, end);
    } else {
      *end++ = '[';
      end += format_element(dtype, data, 2 * i, end);
      *end++ = ',';
      end += format_element(dtype, data, 2 * i + 1, end);
      *end++ = ']';
    }
  }
  return end;
}

/* Rows are kept on one line, whatever the indentation. */
void or_json_numbers(or_json_writer_t *json, or_dtype_t dtype, const void *data, size_t count) {
  if (!or_ok(json->status)) return;
  assert(dtype == OR_COMPLEX64 || dtype == OR_COMPLEX128 || dtype == OR_BOOL || or_dtype_is_float(dtype) ||
         or_dtype_is_integer(dtype));
  before_value(json);
  put(json, "[", 1);
  for (size_t i = 0; i < count && or_ok(json->status); i += ROW) {
    const size_t left = count - i, some = left < ROW ? left : ROW;
    char *to = room(json, some * 2 * NUMBER_BYTES);
    if (to == NULL) return;
    end_at(json, format_elements(dtype, data, i, some, to));
  }
  put(json, "]", 1);
}
