#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "fake/expect.h"
#include "fake/fake.h"
#include "fake/rig.h"

static void names_the_arithmetic_when_the_limit_is_exceeded(void **state) {
  (void)state;
  or_rig_t rig;
  or_fake_reset();
  or_expect_ok(or_rig_open(&rig, or_allocator_system(), or_fake_entry, NULL));
  or_device_t *device = rig.devices[0];
  or_hardware_t *hardware = or_device_hardware(device);
  assert_true(or_device_memory_usage(device).limit_bytes == UINT64_MAX);
  or_device_set_memory_limit(device, 8 << 20);
  or_expect_ok(or_hardware_charge(hardware, 3 << 20));
  or_expect_words(or_hardware_charge(hardware, 10 << 20), OR_RESOURCE_EXHAUSTED,
                  "hardware \"fake-hw-0\": asked 10 MiB with 3 MiB used of a limit of 8 MiB");
  or_expect_words(or_hardware_charge(hardware, (5 << 20) + 1), OR_RESOURCE_EXHAUSTED, "asked 5.0 MiB (5242881 bytes)");
  or_expect_words(or_hardware_charge(hardware, UINT64_MAX), OR_RESOURCE_EXHAUSTED, "(18446744073709551615 bytes)");
  or_expect_ok(or_hardware_charge(hardware, 5 << 20));
  or_hardware_note_peak(hardware);
  or_memory_usage_t usage = or_device_memory_usage(device);
  assert_int_equal(usage.used_bytes, 8 << 20);
  assert_int_equal(usage.peak_bytes, 8 << 20);
  assert_int_equal(usage.limit_bytes, 8 << 20);

  /* A limit below what is used stops new memory only. */
  or_device_set_memory_limit(device, 1 << 20);
  or_expect(or_hardware_charge(hardware, 1), OR_RESOURCE_EXHAUSTED);
  or_hardware_discharge(hardware, 8 << 20);
  usage = or_device_memory_usage(device);
  assert_int_equal(usage.used_bytes, 0);
  assert_int_equal(usage.peak_bytes, 8 << 20);
  or_rig_close(&rig);
}

static void counts_no_peak_for_memory_that_was_not_had(void **state) {
  (void)state;
  or_rig_t rig;
  or_buffer_t *buffer = NULL, *more = NULL;
  or_fake_reset();
  or_fake_set_capacity(100);
  or_expect_ok(or_rig_open(&rig, or_allocator_system(), or_fake_entry, NULL));
  or_expect_ok(or_buffer_create(rig.devices[0], 60, &buffer));
  or_expect(or_buffer_create(rig.devices[0], 1000, &more), OR_RESOURCE_EXHAUSTED);
  assert_int_equal(or_device_memory_usage(rig.devices[0]).peak_bytes, 60);
  or_buffer_release(buffer);
  or_hardware_reset_peak(or_device_hardware(rig.devices[0]));
  assert_int_equal(or_device_memory_usage(rig.devices[0]).peak_bytes, 0);
  or_rig_close(&rig);
}

static void is_shared_by_the_devices_of_one_chip(void **state) {
  (void)state;
  or_rig_t rig;
  or_fake_reset();
  or_fake_set_devices(2, true);
  or_expect_ok(or_rig_open(&rig, or_allocator_system(), or_fake_entry, NULL));
  or_device_set_memory_limit(rig.devices[0], 100);
  or_buffer_t *first = NULL, *second = NULL;
  or_expect_ok(or_buffer_create(rig.devices[0], 60, &first));
  or_expect_words(or_buffer_create(rig.devices[1], 60, &second), OR_RESOURCE_EXHAUSTED,
                  "asked 60 bytes with 60 bytes used of a limit of 100 bytes");
  assert_null(second);
  or_buffer_release(first);
  or_expect_ok(or_buffer_create(rig.devices[1], 60, &second));
  or_buffer_release(second);
  or_rig_close(&rig);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(names_the_arithmetic_when_the_limit_is_exceeded),
      cmocka_unit_test(counts_no_peak_for_memory_that_was_not_had),
      cmocka_unit_test(is_shared_by_the_devices_of_one_chip),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
