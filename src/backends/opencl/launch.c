/* Steps: launches with their kernels, and copies. */
#include <assert.h>
#include <string.h>

#include "backends/opencl/build_internal.h"
#include "backends/opencl/programs.h"
#include "base/clock.h"
#include "hal/buffer.h"

/* Before anything was measured: what a slow device of its kind reaches. A launch that is taken for longer than it is
 * costs a few more pieces in its first run. */
#define FLOPS_PER_UNIT_CPU 4e9
#define FLOPS_PER_UNIT_GPU 20e9
#define BYTES_PER_SECOND_CPU 4e9
#define BYTES_PER_SECOND_GPU 40e9
#define LAUNCH_NS 1000.0

int64_t or_cl_estimate_ns(const or_cl_device_t *device, double flops, double bytes) {
  const or_cl_traits_t *traits = &device->traits;
  double rate = (traits->is_cpu ? FLOPS_PER_UNIT_CPU : FLOPS_PER_UNIT_GPU) * traits->compute_units;
  double bandwidth = traits->is_cpu ? BYTES_PER_SECOND_CPU : BYTES_PER_SECOND_GPU;
  double ns = LAUNCH_NS + 1e9 * (flops / rate + bytes / bandwidth);
  return ns < 1e15 ? (int64_t)ns : (int64_t)1e15;
}

or_status_t or_cl_build_step(or_cl_build_t *build, or_cl_step_t **out) {
  or_cl_program_t *program = build->program;
  void *steps = program->steps;
  or_status_t status = or_grow_array(program->device->allocator, program->step_count + 1, sizeof *program->steps,
                                     &steps, &program->step_capacity);
  if (!or_ok(status)) return status;
  program->steps = steps;
  *out = &program->steps[program->step_count++];
  (*out)->node = build->node;
  (*out)->fault = OR_CL_NO_FAULT;
  return status;
}

void or_cl_build_touch(or_cl_build_t *build, or_cl_slot_id_t id) {
  or_cl_slot_t *root = or_cl_build_root(build, id);
  uint32_t step = (uint32_t)build->program->step_count - 1;
  if (!root->touched) root->first = step;
  root->touched = true;
  root->last = step;
}

static or_status_t set_value(const or_cl_library_t *cl, or_cl_kernel_ref_t kernel, uint32_t parameter,
                             const or_cl_argument_t *argument) {
  const int32_t narrow = (int32_t)argument->integer;
  switch (argument->kind) {
  case OR_CL_INT: return or_cl_check(cl->SetKernelArg(kernel, parameter, sizeof narrow, &narrow), "clSetKernelArg");
  case OR_CL_LONG:
    return or_cl_check(cl->SetKernelArg(kernel, parameter, sizeof argument->integer, &argument->integer),
                       "clSetKernelArg");
  case OR_CL_FLOAT:
    return or_cl_check(cl->SetKernelArg(kernel, parameter, sizeof argument->real, &argument->real), "clSetKernelArg");
  case OR_CL_BYTES:
    assert(argument->bytes <= OR_CL_MAX_STRUCT_BYTES);
    return or_cl_check(cl->SetKernelArg(kernel, parameter, argument->bytes, argument->data), "clSetKernelArg");
  case OR_CL_LOCAL: return or_cl_check(cl->SetKernelArg(kernel, parameter, argument->bytes, NULL), "clSetKernelArg");
  case OR_CL_SLOT:
  case OR_CL_FAULT: break; /* by the run */
  }
  return or_status_success();
}

or_status_t or_cl_make_kernel(or_cl_device_t *device, const or_cl_launch_t *launch, or_cl_bound_t *bound,
                              uint32_t *bound_count, uint32_t *fault_parameter, or_cl_kernel_ref_t *out) {
  const or_cl_library_t *cl = device->cl;
  or_cl_program_ref_t program = NULL;
  int32_t code = OR_CL_SUCCESS;
  *out = NULL;
  *bound_count = 0;
  *fault_parameter = OR_CL_NO_FAULT;
  assert(launch->argument_count <= OR_CL_MAX_ARGUMENTS && launch->dimensions >= 1 && launch->dimensions <= 3);
  or_status_t status = or_cl_programs_get(device->programs, launch->source, launch->options, &program);
  if (!or_ok(status)) return status;
  or_cl_kernel_ref_t kernel = cl->CreateKernel(program, launch->entry, &code);
  status = or_cl_check(code, "clCreateKernel");
  uint32_t parameter = 0;
  for (size_t i = 0; or_ok(status) && i < launch->argument_count; ++i) {
    const or_cl_argument_t *argument = &launch->arguments[i];
    if (argument->kind == OR_CL_SLOT) {
      bound[(*bound_count)++] = (or_cl_bound_t){.parameter = parameter, .slot = argument->slot};
      parameter += 2;
      continue;
    }
    if (argument->kind == OR_CL_FAULT) *fault_parameter = parameter;
    status = set_value(cl, kernel, parameter, argument);
    ++parameter;
  }
  if (!or_ok(status)) {
    if (kernel != NULL) (void)cl->ReleaseKernel(kernel); /* fails for a wrong handle only */
    return or_status_context(status, "kernel \"%s\" of %s.cl", launch->entry, launch->source);
  }
  *out = kernel;
  return status;
}

or_status_t or_cl_set_memory(const or_cl_device_t *device, or_cl_kernel_ref_t kernel, uint32_t parameter,
                             const or_memory_t *memory) {
  const or_cl_library_t *cl = device->cl;
  if (memory == NULL || (memory->host == NULL && memory->handle == NULL)) {
    return or_cl_check(cl->SetKernelArg(kernel, parameter, sizeof(or_cl_mem_ref_t), NULL), "clSetKernelArg");
  }
  if (device->traits.host_memory) {
    return or_cl_check(cl->SetKernelArgSVMPointer(kernel, parameter, memory->host), "clSetKernelArgSVMPointer");
  }
  const or_cl_mem_ref_t handle = memory->handle;
  return or_cl_check(cl->SetKernelArg(kernel, parameter, sizeof handle, &handle), "clSetKernelArg");
}

static bool is_empty(const or_cl_launch_t *launch) {
  for (uint32_t i = 0; i < launch->dimensions; ++i) {
    if (launch->global[i] == 0) return true;
  }
  return false;
}

or_status_t or_cl_build_launch(or_cl_build_t *build, const or_cl_launch_t *launch) {
  or_cl_program_t *program = build->program;
  or_cl_bound_t bound[OR_CL_MAX_ARGUMENTS];
  or_cl_step_t *step = NULL;
  void *copy = NULL;
  if (is_empty(launch)) return or_status_success();
  or_status_t status = or_cl_build_step(build, &step);
  if (!or_ok(status)) return status;
  status = or_cl_make_kernel(build->device, launch, bound, &step->bound_count, &step->fault_parameter, &step->kernel);
  if (or_ok(status)) {
    status = or_arena_array(&program->arena, (size_t)step->bound_count + 1, sizeof(or_cl_bound_t), &copy);
  }
  if (!or_ok(status)) { /* the program's release gives the kernel back; a step without one is a copy of nothing */
    step->bound_count = 0;
    return status;
  }
  memcpy(copy, bound, step->bound_count * sizeof(or_cl_bound_t));
  step->bound = copy;
  step->dimensions = launch->dimensions;
  memcpy(step->global, launch->global, sizeof step->global);
  memcpy(step->local, launch->local, sizeof step->local);
  if (step->fault_parameter != OR_CL_NO_FAULT) step->fault = program->fault_count++;
  atomic_store_explicit(&step->estimate_ns, or_cl_estimate_ns(build->device, launch->flops, launch->bytes),
                        memory_order_relaxed);
  for (uint32_t i = 0; i < step->bound_count; ++i) or_cl_build_touch(build, step->bound[i].slot);
  return status;
}

or_status_t or_cl_build_copy(or_cl_build_t *build, or_cl_slot_id_t source, size_t source_offset,
                             or_cl_slot_id_t destination, size_t destination_offset, size_t bytes) {
  or_cl_step_t *step = NULL;
  if (bytes == 0) return or_status_success();
  or_status_t status = or_cl_build_step(build, &step);
  if (!or_ok(status)) return status;
  step->source = source;
  step->source_offset = source_offset;
  step->destination = destination;
  step->destination_offset = destination_offset;
  step->bytes = bytes;
  atomic_store_explicit(&step->estimate_ns, or_cl_estimate_ns(build->device, 0, 2.0 * (double)bytes),
                        memory_order_relaxed);
  or_cl_build_touch(build, source);
  or_cl_build_touch(build, destination);
  return status;
}

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

/* By the device's clock, or by ours where it has none. */
static or_status_t time_once(or_cl_queue_t *queue, const or_cl_launch_t *launch, or_cl_kernel_ref_t kernel,
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
  status = or_cl_check(cl->WaitForEvents(1, &event), "clWaitForEvents");
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
  or_cl_kernel_ref_t kernel = NULL;
  trial_t trial = {.count = 0};
  *best_ns = INT64_MAX;
  or_status_t status = or_cl_make_kernel(build->device, launch, bound, &bound_count, &fault_parameter, &kernel);
  if (!or_ok(status)) return status;
  status = bind_trial(build->queue, launch, kernel, &trial);
  for (int i = 0; or_ok(status) && i < TRIES; ++i) {
    int64_t ns = 0;
    status = time_once(build->queue, launch, kernel, &ns);
    if (i > 0 && ns < *best_ns) *best_ns = ns;
  }
  if (!or_ok(status)) (void)build->device->cl->Finish(build->queue->ref); /* nothing may use the memory any more */
  for (uint32_t i = 0; i < trial.count; ++i) or_buffer_release(trial.buffers[i]);
  (void)build->device->cl->ReleaseKernel(kernel); /* fails for a wrong handle only */
  return status;
}
