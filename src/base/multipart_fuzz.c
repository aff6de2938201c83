/* A form: the first line is the Content-Type, the rest the body. Parts lie within the body. */
#include <string.h>

#include "base/multipart.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const char *text = (const char *)data, *newline = size > 0 ? memchr(text, '\n', size) : NULL;
  or_multipart_t parts;
  if (newline == NULL) return 0;
  const char *body = newline + 1;
  size_t bytes = size - (size_t)(body - text);
  or_status_t status =
      or_multipart_parse(or_allocator_system(), (or_slice_t){text, (size_t)(newline - text)}, body, bytes, &parts);
  if (or_ok(status)) {
    for (size_t i = 0; i < parts.count; ++i) {
      const or_multipart_part_t *part = &parts.parts[i];
      if (part->data < body || part->data + part->bytes > body + bytes) __builtin_trap();
      if (or_multipart_find(&parts, part->name) != part) __builtin_trap();
      or_status_ignore(or_multipart_align(&parts, &parts.parts[i])); /* no memory is no fault of the parser */
    }
    or_multipart_deinit(&parts);
  }
  or_status_ignore(status); /* most inputs are none */
  if (or_status_live_count() != 0) __builtin_trap();
  return 0;
}
