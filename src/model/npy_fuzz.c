#include <stddef.h>
#include <stdint.h>

#include "model/npy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  or_npy_header_t header;
  or_status_ignore(or_npy_parse(data, size, &header)); /* any answer will do, but a crash */
  return 0;
}
