/* Inference tasks: a model on a picture, on given tensors, or on generated ones. */
#include <math.h>
#include <string.h>

#include "base/numbers.h"
#include "model/find.h"
#include "model/index_bound.h"
#include "model/inputs.h"
#include "model/pool.h"
#include "model/tensor_json.h"
#include "task/task_internal.h"

#define MAX_INPUTS 128
#define BUDGET_S 0.2

/* The model with its inputs and outputs bound. */
typedef struct inference_t {
  or_model_t *model;
  or_session_t *session;
  or_model_lease_t lease; /* holds both, where there is a pool */
  or_binding_t inputs[MAX_INPUTS], outputs[MAX_INPUTS];
  size_t input_count, output_count;
  bool given; /* inputs of the caller, so that outputs are worth giving back */
  or_measurement_t time;
} inference_t;

static or_status_t load_model(or_task_run_t *run, inference_t *inference);
static or_status_t bind_inputs(or_task_run_t *run, inference_t *inference);
static or_status_t run_model(or_task_run_t *run, inference_t *inference);
static or_status_t write_result(or_task_run_t *run, inference_t *inference);

or_status_t or_task_run_inference(or_task_run_t *run) {
  inference_t inference = {0};
  or_task_progress(run, 0.0, "load");
  or_status_t status = load_model(run, &inference);
  if (or_ok(status)) status = bind_inputs(run, &inference);
  or_task_progress(run, 0.3, "run");
  if (or_ok(status)) status = run_model(run, &inference);
  if (or_ok(status)) status = or_task_note_place(run, inference.session);
  if (or_ok(status)) status = write_result(run, &inference);
  if (or_status_code(status) == OR_INVALID_ARGUMENT && inference.model != NULL && run->context->problems != NULL)
    or_task_check_inputs(run->task, run->context->tensors, run->context->tensor_count, inference.model,
                         run->context->problems);
  or_task_release_bindings(inference.inputs, inference.input_count);
  or_task_release_bindings(inference.outputs, inference.output_count);
  if (run->context->pool != NULL) {
    status = or_model_pool_hide(run->context->pool, status);
    or_model_pool_release(run->context->pool, &inference.lease);
  } else {
    or_session_release(inference.session);
    or_model_release(inference.model);
  }
  or_task_progress(run, 1.0, "done");
  return status;
}

static or_status_t acquire_model(or_task_run_t *run, inference_t *inference) {
  const or_task_parameters_t *p = &run->task->parameters;
  const or_model_request_t request = {.name = p->model,
                                      .device = run->device,
                                      .precision = p->dtype,
                                      .strict = run->task->strict_device,
                                      .cancel = run->context->cancel};
  or_status_t status = or_status_success();
  if (!run->context->here_only) {
    status = or_model_pool_acquire(run->context->pool, &request, &inference->lease);
  } else if (!or_model_pool_try(run->context->pool, &request, &inference->lease)) {
    run->result->put_off = true;
    status = or_error(OR_UNAVAILABLE, "model \"%s\" is not ready", p->model);
  }
  if (!or_ok(status)) return status;
  inference->model = inference->lease.model;
  inference->session = inference->lease.session;
  if (inference->lease.max_batch_size == 0 || p->batch_size <= inference->lease.max_batch_size) return status;
  return or_error(OR_INVALID_ARGUMENT, "batch_size is %lld; the model was loaded for at most %lld",
                  (long long)p->batch_size, (long long)inference->lease.max_batch_size);
}

static or_status_t load_model(or_task_run_t *run, inference_t *inference) {
  const or_task_context_t *context = run->context;
  if (context->pool != NULL) return acquire_model(run, inference);
  const or_model_search_t search = {.directory = context->models_directory, .allow_paths = context->allow_paths};
  or_status_t status = or_model_find(context->runtime, &search, run->task->parameters.model, &inference->model);
  if (!or_ok(status)) return status;
  or_session_options_t options = {
      .device = run->device, .precision = run->task->parameters.dtype, .strict = run->task->strict_device};
  return or_session_create(inference->model, &options, &inference->session);
}

static or_status_t bind_image(or_task_run_t *run, inference_t *inference, size_t input) {
  const or_task_parameters_t *p = &run->task->parameters;
  void *bytes = NULL;
  size_t length = 0;
  if (p->image_is_file) {
    or_tensor_t **tensor = &inference->inputs[inference->input_count].tensor;
    or_status_t read = or_model_read_image(inference->model, input, p->image, p->image_length, tensor);
    if (or_ok(read)) ++inference->input_count;
    return read;
  }
  or_status_t status = or_alloc(run->task->allocator, p->image_length / 4 * 3 + 3, &bytes);
  if (or_ok(status) && !or_base64_decode(p->image, p->image_length, bytes, &length))
    status = or_error(OR_INVALID_ARGUMENT, "data.image is not base64");
  if (or_ok(status))
    status =
        or_model_read_image(inference->model, input, bytes, length, &inference->inputs[inference->input_count].tensor);
  if (or_ok(status)) ++inference->input_count;
  or_free(run->task->allocator, bytes);
  return status;
}

/* The texts as what that input takes of them; an input that takes none is left to its default. */
static or_status_t bind_text(or_task_run_t *run, inference_t *inference, size_t input) {
  const or_task_parameters_t *p = &run->task->parameters;
  or_status_t status = or_model_encode_text(inference->model, input, p->texts, p->text_count,
                                            &inference->inputs[inference->input_count].tensor);
  if (or_ok(status)) ++inference->input_count;
  if (or_status_code(status) != OR_NOT_FOUND || !or_model_input(inference->model, input)->optional) return status;
  or_status_ignore(status); /* its default serves */
  return or_status_success();
}

/* Whole numbers that pick from a table stay within it. */
static or_status_t keep_in_table(or_task_run_t *run, const or_model_t *model, size_t input, or_tensor_t *tensor) {
  const or_dtype_t dtype = or_tensor_dtype(tensor);
  int64_t bound = 0;
  void *copy = NULL;
  const void *data = NULL;
  if (dtype != OR_INT64 && dtype != OR_INT32) return or_status_success();
  or_status_t status = or_model_index_bound(model, input, &bound);
  if (!or_ok(status) || bound == 0) return status;
  status = or_task_host_bytes(run->task->allocator, tensor, &copy, &data);
  if (or_ok(status)) or_model_bound_indices(bound, dtype, (void *)(uintptr_t)data, (size_t)or_tensor_count(tensor));
  if (or_ok(status) && copy != NULL)
    status = or_buffer_write(or_tensor_buffer(tensor), or_tensor_offset(tensor), copy, or_tensor_bytes(tensor));
  or_free(run->task->allocator, copy);
  return status;
}

/* A dimension left open becomes the batch if it is the first, else 1. */
static or_status_t generate(or_task_run_t *run, inference_t *inference, const or_model_value_t *value, size_t index) {
  const or_task_parameters_t *p = &run->task->parameters;
  or_shape_t shape = value->shape;
  or_status_t status = or_model_can_generate(inference->model, index);
  if (!or_ok(status)) return status;
  for (int32_t d = 0; d < shape.rank; ++d) {
    if (shape.dims[d] < 0) shape.dims[d] = d == 0 ? p->batch_size : 1;
  }
  status = or_task_generate(run->device, value->dtype, shape, (uint64_t)p->seed + index, run->context->cancel,
                            &inference->inputs[inference->input_count].tensor);
  if (!or_ok(status)) return status;
  return keep_in_table(run, inference->model, index, inference->inputs[inference->input_count++].tensor);
}

/* Every name that was given must be an input: a misspelt one would be generated in silence. */
static or_status_t check_names(const or_task_run_t *run, const inference_t *inference) {
  const size_t tensors = run->context->tensor_count, given = tensors + run->task->parameters.operand_count;
  or_status_t status = or_status_success();
  size_t index = 0;
  for (size_t i = 0; or_ok(status) && i < given; ++i) {
    const char *name = i < tensors ? run->context->tensors[i].name : run->task->parameters.operands[i - tensors].name;
    status = or_model_find_input(inference->model, name, &index);
  }
  return or_status_context(status, "model \"%s\"", or_model_name(inference->model));
}

static or_status_t bind_inputs(or_task_run_t *run, inference_t *inference) {
  const or_task_parameters_t *p = &run->task->parameters;
  size_t given = run->context->tensor_count + p->operand_count;
  bool image_used = p->image == NULL;
  if (or_model_input_count(inference->model) > MAX_INPUTS || or_model_output_count(inference->model) > MAX_INPUTS) {
    return or_error(OR_RESOURCE_EXHAUSTED, "model \"%s\" has %zu inputs and %zu outputs; a task can bind %d of each",
                    or_model_name(inference->model), or_model_input_count(inference->model),
                    or_model_output_count(inference->model), MAX_INPUTS);
  }
  or_status_t status = check_names(run, inference);
  for (size_t i = 0; or_ok(status) && i < or_model_input_count(inference->model); ++i) {
    const or_model_value_t *value = or_model_input(inference->model, i);
    bool found = false;
    inference->inputs[inference->input_count] = (or_binding_t){.name = value->name};
    status = or_task_bind_given(run, value, &inference->inputs[inference->input_count], &found);
    if (or_ok(status) && found) ++inference->input_count;
    if (!or_ok(status) || found) continue;
    if (p->text_count > 0) {
      status = bind_text(run, inference, i);
    } else if (!image_used) {
      status = bind_image(run, inference, i);
      image_used = true;
    } else if (given > 0 && !value->optional) {
      status = or_error(OR_INVALID_ARGUMENT, "input \"%s\" of model \"%s\" is missing", value->name,
                        or_model_name(inference->model));
    } else if (!value->optional && p->image == NULL) {
      status = generate(run, inference, value, i);
    }
  }
  if (or_ok(status) && !image_used)
    status = or_error(OR_INVALID_ARGUMENT, "the model has no input left for the picture");
  inference->given = given > 0 || p->image != NULL || p->text_count > 0;
  return status;
}

static or_status_t run_model(or_task_run_t *run, inference_t *inference) {
  inference->output_count = or_model_output_count(inference->model);
  const or_measure_options_t options = or_task_measure_options(run, BUDGET_S, inference->given);
  const or_measure_bindings_t bindings = {inference->inputs, inference->input_count, inference->outputs,
                                          inference->output_count};
  or_status_t status = or_task_measure(inference->session, &bindings, &options, &inference->time);
  run->result->here = or_ok(status) && inference->time.here;
  run->result->put_off = inference->time.put_off;
  return status;
}

/* The k best of one row of numbers, best first; equal ones by index. */
static void write_row(or_task_run_t *run, const inference_t *inference, const void *data, uint64_t row,
                      int64_t classes) {
  or_json_writer_t *json = &run->json;
  or_dtype_t dtype = or_tensor_dtype(inference->outputs[0].tensor);
  double bound = INFINITY;
  int64_t bound_index = -1;
  or_json_array_begin(json);
  for (int64_t k = 0; k < run->task->parameters.top_k && k < classes; ++k) {
    int64_t best = -1;
    double best_value = -INFINITY;
    for (int64_t c = 0; c < classes; ++c) { /* the next below the last one */
      double value = or_element_get(dtype, data, (size_t)(row * (uint64_t)classes + (uint64_t)c));
      bool below = value < bound || (value == bound && c > bound_index);
      if (below && value > best_value) {
        best = c;
        best_value = value;
      }
    }
    if (best < 0) break;
    bound = best_value;
    bound_index = best;
    or_json_object_begin(json);
    or_json_field_string(json, "label", or_model_label(inference->model, (size_t)best));
    or_json_field_int(json, "index", best);
    or_json_field_double(json, "probability", best_value);
    or_json_object_end(json);
  }
  or_json_array_end(json);
}

/* Of the first output, where the model has labels and it is a row of numbers for each item; else null. */
static or_status_t write_predictions(or_task_run_t *run, const inference_t *inference) {
  const or_allocator_t *allocator = run->task->allocator;
  const or_tensor_t *tensor = inference->outputs[0].tensor;
  void *copy = NULL;
  const void *data = NULL;
  or_json_key(&run->json, "predictions");
  bool synthetic = strcmp(or_model_weights(inference->model), "synthetic") == 0; /* such answers mean nothing */
  if (synthetic || inference->output_count == 0 || tensor == NULL || or_model_label_count(inference->model) == 0 ||
      or_tensor_shape(tensor)->rank < 1 || !or_dtype_is_float(or_tensor_dtype(tensor))) {
    or_json_null(&run->json);
    return or_status_success();
  }
  const or_shape_t *shape = or_tensor_shape(tensor);
  int64_t classes = shape->dims[shape->rank - 1];
  or_status_t status = or_task_host_bytes(allocator, tensor, &copy, &data);
  or_json_array_begin(&run->json);
  for (uint64_t row = 0; or_ok(status) && classes > 0 && row < or_tensor_count(tensor) / (uint64_t)classes; ++row)
    write_row(run, inference, data, row, classes);
  or_json_array_end(&run->json);
  or_free(allocator, copy);
  return status;
}

/* Of texts that a model of sentences has embedded; of another model null. */
static or_status_t write_similarities(or_task_run_t *run, const inference_t *inference) {
  const size_t count = run->task->parameters.text_count;
  const or_tensor_t *tensor = NULL;
  void *copy = NULL;
  const void *data = NULL;
  for (size_t i = 0; i < inference->output_count; ++i) {
    if (strcmp(or_model_output(inference->model, i)->name, "sentence_embedding") == 0)
      tensor = inference->outputs[i].tensor;
  }
  or_json_key(&run->json, "similarities");
  bool rows = tensor != NULL && or_tensor_shape(tensor)->rank == 2 &&
              or_tensor_shape(tensor)->dims[0] == (int64_t)count && or_dtype_is_float(or_tensor_dtype(tensor));
  if (!rows || strcmp(or_model_weights(inference->model), "synthetic") == 0) {
    or_json_null(&run->json);
    return or_status_success();
  }
  const size_t width = (size_t)or_tensor_shape(tensor)->dims[1];
  or_status_t status = or_task_host_bytes(run->task->allocator, tensor, &copy, &data);
  or_json_array_begin(&run->json);
  for (size_t i = 0; or_ok(status) && i < count; ++i) {
    or_json_array_begin(&run->json);
    for (size_t k = 0; k < count; ++k)
      or_json_double(&run->json, or_task_cosine(or_tensor_dtype(tensor), data, width, i, k));
    or_json_array_end(&run->json);
  }
  or_json_array_end(&run->json);
  or_free(run->task->allocator, copy);
  return status;
}

/* A name is cut where it is longer than a result's may be: no other output may have what is left. */
static or_status_t check_apart(const or_task_result_t *result, const char *name) {
  for (size_t i = 0; i < result->output_count; ++i) {
    if (strcmp(result->outputs[i].name, name) == 0)
      return or_error(OR_UNIMPLEMENTED, "two outputs have names that begin with the same %zu bytes: \"%s\"",
                      sizeof result->outputs[i].name - 1, name);
  }
  return or_status_success();
}

/* For who asked in this process: of generated inputs too. */
static or_status_t keep_outputs(or_task_run_t *run, const inference_t *inference) {
  or_status_t status = or_status_success();
  for (size_t i = 0; or_ok(status) && i < inference->output_count; ++i) {
    or_task_tensor_t output = {.tensor = inference->outputs[i].tensor, .value = inference->outputs[i].value};
    or_format(output.name, sizeof output.name, "%s", or_model_output(inference->model, i)->name);
    status = check_apart(run->result, output.name);
    if (!or_ok(status)) break;
    if (output.tensor != NULL) or_tensor_retain(output.tensor);
    if (output.value != NULL) or_value_retain(output.value);
    status = or_task_result_take(run->result, &output);
  }
  return status;
}

static or_status_t write_outputs(or_task_run_t *run, const inference_t *inference) {
  or_status_t status = or_status_success();
  or_json_key(&run->json, "outputs");
  or_json_object_begin(&run->json);
  for (size_t i = 0; or_ok(status) && i < inference->output_count; ++i) {
    const or_task_tensor_t output = {.tensor = inference->outputs[i].tensor, .value = inference->outputs[i].value};
    or_json_key(&run->json, or_model_output(inference->model, i)->name);
    status = or_task_tensor_write(run->task->allocator, &output, &run->json);
  }
  or_json_object_end(&run->json);
  return status;
}

static or_dtype_t dtype_of(const inference_t *inference, size_t output) {
  const or_tensor_t *tensor = inference->outputs[output].tensor;
  return tensor != NULL ? or_tensor_dtype(tensor) : or_model_output(inference->model, output)->dtype;
}

/* What it was asked to compute with, else the type of its first real output. */
static or_dtype_t precision_of(const or_task_run_t *run, const inference_t *inference) {
  or_dtype_t asked = run->task->parameters.dtype;
  if (asked != OR_DTYPE_NONE) return asked;
  for (size_t i = 0; i < inference->output_count; ++i) {
    or_dtype_t dtype = dtype_of(inference, i);
    if (or_dtype_is_float(dtype)) return dtype;
  }
  return inference->output_count > 0 ? dtype_of(inference, 0) : OR_FLOAT32;
}

static or_status_t write_result(or_task_run_t *run, inference_t *inference) {
  or_json_writer_t *json = &run->json;
  const or_tensor_t *first = inference->input_count > 0 ? inference->inputs[0].tensor : NULL;
  const or_shape_t *shape = first != NULL ? or_tensor_shape(first) : NULL;
  int64_t batch = shape != NULL && shape->rank > 0 ? shape->dims[0] : 1;
  double seconds = inference->time.median_s;
  run->result->throughput = (double)batch / seconds;
  or_json_field_string(json, "operation", "inference");
  or_json_field_string(json, "model", or_model_name(inference->model));
  or_json_field_int(json, "batch_size", batch);
  or_json_field_double(json, "latency_ms", seconds * 1e3);
  or_json_field_double(json, "p90_ms", inference->time.p90_s * 1e3);
  or_json_field_int(json, "runs", inference->time.runs);
  or_json_field_double(json, "throughput_fps", run->result->throughput);
  or_json_field_string(json, "device", run->result->device_used);
  or_json_field_string(json, "precision", or_dtype_name(precision_of(run, inference)));
  or_json_field_string(json, "weights", or_model_weights(inference->model));
  or_json_field_string(json, "inputs", inference->given ? "given" : "generated");
  or_status_t status = write_predictions(run, inference);
  if (or_ok(status) && run->task->parameters.text_count > 1) status = write_similarities(run, inference);
  if (or_ok(status) && (inference->given || !run->context->quick)) status = keep_outputs(run, inference);
  return or_ok(status) && inference->given ? write_outputs(run, inference) : status;
}
