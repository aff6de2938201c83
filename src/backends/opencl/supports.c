/* The answer to "can you run this node?". */
#include "backends/opencl/program_internal.h"
#include "base/string.h"

/* What no kernel takes, by dtype and shape: text, and extents that are not known yet. */
static bool has_obstacle(const or_subgraph_t *subgraph, const or_node_t *node, or_support_t *out) {
  for (uint32_t i = 0; i < node->input_count + node->output_count; ++i) {
    or_value_id_t id = i < node->input_count ? node->inputs[i] : node->outputs[i - node->input_count];
    if (id == OR_NO_VALUE) continue;
    const or_value_info_t *value = &subgraph->values[id];
    uint64_t count = 0;
    if (value->dtype == OR_STRING) {
      (void)or_format(out->reason, sizeof out->reason, "%s of strings has no kernel", node->op);
      return true;
    }
    if (!or_shape_count(&value->shape, &count) || or_dtype_bytes(value->dtype, count) == SIZE_MAX) {
      (void)or_format(out->reason, sizeof out->reason, "%s with a shape that is known only when it runs has no kernel",
                      node->op);
      return true;
    }
  }
  return false;
}

static or_status_t answer(const or_cl_device_t *device, or_arena_t *arena, const or_subgraph_t *subgraph,
                          const or_node_t *node, or_support_t *out) {
  or_node_view_t view;
  bool known = false;
  or_status_t status = or_node_view_make(arena, subgraph, node, &view, &known, out->reason);
  if (!or_ok(status) || !known) return status;
  size_t index = 0;
  out->supported = or_cl_family_find(device, &view, &index) != NULL;
  if (!out->supported) {
    (void)or_format(out->reason, sizeof out->reason, "%s of %s%s has no OpenCL kernel", view.core->op,
                    or_dtype_name(view.call.input_count > 0 ? view.call.inputs[0].dtype : OR_DTYPE_NONE),
                    view.fused ? " with what is fused to it" : "");
  }
  return status;
}

/* What the catalogue says of a node that it can't be is the reason of a no; only want of memory leaves it open. */
or_status_t or_cl_supports(void *self, const or_subgraph_t *subgraph, const or_node_t *node, or_support_t *out) {
  const or_cl_device_t *device = self;
  or_arena_t arena;
  *out = (or_support_t){.supported = false};
  if (has_obstacle(subgraph, node, out)) return or_status_success();
  or_arena_init(&arena, device->allocator);
  or_status_t status = answer(device, &arena, subgraph, node, out);
  or_arena_deinit(&arena);
  if (or_ok(status) || or_status_code(status) == OR_RESOURCE_EXHAUSTED) return status;
  (void)or_format(out->reason, sizeof out->reason, "%s", or_status_message(status));
  or_status_ignore(status); /* its words are the reason of the no */
  return or_status_success();
}
