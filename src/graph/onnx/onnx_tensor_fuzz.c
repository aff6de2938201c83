/* Any bytes as a tensor file. What was read is written and read again: the same must come back. */
#include <stdlib.h>
#include <string.h>

#include "graph/onnx/onnx.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool holds) {
  if (!holds) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const or_allocator_t *allocator = or_allocator_system();
  or_onnx_tensor_t tensor, again;
  void *bytes = NULL;
  size_t length = 0;
  or_status_t status = or_onnx_read_tensor(allocator, data, size, &tensor);
  if (!or_ok(status)) {
    or_status_ignore(status); /* most inputs are no tensors */
    return 0;
  }
  status = or_onnx_write_tensor(allocator, &tensor, &bytes, &length);
  expect(or_ok(status));
  status = or_onnx_read_tensor(allocator, bytes, length, &again);
  expect(or_ok(status));
  expect(again.dtype == tensor.dtype && or_shape_equal(&again.shape, &tensor.shape) && again.bytes == tensor.bytes);
  expect(strcmp(again.name, tensor.name) == 0);
  expect(tensor.dtype == OR_STRING || memcmp(again.data, tensor.data, tensor.bytes) == 0);
  const or_string_t *a = tensor.data, *b = again.data;
  for (size_t i = 0; tensor.dtype == OR_STRING && i < tensor.bytes / sizeof *a; ++i)
    expect(a[i].length == b[i].length && (a[i].length == 0 || memcmp(a[i].data, b[i].data, a[i].length) == 0));
  or_free(allocator, bytes);
  or_free(allocator, tensor.data);
  or_free(allocator, again.data);
  return 0;
}
