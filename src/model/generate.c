#include "model/generate.h"

#include <string.h>

#include "base/numbers.h"
#include "base/string.h"
#include "model/index_bound.h"
#include "openruntime/runtime.h"

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

static or_status_t make_static(const or_model_t *model, const or_model_value_t *input,
                               const or_model_generation_t *options, or_shape_t *shape) {
  *shape = input->shape;
  if (shape->rank == OR_RANK_UNKNOWN)
    return or_error(OR_INVALID_ARGUMENT, "input \"%s\" has no shape in the model, so none can be generated",
                    input->name);
  for (int32_t d = 0; d < shape->rank; ++d) {
    if (shape->dims[d] >= 0) continue;
    shape->dims[d] = d == 0 ? options->batch : 1;
    for (size_t i = options->dim_count; i-- > 0;) {
      if (or_model_is_dim(model, input, d, options->dims[i].name)) shape->dims[d] = options->dims[i].extent;
    }
  }
  return or_status_success();
}

static or_tensor_t *find_given(const or_model_generation_t *options, const char *name) {
  for (size_t i = 0; i < options->given_count; ++i) {
    if (strcmp(options->given[i].name, name) == 0) return options->given[i].tensor;
  }
  return NULL;
}

static or_status_t check_given(const or_model_t *model, const or_model_generation_t *options) {
  for (size_t i = 0; i < options->given_count; ++i) {
    bool known = false;
    for (size_t k = 0; k < or_model_input_count(model); ++k)
      known = known || strcmp(or_model_input(model, k)->name, options->given[i].name) == 0;
    if (!known) return or_error(OR_INVALID_ARGUMENT, "the model has no input \"%s\"", options->given[i].name);
  }
  return or_status_success();
}

static or_status_t make_input(const or_model_t *model, size_t index, or_device_t *device,
                              const or_model_generation_t *options, or_tensor_t **out) {
  const or_model_value_t *input = or_model_input(model, index);
  or_random_t random = {(uint64_t)options->seed + index};
  or_shape_t shape;
  int64_t bound = 0;
  or_status_t status = make_static(model, input, options, &shape);
  if (or_ok(status)) status = or_model_index_bound(model, index, &bound);
  if (or_ok(status)) status = or_tensor_create(device, input->dtype, shape, out);
  if (!or_ok(status)) return status;
  void *data = or_buffer_host_pointer(or_tensor_buffer(*out));
  or_random_fill(&random, input->dtype, data, (size_t)or_tensor_count(*out));
  or_model_bound_indices(bound, input->dtype, data, (size_t)or_tensor_count(*out));
  return status;
}

or_status_t or_model_generate(const or_model_t *model, or_device_t *device, const or_model_generation_t *options,
                              or_model_inputs_t *out) {
  out->count = 0;
  or_status_t status = check_given(model, options);
  for (size_t i = 0; or_ok(status) && i < or_model_input_count(model); ++i) {
    const or_model_value_t *input = or_model_input(model, i);
    or_tensor_t *tensor = find_given(options, input->name);
    if (tensor == NULL && input->optional) continue;
    if (tensor == NULL && (input->form != OR_FORM_TENSOR || input->dtype == OR_STRING))
      return or_error(OR_INVALID_ARGUMENT, "input \"%s\" is %s, which can't be generated", input->name,
                      input->form == OR_FORM_TENSOR     ? "of strings"
                      : input->form == OR_FORM_SEQUENCE ? "a sequence"
                                                        : "an optional");
    if (out->count == OR_MODEL_MAX_INPUTS)
      return or_error(OR_RESOURCE_EXHAUSTED, "more than %d inputs", OR_MODEL_MAX_INPUTS);
    if (tensor != NULL) or_tensor_retain(tensor);
    if (tensor == NULL) status = make_input(model, i, device, options, &tensor);
    if (or_ok(status)) out->items[out->count++] = (or_binding_t){.name = input->name, .tensor = tensor};
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
