#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "base/alloc.h"
#include "fake/expect.h"
#include "fake/fake.h"
#include "fake/rig.h"
#include "hal/queue.h"

static or_rig_t rig;

static int set_up(void **state) {
  (void)state;
  or_fake_reset();
  or_expect_ok(or_rig_open(&rig, or_allocator_system(), or_fake_entry, NULL));
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  or_rig_close(&rig);
  assert_int_equal(or_fake_live_objects(), 0);
  assert_int_equal(or_status_live_count(), 0);
  return 0;
}

static void is_not_opened_before_it_is_used(void **state) {
  (void)state;
  const char *reason = NULL;
  assert_string_equal(or_device_facts(rig.devices[0])->id, "fake_0");
  assert_int_equal(or_device_state(rig.devices[0], &reason), OR_DEVICE_AVAILABLE);
  assert_string_equal(reason, "");
  assert_int_equal(or_fake_calls(OR_FAKE_OPEN), 0);
  const or_backend_device_t *first = NULL, *second = NULL;
  or_expect_ok(or_device_open(rig.devices[0], &first));
  or_expect_ok(or_device_open(rig.devices[0], &second));
  assert_ptr_equal(first, second);
  assert_int_equal(or_fake_calls(OR_FAKE_OPEN), 1);
}

static void keeps_the_reason_why_it_can_not_be_opened(void **state) {
  (void)state;
  const or_backend_device_t *opened = NULL;
  const char *reason = NULL;
  or_fake_fail(OR_FAKE_OPEN, 1, OR_UNAVAILABLE);
  or_expect_words(or_device_open(rig.devices[0], &opened), OR_UNAVAILABLE, "device \"fake_0\"");
  assert_int_equal(or_device_state(rig.devices[0], &reason), OR_DEVICE_UNAVAILABLE);
  assert_non_null(strstr(reason, "told to fail"));
  or_expect_words(or_device_open(rig.devices[0], &opened), OR_UNAVAILABLE, "told to fail");
  assert_int_equal(or_fake_calls(OR_FAKE_OPEN), 1);
  or_buffer_t *buffer = NULL;
  or_expect(or_buffer_create(rig.devices[0], 1, &buffer), OR_UNAVAILABLE);
  or_queue_t *queue = NULL;
  or_expect(or_device_queue(rig.devices[0], &queue), OR_UNAVAILABLE);
  assert_null(queue);
}

static void tries_again_after_a_want_of_memory(void **state) {
  (void)state;
  const or_backend_device_t *opened = NULL;
  or_fake_fail(OR_FAKE_OPEN, 1, OR_RESOURCE_EXHAUSTED);
  or_expect(or_device_open(rig.devices[0], &opened), OR_RESOURCE_EXHAUSTED);
  assert_int_equal(or_device_state(rig.devices[0], NULL), OR_DEVICE_AVAILABLE);
  or_expect_ok(or_device_open(rig.devices[0], &opened));
}

static void fails_everything_with_the_first_reason_once_lost(void **state) {
  (void)state;
  or_buffer_t *buffer = NULL;
  or_queue_t *queue = NULL;
  char byte = 0;
  const char *reason = NULL;
  or_expect_ok(or_buffer_create(rig.devices[0], 8, &buffer));
  or_expect_ok(or_device_queue(rig.devices[0], &queue));
  or_fake_fail(OR_FAKE_WRITE, 1, OR_DEVICE_LOST);
  or_expect(or_buffer_write(buffer, 0, &byte, 1), OR_DEVICE_LOST);
  or_device_mark_lost(rig.devices[0], "a later reason");
  assert_int_equal(or_device_state(rig.devices[0], &reason), OR_DEVICE_STATE_LOST);
  assert_non_null(strstr(reason, "write number 1"));

  uint64_t writes = or_fake_calls(OR_FAKE_WRITE), reads = or_fake_calls(OR_FAKE_READ),
           allocs = or_fake_calls(OR_FAKE_ALLOC);
  or_buffer_t *other = NULL;
  or_device_sample_t sample;
  or_device_peaks_t peaks;
  or_expect_words(or_buffer_write(buffer, 0, &byte, 1), OR_DEVICE_LOST, "write number 1");
  or_expect(or_buffer_read(buffer, 0, &byte, 1), OR_DEVICE_LOST);
  or_expect(or_buffer_create(rig.devices[0], 1, &other), OR_DEVICE_LOST);
  or_expect(or_device_queue(rig.devices[0], &queue), OR_DEVICE_LOST);
  or_expect(or_device_sample(rig.devices[0], &sample), OR_DEVICE_LOST);
  or_expect(or_device_measure_peaks(rig.devices[0], &peaks), OR_DEVICE_LOST);
  assert_int_equal(or_fake_calls(OR_FAKE_WRITE), writes); /* the backend was not asked any more */
  assert_int_equal(or_fake_calls(OR_FAKE_READ), reads);
  assert_int_equal(or_fake_calls(OR_FAKE_ALLOC), allocs);
  or_buffer_release(buffer); /* what it held is still given back */
  assert_int_equal(or_fake_live_bytes(), 0);
}

static void samples_what_is_known_and_says_unknown_otherwise(void **state) {
  (void)state;
  or_device_sample_t sample;
  or_fake_set_capacity(1000);
  or_buffer_t *buffer = NULL;
  or_expect_ok(or_buffer_create(rig.devices[0], 100, &buffer));
  or_expect_ok(or_device_sample(rig.devices[0], &sample));
  assert_int_equal(sample.memory_used_bytes, 100);
  assert_int_equal(sample.memory_available_bytes, 900);
  assert_true(isnan(sample.temperature_celsius) && isnan(sample.power_watts) && isnan(sample.utilization_percent));
  assert_true(sample.wall_us > 0);
  or_buffer_release(buffer);
}

static void accounts_for_work_from_its_begin_to_its_end(void **state) {
  (void)state;
  or_device_sample_t sample;
  or_device_work_begin(rig.devices[0]);
  or_device_work_begin(rig.devices[0]);
  or_device_work_end(rig.devices[0], 70);
  or_expect_ok(or_device_sample(rig.devices[0], &sample));
  assert_int_equal(sample.active_kernels, 1);
  assert_int_equal(sample.flops_done, 70);
  assert_true(isnan(sample.flops_per_second)); /* of a single sample */
  or_device_work_end(rig.devices[0], 7);
  or_expect_ok(or_device_sample(rig.devices[0], &sample));
  assert_int_equal(sample.active_kernels, 0);
  assert_int_equal(sample.flops_done, 77);
}

static void says_that_peaks_can_not_be_measured(void **state) {
  (void)state;
  or_device_peaks_t peaks;
  or_expect_words(or_device_measure_peaks(rig.devices[0], &peaks), OR_UNIMPLEMENTED, "fake_0");
}

static or_backend_device_t table;
static int measured, closed;

static or_status_t open_table(void *self, uint32_t index, or_device_t *device, or_backend_device_t *out) {
  (void)self;
  (void)index;
  (void)device;
  *out = table;
  return or_status_success();
}

static void (*close_fake)(void *self);

static void count_close(void *self) {
  ++closed;
  close_fake(self);
}

static or_status_t measure(void *self, void *queue, or_device_peaks_t *out) {
  (void)self;
  (void)queue;
  out->fp32_flops = measured == 1 ? 2e9 : 1e9;
  out->read_bytes_per_second = measured == 1 ? 4e9 : 5e9;
  if (measured == 1) out->int8_ops = 7e9;
  ++measured;
  return or_status_success();
}

/* A device whose table is the fake's, changed by the test. */
static or_device_t *device_with_table(or_backend_t *backend, or_hardware_t **hardware) {
  or_device_t *device = NULL;
  or_expect_ok(rig.backend.open(rig.backend.self, 0, NULL, &table));
  close_fake = table.close;
  table.close = count_close;
  *backend = rig.backend;
  backend->open = open_table;
  or_device_facts_t facts = {.id = "odd_0"};
  or_expect_ok(or_hardware_create(or_allocator_system(), "odd", hardware));
  or_expect_ok(or_device_create(or_allocator_system(), backend, 0, &facts, *hardware, &device));
  closed = 0;
  return device;
}

static void refuses_a_table_of_another_abi(void **state) {
  (void)state;
  const or_backend_device_t *opened = NULL;
  for (int round = 0; round < 2; ++round) {
    or_backend_t backend;
    or_hardware_t *hardware = NULL;
    or_device_t *device = device_with_table(&backend, &hardware);
    if (round == 0) table.abi_version = 99;
    if (round == 1) table.struct_size = 8;
    or_expect_words(or_device_open(device, &opened), OR_UNAVAILABLE, "rebuild");
    assert_int_equal(closed, round == 0 ? 0 : 1); /* of a foreign table nothing is called */
    if (round == 0) close_fake(table.self);
    or_device_free(device);
    or_hardware_release(hardware);
  }
}

#define ENTRY(name) \
  { #name, offsetof(or_backend_device_t, name) }

static void refuses_a_table_with_a_hole(void **state) {
  (void)state;
  static const struct {
    const char *name;
    size_t offset;
  } entries[] = {ENTRY(memory_alloc), ENTRY(memory_release), ENTRY(write),    ENTRY(read),    ENTRY(copy),
                 ENTRY(queue_open),   ENTRY(queue_close),    ENTRY(supports), ENTRY(compile), ENTRY(close)};
  const or_backend_device_t *opened = NULL;
  for (size_t i = 0; i < sizeof entries / sizeof *entries; ++i) {
    or_backend_t backend;
    or_hardware_t *hardware = NULL;
    or_device_t *device = device_with_table(&backend, &hardware);
    memset((char *)&table + entries[i].offset, 0, sizeof(void (*)(void)));
    or_expect_words(or_device_open(device, &opened), OR_INTERNAL, entries[i].name);
    if (table.close == NULL) close_fake(table.self);
    or_device_free(device);
    or_hardware_release(hardware);
  }
}

static void measures_peaks_once_and_again_only_when_asked(void **state) {
  (void)state;
  or_backend_t backend;
  or_hardware_t *hardware = NULL;
  or_device_t *device = device_with_table(&backend, &hardware);
  table.measure_peaks = measure;
  or_device_peaks_t peaks;
  measured = 0;
  or_expect_ok(or_device_measure_peaks(device, &peaks));
  or_expect_ok(or_device_measure_peaks(device, &peaks));
  assert_int_equal(measured, 1);
  assert_true(peaks.fp32_flops == 1e9 && isnan(peaks.fp64_flops));
  for (int i = 0; i < 2; ++i) { /* the second and the third time; the better of each counts */
    or_expect_ok(or_device_measure_peaks_again(device, &peaks));
    assert_true(peaks.fp32_flops == 2e9 && peaks.read_bytes_per_second == 5e9 && peaks.int8_ops == 7e9);
    assert_true(isnan(peaks.fp64_flops));
  }
  assert_int_equal(measured, 3);
  or_expect_ok(or_device_measure_peaks(device, &peaks));
  assert_int_equal(measured, 3);
  assert_true(peaks.fp32_flops == 2e9);
  or_device_free(device);
  assert_int_equal(closed, 1);
  or_hardware_release(hardware);
}

static or_status_t use_device(const or_allocator_t *allocator) {
  or_rig_t own;
  or_queue_t *queue = NULL;
  or_status_t status = or_rig_open(&own, allocator, or_fake_entry, NULL);
  if (!or_ok(status)) return status;
  status = or_device_queue(own.devices[0], &queue);
  or_rig_close(&own);
  return status;
}

static void gives_everything_back_when_the_nth_allocation_fails(void **state) {
  (void)state;
  for (size_t n = 1;; ++n) {
    or_counting_allocator_t counting;
    or_counting_allocator_init(&counting, or_allocator_system(), n);
    or_status_t status = use_device(&counting.base);
    bool done = or_ok(status);
    or_expect(status, done ? OR_OK : OR_RESOURCE_EXHAUSTED);
    assert_int_equal(counting.live_bytes, 0);
    assert_int_equal(or_fake_live_objects(), 0);
    assert_true(counting.triggered == !done);
    if (done) break;
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(is_not_opened_before_it_is_used, set_up, tear_down),
      cmocka_unit_test_setup_teardown(keeps_the_reason_why_it_can_not_be_opened, set_up, tear_down),
      cmocka_unit_test_setup_teardown(tries_again_after_a_want_of_memory, set_up, tear_down),
      cmocka_unit_test_setup_teardown(fails_everything_with_the_first_reason_once_lost, set_up, tear_down),
      cmocka_unit_test_setup_teardown(samples_what_is_known_and_says_unknown_otherwise, set_up, tear_down),
      cmocka_unit_test_setup_teardown(accounts_for_work_from_its_begin_to_its_end, set_up, tear_down),
      cmocka_unit_test_setup_teardown(says_that_peaks_can_not_be_measured, set_up, tear_down),
      cmocka_unit_test_setup_teardown(refuses_a_table_of_another_abi, set_up, tear_down),
      cmocka_unit_test_setup_teardown(refuses_a_table_with_a_hole, set_up, tear_down),
      cmocka_unit_test_setup_teardown(measures_peaks_once_and_again_only_when_asked, set_up, tear_down),
      cmocka_unit_test_setup_teardown(gives_everything_back_when_the_nth_allocation_fails, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
