#include "base/alloc.h"
#include "task/task.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const or_allocator_t *allocator = or_allocator_system();
  or_json_document_t *document = NULL;
  or_task_problems_t problems;
  or_task_t *task = NULL;
  or_status_t status = or_json_parse(allocator, (const char *)data, size, &document);
  if (or_ok(status)) status = or_task_parse(allocator, or_json_root(document), &problems, &task);
  or_status_ignore(status); /* any answer will do, but a crash */
  or_task_free(task);
  or_json_document_free(document);
  return 0;
}
