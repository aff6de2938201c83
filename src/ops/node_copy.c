#include "ops/node_copy.h"

#include <assert.h>
#include <string.h>

static or_status_t copy_node(or_arena_t *arena, const or_node_t *node, or_node_t *out, uint32_t depth);
static or_status_t copy_plain(or_arena_t *arena, const or_node_t *node, or_node_t *out);
static or_status_t copy_bytes(or_arena_t *arena, const void *source, size_t count, size_t element_bytes,
                              const void **out);
static or_status_t copy_text(or_arena_t *arena, const char *text, const char **out);
static or_status_t copy_attribute(or_arena_t *arena, or_attribute_t *attribute);

or_status_t or_node_copy(or_arena_t *arena, const or_node_t *node, or_node_t *out) {
  return copy_node(arena, node, out, 1);
}

static or_status_t copy_node(or_arena_t *arena, const or_node_t *node, or_node_t *out, uint32_t depth) {
  void *memory = NULL;
  or_status_t status = copy_plain(arena, node, out);
  if (!or_ok(status) || node->part_count == 0) return status;
  assert(depth < OR_NODE_MAX_DEPTH);
  status = or_arena_array(arena, node->part_count, sizeof(or_node_t), &memory);
  or_node_t *parts = memory;
  for (uint32_t p = 0; or_ok(status) && p < node->part_count; ++p)
    status = copy_node(arena, &node->parts[p], &parts[p], depth + 1);
  out->parts = parts;
  return status;
}

static or_status_t copy_plain(or_arena_t *arena, const or_node_t *node, or_node_t *out) {
  const void *inputs = NULL, *outputs = NULL, *attributes = NULL;
  *out = *node;
  or_status_t status = copy_text(arena, node->name, &out->name);
  if (or_ok(status)) status = copy_text(arena, node->domain, &out->domain);
  if (or_ok(status)) status = copy_text(arena, node->op, &out->op);
  if (or_ok(status)) status = copy_bytes(arena, node->inputs, node->input_count, sizeof *node->inputs, &inputs);
  if (or_ok(status)) status = copy_bytes(arena, node->outputs, node->output_count, sizeof *node->outputs, &outputs);
  if (or_ok(status))
    status = copy_bytes(arena, node->attributes, node->attribute_count, sizeof *node->attributes, &attributes);
  out->inputs = inputs;
  out->outputs = outputs;
  out->attributes = attributes;
  or_attribute_t *own = (or_attribute_t *)attributes;
  for (uint32_t i = 0; or_ok(status) && i < node->attribute_count; ++i) status = copy_attribute(arena, &own[i]);
  return status;
}

static or_status_t copy_bytes(or_arena_t *arena, const void *source, size_t count, size_t element_bytes,
                              const void **out) {
  void *memory = NULL;
  or_status_t status = or_arena_array(arena, count, element_bytes, &memory);
  if (or_ok(status) && count > 0) memcpy(memory, source, count * element_bytes);
  *out = memory;
  return status;
}

static or_status_t copy_text(or_arena_t *arena, const char *text, const char **out) {
  return or_arena_strndup(arena, text, strlen(text), out);
}

static or_status_t copy_attribute(or_arena_t *arena, or_attribute_t *attribute) {
  const void *copy = NULL;
  or_status_t status = copy_text(arena, attribute->name, &attribute->name);
  if (or_ok(status) && attribute->kind == OR_ATTRIBUTE_STRING) {
    status = or_arena_strndup(arena, attribute->string.data, attribute->string.length, &attribute->string.data);
  } else if (or_ok(status) && attribute->kind == OR_ATTRIBUTE_INTS) {
    status = copy_bytes(arena, attribute->integers, attribute->count, sizeof(int64_t), &copy);
    attribute->integers = copy;
  } else if (or_ok(status) && attribute->kind == OR_ATTRIBUTE_FLOATS) {
    status = copy_bytes(arena, attribute->reals, attribute->count, sizeof(float), &copy);
    attribute->reals = copy;
  } else if (or_ok(status) && attribute->kind == OR_ATTRIBUTE_STRINGS) {
    status = copy_bytes(arena, attribute->strings, attribute->count, sizeof(or_string_t), &copy);
    attribute->strings = copy;
    or_string_t *own = (or_string_t *)copy;
    for (size_t i = 0; or_ok(status) && i < attribute->count; ++i) {
      status = or_arena_strndup(arena, own[i].data, own[i].length, &own[i].data);
    }
  }
  return status;
}
