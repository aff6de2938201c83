#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "fake/expect.h"
#include "fake/fake.h"
#include "fake/rig.h"
#include "hal/buffer.h"

static or_rig_t fake;
static or_device_t *first, *second, *host;

static int set_up(void **state) {
  (void)state;
  or_fake_reset();
  or_fake_set_devices(3, false);
  or_fake_set_unified(2);
  or_expect_ok(or_rig_open(&fake, or_allocator_system(), or_fake_entry, NULL));
  first = fake.devices[0];
  second = fake.devices[1];
  host = fake.devices[2];
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  assert_int_equal(or_device_memory_usage(first).used_bytes, 0);
  assert_int_equal(or_device_memory_usage(host).used_bytes, 0);
  assert_int_equal(or_device_counters(first).live_buffers, 0);
  or_rig_close(&fake);
  assert_int_equal(or_fake_live_bytes(), 0);
  assert_int_equal(or_status_live_count(), 0);
  return 0;
}

static or_buffer_t *new_buffer(or_device_t *device, size_t bytes) {
  or_buffer_t *buffer = NULL;
  or_expect_ok(or_buffer_create(device, bytes, &buffer));
  assert_int_equal(or_buffer_bytes(buffer), bytes);
  assert_ptr_equal(or_buffer_device(buffer), device);
  return buffer;
}

static void counts_every_byte_against_its_hardware(void **state) {
  (void)state;
  or_buffer_t *a = new_buffer(first, 1000), *b = new_buffer(first, 24);
  assert_int_equal(or_device_memory_usage(first).used_bytes, 1024);
  assert_int_equal(or_fake_live_bytes(), 1024);
  assert_int_equal(or_device_counters(first).live_buffers, 2);
  assert_int_equal(or_device_memory_usage(second).used_bytes, 0);
  or_buffer_retain(a);
  or_buffer_release(a);
  assert_int_equal(or_device_memory_usage(first).used_bytes, 1024);
  or_buffer_release(a);
  or_buffer_release(b);
  or_buffer_release(NULL);
  assert_int_equal(or_device_memory_usage(first).peak_bytes, 1024);
}

static void leaks_nothing_when_the_limit_is_exceeded(void **state) {
  (void)state;
  or_buffer_t *small = new_buffer(first, 100), *large = NULL;
  or_device_set_memory_limit(first, 150);
  or_expect_words(or_buffer_create(first, 51, &large), OR_RESOURCE_EXHAUSTED,
                  "asked 51 bytes with 100 bytes used of a limit of 150 bytes");
  assert_null(large);
  assert_int_equal(or_device_memory_usage(first).used_bytes, 100);
  assert_int_equal(or_fake_live_bytes(), 100);
  large = new_buffer(first, 50);
  or_buffer_release(large);
  or_buffer_release(small);
}

static void gives_the_charge_back_when_the_device_has_no_memory(void **state) {
  (void)state;
  or_buffer_t *buffer = NULL;
  or_fake_set_capacity(64);
  or_expect_words(or_buffer_create(first, 65, &buffer), OR_RESOURCE_EXHAUSTED, "device \"fake_0\": buffer of 65 bytes");
  assert_null(buffer);
  assert_int_equal(or_device_memory_usage(first).used_bytes, 0);
  or_fake_fail(OR_FAKE_ALLOC, 1, OR_INTERNAL);
  or_expect(or_buffer_create(first, 8, &buffer), OR_INTERNAL);
  assert_int_equal(or_device_memory_usage(first).used_bytes, 0);
}

static void may_be_empty(void **state) {
  (void)state;
  or_buffer_t *far = new_buffer(first, 0), *near = new_buffer(host, 0);
  char byte = 0;
  or_expect_ok(or_buffer_write(far, 0, NULL, 0));
  or_expect_ok(or_buffer_read(far, 0, NULL, 0));
  or_expect_ok(or_buffer_copy(far, 0, near, 0, 0));
  or_expect(or_buffer_write(far, 0, &byte, 1), OR_OUT_OF_RANGE);
  assert_null(or_buffer_host_pointer(far));
  assert_non_null(or_buffer_host_pointer(near));
  or_buffer_release(far);
  or_buffer_release(near);
}

static void writes_and_reads_at_offsets(void **state) {
  (void)state;
  or_buffer_t *buffer = new_buffer(first, 10);
  char out[10] = {0};
  or_expect_ok(or_buffer_write(buffer, 0, "0123456789", 10));
  or_expect_ok(or_buffer_write(buffer, 3, "xyz", 3));
  or_expect_ok(or_buffer_read(buffer, 2, out, 5));
  assert_memory_equal(out, "2xyz6", 5);
  assert_null(or_buffer_host_pointer(buffer));
  or_device_counters_t counters = or_device_counters(first);
  assert_int_equal(counters.writes, 2);
  assert_int_equal(counters.write_bytes, 13);
  assert_int_equal(counters.reads, 1);
  assert_int_equal(counters.read_bytes, 5);
  or_buffer_release(buffer);
}

static void names_the_range_that_does_not_fit(void **state) {
  (void)state;
  or_buffer_t *a = new_buffer(first, 10), *b = new_buffer(first, 4);
  char out[32] = {0};
  or_expect_words(or_buffer_write(a, 8, out, 3), OR_OUT_OF_RANGE, "3 bytes at offset 8 of a buffer of 10 bytes");
  or_expect(or_buffer_read(a, 11, out, 0), OR_OUT_OF_RANGE);
  or_expect(or_buffer_read(a, SIZE_MAX, out, 2), OR_OUT_OF_RANGE);
  or_expect(or_buffer_read(a, 2, out, SIZE_MAX), OR_OUT_OF_RANGE);
  or_expect_words(or_buffer_copy(a, 0, b, 0, 5), OR_OUT_OF_RANGE, "destination");
  or_expect_words(or_buffer_copy(b, 0, a, 0, 5), OR_OUT_OF_RANGE, "source");
  or_expect(or_buffer_write(a, 0, NULL, 1), OR_INVALID_ARGUMENT);
  or_expect(or_buffer_read(a, 0, NULL, 1), OR_INVALID_ARGUMENT);
  or_expect(or_buffer_copy(a, 0, a, 4, 5), OR_INVALID_ARGUMENT);
  or_expect_ok(or_buffer_copy(a, 0, a, 5, 5));
  assert_int_equal(or_fake_calls(OR_FAKE_WRITE) + or_fake_calls(OR_FAKE_READ), 0);
  or_buffer_release(a);
  or_buffer_release(b);
}

static void check_copy(or_device_t *from, or_device_t *to, size_t bytes) {
  or_buffer_t *source = new_buffer(from, bytes + 3), *destination = new_buffer(to, bytes + 5);
  void *data = NULL, *back = NULL;
  or_expect_ok(or_alloc(or_allocator_system(), bytes, &data));
  or_expect_ok(or_alloc(or_allocator_system(), bytes, &back));
  for (size_t i = 0; i < bytes; ++i) ((unsigned char *)data)[i] = (unsigned char)(i * 7 + i / 251);
  or_expect_ok(or_buffer_write(source, 3, data, bytes));
  or_expect_ok(or_buffer_copy(source, 3, destination, 5, bytes));
  or_expect_ok(or_buffer_read(destination, 5, back, bytes));
  assert_memory_equal(data, back, bytes);
  or_free(or_allocator_system(), data);
  or_free(or_allocator_system(), back);
  or_buffer_release(source);
  or_buffer_release(destination);
}

static void copies_between_all_kinds_of_memory(void **state) {
  (void)state;
  or_device_t *devices[] = {first, second, host};
  for (int i = 0; i < 3; ++i) {
    for (int k = 0; k < 3; ++k) check_copy(devices[i], devices[k], 100);
  }
  assert_int_equal(or_device_counters(first).copies, 1); /* within the device: one call, nothing through the host */
  uint64_t reads = or_device_counters(first).reads;
  check_copy(first, second, (2 << 20) + 17); /* several pieces */
  assert_int_equal(or_device_counters(first).reads, reads + 3);
}

static void passes_a_failure_of_either_side_on(void **state) {
  (void)state;
  or_buffer_t *source = new_buffer(first, 10), *destination = new_buffer(second, 10);
  or_fake_fail(OR_FAKE_READ, 1, OR_INTERNAL);
  or_expect(or_buffer_copy(source, 0, destination, 0, 10), OR_INTERNAL);
  or_fake_fail(OR_FAKE_WRITE, 1, OR_DEVICE_LOST);
  or_expect(or_buffer_copy(source, 0, destination, 0, 10), OR_DEVICE_LOST);
  assert_int_equal(or_device_state(first, NULL), OR_DEVICE_AVAILABLE);
  assert_int_equal(or_device_state(second, NULL), OR_DEVICE_STATE_LOST);
  or_expect(or_buffer_copy(source, 0, destination, 0, 10), OR_DEVICE_LOST);
  or_buffer_release(source);
  or_buffer_release(destination);
}

static void count_release(void *self) { ++*(int *)self; }

static void wraps_memory_of_the_caller_without_counting_it(void **state) {
  (void)state;
  static _Alignas(64) char memory[128];
  int released = 0;
  or_owner_t owner = {.self = &released, .release = count_release};
  or_buffer_t *buffer = NULL;
  or_expect_ok(or_buffer_wrap(host, memory, 100, owner, &buffer));
  assert_ptr_equal(or_buffer_host_pointer(buffer), memory);
  assert_int_equal(or_device_memory_usage(host).used_bytes, 0);
  or_expect_ok(or_buffer_write(buffer, 1, "hello", 5));
  assert_memory_equal(memory + 1, "hello", 5);
  or_buffer_retain(buffer);
  or_buffer_release(buffer);
  assert_int_equal(released, 0);
  or_buffer_release(buffer);
  assert_int_equal(released, 1);

  /* On failure the memory stays the caller's. */
  or_expect_words(or_buffer_wrap(host, memory + 4, 8, owner, &buffer), OR_INVALID_ARGUMENT, "64");
  or_expect(or_buffer_wrap(host, NULL, 8, owner, &buffer), OR_INVALID_ARGUMENT);
  or_expect_words(or_buffer_wrap(first, memory, 8, owner, &buffer), OR_UNIMPLEMENTED, "fake_0");
  assert_null(buffer);
  assert_int_equal(released, 1);
  or_expect_ok(or_buffer_wrap(host, NULL, 0, (or_owner_t){0}, &buffer));
  assert_non_null(or_buffer_host_pointer(buffer));
  or_buffer_release(buffer);
}

static or_status_t create_and_copy(const or_allocator_t *allocator) {
  or_rig_t rig;
  or_buffer_t *a = NULL, *b = NULL;
  or_status_t status = or_rig_open(&rig, allocator, or_fake_entry, NULL);
  if (!or_ok(status)) return status;
  status = or_buffer_create(rig.devices[0], 100, &a);
  if (or_ok(status)) status = or_buffer_create(rig.devices[1], 100, &b);
  if (or_ok(status)) status = or_buffer_write(a, 0, &rig, 100);
  if (or_ok(status)) status = or_buffer_copy(a, 0, b, 0, 100);
  or_buffer_release(a);
  or_buffer_release(b);
  bool honest = or_device_memory_usage(rig.devices[0]).used_bytes == 0;
  or_rig_close(&rig);
  assert_true(honest);
  return status;
}

static void gives_everything_back_when_the_nth_allocation_fails(void **state) {
  (void)state;
  for (size_t n = 1;; ++n) {
    or_counting_allocator_t counting;
    or_counting_allocator_init(&counting, or_allocator_system(), n);
    or_status_t status = create_and_copy(&counting.base);
    bool done = or_ok(status);
    or_expect(status, done ? OR_OK : OR_RESOURCE_EXHAUSTED);
    assert_int_equal(counting.live_bytes, 0);
    assert_int_equal(or_fake_live_bytes(), 0);
    assert_true(counting.triggered == !done);
    if (done) break;
  }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(counts_every_byte_against_its_hardware),
      TEST(leaks_nothing_when_the_limit_is_exceeded),
      TEST(gives_the_charge_back_when_the_device_has_no_memory),
      TEST(may_be_empty),
      TEST(writes_and_reads_at_offsets),
      TEST(names_the_range_that_does_not_fit),
      TEST(copies_between_all_kinds_of_memory),
      TEST(passes_a_failure_of_either_side_on),
      TEST(wraps_memory_of_the_caller_without_counting_it),
      TEST(gives_everything_back_when_the_nth_allocation_fails),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
