/* A user's source: built with what is needed to tell its parameters, run as it asks. */
#include "backends/opencl/user_kernel_internal.h"

#include <stdio.h>
#include <string.h>

#include "backends/opencl/build_internal.h"
#include "backends/opencl/programs.h"
#include "base/string.h"

#define NAME_BYTES 256u
#define OPTIONS_BYTES 4352u

typedef struct or_cl_user_kernel_t {
  or_cl_device_t *device;
  or_arena_t arena; /* of the parameters and their texts */
  or_cl_program_ref_t program;
  or_cl_kernel_ref_t kernel;
  bool cached;
  uint32_t count;
  or_kernel_parameter_t *parameters;
} or_cl_user_kernel_t;

static or_status_t build(or_cl_user_kernel_t *kernel, const or_kernel_source_t *source, bool anew);
static or_status_t read_parameters(or_cl_user_kernel_t *kernel, bool *told);
static or_status_t describe(const or_cl_user_kernel_t *kernel, or_backend_kernel_t *out);
static void let_go(or_cl_user_kernel_t *kernel);
static void release(void *self);
static or_status_t run(void *self, void *queue, const or_kernel_grid_t *grid, const or_kernel_value_t *values,
                       int64_t *device_ns);

or_status_t or_cl_user_kernel_compile(void *self, void *queue, const or_kernel_source_t *source,
                                      or_backend_kernel_t *out) {
  or_cl_device_t *device = self;
  void *memory = NULL;
  bool told = false;
  (void)queue;
  or_status_t status = or_alloc_zeroed(device->allocator, sizeof(or_cl_user_kernel_t), &memory);
  if (!or_ok(status)) return status;
  or_cl_user_kernel_t *kernel = memory;
  kernel->device = device;
  or_arena_init(&kernel->arena, device->allocator);
  status = build(kernel, source, false);
  if (or_ok(status)) status = read_parameters(kernel, &told);
  if (or_ok(status) && !told && kernel->cached) { /* some drivers do not keep the parameters in a binary */
    let_go(kernel);
    status = build(kernel, source, true);
    if (or_ok(status)) status = read_parameters(kernel, &told);
  }
  if (or_ok(status) && !told)
    status = or_error(OR_UNIMPLEMENTED, "the driver does not tell the parameters of \"%s\"", source->entry);
  if (or_ok(status)) status = describe(kernel, out);
  if (!or_ok(status)) release(kernel);
  return status;
}

static or_status_t build(or_cl_user_kernel_t *kernel, const or_kernel_source_t *source, bool anew) {
  const or_cl_library_t *cl = kernel->device->cl;
  char options[OPTIONS_BYTES];
  int32_t code = OR_CL_SUCCESS;
  or_format(options, sizeof options, "-cl-kernel-arg-info %s", source->options);
  const or_cl_source_t what = {.texts = &source->source, /* alone: not every compiler counts lines as #line says */
                               .lengths = &source->source_bytes,
                               .count = 1,
                               .options = options,
                               .log = source->log,
                               .log_capacity = source->log_capacity,
                               .anew = anew};
  or_status_t status = or_cl_programs_build(kernel->device->programs, &what, &kernel->program, &kernel->cached);
  or_status_t renamed = or_cl_user_log(kernel->device->allocator, source->source, source->log, source->log_capacity);
  if (!or_ok(renamed)) return or_status_first(status, renamed);
  if (or_status_code(status) == OR_INVALID_ARGUMENT) {
    or_status_ignore(status); /* it has the compiler's words with paths of this machine */
    return or_error(OR_INVALID_ARGUMENT, "the compiler refuses the source: %s", source->log != NULL ? source->log : "");
  }
  if (!or_ok(status)) return status;
  kernel->kernel = cl->CreateKernel(kernel->program, source->entry, &code);
  if (code == OR_CL_INVALID_KERNEL_NAME)
    return or_error(OR_NOT_FOUND, "the source has no kernel \"%s\"", source->entry);
  return or_cl_check(code, "clCreateKernel");
}

/* Takes NULL handles. Of releases no failure but that of a wrong handle is known. */
static void let_go(or_cl_user_kernel_t *kernel) {
  const or_cl_library_t *cl = kernel->device->cl;
  if (kernel->kernel != NULL) (void)cl->ReleaseKernel(kernel->kernel);
  if (kernel->program != NULL) (void)cl->ReleaseProgram(kernel->program);
  kernel->kernel = NULL;
  kernel->program = NULL;
}

static void release(void *self) {
  or_cl_user_kernel_t *kernel = self;
  const or_allocator_t *allocator = kernel->device->allocator;
  let_go(kernel);
  or_arena_deinit(&kernel->arena);
  or_free(allocator, kernel);
}

/* --- Parameters --- */

/* What the driver says of a parameter. */
typedef struct argument_t {
  uint32_t address, access;
  uint64_t qualifier;
  char type[NAME_BYTES], name[NAME_BYTES];
} argument_t;

static int32_t ask(const or_cl_user_kernel_t *kernel, uint32_t index, argument_t *out) {
  const or_cl_library_t *cl = kernel->device->cl;
  const struct {
    uint32_t query;
    size_t bytes;
    void *value;
  } questions[] = {
      {OR_CL_KERNEL_ARG_ADDRESS_QUALIFIER, sizeof out->address, &out->address},
      {OR_CL_KERNEL_ARG_ACCESS_QUALIFIER, sizeof out->access, &out->access},
      {OR_CL_KERNEL_ARG_TYPE_QUALIFIER, sizeof out->qualifier, &out->qualifier},
      {OR_CL_KERNEL_ARG_TYPE_NAME, sizeof out->type - 1, out->type},
      {OR_CL_KERNEL_ARG_NAME, sizeof out->name - 1, out->name},
  };
  int32_t code = OR_CL_SUCCESS;
  memset(out, 0, sizeof *out);
  for (size_t i = 0; i < sizeof questions / sizeof *questions && code == OR_CL_SUCCESS; ++i) {
    code =
        cl->GetKernelArgInfo(kernel->kernel, index, questions[i].query, questions[i].bytes, questions[i].value, NULL);
  }
  return code;
}

static or_status_t refuse(const argument_t *argument, const char *what) {
  return or_error(OR_UNIMPLEMENTED,
                  "parameter \"%s\" is %s (%s), which is not offered: buffers, numbers, vectors of "
                  "numbers and local memory are",
                  argument->name, what, argument->type);
}

static or_status_t read_parameter(or_cl_user_kernel_t *kernel, const argument_t *argument, or_kernel_parameter_t *out) {
  const bool known = or_cl_user_type(argument->type, &out->dtype, &out->width);
  if (argument->access != OR_CL_KERNEL_ARG_ACCESS_NONE) return refuse(argument, "an image");
  if ((argument->qualifier & OR_CL_KERNEL_ARG_TYPE_PIPE) != 0) return refuse(argument, "a pipe");
  switch (argument->address) {
  case OR_CL_KERNEL_ARG_ADDRESS_GLOBAL:
    out->role = OR_KERNEL_BUFFER;
    out->writable = (argument->qualifier & OR_CL_KERNEL_ARG_TYPE_CONST) == 0;
    break;
  case OR_CL_KERNEL_ARG_ADDRESS_CONSTANT: out->role = OR_KERNEL_BUFFER; break;
  case OR_CL_KERNEL_ARG_ADDRESS_LOCAL: out->role = OR_KERNEL_LOCAL; break;
  default:
    out->role = OR_KERNEL_SCALAR;
    if (!known) return refuse(argument, "a struct, a sampler or a type of its own by value");
  }
  or_status_t status = or_arena_strndup(&kernel->arena, argument->name, strlen(argument->name), &out->name);
  if (!or_ok(status)) return status;
  return or_arena_strndup(&kernel->arena, argument->type, strlen(argument->type), &out->type);
}

/* *told false: the driver has no such facts of this program. */
static or_status_t read_parameters(or_cl_user_kernel_t *kernel, bool *told) {
  const or_cl_library_t *cl = kernel->device->cl;
  void *memory = NULL;
  *told = true;
  or_status_t status =
      or_cl_check(cl->GetKernelInfo(kernel->kernel, OR_CL_KERNEL_NUM_ARGS, sizeof kernel->count, &kernel->count, NULL),
                  "clGetKernelInfo");
  if (or_ok(status) && kernel->count > OR_KERNEL_MAX_PARAMETERS)
    status = or_error(OR_UNIMPLEMENTED, "the kernel has %u parameters; at most %u are offered", kernel->count,
                      OR_KERNEL_MAX_PARAMETERS);
  if (or_ok(status)) status = or_arena_array(&kernel->arena, kernel->count, sizeof(or_kernel_parameter_t), &memory);
  kernel->parameters = memory;
  for (uint32_t i = 0; i < kernel->count && or_ok(status); ++i) {
    argument_t argument;
    const int32_t code = ask(kernel, i, &argument);
    if (code == OR_CL_KERNEL_ARG_INFO_NOT_AVAILABLE) {
      *told = false;
      return status;
    }
    status = code == OR_CL_INVALID_VALUE /* longer than there is room for */
                 ? or_error(OR_UNIMPLEMENTED, "the name or type of parameter %u is longer than %u bytes", i, NAME_BYTES)
                 : or_cl_check(code, "clGetKernelArgInfo");
    if (or_ok(status)) status = read_parameter(kernel, &argument, &kernel->parameters[i]);
  }
  return status;
}

static or_status_t describe(const or_cl_user_kernel_t *kernel, or_backend_kernel_t *out) {
  const or_cl_device_t *device = kernel->device;
  const or_cl_library_t *cl = device->cl;
  size_t group = 0, binary = 0, required[3] = {0};
  uint64_t local = 0;
  or_status_t status = or_cl_check(
      cl->GetKernelWorkGroupInfo(kernel->kernel, device->ref, OR_CL_KERNEL_WORK_GROUP_SIZE, sizeof group, &group, NULL),
      "clGetKernelWorkGroupInfo");
  if (or_ok(status))
    status = or_cl_check(cl->GetKernelWorkGroupInfo(kernel->kernel, device->ref, OR_CL_KERNEL_LOCAL_MEM_SIZE,
                                                    sizeof local, &local, NULL),
                         "clGetKernelWorkGroupInfo");
  if (or_ok(status))
    status = or_cl_check(cl->GetKernelWorkGroupInfo(kernel->kernel, device->ref, OR_CL_KERNEL_COMPILE_WORK_GROUP_SIZE,
                                                    sizeof required, required, NULL),
                         "clGetKernelWorkGroupInfo");
  if (!or_ok(status)) return status;
  if (cl->GetProgramInfo(kernel->program, OR_CL_PROGRAM_BINARY_SIZES, sizeof binary, &binary, NULL) != OR_CL_SUCCESS)
    binary = 0; /* not known */
  *out = (or_backend_kernel_t){.abi_version = OR_BACKEND_ABI_VERSION,
                               .struct_size = sizeof *out,
                               .self = (void *)(uintptr_t)kernel,
                               .parameters = kernel->parameters,
                               .parameter_count = kernel->count,
                               .binary_bytes = binary,
                               .cached = kernel->cached,
                               .max_block = group < UINT32_MAX ? (uint32_t)group : UINT32_MAX,
                               .local_bytes =
                                   local < device->traits.local_bytes ? device->traits.local_bytes - (size_t)local : 0,
                               .run = run,
                               .release = release};
  for (int i = 0; i < 3; ++i) {
    const size_t most = device->traits.max_items[i];
    out->max_blocks[i] = most < UINT32_MAX ? (uint32_t)most : UINT32_MAX;
    out->required_block[i] = required[i] < UINT32_MAX ? (uint32_t)required[i] : UINT32_MAX;
  }
  return status;
}

/* --- A run --- */

static or_status_t set_arguments(const or_cl_user_kernel_t *kernel, const or_kernel_value_t *values) {
  const or_cl_library_t *cl = kernel->device->cl;
  or_status_t status = or_status_success();
  for (uint32_t i = 0; i < kernel->count && or_ok(status); ++i) {
    const or_kernel_value_t *value = &values[i];
    if (kernel->parameters[i].role != OR_KERNEL_BUFFER) {
      const void *bytes = kernel->parameters[i].role == OR_KERNEL_SCALAR ? value->scalar : NULL;
      status = or_cl_check(cl->SetKernelArg(kernel->kernel, i, value->bytes, bytes), "clSetKernelArg");
      continue;
    }
    or_memory_t memory = *value->range->memory;
    if (memory.host != NULL) {
      memory.host = (char *)memory.host + value->range->offset;
    } else if (value->range->offset != 0) {
      return or_error(OR_UNIMPLEMENTED, "a buffer in the middle of a memory");
    }
    status = or_cl_set_memory(kernel->device, kernel->kernel, i, &memory);
  }
  return status;
}

/* Waits, and says how long it took by the device's clock. */
static or_status_t finish(const or_cl_library_t *cl, or_cl_event_ref_t event, int64_t *device_ns) {
  uint64_t begin = 0, end = 0;
  int32_t state = OR_CL_SUCCESS;
  int32_t code = cl->WaitForEvents(1, &event);
  const int32_t asked = cl->GetEventInfo(event, OR_CL_EVENT_COMMAND_EXECUTION_STATUS, sizeof state, &state, NULL);
  if (asked == OR_CL_SUCCESS && state < 0) code = state; /* why it was ended */
  const bool timed =
      code == OR_CL_SUCCESS &&
      cl->GetEventProfilingInfo(event, OR_CL_PROFILING_COMMAND_START, sizeof begin, &begin, NULL) == OR_CL_SUCCESS &&
      cl->GetEventProfilingInfo(event, OR_CL_PROFILING_COMMAND_END, sizeof end, &end, NULL) == OR_CL_SUCCESS;
  if (timed && end >= begin && end - begin < INT64_MAX) *device_ns = (int64_t)(end - begin);
  (void)cl->ReleaseEvent(event); /* fails for a wrong handle only */
  return or_cl_check(code, "clWaitForEvents");
}

static or_status_t run(void *self, void *queue, const or_kernel_grid_t *grid, const or_kernel_value_t *values,
                       int64_t *device_ns) {
  const or_cl_user_kernel_t *kernel = self;
  const or_cl_queue_t *own = queue;
  const or_cl_library_t *cl = kernel->device->cl;
  or_cl_event_ref_t event = NULL;
  size_t global[3], local[3];
  *device_ns = -1;
  for (int i = 0; i < 3; ++i) {
    local[i] = grid->block[i];
    if (!or_mul_size((size_t)grid->grid[i], local[i], &global[i]))
      return or_error(OR_OUT_OF_RANGE, "%llu blocks of %zu work items", (unsigned long long)grid->grid[i], local[i]);
  }
  or_status_t status = set_arguments(kernel, values);
  if (!or_ok(status)) return status;
  const int32_t code = cl->EnqueueNDRangeKernel(own->ref, kernel->kernel, 3, NULL, global, local, 0, NULL, &event);
  if (code == OR_CL_INVALID_WORK_GROUP_SIZE || code == OR_CL_INVALID_WORK_ITEM_SIZE)
    return or_error(OR_INVALID_ARGUMENT, "blocks of %zu x %zu x %zu do not suit the kernel: %s", local[0], local[1],
                    local[2], or_cl_code_name(code));
  status = or_cl_check(code, "clEnqueueNDRangeKernel");
  return or_ok(status) ? finish(cl, event, device_ns) : status;
}
