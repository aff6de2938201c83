/* Bodies of control flow: graphs in attributes. A name that a body neither produces nor has is one of outside: an input
 * of the body, which the node around it has among its inputs, where the same holds one level up. */
#include <string.h>

#include "base/string.h"
#include "graph/onnx/onnx_internal.h"

static or_status_t read_inside(or_onnx_reader_t *reader, or_onnx_body_t *body, or_wire_t message);
/* Names that the bodies of one node read from outside, in the order in which they were found. */
typedef struct captured_t {
  or_onnx_names_t numbers;
  const char **names; /* of the bodies */
  size_t count, capacity;
} captured_t;

static or_status_t collect(or_onnx_reader_t *reader, const or_onnx_body_t *body, captured_t *captured);
static or_status_t add_inputs(or_onnx_reader_t *reader, const captured_t *captured);
static or_status_t extend_node(or_onnx_reader_t *reader, or_node_t *node, const captured_t *captured);
static void take_in_order(or_onnx_reader_t *reader);
static void free_bodies(or_onnx_reader_t *reader);

or_status_t or_onnx_read_body(or_onnx_reader_t *reader, const char *node, const char *attribute, or_wire_t message,
                              const or_graph_t **out) {
  or_onnx_scope_t *outer = reader->scope;
  const uint32_t depth = outer->level->depth + 1, limit = or_onnx_max_depth(reader);
  or_graph_t *graph = NULL;
  or_onnx_body_t *body = NULL;
  char name[256];
  *out = NULL;
  if (depth > limit) {
    return or_error(OR_RESOURCE_EXHAUSTED, "graphs are nested %u deep, more than %u, the limit%s", depth, limit,
                    limit < OR_ONNX_MAX_DEPTH ? ": raise limits.nesting" : "");
  }
  or_format(name, sizeof name, "%s.%s", node, attribute);
  or_utf8_repair(name, strlen(name), true);
  or_status_t status = or_alloc_zeroed(reader->allocator, sizeof *body, (void **)&body);
  if (or_ok(status)) status = or_graph_create(reader->allocator, name, &reader->root->limits, &graph);
  if (or_ok(status)) status = or_graph_keep_body(reader->graph, graph);
  if (!or_ok(status)) {
    or_free(reader->allocator, body);
    return status;
  }
  graph->opset = reader->root->opset;
  or_onnx_level_init(reader, &body->level, graph);
  or_onnx_scope_init(reader, &body->scope, &body->level);
  body->level.depth = depth;
  body->scope.outer = outer;
  body->scope.call = outer->call;
  or_onnx_body_t *siblings = reader->bodies;
  reader->bodies = NULL; /* of the nodes inside */
  (void)or_onnx_enter(reader, &body->scope);
  status = read_inside(reader, body, message);
  (void)or_onnx_enter(reader, outer);
  body->next = siblings;
  reader->bodies = body;
  *out = graph;
  return status;
}

static or_status_t read_inside(or_onnx_reader_t *reader, or_onnx_body_t *body, or_wire_t message) {
  const or_graph_t *graph = body->level.graph;
  or_status_t status = or_onnx_read_graph(reader, message);
  if (or_ok(status)) status = or_onnx_name_locals(reader);
  for (or_value_id_t v = 0; or_ok(status) && v < graph->value_count; ++v) {
    uint8_t roles = 0;
    status = or_onnx_add_role(reader, v, 0, &roles);
    bool inside = graph->values[v].constant != NULL ||
                  (roles & (OR_ONNX_INITIALIZER | OR_ONNX_INPUT | OR_ONNX_PRODUCED | OR_ONNX_LOCAL)) != 0;
    if (or_ok(status) && !inside) status = or_onnx_add_role(reader, v, OR_ONNX_CAPTURED, NULL);
  }
  return or_ok(status) ? or_onnx_check_captured(reader) : status;
}

or_status_t or_onnx_capture(or_onnx_reader_t *reader, or_node_t *node, or_status_t status) {
  captured_t captured = {.count = 0};
  or_onnx_names_init(&captured.numbers, reader->allocator);
  take_in_order(reader);
  for (or_onnx_body_t *body = reader->bodies; or_ok(status) && body != NULL; body = body->next)
    status = collect(reader, body, &captured);
  for (or_onnx_body_t *body = reader->bodies; or_ok(status) && body != NULL; body = body->next) {
    or_onnx_scope_t *before = or_onnx_enter(reader, &body->scope);
    status = add_inputs(reader, &captured);
    (void)or_onnx_enter(reader, before);
    if (or_ok(status))
      status = or_status_context(or_graph_sort(body->level.graph), "body \"%s\"", body->level.graph->name);
  }
  if (or_ok(status) && captured.count > 0) status = extend_node(reader, node, &captured);
  or_onnx_names_deinit(&captured.numbers);
  or_free(reader->allocator, captured.names);
  free_bodies(reader);
  return status;
}

/* As the attributes are: each body was put before those that came earlier. */
static void take_in_order(or_onnx_reader_t *reader) {
  or_onnx_body_t *in_order = NULL;
  while (reader->bodies != NULL) {
    or_onnx_body_t *body = reader->bodies;
    reader->bodies = body->next;
    body->next = in_order;
    in_order = body;
  }
  reader->bodies = in_order;
}

static or_status_t collect(or_onnx_reader_t *reader, const or_onnx_body_t *body, captured_t *captured) {
  const or_graph_t *graph = body->level.graph;
  or_status_t status = or_status_success();
  for (size_t v = 0; or_ok(status) && v < graph->value_count; ++v) {
    const char *name = graph->values[v].name;
    uint32_t known = 0;
    if ((body->level.roles[v] & OR_ONNX_CAPTURED) == 0) continue;
    if (or_onnx_names_find(&captured->numbers, name, strlen(name), &known)) continue;
    status = or_onnx_names_add(&captured->numbers, name, strlen(name), (uint32_t)captured->count);
    if (or_ok(status))
      status = or_grow_array(reader->allocator, captured->count + 1, sizeof *captured->names, (void **)&captured->names,
                             &captured->capacity);
    if (or_ok(status)) captured->names[captured->count++] = name;
  }
  return status;
}

/* To the body at hand, which has a value of the name if it reads it; else the value is there for the order's sake, and
 * must not be mistaken for one of the body's own of that name. */
static or_status_t add_inputs(or_onnx_reader_t *reader, const captured_t *captured) {
  or_status_t status = or_status_success();
  or_onnx_text_t made;
  for (size_t i = 0; or_ok(status) && i < captured->count; ++i) {
    const char *name = captured->names[i];
    or_value_id_t value = OR_NO_VALUE;
    uint8_t roles = 0;
    if (or_onnx_names_find(&reader->scope->values, name, strlen(name), &value))
      status = or_onnx_add_role(reader, value, 0, &roles);
    if (or_ok(status) && (roles & OR_ONNX_CAPTURED) == 0) {
      or_format(made.data, sizeof made.data, "%s", name);
      for (uint32_t n = 0, other = 0; or_onnx_names_find(&reader->scope->values, made.data, strlen(made.data), &other);)
        or_format(made.data, sizeof made.data, "%.*s_%u", (int)(OR_ONNX_MAX_NAME_BYTES - 16), name, n++);
      status = or_onnx_value(reader, made.data, strlen(made.data), &value);
    }
    if (or_ok(status)) status = or_graph_add_input(reader->graph, value);
  }
  return status;
}

static or_status_t extend_node(or_onnx_reader_t *reader, or_node_t *node, const captured_t *captured) {
  void *memory = NULL;
  size_t total = 0;
  if (!or_add_size(node->input_count, captured->count, &total) || total > UINT32_MAX)
    return or_error(OR_RESOURCE_EXHAUSTED, "more inputs than %u", UINT32_MAX);
  or_status_t status = or_arena_array(&reader->graph->arena, total, sizeof(or_value_id_t), &memory);
  if (!or_ok(status)) return status;
  or_value_id_t *ids = memory;
  if (node->input_count > 0) memcpy(ids, node->inputs, node->input_count * sizeof *ids);
  for (size_t i = 0; or_ok(status) && i < captured->count; ++i) {
    const char *name = captured->names[i];
    or_value_id_t *id = &ids[node->input_count + i];
    status = or_onnx_value(reader, name, strlen(name), id);
    if (or_ok(status) && *id == OR_NO_VALUE)
      status = or_error(OR_INVALID_ARGUMENT, "a body gives \"%s\", which the call of the function leaves out", name);
  }
  if (!or_ok(status)) return status;
  node->inputs = ids;
  node->input_count = (uint32_t)total;
  node->captured_count = (uint32_t)captured->count;
  return status;
}

static void free_bodies(or_onnx_reader_t *reader) {
  while (reader->bodies != NULL) {
    or_onnx_body_t *body = reader->bodies;
    reader->bodies = body->next;
    or_onnx_scope_deinit(&body->scope);
    or_onnx_level_deinit(reader, &body->level);
    or_free(reader->allocator, body);
  }
}

/* The node in a body of `node`, or in bodies of that, that reads captured input `index`; NULL: it is only given on. */
static const or_node_t *find_reader(const or_node_t *node, size_t index, uint32_t depth) {
  const or_node_t *found = NULL;
  for (uint32_t a = 0; a < node->attribute_count && found == NULL && depth <= OR_ONNX_MAX_DEPTH; ++a) {
    const or_graph_t *body = node->attributes[a].graph;
    if (body == NULL) continue;
    const or_value_id_t value = body->inputs[body->input_count - node->captured_count + index];
    for (size_t n = 0; n < body->node_count && found == NULL; ++n) {
      const or_node_t *inside = &body->nodes[n];
      const uint32_t given = inside->input_count - inside->captured_count;
      for (uint32_t i = 0; i < inside->input_count && found == NULL; ++i) {
        if (inside->inputs[i] == value) found = i < given ? inside : find_reader(inside, i - given, depth + 1);
      }
    }
  }
  return found;
}

static or_status_t missing(const or_onnx_reader_t *reader, const or_node_t *node, uint32_t index) {
  const or_graph_t *graph = reader->graph;
  const or_node_t *inside = find_reader(node, index, 1);
  char label[256], other[256];
  const char *name = graph->values[node->inputs[node->input_count - node->captured_count + index]].name;
  or_graph_node_label(node, label, sizeof label);
  if (inside == NULL)
    return or_error(OR_INVALID_ARGUMENT,
                    "node %s: its body gives \"%s\", which nothing in it or around it produces or has", label, name);
  return or_error(OR_INVALID_ARGUMENT,
                  "node %s: in its body node %s reads \"%s\", which nothing in it or around it produces or has", label,
                  or_graph_node_label(inside, other, sizeof other), name);
}

or_status_t or_onnx_check_captured(const or_onnx_reader_t *reader) {
  const or_graph_t *graph = reader->graph;
  const or_onnx_level_t *level = reader->scope->level;
  for (size_t n = 0; n < graph->node_count; ++n) {
    const or_node_t *node = &graph->nodes[n];
    for (uint32_t i = 0; i < node->captured_count; ++i) {
      or_value_id_t v = node->inputs[node->input_count - node->captured_count + i];
      uint8_t roles = v < level->role_capacity ? level->roles[v] : 0;
      if (graph->values[v].constant != NULL) continue;
      if ((roles & (OR_ONNX_INPUT | OR_ONNX_PRODUCED | OR_ONNX_CAPTURED)) == 0) return missing(reader, node, i);
    }
  }
  return or_status_success();
}
