#include "model/value_json.h"

#include "base/alloc.h"
#include "model/tensor_json.h"

static or_status_t read_tensor(const or_allocator_t *allocator, or_device_t *device, const or_json_value_t *json,
                               or_tensor_t **out);
static or_status_t read_sequence(const or_allocator_t *allocator, or_device_t *device, const or_json_value_t *json,
                                 or_value_t **out);

or_status_t or_value_json_read(const or_allocator_t *allocator, or_device_t *device, const or_json_value_t *json,
                               or_tensor_t **tensor, or_value_t **value) {
  *tensor = NULL;
  *value = NULL;
  switch (or_json_kind(json)) {
  case OR_JSON_NULL: return or_value_optional(allocator, NULL, value);
  case OR_JSON_ARRAY: return read_sequence(allocator, device, json, value);
  case OR_JSON_NUMBERS:
    return or_error(OR_INVALID_ARGUMENT, "element 0 of the sequence: a tensor is an object {shape, dtype, data}");
  default: return read_tensor(allocator, device, json, tensor);
  }
}

static or_status_t read_tensor(const or_allocator_t *allocator, or_device_t *device, const or_json_value_t *json,
                               or_tensor_t **out) {
  or_tensor_data_t data = {.data = NULL};
  or_status_t status = or_tensor_json_read(allocator, json, &data);
  if (or_ok(status)) status = or_tensor_create_from(device, data.dtype, data.shape, data.data, data.bytes, out);
  or_free(allocator, data.data);
  return status;
}

static or_status_t read_sequence(const or_allocator_t *allocator, or_device_t *device, const or_json_value_t *json,
                                 or_value_t **out) {
  const size_t count = or_json_count(json);
  void *memory = NULL;
  if (count > OR_VALUE_JSON_MAX_ELEMENTS)
    return or_error(OR_OUT_OF_RANGE, "the sequence has %zu elements; the limit is %zu", count,
                    OR_VALUE_JSON_MAX_ELEMENTS);
  or_status_t status = or_alloc_array(allocator, count + 1, sizeof(or_value_t *), &memory);
  or_value_t **elements = memory;
  size_t made = 0;
  while (or_ok(status) && made < count) {
    or_tensor_t *tensor = NULL;
    status = or_status_context(read_tensor(allocator, device, or_json_at(json, made), &tensor),
                               "element %zu of the sequence", made);
    if (or_ok(status)) status = or_value_from_tensor(allocator, tensor, &elements[made]);
    if (or_ok(status)) ++made;
    or_tensor_release(tensor);
  }
  if (or_ok(status)) status = or_value_sequence(allocator, elements, count, out);
  while (made > 0) or_value_release(elements[--made]);
  or_free(allocator, elements);
  return status;
}

/* At most three levels: an optional sequence of tensors. */
or_status_t or_value_json_write(const or_allocator_t *allocator, const or_value_t *value, or_json_writer_t *json) {
  or_status_t status = or_status_success();
  switch (or_value_kind(value)) {
  case OR_VALUE_TENSOR: return or_tensor_json_write(allocator, or_value_tensor(value), json);
  case OR_VALUE_OPTIONAL:
    if (or_value_count(value) > 0) return or_value_json_write(allocator, or_value_element(value, 0), json);
    or_json_null(json);
    return status;
  case OR_VALUE_SEQUENCE: break;
  }
  or_json_array_begin(json);
  for (size_t i = 0; or_ok(status) && i < or_value_count(value); ++i)
    status = or_value_json_write(allocator, or_value_element(value, i), json);
  or_json_array_end(json);
  return status;
}

or_status_t or_value_as(const or_allocator_t *allocator, or_value_form_t form, or_tensor_t *tensor, or_value_t *value,
                        or_value_t **out) {
  or_value_t *held = value;
  const bool optional = form == OR_FORM_OPTIONAL_TENSOR || form == OR_FORM_OPTIONAL_SEQUENCE;
  *out = NULL;
  if (value != NULL && (!optional || or_value_kind(value) == OR_VALUE_OPTIONAL)) {
    or_value_retain(value);
    *out = value;
    return or_status_success();
  }
  or_status_t status = or_status_success();
  if (value == NULL) status = or_value_from_tensor(allocator, tensor, &held);
  if (or_ok(status) && !optional) {
    *out = held;
    return status;
  }
  if (or_ok(status)) status = or_value_optional(allocator, held, out);
  if (value == NULL) or_value_release(held);
  return status;
}

uint64_t or_value_bytes(const or_value_t *value) {
  uint64_t bytes = 0;
  if (or_value_kind(value) == OR_VALUE_TENSOR) return or_tensor_bytes(or_value_tensor(value));
  for (size_t i = 0; i < or_value_count(value); ++i) bytes += or_value_bytes(or_value_element(value, i));
  return bytes;
}

const char *or_value_form_name(or_value_form_t form) {
  return form == OR_FORM_TENSOR ? "tensor" : form == OR_FORM_SEQUENCE ? "sequence" : "optional";
}
