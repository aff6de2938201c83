#include "hal/subgraph_memory.h"

#include <string.h>

#include "base/alloc.h"
#include "hal/memory_plan.h"

typedef struct walk_t {
  const or_subgraph_t *subgraph;
  or_lifetime_t *lives; /* per value; bytes 0 until it is written */
  uint32_t step;
  bool overflow;
} walk_t;

static void walk_node(walk_t *walk, const or_node_t *node);
static void write_value(walk_t *walk, or_value_id_t value);
static void leave_out(or_lifetime_t *lives, const or_value_id_t *ids, uint32_t count);

or_status_t or_subgraph_memory_plan(const or_allocator_t *allocator, const or_subgraph_t *subgraph, bool by_parts,
                                    or_subgraph_memory_t *out) {
  *out = (or_subgraph_memory_t){0};
  walk_t walk = {.subgraph = subgraph};
  void *memory = NULL, *offsets = NULL;
  or_status_t status = or_alloc_array(allocator, subgraph->value_count, sizeof(or_lifetime_t), &memory);
  if (or_ok(status)) status = or_alloc_array(allocator, subgraph->value_count, sizeof(size_t), &offsets);
  walk.lives = memory;
  for (uint32_t n = 0; or_ok(status) && n < subgraph->node_count; ++n) {
    const or_node_t *node = &subgraph->nodes[n];
    bool parts = by_parts && or_node_is_fused(node);
    if (!parts) walk_node(&walk, node);
    for (uint32_t p = 0; parts && p < node->part_count; ++p) walk_node(&walk, &node->parts[p]);
  }
  if (or_ok(status)) {
    leave_out(walk.lives, subgraph->inputs, subgraph->input_count);
    leave_out(walk.lives, subgraph->outputs, subgraph->output_count);
  }
  for (uint32_t v = 0; or_ok(status) && v < subgraph->value_count; ++v) {
    size_t rounded = or_align_up(walk.lives[v].bytes, OR_DEFAULT_ALIGNMENT);
    walk.overflow = walk.overflow || rounded < walk.lives[v].bytes ||
                    !or_add_size(out->bytes_unplanned, rounded, &out->bytes_unplanned);
  }
  if (or_ok(status) && walk.overflow)
    status = or_error(OR_OUT_OF_RANGE, "the intermediates take more bytes than there are addresses");
  if (or_ok(status))
    status = or_memory_plan(allocator, walk.lives, subgraph->value_count, OR_DEFAULT_ALIGNMENT, &out->bytes);
  if (!or_ok(status)) {
    or_free(allocator, offsets);
    or_free(allocator, memory);
    return status;
  }
  out->offsets = offsets;
  for (uint32_t v = 0; v < subgraph->value_count; ++v) {
    out->offsets[v] = walk.lives[v].bytes > 0 ? walk.lives[v].offset : OR_NOT_IN_WORKSPACE;
  }
  or_free(allocator, memory);
  return or_status_success();
}

static void walk_node(walk_t *walk, const or_node_t *node) {
  for (uint32_t i = 0; i < node->input_count; ++i) {
    if (node->inputs[i] != OR_NO_VALUE) walk->lives[node->inputs[i]].last = walk->step;
  }
  for (uint32_t i = 0; i < node->output_count; ++i) {
    if (node->outputs[i] != OR_NO_VALUE) write_value(walk, node->outputs[i]);
  }
  ++walk->step;
}

/* A value without elements gets room too, so that it has an address. */
static void write_value(walk_t *walk, or_value_id_t value) {
  const or_value_info_t *info = &walk->subgraph->values[value];
  uint64_t count = 0;
  size_t bytes = or_shape_count(&info->shape, &count) ? or_dtype_bytes(info->dtype, count) : SIZE_MAX;
  walk->overflow = walk->overflow || bytes == SIZE_MAX;
  walk->lives[value] = (or_lifetime_t){.bytes = bytes > 0 ? bytes : 1, .first = walk->step, .last = walk->step};
}

static void leave_out(or_lifetime_t *lives, const or_value_id_t *ids, uint32_t count) {
  for (uint32_t i = 0; i < count; ++i) lives[ids[i]].bytes = 0;
}
