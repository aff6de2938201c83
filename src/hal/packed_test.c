#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdatomic.h>
#include <string.h>

#include "base/alloc.h"
#include "fake/expect.h"
#include "fake/fake.h"
#include "fake/rig.h"
#include "hal/packed.h"

static or_rig_t rig;
static or_device_t *device;

static int set_up(void **state) {
  (void)state;
  or_fake_reset();
  or_expect_ok(or_rig_open(&rig, or_allocator_system(), or_fake_entry, NULL));
  device = rig.devices[0];
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  assert_int_equal(or_packed_counters(device).entries, 0);
  assert_int_equal(or_packed_counters(device).bytes, 0);
  assert_int_equal(or_device_memory_usage(device).used_bytes, 0);
  or_rig_close(&rig);
  assert_int_equal(or_status_live_count(), 0);
  return 0;
}

typedef struct filler_t {
  atomic_int calls;
  int fail_first; /* so many fillings fail */
} filler_t;

static or_status_t fill(void *self, or_buffer_t *buffer) {
  filler_t *filler = self;
  int call = atomic_fetch_add(&filler->calls, 1);
  if (call < filler->fail_first) return or_error(OR_DATA_LOSS, "the file of the constant shrank");
  return or_buffer_write(buffer, 0, "packed", 6);
}

static const or_packed_key_t key = {.hash = 42, .dtype = OR_FLOAT32, .source_bytes = 400, .packing = "rows of 16"};

static void shares_one_entry_of_a_key(void **state) {
  (void)state;
  filler_t filler = {0};
  or_packed_t *a = NULL, *b = NULL;
  or_expect_ok(or_packed_get(device, &key, 512, fill, &filler, &a));
  or_expect_ok(or_packed_get(device, &key, 512, fill, &filler, &b));
  assert_ptr_equal(or_packed_buffer(a), or_packed_buffer(b));
  assert_int_equal(atomic_load(&filler.calls), 1);
  assert_int_equal(or_device_memory_usage(device).used_bytes, 512);
  or_packed_counters_t counters = or_packed_counters(device);
  assert_int_equal(counters.entries, 1);
  assert_int_equal(counters.bytes, 512);
  assert_int_equal(counters.fills, 1);
  assert_int_equal(counters.hits, 1);
  char text[6];
  or_expect_ok(or_buffer_read(or_packed_buffer(b), 0, text, 6));
  assert_memory_equal(text, "packed", 6);
  or_packed_release(a);
  assert_int_equal(or_packed_counters(device).entries, 1);
  or_packed_release(b);
  or_packed_release(NULL);

  /* Nobody held it: it is filled anew. */
  or_expect_ok(or_packed_get(device, &key, 512, fill, &filler, &a));
  assert_int_equal(atomic_load(&filler.calls), 2);
  or_packed_release(a);
}

static void tells_keys_apart_by_each_part(void **state) {
  (void)state;
  or_packed_key_t keys[6] = {key, key, key, key, key, key};
  keys[1].hash += 1;
  keys[2].hash += 256 * 3; /* the same bucket, whatever power of two there are */
  keys[3].dtype = OR_INT32;
  keys[4].source_bytes += 1;
  keys[5].packing[0] = 'R';
  filler_t filler = {0};
  or_packed_t *entries[6] = {0};
  for (int i = 0; i < 6; ++i) or_expect_ok(or_packed_get(device, &keys[i], 64, fill, &filler, &entries[i]));
  assert_int_equal(atomic_load(&filler.calls), 6);
  assert_int_equal(or_packed_counters(device).entries, 6);
  static const int order[] = {2, 0, 5, 1, 4, 3};
  for (int i = 0; i < 6; ++i) or_packed_release(entries[order[i]]);
}

static void forgets_an_entry_whose_filling_failed(void **state) {
  (void)state;
  filler_t filler = {.fail_first = 1};
  or_packed_t *packed = NULL;
  or_expect(or_packed_get(device, &key, 64, fill, &filler, &packed), OR_DATA_LOSS);
  assert_null(packed);
  assert_int_equal(or_packed_counters(device).entries, 0);
  assert_int_equal(or_device_memory_usage(device).used_bytes, 0);
  or_device_set_memory_limit(device, 10);
  or_expect(or_packed_get(device, &key, 64, fill, &filler, &packed), OR_RESOURCE_EXHAUSTED);
  or_device_set_memory_limit(device, UINT64_MAX);
  or_expect_ok(or_packed_get(device, &key, 64, fill, &filler, &packed));
  or_packed_release(packed);
}

/* A constant that lies elsewhere: byte i is i. */
typedef struct elsewhere_t {
  or_constant_t base;
  int reads;
  size_t most; /* bytes of one read */
  or_status_code_t fails;
} elsewhere_t;

static or_status_t read_elsewhere(const or_constant_t *constant, size_t offset, void *destination, size_t length) {
  elsewhere_t *self = constant->source;
  ++self->reads;
  if (length > self->most) self->most = length;
  if (self->fails != OR_OK) return or_error(self->fails, "the file shrank");
  for (size_t i = 0; i < length; ++i) ((uint8_t *)destination)[i] = (uint8_t)(offset + i);
  return or_status_success();
}

static void make_elsewhere(elsewhere_t *self, size_t bytes) {
  *self = (elsewhere_t){.base = {.dtype = OR_UINT8, .bytes = bytes, .hash = 7, .read = read_elsewhere, .source = self}};
}

static int set_up_unified(void **state) {
  int failed = set_up(state);
  or_fake_set_unified(0);
  return failed;
}

static void reads_a_plain_constant_once_to_its_place(void **state) {
  (void)state;
  elsewhere_t elsewhere;
  or_packed_t *a = NULL, *b = NULL;
  make_elsewhere(&elsewhere, 1000);
  or_expect_ok(or_packed_plain(device, &elsewhere.base, NULL, &a));
  or_expect_ok(or_packed_plain(device, &elsewhere.base, NULL, &b));
  assert_ptr_equal(a, b);
  assert_int_equal(elsewhere.reads, 1);
  const uint8_t *bytes = or_buffer_host_pointer(or_packed_buffer(a));
  for (size_t i = 0; i < 1000; ++i) assert_int_equal(bytes[i], (uint8_t)i);
  or_packed_release(a);
  or_packed_release(b);
  elsewhere.fails = OR_DATA_LOSS;
  or_expect(or_packed_plain(device, &elsewhere.base, NULL, &a), OR_DATA_LOSS);
  assert_null(a);
}

static void looks_for_a_cancel_request_between_pieces(void **state) {
  (void)state;
  elsewhere_t elsewhere;
  or_packed_t *packed = NULL;
  or_cancel_t cancel;
  or_cancel_init(&cancel, INT64_MAX);
  make_elsewhere(&elsewhere, ((size_t)64 << 20) + 3);
  or_expect_ok(or_packed_plain(device, &elsewhere.base, &cancel, &packed));
  assert_int_equal(elsewhere.reads, 2);
  assert_int_equal(elsewhere.most, (size_t)64 << 20);
  assert_int_equal(((const uint8_t *)or_buffer_host_pointer(or_packed_buffer(packed)))[elsewhere.base.bytes - 1], 2);
  or_packed_release(packed);
  or_cancel_request(&cancel);
  or_expect(or_packed_plain(device, &elsewhere.base, &cancel, &packed), OR_CANCELLED);
  assert_int_equal(elsewhere.reads, 2);
}

static void copies_a_plain_constant_to_memory_that_is_not_the_hosts(void **state) {
  (void)state;
  elsewhere_t elsewhere;
  or_packed_t *packed = NULL;
  uint8_t got[1000], bytes[1000];
  make_elsewhere(&elsewhere, 1000);
  for (size_t i = 0; i < 1000; ++i) bytes[i] = (uint8_t)i;
  or_expect_ok(or_packed_plain(device, &elsewhere.base, NULL, &packed));
  assert_int_equal(elsewhere.reads, 1);
  or_expect_ok(or_buffer_read(or_packed_buffer(packed), 0, got, 1000));
  assert_memory_equal(got, bytes, 1000);
  or_packed_release(packed);
  elsewhere.fails = OR_DATA_LOSS;
  or_expect(or_packed_plain(device, &elsewhere.base, NULL, &packed), OR_DATA_LOSS);

  memset(got, 0, sizeof got);
  const or_constant_t resident = {.dtype = OR_UINT8, .bytes = 1000, .hash = 8, .data = bytes};
  or_expect_ok(or_packed_plain(device, &resident, NULL, &packed));
  or_expect_ok(or_buffer_read(or_packed_buffer(packed), 0, got, 1000));
  assert_memory_equal(got, bytes, 1000);
  or_packed_release(packed);
}

#define THREADS 8
#define KEYS 5
typedef struct race_t {
  filler_t fillers[KEYS];
  or_packed_t *entries[THREADS][KEYS];
  atomic_int ready, failures;
  pthread_barrier_t start;
} race_t;
typedef struct racer_t {
  race_t *race;
  int index;
} racer_t;

static void get_all(void *argument) {
  racer_t *racer = argument;
  race_t *race = racer->race;
  pthread_barrier_wait(&race->start);
  for (int i = 0; i < KEYS; ++i) {
    or_packed_key_t own = key;
    int k = (i + racer->index) % KEYS;
    own.hash = (uint64_t)k * 256; /* one bucket */
    or_status_t status = or_packed_get(device, &own, 64, fill, &race->fillers[k], &race->entries[racer->index][k]);
    if (!or_ok(status)) atomic_fetch_add(&race->failures, 1);
    or_status_ignore(status); /* counted */
  }
}

static void run_race(race_t *race) {
  or_thread_t threads[THREADS] = {{0}};
  racer_t racers[THREADS];
  pthread_barrier_init(&race->start, NULL, THREADS);
  for (int i = 0; i < THREADS; ++i) {
    racers[i] = (racer_t){race, i};
    or_expect_ok(or_thread_start(&threads[i], "racer", get_all, &racers[i]));
  }
  for (int i = 0; i < THREADS; ++i) or_thread_join(&threads[i]);
  pthread_barrier_destroy(&race->start);
}

static void fills_once_under_eight_threads(void **state) {
  (void)state;
  for (int round = 0; round < 20; ++round) {
    race_t race = {0};
    run_race(&race);
    assert_int_equal(atomic_load(&race.failures), 0);
    for (int k = 0; k < KEYS; ++k) {
      assert_int_equal(atomic_load(&race.fillers[k].calls), 1);
      for (int i = 0; i < THREADS; ++i) {
        assert_ptr_equal(or_packed_buffer(race.entries[i][k]), or_packed_buffer(race.entries[0][k]));
      }
    }
    for (int i = 0; i < THREADS; ++i) {
      for (int k = 0; k < KEYS; ++k) or_packed_release(race.entries[i][k]);
    }
    assert_int_equal(or_packed_counters(device).entries, 0);
  }
}

static void lets_the_others_try_when_one_fails_to_fill(void **state) {
  (void)state;
  for (int round = 0; round < 20; ++round) {
    race_t race = {0};
    for (int k = 0; k < KEYS; ++k) race.fillers[k].fail_first = 2;
    run_race(&race);
    assert_int_equal(atomic_load(&race.failures), 2 * KEYS);
    for (int k = 0; k < KEYS; ++k) assert_int_equal(atomic_load(&race.fillers[k].calls), 3);
    for (int i = 0; i < THREADS; ++i) {
      for (int k = 0; k < KEYS; ++k) or_packed_release(race.entries[i][k]);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(shares_one_entry_of_a_key, set_up, tear_down),
      cmocka_unit_test_setup_teardown(tells_keys_apart_by_each_part, set_up, tear_down),
      cmocka_unit_test_setup_teardown(forgets_an_entry_whose_filling_failed, set_up, tear_down),
      cmocka_unit_test_setup_teardown(reads_a_plain_constant_once_to_its_place, set_up_unified, tear_down),
      cmocka_unit_test_setup_teardown(looks_for_a_cancel_request_between_pieces, set_up_unified, tear_down),
      cmocka_unit_test_setup_teardown(copies_a_plain_constant_to_memory_that_is_not_the_hosts, set_up, tear_down),
      cmocka_unit_test_setup_teardown(fills_once_under_eight_threads, set_up, tear_down),
      cmocka_unit_test_setup_teardown(lets_the_others_try_when_one_fails_to_fill, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
