#include "base/slice.h"

#include <string.h>
#include <strings.h>

bool or_slice_is(or_slice_t slice, const char *text) {
  return slice.data != NULL && strlen(text) == slice.length && memcmp(slice.data, text, slice.length) == 0;
}

bool or_slice_is_nocase(or_slice_t slice, const char *text) {
  return slice.data != NULL && strlen(text) == slice.length && strncasecmp(slice.data, text, slice.length) == 0;
}
