/* ValueInfoProto: a name, an element type, and extents of which some have no number. */
#include <string.h>

#include "base/string.h"
#include "graph/expansion.h"
#include "graph/onnx/onnx_internal.h"

static or_status_t read_tensor_type(or_onnx_reader_t *reader, or_wire_t message, bool symbols, or_onnx_type_t *out);
static or_status_t element_of(const or_wire_field_t *field, or_wire_t *message);
static or_status_t read_shape(or_onnx_reader_t *reader, or_wire_t message, bool symbols, or_shape_t *out);
static or_status_t read_dim(or_onnx_reader_t *reader, or_wire_t message, bool symbols, int64_t *out);
static or_status_t symbol_dim(or_onnx_reader_t *reader, const or_onnx_text_t *name, int64_t *out);

or_status_t or_onnx_read_value_info(or_onnx_reader_t *reader, or_wire_t message, const char *what, bool symbols,
                                    or_onnx_value_info_t *out) {
  or_wire_field_t field;
  or_wire_t type = {.source = NULL};
  *out = (or_onnx_value_info_t){.type.shape.rank = OR_RANK_UNKNOWN};
  or_status_t status = or_status_success();
  while (or_wire_more(&message, &field, &status)) {
    switch (field.number) {
    case 1: status = or_onnx_read_text(&field, "ValueInfoProto.name", &out->name); break;
    case 2:
      status = or_wire_expect(&field, OR_WIRE_BYTES, "ValueInfoProto.type");
      type = field.bytes;
      break;
    default: break;
    }
  }
  if (or_ok(status) && out->name.length == 0) status = or_error(OR_INVALID_ARGUMENT, "it has no name");
  if (or_ok(status) && type.source != NULL) status = or_onnx_read_type(reader, type, symbols, &out->type);
  return or_status_context(status, "%s \"%s\"", what, out->name.data);
}

/* TypeProto: one of several kinds. An optional and a sequence hold another one, which may be less and less: a tensor in
 * a sequence in an optional. */
or_status_t or_onnx_read_type(or_onnx_reader_t *reader, or_wire_t message, bool symbols, or_onnx_type_t *out) {
  static const char *const kinds[] = {
      [4] = "a sequence", [5] = "a map", [7] = "opaque", [8] = "a sparse tensor", [9] = "an optional"};
  bool optional = false, sequence = false, again = true;
  or_wire_field_t field;
  or_status_t status = or_status_success();
  *out = (or_onnx_type_t){.shape.rank = OR_RANK_UNKNOWN};
  while (again) {
    again = false;
    while (or_wire_more(&message, &field, &status)) {
      if (field.number == 1) {
        status = or_wire_expect(&field, OR_WIRE_BYTES, "TypeProto.tensor_type");
        if (or_ok(status)) status = read_tensor_type(reader, field.bytes, symbols, out);
        if (!or_ok(status)) return status;
      }
      if (field.number >= sizeof kinds / sizeof *kinds || kinds[field.number] == NULL) continue;
      bool fits = (field.number == 9 && !optional && !sequence) || (field.number == 4 && !sequence);
      if (!fits && (optional || sequence))
        return or_error(OR_UNIMPLEMENTED, "its type is %s of %s, which is not supported",
                        sequence ? "a sequence" : "an optional", kinds[field.number]);
      if (!fits) return or_error(OR_UNIMPLEMENTED, "its type is %s, which is not supported", kinds[field.number]);
      optional = optional || field.number == 9;
      sequence = sequence || field.number == 4;
      again = true;
      status = element_of(&field, &message); /* what this message says beside is of no meaning */
      break;
    }
  }
  if (!or_ok(status)) return status;
  if (sequence) out->form = OR_FORM_SEQUENCE;
  if (optional) out->form = sequence ? OR_FORM_OPTIONAL_SEQUENCE : OR_FORM_OPTIONAL_TENSOR;
  if (out->dtype != OR_DTYPE_NONE || out->form == OR_FORM_TENSOR) return status;
  return or_error(OR_INVALID_ARGUMENT, "its type is %s of nothing", sequence ? "a sequence" : "an optional");
}

/* TypeProto.Sequence and TypeProto.Optional: the type of what they hold. */
static or_status_t element_of(const or_wire_field_t *outer, or_wire_t *message) {
  or_wire_field_t field;
  or_status_t status = or_wire_expect(outer, OR_WIRE_BYTES, "TypeProto.sequence_type or optional_type");
  or_wire_t inside = outer->bytes;
  *message = (or_wire_t){outer->bytes.source, outer->bytes.end, outer->bytes.end};
  while (or_wire_more(&inside, &field, &status)) {
    if (field.number != 1) continue;
    status = or_wire_expect(&field, OR_WIRE_BYTES, "elem_type");
    *message = field.bytes;
  }
  return status;
}

static or_status_t read_tensor_type(or_onnx_reader_t *reader, or_wire_t message, bool symbols, or_onnx_type_t *out) {
  or_wire_field_t field;
  int64_t number = 0;
  or_status_t status = or_status_success();
  while (or_wire_more(&message, &field, &status)) {
    switch (field.number) {
    case 1: status = or_onnx_read_int(&field, "TypeProto.Tensor.elem_type", &number); break;
    case 2:
      status = or_wire_expect(&field, OR_WIRE_BYTES, "TypeProto.Tensor.shape");
      if (or_ok(status)) status = read_shape(reader, field.bytes, symbols, &out->shape);
      break;
    default: break;
    }
  }
  return or_ok(status) ? or_onnx_dtype(number, &out->dtype) : status;
}

static or_status_t read_shape(or_onnx_reader_t *reader, or_wire_t message, bool symbols, or_shape_t *out) {
  or_wire_field_t field;
  or_status_t status = or_status_success();
  out->rank = 0;
  while (or_wire_more(&message, &field, &status)) {
    if (field.number != 1) continue;
    status = or_wire_expect(&field, OR_WIRE_BYTES, "TensorShapeProto.dim");
    if (or_ok(status) && out->rank == OR_MAX_RANK) {
      status = or_error(OR_RESOURCE_EXHAUSTED, "more than %d dimensions, the limit", OR_MAX_RANK);
    }
    if (or_ok(status)) status = read_dim(reader, field.bytes, symbols, &out->dims[out->rank++]);
  }
  return or_ok(status) ? or_onnx_check_shape(out, reader->graph->limits.tensor_elements) : status;
}

static or_status_t read_dim(or_onnx_reader_t *reader, or_wire_t message, bool symbols, int64_t *out) {
  or_wire_field_t field;
  or_onnx_text_t name = {.length = 0};
  or_status_t status = or_status_success();
  *out = OR_DIM_UNKNOWN;
  while (or_wire_more(&message, &field, &status)) {
    switch (field.number) {
    case 1:
      status = or_onnx_read_int(&field, "TensorShapeProto.Dimension.dim_value", out);
      /* -1 is no extent by the standard, but what several exporters write for one that is not known. */
      if (or_ok(status) && *out < 0 && *out != OR_DIM_UNKNOWN) {
        status =
            or_error(OR_INVALID_ARGUMENT,
                     "an extent is %lld; one that is not known yet has a name (dim_param) or nothing", (long long)*out);
      }
      break;
    case 2:
      status = or_onnx_read_text(&field, "TensorShapeProto.Dimension.dim_param", &name);
      *out = OR_DIM_UNKNOWN;
      break;
    default: break;
    }
  }
  /* "?" is what converters write for any extent, each time another one. */
  const bool named = name.length > 0 && strcmp(name.data, "?") != 0 && *out == OR_DIM_UNKNOWN;
  return or_ok(status) && symbols && named ? symbol_dim(reader, &name, out) : status;
}

static or_status_t symbol_dim(or_onnx_reader_t *reader, const or_onnx_text_t *name, int64_t *out) {
  uint32_t number = 0;
  size_t index = 0;
  or_status_t status = or_status_success();
  if (or_onnx_names_find(&reader->scope->level->symbols, name->data, name->length, &number)) {
    index = number;
  } else {
    status = or_graph_symbol(reader->graph, name->data, name->length, &index);
    if (or_ok(status))
      status = or_onnx_names_add(&reader->scope->level->symbols, reader->graph->symbols[index], name->length,
                                 (uint32_t)index);
  }
  *out = OR_DIM_SYMBOL(index);
  return status;
}

or_status_t or_onnx_dtype(int64_t number, or_dtype_t *out) {
  *out = OR_DTYPE_NONE;
  if (number <= 0) return or_error(OR_INVALID_ARGUMENT, "its element type is %lld, which is none", (long long)number);
  if (number >= OR_DTYPE_COUNT) {
    return or_error(OR_UNIMPLEMENTED, "its element type is %lld, which is not known here (the last is %d, %s)",
                    (long long)number, OR_DTYPE_COUNT - 1, or_dtype_name(OR_DTYPE_COUNT - 1));
  }
  *out = (or_dtype_t)number;
  return or_status_success();
}

or_status_t or_onnx_check_shape(const or_shape_t *shape, uint64_t max_elements) {
  char text[400];
  if (or_shape_is_within(shape, max_elements)) return or_status_success();
  return or_error(OR_RESOURCE_EXHAUSTED,
                  "shape %s has more elements than %llu, the limit: raise limits.tensor_elements",
                  or_shape_format(shape, text, sizeof text), (unsigned long long)max_elements);
}
