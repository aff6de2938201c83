/* Names, and where they mean something: in a graph, in a body of it, in a function at one of its calls. What is counted
 * against limits of all graphs together is counted here. */
#include <string.h>

#include "base/string.h"
#include "graph/onnx/onnx_internal.h"

static or_status_t local_value(or_onnx_reader_t *reader, const char *name, size_t length, or_value_id_t *out);
static or_status_t new_value(or_onnx_reader_t *reader, const char *name, size_t length, or_value_id_t *out);
static void join(const char *prefix, const char *name, size_t length, or_onnx_text_t *out);

void or_onnx_level_init(or_onnx_reader_t *reader, or_onnx_level_t *level, or_graph_t *graph) {
  *level = (or_onnx_level_t){.graph = graph};
  or_onnx_names_init(&level->nodes, reader->allocator);
  or_onnx_names_init(&level->symbols, reader->allocator);
}

void or_onnx_level_deinit(or_onnx_reader_t *reader, or_onnx_level_t *level) {
  or_onnx_names_deinit(&level->nodes);
  or_onnx_names_deinit(&level->symbols);
  or_free(reader->allocator, level->roles);
}

void or_onnx_scope_init(or_onnx_reader_t *reader, or_onnx_scope_t *scope, or_onnx_level_t *level) {
  *scope = (or_onnx_scope_t){.level = level};
  or_onnx_names_init(&scope->values, reader->allocator);
  or_arena_init(&scope->names, reader->allocator);
}

void or_onnx_scope_deinit(or_onnx_scope_t *scope) {
  or_onnx_names_deinit(&scope->values);
  or_arena_deinit(&scope->names);
}

or_onnx_scope_t *or_onnx_enter(or_onnx_reader_t *reader, or_onnx_scope_t *scope) {
  or_onnx_scope_t *before = reader->scope;
  reader->scope = scope;
  reader->graph = scope->level->graph;
  return before;
}

uint32_t or_onnx_max_depth(const or_onnx_reader_t *reader) {
  uint32_t limit = reader->root->limits.nesting;
  return limit < OR_ONNX_MAX_DEPTH ? limit : OR_ONNX_MAX_DEPTH;
}

or_status_t or_onnx_value(or_onnx_reader_t *reader, const char *name, size_t length, or_value_id_t *out) {
  if (or_onnx_names_find(&reader->scope->values, name, length, out)) return or_status_success();
  if (reader->scope->is_function) return local_value(reader, name, length, out);
  or_status_t status = new_value(reader, name, length, out);
  if (!or_ok(status)) return status;
  return or_onnx_names_add(&reader->scope->values, reader->graph->values[*out].name, length, *out);
}

or_status_t or_onnx_read_value(or_onnx_reader_t *reader, const or_onnx_text_t *name, or_value_id_t *out) {
  const or_onnx_scope_t *scope = reader->scope;
  do {
    if (!or_onnx_names_find(&scope->values, name->data, name->length, out)) continue;
    if (*out == OR_NO_VALUE) return or_status_success();
    break;
  } while ((scope = scope->outer) != NULL);
  return or_onnx_value(reader, name->data, name->length, out);
}

/* A function's own value: its name is put together, and need not be the only one before or_onnx_name_locals. */
static or_status_t local_value(or_onnx_reader_t *reader, const char *name, size_t length, or_value_id_t *out) {
  or_onnx_scope_t *scope = reader->scope;
  or_onnx_text_t made;
  const char *key = NULL;
  join(scope->call->prefix, name, length, &made);
  or_status_t status = new_value(reader, made.data, made.length, out);
  if (or_ok(status)) status = or_onnx_add_role(reader, *out, OR_ONNX_LOCAL, NULL);
  if (or_ok(status)) status = or_arena_strndup(&scope->names, name, length, &key);
  return or_ok(status) ? or_onnx_names_add(&scope->values, key, length, *out) : status;
}

static or_status_t new_value(or_onnx_reader_t *reader, const char *name, size_t length, or_value_id_t *out) {
  or_status_t status = or_graph_add_value(reader->graph, name, length, OR_DTYPE_NONE, NULL, out);
  if (!or_ok(status) || ++reader->value_count <= reader->root->limits.values) return status;
  return or_error(OR_RESOURCE_EXHAUSTED,
                  "the graph and its bodies have more than %u values together, the limit: raise limits.values",
                  reader->root->limits.values);
}

or_status_t or_onnx_add_role(or_onnx_reader_t *reader, or_value_id_t value, uint8_t role, uint8_t *before) {
  or_onnx_level_t *level = reader->scope->level;
  or_status_t status =
      or_grow_array(reader->allocator, (size_t)value + 1, 1, (void **)&level->roles, &level->role_capacity);
  if (!or_ok(status)) return status;
  if (before != NULL) *before = level->roles[value];
  level->roles[value] |= role;
  return status;
}

or_status_t or_onnx_add_node(or_onnx_reader_t *reader, const char *name, const size_t counts[3], or_node_t **out) {
  const uint32_t limit = reader->root->limits.nodes;
  or_status_t status = or_graph_add_node(reader->graph, name, counts[0], counts[1], counts[2], out);
  if (!or_ok(status)) return status;
  ++reader->graph->file_node_count;
  if (++reader->node_count <= limit) return status;
  return or_error(OR_RESOURCE_EXHAUSTED,
                  "the graph and its bodies have more than %u nodes together, the limit: raise limits.nodes", limit);
}

or_status_t or_onnx_add_identity(or_onnx_reader_t *reader, or_value_id_t from, or_value_id_t to) {
  static const size_t counts[3] = {1, 1, 0};
  const or_onnx_text_t unnamed = {.length = 0};
  const or_op_t *op = or_op_find("", "Identity");
  const char *name = NULL;
  or_node_t *node = NULL;
  or_status_t status = or_onnx_name_node(reader, &unnamed, op->name, &name);
  if (or_ok(status)) status = or_onnx_add_node(reader, name, counts, &node);
  if (or_ok(status)) status = or_onnx_add_role(reader, to, OR_ONNX_PRODUCED, NULL);
  if (!or_ok(status)) return status;
  node->domain = op->domain;
  node->op = op->name;
  node->definition = op;
  node->version = or_op_version(op, reader->root->opset);
  ((or_value_id_t *)node->inputs)[0] = from; /* just made, in this graph's arena */
  ((or_value_id_t *)node->outputs)[0] = to;
  return status;
}

or_status_t or_onnx_count_bytes(or_onnx_reader_t *reader, size_t bytes) {
  const uint64_t limit = reader->root->limits.initializer_bytes;
  if (bytes > limit - reader->constant_bytes) {
    return or_error(
        OR_RESOURCE_EXHAUSTED,
        "its %zu bytes and the %llu of those before it exceed %llu, the limit: raise limits.initializer_bytes", bytes,
        (unsigned long long)reader->constant_bytes, (unsigned long long)limit);
  }
  reader->constant_bytes += bytes;
  return or_status_success();
}

or_status_t or_onnx_name_node(or_onnx_reader_t *reader, const or_onnx_text_t *wanted, const char *type,
                              const char **out) {
  or_onnx_level_t *level = reader->scope->level;
  const or_onnx_call_t *call = reader->scope->is_function ? reader->scope->call : NULL;
  or_onnx_text_t base = *wanted, made;
  uint32_t index = (uint32_t)level->nodes.count, other = 0;
  bool numbered = wanted->length == 0;
  if (numbered) {
    (void)or_format(base.data, sizeof base.data, "%s", type);
    base.length = strlen(base.data);
  }
  if (call != NULL) {
    made = base;
    join(call->prefix, made.data, made.length, &base);
  }
  made = base;
  bool taken = numbered || or_onnx_names_find(&level->nodes, made.data, made.length, &other);
  /* Numbers only grow, so that names made to be in the way are in the way once. */
  if (level->next_number < index) level->next_number = index;
  while (taken) {
    /* The end is cut off a name that is as long as may be, so that the number stays. */
    (void)or_format(made.data, sizeof made.data, "%.*s_%u", (int)(OR_ONNX_MAX_NAME_BYTES - 16), base.data,
                    level->next_number++);
    made.length = strlen(made.data);
    taken = or_onnx_names_find(&level->nodes, made.data, made.length, &other);
  }
  or_status_t status = or_arena_strndup(&reader->graph->arena, made.data, made.length, out);
  return or_ok(status) ? or_onnx_names_add(&level->nodes, *out, made.length, index) : status;
}

/* "call/name", of whose halves no more is kept than OR_ONNX_PREFIX_BYTES: a short file can't ask for much memory. */
static void join(const char *prefix, const char *name, size_t length, or_onnx_text_t *out) {
  bool cut = length > OR_ONNX_PREFIX_BYTES;
  (void)or_format(out->data, sizeof out->data, "%s/%.*s", prefix, (int)(cut ? OR_ONNX_PREFIX_BYTES : length), name);
  if (cut) or_utf8_repair(out->data, strlen(out->data), true);
  out->length = strlen(out->data);
}

or_status_t or_onnx_name_locals(or_onnx_reader_t *reader) {
  or_onnx_scope_t *scope = reader->scope;
  const or_onnx_level_t *level = scope->level;
  or_onnx_text_t made;
  or_status_t status = or_status_success();
  uint32_t next = 0, other = 0;
  for (size_t v = 0; or_ok(status) && v < reader->graph->value_count && v < level->role_capacity; ++v) {
    or_value_info_t *value = &reader->graph->values[v];
    if ((level->roles[v] & OR_ONNX_LOCAL) == 0) continue;
    size_t length = strlen(value->name);
    bool taken = or_onnx_names_find(&scope->values, value->name, length, &other), renamed = taken;
    while (taken) {
      (void)or_format(made.data, sizeof made.data, "%s_%u", value->name, next++);
      length = strlen(made.data);
      taken = or_onnx_names_find(&scope->values, made.data, length, &other);
    }
    if (renamed) status = or_arena_strndup(&reader->graph->arena, made.data, length, &value->name);
    if (or_ok(status)) status = or_onnx_names_add(&scope->values, value->name, length, (uint32_t)v);
  }
  return status;
}
