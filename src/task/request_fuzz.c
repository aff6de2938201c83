/* A request whose numbers were kept as text asks for the same, and has the same problems. */
#include <string.h>

#include "base/alloc.h"
#include "task/task.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef or_status_t (*parse_t)(const or_allocator_t *, const char *, size_t, or_json_document_t **);

static or_status_code_t read_request(parse_t parse, const uint8_t *data, size_t size, or_task_problems_t *problems) {
  const or_allocator_t *allocator = or_allocator_system();
  or_json_document_t *document = NULL;
  or_task_t *task = NULL;
  problems->count = 0;
  or_status_t status = parse(allocator, (const char *)data, size, &document);
  if (or_ok(status)) status = or_task_parse(allocator, or_json_root(document), problems, &task);
  const or_status_code_t code = or_status_code(status);
  or_status_ignore(status); /* any answer will do, but a crash */
  or_task_free(task);
  or_json_document_free(document);
  return code;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  or_task_problems_t values, kept;
  const or_status_code_t first = read_request(or_json_parse, data, size, &values);
  const or_status_code_t second = read_request(or_json_parse_keeping_numbers, data, size, &kept);
  bool same = first == second && values.count == kept.count;
  for (size_t i = 0; same && i < values.count; ++i) same = strcmp(values.items[i].loc, kept.items[i].loc) == 0;
  if (!same) __builtin_trap();
  return 0;
}
