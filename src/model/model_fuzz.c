/* Any bytes as a model, the whole way: read, inferred, folded, prepared and run on the processor with small inputs.
 * Limits are so small that time and memory stay small. Inputs are changed by their structure (fuzz/model_mutator.c). */
#include <string.h>

#include "base/numbers.h"
#include "openruntime/session.h"
#include "runtime/runtime.h"

#define MAX_BINDINGS 16u
#define MAX_INPUT_ELEMENTS 4096u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
static or_runtime_t *the_runtime(void);
static void run(or_runtime_t *runtime, or_model_t *model, uint64_t seed);
static or_status_t make_input(or_runtime_t *runtime, const or_model_value_t *value, uint64_t seed, or_binding_t *out);
static or_status_t make_tensor(or_runtime_t *runtime, const or_model_value_t *value, uint64_t seed, or_tensor_t **out);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const or_model_options_t options = {.limits = {.file_bytes = 1 << 16,
                                                 .initializer_bytes = 1 << 20,
                                                 .nodes = 200,
                                                 .values = 2000,
                                                 .tensor_elements = 1 << 16,
                                                 .nesting = 4,
                                                 .loop_iterations = 100,
                                                 .loop_seconds = 0.05,
                                                 .string_bytes = 1 << 16}};
  or_runtime_t *runtime = the_runtime();
  or_model_t *model = NULL;
  if (runtime == NULL) return 0;
  or_status_t status = or_model_load_memory(runtime, "fuzz", data, size, &options, &model);
  or_status_ignore(status); /* what the outcome is does not matter, only that there is one */
  if (model != NULL) run(runtime, model, or_hash_bytes(data, size, 0));
  or_model_release(model);
  return 0;
}

/* One for all inputs; lives as long as the process. */
static or_runtime_t *the_runtime(void) {
  static or_runtime_t *runtime = NULL;
  or_runtime_options_t options = or_runtime_options_default();
  options.backends = "cpu";
  options.vendor_libraries = false;
  options.threads = 1;
  if (runtime == NULL) or_status_ignore(or_runtime_create(&options, &runtime));
  return runtime;
}

static void run(or_runtime_t *runtime, or_model_t *model, uint64_t seed) {
  or_binding_t inputs[MAX_BINDINGS] = {{.name = NULL}}, outputs[MAX_BINDINGS] = {{.name = NULL}};
  size_t input_count = 0, output_count = or_model_output_count(model);
  or_session_t *session = NULL;
  if (or_model_input_count(model) > MAX_BINDINGS || output_count > MAX_BINDINGS) return;
  or_status_t status = or_session_create(model, NULL, &session);
  for (size_t i = 0; or_ok(status) && i < or_model_input_count(model); ++i) {
    const or_model_value_t *value = or_model_input(model, i);
    if (value->optional && (seed >> i & 1) != 0) continue;
    inputs[input_count].name = value->name;
    status = make_input(runtime, value, seed + i, &inputs[input_count++]);
  }
  if (or_ok(status)) status = or_session_run(session, inputs, input_count, outputs, output_count);
  or_status_ignore(status);
  for (size_t i = 0; i < input_count; ++i) {
    or_tensor_release(inputs[i].tensor);
    or_value_release(inputs[i].value);
  }
  for (size_t i = 0; i < output_count; ++i) {
    or_tensor_release(outputs[i].tensor);
    or_value_release(outputs[i].value);
  }
  or_session_release(session);
}

/* A tensor, or 0 to 2 of it in a sequence, or an optional that is empty or not. */
static or_status_t make_input(or_runtime_t *runtime, const or_model_value_t *value, uint64_t seed, or_binding_t *out) {
  const or_allocator_t *allocator = or_runtime_allocator(runtime);
  or_tensor_t *tensor = NULL;
  or_value_t *element = NULL, *sequence = NULL;
  or_status_t status = make_tensor(runtime, value, seed, &tensor);
  if (!or_ok(status) || value->form == OR_FORM_TENSOR) {
    out->tensor = tensor;
    return status;
  }
  status = or_value_from_tensor(allocator, tensor, &element);
  or_tensor_release(tensor);
  or_value_t *const elements[] = {element, element};
  if (or_ok(status)) status = or_value_sequence(allocator, elements, seed % 3, &sequence);
  if (or_ok(status) && value->form == OR_FORM_SEQUENCE) {
    out->value = sequence;
    sequence = NULL;
  } else if (or_ok(status)) {
    or_value_t *held = value->form == OR_FORM_OPTIONAL_SEQUENCE ? sequence : element;
    status = or_value_optional(allocator, seed % 3 != 0 ? held : NULL, &out->value);
  }
  or_value_release(sequence);
  or_value_release(element);
  return status;
}

static or_status_t make_tensor(or_runtime_t *runtime, const or_model_value_t *value, uint64_t seed, or_tensor_t **out) {
  static const or_string_t words[] = {{"a", 1}, {"", 0}, {"b c", 3}, {"1.5", 3}};
  static _Alignas(64) uint8_t bytes[MAX_INPUT_ELEMENTS * 16];
  or_shape_t shape = value->shape;
  uint64_t count = 0;
  if (shape.rank < 0) shape = (or_shape_t){.rank = (int32_t)(seed % 4)};
  for (int32_t d = 0; d < shape.rank; ++d) {
    if (value->shape.rank < 0 || shape.dims[d] < 0) shape.dims[d] = (int64_t)((seed >> (8 + 2 * d)) & 3);
  }
  const or_dtype_t dtype = value->dtype == OR_DTYPE_NONE ? OR_FLOAT32 : value->dtype;
  if (!or_shape_count(&shape, &count) || count > MAX_INPUT_ELEMENTS)
    return or_error(OR_RESOURCE_EXHAUSTED, "more than %u elements", MAX_INPUT_ELEMENTS);
  const size_t length = or_dtype_bytes(dtype, count);
  memset(bytes, 0, sizeof bytes);
  for (uint64_t i = 0; i < count; ++i) {
    const int64_t small = (int64_t)((seed >> (i % 48)) & 7) - (seed % 5 == 0 ? 2 : 0);
    switch (dtype) {
    case OR_FLOAT32: ((float *)(void *)bytes)[i] = (float)small * 0.5F; break;
    case OR_FLOAT64: ((double *)(void *)bytes)[i] = (double)small * 0.5; break;
    case OR_INT64: ((int64_t *)(void *)bytes)[i] = small; break;
    case OR_INT32: ((int32_t *)(void *)bytes)[i] = (int32_t)small; break;
    case OR_BOOL: bytes[i] = (uint8_t)(small & 1); break;
    case OR_STRING: ((or_string_t *)(void *)bytes)[i] = words[small & 3]; break;
    default: break;
    }
  }
  const bool raw = dtype != OR_FLOAT32 && dtype != OR_FLOAT64 && dtype != OR_INT64 && dtype != OR_INT32 &&
                   dtype != OR_BOOL && dtype != OR_STRING;
  for (size_t i = 0; raw && i < length; ++i) bytes[i] = (uint8_t)((seed >> (i % 56)) & (seed % 2 != 0 ? 0xFF : 3));
  return or_tensor_create_from(or_runtime_host_device(runtime), dtype, shape, bytes, length, out);
}
