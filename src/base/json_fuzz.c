/* The JSON reader: whatever it takes, it can write, read again and write the same; kept numbers change nothing; and it
 * takes what jansson takes, and finds the same in it. */
#include <string.h>

#include "base/alloc.h"
#include "base/json.h"
#include "base/numbers.h"
#include "or_config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool rewrite(const char *text, size_t length, or_text_t *out) {
  or_json_document_t *document = NULL;
  or_json_writer_t json;
  or_status_t status = or_json_parse(or_allocator_system(), text, length, &document);
  if (or_ok(status)) {
    or_json_begin(&json, out, 0);
    or_json_copy(&json, or_json_root(document));
    status = or_json_finish(&json);
  }
  or_json_document_free(document);
  bool good = or_ok(status);
  or_status_ignore(status); /* most inputs are no JSON */
  return good;
}

#if OR_HAVE_JANSSON
#include <jansson.h>

static void check(bool right) {
  if (!right) __builtin_trap();
}

static bool same_bits(double a, double b) { return memcmp(&a, &b, sizeof a) == 0; }

/* The numbers of a nested array in their order; how many. Nesting was bounded by our reader. */
static size_t flatten(const json_t *array, double *out) {
  size_t count = 0;
  for (size_t i = 0; i < json_array_size(array); ++i) {
    const json_t *item = json_array_get(array, i);
    if (json_is_array(item)) {
      count += flatten(item, out != NULL ? out + count : NULL);
      continue;
    }
    if (out != NULL) out[count] = json_number_value(item);
    ++count;
  }
  return count;
}

/* Zeros of any sign: jansson takes "-0" for an integer. */
static bool same_numbers(const double *a, const double *b, size_t count) {
  bool same = true;
  for (size_t i = 0; i < count; ++i) same = same && (same_bits(a[i], b[i]) || (a[i] == 0 && b[i] == 0));
  return same;
}

static void compare_numbers(const or_json_value_t *ours, const json_t *theirs) {
  size_t bytes = 0, count = flatten(theirs, NULL);
  void *expected = NULL, *found = NULL;
  const char *at = or_json_numbers_text(ours, &bytes), *end = at + bytes;
  check(count >= OR_JSON_KEPT_NUMBERS);
  or_status_t status = or_alloc_array(or_allocator_system(), count, sizeof(double), &expected);
  if (or_ok(status)) status = or_alloc_array(or_allocator_system(), count, sizeof(double), &found);
  if (or_ok(status)) {
    (void)flatten(theirs, expected);
    check(or_number_fill(&at, end, OR_FLOAT64, found, count) == count && at == end);
    check(same_numbers(expected, found, count));
  }
  or_status_ignore(status); /* no memory: not looked at */
  or_free(or_allocator_system(), expected);
  or_free(or_allocator_system(), found);
}

/* Integers beyond 64 bits, signed, are real numbers to us, and to jansson when it is told that all of them are. */
static bool all_real;

static void compare(const or_json_value_t *ours, const json_t *theirs) {
  static const or_json_kind_t kinds[] = {
      [JSON_OBJECT] = OR_JSON_OBJECT,   [JSON_ARRAY] = OR_JSON_ARRAY, [JSON_STRING] = OR_JSON_STRING,
      [JSON_INTEGER] = OR_JSON_INTEGER, [JSON_REAL] = OR_JSON_REAL,   [JSON_TRUE] = OR_JSON_BOOL,
      [JSON_FALSE] = OR_JSON_BOOL,      [JSON_NULL] = OR_JSON_NULL};
  if (or_json_kind(ours) == OR_JSON_NUMBERS) {
    compare_numbers(ours, theirs);
    return;
  }
  check(or_json_kind(ours) == kinds[json_typeof(theirs)] || (all_real && or_json_kind(ours) == OR_JSON_INTEGER));
  switch (json_typeof(theirs)) {
  case JSON_OBJECT: {
    size_t i = 0;
    check(or_json_count(ours) == json_object_size(theirs));
    for (void *at = json_object_iter((json_t *)(uintptr_t)theirs); at != NULL;
         at = json_object_iter_next((json_t *)(uintptr_t)theirs, at), ++i) {
      const or_json_value_t *value = NULL;
      check(strcmp(or_json_key_at(ours, i, &value), json_object_iter_key(at)) == 0);
      check(or_json_get(ours, json_object_iter_key(at)) == value);
      compare(value, json_object_iter_value(at));
    }
    break;
  }
  case JSON_ARRAY:
    check(or_json_count(ours) == json_array_size(theirs));
    for (size_t i = 0; i < json_array_size(theirs); ++i) compare(or_json_at(ours, i), json_array_get(theirs, i));
    break;
  case JSON_STRING:
    check(or_json_string_length(ours) == json_string_length(theirs));
    check(memcmp(or_json_get_string(ours, NULL), json_string_value(theirs), json_string_length(theirs) + 1) == 0);
    break;
  case JSON_INTEGER: check(or_json_get_int(ours, 0) == json_integer_value(theirs)); break;
  case JSON_REAL: check(same_bits(or_json_get_double(ours, 0), json_real_value(theirs))); break;
  default: check(or_json_get_bool(ours, false) == json_is_true(theirs)); break;
  }
}

static void beside_the_other(const char *text, size_t length) {
  if (memchr(text, '\0', length) != NULL) return; /* jansson may take one behind a number for the end */
  const size_t flags = JSON_REJECT_DUPLICATES | JSON_DECODE_ANY;
  json_t *theirs = json_loadb(text, length, flags, NULL);
  all_real = theirs == NULL;
  if (all_real) theirs = json_loadb(text, length, flags | JSON_DECODE_INT_AS_REAL, NULL);
  for (int keeping = 0; keeping < 2; ++keeping) {
    or_json_document_t *ours = NULL;
    or_status_t status =
        (keeping != 0 ? or_json_parse_keeping_numbers : or_json_parse)(or_allocator_system(), text, length, &ours);
    const bool deep = !or_ok(status) && strstr(or_status_message(status), "nested deeper") != NULL; /* ours alone */
    check(deep || or_ok(status) == (theirs != NULL));
    if (or_ok(status)) compare(or_json_root(ours), theirs);
    or_status_ignore(status); /* most inputs are no JSON */
    or_json_document_free(ours);
  }
  json_decref(theirs);
}

#else

static void beside_the_other(const char *text, size_t length) { (void)text, (void)length; }

#endif

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  or_text_t first, second;
  or_text_init(&first, or_allocator_system());
  or_text_init(&second, or_allocator_system());
  if (rewrite((const char *)data, size, &first)) {
    bool same = rewrite(first.data, first.length, &second) && first.length == second.length &&
                memcmp(first.data, second.data, first.length) == 0;
    if (!same) __builtin_trap();
  }
  or_text_deinit(&first);
  or_text_deinit(&second);
  beside_the_other((const char *)data, size);
  if (or_status_live_count() != 0) __builtin_trap();
  return 0;
}
