/* A call of a function becomes the function's nodes, in the graph where the call stands: its inputs and outputs are
 * those of the call, every other name is made anew, and references to attributes are looked up at the call. */
#include <string.h>

#include "base/string.h"
#include "graph/onnx/onnx_internal.h"

/* An output of the function that is an input of it, or another output, too. */
typedef struct passed_t {
  or_value_id_t from, to;
} passed_t;

typedef struct expansion_t {
  or_onnx_call_t call;
  or_onnx_scope_t scope;
  or_value_id_t *ids; /* inputs, then outputs, at the call */
  size_t input_count, output_count;
  passed_t *passed;
  size_t passed_count, passed_capacity;
} expansion_t;

static or_status_t check_size(or_onnx_reader_t *reader, const or_onnx_function_t *function);
static or_status_t count_expanded(or_onnx_reader_t *reader, uint64_t bytes);
static or_status_t bind_values(or_onnx_reader_t *reader, expansion_t *self);
static or_status_t bind_value(or_onnx_reader_t *reader, expansion_t *self, const or_onnx_text_t *name, bool output,
                              size_t index);
static or_status_t bind_attributes(or_onnx_reader_t *reader, const or_onnx_node_proto_t *proto, expansion_t *self);
static or_status_t read_nodes(or_onnx_reader_t *reader, expansion_t *self);

or_status_t or_onnx_expand_call(or_onnx_reader_t *reader, const or_onnx_node_proto_t *proto, const char *name,
                                or_onnx_function_t *function) {
  expansion_t *self = NULL;
  or_status_t status = check_size(reader, function);
  if (or_ok(status)) status = or_alloc_zeroed(reader->allocator, sizeof *self, (void **)&self);
  if (!or_ok(status)) return status;
  self->call.function = function;
  (void)or_format(self->call.prefix, sizeof self->call.prefix, "%s", name);
  or_utf8_repair(self->call.prefix, strlen(self->call.prefix), true);
  or_onnx_scope_init(reader, &self->scope, reader->scope->level);
  self->scope.call = &self->call;
  self->scope.is_function = true;
  self->input_count = proto->input_count;
  self->output_count = proto->output_count;
  const size_t count = proto->input_count + proto->output_count;
  status = or_alloc_array(reader->allocator, count, sizeof *self->ids, (void **)&self->ids);
  if (or_ok(status) && count > 0) memcpy(self->ids, reader->ids, count * sizeof *self->ids);
  if (or_ok(status)) status = bind_values(reader, self);
  if (or_ok(status)) status = bind_attributes(reader, proto, self);
  or_onnx_scope_t *before = or_onnx_enter(reader, &self->scope);
  if (or_ok(status)) status = read_nodes(reader, self);
  for (size_t i = 0; or_ok(status) && i < self->passed_count; ++i)
    status = or_onnx_add_identity(reader, self->passed[i].from, self->passed[i].to);
  (void)or_onnx_enter(reader, before);
  or_onnx_scope_deinit(&self->scope);
  or_free(reader->allocator, self->call.bindings);
  or_free(reader->allocator, self->passed);
  or_free(reader->allocator, self->ids);
  or_free(reader->allocator, self);
  return status;
}

/* A call in a function was counted with the function. */
static or_status_t check_size(or_onnx_reader_t *reader, const or_onnx_function_t *function) {
  const uint32_t limit = reader->root->limits.nodes;
  if (reader->scope->call != NULL) return or_status_success();
  or_status_t status = or_onnx_measure_function(reader, (or_onnx_function_t *)function);
  if (!or_ok(status)) return status;
  if (reader->node_count + function->nodes > limit || function->nodes > limit) {
    return or_error(
        OR_RESOURCE_EXHAUSTED,
        "function \"%s\" becomes %llu%s nodes and calls here, with the %llu before it more than %u, the limit: "
        "raise limits.nodes",
        function->name, (unsigned long long)function->nodes, function->nodes == UINT64_MAX ? " or more" : "",
        (unsigned long long)reader->node_count, limit);
  }
  return or_status_context(count_expanded(reader, function->bytes), "function \"%s\"", function->name);
}

/* A model is not to grow beyond what a file may have that holds all of it without functions. */
static or_status_t count_expanded(or_onnx_reader_t *reader, uint64_t bytes) {
  const uint64_t limit = reader->root->limits.file_bytes;
  if (bytes > limit - reader->expanded_bytes) {
    return or_error(OR_RESOURCE_EXHAUSTED,
                    "%llu bytes of the file, and the %llu that functions became before, are more than %llu, the limit: "
                    "raise limits.file_bytes",
                    (unsigned long long)bytes, (unsigned long long)reader->expanded_bytes, (unsigned long long)limit);
  }
  reader->expanded_bytes += bytes;
  return or_status_success();
}

static or_status_t bind_values(or_onnx_reader_t *reader, expansion_t *self) {
  or_wire_t message = self->call.function->message;
  size_t counts[2] = {0, 0};
  or_status_t status = or_status_success();
  for (int output = 0; output < 2; ++output) { /* whatever order they are in: an output may be an input */
    or_wire_t pass = message;
    or_wire_field_t field;
    or_onnx_text_t name;
    while (or_wire_more(&pass, &field, &status)) {
      if (field.number != (output ? 5U : 4U)) continue;
      status = or_onnx_read_text(&field, output ? "FunctionProto.output" : "FunctionProto.input", &name);
      if (or_ok(status)) status = bind_value(reader, self, &name, output != 0, counts[output]);
      ++counts[output];
    }
  }
  if (!or_ok(status) || (self->input_count <= counts[0] && self->output_count <= counts[1])) return status;
  return or_error(OR_INVALID_ARGUMENT,
                  "the call has %zu inputs and %zu outputs, and function \"%s\" has %zu and %zu at most",
                  self->input_count, self->output_count, self->call.function->name, counts[0], counts[1]);
}

static or_status_t bind_value(or_onnx_reader_t *reader, expansion_t *self, const or_onnx_text_t *name, bool output,
                              size_t index) {
  or_value_id_t id = OR_NO_VALUE, known = OR_NO_VALUE;
  const char *key = NULL;
  if (index < (output ? self->output_count : self->input_count))
    id = self->ids[index + (output ? self->input_count : 0)];
  bool taken = or_onnx_names_find(&self->scope.values, name->data, name->length, &known);
  if (taken && !output) return or_error(OR_INVALID_ARGUMENT, "there are two inputs \"%s\" of the function", name->data);
  if (output && id == OR_NO_VALUE) return or_status_success(); /* a value of the function's own */
  or_status_t status = output ? or_onnx_add_role(reader, id, OR_ONNX_PRODUCED, NULL) : or_status_success();
  if (!or_ok(status)) return status;
  if (taken) {
    if (known == OR_NO_VALUE)
      return or_error(OR_INVALID_ARGUMENT, "output %zu is the function's input \"%s\", which the call leaves out",
                      index, name->data);
    status = or_grow_array(reader->allocator, self->passed_count + 1, sizeof *self->passed, (void **)&self->passed,
                           &self->passed_capacity);
    if (or_ok(status)) self->passed[self->passed_count++] = (passed_t){known, id};
    return status;
  }
  status = or_arena_strndup(&self->scope.names, name->data, name->length, &key);
  return or_ok(status) ? or_onnx_names_add(&self->scope.values, key, name->length, id) : status;
}

/* The name of an AttributeProto, and what it refers to. */
static or_status_t read_names(or_wire_t message, or_onnx_text_t *name, or_onnx_text_t *reference) {
  or_wire_field_t field;
  or_status_t status = or_status_success();
  name->length = reference->length = 0;
  while (or_wire_more(&message, &field, &status)) {
    if (field.number == 1) status = or_onnx_read_text(&field, "AttributeProto.name", name);
    if (field.number == 21) status = or_onnx_read_text(&field, "AttributeProto.ref_attr_name", reference);
  }
  return status;
}

/* An attribute of the call may itself refer to one of the function in which the call stands. */
static or_status_t bind_attributes(or_onnx_reader_t *reader, const or_onnx_node_proto_t *proto, expansion_t *self) {
  or_wire_t message = proto->message;
  or_onnx_text_t name, reference;
  or_wire_field_t field;
  or_status_t status = or_status_success();
  while (or_wire_more(&message, &field, &status)) {
    bool there = true;
    if (field.number != 5) continue;
    status = or_wire_expect(&field, OR_WIRE_BYTES, "NodeProto.attribute");
    if (or_ok(status)) status = read_names(field.bytes, &name, &reference);
    or_wire_t value = field.bytes;
    if (or_ok(status) && reference.length > 0) status = or_onnx_find_binding(reader, &reference, &value, &there);
    if (!or_ok(status) || !there) continue;
    if (self->call.binding_count == OR_ONNX_MAX_ATTRIBUTES)
      return or_error(OR_RESOURCE_EXHAUSTED, "more than %zu attributes, the limit", OR_ONNX_MAX_ATTRIBUTES);
    status = or_grow_array(reader->allocator, self->call.binding_count + 1, sizeof *self->call.bindings,
                           (void **)&self->call.bindings, &self->call.binding_capacity);
    if (!or_ok(status)) break;
    or_onnx_binding_t *binding = &self->call.bindings[self->call.binding_count];
    binding->message = value;
    status = or_arena_strndup(&self->scope.names, name.data, name.length, &binding->name);
    for (size_t i = 0; or_ok(status) && i < self->call.binding_count; ++i) {
      if (strcmp(self->call.bindings[i].name, binding->name) == 0)
        status = or_error(OR_INVALID_ARGUMENT, "there are two attributes \"%s\"", binding->name);
    }
    ++self->call.binding_count;
  }
  return status;
}

static or_status_t read_nodes(or_onnx_reader_t *reader, expansion_t *self) {
  or_wire_t message = self->call.function->message;
  or_wire_field_t field;
  or_status_t status = or_status_success();
  while (or_wire_more(&message, &field, &status)) {
    if (field.number != 7) continue;
    status = or_wire_expect(&field, OR_WIRE_BYTES, "FunctionProto.node");
    if (or_ok(status)) status = or_onnx_read_node(reader, field.bytes);
  }
  return status;
}

or_status_t or_onnx_find_binding(or_onnx_reader_t *reader, const or_onnx_text_t *reference, or_wire_t *out,
                                 bool *there) {
  const or_onnx_call_t *call = reader->scope->call;
  *there = true;
  if (call == NULL) {
    return or_error(OR_INVALID_ARGUMENT, "it refers to \"%s\" of a function, and this node is in none",
                    reference->data);
  }
  for (size_t i = 0; i < call->binding_count; ++i) {
    if (strcmp(call->bindings[i].name, reference->data) != 0) continue;
    *out = call->bindings[i].message;
    return count_expanded(reader, or_wire_length(out));
  }
  or_onnx_text_t name, other;
  or_wire_t message = call->function->message;
  or_wire_field_t field;
  or_status_t status = or_status_success();
  bool declared = false;
  while (or_wire_more(&message, &field, &status)) {
    if (field.number == 6) {
      status = or_onnx_read_text(&field, "FunctionProto.attribute", &name);
      declared = declared || (or_ok(status) && strcmp(name.data, reference->data) == 0);
    } else if (field.number == 11) {
      status = or_wire_expect(&field, OR_WIRE_BYTES, "FunctionProto.attribute_proto");
      if (or_ok(status)) status = read_names(field.bytes, &name, &other);
      if (!or_ok(status) || strcmp(name.data, reference->data) != 0) continue;
      *out = field.bytes;
      return other.length > 0 ? or_error(OR_INVALID_ARGUMENT, "the default of \"%s\" is a reference", name.data)
                              : count_expanded(reader, or_wire_length(out));
    }
  }
  *there = false;
  if (!or_ok(status) || declared) return status;
  return or_error(OR_INVALID_ARGUMENT, "it refers to \"%s\", which function \"%s\" does not have", reference->data,
                  call->function->name);
}
