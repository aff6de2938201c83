/* The reader: one pass, without recursion. What the open arrays and objects hold so far waits on a stack; it moves into
 * the document's arena when its array or object ends. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/json_internal.h"
#include "base/numbers.h"
#include "base/numbers_internal.h"

typedef struct entry_t {
  const char *key, *key_at; /* of a member; where it stands in the text */
  or_json_value_t value;
} entry_t;

/* A document and what it holds first: a whole small one. */
typedef struct memory_t {
  or_json_document_t document;
  _Alignas(16) char first[880];
} memory_t;

typedef struct reader_t {
  or_json_document_t *document;
  const char *text, *at, *end;
  bool keep_numbers;
  const char *looked_to; /* no array before here is worth a look whether it is one of numbers */
  entry_t *entries;
  size_t entry_count, entry_capacity;
  size_t first[OR_JSON_MAX_DEPTH]; /* of each open array or object, which is the entry before it */
  size_t depth;
} reader_t;

static or_status_t read_document(reader_t *reader);
static or_status_t read_next(reader_t *reader);
static or_status_t read_value(reader_t *reader, const char *key, const char *key_at);
static or_status_t open_level(reader_t *reader, or_json_value_t *value);
static or_status_t close_level(reader_t *reader);
static or_status_t close_object(reader_t *reader, const entry_t *members, or_json_value_t *value);
static or_status_t read_string(reader_t *reader, const char **out, size_t *length);
static or_status_t read_number(reader_t *reader, or_json_value_t *value);
static or_status_t fail(const reader_t *reader, const char *at, const char *format, ...) OR_PRINTF(3, 4);

static or_status_t parse(const or_allocator_t *allocator, const char *text, size_t length, bool keep_numbers,
                         or_json_document_t **out) {
  void *memory = NULL;
  *out = NULL;
  if (length > OR_JSON_MAX_BYTES) {
    return or_error(OR_INVALID_ARGUMENT, "JSON of %zu bytes exceeds the limit of %zu", length, OR_JSON_MAX_BYTES);
  }
  or_status_t status = or_alloc(allocator, sizeof(memory_t), &memory);
  if (!or_ok(status)) return status;
  char *first = ((memory_t *)memory)->first;
  or_json_document_t *document = &((memory_t *)memory)->document;
  *document = (or_json_document_t){.root = {.kind = OR_JSON_NULL}};
  or_arena_init_in(&document->arena, allocator, first, sizeof((memory_t *)NULL)->first);
  reader_t reader = {.document = document,
                     .text = text,
                     .at = text,
                     .end = text + length,
                     .keep_numbers = keep_numbers,
                     .looked_to = text};
  status = read_document(&reader);
  or_free(allocator, reader.entries);
  if (or_ok(status)) {
    *out = document;
  } else {
    or_json_document_free(document);
  }
  return status;
}

or_status_t or_json_parse(const or_allocator_t *allocator, const char *text, size_t length, or_json_document_t **out) {
  return parse(allocator, text, length, false, out);
}

or_status_t or_json_parse_keeping_numbers(const or_allocator_t *allocator, const char *text, size_t length,
                                          or_json_document_t **out) {
  return parse(allocator, text, length, true, out);
}

static void skip_space(reader_t *reader) {
  const char *at = reader->at, *end = reader->end;
  while (at < end && (*at == ' ' || *at == '\n' || *at == '\t' || *at == '\r')) ++at;
  reader->at = at;
}

static bool stands(const reader_t *reader, char c) { return reader->at < reader->end && *reader->at == c; }

static or_status_t read_document(reader_t *reader) {
  skip_space(reader);
  or_status_t status = read_value(reader, NULL, NULL);
  while (or_ok(status) && reader->depth > 0) status = read_next(reader);
  if (!or_ok(status)) return status;
  skip_space(reader);
  if (reader->at < reader->end) return fail(reader, reader->at, "expected the end of the text");
  reader->document->root = reader->entries[0].value;
  return status;
}

/* The next element or member of the innermost array or object, or its end. */
static or_status_t read_next(reader_t *reader) {
  const size_t first = reader->first[reader->depth - 1];
  const bool object = reader->entries[first - 1].value.kind == OR_JSON_OBJECT;
  const char close = object ? '}' : ']';
  const char *key = NULL, *key_at = NULL;
  size_t length = 0;
  skip_space(reader);
  if (stands(reader, close)) return close_level(reader);
  if (reader->entry_count > first) {
    if (!stands(reader, ',')) return fail(reader, reader->at, "expected , or %c", close);
    ++reader->at;
    skip_space(reader);
  }
  if (object) {
    key_at = reader->at;
    if (!stands(reader, '"')) return fail(reader, key_at, "expected a key in double quotes");
    or_status_t status = read_string(reader, &key, &length);
    if (!or_ok(status)) return status;
    skip_space(reader);
    if (!stands(reader, ':')) return fail(reader, reader->at, "expected : behind the key");
    ++reader->at;
    skip_space(reader);
  }
  return read_value(reader, key, key_at);
}

static bool take_word(reader_t *reader, const char *word) {
  const size_t length = strlen(word);
  if ((size_t)(reader->end - reader->at) < length || memcmp(reader->at, word, length) != 0) return false;
  reader->at += length;
  return true;
}

static or_status_t read_scalar(reader_t *reader, or_json_value_t *value) {
  const char c = reader->at < reader->end ? *reader->at : '\0';
  if (c == '"') {
    value->kind = OR_JSON_STRING;
    return read_string(reader, &value->as.string, &value->count);
  }
  if (c == '-' || (c >= '0' && c <= '9')) return read_number(reader, value);
  if (take_word(reader, "true") || take_word(reader, "false")) {
    value->kind = OR_JSON_BOOL;
    value->as.boolean = c == 't';
  } else if (!take_word(reader, "null")) {
    return fail(reader, reader->at, "expected a value");
  }
  return or_status_success();
}

/* One value, or the beginning of an array or object. */
static or_status_t read_value(reader_t *reader, const char *key, const char *key_at) {
  if (reader->entry_count == reader->entry_capacity) {
    void *memory = reader->entries;
    or_status_t status = or_grow_array(reader->document->arena.allocator, reader->entry_count + 1,
                                       sizeof *reader->entries, &memory, &reader->entry_capacity);
    if (!or_ok(status)) return status;
    reader->entries = memory;
  }
  entry_t *entry = &reader->entries[reader->entry_count++];
  *entry = (entry_t){.key = key, .key_at = key_at};
  if (stands(reader, '[') || stands(reader, '{')) return open_level(reader, &entry->value);
  return read_scalar(reader, &entry->value);
}

static or_status_t open_level(reader_t *reader, or_json_value_t *value) {
  if (reader->depth == OR_JSON_MAX_DEPTH)
    return fail(reader, reader->at, "nested deeper than %d, the limit", OR_JSON_MAX_DEPTH);
  value->kind = *reader->at == '{' ? OR_JSON_OBJECT : OR_JSON_ARRAY;
  if (reader->keep_numbers && value->kind == OR_JSON_ARRAY && reader->at >= reader->looked_to) {
    const size_t left = OR_JSON_MAX_DEPTH - reader->depth;
    const char *begin = reader->at;
    size_t count = 0;
    reader->looked_to = begin;
    if (or_skip_numbers(&reader->looked_to, reader->end, left < OR_MAX_RANK ? left : OR_MAX_RANK, &count) &&
        count >= OR_JSON_KEPT_NUMBERS) {
      value->kind = OR_JSON_NUMBERS;
      value->count = (size_t)(reader->looked_to - begin);
      reader->at = reader->looked_to;
      return or_arena_strndup(&reader->document->arena, begin, value->count, &value->as.string);
    }
  }
  ++reader->at;
  reader->first[reader->depth++] = reader->entry_count;
  return or_status_success();
}

static or_status_t close_level(reader_t *reader) {
  const size_t first = reader->first[--reader->depth];
  const entry_t *inside = &reader->entries[first];
  or_json_value_t *value = &reader->entries[first - 1].value;
  void *memory = NULL;
  ++reader->at;
  value->count = reader->entry_count - first;
  reader->entry_count = first;
  if (value->kind == OR_JSON_OBJECT) return close_object(reader, inside, value);
  or_status_t status = or_arena_array(&reader->document->arena, value->count, sizeof(or_json_value_t), &memory);
  or_json_value_t *elements = memory;
  for (size_t i = 0; or_ok(status) && i < value->count; ++i) elements[i] = inside[i].value;
  value->as.elements = elements;
  return status;
}

/* Of its tables: made with the first one. */
static uint64_t seed_of(or_json_document_t *document) {
  const uint64_t entropy[2] = {(uint64_t)(uintptr_t)document, (uint64_t)or_clock_ns()};
  if (document->seed == 0) document->seed = or_hash_bytes(entropy, sizeof entropy, 0);
  return document->seed;
}

/* Room for the hash table of an object with more than a few members. */
static or_status_t make_slots(reader_t *reader, or_json_object_t *object, size_t count) {
  size_t slot_count = 32;
  while (slot_count < count * 2) slot_count *= 2;
  void *memory = NULL;
  or_status_t status = or_arena_array(&reader->document->arena, slot_count, sizeof object->slots[0], &memory);
  object->slots = memory;
  object->slot_mask = slot_count - 1;
  object->seed = seed_of(reader->document);
  return status;
}

/* Adds the last of `count` keys to what is looked up; false if it is there already. */
static bool add_key(or_json_object_t *object, size_t count) {
  const char *key = object->keys[count - 1];
  if (object->slots != NULL) {
    uint32_t *slot = &object->slots[or_json_slot(object, key)];
    const bool fresh = *slot == 0;
    *slot = (uint32_t)count;
    return fresh;
  }
  for (size_t i = 0; i + 1 < count; ++i) {
    if (strcmp(object->keys[i], key) == 0) return false;
  }
  return true;
}

static or_status_t close_object(reader_t *reader, const entry_t *members, or_json_value_t *value) {
  or_arena_t *arena = &reader->document->arena;
  void *memory = NULL, *keys = NULL, *values = NULL;
  or_status_t status = or_arena_alloc(arena, sizeof(or_json_object_t), &memory);
  if (or_ok(status)) status = or_arena_array(arena, value->count, sizeof(const char *), &keys);
  if (or_ok(status)) status = or_arena_array(arena, value->count, sizeof(or_json_value_t), &values);
  if (!or_ok(status)) return status;
  or_json_object_t *object = memory;
  *object = (or_json_object_t){.keys = keys, .values = values};
  if (value->count > OR_JSON_LINEAR_MEMBERS) status = make_slots(reader, object, value->count);
  for (size_t i = 0; or_ok(status) && i < value->count; ++i) {
    object->keys[i] = members[i].key;
    object->values[i] = members[i].value;
    if (!add_key(object, i + 1)) status = fail(reader, members[i].key_at, "duplicate key \"%.64s\"", members[i].key);
  }
  value->as.object = object;
  return status;
}

/* ---- strings ---- */

/* The closing quote. */
static or_status_t find_end(const reader_t *reader, const char *at, const char **out, bool *escaped) {
  const char *end = reader->end;
  for (;;) {
    uint64_t eight = 0;
    while (end - at >= (ptrdiff_t)sizeof eight) {
      memcpy(&eight, at, sizeof eight);
      if (or_json_has_special(eight)) break;
      at += sizeof eight;
    }
    if (at == end) return fail(reader, at, "the text ends within a string");
    const unsigned char c = (unsigned char)*at;
    const size_t bytes = c < 0x80 ? 1 : or_utf8_character(at, (size_t)(end - at));
    if (c == '"') break;
    if (c < ' ') return fail(reader, at, "control character 0x%02x within a string", c);
    if (bytes == 0) return fail(reader, at, "byte 0x%02x is not UTF-8", c);
    *escaped = *escaped || c == '\\';
    at += bytes;
    if (c == '\\' && at < end && (*at == '"' || *at == '\\')) ++at; /* what else is escaped is looked at later */
  }
  *out = at;
  return or_status_success();
}

/* The four hexadecimal digits at `at`; -1 if there are none. */
static int32_t read_unit(const char *at, const char *end) {
  int32_t unit = 0;
  if (end - at < 4) return -1;
  for (int i = 0; i < 4; ++i) {
    const char c = at[i];
    const int digit = c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
    if (digit < 0) return -1;
    unit = unit * 16 + digit;
  }
  return unit;
}

static size_t write_utf8(int32_t point, char *out) {
  if (point < 0x80) {
    out[0] = (char)point;
    return 1;
  }
  const size_t count = point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
  static const int32_t leads[] = {0, 0, 0xC0, 0xE0, 0xF0};
  for (size_t i = count - 1; i > 0; --i, point >>= 6) out[i] = (char)(0x80 | (point & 0x3F));
  out[0] = (char)(leads[count] | point);
  return count;
}

/* The character that \u and what follows stand for, *at behind it; -1 if it is none that a string may hold. */
static int32_t read_escaped_point(const char **at, const char *end) {
  int32_t point = read_unit(*at + 1, end);
  if (point <= 0 || (point >= 0xDC00 && point < 0xE000)) return -1;
  *at += 5;
  if (point < 0xD800 || point >= 0xE000) return point;
  const int32_t low = end - *at >= 6 && (*at)[0] == '\\' && (*at)[1] == 'u' ? read_unit(*at + 2, end) : -1;
  if (low < 0xDC00 || low >= 0xE000) return -1;
  *at += 6;
  return 0x10000 + ((point - 0xD800) << 10) + (low - 0xDC00);
}

/* Escapes become what they stand for, which is never longer. */
static or_status_t unescape(const reader_t *reader, const char *at, const char *end, char *out, size_t *length) {
  static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
  char *to = out;
  while (at < end) {
    if (*at != '\\') {
      *to++ = *at++;
      continue;
    }
    const char *begin = at++;
    const char *name = *at != '\0' ? strchr(names, *at) : NULL;
    if (name != NULL) {
      *to++ = values[name - names];
      ++at;
      continue;
    }
    const int32_t point = *at == 'u' ? read_escaped_point(&at, end) : -1;
    if (point < 0) return fail(reader, begin, "an escape that stands for no character");
    to += write_utf8(point, to);
  }
  *length = (size_t)(to - out);
  *to = '\0';
  return or_status_success();
}

/* Without its quotes, terminated, in the arena. */
static or_status_t read_string(reader_t *reader, const char **out, size_t *length) {
  const char *begin = reader->at + 1, *end = NULL;
  void *memory = NULL;
  bool escaped = false;
  or_status_t status = find_end(reader, begin, &end, &escaped);
  if (!or_ok(status)) return status;
  *length = (size_t)(end - begin);
  reader->at = end + 1;
  if (!escaped) return or_arena_strndup(&reader->document->arena, begin, *length, out);
  status = or_arena_alloc(&reader->document->arena, *length + 1, &memory);
  if (or_ok(status)) status = unescape(reader, begin, end, memory, length);
  *out = memory;
  return status;
}

/* ---- numbers ---- */

static or_status_t read_number(reader_t *reader, or_json_value_t *value) {
  const char *begin = reader->at;
  or_scanned_t scanned;
  if (!or_scan_decimal(&reader->at, reader->end, &scanned)) return fail(reader, begin, "expected a number");
  if (scanned.integer) {
    value->kind = OR_JSON_INTEGER;
    value->single = scanned.negative ? -0.0F : 0.0F;
    if (or_scanned_integer(&scanned, &value->as.integer)) return or_status_success();
  }
  value->kind = OR_JSON_REAL;
  if (!or_scanned_unsigned(&scanned, &value->whole)) value->whole = scanned.integer ? OR_JSON_WHOLE_BEYOND : 0;
  value->as.real = or_scanned_double(&scanned);
  value->single = or_scanned_float(&scanned);
  if (isinf(value->as.real)) return fail(reader, begin, "a number beyond the range of float64 (1.8e308)");
  return or_status_success();
}

/* ---- mistakes ---- */

/* Says line and column, both from 1, of `at`, and what stands there. */
static or_status_t fail(const reader_t *reader, const char *at, const char *format, ...) {
  char message[160], found[16] = "the end";
  size_t line = 1, column = 1;
  for (const char *c = reader->text; c < at; ++c) {
    if (*c == '\n') {
      ++line;
      column = 1;
    } else if (((unsigned char)*c & 0xC0) != 0x80) { /* not within a character */
      ++column;
    }
  }
  if (at < reader->end) {
    const unsigned char c = (unsigned char)*at;
    (void)or_format(found, sizeof found, c > ' ' && c < 0x7F ? "'%c'" : "byte 0x%02x", c);
  }
  va_list arguments;
  va_start(arguments, format);
  (void)vsnprintf(message, sizeof message, format, arguments);
  va_end(arguments);
  or_utf8_repair(message, strlen(message), true);
  return or_error(OR_INVALID_ARGUMENT, "JSON: line %zu, column %zu: %s, at %s", line, column, message, found);
}
