/* A request for a task: the first line is the Content-Type, the rest the body. Every part that is taken lies within it,
 * and the digest of what was read can be made. */
#include <string.h>

#include "server/task_body.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const char *text = (const char *)data, *newline = size > 0 ? memchr(text, '\n', size) : NULL;
  or_task_problems_t problems;
  or_task_body_t *body = NULL;
  uint8_t digest[OR_TASK_DIGEST_BYTES];
  if (newline == NULL) return 0;
  const or_task_source_t source = {.content_type = {text, (size_t)(newline - text)},
                                   .body = newline + 1,
                                   .bytes = size - (size_t)(newline + 1 - text)};
  or_status_t status = or_task_body_read(or_allocator_system(), &source, &problems, &body);
  if (or_ok(status)) {
    or_task_part_use_t use;
    for (size_t i = 0; i < body->part_count; ++i) {
      const char *part = body->parts[i].data;
      if (part < source.body || part + body->parts[i].bytes > source.body + source.bytes) __builtin_trap();
      if (!body->parts[i].used) __builtin_trap();
    }
    for (size_t i = 0; or_task_part_use(body->task, i, &use); ++i) {
      if (use.part == NULL || use.tensor == NULL) __builtin_trap();
    }
    or_status_ignore(or_task_body_digest(body, digest)); /* no memory is no fault of the reader */
  } else if (body != NULL) {
    __builtin_trap();
  }
  or_task_body_release(body);
  or_status_ignore(status); /* most inputs are none */
  if (or_status_live_count() != 0) __builtin_trap();
  return 0;
}
