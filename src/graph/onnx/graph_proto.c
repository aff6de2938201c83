/* GraphProto. Its fields may come in any order, so each kind is read in a pass of its own: what has a value by
 * itself first (initializers, inputs), then the nodes, then what is said about their results. A pass skips over what
 * it does not read. */
#include <string.h>

#include "base/string.h"
#include "graph/onnx/onnx_internal.h"

typedef or_status_t (*read_part_t)(or_onnx_reader_t *reader, or_wire_t message);
static or_status_t read_initializer(or_onnx_reader_t *reader, or_wire_t message);
static or_status_t read_input(or_onnx_reader_t *reader, or_wire_t message);
static or_status_t read_value_info(or_onnx_reader_t *reader, or_wire_t message);
static or_status_t read_output(or_onnx_reader_t *reader, or_wire_t message);
static or_status_t read_sparse(or_onnx_reader_t *reader, or_wire_t message);
static or_status_t set_constant(or_onnx_reader_t *reader, const or_onnx_text_t *name, const or_constant_t *constant);
static or_status_t read_name(or_wire_t message, or_onnx_text_t *out);
static or_status_t output_again(or_onnx_reader_t *reader, or_value_id_t *value);
static or_status_t declare(or_onnx_reader_t *reader, or_value_id_t value, const or_onnx_type_t *type);

static const struct {
  uint32_t field;
  const char *name;
  read_part_t read;
} passes[] = {
    {5, "GraphProto.initializer", read_initializer},
    {15, "GraphProto.sparse_initializer", read_sparse},
    {11, "GraphProto.input", read_input},
    {1, "GraphProto.node", or_onnx_read_node},
    {13, "GraphProto.value_info", read_value_info},
    {12, "GraphProto.output", read_output},
};

or_status_t or_onnx_read_graph(or_onnx_reader_t *reader, or_wire_t message) {
  or_status_t status = or_status_success();
  for (size_t i = 0; or_ok(status) && i < sizeof passes / sizeof *passes; ++i) {
    or_wire_t pass = message;
    or_wire_field_t field;
    while (or_wire_more(&pass, &field, &status)) {
      if (field.number != passes[i].field) continue;
      status = or_wire_expect(&field, OR_WIRE_BYTES, passes[i].name);
      if (or_ok(status)) status = passes[i].read(reader, field.bytes);
    }
  }
  if (or_ok(status) && reader->graph->output_count == 0) {
    status = or_error(OR_INVALID_ARGUMENT, "the graph has no output; the file is truncated, or nothing is computed");
  }
  return status;
}

static or_status_t read_initializer(or_onnx_reader_t *reader, or_wire_t message) {
  or_onnx_tensor_proto_t tensor = {.bytes = 0};
  or_onnx_text_t name = {.length = 0};
  const or_constant_t *constant = NULL;
  or_status_t status =
      read_name(message, &name); /* first, so that whatever is wrong with the rest can be said with it */
  if (or_ok(status)) status = or_onnx_scan_tensor(message, reader->graph->limits.tensor_elements, &tensor);
  if (or_ok(status)) status = or_onnx_count_bytes(reader, tensor.bytes);
  if (or_ok(status)) status = or_onnx_constant(reader, &tensor, &constant);
  if (or_ok(status)) status = set_constant(reader, &name, constant);
  return or_status_context(status, "initializer \"%s\"", name.data);
}

/* SparseTensorProto: the name is that of its values. */
static or_status_t read_sparse(or_onnx_reader_t *reader, or_wire_t message) {
  or_onnx_text_t name = {.length = 0};
  const or_constant_t *constant = NULL;
  or_wire_t scan = message;
  or_wire_field_t field;
  or_status_t status = or_status_success();
  while (or_wire_more(&scan, &field, &status)) {
    if (field.number == 1 && field.type == OR_WIRE_BYTES) status = read_name(field.bytes, &name);
  }
  if (or_ok(status)) status = or_onnx_sparse_constant(reader, message, &constant);
  if (or_ok(status)) status = set_constant(reader, &name, constant);
  return or_status_context(status, "sparse initializer \"%s\"", name.data);
}

/* Of a TensorProto. */
static or_status_t read_name(or_wire_t message, or_onnx_text_t *out) {
  or_wire_field_t field;
  or_status_t status = or_status_success();
  while (or_wire_more(&message, &field, &status)) {
    if (field.number == 8) status = or_onnx_read_text(&field, "TensorProto.name", out);
  }
  return status;
}

static or_status_t set_constant(or_onnx_reader_t *reader, const or_onnx_text_t *name, const or_constant_t *constant) {
  or_value_id_t value = OR_NO_VALUE;
  uint8_t before = 0;
  if (name->length == 0) return or_error(OR_INVALID_ARGUMENT, "it has no name");
  or_status_t status = or_onnx_value(reader, name->data, name->length, &value);
  if (or_ok(status)) status = or_onnx_add_role(reader, value, OR_ONNX_INITIALIZER, &before);
  if (or_ok(status) && before != 0) status = or_error(OR_INVALID_ARGUMENT, "there are two initializers of that name");
  if (!or_ok(status)) return status;
  reader->graph->weight_bytes += constant->bytes;
  reader->graph->values[value].dtype = constant->dtype;
  reader->graph->values[value].shape = constant->shape;
  reader->graph->values[value].constant = constant;
  return status;
}

/* Before version 4 of the format every initializer had to be among the inputs too, without being meant to be given;
 * since then such an input has a default. */
static or_status_t read_input(or_onnx_reader_t *reader, or_wire_t message) {
  or_graph_t *graph = reader->graph;
  or_onnx_value_info_t info;
  or_value_id_t value = OR_NO_VALUE;
  uint8_t before = 0;
  or_status_t status = or_onnx_read_value_info(reader, message, "input", true, &info);
  if (!or_ok(status)) return status;
  status = or_onnx_value(reader, info.name.data, info.name.length, &value);
  if (or_ok(status)) status = or_onnx_add_role(reader, value, OR_ONNX_INPUT, &before);
  if (!or_ok(status)) return status;
  if ((before & OR_ONNX_INPUT) != 0) status = or_error(OR_INVALID_ARGUMENT, "there are two inputs of that name");
  bool typed = reader->scope->level->depth == 0; /* those of a body get theirs from outside */
  if (or_ok(status) && typed && info.type.dtype == OR_DTYPE_NONE)
    status = or_error(OR_INVALID_ARGUMENT, "it has no type");
  or_value_info_t *slot = &graph->values[value];
  if (or_ok(status) && (before & OR_ONNX_INITIALIZER) != 0) {
    const or_shape_t *shape = &info.type.shape;
    bool fits =
        info.type.dtype == OR_DTYPE_NONE || (slot->dtype == info.type.dtype && info.type.form == OR_FORM_TENSOR);
    fits = fits && (shape->rank == OR_RANK_UNKNOWN || shape->rank == slot->shape.rank);
    for (int32_t i = 0; fits && i < shape->rank; ++i)
      fits = shape->dims[i] < 0 || shape->dims[i] == slot->shape.dims[i];
    if (!fits) status = or_error(OR_INVALID_ARGUMENT, "its type or shape differs from that of its initializer");
  }
  if (!or_ok(status)) return or_status_context(status, "input \"%s\"", info.name.data);
  if ((before & OR_ONNX_INITIALIZER) != 0 && reader->ir_version > 0 && reader->ir_version < 4) return status;
  if (info.type.dtype != OR_DTYPE_NONE) {
    slot->dtype = info.type.dtype;
    slot->form = info.type.form;
    slot->shape = info.type.shape;
  }
  return or_graph_add_input(graph, value);
}

/* What a file says of a result's extents is not believed: inference finds them, and a wrong one would end in a wrong
 * answer. Its type is compared with what the operator gives. */
static or_status_t read_value_info(or_onnx_reader_t *reader, or_wire_t message) {
  or_onnx_value_info_t info;
  uint32_t value = 0;
  or_status_t status = or_onnx_read_value_info(reader, message, "value", false, &info);
  if (!or_ok(status) || !or_onnx_names_find(&reader->scope->values, info.name.data, info.name.length, &value))
    return status;
  return or_status_context(declare(reader, value, &info.type), "value \"%s\"", info.name.data);
}

static or_status_t read_output(or_onnx_reader_t *reader, or_wire_t message) {
  or_onnx_value_info_t info;
  or_value_id_t value = OR_NO_VALUE;
  uint8_t before = 0;
  or_status_t status = or_onnx_read_value_info(reader, message, "output", false, &info);
  if (!or_ok(status)) return status;
  status = or_onnx_value(reader, info.name.data, info.name.length,
                         &value); /* one that nobody produces is refused when the graph is sorted */
  if (or_ok(status)) status = or_onnx_add_role(reader, value, OR_ONNX_OUTPUT, &before);
  if (or_ok(status) && (before & OR_ONNX_OUTPUT) != 0) status = output_again(reader, &value);
  if (or_ok(status)) status = declare(reader, value, &info.type);
  if (!or_ok(status)) return or_status_context(status, "output \"%s\"", info.name.data);
  return or_graph_add_output(reader->graph, value);
}

/* The outputs of a body go to places: one value may go to several. Those of the model have names. */
static or_status_t output_again(or_onnx_reader_t *reader, or_value_id_t *value) {
  or_value_id_t from = *value;
  or_onnx_text_t name;
  uint32_t other = 0;
  if (reader->scope->level->depth == 0) return or_error(OR_INVALID_ARGUMENT, "it is listed twice");
  const char *base = reader->graph->values[from].name;
  do {
    (void)or_format(name.data, sizeof name.data, "%.*s_%u", (int)(OR_ONNX_MAX_NAME_BYTES - 16), base,
                    reader->scope->level->next_number++);
    name.length = strlen(name.data);
  } while (or_onnx_names_find(&reader->scope->values, name.data, name.length, &other));
  or_status_t status = or_onnx_value(reader, name.data, name.length, value);
  return or_ok(status) ? or_onnx_add_identity(reader, from, *value) : status;
}

static or_status_t declare(or_onnx_reader_t *reader, or_value_id_t value, const or_onnx_type_t *type) {
  or_value_info_t *slot = &reader->graph->values[value];
  if (type->dtype == OR_DTYPE_NONE) return or_status_success();
  if (slot->dtype == OR_DTYPE_NONE) {
    slot->dtype = type->dtype;
    slot->form = type->form;
  }
  if (slot->form == type->form) {
    if (slot->dtype == type->dtype) return or_status_success();
    return or_error(OR_INVALID_ARGUMENT, "it is declared as %s here and as %s before", or_dtype_name(type->dtype),
                    or_dtype_name(slot->dtype));
  }
  return or_error(OR_INVALID_ARGUMENT, "it is declared as %s of %s here and as %s of %s before",
                  or_op_form_name(type->form), or_dtype_name(type->dtype), or_op_form_name(slot->form),
                  or_dtype_name(slot->dtype));
}
