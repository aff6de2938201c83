/* The device's limits, by kernels that do nothing else. */
#include <string.h>

#include "backends/opencl/build_internal.h"
#include "base/string.h"
#include "hal/buffer.h"

/* In turns, and the best of each counts: other work on the machine only slows. */
#define ROUNDS 6
#define ROUND_NS 20000000 /* of a launch, about */
#define STREAM_BYTES_LEAST ((size_t)64 << 20)
#define STREAM_BYTES_MOST ((size_t)512 << 20)
#define CHAINS 12 /* of multiply_add */

/* One of the measurements. */
typedef struct probe_t {
  or_cl_queue_t *queue;
  or_cl_kernel_ref_t kernel;
  or_cl_launch_t launch;
  char options[32];
  double work; /* operations or bytes of the launch */
} probe_t;

typedef struct streams_t {
  or_buffer_t *from, *to;
  size_t bytes;
} streams_t;

static or_status_t begin(probe_t *probe, or_cl_queue_t *queue, const char *entry, const char *type, uint32_t lanes,
                         size_t items) {
  const or_cl_traits_t *traits = &queue->device->traits;
  or_cl_bound_t bound[OR_CL_MAX_ARGUMENTS];
  uint32_t bound_count = 0, fault = 0;
  const size_t wanted = traits->is_cpu ? 1 : 256;
  *probe = (probe_t){.queue = queue};
  (void)or_format(probe->options, sizeof probe->options, "-DT=%s -DW=%u", type, lanes);
  probe->launch = (or_cl_launch_t){.source = "peaks",
                                   .entry = entry,
                                   .options = probe->options,
                                   .dimensions = 1,
                                   .global = {items},
                                   .local = {wanted <= traits->max_group ? wanted : 1}};
  return or_cl_make_kernel(queue->device, &probe->launch, bound, &bound_count, &fault, &probe->kernel);
}

static void end(probe_t *probe) {
  if (probe->kernel != NULL) (void)probe->queue->device->cl->ReleaseKernel(probe->kernel); /* a wrong handle only */
  probe->kernel = NULL;
}

static or_status_t set(const probe_t *probe, uint32_t parameter, size_t bytes, const void *value) {
  return or_cl_check(probe->queue->device->cl->SetKernelArg(probe->kernel, parameter, bytes, value), "clSetKernelArg");
}

static or_status_t set_buffer(const probe_t *probe, uint32_t parameter, const or_buffer_t *buffer) {
  const uint64_t offset = 0;
  or_status_t status = or_cl_set_memory(probe->queue->device, probe->kernel, parameter, or_buffer_memory(buffer));
  return or_ok(status) ? set(probe, parameter + 1, sizeof offset, &offset) : status;
}

/* Raises *best to the rate of one launch. */
static or_status_t measure(probe_t *probe, double *best) {
  int64_t ns = 0;
  if (probe->kernel == NULL) return or_status_success();
  or_status_t status = or_cl_time_launch(probe->queue, &probe->launch, probe->kernel, &ns);
  if (!or_ok(status) || ns <= 0) return status;
  const double rate = probe->work * 1e9 / (double)ns;
  if (!(rate <= *best)) *best = rate;
  return status;
}

/* Elements of a vector: a register's on a processor, whose chains would leave them otherwise. */
static uint32_t lanes_of(const or_cl_traits_t *traits, size_t element) {
  uint32_t lanes = traits->is_cpu ? traits->vector_floats : 4;
  lanes = lanes >= 16 ? 16 : lanes >= 8 ? 8 : 4;
  return lanes * (uint32_t)sizeof(float) / (uint32_t)element;
}

/* As many iterations as take a round's time. */
static or_status_t begin_multiply_add(probe_t *probe, or_cl_queue_t *queue, or_dtype_t dtype, const or_buffer_t *to) {
  const or_cl_traits_t *traits = &queue->device->traits;
  const size_t items = (size_t)traits->compute_units * (traits->is_cpu ? 64 : 2048);
  const uint32_t lanes = lanes_of(traits, or_dtype_bytes(dtype, 1));
  int32_t iterations = 1024;
  int64_t ns = 0;
  or_status_t status = begin(probe, queue, "multiply_add", or_cl_type_name(queue->device, dtype), lanes, items);
  if (or_ok(status)) status = set_buffer(probe, 0, to);
  while (or_ok(status)) {
    status = set(probe, 2, sizeof iterations, &iterations);
    if (or_ok(status)) status = or_cl_time_launch(queue, &probe->launch, probe->kernel, &ns);
    if (ns >= ROUND_NS / 2 || iterations > INT32_MAX / 4) break;
    iterations *= 2;
  }
  probe->work = 2.0 * CHAINS * (double)lanes * (double)items * (double)iterations;
  return status;
}

/* A processor's items read a stretch each; those of others take turns, so that neighbours read neighbours. */
static or_status_t begin_stream(probe_t *probe, or_cl_queue_t *queue, const char *entry, const streams_t *streams,
                                double moved) {
  const or_cl_traits_t *traits = &queue->device->traits;
  const uint32_t lanes = traits->is_cpu ? 16 : 4;
  const size_t vectors = streams->bytes / sizeof(float) / lanes;
  const int32_t count = traits->is_cpu ? 4096 : 16;
  const size_t items = vectors / (size_t)count;
  const int64_t item_step = traits->is_cpu ? count : 1, step = traits->is_cpu ? 1 : (int64_t)items;
  or_status_t status = begin(probe, queue, entry, "float", lanes, items);
  if (or_ok(status)) status = set_buffer(probe, 0, streams->from);
  if (or_ok(status)) status = set_buffer(probe, 2, streams->to);
  if (or_ok(status)) status = set(probe, 4, sizeof item_step, &item_step);
  if (or_ok(status)) status = set(probe, 5, sizeof step, &step);
  if (or_ok(status)) status = set(probe, 6, sizeof count, &count);
  probe->work = moved * (double)streams->bytes;
  return status;
}

static or_status_t touch(or_cl_queue_t *queue, or_buffer_t *buffer) {
  const uint32_t zero = 0;
  or_memory_t *memory = or_buffer_memory(buffer);
  if (memory->host != NULL) { /* pages that were never written are all one page of zeros */
    memset(memory->host, 0, memory->bytes);
    return or_status_success();
  }
  return or_cl_check(queue->device->cl->EnqueueFillBuffer(queue->ref, memory->handle, &zero, sizeof zero, 0,
                                                          memory->bytes, 0, NULL, NULL),
                     "clEnqueueFillBuffer");
}

static or_status_t open_streams(or_cl_queue_t *queue, streams_t *out) {
  const or_cl_device_t *device = queue->device;
  uint64_t cache = 0;
  (void)device->cl->GetDeviceInfo(device->ref, OR_CL_DEVICE_GLOBAL_MEM_CACHE_SIZE, sizeof cache, &cache, NULL);
  size_t bytes = cache < STREAM_BYTES_MOST / 4 ? (size_t)cache * 4 : STREAM_BYTES_MOST;
  if (bytes < STREAM_BYTES_LEAST) bytes = STREAM_BYTES_LEAST;
  if (device->traits.max_alloc_bytes < bytes) bytes = device->traits.max_alloc_bytes;
  const size_t whole = (size_t)16 << 20; /* so that every stretch is */
  out->bytes = bytes / whole * whole;
  if (out->bytes == 0) return or_error(OR_UNIMPLEMENTED, "the device has too little memory to measure its limits");
  or_status_t status = or_buffer_create(device->device, out->bytes, &out->from);
  if (or_ok(status)) status = or_buffer_create(device->device, out->bytes, &out->to);
  if (or_ok(status)) status = touch(queue, out->from);
  if (or_ok(status)) status = touch(queue, out->to);
  return status;
}

or_status_t or_cl_measure_peaks(void *self, void *queue, or_device_peaks_t *out) {
  const or_cl_device_t *device = self;
  streams_t streams = {0};
  probe_t probes[4] = {{0}};
  double best[4] = {OR_UNKNOWN_F, OR_UNKNOWN_F, OR_UNKNOWN_F, OR_UNKNOWN_F};
  or_status_t status = open_streams(queue, &streams);
  if (or_ok(status)) status = begin_multiply_add(&probes[0], queue, OR_FLOAT32, streams.to);
  if (or_ok(status) && device->traits.fp64) status = begin_multiply_add(&probes[1], queue, OR_FLOAT64, streams.to);
  if (or_ok(status)) status = begin_stream(&probes[2], queue, "read_sum", &streams, 1);
  if (or_ok(status)) status = begin_stream(&probes[3], queue, "copy", &streams, 2);
  for (int round = 0; or_ok(status) && round < ROUNDS; ++round) {
    for (int i = 0; or_ok(status) && i < 4; ++i) status = measure(&probes[i], &best[i]);
  }
  for (int i = 0; i < 4; ++i) end(&probes[i]);
  if (or_ok(status)) {
    *out = (or_device_peaks_t){.fp32_flops = best[0],
                               .fp64_flops = best[1],
                               .bf16_flops = OR_UNKNOWN_F,
                               .int8_ops = OR_UNKNOWN_F,
                               .read_bytes_per_second = best[2],
                               .copy_bytes_per_second = best[3]};
  }
  or_buffer_release(streams.from);
  or_buffer_release(streams.to);
  return status;
}
