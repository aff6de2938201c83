/* How long a launch takes, over memory of its own. */
#include "backends/opencl/build_internal.h"
#include "base/clock.h"
#include "hal/buffer.h"

/* Memory of its own for each slot of a launch that is timed. */
typedef struct trial_t {
  or_buffer_t *buffers[OR_CL_MAX_ARGUMENTS];
  uint32_t count;
} trial_t;

/* Neither zeros, which some devices are faster with, nor numbers so small that others are slower: 1.0 as float16, about
 * 0.008 as float32 and bfloat16. */
static const uint32_t trial_pattern = 0x3c003c00;

static or_status_t fill_trial(or_cl_queue_t *queue, or_memory_t *memory) {
  const or_cl_library_t *cl = queue->device->cl;
  if (memory->host != NULL) {
    for (size_t i = 0; i < memory->bytes / sizeof trial_pattern; ++i) ((uint32_t *)memory->host)[i] = trial_pattern;
    return or_status_success();
  }
  return or_cl_check(cl->EnqueueFillBuffer(queue->ref, memory->handle, &trial_pattern, sizeof trial_pattern, 0,
                                           memory->bytes, 0, NULL, NULL),
                     "clEnqueueFillBuffer");
}

static or_status_t bind_trial(or_cl_queue_t *queue, const or_cl_launch_t *launch, or_cl_kernel_ref_t kernel,
                              trial_t *trial) {
  uint32_t parameter = 0;
  const uint64_t offset = 0;
  or_status_t status = or_status_success();
  for (size_t i = 0; or_ok(status) && i < launch->argument_count; ++i) {
    const or_cl_argument_t *argument = &launch->arguments[i];
    bool slot = argument->kind == OR_CL_SLOT;
    if (slot || argument->kind == OR_CL_FAULT) {
      size_t bytes = or_align_up((slot ? argument->bytes : sizeof(int32_t)) + 1, OR_DEFAULT_ALIGNMENT);
      status = or_buffer_create(queue->device->device, bytes, &trial->buffers[trial->count]);
      if (!or_ok(status)) return status;
      or_memory_t *memory = or_buffer_memory(trial->buffers[trial->count++]);
      status = fill_trial(queue, memory);
      if (or_ok(status)) status = or_cl_set_memory(queue->device, kernel, parameter, memory);
    }
    if (or_ok(status) && slot) {
      ++parameter;
      status =
          or_cl_check(queue->device->cl->SetKernelArg(kernel, parameter, sizeof offset, &offset), "clSetKernelArg");
    }
    ++parameter;
  }
  return status;
}

or_status_t or_cl_time_launch(or_cl_queue_t *queue, const or_cl_launch_t *launch, or_cl_kernel_ref_t kernel,
                              int64_t *ns) {
  const or_cl_library_t *cl = queue->device->cl;
  or_cl_event_ref_t event = NULL;
  uint64_t start = 0, end = 0;
  int64_t before = or_clock_ns();
  or_status_t status =
      or_cl_check(cl->EnqueueNDRangeKernel(queue->ref, kernel, launch->dimensions, NULL, launch->global,
                                           launch->local[0] > 0 ? launch->local : NULL, 0, NULL, &event),
                  "clEnqueueNDRangeKernel");
  if (!or_ok(status)) return status;
  status = or_cl_wait(cl, event);
  *ns = or_clock_ns() - before;
  if (cl->GetEventProfilingInfo(event, OR_CL_PROFILING_COMMAND_START, sizeof start, &start, NULL) == OR_CL_SUCCESS &&
      cl->GetEventProfilingInfo(event, OR_CL_PROFILING_COMMAND_END, sizeof end, &end, NULL) == OR_CL_SUCCESS &&
      end > start) {
    *ns = (int64_t)(end - start);
  }
  (void)cl->ReleaseEvent(event); /* fails for a wrong handle only */
  return status;
}

or_status_t or_cl_build_time(or_cl_build_t *build, const or_cl_launch_t *launch, int64_t *best_ns) {
  enum { TRIES = 4 }; /* the first, which may compile and touches new memory, does not count */
  or_cl_bound_t bound[OR_CL_MAX_ARGUMENTS];
  uint32_t bound_count = 0, fault_parameter = 0;
  or_cl_launch_t own = *launch;
  or_cl_kernel_ref_t kernel = NULL;
  trial_t trial = {.count = 0};
  *best_ns = INT64_MAX;
  or_status_t status = or_cl_make_kernel(build->device, &own, bound, &bound_count, &fault_parameter, &kernel);
  if (!or_ok(status)) return status;
  status = bind_trial(build->queue, &own, kernel, &trial);
  for (int i = 0; or_ok(status) && i < TRIES; ++i) {
    int64_t ns = 0;
    status = or_cl_time_launch(build->queue, &own, kernel, &ns);
    if (i > 0 && ns < *best_ns) *best_ns = ns;
  }
  if (!or_ok(status)) (void)build->device->cl->Finish(build->queue->ref); /* nothing may use the memory any more */
  for (uint32_t i = 0; i < trial.count; ++i) or_buffer_release(trial.buffers[i]);
  (void)build->device->cl->ReleaseKernel(kernel); /* fails for a wrong handle only */
  return status;
}
