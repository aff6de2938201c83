/* The backend itself: entry, enumeration, the device's table. */
#include "fake/fake.h"

#include <stdio.h>

#include "base/alloc.h"
#include "base/string.h"
#include "fake/fake_internal.h"

static or_status_t queue_open(void *self, void **queue) {
  or_status_t status = fake_arrive(self, OR_FAKE_QUEUE_OPEN);
  if (!or_ok(status)) return status;
  fake_object_made();
  *queue = self; /* it has nothing of its own */
  return or_status_success();
}

static or_status_t queue_finish(void *self, void *queue) {
  (void)queue;
  return fake_arrive(self, OR_FAKE_QUEUE_FINISH);
}

static void queue_close(void *self, void *queue) {
  (void)self;
  (void)queue;
  fake_object_gone();
}

static or_status_t sample(void *self, or_device_sample_t *out) {
  (void)self;
  out->memory_used_bytes = or_fake_live_bytes();
  uint64_t capacity = fake_capacity();
  if (capacity != UINT64_MAX) out->memory_available_bytes = capacity - out->memory_used_bytes;
  return or_status_success();
}

static void device_close(void *self) {
  fake_device_t *device = self;
  or_free(device->host->allocator, device);
  fake_object_gone();
}

static or_status_t device_open(void *self, uint32_t index, or_device_t *device, or_backend_device_t *out) {
  const or_host_t *host = self;
  void *memory = NULL;
  fake_device_t arriving = {.host = host, .device = device, .index = index};
  or_status_t status = fake_arrive(&arriving, OR_FAKE_OPEN);
  if (or_ok(status)) status = or_alloc(host->allocator, sizeof(fake_device_t), &memory);
  if (!or_ok(status)) return status;
  fake_device_t *own = memory;
  *own = arriving;
  fake_object_made();
  *out = (or_backend_device_t){
      .abi_version = OR_BACKEND_ABI_VERSION,
      .struct_size = sizeof *out,
      .self = own,
      .memory_alloc = fake_memory_alloc,
      .memory_release = fake_memory_release,
      .memory_wrap = fake_is_unified(index) ? fake_memory_wrap : NULL,
      .write = fake_write,
      .read = fake_read,
      .copy = fake_copy,
      .queue_open = queue_open,
      .queue_finish = queue_finish,
      .queue_close = queue_close,
      .supports = fake_supports,
      .compile = fake_compile,
      .sample = sample,
      .close = device_close,
      .kernel_language = fake_has_kernels() ? "fake C" : NULL,
      .kernel_compile = fake_has_kernels() ? fake_kernel_compile : NULL,
  };
  return or_status_success();
}

static or_status_t enumerate(void *self, or_device_found_t found, void *context) {
  (void)self;
  bool shared = false;
  uint32_t count = fake_device_count(&shared);
  or_status_t status = or_status_success();
  for (uint32_t i = 0; or_ok(status) && i < count; ++i) {
    or_device_facts_t facts = {.type = "fake",
                               .name = "Fake device",
                               .capabilities = {"fp32"},
                               .capability_count = 1,
                               .compute_units = 1,
                               .memory_total_bytes = fake_capacity(),
                               .clock_max_hz = OR_UNKNOWN_F,
                               .unified_memory = fake_is_unified(i)};
    (void)or_format(facts.id, sizeof facts.id, "fake_%u", i);
    (void)or_format(facts.hardware_id, sizeof facts.hardware_id, "fake-hw-%u", shared ? 0 : i);
    status = found(context, i, &facts);
  }
  return status;
}

static void describe(void *self, const char **detail, const char **advice) {
  (void)self;
  *detail = "a device for tests";
  *advice = NULL;
}

static void backend_close(void *self) { (void)self; }

or_status_t or_fake_entry(const or_host_t *host, or_backend_t *out) {
  *out = (or_backend_t){
      .abi_version = OR_BACKEND_ABI_VERSION,
      .struct_size = sizeof *out,
      .name = "fake",
      .self = (void *)(uintptr_t)host, /* read only */
      .enumerate = enumerate,
      .open = device_open,
      .describe = describe,
      .close = backend_close,
  };
  return or_status_success();
}
