/* A pattern up to the first newline, and a text: is read within its limits, and says the same again. */
#include <string.h>

#include "ops/regex.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const char *start = (const char *)data, *newline = size > 0 ? memchr(start, '\n', size) : NULL;
  const size_t length = newline != NULL ? (size_t)(newline - start) : size;
  const or_string_t pattern = {.data = start, .length = length};
  const or_string_t text = newline != NULL ? (or_string_t){newline + 1, size - length - 1} : (or_string_t){start, 0};
  or_regex_t *regex = NULL;
  bool matches[2] = {false, false};
  or_status_t status = or_regex_create(or_allocator_system(), pattern, &regex);
  for (int i = 0; or_ok(status) && i < 2; ++i) status = or_regex_match(regex, text, NULL, &matches[i]);
  if (matches[0] != matches[1]) __builtin_trap();
  or_regex_destroy(regex);
  or_status_ignore(status); /* many inputs are no patterns */
  if (or_status_live_count() != 0) __builtin_trap();
  return 0;
}
