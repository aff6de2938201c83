/* A file of a compiled program: whatever stands in it, a binary that is taken lies in it whole. */
#include <string.h>

#include "backends/opencl/binaries_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The key is the file's own, as far as it has one, so that what follows is looked at too. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const char key[] = "0.1.0\ndevice\ndriver\nplatform\n-cl-std=CL1.2\n00000000000000000000000000000000\n";
  const char *file = (const char *)data, *binary = NULL;
  size_t bytes = 0;
  if (!or_cl_binary_parse(file, size, key, &binary, &bytes)) return 0;
  if (bytes == 0 || binary < file || binary + bytes != file + size) __builtin_trap();
  if (or_cl_binary_parse(file, size - 1, key, &binary, &bytes)) __builtin_trap();
  return 0;
}
