/* NodeProto, AttributeProto, ValueInfoProto and the facts of a TensorProto. */
#include <inttypes.h>
#include <string.h>

#include "graph/onnx/write.h"

static void put_attribute(or_wire_writer_t *writer, const or_graph_t *graph, const or_attribute_t *attribute);
static void put_tensor(or_wire_writer_t *writer, uint32_t field, const or_allocator_t *allocator,
                       const or_constant_t *constant);
static void put_dim(or_wire_writer_t *writer, const or_graph_t *graph, int64_t dim);
static const char *name_of(const or_graph_t *graph, or_value_id_t value);

void or_onnx_put_node(or_wire_writer_t *writer, uint32_t field, const or_graph_t *graph, const or_node_t *node) {
  or_wire_writer_t message;
  or_wire_writer_init(&message, graph->allocator);
  if (node->part_count > 0)
    message.status = or_error(OR_UNIMPLEMENTED, "node \"%s\" was fused; only graphs as read are written", node->name);
  for (uint32_t i = 0; i < node->input_count; ++i) or_wire_put_text(&message, 1, name_of(graph, node->inputs[i]));
  for (uint32_t i = 0; i < node->output_count; ++i) or_wire_put_text(&message, 2, name_of(graph, node->outputs[i]));
  or_wire_put_text(&message, 3, node->name);
  or_wire_put_text(&message, 4, node->op);
  for (uint32_t i = 0; i < node->attribute_count; ++i) put_attribute(&message, graph, &node->attributes[i]);
  if (node->domain[0] != '\0') or_wire_put_text(&message, 7, node->domain);
  message.status = or_status_context(message.status, "node \"%s\" (%s)", node->name, node->op);
  or_wire_put_message(writer, field, &message);
  or_status_ignore(or_wire_writer_deinit(&message)); /* went over with the message */
}

/* An empty name is a value that is left out. */
static const char *name_of(const or_graph_t *graph, or_value_id_t value) {
  return value == OR_NO_VALUE ? "" : graph->values[value].name;
}

static void put_attribute(or_wire_writer_t *writer, const or_graph_t *graph, const or_attribute_t *attribute) {
  or_wire_writer_t message;
  or_wire_writer_init(&message, graph->allocator);
  or_wire_put_text(&message, 1, attribute->name);
  switch (attribute->kind) {
  case OR_ATTRIBUTE_FLOAT: or_wire_put_float(&message, 2, attribute->real); break;
  case OR_ATTRIBUTE_INT: or_wire_put_int(&message, 3, attribute->integer); break;
  case OR_ATTRIBUTE_STRING: or_wire_put_bytes(&message, 4, attribute->string.data, attribute->string.length); break;
  case OR_ATTRIBUTE_TENSOR: put_tensor(&message, 5, graph->allocator, attribute->tensor); break;
  case OR_ATTRIBUTE_FLOATS:
    for (size_t i = 0; i < attribute->count; ++i) or_wire_put_float(&message, 7, attribute->reals[i]);
    break;
  case OR_ATTRIBUTE_INTS:
    for (size_t i = 0; i < attribute->count; ++i) or_wire_put_int(&message, 8, attribute->integers[i]);
    break;
  case OR_ATTRIBUTE_STRINGS:
    for (size_t i = 0; i < attribute->count; ++i)
      or_wire_put_bytes(&message, 9, attribute->strings[i].data, attribute->strings[i].length);
    break;
  case OR_ATTRIBUTE_GRAPH:
  case OR_ATTRIBUTE_TYPE:
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
  void *scratch = NULL;
  size_t capacity = 0;
  const void *bytes = NULL;
  or_wire_writer_init(&message, allocator);
  or_onnx_put_tensor_facts(&message, NULL, constant);
  or_status_t status = or_constant_bytes(constant, allocator, &scratch, &capacity, &bytes);
  if (or_ok(status)) or_wire_put_bytes(&message, 9, bytes, constant->bytes);
  message.status = or_status_first(message.status, status);
  or_free(allocator, scratch);
  or_wire_put_message(writer, field, &message);
  or_status_ignore(or_wire_writer_deinit(&message)); /* went over with the message */
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

/* TypeProto.Tensor in TypeProto in ValueInfoProto. */
void or_onnx_put_value_info(or_wire_writer_t *writer, uint32_t field, const or_graph_t *graph,
                            const or_value_info_t *value) {
  or_wire_writer_t shape, tensor, type, message;
  or_wire_writer_init(&shape, graph->allocator);
  or_wire_writer_init(&tensor, graph->allocator);
  or_wire_writer_init(&type, graph->allocator);
  or_wire_writer_init(&message, graph->allocator);
  for (int32_t d = 0; d < value->shape.rank; ++d) put_dim(&shape, graph, value->shape.dims[d]);
  or_wire_put_int(&tensor, 1, (int64_t)value->dtype);
  if (value->shape.rank != OR_RANK_UNKNOWN) or_wire_put_message(&tensor, 2, &shape);
  or_wire_put_message(&type, 1, &tensor);
  or_wire_put_text(&message, 1, value->name);
  or_wire_put_message(&message, 2, &type);
  or_wire_put_message(writer, field, &message);
  or_wire_writer_t *const done[] = {&shape, &tensor, &type, &message};
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
