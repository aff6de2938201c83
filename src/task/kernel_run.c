/* A kernel's task, carried out: in a worker process, from the arguments to the outputs. */
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "runtime/runtime.h"
#include "task/kernel_launch.h"
#include "task/kernel_launch_internal.h"

/* What is left of the task's time; the library's own bound holds besides. */
static uint32_t time_left_ms(const or_cancel_t *cancel) {
  const int64_t deadline_ns = cancel != NULL ? atomic_load(&cancel->deadline_ns) : INT64_MAX;
  if (deadline_ns == INT64_MAX) return 0;
  const int64_t left_ms = (deadline_ns - or_clock_ns()) / 1000000;
  return left_ms < 1 ? 1 : left_ms > UINT32_MAX ? UINT32_MAX : (uint32_t)left_ms;
}

/* It runs where it was compiled for, whatever the task would rather have. */
static or_status_t choose_device(or_task_run_t *run, const or_kernel_t *kernel) {
  const char *id = or_kernel_facts(kernel)->device_id, *wanted = run->task->device_preference;
  or_task_result_t *result = run->result;
  or_status_t status = or_runtime_find_device(run->context->runtime, id, &run->device);
  if (!or_ok(status)) return status;
  or_format(result->device_used, sizeof result->device_used, "%s", id);
  const bool meant =
      strcmp(wanted, "auto") == 0 || strcmp(wanted, id) == 0 || strcmp(wanted, or_device_facts(run->device)->type) == 0;
  if (!meant && run->task->strict_device)
    return or_error(OR_FAILED_PRECONDITION, "the kernel was compiled for %s, and strict_device wants %.64s", id,
                    wanted);
  result->fallback_reason[0] = '\0';
  if (!meant)
    or_format(result->fallback_reason, sizeof result->fallback_reason,
              "not on \"%.64s\": %s is what the kernel was compiled for", wanted, id);
  return status;
}

static or_status_t take_outputs(or_task_run_t *run, or_kernel_result_t *outputs) {
  or_status_t status = or_status_success();
  char name[16];
  or_json_key(&run->json, "outputs");
  or_json_object_begin(&run->json);
  for (size_t i = 0; or_ok(status) && i < OR_KERNEL_MAX_PARAMETERS; ++i) {
    const or_task_tensor_t output = {.tensor = outputs->outputs[i]};
    if (output.tensor == NULL) continue;
    or_json_key(&run->json, or_format(name, sizeof name, "%zu", i));
    status = or_task_tensor_write(run->task->allocator, &output, &run->json);
    outputs->outputs[i] = NULL;
    if (or_ok(status)) {
      status = or_task_result_add(run->result, name, output.tensor);
    } else {
      or_tensor_release(output.tensor);
    }
  }
  or_json_object_end(&run->json);
  return status;
}

static void write_extents(or_json_writer_t *json, const char *key, const uint64_t extents[3]) {
  or_json_key(json, key);
  or_json_array_begin(json);
  for (int d = 0; d < 3; ++d) or_json_uint(json, extents[d]);
  or_json_array_end(json);
}

static or_status_t write_result(or_task_run_t *run, or_kernel_result_t *outputs) {
  const or_task_kernel_t *kernel = run->task->parameters.user_kernel;
  or_json_writer_t *json = &run->json;
  const uint32_t *block = kernel->grid.block;
  const bool clocked = isfinite(outputs->seconds) && outputs->seconds >= 0;
  or_json_field_string(json, "operation", "kernel");
  or_json_field_string(json, "name", kernel->name);
  or_json_field_string(json, "device", run->result->device_used);
  or_json_field_double(json, "execution_time", clocked ? outputs->seconds : outputs->worker_seconds);
  or_json_field_double(json, "worker_time", outputs->worker_seconds);
  write_extents(json, "grid", kernel->grid.grid);
  write_extents(json, "block", (const uint64_t[]){block[0], block[1], block[2]});
  return take_outputs(run, outputs);
}

/* All that does not fit is told at once where there is somebody to tell it to. */
static or_status_t check(const or_task_run_t *run, const or_kernel_t *kernel) {
  or_task_problems_t own = {.count = 0}, *problems = run->context->problems;
  if (problems == NULL) problems = &own;
  problems->count = 0;
  or_status_t status = or_task_check_kernel(run->task, run->context->runtime, kernel,
                                            or_kernel_registry_limits(run->context->kernels), problems);
  if (!or_ok(status) || problems->count == 0) return status;
  return or_error(OR_INVALID_ARGUMENT, "%s: %s", problems->items[0].loc, problems->items[0].msg);
}

static or_status_t launch_it(or_task_run_t *run, or_kernel_entry_t *entry, const or_kernel_t *kernel) {
  const or_task_context_t *context = run->context;
  or_task_launch_t launch;
  or_kernel_result_t outputs = {.seconds = NAN};
  or_status_t status = check(run, kernel);
  if (or_ok(status)) status = or_task_launch_make(&launch, run->task, context->runtime, context);
  if (!or_ok(status)) return status;
  launch.launch.cancel = context->cancel;
  launch.launch.timeout_ms = time_left_ms(context->cancel);
  or_task_progress(run, 0.3, "run");
  status = or_kernel_registry_run(context->kernels, entry, &launch.launch, &outputs);
  or_task_launch_free(&launch);
  if (or_ok(status)) status = write_result(run, &outputs);
  or_kernel_result_free(&outputs);
  return status;
}

or_status_t or_task_run_kernel(or_task_run_t *run) {
  const or_task_context_t *context = run->context;
  or_kernel_registry_t *registry = context->kernels;
  or_kernel_entry_t *entry = NULL;
  or_kernel_t *kernel = NULL;
  if (registry == NULL) return or_error(OR_UNAVAILABLE, "kernels of users are off");
  or_task_progress(run, 0.0, "compile");
  or_status_t status = or_kernel_registry_find(registry, context->owner != NULL ? context->owner : "",
                                               run->task->parameters.user_kernel->name, &entry);
  if (or_ok(status)) status = or_kernel_registry_ready(registry, entry, context->cancel, &kernel);
  if (or_ok(status)) status = choose_device(run, kernel);
  if (or_ok(status)) status = launch_it(run, entry, kernel);
  or_kernel_entry_release(entry);
  or_task_progress(run, 1.0, "done");
  return status;
}
