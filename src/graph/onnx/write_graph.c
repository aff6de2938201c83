/* GraphProto: of the model but for its initializers, of a body whole. */
#include <string.h>

#include "base/string.h"
#include "graph/onnx/onnx.h"
#include "graph/onnx/write.h"

static void take_outer_names(or_onnx_names_of_t *self, const or_node_t *node);
static or_status_t take_own_names(or_onnx_names_of_t *self);
static or_status_t list_constants(or_onnx_names_of_t *self);
static void find_needed(or_onnx_names_of_t *self, size_t formal_count);
static void put_initializer(or_wire_writer_t *writer, or_onnx_names_of_t *names, or_value_id_t value);

or_status_t or_onnx_names_of_init(or_onnx_names_of_t *self, const or_graph_t *graph, or_onnx_names_of_t *outer,
                                  const or_node_t *node) {
  const or_allocator_t *allocator = graph->allocator;
  *self = (or_onnx_names_of_t){.outer = outer, .graph = graph, .pieces = outer != NULL ? outer->pieces : NULL};
  or_onnx_names_init(&self->taken, allocator);
  or_onnx_names_init(&self->constants, allocator);
  or_arena_init(&self->arena, allocator);
  or_status_t status = or_alloc_array(allocator, graph->value_count + 1, sizeof *self->names, (void **)&self->names);
  if (or_ok(status))
    status = or_alloc_array(allocator, graph->value_count + 1, sizeof *self->needed, (void **)&self->needed);
  if (or_ok(status))
    status = or_alloc_array(allocator, graph->value_count + 1, sizeof *self->outside, (void **)&self->outside);
  if (or_ok(status) && node != NULL) take_outer_names(self, node);
  if (or_ok(status)) find_needed(self, graph->input_count - (node != NULL ? node->captured_count : 0));
  if (or_ok(status)) status = take_own_names(self);
  return or_ok(status) ? list_constants(self) : status;
}

void or_onnx_names_of_deinit(or_onnx_names_of_t *self) {
  or_free(self->graph->allocator, self->names);
  or_free(self->graph->allocator, self->needed);
  or_free(self->graph->allocator, self->outside);
  or_onnx_names_deinit(&self->taken);
  or_onnx_names_deinit(&self->constants);
  or_arena_deinit(&self->arena);
}

/* The outermost graph around that has this very constant, and its value there; NULL: none has it. */
static or_onnx_names_of_t *find_constant(const or_onnx_names_of_t *self, const or_constant_t *constant,
                                         uint32_t *value) {
  or_onnx_names_of_t *found = NULL;
  for (or_onnx_names_of_t *around = self->outer; around != NULL; around = around->outer) {
    if (or_onnx_names_find(&around->constants, (const char *)&constant, sizeof constant, value)) found = around;
  }
  if (found != NULL) (void)or_onnx_names_find(&found->constants, (const char *)&constant, sizeof constant, value);
  return found;
}

/* What the body reads from outside: its last inputs, and constants that are of the graphs around. */
static void take_outer_names(or_onnx_names_of_t *self, const or_node_t *node) {
  const or_graph_t *graph = self->graph;
  const size_t formal_count = graph->input_count - node->captured_count;
  for (size_t v = 0; v < graph->value_count; ++v) {
    uint32_t value = 0;
    const or_constant_t *constant = graph->values[v].constant;
    or_onnx_names_of_t *around = constant != NULL ? find_constant(self, constant, &value) : NULL;
    if (around == NULL) continue;
    self->names[v] = around->names[value];
    around->needed[value] = true;
  }
  for (size_t i = 0; i < graph->input_count; ++i) {
    const or_value_id_t outside =
        i < formal_count ? OR_NO_VALUE : node->inputs[node->input_count - node->captured_count + (i - formal_count)];
    self->names[graph->inputs[i]] = outside != OR_NO_VALUE ? self->outer->names[outside] : NULL;
  }
  for (size_t v = 0; v < graph->value_count; ++v) self->outside[v] = self->names[v] != NULL;
}

static bool is_taken(const or_onnx_names_of_t *self, const char *name) {
  uint32_t value = 0;
  for (const or_onnx_names_of_t *at = self; at != NULL; at = at->outer) {
    if (or_onnx_names_find(&at->taken, name, strlen(name), &value)) return true;
  }
  return false;
}

/* `wanted`, or that with a number behind it, which no value of the graph or of those around has. */
static or_status_t make_name(or_onnx_names_of_t *self, const char *wanted, or_value_id_t value, const char **out) {
  or_text_t made;
  const char *name = wanted;
  or_text_init(&made, self->graph->allocator);
  or_status_t status = or_status_success();
  while (or_ok(status) && is_taken(self, name)) {
    or_text_clear(&made);
    status = or_text_printf(&made, "%s_%u", wanted, self->next_number++);
    name = or_text_string(&made);
  }
  if (or_ok(status) && name != wanted) status = or_arena_strndup(&self->arena, name, strlen(name), &name);
  if (or_ok(status)) status = or_onnx_names_add(&self->taken, name, strlen(name), value);
  or_text_deinit(&made);
  *out = name;
  return status;
}

static or_status_t take_own_names(or_onnx_names_of_t *self) {
  const or_graph_t *graph = self->graph;
  or_status_t status = or_status_success();
  for (or_value_id_t v = 0; or_ok(status) && v < graph->value_count; ++v) {
    if (!self->outside[v]) status = make_name(self, graph->values[v].name, v, &self->names[v]);
  }
  return status;
}

/* Those that bodies may call by the graph's name: an input's default is what a run may override. */
static or_status_t list_constants(or_onnx_names_of_t *self) {
  const or_graph_t *graph = self->graph;
  bool *given = NULL;
  or_status_t status = or_alloc_array(graph->allocator, graph->value_count, sizeof *given, (void **)&given);
  for (size_t i = 0; or_ok(status) && i < graph->input_count; ++i) given[graph->inputs[i]] = true;
  for (size_t v = 0; or_ok(status) && v < graph->value_count; ++v) {
    uint32_t known = 0;
    const or_constant_t *const *constant = &graph->values[v].constant;
    if (*constant == NULL || given[v]) continue;
    if (!or_onnx_names_find(&self->constants, (const char *)constant, sizeof *constant, &known))
      status = or_onnx_names_add(&self->constants, (const char *)constant, sizeof *constant, (uint32_t)v);
  }
  or_free(graph->allocator, given);
  return status;
}

/* An input's default must have the input's own shape in a file; one that is only broadcast to it is left out. */
static bool is_default(const or_value_info_t *value) {
  bool fits = value->constant != NULL && value->shape.rank == value->constant->shape.rank;
  for (int32_t d = 0; fits && d < value->shape.rank; ++d) fits = value->shape.dims[d] == value->constant->shape.dims[d];
  return fits;
}

static void find_needed(or_onnx_names_of_t *self, size_t formal_count) {
  const or_graph_t *graph = self->graph;
  for (size_t n = 0; n < graph->node_count; ++n) {
    for (uint32_t i = 0; i < graph->nodes[n].input_count; ++i) {
      or_value_id_t value = graph->nodes[n].inputs[i];
      if (value != OR_NO_VALUE) self->needed[value] = graph->values[value].constant != NULL;
    }
  }
  for (size_t i = 0; i < graph->output_count; ++i)
    self->needed[graph->outputs[i]] = graph->values[graph->outputs[i]].constant != NULL;
  for (size_t i = 0; i < formal_count; ++i)
    self->needed[graph->inputs[i]] = is_default(&graph->values[graph->inputs[i]]);
  for (size_t v = 0; v < graph->value_count; ++v) self->needed[v] = self->needed[v] && !self->outside[v];
}

static void put_value_infos(or_wire_writer_t *writer, or_onnx_names_of_t *names, bool *output) {
  const or_graph_t *graph = names->graph;
  for (size_t i = 0; i < graph->output_count; ++i) output[graph->outputs[i]] = true;
  for (size_t n = 0; n < graph->node_count; ++n) {
    for (uint32_t i = 0; i < graph->nodes[n].output_count; ++i) {
      or_value_id_t value = graph->nodes[n].outputs[i];
      if (value == OR_NO_VALUE || graph->values[value].dtype == OR_DTYPE_NONE || output[value]) continue;
      or_onnx_put_value_info(writer, 13, names, value, names->names[value]);
    }
  }
}

/* Readers want an output of a body to be made in it: one that is of outside gets a node. */
static void put_output(or_wire_writer_t *writer, or_onnx_names_of_t *names, or_value_id_t value) {
  const char *name = names->names[value];
  if (names->outside[value]) {
    or_wire_writer_t node;
    or_status_t status = make_name(names, names->names[value], value, &name);
    or_wire_writer_init(&node, names->graph->allocator);
    or_wire_put_text(&node, 1, names->names[value]);
    or_wire_put_text(&node, 2, name);
    or_wire_put_text(&node, 4, "Identity");
    node.status = or_status_first(status, node.status);
    or_wire_put_message(writer, 1, &node);
    or_status_ignore(or_wire_writer_deinit(&node)); /* went over with the message */
  }
  or_onnx_put_value_info(writer, 12, names, value, name);
}

static void put_inside(or_wire_writer_t *writer, or_onnx_names_of_t *names, size_t formal_count) {
  const or_graph_t *graph = names->graph;
  bool *output = NULL;
  for (size_t n = 0; n < graph->node_count; ++n) or_onnx_put_node(writer, 1, names, &graph->nodes[n]);
  or_wire_put_text(writer, 2, graph->name);
  for (size_t i = 0; i < formal_count; ++i)
    or_onnx_put_value_info(writer, 11, names, graph->inputs[i], names->names[graph->inputs[i]]);
  for (size_t i = 0; i < graph->output_count; ++i) put_output(writer, names, graph->outputs[i]);
  or_status_t status = or_alloc_array(graph->allocator, graph->value_count, sizeof *output, (void **)&output);
  if (or_ok(status)) put_value_infos(writer, names, output);
  or_free(graph->allocator, output);
  writer->status = or_status_first(writer->status, status);
}

void or_onnx_put_graph(or_wire_writer_t *writer, or_onnx_names_of_t *names) {
  put_inside(writer, names, names->graph->input_count);
}

void or_onnx_put_body(or_wire_writer_t *writer, uint32_t field, or_onnx_names_of_t *around, const or_node_t *node,
                      const or_graph_t *body) {
  or_onnx_names_of_t names;
  or_wire_writer_t message;
  or_wire_writer_init(&message, body->allocator);
  message.status = or_onnx_names_of_init(&names, body, around, node);
  if (or_ok(message.status)) put_inside(&message, &names, body->input_count - node->captured_count);
  for (size_t v = 0; or_ok(message.status) && v < body->value_count; ++v) {
    if (names.needed[v]) put_initializer(&message, &names, (or_value_id_t)v);
  }
  or_wire_put_message(writer, field, &message);
  or_status_ignore(or_wire_writer_deinit(&message)); /* went over with the message */
  or_onnx_names_of_deinit(&names);
}

static void put_initializer(or_wire_writer_t *writer, or_onnx_names_of_t *names, or_value_id_t value) {
  const or_constant_t *constant = names->graph->values[value].constant;
  or_onnx_pieces_t *pieces = names->pieces;
  or_wire_writer_t message;
  or_wire_writer_init(&message, names->graph->allocator);
  or_onnx_put_tensor_facts(&message, names->names[value], constant);
  const bool inside = pieces == NULL || pieces->location == NULL || constant->bytes <= OR_ONNX_RESIDENT_BYTES;
  if (inside || constant->dtype == OR_STRING) {
    or_onnx_put_elements(&message, constant);
  } else {
    or_status_t status = or_grow_array(pieces->allocator, pieces->count + 1, sizeof *pieces->items,
                                       (void **)&pieces->items, &pieces->capacity);
    if (or_ok(status)) pieces->items[pieces->count++] = constant;
    pieces->end = or_onnx_aligned(pieces->end);
    or_onnx_put_external(&message, pieces->location, pieces->end, constant->bytes);
    pieces->end += constant->bytes;
    message.status = or_status_first(message.status, status);
  }
  or_wire_put_message(writer, 5, &message);
  or_status_ignore(or_wire_writer_deinit(&message)); /* went over with the message */
}
