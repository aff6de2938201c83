/* NodeProto, AttributeProto, ValueInfoProto and the facts of a TensorProto. */
#include <inttypes.h>
#include <string.h>

#include "graph/onnx/write.h"

static void put_attribute(or_wire_writer_t *writer, or_onnx_names_of_t *names, const or_node_t *node,
                          const or_attribute_t *attribute);
static void put_tensor(or_wire_writer_t *writer, uint32_t field, const or_allocator_t *allocator,
                       const or_constant_t *constant);
static void put_type(or_wire_writer_t *writer, uint32_t field, const or_graph_t *graph, const or_value_info_t *value);
static void put_dim(or_wire_writer_t *writer, const or_graph_t *graph, int64_t dim);
static or_status_t check_node(const or_graph_t *graph, const or_node_t *node);

void or_onnx_put_node(or_wire_writer_t *writer, uint32_t field, or_onnx_names_of_t *names, const or_node_t *node) {
  or_wire_writer_t message;
  or_wire_writer_init(&message, names->graph->allocator);
  message.status = check_node(names->graph, node);
  for (uint32_t i = 0; i < node->input_count - node->captured_count;
       ++i) /* an empty name is a value that is left out */
    or_wire_put_text(&message, 1, node->inputs[i] == OR_NO_VALUE ? "" : names->names[node->inputs[i]]);
  for (uint32_t i = 0; i < node->output_count; ++i)
    or_wire_put_text(&message, 2, node->outputs[i] == OR_NO_VALUE ? "" : names->names[node->outputs[i]]);
  or_wire_put_text(&message, 3, node->name);
  or_wire_put_text(&message, 4, node->op);
  for (uint32_t i = 0; i < node->attribute_count; ++i) put_attribute(&message, names, node, &node->attributes[i]);
  if (node->domain[0] != '\0') or_wire_put_text(&message, 7, node->domain);
  message.status = or_status_context(message.status, "node \"%s\" (%s)", node->name, node->op);
  or_wire_put_message(writer, field, &message);
  or_status_ignore(or_wire_writer_deinit(&message)); /* went over with the message */
}

/* A function's opset may be another one than the model's, and a file has one for all. */
static or_status_t check_node(const or_graph_t *graph, const or_node_t *node) {
  if (node->part_count > 0) return or_error(OR_UNIMPLEMENTED, "it was fused; only graphs as read are written");
  const or_op_t *op = or_op_find(node->domain, node->op);
  const int opset = node->domain[0] != '\0' ? or_op_newest_opset(node->domain) : graph->opset;
  if (op == NULL || or_op_version(op, opset) == node->version) return or_status_success();
  return or_error(OR_UNIMPLEMENTED, "it is of version %d, which is not that of opset %d", node->version, opset);
}

static void put_attribute(or_wire_writer_t *writer, or_onnx_names_of_t *names, const or_node_t *node,
                          const or_attribute_t *attribute) {
  const or_graph_t *graph = names->graph;
  const or_value_info_t type = {.form = attribute->form, .dtype = attribute->dtype, .shape.rank = OR_RANK_UNKNOWN};
  or_wire_writer_t message;
  or_wire_writer_init(&message, graph->allocator);
  or_wire_put_text(&message, 1, attribute->name);
  switch (attribute->kind) {
  case OR_ATTRIBUTE_FLOAT: or_wire_put_float(&message, 2, attribute->real); break;
  case OR_ATTRIBUTE_INT: or_wire_put_int(&message, 3, attribute->integer); break;
  case OR_ATTRIBUTE_STRING: or_wire_put_bytes(&message, 4, attribute->string.data, attribute->string.length); break;
  case OR_ATTRIBUTE_TENSOR: put_tensor(&message, 5, graph->allocator, attribute->tensor); break;
  case OR_ATTRIBUTE_GRAPH: or_onnx_put_body(&message, 6, names, node, attribute->graph); break;
  case OR_ATTRIBUTE_FLOATS:
    for (size_t i = 0; i < attribute->count; ++i) or_wire_put_float(&message, 7, attribute->reals[i]);
    break;
  case OR_ATTRIBUTE_INTS:
    for (size_t i = 0; i < attribute->count; ++i) or_wire_put_int(&message, 8, attribute->integers[i]);
    break;
  case OR_ATTRIBUTE_STRINGS: or_wire_put_strings(&message, 9, attribute->strings, attribute->count); break;
  case OR_ATTRIBUTE_TYPE: put_type(&message, 14, graph, &type); break;
  case OR_ATTRIBUTE_NONE:
    message.status = or_status_first(message.status,
                                     or_error(OR_UNIMPLEMENTED, "attribute \"%s\" is of kind %d, which is not written",
                                              attribute->name, (int)attribute->kind));
    break;
  }
  or_wire_put_int(&message, 20, (int64_t)attribute->kind);
  or_wire_put_message(writer, 5, &message);
  or_status_ignore(or_wire_writer_deinit(&message)); /* went over with the message */
}

/* One with its elements inside: of an attribute. */
static void put_tensor(or_wire_writer_t *writer, uint32_t field, const or_allocator_t *allocator,
                       const or_constant_t *constant) {
  or_wire_writer_t message;
  or_wire_writer_init(&message, allocator);
  or_onnx_put_tensor_facts(&message, NULL, constant);
  or_onnx_put_elements(&message, constant);
  or_wire_put_message(writer, field, &message);
  or_status_ignore(or_wire_writer_deinit(&message)); /* went over with the message */
}

void or_onnx_put_elements(or_wire_writer_t *writer, const or_constant_t *constant) {
  const or_allocator_t *allocator = writer->text.allocator;
  void *scratch = NULL;
  size_t capacity = 0;
  const void *bytes = NULL;
  if (constant->dtype == OR_STRING) {
    or_wire_put_strings(writer, 6, constant->data, constant->bytes / sizeof(or_string_t));
    return;
  }
  or_status_t status = or_constant_bytes(constant, allocator, &scratch, &capacity, &bytes);
  if (or_ok(status)) or_wire_put_bytes(writer, 9, bytes, constant->bytes);
  writer->status = or_status_first(writer->status, status);
  or_free(allocator, scratch);
}

void or_onnx_put_tensor_facts(or_wire_writer_t *writer, const char *name, const or_constant_t *constant) {
  for (int32_t d = 0; d < constant->shape.rank; ++d) or_wire_put_int(writer, 1, constant->shape.dims[d]);
  or_wire_put_int(writer, 2, (int64_t)constant->dtype);
  if (name != NULL) or_wire_put_text(writer, 8, name);
}

void or_onnx_put_external(or_wire_writer_t *writer, const char *location, uint64_t offset, uint64_t length) {
  char text[24];
  or_onnx_put_entry(writer, 13, "location", location);
  or_onnx_put_entry(writer, 13, "offset", or_format(text, sizeof text, "%" PRIu64, offset));
  or_onnx_put_entry(writer, 13, "length", or_format(text, sizeof text, "%" PRIu64, length));
  or_wire_put_int(writer, 14, 1);
}

void or_onnx_put_entry(or_wire_writer_t *writer, uint32_t field, const char *key, const char *value) {
  or_wire_writer_t message;
  or_wire_writer_init(&message, writer->text.allocator);
  or_wire_put_text(&message, 1, key);
  or_wire_put_text(&message, 2, value);
  or_wire_put_message(writer, field, &message);
  or_status_ignore(or_wire_writer_deinit(&message)); /* went over with the message */
}

void or_onnx_put_value_info(or_wire_writer_t *writer, uint32_t field, const or_onnx_names_of_t *names,
                            or_value_id_t value, const char *name) {
  or_wire_writer_t message;
  or_wire_writer_init(&message, names->graph->allocator);
  or_wire_put_text(&message, 1, name);
  put_type(&message, 2, names->graph, &names->graph->values[value]);
  or_wire_put_message(writer, field, &message);
  or_status_ignore(or_wire_writer_deinit(&message)); /* went over with the message */
}

/* TypeProto: a tensor's, in that of a sequence, in that of an optional. */
static void put_type(or_wire_writer_t *writer, uint32_t field, const or_graph_t *graph, const or_value_info_t *value) {
  const bool sequence = value->form == OR_FORM_SEQUENCE || value->form == OR_FORM_OPTIONAL_SEQUENCE;
  const bool optional = value->form == OR_FORM_OPTIONAL_TENSOR || value->form == OR_FORM_OPTIONAL_SEQUENCE;
  or_wire_writer_t shape, type, outer;
  or_wire_writer_init(&shape, graph->allocator);
  or_wire_writer_init(&type, graph->allocator);
  or_wire_writer_init(&outer, graph->allocator);
  for (int32_t d = 0; d < value->shape.rank; ++d) put_dim(&shape, graph, value->shape.dims[d]);
  or_wire_put_int(&outer, 1, (int64_t)value->dtype);
  if (value->shape.rank != OR_RANK_UNKNOWN) or_wire_put_message(&outer, 2, &shape);
  or_wire_put_message(&type, 1, &outer);
  for (int i = 0; i < 2; ++i) {
    if (!(i == 0 ? sequence : optional)) continue;
    or_wire_put_message(&outer, 1, &type); /* elem_type */
    or_wire_put_message(&type, i == 0 ? 4 : 9, &outer);
  }
  or_wire_put_message(writer, field, &type);
  or_wire_writer_t *const done[] = {&shape, &type, &outer};
  for (size_t i = 0; i < sizeof done / sizeof *done; ++i)
    or_status_ignore(or_wire_writer_deinit(done[i])); /* went over with the message */
}

static void put_dim(or_wire_writer_t *writer, const or_graph_t *graph, int64_t dim) {
  or_wire_writer_t message;
  or_wire_writer_init(&message, writer->text.allocator);
  if (dim >= 0) or_wire_put_int(&message, 1, dim);
  if (dim < OR_DIM_UNKNOWN && OR_DIM_SYMBOL_INDEX(dim) < graph->symbol_count)
    or_wire_put_text(&message, 2, graph->symbols[OR_DIM_SYMBOL_INDEX(dim)]);
  or_wire_put_message(writer, 1, &message);
  or_status_ignore(or_wire_writer_deinit(&message)); /* went over with the message */
}

int or_onnx_ir_version(int opset) {
  static const struct { int opset, version; } table[] = {{18, 8}, {20, 9}, {22, 10}, {23, 11}, {24, 12}};
  for (size_t i = 0; i < sizeof table / sizeof *table; ++i) {
    if (opset <= table[i].opset) return table[i].version;
  }
  return 13;
}
