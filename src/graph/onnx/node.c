/* NodeProto: its operator first, then its values, then its attributes. */
#include <string.h>

#include "base/string.h"
#include "graph/onnx/onnx_internal.h"

static or_status_t scan_node(or_wire_t message, or_onnx_node_proto_t *out);
static or_status_t add_node(or_onnx_reader_t *reader, const or_onnx_node_proto_t *proto, const char *name,
                            const or_op_t *op, int version);
static or_status_t read_attributes(or_onnx_reader_t *reader, const or_onnx_node_proto_t *proto, or_node_t *node);

or_status_t or_onnx_read_node(or_onnx_reader_t *reader, or_wire_t message) {
  or_onnx_node_proto_t proto = {.message = message};
  const char *name = NULL;
  const or_op_t *op = NULL;
  int version = 0;
  or_status_t status = scan_node(message, &proto);
  if (or_ok(status)) status = or_onnx_name_node(reader, &proto.name, proto.type.data, &name);
  if (!or_ok(status)) return status;
  or_onnx_function_t *function = NULL;
  if (reader->function_count > 0 && or_onnx_standard_operator(reader, proto.domain.data, proto.type.data) == NULL)
    function = or_onnx_find_function(reader, &proto.domain, &proto.type, &proto.overload);
  if (function == NULL) status = or_onnx_find_operator(reader, name, proto.domain.data, proto.type.data, &op, &version);
  if (!or_ok(status)) return status;
  status = or_onnx_read_ids(reader, &proto);
  if (or_ok(status) && function != NULL) status = or_onnx_expand_call(reader, &proto, name, function);
  if (or_ok(status) && function == NULL) status = add_node(reader, &proto, name, op, version);
  if (or_ok(status)) return status;
  ++reader->told;
  return or_onnx_tells(reader)
             ? or_status_context(status, "node \"%s\" (%s)", name, op != NULL ? op->name : proto.type.data)
             : status;
}

static or_status_t add_node(or_onnx_reader_t *reader, const or_onnx_node_proto_t *proto, const char *name,
                            const or_op_t *op, int version) {
  const size_t counts[3] = {proto->input_count, proto->output_count, proto->attribute_count};
  or_node_t *node = NULL;
  if (proto->attribute_count > OR_ONNX_MAX_ATTRIBUTES) {
    return or_error(OR_RESOURCE_EXHAUSTED, "%zu attributes, more than %zu, the limit", proto->attribute_count,
                    OR_ONNX_MAX_ATTRIBUTES);
  }
  or_status_t status = or_onnx_add_node(reader, name, counts, &node);
  if (!or_ok(status)) return status;
  node->domain = op->domain; /* the catalogue's strings live for ever */
  node->op = op->name;
  node->version = version;
  node->definition = op;
  for (size_t i = 0; i < proto->input_count; ++i) ((or_value_id_t *)node->inputs)[i] = reader->ids[i];
  for (size_t i = 0; or_ok(status) && i < proto->output_count; ++i) {
    or_value_id_t id = reader->ids[proto->input_count + i];
    /* One that the operator always gives has its place, though nobody reads it. */
    if (id == OR_NO_VALUE && i < op->output_min)
      status = or_graph_add_value(reader->graph, "", 0, OR_DTYPE_NONE, NULL, &id);
    if (!or_ok(status)) break;
    ((or_value_id_t *)node->outputs)[i] = id;
    if (reader->ids[proto->input_count + i] != OR_NO_VALUE)
      status = or_onnx_add_role(reader, id, OR_ONNX_PRODUCED, NULL);
  }
  return or_ok(status) ? read_attributes(reader, proto, node) : status;
}

static or_status_t scan_node(or_wire_t message, or_onnx_node_proto_t *out) {
  or_wire_field_t field;
  or_status_t status = or_status_success();
  while (or_wire_more(&message, &field, &status)) {
    switch (field.number) {
    case 1: ++out->input_count; break;
    case 2: ++out->output_count; break;
    case 3: status = or_onnx_read_text(&field, "NodeProto.name", &out->name); break;
    case 4: status = or_onnx_read_text(&field, "NodeProto.op_type", &out->type); break;
    case 5: ++out->attribute_count; break;
    case 7: status = or_onnx_read_text(&field, "NodeProto.domain", &out->domain); break;
    case 8: status = or_onnx_read_text(&field, "NodeProto.overload", &out->overload); break;
    default: break;
    }
  }
  if (strcmp(out->domain.data, "ai.onnx") == 0) out->domain = (or_onnx_text_t){.length = 0};
  return status;
}

/* Inputs, then outputs, to reader->ids; an empty name is a value that is left out. */
or_status_t or_onnx_read_ids(or_onnx_reader_t *reader, const or_onnx_node_proto_t *proto) {
  size_t next[2] = {0, proto->input_count};
  or_wire_t message = proto->message;
  or_wire_field_t field;
  or_onnx_text_t name;
  or_status_t status = or_grow_array(reader->allocator, proto->input_count + proto->output_count, sizeof *reader->ids,
                                     (void **)&reader->ids, &reader->id_capacity);
  while (or_wire_more(&message, &field, &status)) {
    if (field.number != 1 && field.number != 2) continue;
    or_value_id_t *id = &reader->ids[next[field.number - 1]++];
    *id = OR_NO_VALUE;
    status = or_onnx_read_text(&field, field.number == 1 ? "NodeProto.input" : "NodeProto.output", &name);
    if (!or_ok(status) || name.length == 0) continue;
    status =
        field.number == 1 ? or_onnx_read_value(reader, &name, id) : or_onnx_value(reader, name.data, name.length, id);
  }
  return status;
}

/* Bodies add nodes to graphs of their own, so `node` stays where it is. They are sorted when it is known what all of
 * them read from outside. */
static or_status_t read_attributes(or_onnx_reader_t *reader, const or_onnx_node_proto_t *proto, or_node_t *node) {
  or_attribute_t *attributes = (or_attribute_t *)node->attributes; /* in this graph's arena */
  or_onnx_body_t *around = reader->bodies;
  size_t count = 0;
  or_wire_t message = proto->message;
  or_wire_field_t field;
  or_status_t status = or_status_success();
  reader->bodies = NULL;
  while (or_wire_more(&message, &field, &status)) {
    bool there = true;
    if (field.number != 5) continue;
    status = or_wire_expect(&field, OR_WIRE_BYTES, "NodeProto.attribute");
    if (or_ok(status)) status = or_onnx_read_attribute(reader, node, field.bytes, &attributes[count], &there);
    if (!there) continue;
    for (size_t i = 0; or_ok(status) && i < count; ++i) {
      if (strcmp(attributes[i].name, attributes[count].name) != 0) continue;
      status = or_error(OR_INVALID_ARGUMENT, "there are two attributes \"%s\"", attributes[i].name);
    }
    ++count;
  }
  node->attribute_count = (uint32_t)count;
  status = or_onnx_capture(reader, node, status);
  reader->bodies = around;
  return status;
}
