#include "base/alloc.h"
#include "model/tensor_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const or_allocator_t *allocator = or_allocator_system();
  or_json_document_t *document = NULL;
  or_tensor_data_t tensor = {.data = NULL};
  or_status_t status = or_json_parse(allocator, (const char *)data, size, &document);
  if (or_ok(status)) status = or_tensor_json_read(allocator, or_json_root(document), &tensor);
  or_status_ignore(status); /* any answer will do, but a crash */
  or_free(allocator, tensor.data);
  or_json_document_free(document);
  return 0;
}
