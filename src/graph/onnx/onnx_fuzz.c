/* Any bytes as a model, with limits so small that time and memory stay small: read, sorted, inferred and folded. */
#include "graph/onnx/onnx.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const or_model_limits_t limits = {.file_bytes = 1 << 16,
                                    .initializer_bytes = 1 << 16,
                                    .nodes = 256,
                                    .values = 1024,
                                    .tensor_elements = 4096,
                                    .nesting = 8,
                                    .string_bytes = 4096};
  const or_onnx_source_t source = {.name = "fuzz", .bytes = data, .length = size};
  or_graph_t *graph = NULL;
  or_status_t status = or_onnx_read_memory(or_allocator_system(), &source, &limits, &graph);
  if (or_ok(status)) status = or_graph_infer(graph, NULL); /* once more: it must not mind what it left behind */
  or_status_ignore(status); /* what the outcome is does not matter, only that there is one */
  or_graph_release(graph);
  return 0;
}
