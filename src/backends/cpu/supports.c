/* The answer to "can you run this node?". */
#include "backends/cpu/family_internal.h"
#include "base/string.h"

/* Text is computed on the host, by the references. */
static bool has_strings(const or_subgraph_t *subgraph, const or_node_t *node) {
  for (uint32_t i = 0; i < node->input_count; ++i) {
    if (node->inputs[i] != OR_NO_VALUE && subgraph->values[node->inputs[i]].dtype == OR_STRING) return true;
  }
  for (uint32_t i = 0; i < node->output_count; ++i) {
    if (node->outputs[i] != OR_NO_VALUE && subgraph->values[node->outputs[i]].dtype == OR_STRING) return true;
  }
  return false;
}

static or_status_t answer(or_cpu_device_t *device, or_arena_t *arena, const or_subgraph_t *subgraph,
                          const or_node_t *node, or_support_t *out) {
  or_node_view_t view;
  bool known = false;
  or_status_t status = or_node_view_make(arena, subgraph, node, &view, &known, out->reason);
  if (!or_ok(status) || !known) return status;
  size_t index = 0;
  out->supported = or_cpu_family_find(device, &view, &index) != NULL;
  if (!out->supported) {
    or_format(out->reason, sizeof out->reason, "%s of %s%s has no kernel here; its parts have", view.core->op,
              or_dtype_name(view.call.input_count > 0 ? view.call.inputs[0].dtype : OR_DTYPE_NONE),
              view.fused ? " with what is fused to it" : "");
  }
  return status;
}

/* What the catalogue says of a node that it can't be is the reason of a no; only want of memory leaves it open. */
or_status_t or_cpu_supports(void *self, const or_subgraph_t *subgraph, const or_node_t *node, or_support_t *out) {
  or_cpu_device_t *device = self;
  or_arena_t arena;
  or_arena_init(&arena, device->allocator);
  *out = (or_support_t){.supported = false};
  if (has_strings(subgraph, node)) {
    or_format(out->reason, sizeof out->reason, "%s of strings has no kernel", node->op);
    or_arena_deinit(&arena);
    return or_status_success();
  }
  or_status_t status = answer(device, &arena, subgraph, node, out);
  or_arena_deinit(&arena);
  if (or_ok(status) || or_status_code(status) == OR_RESOURCE_EXHAUSTED) return status;
  or_format(out->reason, sizeof out->reason, "%s", or_status_message(status));
  or_status_ignore(status); /* its words are the reason of the no */
  return or_status_success();
}

void or_cpu_precision(void *self, or_dtype_t precision, or_support_t *out) {
  const or_cpu_device_t *device = self;
  *out = (or_support_t){.supported = precision == OR_BFLOAT16 && device->kernels->gemm_f32_bf16 != NULL};
  if (out->supported) return;
  if (precision != OR_BFLOAT16) {
    or_format(out->reason, sizeof out->reason, "the CPU offers float32 and bfloat16");
    return;
  }
  or_format(out->reason, sizeof out->reason,
            "it needs AVX512-BF16 or AMX, and level %s has neither: leave it out (float32 is faster here)%s",
            device->kernels->name,
            (or_cpu_features_detect() & OR_CPU_AVX512BF16) != 0 ? ", or allow a higher --isa" : "");
}
