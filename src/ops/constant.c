#include "ops/constant.h"

#include <string.h>

#include "base/numbers.h"
#include "ops/extents.h"
#include "ops/shape.h"
#include "ops/strings.h"

/* Copies the first `bytes` bytes of a tensor attribute. */
static or_status_t read_tensor(const or_constant_t *tensor, void *out, size_t bytes) {
  if (bytes == 0) return or_status_success();
  if (tensor->data == NULL) return tensor->read(tensor, 0, out, bytes);
  memcpy(out, tensor->data, bytes);
  return or_status_success();
}

/* The one attribute that carries the value. */
static or_status_t find_value(const or_op_call_t *call, const or_attribute_t **out) {
  *out = NULL;
  for (uint32_t i = 0; i < call->node->attribute_count; ++i) {
    if (*out != NULL) {
      return or_error(OR_INVALID_ARGUMENT, "both attributes \"%s\" and \"%s\" are given; exactly one may be",
                      (*out)->name, call->node->attributes[i].name);
    }
    *out = &call->node->attributes[i];
  }
  if (*out == NULL)
    return or_error(OR_INVALID_ARGUMENT,
                    "no attribute carries the value; one of value, value_float(s), value_int(s), value_string(s) must");
  return or_status_success();
}

static or_status_t constant_infer(or_op_call_t *call) {
  or_op_tensor_t *out = &call->outputs[0];
  const or_attribute_t *value = NULL;
  or_status_t status = find_value(call, &value);
  if (!or_ok(status)) return status;
  out->shape = (or_shape_t){.rank = 0};
  switch (value->kind) {
  case OR_ATTRIBUTE_TENSOR:
    out->dtype = value->tensor->dtype;
    out->shape = value->tensor->shape;
    return or_status_success();
  case OR_ATTRIBUTE_FLOAT: out->dtype = OR_FLOAT32; return or_status_success();
  case OR_ATTRIBUTE_INT: out->dtype = OR_INT64; return or_status_success();
  case OR_ATTRIBUTE_FLOATS:
  case OR_ATTRIBUTE_INTS:
    out->dtype = value->kind == OR_ATTRIBUTE_FLOATS ? OR_FLOAT32 : OR_INT64;
    out->shape.rank = 1;
    out->shape.dims[0] = (int64_t)value->count;
    return or_status_success();
  case OR_ATTRIBUTE_STRINGS:
    out->shape.rank = 1;
    out->shape.dims[0] = (int64_t)value->count;
    break;
  default: break;
  }
  out->dtype = OR_STRING;
  return or_status_success();
}

static or_status_t constant_reference(or_op_call_t *call) {
  void *out = call->outputs[0].data;
  const or_attribute_t *value = NULL;
  or_status_t status = find_value(call, &value);
  if (!or_ok(status)) return status;
  switch (value->kind) {
  case OR_ATTRIBUTE_TENSOR: {
    uint64_t count = or_shape_product(&value->tensor->shape, 0, value->tensor->shape.rank);
    return read_tensor(value->tensor, out, or_dtype_bytes(value->tensor->dtype, count));
  }
  case OR_ATTRIBUTE_STRING: memcpy(out, &value->string, sizeof value->string); break;
  case OR_ATTRIBUTE_STRINGS:
    if (value->count > 0) memcpy(out, value->strings, value->count * sizeof *value->strings);
    break;
  case OR_ATTRIBUTE_FLOAT: memcpy(out, &value->real, sizeof value->real); break;
  case OR_ATTRIBUTE_INT: memcpy(out, &value->integer, sizeof value->integer); break;
  case OR_ATTRIBUTE_FLOATS:
    if (value->count > 0) memcpy(out, value->reals, value->count * sizeof *value->reals);
    break;
  default:
    if (value->count > 0) memcpy(out, value->integers, value->count * sizeof *value->integers);
    break;
  }
  return or_status_success();
}

static or_status_t constant_of_shape_infer(or_op_call_t *call) {
  or_op_tensor_t *out = &call->outputs[0];
  const or_attribute_t *value = or_op_attribute(call, "value");
  out->dtype = OR_FLOAT32;
  if (value != NULL) {
    uint64_t count = 0;
    if (!or_shape_count(&value->tensor->shape, &count) || count != 1) {
      return or_error(OR_INVALID_ARGUMENT, "attribute \"value\" must be a tensor of one element");
    }
    out->dtype = value->tensor->dtype;
    if (!or_dtype_is_one_of(out->dtype, OR_OP_MOVABLE)) {
      return or_error(OR_UNIMPLEMENTED, "attribute \"value\" of %s", or_dtype_name(out->dtype));
    }
  }
  or_integers_t extents;
  or_status_t status = or_integers_input(call, 0, "shape", true, &extents);
  if (or_ok(status)) status = or_shape_unknown(extents.count, &out->shape);
  for (int32_t i = 0; or_ok(status) && extents.known && i < extents.count; ++i) {
    out->shape.dims[i] = extents.values[i];
    if (extents.values[i] < 0) {
      status =
          or_error(OR_INVALID_ARGUMENT, "the shape's extent %lld at %d is negative", (long long)extents.values[i], i);
    }
  }
  return or_ok(status) ? or_shape_check_count(&out->shape) : status;
}

#define FILL_BYTES ((size_t)3 << 22) /* copied at once: whole groups of any dtype */

static or_status_t constant_of_shape_reference(or_op_call_t *call) {
  const or_op_tensor_t *out = &call->outputs[0];
  const or_attribute_t *value = or_op_attribute(call, "value");
  uint8_t element[16] = {0};
  size_t element_bytes = or_dtype_bytes(out->dtype, 1);
  if (value != NULL) {
    or_status_t status = read_tensor(value->tensor, element, element_bytes);
    if (!or_ok(status)) return status;
  }
  uint32_t bits = or_dtype_bits(out->dtype);
  if (bits < 8) { /* as many as end with a byte; the bits behind the last are not looked at */
    uint32_t code = or_bits_get(bits, element, 0), group = bits == 6 ? 4 : 8 / bits;
    for (uint32_t i = 0; i < group; ++i) or_bits_append(bits, element, i, code);
    element_bytes = group * bits / 8;
  }
  size_t bytes = or_dtype_bytes(out->dtype, or_shape_product(&out->shape, 0, out->shape.rank));
  if (bytes == 0) return or_status_success();
  if (element_bytes > bytes) element_bytes = bytes;
  memcpy(out->data, element, element_bytes);
  /* Doubles what is filled already. */
  for (size_t done = element_bytes; done < bytes;) {
    size_t run = done < bytes - done ? done : bytes - done;
    if (run > FILL_BYTES) run = FILL_BYTES;
    memcpy((char *)out->data + done, out->data, run);
    done += run;
    if (or_stops(call->stop, OR_STOP_COPIED(run))) break;
  }
  return or_status_success();
}

const or_op_t or_op_constant = {
    .domain = "",
    .name = "Constant",
    .summary = "a value written in the model",
    .since = {1, 9, 11, 12, 13, 19, 21, 23, 24, 25},
    .input_min = 0,
    .input_max = 0,
    .output_min = 1,
    .output_max = 1,
    .dtypes = OR_OP_MOVABLE | OR_OP_STRINGS,
    .attributes = {{"value", OR_ATTRIBUTE_TENSOR, false},
                   {"value_float", OR_ATTRIBUTE_FLOAT, false},
                   {"value_floats", OR_ATTRIBUTE_FLOATS, false},
                   {"value_int", OR_ATTRIBUTE_INT, false},
                   {"value_ints", OR_ATTRIBUTE_INTS, false},
                   {"value_string", OR_ATTRIBUTE_STRING, false},
                   {"value_strings", OR_ATTRIBUTE_STRINGS, false}},
    .infer = constant_infer,
    .cost = or_cost_move,
    .reference = constant_reference,
};

const or_op_t or_op_constant_of_shape = {
    .domain = "",
    .name = "ConstantOfShape",
    .summary = "one value in every place of a given shape",
    .since = {9, 20, 21, 23, 24, 25},
    .input_min = 1,
    .input_max = 1,
    .output_min = 1,
    .output_max = 1,
    .dtypes = OR_DTYPE_BIT(OR_INT64),
    .value_inputs = 1u << 0,
    .attributes = {{"value", OR_ATTRIBUTE_TENSOR, false}},
    .infer = constant_of_shape_infer,
    .cost = or_cost_move,
    .reference = constant_of_shape_reference,
};
