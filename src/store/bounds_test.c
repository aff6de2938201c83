/* What is bounded: the backlog, what is kept, and memory that runs out. */
#include "store/store_test_internal.h"

/* Holds the writer thread inside a callback until it is let go. */
typedef struct gate_t {
  or_mutex_t lock;
  or_cond_t changed;
  bool reached, open; /* under lock */
} gate_t;

static void hold(void *self, or_status_t status) {
  gate_t *gate = self;
  or_status_ignore(status); /* only the place matters */
  or_mutex_lock(&gate->lock);
  gate->reached = true;
  or_cond_broadcast(&gate->changed);
  while (!gate->open) or_cond_wait(&gate->changed, &gate->lock);
  or_mutex_unlock(&gate->lock);
}

static void gate_init(gate_t *gate) {
  or_mutex_init(&gate->lock);
  or_cond_init(&gate->changed);
  gate->reached = gate->open = false;
}

static void await_gate(gate_t *gate) {
  or_mutex_lock(&gate->lock);
  while (!gate->reached) or_cond_wait(&gate->changed, &gate->lock);
  or_mutex_unlock(&gate->lock);
}

static void open_gate(gate_t *gate) {
  or_mutex_lock(&gate->lock);
  gate->open = true;
  or_cond_broadcast(&gate->changed);
  or_mutex_unlock(&gate->lock);
}

static or_store_t *open_bounded(size_t rows, size_t bytes) {
  or_store_t *store = NULL;
  or_store_options_t options = or_store_options(OR_STORE_MEMORY);
  options.backlog_rows = rows;
  options.backlog_bytes = bytes;
  expect_ok(or_store_open(&options, &store));
  return store;
}

static void refuses_admits_when_the_backlog_is_full_and_ends_at_twice_that(void **unused) {
  (void)unused;
  or_store_t *store = open_bounded(8, (size_t)1 << 20);
  const or_journal_t *journal = or_store_journal(store);
  gate_t gate;
  gate_init(&gate);
  expect_ok(or_store_flush(store, hold, &gate));
  await_gate(&gate);
  char id[16];
  size_t admitted = 0, ended = 0;
  or_status_t status = or_status_success();
  while (or_ok(status)) {
    (void)snprintf(id, sizeof id, "a%zu", admitted);
    or_task_record_t record = record_of(id);
    status = journal->admit(journal->self, &record, NULL, 0, NULL, NULL);
    if (or_ok(status)) ++admitted;
  }
  expect_failure(status, OR_UNAVAILABLE, "8 rows of 8");
  assert_int_equal(admitted, 8);
  status = or_status_success();
  while (or_ok(status)) {
    (void)snprintf(id, sizeof id, "e%zu", ended);
    or_task_record_t record = finished_of(id, "{}");
    status = finish(store, &record);
    if (or_ok(status)) ++ended;
  }
  expect_failure(status, OR_UNAVAILABLE, "16 rows of 16");
  assert_int_equal(admitted + ended, 16);
  or_store_stats_t stats;
  or_store_stats(store, &stats);
  assert_int_equal(stats.backlog_rows, 16);
  open_gate(&gate);
  status = flush(store);
  while (!or_ok(status)) { /* until there is room for it */
    or_status_ignore(status);
    status = flush(store);
  }
  or_store_stats(store, &stats);
  assert_int_equal(stats.tasks, 16);
  assert_int_equal(stats.backlog_bytes, 0);
  or_store_close(store);
}

static void refuses_a_task_that_exceeds_what_may_wait_at_all(void **unused) {
  (void)unused;
  or_store_t *store = open_bounded(8, 65536);
  static unsigned char bytes[70000];
  or_task_record_t record = record_of("large");
  or_journal_blob_t blob = {"x", OR_UINT8, or_shape_make(1, (const int64_t[]){70000}), bytes, sizeof bytes};
  expect_failure(admit_blobs(store, &record, &blob, 1), OR_RESOURCE_EXHAUSTED, "65536 can wait");
  or_store_close(store);
}

static void hold_reader(void *self, or_status_t status, const or_task_record_t *record, const or_store_blob_t *blobs,
                        size_t blob_count) {
  (void)record;
  (void)blobs;
  (void)blob_count;
  hold(self, status);
}

static void count_answer(void *self, or_status_t status, const or_task_record_t *record, const or_store_blob_t *blobs,
                         size_t blob_count) {
  (void)record;
  (void)blobs;
  (void)blob_count;
  or_status_ignore(status); /* there is no such task */
  *(size_t *)self += 1;
}

static void refuses_reads_when_too_many_wait_and_answers_those_it_took(void **unused) {
  (void)unused;
  or_store_t *store = open_at(OR_STORE_MEMORY);
  gate_t gate;
  gate_init(&gate);
  or_store_find_t wanted = {.task_id = "absent"};
  expect_ok(or_store_find(store, &wanted, hold_reader, &gate));
  await_gate(&gate);
  size_t taken = 0, answered = 0; /* the latter is the reader thread's until the store is closed */
  or_status_t status = or_status_success();
  while (or_ok(status)) {
    status = or_store_find(store, &wanted, count_answer, &answered);
    if (or_ok(status)) ++taken;
  }
  expect_failure(status, OR_UNAVAILABLE, "4096 reads wait");
  assert_int_equal(taken, OR_STORE_MAX_READS);
  open_gate(&gate);
  or_store_close(store);
  assert_int_equal(answered, taken);
}

static void refuses_what_comes_while_it_closes(void **unused) {
  (void)unused;
  or_store_t *store = open_at(OR_STORE_MEMORY);
  gate_t gate;
  gate_init(&gate);
  expect_ok(or_store_flush(store, hold, &gate));
  await_gate(&gate);
  or_thread_t closer;
  expect_ok(or_thread_start(&closer, "closer", (void (*)(void *))or_store_close, store));
  or_task_record_t record = record_of("late");
  const or_journal_t *journal = or_store_journal(store);
  or_status_t status = or_status_success();
  for (size_t i = 0; or_ok(status); ++i) { /* until the closer has come so far */
    (void)snprintf(record.task_id, sizeof record.task_id, "late%zu", i);
    status = journal->admit(journal->self, &record, NULL, 0, NULL, NULL);
    if (or_status_code(status) == OR_UNAVAILABLE) {
      or_status_ignore(status); /* the backlog is full, and the closer not there yet */
      status = or_status_success();
    }
  }
  expect_failure(status, OR_FAILED_PRECONDITION, "being closed");
  open_gate(&gate);
  or_thread_join(&closer);
}

static int64_t stored(or_store_t *store) {
  or_store_stats_t stats;
  or_store_stats(store, &stats);
  return stats.tasks;
}

static void keeps_the_newest_by_count_and_never_removes_active_ones(void **unused) {
  (void)unused;
  or_store_t *store = open_at(OR_STORE_MEMORY);
  or_task_record_t active = record_of("active");
  expect_ok(admit(store, &active));
  for (int i = 0; i < 300; ++i) {
    char id[16];
    (void)snprintf(id, sizeof id, "t%d", i);
    or_task_record_t record = finished_of(id, "{}");
    expect_ok(finish(store, &record));
  }
  or_store_retention_t retention = or_store_options("").retention;
  retention.task_count = 100;
  expect_ok(set_retention(store, retention));
  assert_int_equal(stored(store), 100);
  seen_t seen;
  expect_failure(find(store, "t200", &seen), OR_NOT_FOUND, "t200");
  expect_ok(find(store, "t201", &seen)); /* with the active one, 100 */
  expect_ok(find(store, "active", &seen));
  retention.task_count = 0;
  expect_ok(set_retention(store, retention));
  assert_int_equal(stored(store), 1);
  expect_ok(find(store, "active", &seen));
  or_store_stats_t stats;
  or_store_stats(store, &stats);
  assert_int_equal(stats.removed, 300);
  expect_sound(store);
  or_store_close(store);
}

static void keeps_no_more_bytes_than_it_may(void **unused) {
  (void)unused;
  folder_t folder = make_folder();
  or_store_t *store = open_at(folder.path);
  const or_journal_t *journal = or_store_journal(store);
  static unsigned char bytes[100000];
  or_journal_blob_t blob = {"x", OR_UINT8, or_shape_make(1, (const int64_t[]){100000}), bytes, sizeof bytes};
  for (int i = 0; i < 10; ++i) {
    char id[16];
    (void)snprintf(id, sizeof id, "t%d", i);
    or_task_record_t record = finished_of(id, "{}");
    expect_ok(journal->finish(journal->self, &record, &blob, 1));
  }
  or_store_retention_t retention = or_store_options("").retention;
  retention.bytes = 350000;
  expect_ok(set_retention(store, retention));
  assert_int_equal(stored(store), 3);
  assert_int_equal(count_files(&folder), 3);
  or_store_stats_t stats;
  or_store_stats(store, &stats);
  assert_true(stats.bytes > 300000 && stats.bytes <= 350000);
  expect_sound(store);
  close_and_remove(store, &folder);
}

static void removes_what_is_too_old(void **unused) {
  (void)unused;
  or_store_t *store = open_at(OR_STORE_MEMORY);
  or_task_record_t old = finished_of("old", "{}"), young = finished_of("young", "{}");
  old.finished_us -= (int64_t)2 * 3600 * 1000000;
  expect_ok(finish(store, &old));
  expect_ok(finish(store, &young));
  or_store_retention_t retention = or_store_options("").retention;
  retention.age_s = 3600;
  expect_ok(set_retention(store, retention));
  seen_t seen;
  expect_failure(find(store, "old", &seen), OR_NOT_FOUND, "old");
  expect_ok(find(store, "young", &seen));
  or_store_close(store);
}

static void applies_its_bounds_as_rows_come(void **unused) {
  (void)unused;
  or_store_t *store = NULL;
  or_store_options_t options = or_store_options(OR_STORE_MEMORY);
  options.retention.task_count = 50;
  expect_ok(or_store_open(&options, &store));
  for (int i = 0; i < 2000; ++i) {
    char id[16];
    (void)snprintf(id, sizeof id, "t%d", i);
    or_task_record_t record = finished_of(id, "{}");
    expect_ok(finish(store, &record));
  }
  expect_ok(flush(store));
  or_store_retention_t same = options.retention;
  expect_ok(set_retention(store, same)); /* says when nothing exceeds them */
  assert_int_equal(stored(store), 50);
  or_store_close(store);
}

/* One life of a store with an allocation of ours that fails. */
static or_status_t use(const or_allocator_t *allocator) {
  static unsigned char bytes[100];
  or_store_t *store = NULL;
  or_store_options_t options = or_store_options(OR_STORE_MEMORY);
  options.allocator = allocator;
  or_status_t status = or_store_open(&options, &store);
  if (!or_ok(status)) return status;
  or_task_record_t record = record_of("task"), end = finished_of("task", "{}");
  or_journal_blob_t blob = {"x", OR_UINT8, or_shape_make(1, (const int64_t[]){100}), bytes, sizeof bytes};
  seen_t seen;
  or_store_key_t key;
  char secret[OR_STORE_SECRET_BYTES];
  or_store_new_key_t wanted = {"x", OR_SCOPE_READ};
  or_store_waiter_t waiter;
  status = admit_blobs(store, &record, &blob, 1);
  if (or_ok(status)) status = find(store, "task", &seen);
  if (or_ok(status)) status = start(store, "task", 1);
  if (or_ok(status)) status = finish(store, &end);
  if (or_ok(status)) status = find(store, "task", &seen);
  or_store_waiter_init(&waiter);
  if (or_ok(status))
    status =
        or_store_waiter_wait(&waiter, or_store_create_key(store, &wanted, &key, secret, or_store_waiter_done, &waiter));
  if (or_ok(status)) status = or_store_put_setting(store, OR_STORE_MODEL, "m", "v", NULL, NULL);
  if (or_ok(status)) status = remove_task(store, "task");
  or_store_close(store);
  return status;
}

static void survives_every_allocation_of_ours_that_fails(void **unused) {
  (void)unused;
  expect_survives_every_failing_allocation(use);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(refuses_admits_when_the_backlog_is_full_and_ends_at_twice_that),
      cmocka_unit_test(refuses_a_task_that_exceeds_what_may_wait_at_all),
      cmocka_unit_test(refuses_reads_when_too_many_wait_and_answers_those_it_took),
      cmocka_unit_test(refuses_what_comes_while_it_closes),
      cmocka_unit_test(keeps_the_newest_by_count_and_never_removes_active_ones),
      cmocka_unit_test(keeps_no_more_bytes_than_it_may),
      cmocka_unit_test(removes_what_is_too_old),
      cmocka_unit_test(applies_its_bounds_as_rows_come),
      cmocka_unit_test(survives_every_allocation_of_ours_that_fails),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
