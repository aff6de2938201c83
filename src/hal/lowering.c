#include "hal/lowering.h"

#include <stdio.h>
#include <string.h>

#include "hal/memory_plan.h"

static or_status_t copy_names(or_lowering_t *lowering);
static or_status_t place_values(or_lowering_t *lowering);
static void node_done(or_lowering_t *lowering, const or_node_t *node);
static or_status_t static_bytes(const or_lowering_t *lowering, or_value_id_t value, size_t *bytes);
static or_status_t constant_slot(or_lowering_t *lowering, or_value_id_t value);

or_status_t or_lowering_begin(or_lowering_t *lowering, or_lowered_t *lowered, const or_allocator_t *allocator,
                              or_device_t *device, const or_subgraph_t *subgraph) {
  *lowering = (or_lowering_t){.device = device, .lowered = lowered, .subgraph = subgraph};
  lowered->allocator = allocator;
  or_arena_init(&lowered->arena, allocator);
  or_arena_init(&lowering->temporary, allocator);
  void *values = NULL;
  or_status_t status =
      or_arena_array(&lowering->temporary, (size_t)subgraph->value_count + 1, sizeof(or_lowering_value_t), &values);
  lowering->values = values;
  if (or_ok(status)) status = copy_names(lowering);
  if (or_ok(status)) status = place_values(lowering);
  return status;
}

static or_status_t copy_names(or_lowering_t *lowering) {
  or_lowered_t *lowered = lowering->lowered;
  const or_subgraph_t *subgraph = lowering->subgraph;
  void *nodes = NULL, *names = NULL;
  size_t count = subgraph->node_count;
  or_status_t status = or_arena_array(&lowered->arena, count + 1, sizeof *lowered->nodes, &nodes);
  if (or_ok(status)) status = or_arena_array(&lowered->arena, count + 1, sizeof *lowered->names, &names);
  if (!or_ok(status)) return status;
  lowered->nodes = nodes;
  lowered->names = names;
  lowered->node_count = subgraph->node_count;
  for (uint32_t i = 0; or_ok(status) && i < lowered->node_count; ++i) {
    const char *name = subgraph->nodes[i].name;
    if (name == NULL) name = "";
    lowered->nodes[i].kernel = "";
    status = or_arena_strndup(&lowered->arena, name, strlen(name), &lowered->names[i]);
  }
  return status;
}

/* Counts uses, and gives inputs their slots. */
static or_status_t place_values(or_lowering_t *lowering) {
  const or_subgraph_t *subgraph = lowering->subgraph;
  or_lowering_value_t *values = lowering->values;
  for (uint32_t v = 0; v < subgraph->value_count; ++v) {
    values[v] = (or_lowering_value_t){.slot = OR_NO_SLOT, .output = OR_NO_VALUE};
  }
  for (uint32_t n = 0; n < subgraph->node_count; ++n) {
    for (uint32_t i = 0; i < subgraph->nodes[n].input_count; ++i) {
      or_value_id_t value = subgraph->nodes[n].inputs[i];
      if (value != OR_NO_VALUE) ++values[value].uses;
    }
  }
  for (uint32_t i = subgraph->output_count; i-- > 0;) {
    ++values[subgraph->outputs[i]].uses;
    values[subgraph->outputs[i]].output = i;
  }
  for (uint32_t i = 0; i < subgraph->input_count; ++i) {
    or_value_id_t value = subgraph->inputs[i];
    or_slot_t slot = {.place = OR_PLACE_INPUT, .index = i};
    uint64_t count = 0;
    if (or_shape_count(&subgraph->values[value].shape, &count)) {
      slot.bytes = or_dtype_bytes(subgraph->values[value].dtype, count);
    }
    or_status_t status = or_lowering_slot(lowering, slot, &values[value].slot);
    if (!or_ok(status)) return status;
  }
  return or_status_success();
}

or_status_t or_lowering_nodes(or_lowering_t *lowering, or_status_t (*prepare)(void *self, const or_node_t *node),
                              void *self) {
  const or_subgraph_t *subgraph = lowering->subgraph;
  for (uint32_t i = 0; i < subgraph->node_count; ++i) {
    const or_node_t *node = &subgraph->nodes[i];
    lowering->node = i;
    or_status_t status = or_cancel_status(subgraph->cancel);
    if (!or_ok(status)) return status;
    status = prepare(self, node);
    if (!or_ok(status)) return or_status_context(status, "node \"%s\" (%s)", lowering->lowered->names[i], node->op);
    node_done(lowering, node);
  }
  return or_status_success();
}

/* What the node has read is read. */
static void node_done(or_lowering_t *lowering, const or_node_t *node) {
  for (uint32_t i = 0; i < node->input_count; ++i) {
    if (node->inputs[i] == OR_NO_VALUE) continue;
    or_lowering_value_t *value = &lowering->values[node->inputs[i]];
    --value->uses;
    if (value->slot == OR_NO_SLOT) continue;
    or_slot_t *root = or_lowered_root(lowering->lowered, value->slot);
    if (root->uses > 0) --root->uses;
  }
}

or_status_t or_lowering_lay_out(or_lowering_t *lowering, size_t reserved, size_t alignment) {
  or_lowered_t *lowered = lowering->lowered;
  void *memory = NULL;
  size_t count = lowered->slot_count, total = 0;
  or_status_t status = or_arena_array(&lowering->temporary, count + 1, sizeof(or_lifetime_t), &memory);
  if (!or_ok(status)) return status;
  or_lifetime_t *lifetimes = memory;
  reserved = or_align_up(reserved, alignment);
  lowered->unplanned_bytes = reserved;
  for (size_t i = 0; i < count; ++i) {
    const or_slot_t *slot = &lowered->slots[i];
    if (slot->place != OR_PLACE_WORKSPACE || !slot->touched) continue;
    lifetimes[i] = (or_lifetime_t){.bytes = slot->bytes, .first = slot->first, .last = slot->last};
    lowered->unplanned_bytes += or_align_up(slot->bytes, alignment);
  }
  status = or_memory_plan(lowered->allocator, lifetimes, count, alignment, &total);
  if (!or_ok(status)) return status;
  for (size_t i = 0; i < count; ++i) {
    if (lowered->slots[i].place == OR_PLACE_WORKSPACE) lowered->slots[i].offset = reserved + lifetimes[i].offset;
  }
  if (or_add_size(reserved, total, &lowered->workspace_bytes)) return status;
  return or_error(OR_OUT_OF_RANGE, "a workspace of %zu bytes and %zu before it overflow", total, reserved);
}

void or_lowering_end(or_lowering_t *lowering) { or_arena_deinit(&lowering->temporary); }

void or_lowered_deinit(or_lowered_t *lowered) {
  for (size_t i = 0; i < lowered->packed_count; ++i) or_packed_release(lowered->packed[i]);
  or_arena_deinit(&lowered->arena);
  or_free(lowered->allocator, lowered->slots);
  or_free(lowered->allocator, lowered->packed);
}

void or_lowered_node(const or_lowered_t *lowered, uint32_t index, or_executable_node_t *out) {
  *out = index < lowered->node_count ? lowered->nodes[index] : (or_executable_node_t){.kernel = ""};
}

or_status_t or_lowering_slot(or_lowering_t *lowering, or_slot_t slot, or_slot_id_t *out) {
  or_lowered_t *lowered = lowering->lowered;
  void *slots = lowered->slots;
  or_status_t status =
      or_grow_array(lowered->allocator, lowered->slot_count + 1, sizeof slot, &slots, &lowered->slot_capacity);
  if (!or_ok(status)) return status;
  lowered->slots = slots;
  lowered->slots[lowered->slot_count] = slot;
  *out = (or_slot_id_t)lowered->slot_count++;
  return status;
}

or_slot_t *or_lowered_root(const or_lowered_t *lowered, or_slot_id_t id) {
  or_slot_t *slot = &lowered->slots[id];
  return slot->place == OR_PLACE_ALIAS ? &lowered->slots[slot->index] : slot;
}

/* Bytes from the start of the root to the start of the slot. */
static size_t offset_in_root(const or_lowered_t *lowered, or_slot_id_t id) {
  const or_slot_t *slot = &lowered->slots[id];
  return slot->place == OR_PLACE_ALIAS ? slot->offset : 0;
}

void or_lowered_touch(or_lowered_t *lowered, or_slot_id_t slot, uint32_t step) {
  or_slot_t *root = or_lowered_root(lowered, slot);
  if (!root->touched) root->first = step;
  root->touched = true;
  root->last = step;
}

bool or_lowered_is_output(const or_lowered_t *lowered, or_slot_id_t slot, uint32_t output) {
  const or_slot_t *root = or_lowered_root(lowered, slot);
  return root->place == OR_PLACE_OUTPUT && root->index == output && offset_in_root(lowered, slot) == 0;
}

or_status_t or_lowering_read(or_lowering_t *lowering, or_value_id_t id, or_slot_id_t *out) {
  or_lowering_value_t *value = &lowering->values[id];
  or_status_t status = or_status_success();
  if (value->slot == OR_NO_SLOT) {
    status = lowering->subgraph->values[id].constant != NULL
                 ? constant_slot(lowering, id)
                 : or_error(OR_INVALID_ARGUMENT, "value \"%s\" is read before a node has made it",
                            lowering->subgraph->values[id].name);
  }
  *out = value->slot;
  return status;
}

/* Makes room for one more packed constant of the program. */
static or_status_t reserve_packed(or_lowered_t *lowered) {
  void *list = lowered->packed;
  or_status_t status = or_grow_array(lowered->allocator, lowered->packed_count + 1, sizeof(or_packed_t *), &list,
                                     &lowered->packed_capacity);
  if (or_ok(status)) lowered->packed = list;
  return status;
}

static void hold_packed(or_lowering_t *lowering, or_packed_t *packed, size_t bytes) {
  or_lowered_t *lowered = lowering->lowered;
  lowered->packed[lowered->packed_count++] = packed;
  lowered->packed_bytes += bytes;
  lowered->nodes[lowering->node].packed_bytes += bytes;
}

static or_status_t constant_slot(or_lowering_t *lowering, or_value_id_t id) {
  const or_constant_t *constant = lowering->subgraph->values[id].constant;
  or_slot_t slot = {.place = OR_PLACE_CONSTANT, .host = constant->data, .bytes = constant->bytes};
  bool in_place = lowering->constants_in_place && (constant->data != NULL || constant->bytes == 0);
  if (!in_place) {
    or_packed_t *packed = NULL;
    or_status_t status = reserve_packed(lowering->lowered);
    if (or_ok(status)) status = or_packed_plain(lowering->device, constant, lowering->subgraph->cancel, &packed);
    if (!or_ok(status)) return status;
    hold_packed(lowering, packed, constant->bytes);
    slot.host = or_buffer_host_pointer(or_packed_buffer(packed));
    slot.memory = or_buffer_memory(or_packed_buffer(packed));
  }
  return or_lowering_slot(lowering, slot, &lowering->values[id].slot);
}

static or_status_t static_bytes(const or_lowering_t *lowering, or_value_id_t value, size_t *bytes) {
  const or_value_info_t *info = &lowering->subgraph->values[value];
  uint64_t count = 0;
  *bytes = or_shape_count(&info->shape, &count) ? or_dtype_bytes(info->dtype, count) : SIZE_MAX;
  if (*bytes != SIZE_MAX) return or_status_success();
  char shape[200];
  return or_error(OR_UNIMPLEMENTED, "value \"%s\" is %s of %s: this device compiles static shapes of fixed width",
                  info->name, or_dtype_name(info->dtype), or_shape_format(&info->shape, shape, sizeof shape));
}

or_status_t or_lowering_write(or_lowering_t *lowering, or_value_id_t id, or_slot_id_t *out) {
  or_lowering_value_t *value = &lowering->values[id];
  or_slot_t slot = {.place = OR_PLACE_WORKSPACE, .uses = value->uses};
  if (value->output != OR_NO_VALUE) {
    slot.place = OR_PLACE_OUTPUT;
    slot.index = value->output;
  }
  or_status_t status = static_bytes(lowering, id, &slot.bytes);
  if (or_ok(status)) status = or_lowering_slot(lowering, slot, &value->slot);
  *out = value->slot;
  return status;
}

or_status_t or_lowering_share(or_lowering_t *lowering, or_slot_id_t source, or_value_id_t output, size_t offset,
                              bool *shared) {
  or_lowered_t *lowered = lowering->lowered;
  or_lowering_value_t *to = &lowering->values[output];
  size_t bytes = 0;
  *shared = false;
  or_status_t status = static_bytes(lowering, output, &bytes);
  if (!or_ok(status)) return status;

  or_slot_t *root = or_lowered_root(lowered, source);
  size_t from_root = offset_in_root(lowered, source) + offset;
  if (to->output != OR_NO_VALUE) {
    /* The bytes have to end in the caller's buffer: they can if nothing has given them another place. */
    if (root->place != OR_PLACE_WORKSPACE || from_root != 0 || root->bytes != bytes) return status;
    root->place = OR_PLACE_OUTPUT;
    root->index = to->output;
  }
  root->uses += to->uses;
  or_slot_t alias = {
      .place = OR_PLACE_ALIAS, .index = (uint32_t)(root - lowered->slots), .offset = from_root, .bytes = bytes};
  status = or_lowering_slot(lowering, alias, &to->slot);
  *shared = or_ok(status);
  return status;
}

or_status_t or_lowering_overwrite(or_lowering_t *lowering, or_value_id_t input, or_value_id_t output,
                                  or_slot_id_t *out) {
  or_slot_id_t slot = lowering->values[input].slot;
  size_t bytes = 0;
  bool shared = false;
  or_status_t status = static_bytes(lowering, output, &bytes);
  if (or_ok(status) && slot != OR_NO_SLOT) {
    const or_slot_t *root = or_lowered_root(lowering->lowered, slot);
    bool last = root->place == OR_PLACE_WORKSPACE && root->uses == 1 && lowering->lowered->slots[slot].bytes == bytes;
    if (last) status = or_lowering_share(lowering, slot, output, 0, &shared);
  }
  if (or_ok(status) && !shared) return or_lowering_write(lowering, output, out);
  *out = lowering->values[output].slot;
  return status;
}

or_status_t or_lowering_constant(or_lowering_t *lowering, const or_constant_t *constant, const void **out) {
  *out = constant->data;
  if (constant->data != NULL || constant->bytes == 0) return or_status_success();
  void *copy = NULL;
  or_status_t status = or_arena_alloc(&lowering->temporary, constant->bytes, &copy);
  if (or_ok(status)) status = or_constant_read(constant, lowering->subgraph->cancel, copy);
  *out = copy;
  return status;
}

or_status_t or_lowering_packed(or_lowering_t *lowering, const or_packed_key_t *key, size_t bytes, or_packed_fill_t fill,
                               void *self, or_packed_t **out) {
  or_status_t status = reserve_packed(lowering->lowered);
  if (or_ok(status)) status = or_packed_get(lowering->device, key, bytes, fill, self, out);
  if (or_ok(status)) hold_packed(lowering, *out, bytes);
  return status;
}

void or_lowering_name(or_lowering_t *lowering, const char *kernel) {
  lowering->lowered->nodes[lowering->node].kernel = kernel;
}

or_status_t or_lowering_name_format(or_lowering_t *lowering, const char *format, va_list arguments) {
  char text[96];
  (void)vsnprintf(text, sizeof text, format, arguments); /* cut if it must be: it is shown, not compared */
  const char *copy = NULL;
  or_status_t status = or_arena_strndup(&lowering->lowered->arena, text, strlen(text), &copy);
  if (or_ok(status)) or_lowering_name(lowering, copy);
  return status;
}
