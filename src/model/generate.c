#include "model/generate.h"

#include <string.h>

#include "base/numbers.h"
#include "model/index_bound.h"
#include "openruntime/runtime.h"

static int64_t given_extent(const or_model_generation_t *options, const char *symbol) {
  for (size_t i = 0; i < options->dim_count; ++i) {
    if (strcmp(options->dims[i].name, symbol) == 0) return options->dims[i].extent;
  }
  return 0;
}

static or_status_t make_static(const or_model_t *model, const or_model_value_t *input,
                               const or_model_generation_t *options, or_shape_t *shape) {
  *shape = input->shape;
  if (shape->rank == OR_RANK_UNKNOWN)
    return or_error(OR_INVALID_ARGUMENT, "input \"%s\" has no shape in the model, so none can be generated",
                    input->name);
  for (int32_t d = 0; d < shape->rank; ++d) {
    int64_t extent = shape->dims[d];
    if (extent >= 0) continue;
    const char *symbol = extent < OR_DIM_UNKNOWN ? or_model_symbol(model, OR_DIM_SYMBOL_INDEX(extent)) : NULL;
    int64_t given = symbol != NULL ? given_extent(options, symbol) : 0;
    shape->dims[d] = given > 0 ? given : d == 0 ? options->batch : 1;
  }
  return or_status_success();
}

or_status_t or_model_generate(const or_model_t *model, or_device_t *device, const or_model_generation_t *options,
                              or_model_inputs_t *out) {
  or_status_t status = or_status_success();
  out->count = 0;
  for (size_t i = 0; or_ok(status) && i < or_model_input_count(model); ++i) {
    const or_model_value_t *input = or_model_input(model, i);
    or_shape_t shape;
    or_tensor_t *tensor = NULL;
    or_random_t random = {(uint64_t)options->seed + i};
    if (input->optional) continue;
    if (out->count == OR_MODEL_MAX_INPUTS)
      return or_error(OR_RESOURCE_EXHAUSTED, "more than %d inputs", OR_MODEL_MAX_INPUTS);
    int64_t bound = 0;
    status = make_static(model, input, options, &shape);
    if (or_ok(status)) status = or_model_index_bound(model, i, &bound);
    if (or_ok(status)) status = or_tensor_create(device, input->dtype, shape, &tensor);
    if (!or_ok(status)) break;
    void *data = or_buffer_host_pointer(or_tensor_buffer(tensor));
    or_random_fill(&random, input->dtype, data, (size_t)or_tensor_count(tensor));
    or_model_bound_indices(bound, input->dtype, data, (size_t)or_tensor_count(tensor));
    out->items[out->count++] = (or_binding_t){.name = input->name, .tensor = tensor};
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
