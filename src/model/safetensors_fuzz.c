#include <string.h>

#include "model/safetensors.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A whole file: prefix, header, elements. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  or_safetensors_t safetensors;
  size_t length = 0;
  if (size < OR_SAFETENSORS_PREFIX_BYTES) return 0;
  or_status_t status = or_safetensors_header_length(data, size, &length);
  if (or_ok(status)) {
    const char *header = (const char *)data + OR_SAFETENSORS_PREFIX_BYTES;
    status = or_safetensors_parse(or_allocator_system(), header, length, size - OR_SAFETENSORS_PREFIX_BYTES - length,
                                  &safetensors);
    if (or_ok(status)) {
      if (safetensors.count > 0 && or_safetensors_find(&safetensors, safetensors.tensors[0].name) == NULL)
        __builtin_trap();
      or_safetensors_deinit(&safetensors);
    }
  }
  or_status_ignore(status); /* any input may fail; none may crash */
  return 0;
}
