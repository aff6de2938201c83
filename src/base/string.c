#include "base/string.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"

#define TEXT_FIRST_BYTES ((size_t)64)

void or_text_init(or_text_t *text, const or_allocator_t *allocator) { *text = (or_text_t){.allocator = allocator}; }

void or_text_deinit(or_text_t *text) {
  or_free(text->allocator, text->data);
  text->data = NULL;
  text->length = text->capacity = 0;
}

void or_text_clear(or_text_t *text) {
  text->length = 0;
  if (text->data != NULL) text->data[0] = '\0';
}

or_status_t or_text_reserve(or_text_t *text, size_t extra) {
  size_t needed = 0;
  if (!or_add_size(text->length, extra, &needed) || !or_add_size(needed, 1, &needed)) {
    return or_error(OR_OUT_OF_RANGE, "a text of %zu and %zu more bytes exceeds the address space", text->length, extra);
  }
  if (needed <= text->capacity) return or_status_success();
  size_t capacity = 0;
  if (!or_mul_size(text->capacity, 2, &capacity) || capacity < needed) capacity = needed;
  if (capacity < TEXT_FIRST_BYTES) capacity = TEXT_FIRST_BYTES;
  void *memory = NULL;
  or_status_t status = or_alloc(text->allocator, capacity, &memory);
  if (!or_ok(status)) return status;
  if (text->data != NULL) memcpy(memory, text->data, text->length);
  or_free(text->allocator, text->data);
  text->data = memory;
  text->data[text->length] = '\0';
  text->capacity = capacity;
  return or_status_success();
}

or_status_t or_text_append(or_text_t *text, const char *bytes, size_t length) {
  or_status_t status = or_text_reserve(text, length);
  if (!or_ok(status)) return status;
  if (length > 0) memcpy(text->data + text->length, bytes, length);
  text->length += length;
  text->data[text->length] = '\0';
  return or_status_success();
}

or_status_t or_text_append_string(or_text_t *text, const char *string) {
  return or_text_append(text, string, strlen(string));
}

or_status_t or_text_printf(or_text_t *text, const char *format, ...) {
  va_list arguments, again;
  va_start(arguments, format);
  va_copy(again, arguments);
  size_t room = text->capacity - text->length;
  int length = vsnprintf(text->data != NULL ? text->data + text->length : NULL, room, format, arguments);
  va_end(arguments);
  or_status_t status =
      length < 0 ? or_error(OR_INTERNAL, "a text can't be formatted: \"%s\"", format) : or_status_success();
  if (or_ok(status) && (size_t)length >= room) {
    status = or_text_reserve(text, (size_t)length);
    if (or_ok(status)) length = vsnprintf(text->data + text->length, text->capacity - text->length, format, again);
  }
  va_end(again);
  if (or_ok(status)) {
    text->length += (size_t)length;
  } else if (text->data != NULL) {
    text->data[text->length] = '\0'; /* the first attempt may have left a part */
  }
  return status;
}

const char *or_text_string(const or_text_t *text) { return text->data != NULL ? text->data : ""; }

or_status_t or_strndup(const or_allocator_t *allocator, const char *string, size_t length, char **out) {
  size_t bytes = 0;
  void *copy = NULL;
  *out = NULL;
  if (!or_add_size(length, 1, &bytes))
    return or_error(OR_OUT_OF_RANGE, "a text of %zu bytes exceeds the address space", length);
  or_status_t status = or_alloc(allocator, bytes, &copy);
  if (!or_ok(status)) return status;
  if (length > 0) memcpy(copy, string, length);
  *out = copy;
  (*out)[length] = '\0';
  return or_status_success();
}

or_status_t or_strdup(const or_allocator_t *allocator, const char *string, char **out) {
  return or_strndup(allocator, string, strlen(string), out);
}

char *or_format(char *buffer, size_t capacity, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  const bool copies = strcmp(format, "%s") == 0;
  if (capacity > 0 && copies) { /* most are: several times as fast as by vsnprintf */
    const char *text = va_arg(arguments, const char *);
    const size_t length = strnlen(text, capacity - 1);
    memmove(buffer, text, length);
    buffer[length] = '\0';
  } else if (capacity > 0 && vsnprintf(buffer, capacity, format, arguments) < 0) {
    buffer[0] = '\0';
  }
  va_end(arguments);
  return buffer;
}

char *or_format_bytes(uint64_t bytes, char *buffer, size_t capacity) {
  static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  double value = (double)bytes;
  size_t unit = 0;
  for (; value >= 1024 && unit + 1 < sizeof units / sizeof *units; ++unit) value /= 1024;
  return or_format(buffer, capacity, unit == 0 ? "%.0f %s" : "%.1f %s", value, units[unit]);
}

const char *or_errno_text(int error, char *buffer, size_t capacity) {
#if defined(__GLIBC__) && defined(_GNU_SOURCE)
  return strerror_r(error, buffer, capacity);
#else
  if (strerror_r(error, buffer, capacity) != 0) (void)or_format(buffer, capacity, "error %d", error);
  return buffer;
#endif
}

bool or_string_starts_with(const char *string, const char *prefix) {
  return strncmp(string, prefix, strlen(prefix)) == 0;
}

bool or_string_ends_with(const char *string, const char *suffix) {
  size_t length = strlen(string), suffix_length = strlen(suffix);
  return length >= suffix_length && memcmp(string + length - suffix_length, suffix, suffix_length) == 0;
}

/* ASCII only, whatever the locale. */
static char lower(char c) { return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c; }

bool or_string_equal_nocase(const char *a, const char *b) {
  while (*a != '\0' && lower(*a) == lower(*b)) ++a, ++b;
  return lower(*a) == lower(*b);
}

#define NEAREST_WORD_BYTES 64 /* longer words have no nearest one */

/* Levenshtein's distance, where two neighbours that changed places count one; letters' case is nothing. Damerau 1964,
 * restricted form. */
static size_t edit_distance(const char *a, size_t a_length, const char *b, size_t b_length) {
  size_t rows[3][NEAREST_WORD_BYTES + 1];
  size_t *before = rows[0], *last = rows[1], *row = rows[2];
  for (size_t j = 0; j <= b_length; ++j) last[j] = j;
  for (size_t i = 1; i <= a_length; ++i) {
    row[0] = i;
    for (size_t j = 1; j <= b_length; ++j) {
      bool same = lower(a[i - 1]) == lower(b[j - 1]);
      size_t best = last[j - 1] + (same ? 0 : 1);
      if (last[j] + 1 < best) best = last[j] + 1;
      if (row[j - 1] + 1 < best) best = row[j - 1] + 1;
      bool swapped = i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) && lower(a[i - 2]) == lower(b[j - 1]);
      if (swapped && before[j - 2] + 1 < best) best = before[j - 2] + 1;
      row[j] = best;
    }
    size_t *oldest = before;
    before = last;
    last = row;
    row = oldest;
  }
  return last[b_length];
}

const char *or_string_nearest(const char *word, const char *const *candidates, size_t count) {
  size_t length = strlen(word);
  if (length > NEAREST_WORD_BYTES) return NULL;
  size_t limit = length / 2 < 3 ? length / 2 : 3;
  const char *nearest = NULL;
  size_t smallest = limit + 1;
  for (size_t i = 0; i < count; ++i) {
    size_t candidate_length = strlen(candidates[i]);
    if (candidate_length > NEAREST_WORD_BYTES) continue;
    size_t distance = edit_distance(word, length, candidates[i], candidate_length);
    if (distance < smallest) {
      smallest = distance;
      nearest = candidates[i];
    }
  }
  return nearest;
}
