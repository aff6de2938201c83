/* AttributeProto: a name, a kind, and the one field that belongs to the kind. */
#include <string.h>

#include "graph/onnx/onnx_internal.h"

typedef struct attribute_proto_t {
  or_wire_t message;
  const or_node_t *node; /* whose it is */
  or_onnx_text_t name, reference;
  int64_t kind;
  bool has_kind;
  uint64_t counts[24]; /* by field number: numbers or parts in the field */
} attribute_proto_t;

/* Field of AttributeProto that holds the value, by kind (AttributeProto.AttributeType); 0: a kind that is refused. */
static const uint8_t field_of_kind[] = {0, 2, 3, 4, 5, 6, 7, 8, 9, 0, 0, 22, 0, 14};
#define SPARSE_TENSOR 11 /* AttributeProto.SPARSE_TENSOR, which a graph has none of */

static or_status_t scan_attribute(attribute_proto_t *proto);
static or_status_t follow_reference(or_onnx_reader_t *reader, attribute_proto_t *proto, bool *there);
static or_status_t find_kind(attribute_proto_t *proto, or_attribute_kind_t *kind);
static or_status_t read_value(or_onnx_reader_t *reader, const attribute_proto_t *proto, or_attribute_t *out);
static or_status_t make_room(or_onnx_reader_t *reader, size_t count, or_attribute_t *out);
static or_status_t read_field(or_onnx_reader_t *reader, const or_wire_field_t *field, size_t *index,
                              or_attribute_t *out);
static or_status_t read_string(or_onnx_reader_t *reader, const or_wire_field_t *field, or_string_t *out);
static or_status_t read_numbers(const or_wire_field_t *field, size_t *index, or_attribute_t *out);
static float float_of(uint64_t bits);

or_status_t or_onnx_read_attribute(or_onnx_reader_t *reader, const or_node_t *node, or_wire_t message,
                                   or_attribute_t *out, bool *there) {
  attribute_proto_t proto = {.message = message, .node = node};
  *out = (or_attribute_t){.name = ""};
  *there = true;
  or_status_t status = scan_attribute(&proto);
  if (or_ok(status) && proto.name.length == 0) status = or_error(OR_INVALID_ARGUMENT, "it has no name");
  if (or_ok(status)) status = or_arena_strndup(&reader->graph->arena, proto.name.data, proto.name.length, &out->name);
  if (or_ok(status) && proto.reference.length > 0) status = follow_reference(reader, &proto, there);
  if (or_ok(status) && *there) status = find_kind(&proto, &out->kind);
  if (or_ok(status) && *there) status = read_value(reader, &proto, out);
  return or_ok(status) || !or_onnx_tells(reader) ? status : or_status_context(status, "attribute \"%s\"", out->name);
}

/* What the function's call gives takes the place of the attribute, but for its name. */
static or_status_t follow_reference(or_onnx_reader_t *reader, attribute_proto_t *proto, bool *there) {
  const int64_t kind = proto->has_kind ? proto->kind : 0;
  attribute_proto_t *given = NULL;
  or_wire_t message = {.source = NULL};
  or_status_t status = or_onnx_find_binding(reader, &proto->reference, &message, there);
  if (!or_ok(status) || !*there) return status;
  status = or_alloc_zeroed(reader->allocator, sizeof *given, (void **)&given);
  if (!or_ok(status)) return status;
  *given = (attribute_proto_t){.message = message, .node = proto->node};
  status = scan_attribute(given);
  or_attribute_kind_t found = OR_ATTRIBUTE_NONE;
  if (or_ok(status)) status = find_kind(given, &found);
  if (or_ok(status) && kind != 0 && kind != (int64_t)found)
    status = or_error(OR_INVALID_ARGUMENT, "it refers to \"%s\", which is of kind %d there, expected %lld",
                      proto->reference.data, (int)found, (long long)kind);
  if (or_ok(status) && found == OR_ATTRIBUTE_GRAPH)
    status = or_error(OR_UNIMPLEMENTED, "it refers to \"%s\": graphs as attributes of functions are not supported",
                      proto->reference.data);
  if (or_ok(status)) *proto = *given;
  or_free(reader->allocator, given);
  return status;
}

static or_status_t scan_attribute(attribute_proto_t *proto) {
  or_wire_t message = proto->message;
  or_wire_field_t field;
  or_status_t status = or_status_success();
  while (or_wire_more(&message, &field, &status)) {
    uint64_t count = 1;
    switch (field.number) {
    case 1: status = or_onnx_read_text(&field, "AttributeProto.name", &proto->name); break;
    case 2: status = or_wire_expect(&field, OR_WIRE_FIXED32, "AttributeProto.f"); break;
    case 3: status = or_wire_expect(&field, OR_WIRE_VARINT, "AttributeProto.i"); break;
    case 4: status = or_wire_expect(&field, OR_WIRE_BYTES, "AttributeProto.s"); break;
    case 5: status = or_wire_expect(&field, OR_WIRE_BYTES, "AttributeProto.t"); break;
    case 6: status = or_wire_expect(&field, OR_WIRE_BYTES, "AttributeProto.g"); break;
    case 7: status = or_wire_count(&field, OR_WIRE_FIXED32, "AttributeProto.floats", &count); break;
    case 8: status = or_wire_count(&field, OR_WIRE_VARINT, "AttributeProto.ints", &count); break;
    case 9: status = or_wire_expect(&field, OR_WIRE_BYTES, "AttributeProto.strings"); break;
    case 14: status = or_wire_expect(&field, OR_WIRE_BYTES, "AttributeProto.tp"); break;
    case 22: status = or_wire_expect(&field, OR_WIRE_BYTES, "AttributeProto.sparse_tensor"); break;
    case 20:
      status = or_onnx_read_int(&field, "AttributeProto.type", &proto->kind);
      proto->has_kind = true;
      break;
    case 21: status = or_onnx_read_text(&field, "AttributeProto.ref_attr_name", &proto->reference); break;
    default: break;
    }
    if (field.number < sizeof proto->counts / sizeof *proto->counts) proto->counts[field.number] += count;
  }
  return status;
}

/* The kind that is given, or (before version 2 of the format) the one whose field is there. */
static or_status_t find_kind(attribute_proto_t *proto, or_attribute_kind_t *kind) {
  static const char *const refused[] = {[9] = "tensors", [10] = "graphs", [12] = "sparse tensors", [14] = "types"};
  if (!proto->has_kind || proto->kind == 0) {
    static const struct {
      uint8_t field, kind;
    } kinds[] = {{2, 1}, {3, 2},  {4, 3},   {5, 4},   {6, 5},   {7, 6},   {8, 7},
                 {9, 8}, {10, 9}, {11, 10}, {22, 11}, {23, 12}, {14, 13}, {15, 14}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds && proto->kind == 0; ++i) {
      if (proto->counts[kinds[i].field] > 0) proto->kind = kinds[i].kind;
    }
    if (proto->kind == 0) return or_error(OR_INVALID_ARGUMENT, "it has neither a kind nor a value");
  }
  if (proto->kind > 0 && (uint64_t)proto->kind < sizeof refused / sizeof *refused && refused[proto->kind] != NULL) {
    return or_error(OR_UNIMPLEMENTED, "it holds %s, which is not supported", refused[proto->kind]);
  }
  if (proto->kind < 0 || (uint64_t)proto->kind >= sizeof field_of_kind) {
    return or_error(OR_INVALID_ARGUMENT, "its kind is %lld, which is none", (long long)proto->kind);
  }
  *kind = (or_attribute_kind_t)proto->kind;
  for (uint32_t field = 2; field <= 9; ++field) {
    if (proto->counts[field] == 0 || field == field_of_kind[proto->kind]) continue;
    return or_error(OR_INVALID_ARGUMENT, "its kind is %lld, and it holds a value of another one (field %u)",
                    (long long)proto->kind, field);
  }
  return or_status_success();
}

static bool takes_graph(const or_op_t *op, const char *name) {
  for (size_t i = 0; i < OR_OP_MAX_ATTRIBUTES && op->attributes[i].name != NULL; ++i) {
    if (strcmp(op->attributes[i].name, name) == 0) return op->attributes[i].kind == OR_ATTRIBUTE_GRAPH;
  }
  return false;
}

static or_status_t read_value(or_onnx_reader_t *reader, const attribute_proto_t *proto, or_attribute_t *out) {
  uint32_t wanted = field_of_kind[out->kind];
  size_t index = 0;
  or_wire_t message = proto->message;
  or_wire_field_t field;
  if (out->kind == OR_ATTRIBUTE_TENSOR && proto->counts[wanted] == 0)
    return or_error(OR_INVALID_ARGUMENT, "it has no tensor");
  if ((int)out->kind == SPARSE_TENSOR &&
      (strcmp(proto->node->op, "Constant") != 0 || strcmp(out->name, "sparse_value") != 0))
    return or_error(OR_UNIMPLEMENTED, "it holds a sparse tensor, which only Constant may have, as sparse_value");
  if (((int)out->kind == SPARSE_TENSOR || out->kind == OR_ATTRIBUTE_TYPE) && proto->counts[wanted] != 1)
    return or_error(OR_INVALID_ARGUMENT, "it has %llu values, expected one", (unsigned long long)proto->counts[wanted]);
  if (out->kind == OR_ATTRIBUTE_GRAPH && !takes_graph(proto->node->definition, out->name))
    return or_error(OR_INVALID_ARGUMENT, "it is a graph, and %s has none of that name", proto->node->op);
  if (out->kind == OR_ATTRIBUTE_GRAPH && proto->counts[wanted] != 1)
    return or_error(OR_INVALID_ARGUMENT, "it has %llu graphs, expected one", (unsigned long long)proto->counts[wanted]);
  out->string.data = "";
  or_status_t status = make_room(reader, (size_t)proto->counts[wanted], out);
  while (or_wire_more(&message, &field, &status)) {
    if (field.number != wanted) continue;
    status = out->kind == OR_ATTRIBUTE_GRAPH
                 ? or_onnx_read_body(reader, proto->node->name, proto->name.data, field.bytes, &out->graph)
                 : read_field(reader, &field, &index, out);
  }
  if ((int)out->kind == SPARSE_TENSOR) { /* dense now */
    out->kind = OR_ATTRIBUTE_TENSOR;
    out->name = "value";
  }
  return status;
}

static or_status_t make_room(or_onnx_reader_t *reader, size_t count, or_attribute_t *out) {
  size_t bytes = 0;
  void *memory = NULL;
  switch (out->kind) {
  case OR_ATTRIBUTE_FLOATS: bytes = sizeof(float); break;
  case OR_ATTRIBUTE_INTS: bytes = sizeof(int64_t); break;
  case OR_ATTRIBUTE_STRINGS: bytes = sizeof(or_string_t); break;
  default: return or_status_success();
  }
  or_status_t status = or_arena_array(&reader->graph->arena, count, bytes, &memory);
  if (!or_ok(status)) return status;
  out->count = count;
  if (out->kind == OR_ATTRIBUTE_FLOATS) out->reals = memory;
  if (out->kind == OR_ATTRIBUTE_INTS) out->integers = memory;
  if (out->kind == OR_ATTRIBUTE_STRINGS) out->strings = memory;
  return status;
}

static or_status_t read_field(or_onnx_reader_t *reader, const or_wire_field_t *field, size_t *index,
                              or_attribute_t *out) {
  or_onnx_tensor_proto_t tensor;
  or_onnx_type_t type;
  or_status_t status = or_status_success();
  switch ((int)out->kind) {
  case SPARSE_TENSOR: return or_onnx_sparse_constant(reader, field->bytes, &out->tensor);
  case OR_ATTRIBUTE_TYPE:
    status = or_onnx_read_type(reader, field->bytes, false, &type);
    out->form = type.form;
    out->dtype = type.dtype;
    return status;
  case OR_ATTRIBUTE_FLOAT: out->real = float_of(field->value); return status;
  case OR_ATTRIBUTE_INT: out->integer = (int64_t)field->value; return status;
  case OR_ATTRIBUTE_STRING: return read_string(reader, field, &out->string);
  case OR_ATTRIBUTE_TENSOR:
    status = or_onnx_scan_tensor(field->bytes, reader->graph->limits.tensor_elements, &tensor);
    return or_ok(status) ? or_onnx_constant(reader, &tensor, &out->tensor) : status;
  case OR_ATTRIBUTE_STRINGS: return read_string(reader, field, &((or_string_t *)out->strings)[(*index)++]);
  default: return read_numbers(field, index, out);
  }
}

static or_status_t read_string(or_onnx_reader_t *reader, const or_wire_field_t *field, or_string_t *out) {
  void *memory = NULL;
  uint64_t length = or_wire_length(&field->bytes);
  if (length >= SIZE_MAX)
    return or_error(OR_RESOURCE_EXHAUSTED, "%llu bytes exceed the address space", (unsigned long long)length);
  or_status_t status = or_arena_alloc(&reader->graph->arena, (size_t)length, &memory);
  if (or_ok(status)) status = or_wire_copy(&field->bytes, memory);
  if (or_ok(status)) *out = (or_string_t){memory, (size_t)length};
  return status;
}

static or_status_t read_numbers(const or_wire_field_t *field, size_t *index, or_attribute_t *out) {
  bool floats = out->kind == OR_ATTRIBUTE_FLOATS, more = true;
  uint64_t value = 0;
  or_wire_numbers_t numbers = or_wire_numbers(field, floats ? OR_WIRE_FIXED32 : OR_WIRE_VARINT);
  for (;;) {
    or_status_t status = or_wire_numbers_next(&numbers, &value, &more);
    if (!or_ok(status) || !more) return status;
    /* As many as were counted, unless the file was changed in between. */
    if (*index == out->count) return or_error(OR_DATA_LOSS, "it has more numbers than before; the file was changed");
    if (floats) ((float *)out->reals)[(*index)++] = float_of(value);
    if (!floats) ((int64_t *)out->integers)[(*index)++] = (int64_t)value;
  }
}

static float float_of(uint64_t bits) {
  uint32_t low = (uint32_t)bits;
  float value = 0;
  memcpy(&value, &low, sizeof value);
  return value;
}
