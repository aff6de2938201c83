/* The smallest backend that keeps the contract, and the template for a new one: copy the folder, replace the names,
 * then each function in the order of this file. It has one device, "null_0", with host memory and queues that have
 * nothing to do; it supports no operator.
 *
 * What a backend must not do: print, exit, throw, keep a pointer from a call's arguments beyond that call (constants
 * apart), or lose a status. What it need not do: check ranges, count bytes, lock against itself on one queue; src/hal
 * does. */
#include "backends/registry.h"

#include <string.h>

/* --- Memory. Any thread may call these at the same time. --- */

/* `handle` is yours: what your driver calls the memory. `host` is where the host reaches it, or NULL if it can't:
 * nobody will look into the handle then, and every byte comes and goes by write, read and copy. */
static or_status_t memory_alloc(void *self, size_t bytes, or_memory_t *out) {
  const or_host_t *host = self;
  void *memory = host->allocator->alloc(host->allocator->self, bytes, 64);
  if (memory == NULL) {
    return host->status_make(OR_RESOURCE_EXHAUSTED, "backends/null/null.c", "no memory for %zu bytes", bytes);
  }
  *out = (or_memory_t){.handle = memory, .host = memory, .bytes = bytes};
  return or_status_success();
}

static void memory_release(void *self, or_memory_t *memory) {
  const or_host_t *host = self;
  if (memory->handle != NULL) host->allocator->release(host->allocator->self, memory->handle);
}

/* Makes a caller's memory usable without a copy. Leave the entry NULL if the device has memory of its own. Here the
 * handle stays NULL, which tells memory_release that there is nothing to give back. */
static or_status_t memory_wrap(void *self, void *host, size_t bytes, or_memory_t *out) {
  (void)self;
  *out = (or_memory_t){.handle = NULL, .host = host, .bytes = bytes};
  return or_status_success();
}

/* The ranges were checked and are not empty. Return when the bytes are there. A driver's failure: DEVICE_LOST if the
 * device is gone. */
static or_status_t write_memory(void *self, or_memory_t *memory, size_t offset, const void *source, size_t bytes) {
  (void)self;
  memcpy((char *)memory->host + offset, source, bytes);
  return or_status_success();
}

static or_status_t read_memory(void *self, const or_memory_t *memory, size_t offset, void *destination, size_t bytes) {
  (void)self;
  memcpy(destination, (const char *)memory->host + offset, bytes);
  return or_status_success();
}

/* Both memories are of this device; the ranges do not overlap. */
static or_status_t copy_memory(void *self, const or_memory_t *source, size_t source_offset, or_memory_t *destination,
                               size_t destination_offset, size_t bytes) {
  (void)self;
  memcpy((char *)destination->host + destination_offset, (const char *)source->host + source_offset, bytes);
  return or_status_success();
}

/* --- Queues: a stream, a command queue, a thread team. All calls for one queue come from one thread. --- */

static or_status_t queue_open(void *self, void **queue) {
  *queue = self; /* whatever a run needs to find: yours */
  return or_status_success();
}

/* Where work is only enqueued by `run`, wait here until it is done. */
static or_status_t queue_finish(void *self, void *queue) {
  (void)self;
  (void)queue;
  return or_status_success();
}

static void queue_close(void *self, void *queue) {
  (void)self;
  (void)queue;
}

/* --- Operators. --- */

/* Answer for this very node: operator, version, attributes, dtypes and shapes (from subgraph->values). A no is no
 * error: the node runs elsewhere, and people read the reason. */
static or_status_t supports(void *self, const or_subgraph_t *subgraph, const or_node_t *node, or_support_t *out) {
  (void)self;
  (void)subgraph;
  (void)node;
  *out = (or_support_t){.supported = false, .reason = "the null backend runs no operator"};
  return or_status_success();
}

/* Only for nodes that `supports` said yes to. Copy what you keep; fill *out last, when nothing can fail any more. */
static or_status_t compile(void *self, void *queue, const or_subgraph_t *subgraph, or_executable_t *out) {
  const or_host_t *host = self;
  (void)queue;
  (void)out;
  return host->status_make(OR_UNIMPLEMENTED, "backends/null/null.c",
                           "the null backend runs no operator; %u nodes were given", subgraph->node_count);
}

/* --- The device and the backend. --- */

static void device_close(void *self) { (void)self; }

/* The slow part: contexts, libraries, kernels. Fill every entry that the contract does not call optional. */
static or_status_t open_device(void *self, uint32_t index, or_device_t *device, or_backend_device_t *out) {
  (void)index;
  (void)device;
  *out = (or_backend_device_t){
      .abi_version = OR_BACKEND_ABI_VERSION,
      .struct_size = sizeof *out,
      .self = self,
      .memory_alloc = memory_alloc,
      .memory_release = memory_release,
      .memory_wrap = memory_wrap,
      .write = write_memory,
      .read = read_memory,
      .copy = copy_memory,
      .queue_open = queue_open,
      .queue_finish = queue_finish,
      .queue_close = queue_close,
      .supports = supports,
      .compile = compile,
      .close = device_close,
  };
  return or_status_success();
}

/* Cheap, every time: people wait for `openruntime devices`. A number that the hardware does not report stays
 * unknown. */
static or_status_t enumerate(void *self, or_device_found_t found, void *context) {
  (void)self;
  or_device_facts_t facts = {
      .id = "null_0",
      .type = "null",
      .hardware_id = "null",
      .name = "Null device",
      .clock_max_hz = OR_UNKNOWN_F,
      .unified_memory = true,
  };
  return found(context, 0, &facts);
}

static void describe(void *self, const char **detail, const char **advice) {
  (void)self;
  *detail = "the template for backend authors";
  *advice = NULL;
}

static void close_backend(void *self) { (void)self; }

or_status_t or_backend_null_entry(const or_host_t *host, or_backend_t *out) {
  if (host->abi_version != OR_BACKEND_ABI_VERSION) {
    return host->status_make(OR_INVALID_ARGUMENT, "backends/null/null.c",
                             "ABI %u is not known here; rebuild the backend", host->abi_version);
  }
  *out = (or_backend_t){
      .abi_version = OR_BACKEND_ABI_VERSION,
      .struct_size = sizeof *out,
      .name = "null",
      .self = (void *)(uintptr_t)host, /* all there is to know; only read */
      .enumerate = enumerate,
      .open = open_device,
      .describe = describe,
      .close = close_backend,
  };
  return or_status_success();
}
