/* What a document says; json_reader.c makes it. */
#include <math.h>
#include <string.h>

#include "base/json_internal.h"
#include "base/numbers.h"

void or_json_document_free(or_json_document_t *document) {
  if (document == NULL) return;
  const or_allocator_t *allocator = document->arena.allocator;
  or_arena_deinit(&document->arena);
  or_free(allocator, document);
}

const or_json_value_t *or_json_root(const or_json_document_t *document) {
  return document != NULL ? &document->root : NULL;
}

or_json_kind_t or_json_kind(const or_json_value_t *value) { return value != NULL ? value->kind : OR_JSON_NULL; }

size_t or_json_count(const or_json_value_t *value) {
  or_json_kind_t kind = or_json_kind(value);
  return kind == OR_JSON_ARRAY || kind == OR_JSON_OBJECT ? value->count : 0;
}

const or_json_value_t *or_json_at(const or_json_value_t *array, size_t index) {
  return or_json_kind(array) == OR_JSON_ARRAY && index < array->count ? &array->as.elements[index] : NULL;
}

const or_json_value_t *or_json_get(const or_json_value_t *object, const char *key) {
  if (or_json_kind(object) != OR_JSON_OBJECT) return NULL;
  const or_json_object_t *members = object->as.object;
  if (members->slots == NULL) {
    for (size_t i = 0; i < object->count; ++i) {
      if (strcmp(members->keys[i], key) == 0) return &members->values[i];
    }
    return NULL;
  }
  const uint32_t index = members->slots[or_json_slot(members, key)];
  return index > 0 ? &members->values[index - 1] : NULL;
}

size_t or_json_slot(const or_json_object_t *object, const char *key) {
  size_t slot = (size_t)or_hash_bytes(key, strlen(key), object->seed) & object->slot_mask;
  while (object->slots[slot] != 0 && strcmp(object->keys[object->slots[slot] - 1], key) != 0)
    slot = (slot + 1) & object->slot_mask;
  return slot;
}

const char *or_json_key_at(const or_json_value_t *object, size_t index, const or_json_value_t **value) {
  bool inside = or_json_kind(object) == OR_JSON_OBJECT && index < object->count;
  if (value != NULL) *value = inside ? &object->as.object->values[index] : NULL;
  return inside ? object->as.object->keys[index] : NULL;
}

const char *or_json_get_string(const or_json_value_t *value, const char *fallback) {
  return or_json_kind(value) == OR_JSON_STRING ? value->as.string : fallback;
}

size_t or_json_string_length(const or_json_value_t *value) {
  return or_json_kind(value) == OR_JSON_STRING ? value->count : 0;
}

int64_t or_json_get_int(const or_json_value_t *value, int64_t fallback) {
  if (or_json_kind(value) == OR_JSON_INTEGER) return value->as.integer;
  /* 1e3 and 2.0 are whole numbers too. */
  bool whole =
      or_json_kind(value) == OR_JSON_REAL && value->as.real == floor(value->as.real) && fabs(value->as.real) <= 0x1p53;
  return whole ? (int64_t)value->as.real : fallback;
}

bool or_json_is_whole(const or_json_value_t *value) {
  const or_json_kind_t kind = or_json_kind(value);
  return kind == OR_JSON_INTEGER || (kind == OR_JSON_REAL && value->whole != 0);
}

bool or_json_get_uint(const or_json_value_t *value, uint64_t *out) {
  const or_json_kind_t kind = or_json_kind(value);
  const bool held =
      kind == OR_JSON_INTEGER ? value->as.integer >= 0 : kind == OR_JSON_REAL && value->whole > OR_JSON_WHOLE_BEYOND;
  if (held) *out = kind == OR_JSON_INTEGER ? (uint64_t)value->as.integer : value->whole;
  return held;
}

double or_json_get_double(const or_json_value_t *value, double fallback) {
  switch (or_json_kind(value)) {
  case OR_JSON_INTEGER: return value->as.integer != 0 ? (double)value->as.integer : (double)value->single;
  case OR_JSON_REAL: return value->as.real;
  case OR_JSON_STRING:
    if (strcmp(value->as.string, "NaN") == 0) return (double)NAN;
    if (strcmp(value->as.string, "Infinity") == 0) return (double)INFINITY;
    if (strcmp(value->as.string, "-Infinity") == 0) return -(double)INFINITY;
    return fallback;
  default: return fallback;
  }
}

float or_json_get_float(const or_json_value_t *value, float fallback) {
  switch (or_json_kind(value)) {
  case OR_JSON_INTEGER: return value->as.integer != 0 ? (float)value->as.integer : value->single;
  case OR_JSON_REAL: return value->single;
  default: return (float)or_json_get_double(value, (double)fallback);
  }
}

const char *or_json_numbers_text(const or_json_value_t *value, size_t *bytes) {
  const bool numbers = or_json_kind(value) == OR_JSON_NUMBERS;
  *bytes = numbers ? value->count : 0;
  return numbers ? value->as.string : NULL;
}

bool or_json_get_bool(const or_json_value_t *value, bool fallback) {
  return or_json_kind(value) == OR_JSON_BOOL ? value->as.boolean : fallback;
}

/* Recursion is bounded by the document's depth. */
void or_json_copy(or_json_writer_t *json, const or_json_value_t *value) {
  switch (or_json_kind(value)) {
  case OR_JSON_NULL: or_json_null(json); break;
  case OR_JSON_BOOL: or_json_bool(json, value->as.boolean); break;
  case OR_JSON_INTEGER: or_json_int(json, value->as.integer); break;
  case OR_JSON_REAL:
    if (value->whole > OR_JSON_WHOLE_BEYOND) {
      or_json_uint(json, value->whole);
    } else {
      or_json_double(json, value->as.real);
    }
    break;
  case OR_JSON_STRING: or_json_string_n(json, value->as.string, value->count); break;
  case OR_JSON_NUMBERS: or_json_raw(json, value->as.string, value->count); break;
  case OR_JSON_ARRAY:
    or_json_array_begin(json);
    for (size_t i = 0; i < value->count; ++i) or_json_copy(json, &value->as.elements[i]);
    or_json_array_end(json);
    break;
  case OR_JSON_OBJECT:
    or_json_object_begin(json);
    for (size_t i = 0; i < value->count; ++i) {
      or_json_key(json, value->as.object->keys[i]);
      or_json_copy(json, &value->as.object->values[i]);
    }
    or_json_object_end(json);
    break;
  default: break;
  }
}
