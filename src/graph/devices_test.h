#ifndef OR_GRAPH_DEVICES_TEST_H
#define OR_GRAPH_DEVICES_TEST_H
/* Devices for the tests of plans: the fake one, with memory of its own, and a plain one, which runs on the host by the C references. And a way
 * to run a plan and wait. Included after cmocka.h and fixture_test.h. */

#include "fake/fake.h"
#include "fake/rig.h"
#include "graph/plan.h"
#include "graph/reference.h"
#include "openruntime/tensor.h"

/* What the plain device refuses; NULL-terminated, or NULL. Set before plans are made. */
static const char *const *plain_refused;

static inline or_status_t plain_alloc(void *self, size_t bytes, or_memory_t *out) {
  const or_host_t *host = self;
  or_status_t status = or_alloc(host->allocator, bytes, &out->host);
  out->handle = out->host;
  out->bytes = bytes;
  return status;
}
static inline void plain_release(void *self, or_memory_t *memory) { or_free(((const or_host_t *)self)->allocator, memory->handle); }
static inline or_status_t plain_wrap(void *self, void *host, size_t bytes, or_memory_t *out) {
  (void)self;
  *out = (or_memory_t){.host = host, .bytes = bytes};
  return or_status_success();
}
static inline or_status_t plain_write(void *self, or_memory_t *memory, size_t offset, const void *source, size_t bytes) {
  (void)self;
  memcpy((char *)memory->host + offset, source, bytes);
  return or_status_success();
}
static inline or_status_t plain_read(void *self, const or_memory_t *memory, size_t offset, void *destination, size_t bytes) {
  (void)self;
  memcpy(destination, (const char *)memory->host + offset, bytes);
  return or_status_success();
}
static inline or_status_t plain_copy(void *self, const or_memory_t *source, size_t source_offset, or_memory_t *destination,
                                     size_t destination_offset, size_t bytes) {
  (void)self;
  memcpy((char *)destination->host + destination_offset, (const char *)source->host + source_offset, bytes);
  return or_status_success();
}
static inline or_status_t plain_queue_open(void *self, void **queue) {
  *queue = self;
  return or_status_success();
}
static inline void plain_queue_close(void *self, void *queue) {
  (void)self;
  (void)queue;
}
static inline void plain_supports(void *self, const or_subgraph_t *subgraph, const or_node_t *of, or_support_t *out) {
  (void)self;
  (void)subgraph;
  *out = (or_support_t){.supported = of->part_count == 0};
  for (size_t i = 0; plain_refused != NULL && plain_refused[i] != NULL; ++i) {
    if (strcmp(of->op, plain_refused[i]) == 0) *out = (or_support_t){.supported = false, .reason = "the plain device refuses it"};
  }
}
static inline or_status_t plain_compile(void *self, void *queue, const or_subgraph_t *subgraph, or_executable_t *out) {
  (void)queue;
  return or_reference_compile(((const or_host_t *)self)->allocator, subgraph, out);
}
static inline void plain_close(void *self) { (void)self; }
static inline or_status_t plain_open(void *self, uint32_t index, or_device_t *device, or_backend_device_t *out) {
  (void)index;
  (void)device;
  *out = (or_backend_device_t){.abi_version = OR_BACKEND_ABI_VERSION, .struct_size = sizeof *out, .self = self,
                               .memory_alloc = plain_alloc, .memory_release = plain_release, .memory_wrap = plain_wrap,
                               .write = plain_write, .read = plain_read, .copy = plain_copy, .queue_open = plain_queue_open,
                               .queue_close = plain_queue_close, .supports = plain_supports, .compile = plain_compile,
                               .close = plain_close};
  return or_status_success();
}
static inline or_status_t plain_enumerate(void *self, or_device_found_t found, void *context) {
  (void)self;
  or_device_facts_t facts = {.id = "plain_0", .type = "plain", .hardware_id = "host", .name = "Plain device", .unified_memory = true};
  return found(context, 0, &facts);
}
static inline or_status_t plain_entry(const or_host_t *host, or_backend_t *out) {
  *out = (or_backend_t){.abi_version = OR_BACKEND_ABI_VERSION, .struct_size = sizeof *out, .name = "plain",
                        .self = (void *)(uintptr_t)host, .enumerate = plain_enumerate, .open = plain_open, .close = plain_close};
  return or_status_success();
}

/* The event is made once, by the system's allocator, so that a run that is waited for allocates nothing itself. */
static inline void signal_done(void *self, or_status_t status) { or_event_signal(self, status); }

/* The arrays of a run, all of whose outputs are wanted. */
typedef struct run_t {
  or_tensor_t *inputs[16], *outputs[16];
  or_shape_t shapes[16];
  bool wanted[16];
  or_plan_run_t call;
  or_event_t *event;
} run_t;

static inline void begin_run(run_t *run) {
  memset(run, 0, sizeof *run);
  for (size_t i = 0; i < 16; ++i) run->wanted[i] = true;
  or_expect_ok(or_event_create(or_allocator_system(), &run->event));
  run->call = (or_plan_run_t){.inputs = run->inputs, .outputs = run->outputs, .wanted = run->wanted, .output_shapes = run->shapes,
                              .done = signal_done, .self = run->event};
}

/* Runs once and waits; the event is used up. */
static inline or_status_t run_plan(or_plan_t *plan, run_t *run) {
  or_status_t status = or_plan_submit(plan, &run->call);
  return or_ok(status) ? or_event_wait(run->event, INT64_MAX) : status;
}

static inline void end_run(run_t *run) {
  for (size_t i = 0; i < 16; ++i) {
    or_tensor_release(run->inputs[i]);
    or_tensor_release(run->outputs[i]);
  }
  or_event_release(run->event);
}

static inline or_tensor_t *floats_on(or_device_t *device, or_shape_t shape, const float *data) {
  or_tensor_t *tensor = NULL;
  uint64_t count = 0;
  assert_true(or_shape_count(&shape, &count));
  or_expect_ok(or_tensor_create_from(device, OR_FLOAT32, shape, data, count * sizeof(float), &tensor));
  return tensor;
}

static inline or_tensor_t *empty_on(or_device_t *device, or_shape_t shape) {
  or_tensor_t *tensor = NULL;
  or_expect_ok(or_tensor_create(device, OR_FLOAT32, shape, &tensor));
  return tensor;
}

static inline void assert_floats(const or_tensor_t *tensor, const float *expected, size_t count) {
  float got[256];
  assert_non_null(tensor);
  assert_true(count <= 256 && or_tensor_bytes(tensor) >= count * sizeof(float));
  or_expect_ok(or_tensor_read(tensor, got, or_tensor_bytes(tensor)));
  for (size_t i = 0; i < count; ++i) {
    if (got[i] != expected[i]) print_error("element %zu: %g, expected %g\n", i, (double)got[i], (double)expected[i]);
    assert_true(got[i] == expected[i]);
  }
}

#endif
