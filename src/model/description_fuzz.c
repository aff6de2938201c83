/* A model.json for a model of one picture input. */
#include "base/alloc.h"
#include "model/model_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  or_graph_t graph = {.allocator = or_allocator_system(), .input_count = 1};
  or_model_value_t input = {.name = "image", .dtype = OR_FLOAT32, .shape = {.rank = 4, .dims = {-2, 3, -1, 28}}};
  or_model_t model = {.graph = &graph, .inputs = &input};
  or_arena_init(&model.arena, graph.allocator);
  or_status_ignore(or_model_describe(&model, "model.json", (const char *)data, size)); /* any answer, but a crash */
  or_arena_deinit(&model.arena);
  return 0;
}
