#include "task/task.h"

#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/numbers.h"
#include "runtime/runtime.h"
#include "runtime/session.h"
#include "task/task_internal.h"

#define FLOATS (OR_TASK_DTYPE_BIT(OR_FLOAT32) | OR_TASK_DTYPE_BIT(OR_FLOAT64))
#define HALVES (OR_TASK_DTYPE_BIT(OR_FLOAT16) | OR_TASK_DTYPE_BIT(OR_BFLOAT16))

/* Every kind of task there is: parsing, help, completion and docs walk this table. */
static const or_task_kind_t kinds[] = {
    {"compute", "matrix_multiply", "C = A B", "size m n k dtype iterations seed a b", NULL, "a b", OR_FLOAT32,
     FLOATS | HALVES | OR_TASK_DTYPE_BIT(OR_INT8), 1024, 0, or_task_run_compute},
    {"compute", "vector_operations", "BLAS level 1 on long vectors", "size dtype iterations seed function alpha a b",
     "add mul axpy scale dot norm", "a b", OR_FLOAT32, FLOATS | HALVES, 16777216, 0, or_task_run_compute},
    {"compute", "memory_bandwidth", "the device's memory: bytes read and written a second",
     "size dtype iterations seed function alpha", "copy read write triad", NULL, OR_FLOAT32, FLOATS, 67108864, 0,
     or_task_run_compute},
    {"compute", "elementwise", "functions of one element", "size dtype iterations seed function a",
     "relu sigmoid tanh exp gelu sqrt", "a", OR_FLOAT32, FLOATS | HALVES, 16777216, 0, or_task_run_compute},
    {"compute", "reduce", "a [m, n] matrix along its last axis, or along `axis`",
     "size m n axis dtype iterations seed function a", "sum mean max", "a", OR_FLOAT32, FLOATS | HALVES, 4096, 0,
     or_task_run_compute},
    {"compute", "softmax", "the rows of an [m, n] matrix", "size m n dtype iterations seed a", NULL, "a", OR_FLOAT32,
     FLOATS | HALVES, 4096, 0, or_task_run_compute},
    {"compute", "transpose", "an [m, n] matrix", "size m n dtype iterations seed a", NULL, "a", OR_FLOAT32,
     FLOATS | HALVES | OR_TASK_DTYPE_BIT(OR_INT8), 4096, 0, or_task_run_compute},
    {"compute", "fft", "discrete Fourier transform of a line, or of a square matrix with `dims` 2",
     "size dims batch_size real inverse norm dtype iterations seed a", NULL, "a", OR_FLOAT32, FLOATS, 1048576, 1024,
     or_task_run_compute},
    {"compute", "convolution", "a picture of `size` x `size` and `channels`, with `filters` of `kernel` x `kernel`",
     "size channels filters kernel stride padding groups batch_size dtype iterations seed a b", NULL, "a b", OR_FLOAT32,
     FLOATS | HALVES, 56, 0, or_task_run_compute},
    {"compute", "neural_network", "two dense layers with relu between them",
     "input_size hidden_size output_size batch_size dtype iterations seed", NULL, NULL, OR_FLOAT32, FLOATS, 0, 0,
     or_task_run_network},
    {"inference", "", "a model on given or generated inputs",
     "model batch_size precision inputs image text top_k iterations seed", NULL, NULL, OR_DTYPE_NONE, 0, 0, 0,
     or_task_run_inference},
    {"kernel", "", "a kernel of a user, compiled before", "name grid block arguments", NULL, NULL, OR_DTYPE_NONE, 0, 0,
     0, or_task_run_kernel},
    {"benchmark", "compute", "matrix products over sizes and dtypes, with the share of the device's peak",
     "sizes dtypes duration", NULL, NULL, OR_FLOAT32, FLOATS | HALVES | OR_TASK_DTYPE_BIT(OR_INT8), 0, 0,
     or_task_run_benchmark},
    {"benchmark", "memory", "copy, read, write and triad over sizes", "sizes duration", NULL, NULL, OR_FLOAT32, FLOATS,
     0, 0, or_task_run_benchmark},
    {"benchmark", "ml", "networks: latency and throughput, one query after another, many, or arriving by chance",
     "models model batch_size dims precision scenario qps seed duration", NULL, NULL, OR_DTYPE_NONE, 0, 0, 0,
     or_task_run_benchmark},
    {"benchmark", "comprehensive", "matrix products, memory and networks",
     "sizes dtypes models model batch_size dims precision scenario qps seed duration", NULL, NULL, OR_DTYPE_NONE,
     FLOATS | HALVES | OR_TASK_DTYPE_BIT(OR_INT8), 0, 0, or_task_run_benchmark},
};
#define KIND_COUNT (sizeof kinds / sizeof *kinds)

const or_task_kind_t *or_task_kind_at(size_t index) { return index < KIND_COUNT ? &kinds[index] : NULL; }

const or_task_kind_t *or_task_kind_find(const char *operation, const char *type) {
  for (size_t i = 0; i < KIND_COUNT; ++i) {
    if (strcmp(kinds[i].operation, operation) == 0 && strcmp(kinds[i].type, type) == 0) return &kinds[i];
  }
  return NULL;
}

const or_task_type_info_t *or_task_type_info(size_t index) {
  static or_task_type_info_t infos[KIND_COUNT];
  if (index >= KIND_COUNT) return NULL;
  infos[index] =
      (or_task_type_info_t){kinds[index].operation, kinds[index].type, kinds[index].summary, kinds[index].parameters};
  return &infos[index];
}

void or_task_free(or_task_t *task) {
  if (task == NULL) return;
  const or_allocator_t *allocator = task->allocator;
  or_arena_deinit(&task->arena);
  or_free(allocator, task);
}

const char *or_task_operation(const or_task_t *task) { return task->operation; }
const char *or_task_type(const or_task_t *task) { return task->kind->type; }
const char *or_task_device_preference(const or_task_t *task) { return task->device_preference; }
bool or_task_strict_device(const or_task_t *task) { return task->strict_device; }
int or_task_priority(const or_task_t *task) { return task->priority; }
double or_task_timeout_s(const or_task_t *task) { return task->timeout_s; }
bool or_task_rerun_on_restart(const or_task_t *task) { return task->rerun_on_restart; }
const char *or_task_model(const or_task_t *task) { return task->parameters.model; }
const char *or_task_kernel(const or_task_t *task) {
  return task->parameters.user_kernel != NULL ? task->parameters.user_kernel->name : NULL;
}
const char *or_task_model_at(const or_task_t *task, size_t index) {
  const or_task_ml_t *ml = &task->parameters.ml;
  if (ml->model_count == 0) return index == 0 ? task->parameters.model : NULL;
  return index < ml->model_count ? ml->models[index] : NULL;
}

void or_task_result_init(or_task_result_t *result, const or_allocator_t *allocator) {
  *result = (or_task_result_t){.throughput = NAN};
  or_text_init(&result->json, allocator);
}

void or_task_result_deinit(or_task_result_t *result) {
  for (size_t i = 0; i < result->output_count; ++i) or_task_tensor_release(&result->outputs[i]);
  or_free(result->json.allocator, result->outputs);
  or_text_deinit(&result->json);
}

or_status_t or_task_result_copy(const or_task_result_t *result, const or_allocator_t *allocator,
                                or_task_result_t *out) {
  *out = *result;
  out->outputs = NULL;
  out->output_count = 0;
  or_text_init(&out->json, allocator);
  or_status_t status = or_text_append(&out->json, or_text_string(&result->json), result->json.length);
  for (size_t i = 0; or_ok(status) && i < result->output_count; ++i) {
    or_task_tensor_t output = result->outputs[i];
    if (output.tensor != NULL) or_tensor_retain(output.tensor);
    if (output.value != NULL) or_value_retain(output.value);
    status = or_task_result_take(out, &output);
  }
  if (!or_ok(status)) {
    or_task_result_deinit(out);
    or_task_result_init(out, allocator);
  }
  return status;
}

or_status_t or_task_result_add(or_task_result_t *result, const char *name, or_tensor_t *tensor) {
  or_task_tensor_t output = {.tensor = tensor};
  or_format(output.name, sizeof output.name, "%s", name);
  return or_task_result_take(result, &output);
}

or_status_t or_task_result_take(or_task_result_t *result, or_task_tensor_t *output) {
  size_t capacity = result->output_count;
  void *array = result->outputs;
  or_status_t status =
      or_grow_array(result->json.allocator, result->output_count + 1, sizeof *result->outputs, &array, &capacity);
  if (!or_ok(status)) {
    or_task_tensor_release(output);
    return status;
  }
  result->outputs = array;
  result->outputs[result->output_count++] = *output;
  return status;
}

#define RESULT_BYTES ((size_t)448) /* of most results, as JSON */

/* The device by the caller's word or the task's preference; a preference that can't be had falls back, visibly, unless
   it is strict. */
static or_status_t choose_device(or_task_run_t *run) {
  const or_task_context_t *context = run->context;
  run->device = context->device;
  if (run->device != NULL) return or_status_success();
  or_status_t status = or_runtime_find_device(context->runtime, run->task->device_preference, &run->device);
  if (or_ok(status) || run->task->strict_device || or_status_code(status) != OR_NOT_FOUND) return status;
  or_format(run->result->fallback_reason, sizeof run->result->fallback_reason, "%s", or_status_message(status));
  or_status_ignore(status); /* the reason is in the result, and strict_device would have made it an error */
  return or_runtime_find_device(context->runtime, "auto", &run->device);
}

or_status_t or_task_execute(const or_task_t *task, const or_task_context_t *context, or_task_result_t *result) {
  or_task_run_t run = {.task = task, .context = context, .result = result};
  int64_t start_ns = or_clock_ns();
  or_status_t status = choose_device(&run);
  if (!or_ok(status)) return status;
  or_format(result->device_used, sizeof result->device_used, "%s", or_device_facts(run.device)->id);
  if (strcmp(task->operation, "mlx_compute") == 0 && strcmp(or_device_facts(run.device)->type, "mlx") != 0 &&
      result->fallback_reason[0] == '\0') {
    or_format(result->fallback_reason, sizeof result->fallback_reason, "no MLX device here; %s is the next best",
              result->device_used);
  }
  or_device_reset_memory_peak(run.device);
  or_json_begin(&run.json, &result->json, 0);
  status = or_text_reserve(&result->json, RESULT_BYTES);
  or_json_object_begin(&run.json);
  if (or_ok(status)) status = task->kind->run(&run);
  or_json_object_end(&run.json);
  or_status_t written = or_json_finish(&run.json);
  result->execution_time_s = (double)(or_clock_ns() - start_ns) * 1e-9;
  or_task_note_peak(&run);
  return or_status_first(status, written);
}

void or_task_note_peak(const or_task_run_t *run) {
  if (run->result->memory_peak_bytes == 0)
    run->result->memory_peak_bytes = or_device_memory_usage(run->device).peak_bytes;
}

or_status_t or_task_note_place(or_task_run_t *run, or_session_t *session) {
  const or_session_place_t place = or_session_place(session);
  or_device_t *host = or_runtime_host_device(run->context->runtime);
  or_task_result_t *result = run->result;
  if (place.elsewhere[0] != '\0' && run->task->strict_device && run->device != host)
    return or_error(OR_FAILED_PRECONDITION, "strict: %s", place.elsewhere);
  if (result->fallback_reason[0] == '\0')
    or_format(result->fallback_reason, sizeof result->fallback_reason, "%s", place.elsewhere);
  run->worked = place.share > 0 || host == NULL ? run->device : host;
  run->device_worked = run->device_worked || run->worked == run->device;
  or_format(result->device_used, sizeof result->device_used, "%s",
            or_device_facts(run->device_worked ? run->device : run->worked)->id);
  return or_status_success();
}

void or_task_progress(const or_task_run_t *run, double fraction, const char *what) {
  if (run->context->progress != NULL) run->context->progress(run->context->progress_self, fraction, what);
}
