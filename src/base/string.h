#ifndef OR_BASE_STRING_H
#define OR_BASE_STRING_H
/* Bounded and growing text. */

#include <stdarg.h>

#include "openruntime/status.h"

/* A string that grows; init, append, deinit. data is always terminated once something was appended, and "" before.
 * Owned by one thread. */
typedef struct or_text_t {
  const or_allocator_t *allocator;
  char *data;
  size_t length, capacity;
} or_text_t;
void or_text_init(or_text_t *text, const or_allocator_t *allocator);
void or_text_deinit(or_text_t *text);
void or_text_clear(or_text_t *text);                        /* keeps the memory */
or_status_t or_text_reserve(or_text_t *text, size_t extra); /* room for `extra` more bytes and the terminator */
or_status_t or_text_append(or_text_t *text, const char *bytes, size_t length);
or_status_t or_text_append_string(or_text_t *text, const char *string);
or_status_t or_text_printf(or_text_t *text, const char *format, ...) OR_PRINTF(2, 3);
const char *or_text_string(const or_text_t *text); /* never NULL */

/* A terminated copy of `length` bytes; free with or_free. */
or_status_t or_strndup(const or_allocator_t *allocator, const char *string, size_t length, char **out);
or_status_t or_strdup(const or_allocator_t *allocator, const char *string, char **out);
/* snprintf into a fixed buffer, always terminated; returns `buffer`. */
char *or_format(char *buffer, size_t capacity, const char *format, ...) OR_PRINTF(3, 4);
/* "512 B", "4.0 KiB", "1.5 MiB". */
char *or_format_bytes(uint64_t bytes, char *buffer, size_t capacity);
/* What the system says about an errno value, thread-safe; lies in `buffer` or is a constant. */
const char *or_errno_text(int error, char *buffer, size_t capacity);
bool or_string_starts_with(const char *string, const char *prefix);
bool or_string_ends_with(const char *string, const char *suffix);
bool or_string_equal_nocase(const char *a, const char *b);
/* The candidate nearest to `word` by edit distance (at most 1/2 of its length, and 3), or NULL. For "did you mean". */
const char *or_string_nearest(const char *word, const char *const *candidates, size_t count);
/* True if the bytes are valid UTF-8. */
bool or_utf8_valid(const char *bytes, size_t length);
/* Bytes of the character at `bytes`; 0 if there is no valid one. */
size_t or_utf8_character(const char *bytes, size_t length);
/* Makes a terminated text valid UTF-8 in place: foreign bytes become '?'. `cut`: the text was cut at its end, so a
 * broken character there is dropped. */
void or_utf8_repair(char *text, size_t length, bool cut);

#endif
