#include "model/value_file.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/string.h"
#include "graph/onnx/wire.h"
#include "graph/onnx/wire_writer.h"
#include "model/tensor_file.h"
#include "runtime/runtime.h"

#define MAX_FILE_BYTES ((size_t)4 << 30)

/* Fields of SequenceProto (repeated) and OptionalProto (one of them), and the words of elem_type. */
enum { FIELD_NAME = 1, FIELD_ELEM_TYPE = 2, FIELD_TENSOR = 3, FIELD_SEQUENCE = 5, FIELD_LAST = 7 };
enum { ELEM_TENSOR = 1, ELEM_SEQUENCE = 3 };

static or_status_t parse_sequence(or_runtime_t *runtime, or_wire_t message, or_value_t **out);
static or_status_t parse_optional(or_runtime_t *runtime, or_wire_t message, uint32_t wanted, or_value_t **out);

or_status_t or_value_file_read(or_runtime_t *runtime, const char *path, or_value_form_t form, or_value_t **out) {
  char *bytes = NULL;
  size_t length = 0;
  *out = NULL;
  or_status_t status = or_file_read(or_runtime_allocator(runtime), path, MAX_FILE_BYTES, &bytes, &length);
  if (!or_ok(status)) return status;
  status = or_value_parse(runtime, bytes, length, form, out);
  or_free(or_runtime_allocator(runtime), bytes);
  return or_status_context(status, "%s", path);
}

or_status_t or_value_parse(or_runtime_t *runtime, const void *bytes, size_t length, or_value_form_t form,
                           or_value_t **out) {
  or_wire_source_t source;
  *out = NULL;
  or_wire_source_memory(&source, bytes, length);
  if (form == OR_FORM_SEQUENCE) return parse_sequence(runtime, or_wire_all(&source), out);
  return parse_optional(runtime, or_wire_all(&source), form == OR_FORM_OPTIONAL_TENSOR ? FIELD_TENSOR : FIELD_SEQUENCE,
                        out);
}

static or_status_t read_as(or_runtime_t *runtime, const char *path, or_value_form_t form, or_tensor_t **tensor,
                           or_value_t **value) {
  return form == OR_FORM_TENSOR ? or_tensor_file_read(runtime, path, tensor)
                                : or_value_file_read(runtime, path, form, value);
}

or_status_t or_given_file_read(or_runtime_t *runtime, const char *path, or_value_form_t form, or_tensor_t **tensor,
                               or_value_t **value) {
  static const or_value_form_t forms[] = {OR_FORM_TENSOR, OR_FORM_SEQUENCE, OR_FORM_OPTIONAL_TENSOR,
                                          OR_FORM_OPTIONAL_SEQUENCE};
  *tensor = NULL;
  *value = NULL;
  if (or_string_ends_with(path, ".json")) return or_json_file_read(runtime, path, tensor, value);
  if (!or_string_ends_with(path, ".pb")) return or_tensor_file_read(runtime, path, tensor);
  or_status_t status = read_as(runtime, path, form, tensor, value);
  const or_status_code_t code = or_status_code(status);
  if (code != OR_INVALID_ARGUMENT && code != OR_DATA_LOSS && code != OR_UNIMPLEMENTED) return status;
  for (size_t i = 0; i < sizeof forms / sizeof *forms; ++i) {
    if (forms[i] == form) continue;
    or_status_t other = read_as(runtime, path, forms[i], tensor, value);
    if (or_ok(other) && (*value == NULL || or_value_count(*value) > 0)) { /* what says nothing may be anything */
      or_status_ignore(status);                                           /* it is another form */
      return other;
    }
    or_status_ignore(other); /* the first one counts: the form that is wanted */
    or_value_release(*value);
    *value = NULL;
  }
  return status;
}

static or_status_t parse_tensor(or_runtime_t *runtime, const or_wire_t *message, or_value_t **out) {
  or_tensor_t *tensor = NULL;
  or_status_t status =
      or_tensor_proto_read(runtime, message->source->memory + message->at, (size_t)or_wire_length(message), &tensor);
  if (or_ok(status)) status = or_value_from_tensor(or_runtime_allocator(runtime), tensor, out);
  or_tensor_release(tensor);
  return status;
}

/* Whether the field holds what `wanted` does; another kind of value is named. */
static or_status_t check_field(const or_wire_field_t *field, uint32_t wanted, bool *found) {
  *found = field->number == wanted;
  if (*found) return or_wire_expect(field, OR_WIRE_BYTES, "a value's element");
  const bool of_tensor = field->number > FIELD_LAST || (field->number == FIELD_NAME && field->type != OR_WIRE_BYTES);
  if (of_tensor)
    return or_error(OR_INVALID_ARGUMENT, "field %u is none of a sequence or an optional: it may be a lone tensor",
                    field->number);
  if (field->number < FIELD_TENSOR) return or_status_success(); /* name, elem_type */
  return or_error(OR_UNIMPLEMENTED, "it holds %s where the model has %s",
                  field->number == FIELD_TENSOR     ? "a tensor"
                  : field->number == FIELD_SEQUENCE ? "a sequence"
                                                    : "a sparse tensor, a map or an optional",
                  wanted == FIELD_TENSOR ? "a tensor" : "a sequence");
}

static or_status_t parse_sequence(or_runtime_t *runtime, or_wire_t message, or_value_t **out) {
  const or_allocator_t *allocator = or_runtime_allocator(runtime);
  or_value_t **elements = NULL;
  size_t count = 0, capacity = 0;
  or_wire_field_t field;
  or_status_t status = or_status_success();
  while (or_wire_more(&message, &field, &status)) {
    bool found = false;
    void *array = elements;
    status = check_field(&field, FIELD_TENSOR, &found);
    if (!or_ok(status) || !found) continue;
    if (count == OR_VALUE_FILE_MAX_ELEMENTS) {
      status = or_error(OR_OUT_OF_RANGE, "the sequence has more than %zu elements", OR_VALUE_FILE_MAX_ELEMENTS);
      continue;
    }
    status = or_grow_array(allocator, count + 1, sizeof *elements, &array, &capacity);
    elements = array;
    if (or_ok(status)) status = parse_tensor(runtime, &field.bytes, &elements[count]);
    if (or_ok(status)) ++count;
  }
  if (or_ok(status)) status = or_value_sequence(allocator, elements, count, out);
  for (size_t i = 0; i < count; ++i) or_value_release(elements[i]);
  or_free(allocator, elements);
  return status;
}

static or_status_t parse_optional(or_runtime_t *runtime, or_wire_t message, uint32_t wanted, or_value_t **out) {
  or_value_t *element = NULL;
  or_wire_field_t field;
  or_status_t status = or_status_success();
  while (or_wire_more(&message, &field, &status)) {
    bool found = false;
    status = check_field(&field, wanted, &found);
    if (!or_ok(status) || !found) continue;
    or_value_release(element); /* the last one counts, as for any field that is not repeated */
    element = NULL;
    status = wanted == FIELD_TENSOR ? parse_tensor(runtime, &field.bytes, &element)
                                    : parse_sequence(runtime, field.bytes, &element);
  }
  if (or_ok(status)) status = or_value_optional(or_runtime_allocator(runtime), element, out);
  or_value_release(element);
  return status;
}

static void put_tensor(or_runtime_t *runtime, or_wire_writer_t *writer, const or_tensor_t *tensor) {
  void *bytes = NULL;
  size_t length = 0;
  if (!or_ok(writer->status)) return;
  writer->status = or_tensor_proto_write(runtime, "", tensor, &bytes, &length);
  or_wire_put_bytes(writer, FIELD_TENSOR, bytes, length);
  or_free(or_runtime_allocator(runtime), bytes);
}

static void put_sequence(or_runtime_t *runtime, or_wire_writer_t *writer, const or_value_t *value) {
  or_wire_put_int(writer, FIELD_ELEM_TYPE, ELEM_TENSOR);
  for (size_t i = 0; i < or_value_count(value); ++i)
    put_tensor(runtime, writer, or_value_tensor(or_value_element(value, i)));
}

static void put_optional(or_runtime_t *runtime, or_wire_writer_t *writer, const or_value_t *value) {
  const or_value_t *element = or_value_element(value, 0);
  if (element == NULL) return; /* an empty one says nothing */
  bool sequence = or_value_kind(element) == OR_VALUE_SEQUENCE;
  or_wire_put_int(writer, FIELD_ELEM_TYPE, sequence ? ELEM_SEQUENCE : ELEM_TENSOR);
  if (!sequence) {
    put_tensor(runtime, writer, or_value_tensor(element));
    return;
  }
  or_wire_writer_t inner;
  or_wire_writer_init(&inner, or_runtime_allocator(runtime));
  put_sequence(runtime, &inner, element);
  or_wire_put_message(writer, FIELD_SEQUENCE, &inner);
  writer->status = or_status_first(writer->status, or_wire_writer_deinit(&inner));
}

or_status_t or_value_file_write(or_runtime_t *runtime, const char *directory, const char *name,
                                const or_value_t *value) {
  or_wire_writer_t writer;
  or_wire_writer_init(&writer, or_runtime_allocator(runtime));
  if (or_value_kind(value) == OR_VALUE_SEQUENCE) {
    put_sequence(runtime, &writer, value);
  } else {
    put_optional(runtime, &writer, value);
  }
  if (or_ok(writer.status))
    writer.status = or_proto_file_write(runtime, directory, name, writer.text.data, writer.text.length);
  return or_wire_writer_deinit(&writer);
}
