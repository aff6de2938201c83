#include "model/generate.h"

#include <string.h>

#include "base/numbers.h"
#include "base/string.h"
#include "model/index_bound.h"
#include "model/inputs.h"
#include "model/model_internal.h"
#include "model/value_json.h"
#include "runtime/runtime.h"

bool or_model_is_dim(const or_model_t *model, const or_model_value_t *input, int32_t d, const char *name) {
  const int64_t extent = input->shape.dims[d];
  const size_t length = strlen(input->name);
  char number[16];
  if (extent >= 0) return false;
  if (extent < OR_DIM_UNKNOWN && strcmp(or_model_symbol(model, OR_DIM_SYMBOL_INDEX(extent)), name) == 0) return true;
  or_format(number, sizeof number, ".%d", d);
  return strncmp(name, input->name, length) == 0 && strcmp(name + length, number) == 0;
}

bool or_model_has_dim(const or_model_t *model, const char *name) {
  for (size_t s = 0; s < or_model_symbol_count(model); ++s) {
    if (strcmp(or_model_symbol(model, s), name) == 0) return true;
  }
  for (size_t i = 0; i < or_model_input_count(model); ++i) {
    const or_model_value_t *input = or_model_input(model, i);
    for (int32_t d = 0; d < input->shape.rank; ++d) {
      if (or_model_is_dim(model, input, d, name)) return true;
    }
  }
  return false;
}

static void make_static(const or_model_t *model, const or_model_value_t *input, const or_model_generation_t *options,
                        or_shape_t *shape) {
  *shape = input->shape;
  for (int32_t d = 0; d < shape->rank; ++d) {
    if (shape->dims[d] >= 0) continue;
    shape->dims[d] = d == 0 ? options->batch : 1;
    for (size_t i = options->dim_count; i-- > 0;) {
      if (or_model_is_dim(model, input, d, options->dims[i].name)) shape->dims[d] = options->dims[i].extent;
    }
  }
}

static const or_binding_t *find_given(const or_model_generation_t *options, const char *name) {
  for (size_t i = 0; i < options->given_count; ++i) {
    if (strcmp(options->given[i].name, name) == 0) return &options->given[i];
  }
  return NULL;
}

static or_status_t check_given(const or_model_t *model, const or_model_generation_t *options) {
  or_status_t status = or_status_success();
  size_t index = 0;
  for (size_t i = 0; or_ok(status) && i < options->given_count; ++i)
    status = or_model_find_input(model, options->given[i].name, &index);
  return status;
}

static or_status_t make_input(const or_model_t *model, size_t index, or_device_t *device,
                              const or_model_generation_t *options, or_tensor_t **out) {
  const or_model_value_t *input = or_model_input(model, index);
  or_random_t random = {(uint64_t)options->seed + index};
  or_shape_t shape;
  int64_t bound = 0;
  or_status_t status = or_model_can_generate(model, index);
  if (!or_ok(status)) return status;
  make_static(model, input, options, &shape);
  status = or_model_index_bound(model, index, &bound);
  if (or_ok(status)) status = or_tensor_create(device, input->dtype, shape, out);
  if (!or_ok(status)) return status;
  void *data = or_buffer_host_pointer(or_tensor_buffer(*out));
  or_random_fill(&random, input->dtype, data, (size_t)or_tensor_count(*out));
  or_model_bound_indices(bound, input->dtype, data, (size_t)or_tensor_count(*out));
  return status;
}

/* In the form that the model declares. */
static or_status_t take_given(const or_model_t *model, size_t index, const or_binding_t *given, or_binding_t *out) {
  const or_value_form_t form = or_model_input(model, index)->form;
  or_door_t door;
  if (form != OR_FORM_TENSOR)
    return or_value_as(or_runtime_allocator(model->runtime), form, given->tensor, given->value, &out->value);
  or_model_door(model, &door);
  if (given->tensor == NULL) return or_door_check_given(&door, index, given->value);
  or_tensor_retain(given->tensor);
  out->tensor = given->tensor;
  return or_status_success();
}

or_status_t or_model_generate(const or_model_t *model, or_device_t *device, const or_model_generation_t *options,
                              or_model_inputs_t *out) {
  out->count = 0;
  or_status_t status = check_given(model, options);
  for (size_t i = 0; or_ok(status) && i < or_model_input_count(model); ++i) {
    const or_model_value_t *input = or_model_input(model, i);
    const or_binding_t *given = find_given(options, input->name);
    if (given == NULL && input->optional) continue;
    if (out->count == OR_MODEL_MAX_INPUTS)
      return or_error(OR_RESOURCE_EXHAUSTED, "more than %d inputs", OR_MODEL_MAX_INPUTS);
    or_binding_t binding = {.name = input->name};
    if (given == NULL) {
      status = make_input(model, i, device, options, &binding.tensor);
    } else {
      status = take_given(model, i, given, &binding);
    }
    if (or_ok(status)) out->items[out->count++] = binding;
  }
  return status;
}

void or_model_inputs_deinit(or_model_inputs_t *inputs) {
  for (size_t i = 0; i < inputs->count; ++i) {
    or_tensor_release(inputs->items[i].tensor);
    or_value_release(inputs->items[i].value);
  }
  inputs->count = 0;
}

#define MAX_EXTENTS_BYTES 400u /* in a message; what does not fit is left out */

/* ", NAME=N" of an open dimension, if no other of that name stands there. */
static void add_extent(const or_model_t *model, const or_model_value_t *input, int32_t d, int64_t extent, char *list) {
  const int64_t open = input->shape.dims[d];
  const size_t length = strlen(list);
  char item[256];
  if (open < OR_DIM_UNKNOWN) {
    or_format(item, sizeof item, ", %s=%lld", or_model_symbol(model, OR_DIM_SYMBOL_INDEX(open)), (long long)extent);
  } else {
    or_format(item, sizeof item, ", %s.%d=%lld", input->name, d, (long long)extent);
  }
  for (const char *same = strstr(list, item); same != NULL; same = strstr(same + 1, item)) {
    if (same[strlen(item)] == ',' || same[strlen(item)] == '\0') return;
  }
  if (length + strlen(item) < MAX_EXTENTS_BYTES) or_format(list + length, MAX_EXTENTS_BYTES - length, "%s", item);
}

or_status_t or_model_name_extents(or_status_t status, const or_model_t *model, const or_model_inputs_t *inputs,
                                  const char *cure) {
  char list[MAX_EXTENTS_BYTES] = "";
  if (or_status_code(status) != OR_INVALID_ARGUMENT && or_status_code(status) != OR_OUT_OF_RANGE) return status;
  for (size_t i = 0; i < inputs->count; ++i) {
    size_t index = 0;
    const or_tensor_t *tensor = inputs->items[i].tensor;
    or_status_t found = or_model_find_input(model, inputs->items[i].name, &index);
    const or_model_value_t *input = or_ok(found) ? or_model_input(model, index) : NULL;
    or_status_ignore(found); /* it was found when the inputs were made */
    if (input == NULL || tensor == NULL) continue;
    for (int32_t d = 0; d < input->shape.rank && d < or_tensor_shape(tensor)->rank; ++d) {
      if (input->shape.dims[d] < 0) add_extent(model, input, d, or_tensor_shape(tensor)->dims[d], list);
    }
  }
  if (list[0] == '\0') return status;
  or_status_t told =
      or_error(or_status_code(status), "%s; the inputs have %s: %s", or_status_message(status), list + 2, cure);
  or_status_ignore(status); /* told in the other */
  return told;
}
