/* Steps: launches with their kernels, and copies. */
#include <assert.h>
#include <string.h>

#include "backends/opencl/build_internal.h"
#include "backends/opencl/programs.h"

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
  (*out)->node = build->lowering.node;
  (*out)->fault = OR_CL_NO_FAULT;
  return status;
}

void or_cl_build_touch(or_cl_build_t *build, or_slot_id_t slot) {
  or_lowered_touch(&build->program->lowered, slot, (uint32_t)build->program->step_count - 1);
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

/* A kernel that needs many registers runs in smaller groups than the device's largest. */
static or_status_t fit_group(const or_cl_device_t *device, or_cl_launch_t *launch, or_cl_kernel_ref_t kernel) {
  size_t most = 0, wanted = 1;
  if (launch->local[0] == 0) return or_status_success();
  for (uint32_t i = 0; i < launch->dimensions; ++i) wanted *= launch->local[i];
  or_status_t status = or_cl_check(
      device->cl->GetKernelWorkGroupInfo(kernel, device->ref, OR_CL_KERNEL_WORK_GROUP_SIZE, sizeof most, &most, NULL),
      "clGetKernelWorkGroupInfo");
  if (!or_ok(status) || wanted <= most) return status;
  if (launch->any_group) {
    launch->local[0] = 0;
    return status;
  }
  return or_error(OR_INTERNAL, "it runs in groups of at most %zu here, and is launched in groups of %zu", most, wanted);
}

or_status_t or_cl_make_kernel(or_cl_device_t *device, or_cl_launch_t *launch, or_cl_bound_t *bound,
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
  if (or_ok(status)) status = fit_group(device, launch, kernel);
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
  or_cl_launch_t own = *launch;
  or_cl_step_t *step = NULL;
  void *copy = NULL;
  if (is_empty(launch)) return or_status_success();
  or_status_t status = or_cl_build_step(build, &step);
  if (!or_ok(status)) return status;
  status = or_cl_make_kernel(build->device, &own, bound, &step->bound_count, &step->fault_parameter, &step->kernel);
  if (or_ok(status)) {
    status = or_arena_array(&program->lowered.arena, (size_t)step->bound_count + 1, sizeof(or_cl_bound_t), &copy);
  }
  if (!or_ok(status)) { /* the program's release gives the kernel back; a step without one is a copy of nothing */
    step->bound_count = 0;
    return status;
  }
  memcpy(copy, bound, step->bound_count * sizeof(or_cl_bound_t));
  step->bound = copy;
  step->dimensions = launch->dimensions;
  memcpy(step->global, launch->global, sizeof step->global);
  memcpy(step->local, own.local, sizeof step->local);
  if (step->fault_parameter != OR_CL_NO_FAULT) step->fault = program->fault_count++;
  atomic_store_explicit(&step->estimate_ns, or_cl_estimate_ns(build->device, launch->flops, launch->bytes),
                        memory_order_relaxed);
  for (uint32_t i = 0; i < step->bound_count; ++i) or_cl_build_touch(build, step->bound[i].slot);
  return status;
}

or_status_t or_cl_build_copy(or_cl_build_t *build, or_slot_id_t source, size_t source_offset, or_slot_id_t destination,
                             size_t destination_offset, size_t bytes) {
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
