#ifndef OR_BASE_SLICE_H
#define OR_BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes that someone else owns; not terminated. data is NULL where there is nothing (a header that did not come). */
typedef struct or_slice_t {
  const char *data;
  size_t length;
} or_slice_t;
bool or_slice_is(or_slice_t slice, const char *text);        /* the same bytes */
bool or_slice_is_nocase(or_slice_t slice, const char *text); /* the same but for the case of ASCII letters */

#endif
