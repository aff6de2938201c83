/* NodeProto: its operator first, then its values, then its attributes. */
#include <string.h>

#include "base/string.h"
#include "graph/onnx/onnx_internal.h"

typedef struct node_proto_t {
  or_wire_t message;
  or_onnx_text_t name, type, domain;
  size_t input_count, output_count, attribute_count;
} node_proto_t;

static or_status_t scan_node(or_wire_t message, node_proto_t *out);
static or_status_t name_node(or_onnx_reader_t *reader, node_proto_t *node, const char **name);
static or_status_t read_ids(or_onnx_reader_t *reader, const node_proto_t *proto);
static or_status_t read_attributes(or_onnx_reader_t *reader, const node_proto_t *proto, or_attribute_t *attributes);

or_status_t or_onnx_read_node(or_onnx_reader_t *reader, or_wire_t message) {
  or_graph_t *graph = reader->graph;
  node_proto_t proto = {.message = message};
  const char *name = NULL, *domain = NULL;
  const or_op_t *op = NULL;
  int version = 0;
  or_node_t *node = NULL;
  or_status_t status = scan_node(message, &proto);
  if (or_ok(status)) status = name_node(reader, &proto, &name);
  if (or_ok(status)) status = or_onnx_find_operator(reader, name, proto.domain.data, proto.type.data, &op, &version);
  if (!or_ok(status)) return status;
  domain = op->domain; /* the catalogue's strings live for ever */

  status = read_ids(reader, &proto);
  if (or_ok(status))
    status = or_graph_add_node(graph, name, proto.input_count, proto.output_count, proto.attribute_count, &node);
  if (or_ok(status)) {
    node->domain = domain;
    node->op = op->name;
    node->version = version;
    node->definition = op;
    for (size_t i = 0; i < proto.input_count; ++i) ((or_value_id_t *)node->inputs)[i] = reader->ids[i];
    for (size_t i = 0; i < proto.output_count; ++i) {
      ((or_value_id_t *)node->outputs)[i] = reader->ids[proto.input_count + i];
    }
    status = read_attributes(reader, &proto, (or_attribute_t *)node->attributes);
  }
  if (or_ok(status)) ++graph->file_node_count;
  return or_status_context(status, "node \"%s\" (%s)", name, op->name);
}

static or_status_t scan_node(or_wire_t message, node_proto_t *out) {
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
    default: break;
    }
  }
  if (strcmp(out->domain.data, "ai.onnx") == 0) out->domain = (or_onnx_text_t){.length = 0};
  return status;
}

/* A name that no other node has: the file's; "Conv_3" if it gives none; "conv1_3" if it gave it before. */
static or_status_t name_node(or_onnx_reader_t *reader, node_proto_t *node, const char **name) {
  uint32_t other = 0;
  uint32_t index = (uint32_t)reader->nodes.count;
  or_onnx_text_t base = node->name.length > 0 ? node->name : node->type;
  bool taken = node->name.length == 0 || or_onnx_names_find(&reader->nodes, node->name.data, node->name.length, &other);
  /* Numbers only grow, so that names made to be in the way are in the way once. */
  if (reader->next_number < index) reader->next_number = index;
  while (taken) {
    /* The end is cut off a name that is as long as may be, so that the number stays. */
    (void)or_format(node->name.data, sizeof node->name.data, "%.*s_%u", (int)(OR_ONNX_MAX_NAME_BYTES - 16), base.data,
                    reader->next_number++);
    node->name.length = strlen(node->name.data);
    taken = or_onnx_names_find(&reader->nodes, node->name.data, node->name.length, &other);
  }
  or_status_t status = or_arena_strndup(&reader->graph->arena, node->name.data, node->name.length, name);
  return or_ok(status) ? or_onnx_names_add(&reader->nodes, *name, node->name.length, index) : status;
}

/* Inputs, then outputs, to reader->ids; an empty name is a value that is left out. */
static or_status_t read_ids(or_onnx_reader_t *reader, const node_proto_t *proto) {
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
    if (or_ok(status) && name.length > 0) status = or_onnx_value(reader, &name, id);
  }
  return status;
}

static or_status_t read_attributes(or_onnx_reader_t *reader, const node_proto_t *proto, or_attribute_t *attributes) {
  size_t count = 0;
  or_wire_t message = proto->message;
  or_wire_field_t field;
  or_status_t status = or_status_success();
  if (proto->attribute_count > OR_ONNX_MAX_ATTRIBUTES) {
    return or_error(OR_RESOURCE_EXHAUSTED, "%zu attributes, more than %zu, the limit", proto->attribute_count,
                    OR_ONNX_MAX_ATTRIBUTES);
  }
  while (or_wire_more(&message, &field, &status)) {
    if (field.number != 5) continue;
    status = or_wire_expect(&field, OR_WIRE_BYTES, "NodeProto.attribute");
    if (or_ok(status)) status = or_onnx_read_attribute(reader, field.bytes, &attributes[count]);
    for (size_t i = 0; or_ok(status) && i < count; ++i) {
      if (strcmp(attributes[i].name, attributes[count].name) != 0) continue;
      status = or_error(OR_INVALID_ARGUMENT, "there are two attributes \"%s\"", attributes[i].name);
    }
    ++count;
  }
  return status;
}
