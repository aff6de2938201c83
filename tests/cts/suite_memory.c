/* Memory: allocation, limits, copies at offsets, several threads. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/numbers.h"
#include "base/string.h"
#include "cts/cts.h"

static or_status_t pattern(cts_t *cts, size_t bytes, uint64_t seed, void **out) {
  CTS_TRY(or_arena_alloc(&cts->arena, bytes + 1, out));
  or_random_t random = {.state = seed};
  or_random_fill(&random, OR_UINT8, *out, bytes);
  for (size_t i = 0; i < bytes; ++i)
    ((unsigned char *)*out)[i] = (unsigned char)(((unsigned char *)*out)[i] * 17 + i / 16);
  return or_status_success();
}

static or_status_t check_bytes(const or_buffer_t *buffer, size_t offset, const void *expected, size_t bytes) {
  const or_allocator_t *allocator = or_allocator_system();
  void *got = NULL;
  CTS_TRY(or_alloc(allocator, bytes, &got));
  or_status_t status = or_buffer_read(buffer, offset, got, bytes);
  size_t at = 0;
  while (or_ok(status) && at < bytes && ((unsigned char *)got)[at] == ((const unsigned char *)expected)[at]) ++at;
  or_free(allocator, got);
  if (or_ok(status) && at < bytes)
    status = or_error(OR_INTERNAL, "byte %zu of %zu at offset %zu differs", at, bytes, offset);
  return status;
}

static or_status_t round_trip(cts_t *cts, const void *data) {
  size_t bytes = *(const size_t *)data;
  or_buffer_t *buffer = NULL;
  void *out = NULL;
  CTS_TRY(cts_buffer(cts, cts->device, bytes, &buffer));
  CTS_TRY(pattern(cts, bytes, bytes, &out));
  CTS_TRY(or_buffer_write(buffer, 0, out, bytes));
  const char *host = or_buffer_host_pointer(buffer);
  CTS_CHECK(host == NULL || (uintptr_t)host % OR_DEFAULT_ALIGNMENT == 0,
            "the host address %p is not aligned to 64 bytes", (const void *)host);
  CTS_CHECK(host == NULL || memcmp(host, out, bytes) == 0, "the host sees other bytes");
  return check_bytes(buffer, 0, out, bytes);
}

static or_status_t writes_and_reads_at_odd_offsets(cts_t *cts, const void *data) {
  (void)data;
  enum { BYTES = 1000 };
  or_buffer_t *buffer = NULL;
  void *expected = NULL, *piece = NULL;
  CTS_TRY(cts_buffer(cts, cts->device, BYTES, &buffer));
  CTS_TRY(pattern(cts, BYTES, 1, &expected));
  CTS_TRY(or_buffer_write(buffer, 0, expected, BYTES));
  or_random_t random = {.state = 5};
  for (int i = 0; i < 200; ++i) {
    size_t offset = or_random_next(&random) % BYTES, bytes = or_random_next(&random) % (BYTES - offset + 1);
    CTS_TRY(pattern(cts, bytes, (uint64_t)i + 100, &piece));
    CTS_TRY(or_buffer_write(buffer, offset, piece, bytes));
    memcpy((char *)expected + offset, piece, bytes);
    CTS_TRY(check_bytes(buffer, offset / 2, (char *)expected + offset / 2, BYTES - offset));
  }
  return check_bytes(buffer, 0, expected, BYTES);
}

static or_status_t copies_at_offsets(cts_t *cts, const void *data) {
  (void)data;
  enum { BYTES = 4099 };
  or_buffer_t *a = NULL, *b = NULL;
  void *in_a = NULL, *in_b = NULL;
  CTS_TRY(cts_buffer(cts, cts->device, BYTES, &a));
  CTS_TRY(cts_buffer(cts, cts->device, BYTES, &b));
  CTS_TRY(pattern(cts, BYTES, 1, &in_a));
  CTS_TRY(pattern(cts, BYTES, 2, &in_b));
  CTS_TRY(or_buffer_write(a, 0, in_a, BYTES));
  CTS_TRY(or_buffer_write(b, 0, in_b, BYTES));
  CTS_TRY(or_buffer_copy(a, 17, b, 1001, 2003));
  memcpy((char *)in_b + 1001, (char *)in_a + 17, 2003);
  CTS_TRY(check_bytes(b, 0, in_b, BYTES));
  CTS_TRY(or_buffer_copy(b, 3, b, 3000, 1000)); /* within one buffer */
  memcpy((char *)in_b + 3000, (char *)in_b + 3, 1000);
  CTS_TRY(check_bytes(b, 0, in_b, BYTES));
  return check_bytes(a, 0, in_a, BYTES);
}

static or_status_t counts_and_frees_every_byte(cts_t *cts, const void *data) {
  (void)data;
  or_memory_usage_t before = or_device_memory_usage(cts->device);
  or_buffer_t *buffers[20];
  size_t total = 0;
  for (size_t i = 0; i < 20; ++i) {
    CTS_TRY(cts_buffer(cts, cts->device, i * 1001 + 1, &buffers[i]));
    total += i * 1001 + 1;
  }
  or_memory_usage_t during = or_device_memory_usage(cts->device);
  CTS_CHECK(during.used_bytes - before.used_bytes == total, "%llu bytes were counted for %zu",
            (unsigned long long)(during.used_bytes - before.used_bytes), total);
  while (cts->buffer_count > 0) or_buffer_release(cts->buffers[--cts->buffer_count]);
  CTS_CHECK(or_device_memory_usage(cts->device).used_bytes == before.used_bytes, "some bytes were not given back");
  return or_status_success();
}

static or_status_t keeps_to_the_limit(cts_t *cts, const void *data) {
  (void)data;
  or_buffer_t *first = NULL, *second = NULL;
  CTS_TRY(cts_buffer(cts, cts->device, 1000, &first));
  uint64_t used = or_device_memory_usage(cts->device).used_bytes;
  or_device_set_memory_limit(cts->device, used + 500);
  or_status_t status =
      cts_expect(or_buffer_create(cts->device, 501, &second), OR_RESOURCE_EXHAUSTED, "beyond the limit");
  if (or_ok(status) && or_device_memory_usage(cts->device).used_bytes != used)
    status = or_error(OR_INTERNAL, "a refused buffer was counted");
  if (or_ok(status)) status = cts_buffer(cts, cts->device, 500, &second);
  or_device_set_memory_limit(cts->device, UINT64_MAX);
  return status;
}

/* Far beyond any machine: the backend must say so and go on. */
static or_status_t survives_an_absurd_size(cts_t *cts, const void *data) {
  (void)data;
  or_buffer_t *buffer = NULL;
  uint64_t used = or_device_memory_usage(cts->device).used_bytes;
  CTS_TRY(cts_expect(or_buffer_create(cts->device, (size_t)1 << 60, &buffer), OR_RESOURCE_EXHAUSTED, "2^60 bytes"));
  CTS_CHECK(or_device_memory_usage(cts->device).used_bytes == used, "a refused buffer was counted");
  return cts_buffer(cts, cts->device, 4096, &buffer);
}

static or_status_t wraps_memory_of_the_host(cts_t *cts, const void *data) {
  (void)data;
  static _Alignas(64) char memory[256];
  or_buffer_t *wrapped = NULL, *own = NULL;
  or_status_t status = or_buffer_wrap(cts->device, memory, sizeof memory, (or_owner_t){0}, &wrapped);
  if (or_status_code(status) == OR_UNIMPLEMENTED && cts->opened->memory_wrap == NULL) {
    or_status_ignore(status); /* allowed */
    return cts_skip(cts, "the device has memory of its own");
  }
  CTS_TRY(status);
  cts->buffers[cts->buffer_count++] = wrapped;
  CTS_TRY(cts_buffer(cts, cts->device, sizeof memory, &own));
  void *bytes = NULL;
  CTS_TRY(pattern(cts, sizeof memory, 9, &bytes));
  memcpy(memory, bytes, sizeof memory);
  CTS_TRY(or_buffer_copy(wrapped, 0, own, 0, sizeof memory));
  CTS_TRY(check_bytes(own, 0, bytes, sizeof memory));
  CTS_TRY(or_buffer_write(wrapped, 10, "written", 7));
  CTS_CHECK(memcmp(memory + 10, "written", 7) == 0, "what was written is not in the caller's memory");
  return or_status_success();
}

typedef struct copier_t {
  or_device_t *device;
  uint64_t seed;
  or_status_t status;
} copier_t;

static or_status_t copy_about(const copier_t *copier) {
  enum { BYTES = 20011, ROUNDS = 40 };
  unsigned char bytes[512];
  or_random_t random = {.state = copier->seed};
  or_status_t status = or_status_success();
  for (int i = 0; or_ok(status) && i < ROUNDS; ++i) {
    or_buffer_t *a = NULL, *b = NULL;
    or_random_fill(&random, OR_UINT8, bytes, sizeof bytes);
    status = or_buffer_create(copier->device, BYTES, &a);
    if (or_ok(status)) status = or_buffer_create(copier->device, BYTES, &b);
    if (or_ok(status)) status = or_buffer_write(a, 100, bytes, sizeof bytes);
    if (or_ok(status)) status = or_buffer_copy(a, 100, b, BYTES - 512, 512);
    if (or_ok(status)) status = check_bytes(b, BYTES - 512, bytes, sizeof bytes);
    or_buffer_release(a);
    or_buffer_release(b);
  }
  return status;
}

static void copier_main(void *argument) {
  copier_t *copier = argument;
  copier->status = copy_about(copier);
}

static or_status_t serves_four_threads(cts_t *cts, const void *data) {
  (void)data;
  copier_t copiers[4];
  or_thread_t threads[4] = {{0}};
  or_status_t status = or_status_success();
  for (int i = 0; i < 4; ++i) {
    copiers[i] = (copier_t){.device = cts->device, .seed = (uint64_t)i + 1, .status = or_status_success()};
    if (or_ok(status)) status = or_thread_start(&threads[i], "copier", copier_main, &copiers[i]);
  }
  for (int i = 0; i < 4; ++i) {
    or_thread_join(&threads[i]);
    status = or_status_first(status, copiers[i].status);
  }
  return status;
}

static or_status_t copies_to_and_from_another_device(cts_t *cts, const void *data) {
  (void)data;
  or_device_t *other = NULL;
  for (uint32_t i = 0; i < cts->rig.device_count; ++i) {
    if (cts->rig.devices[i] != cts->device) other = cts->rig.devices[i];
  }
  if (other == NULL) return cts_skip(cts, "the backend has one device only");
  or_buffer_t *here = NULL, *there = NULL, *back = NULL;
  void *bytes = NULL;
  enum { BYTES = 3000001 };
  CTS_TRY(cts_buffer(cts, cts->device, BYTES, &here));
  CTS_TRY(cts_buffer(cts, other, BYTES + 7, &there));
  CTS_TRY(cts_buffer(cts, cts->device, BYTES, &back));
  CTS_TRY(pattern(cts, BYTES, 4, &bytes));
  CTS_TRY(or_buffer_write(here, 0, bytes, BYTES));
  CTS_TRY(or_buffer_copy(here, 0, there, 7, BYTES));
  CTS_TRY(or_buffer_copy(there, 7, back, 0, BYTES));
  return check_bytes(back, 0, bytes, BYTES);
}

void cts_suite_memory(cts_t *cts) {
  static const size_t sizes[] = {0, 1, 3, 63, 64, 65, 4096, 100003, (size_t)1 << 20, ((size_t)32 << 20) + 1};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; ++i) {
    char name[64];
    cts_case(cts, or_format(name, sizeof name, "memory/round_trip_of_%zu_bytes", sizes[i]), round_trip, &sizes[i]);
  }
  cts_case(cts, "memory/writes_and_reads_at_odd_offsets", writes_and_reads_at_odd_offsets, NULL);
  cts_case(cts, "memory/copies_at_offsets", copies_at_offsets, NULL);
  cts_case(cts, "memory/counts_and_frees_every_byte", counts_and_frees_every_byte, NULL);
  cts_case(cts, "memory/keeps_to_the_limit", keeps_to_the_limit, NULL);
  cts_case(cts, "memory/survives_an_absurd_size", survives_an_absurd_size, NULL);
  cts_case(cts, "memory/wraps_memory_of_the_host", wraps_memory_of_the_host, NULL);
  cts_case(cts, "memory/serves_four_threads", serves_four_threads, NULL);
  cts_case(cts, "memory/copies_to_and_from_another_device", copies_to_and_from_another_device, NULL);
}
