/* The reader. jansson makes a tree, which is turned into a compact document of our own and given back in the same call:
 * so jansson's memory, whose functions are process-wide, comes from the caller's allocator without touching that of
 * other users of jansson. */
#include "base/json.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/numbers.h"
#include "base/thread.h"
#include "or_config.h"

struct or_json_value_t {
  or_json_kind_t kind;
  size_t count; /* elements, members, or bytes of a string */
  union {
    bool boolean;
    int64_t integer;
    double real;
    const char *string;
    const or_json_value_t *elements; /* of an array */
    const struct or_json_object_t *object;
  } as;
};

typedef struct or_json_object_t {
  const char **keys;       /* in file order */
  or_json_value_t *values; /* beside them */
  uint32_t *slots;         /* hash table of index + 1, 0 is free; NULL in small objects */
  size_t slot_mask;
  uint64_t seed;
} json_object_t;

struct or_json_document_t {
  or_arena_t arena;
  or_json_value_t root;
  uint64_t seed; /* of the hash tables: unknown to who writes the text */
};

#define LINEAR_MEMBERS ((size_t)12) /* objects up to here are searched from the front */

#if OR_HAVE_JANSSON
#include <jansson.h>

/* The arena that jansson's memory comes from while this thread is inside or_json_parse; NULL outside, where other users
 * of jansson in this process get what they had before. */
static _Thread_local or_arena_t *scope;
static _Thread_local bool scope_failed;
static json_malloc_t outer_malloc;
static json_free_t outer_free;

static void *scoped_malloc(size_t bytes) {
  if (scope == NULL) return outer_malloc(bytes);
  void *memory = NULL;
  or_status_t status = or_arena_alloc(scope, bytes, &memory);
  if (!or_ok(status)) {
    scope_failed = true; /* reported in or_json_parse, with a message of its own */
    or_status_ignore(status);
  }
  return memory;
}

static void scoped_free(void *memory) {
  if (scope == NULL) outer_free(memory); /* inside, the arena takes all back at once */
}

static void set_up_jansson(void) {
  json_get_alloc_funcs(&outer_malloc, &outer_free);
  json_set_alloc_funcs(scoped_malloc, scoped_free);
  /* jansson would read the system's random device, and could wait for it. Where the stack lies and what time it is
   * serves. */
  uint64_t entropy[2] = {(uint64_t)(uintptr_t)entropy, (uint64_t)or_clock_ns() ^ (uint64_t)or_clock_wall_us()};
  size_t seed = (size_t)or_hash_bytes(entropy, sizeof entropy, 0);
  json_object_seed(seed != 0 ? seed : 1);
}

/* Nesting, before jansson recurses into it. */
static or_status_t check_depth(const char *text, size_t length) {
  size_t depth = 0;
  bool in_string = false;
  for (size_t i = 0; i < length; ++i) {
    char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      in_string = c != '"';
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      if (++depth > OR_JSON_MAX_DEPTH)
        return or_error(OR_INVALID_ARGUMENT, "JSON is nested deeper than %d, the limit", OR_JSON_MAX_DEPTH);
    } else if ((c == ']' || c == '}') && depth > 0) {
      --depth;
    }
  }
  return or_status_success();
}

static or_status_t convert(or_json_document_t *document, json_t *from, or_json_value_t *to);

static or_status_t convert_array(or_json_document_t *document, json_t *from, or_json_value_t *to) {
  void *memory = NULL;
  to->kind = OR_JSON_ARRAY;
  to->count = json_array_size(from);
  or_status_t status = or_arena_array(&document->arena, to->count, sizeof(or_json_value_t), &memory);
  or_json_value_t *elements = memory;
  for (size_t i = 0; or_ok(status) && i < to->count; ++i)
    status = convert(document, json_array_get(from, i), &elements[i]);
  to->as.elements = elements;
  return status;
}

static or_status_t build_index(or_json_document_t *document, json_object_t *object, size_t count) {
  size_t slot_count = 32;
  while (slot_count < count * 2) slot_count *= 2;
  void *memory = NULL;
  or_status_t status = or_arena_array(&document->arena, slot_count, sizeof object->slots[0], &memory);
  if (!or_ok(status)) return status;
  object->slots = memory;
  object->slot_mask = slot_count - 1;
  object->seed = document->seed;
  for (size_t i = 0; i < count; ++i) {
    size_t slot = (size_t)or_hash_bytes(object->keys[i], strlen(object->keys[i]), object->seed) & object->slot_mask;
    while (object->slots[slot] != 0) slot = (slot + 1) & object->slot_mask;
    object->slots[slot] = (uint32_t)(i + 1);
  }
  return status;
}

static or_status_t convert_object(or_json_document_t *document, json_t *from, or_json_value_t *to) {
  void *memory = NULL, *keys = NULL, *values = NULL;
  to->kind = OR_JSON_OBJECT;
  to->count = json_object_size(from);
  or_status_t status = or_arena_alloc(&document->arena, sizeof(json_object_t), &memory);
  if (or_ok(status)) status = or_arena_array(&document->arena, to->count, sizeof(const char *), &keys);
  if (or_ok(status)) status = or_arena_array(&document->arena, to->count, sizeof(or_json_value_t), &values);
  if (!or_ok(status)) return status;
  json_object_t *object = memory;
  *object = (json_object_t){.keys = keys, .values = values};
  to->as.object = object;
  size_t i = 0;
  for (void *at = json_object_iter(from); or_ok(status) && at != NULL; at = json_object_iter_next(from, at), ++i) {
    const char *key = json_object_iter_key(at);
    status = or_arena_strndup(&document->arena, key, strlen(key), &object->keys[i]);
    if (or_ok(status)) status = convert(document, json_object_iter_value(at), &object->values[i]);
  }
  if (or_ok(status) && to->count > LINEAR_MEMBERS) status = build_index(document, object, to->count);
  return status;
}

/* Recursion is bounded by check_depth. */
static or_status_t convert(or_json_document_t *document, json_t *from, or_json_value_t *to) {
  switch (json_typeof(from)) {
  case JSON_OBJECT: return convert_object(document, from, to);
  case JSON_ARRAY: return convert_array(document, from, to);
  case JSON_STRING:
    to->kind = OR_JSON_STRING;
    to->count = json_string_length(from);
    return or_arena_strndup(&document->arena, json_string_value(from), to->count, &to->as.string);
  case JSON_INTEGER:
    to->kind = OR_JSON_INTEGER;
    to->as.integer = (int64_t)json_integer_value(from);
    break;
  case JSON_REAL:
    to->kind = OR_JSON_REAL;
    to->as.real = json_real_value(from);
    break;
  case JSON_TRUE:
  case JSON_FALSE:
    to->kind = OR_JSON_BOOL;
    to->as.boolean = json_is_true(from);
    break;
  case JSON_NULL: to->kind = OR_JSON_NULL; break;
  default:
    return or_error(OR_INTERNAL, "jansson gave a value of type %d, which its documentation excludes",
                    (int)json_typeof(from));
  }
  return or_status_success();
}

static or_status_t load(or_json_document_t *document, const char *text, size_t length) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  (void)pthread_once(&once, set_up_jansson);
  or_arena_t arena;
  or_arena_init(&arena, document->arena.allocator);
  scope = &arena;
  scope_failed = false;
  json_error_t error;
  json_t *tree = json_loadb(text, length, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
  or_status_t status;
  if (scope_failed) { /* also where there is a tree: jansson cuts a string short that it has no memory for */
    status = or_error(OR_RESOURCE_EXHAUSTED, "out of memory for a JSON document of %zu bytes", length);
  } else if (tree != NULL) {
    status = convert(document, tree, &document->root);
  } else {
    status = or_error(OR_INVALID_ARGUMENT, "JSON: line %d, column %d: %s", error.line, error.column, error.text);
  }
  or_arena_deinit(&arena); /* the tree goes with it */
  scope = NULL;
  return status;
}

or_status_t or_json_parse(const or_allocator_t *allocator, const char *text, size_t length, or_json_document_t **out) {
  void *memory = NULL;
  *out = NULL;
  if (length > OR_JSON_MAX_BYTES) {
    return or_error(OR_INVALID_ARGUMENT, "JSON of %zu bytes exceeds the limit of %zu", length, OR_JSON_MAX_BYTES);
  }
  or_status_t status = check_depth(text, length);
  if (or_ok(status)) status = or_alloc_zeroed(allocator, sizeof(or_json_document_t), &memory);
  if (!or_ok(status)) return status;
  or_json_document_t *document = memory;
  or_arena_init(&document->arena, allocator);
  uint64_t entropy[2] = {(uint64_t)(uintptr_t)document, (uint64_t)or_clock_ns()};
  document->seed = or_hash_bytes(entropy, sizeof entropy, 0);
  status = load(document, text, length);
  if (or_ok(status)) {
    *out = document;
  } else {
    or_json_document_free(document);
  }
  return status;
}

#else

or_status_t or_json_parse(const or_allocator_t *allocator, const char *text, size_t length, or_json_document_t **out) {
  (void)allocator;
  (void)text;
  (void)length;
  *out = NULL;
  return or_error(OR_UNIMPLEMENTED,
                  "this build can't read JSON: configure it where jansson is installed (libjansson-dev)");
}

#endif

void or_json_document_free(or_json_document_t *document) {
  if (document == NULL) return;
  const or_allocator_t *allocator = document->arena.allocator;
  or_arena_deinit(&document->arena);
  or_free(allocator, document);
}

const or_json_value_t *or_json_root(const or_json_document_t *document) { return &document->root; }

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
  const json_object_t *members = object->as.object;
  if (members->slots == NULL) {
    for (size_t i = 0; i < object->count; ++i) {
      if (strcmp(members->keys[i], key) == 0) return &members->values[i];
    }
    return NULL;
  }
  size_t slot = (size_t)or_hash_bytes(key, strlen(key), members->seed) & members->slot_mask;
  for (; members->slots[slot] != 0; slot = (slot + 1) & members->slot_mask) {
    size_t index = members->slots[slot] - 1;
    if (strcmp(members->keys[index], key) == 0) return &members->values[index];
  }
  return NULL;
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

double or_json_get_double(const or_json_value_t *value, double fallback) {
  switch (or_json_kind(value)) {
  case OR_JSON_INTEGER: return (double)value->as.integer;
  case OR_JSON_REAL: return value->as.real;
  case OR_JSON_STRING:
    if (strcmp(value->as.string, "NaN") == 0) return (double)NAN;
    if (strcmp(value->as.string, "Infinity") == 0) return (double)INFINITY;
    if (strcmp(value->as.string, "-Infinity") == 0) return -(double)INFINITY;
    return fallback;
  default: return fallback;
  }
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
  case OR_JSON_REAL: or_json_double(json, value->as.real); break;
  case OR_JSON_STRING: or_json_string_n(json, value->as.string, value->count); break;
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
