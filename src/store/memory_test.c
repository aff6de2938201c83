/* SQLite's own memory runs out: each failure costs one request. */
#include <sqlite3.h>
#include <stdatomic.h>

#include "store/store_test_internal.h"

static sqlite3_mem_methods real;
static atomic_size_t calls, fail_at; /* 0: none */
static atomic_bool triggered;

static bool fails(void) {
  bool now = atomic_fetch_add(&calls, 1) + 1 == atomic_load(&fail_at);
  if (now) atomic_store(&triggered, true);
  return now;
}

static void *failing_malloc(int bytes) { return fails() ? NULL : real.xMalloc(bytes); }
static void *failing_realloc(void *memory, int bytes) { return fails() ? NULL : real.xRealloc(memory, bytes); }

static void arm(size_t n) {
  atomic_store(&fail_at, 0);
  atomic_store(&calls, 0);
  atomic_store(&triggered, false);
  atomic_store(&fail_at, n);
}

/* Counts a failure, which can only be that memory ran out. */
static size_t is_refusal(or_status_t status) {
  or_status_code_t code = or_status_code(status);
  bool as_expected = code == OR_OK || code == OR_RESOURCE_EXHAUSTED;
  if (!as_expected) print_error("%s\n", or_status_message(status));
  or_status_ignore(status); /* its code is what counts */
  assert_true(as_expected);
  return code == OR_OK ? 0 : 1;
}

static unsigned char bytes[20000];

/* Does not wait for the disk, which is not what is tested. */
static or_status_t open_quickly(const folder_t *folder, or_store_t **store) {
  or_store_options_t options = or_store_options(folder->path);
  options.synchronous_off = true;
  return or_store_open(&options, store);
}

/* A task that comes, is looked up, ends and goes; how many of the calls failed. */
static size_t work(or_store_t *store, size_t number) {
  char id[32];
  seen_t seen;
  (void)snprintf(id, sizeof id, "task-%zu", number);
  or_task_record_t record = record_of(id), end = finished_of(id, "{}");
  or_journal_blob_t blob = {"x", OR_UINT8, or_shape_make(1, (const int64_t[]){20000}), bytes, sizeof bytes};
  size_t refused = is_refusal(admit_blobs(store, &record, &blob, 1));
  if (refused > 0) return refused;
  refused += is_refusal(find(store, id, &seen));
  refused += is_refusal(start(store, id, 1));
  refused += is_refusal(finish(store, &end));
  refused += is_refusal(flush(store));
  return refused;
}

static void costs_one_request_when_an_allocation_of_sqlite_fails(void **unused) {
  (void)unused;
  folder_t folder = make_folder();
  size_t number = 0, failures = 0;
  bool more = true;
  for (size_t n = 1; more; ++n) {
    or_store_t *store = NULL;
    expect_ok(open_quickly(&folder, &store)); /* anew, so that statements are prepared again */
    arm(n);
    size_t refused = work(store, ++number);
    more = atomic_load(&triggered);
    arm(0);
    /* A flush says so too when the row before it is still to be written. */
    assert_true(refused <= 2);
    failures += refused > 0 ? 1 : 0;
    assert_int_equal(work(store, ++number), 0);
    expect_sound(store);
    or_store_close(store);
  }
  assert_true(failures > 20);
  remove_folder(&folder);
}

static void opens_or_says_that_there_is_no_memory(void **unused) {
  (void)unused;
  bool more = true;
  for (size_t n = 1; more; ++n) {
    folder_t folder = make_folder();
    or_store_t *store = NULL;
    arm(n);
    (void)is_refusal(open_quickly(&folder, &store));
    or_store_close(store);
    more = atomic_load(&triggered);
    arm(0);
    store = NULL;
    expect_ok(open_quickly(&folder, &store));
    or_store_close(store);
    remove_folder(&folder);
  }
}

int main(void) {
  if (sqlite3_config(SQLITE_CONFIG_GETMALLOC, &real) != SQLITE_OK) return 1;
  sqlite3_mem_methods failing = real;
  failing.xMalloc = failing_malloc;
  failing.xRealloc = failing_realloc;
  if (sqlite3_config(SQLITE_CONFIG_MALLOC, &failing) != SQLITE_OK) return 1;
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(costs_one_request_when_an_allocation_of_sqlite_fails),
      cmocka_unit_test(opens_or_says_that_there_is_no_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
