/* Power loss at random instants: what was said to be on disk is there afterwards. */
#include "base/numbers.h"
#include "store/fault_vfs_test_internal.h"
#include "store/store_test_internal.h"

#define TASKS 120
#define LARGE (OR_STORE_INLINE_BYTES + 500)

/* What the store said of one task. Written by the store's threads, read when it is closed. */
typedef struct told_t {
  char id[OR_TASK_ID_BYTES];
  bool large, rerun;
  bool admitted, started; /* said to be on disk */
  bool finished;          /* a flush after it said so */
} told_t;

static told_t told[TASKS];
static unsigned char large_bytes[LARGE];

static void note_admitted(void *self, or_status_t status) {
  ((told_t *)self)->admitted = or_ok(status);
  or_status_ignore(status); /* a crash refuses, which is right */
}

static void note_started(void *self, or_status_t status) {
  ((told_t *)self)->started = or_ok(status);
  or_status_ignore(status); /* a crash refuses, which is right */
}

static or_store_t *open_faulty(const folder_t *folder, bool synchronous_off) {
  or_store_t *store = NULL;
  or_store_options_t options = or_store_options(folder->path);
  options.vfs = FAULT_VFS;
  options.files = &fault_files;
  options.synchronous_off = synchronous_off;
  or_status_t status = or_store_open(&options, &store);
  or_status_ignore(status); /* the disk may fail already: then there is no store */
  return store;
}

/* Tasks come, begin and end; refusals are what a failing disk is expected to give. */
static void work(or_store_t *store, or_random_t *random) {
  const or_journal_t *journal = or_store_journal(store);
  or_journal_blob_t blob = {"x", OR_UINT8, or_shape_make(1, (const int64_t[]){LARGE}), large_bytes, LARGE};
  for (size_t i = 0; i < TASKS && !fault_has_crashed(); ++i) {
    told_t *task = &told[i];
    (void)snprintf(task->id, sizeof task->id, "task-%zu", i);
    task->large = or_random_next(random) % 8 == 0;
    task->rerun = or_random_next(random) % 2 == 0;
    or_task_record_t record = record_of(task->id);
    record.rerun_on_restart = task->rerun;
    or_status_ignore(journal->admit(journal->self, &record, &blob, task->large ? 1 : 0, note_admitted, task));
    if (or_random_next(random) % 3 == 0) or_status_ignore(flush(store)); /* so that commits have several sizes */
    told_t *other = &told[or_random_next(random) % (i + 1)];
    or_journal_start_t begun = {other->id, 1, "cpu_0", 1};
    or_status_ignore(journal->start(journal->self, &begun, note_started, other));
    if (or_random_next(random) % 4 != 0) continue;
    or_task_record_t end = finished_of(other->id, "{\"done\":true}");
    or_status_ignore(finish(store, &end));
    or_status_t flushed = flush(store);
    if (or_ok(flushed)) other->finished = true;
    or_status_ignore(flushed); /* a crash refuses, which is right */
  }
}

/* Tasks whose rows are gone or say less than was promised. */
static size_t count_lost(or_store_t *store) {
  size_t lost = 0;
  for (size_t i = 0; i < TASKS; ++i) {
    const told_t *task = &told[i];
    seen_t seen;
    if (!task->admitted) continue;
    or_status_t status = find(store, task->id, &seen);
    bool there = or_ok(status);
    or_status_ignore(status); /* counted */
    bool kept = there && (!task->finished || strcmp(seen.response, "{\"done\":true}") == 0) &&
                (!task->started || seen.record.state != OR_TASK_PENDING || seen.record.attempts > 0);
    if (!kept) ++lost;
  }
  return lost;
}

/* Of those that recovery gives back, how many had begun and must not run twice. */
static size_t count_run_twice(const recovered_t *recovered) {
  size_t twice = 0;
  for (size_t i = 0; i < recovered->count && i < 64; ++i) {
    for (size_t k = 0; k < TASKS; ++k) {
      if (strcmp(recovered->ids[i], told[k].id) == 0 && told[k].started && !told[k].rerun) ++twice;
    }
  }
  return twice;
}

/* Crashes at the operation that the seed says; how many tasks are lost. */
static size_t crash_once(uint64_t seed, bool synchronous_off) {
  or_random_t random = {seed};
  folder_t folder = make_folder();
  memset(told, 0, sizeof told);
  fault_reset();
  fault.crash_at = 5 + or_random_next(&random) % 400;
  or_store_t *store = open_faulty(&folder, synchronous_off);
  if (store != NULL) work(store, &random);
  or_mutex_lock(&fault.lock);
  fault.crashed = true; /* at the latest when the work is done */
  or_mutex_unlock(&fault.lock);
  or_store_close(store);
  fault_lose_unsynced(fault.undo_count > 0 && !synchronous_off ? or_random_next(&random) % (fault.undo_count + 1) : 0);

  size_t lost = 0;
  store = NULL;
  or_store_options_t options = or_store_options(folder.path);
  options.files = &fault_files;
  or_status_t status = or_store_open(&options, &store);
  if (or_ok(status)) {
    lost = count_lost(store);
    recovered_t recovered = recover(store);
    lost += count_run_twice(&recovered);
    if (!synchronous_off) expect_sound(store);
  } else {
    if (!synchronous_off) print_error("seed %llu: %s\n", (unsigned long long)seed, or_status_message(status));
    lost = TASKS;
  }
  or_status_ignore(status); /* an unreadable database is all of them lost */
  or_store_close(store);
  fault_reset();
  remove_folder(&folder);
  return lost;
}

static uint64_t rounds(void) { return getenv("OPENRUNTIME_QUICK") != NULL ? 15 : 60; }

static void loses_nothing_that_it_said_was_on_disk(void **unused) {
  (void)unused;
  for (uint64_t seed = 1; seed <= rounds(); ++seed) {
    size_t lost = crash_once(seed, false);
    if (lost > 0) print_error("seed %llu\n", (unsigned long long)seed);
    assert_int_equal(lost, 0);
  }
}

/* So that the test above is known to see a loss. */
static void loses_tasks_where_the_disk_is_not_waited_for(void **unused) {
  (void)unused;
  size_t lost = 0;
  for (uint64_t seed = 1; seed <= 5; ++seed) lost += crash_once(seed, true);
  assert_true(lost > 0);
}

/* Three tasks, one with a tensor; how many were refused. What was said to be there is counted in *kept. */
static size_t submit_three(or_store_t *store, size_t *kept) {
  size_t refused = 0;
  or_journal_blob_t blob = {"x", OR_UINT8, or_shape_make(1, (const int64_t[]){LARGE}), large_bytes, LARGE};
  for (size_t i = 0; i < 3; ++i) {
    char id[16];
    (void)snprintf(id, sizeof id, "three-%zu", i);
    or_task_record_t record = record_of(id);
    or_status_t status = admit_blobs(store, &record, &blob, i == 1 ? 1 : 0);
    or_status_code_t code = or_status_code(status);
    or_status_ignore(status); /* its code is looked at */
    told[i].admitted = code == OR_OK;
    *kept += code == OR_OK ? 1 : 0;
    if (code == OR_OK) continue;
    ++refused;
    assert_true(code == OR_RESOURCE_EXHAUSTED || code == OR_DATA_LOSS);
  }
  return refused;
}

/* For every n until one is not reached. */
static void try_every_failing_operation(int fail_code) {
  for (uint64_t n = 1;; ++n) {
    folder_t folder = make_folder();
    size_t alive = or_status_live_count();
    memset(told, 0, sizeof told);
    fault_reset();
    fault.fail_at = n;
    fault.fail_code = fail_code;
    size_t kept = 0;
    or_store_t *store = open_faulty(&folder, false);
    if (store != NULL) assert_true(submit_three(store, &kept) <= 1); /* one failure costs one request at most */
    or_store_close(store);
    bool triggered = fault.triggered;
    fault_reset();

    store = open_at(folder.path); /* and what it left behind is no hindrance */
    or_store_stats_t stats;
    or_store_stats(store, &stats);
    assert_true(stats.tasks >= (int64_t)kept);
    for (size_t i = 0; i < 3; ++i) {
      char id[16];
      (void)snprintf(id, sizeof id, "three-%zu", i);
      if (told[i].admitted) assert_int_equal(state_of(store, id), OR_TASK_PENDING);
    }
    expect_sound(store);
    or_store_close(store);
    remove_folder(&folder);
    assert_int_equal(or_status_live_count(), alive);
    if (!triggered) break;
    assert_true(n < 1000);
  }
}

static void outlives_the_nth_write_that_finds_no_room(void **unused) {
  (void)unused;
  try_every_failing_operation(SQLITE_FULL);
}

static void outlives_the_nth_write_or_sync_that_fails(void **unused) {
  (void)unused;
  try_every_failing_operation(SQLITE_IOERR_WRITE);
}

static void goes_on_while_the_disk_is_full_and_recovers_by_itself(void **unused) {
  (void)unused;
  folder_t folder = make_folder();
  fault_reset();
  or_store_t *store = open_faulty(&folder, false);
  or_task_record_t before = record_of("before"), refused = record_of("refused"), after = record_of("after");
  or_task_record_t waited = finished_of("waited", "{\"waited\":1}");
  expect_ok(admit(store, &before));

  fault_set_full(true);
  expect_failure(admit(store, &refused), OR_RESOURCE_EXHAUSTED, "no room on the disk");
  or_journal_blob_t blob = {"x", OR_UINT8, or_shape_make(1, (const int64_t[]){LARGE}), large_bytes, LARGE};
  expect_failure(admit_blobs(store, &refused, &blob, 1), OR_RESOURCE_EXHAUSTED, "no room on the disk");
  expect_ok(finish(store, &waited)); /* work that is waited for goes on */
  expect_failure(flush(store), OR_RESOURCE_EXHAUSTED, "");
  assert_int_equal(state_of(store, "before"), OR_TASK_PENDING); /* so do reads */
  or_store_stats_t stats;
  or_store_stats(store, &stats);
  assert_true(stats.disk_full);
  assert_true(stats.failures > 0);
  assert_int_equal(stats.dropped, 0);

  fault_set_full(false);
  expect_ok(admit(store, &after));
  or_status_t flushed = flush(store);
  while (!or_ok(flushed)) { /* the parked row is written right after the first commit that works */
    or_status_ignore(flushed);
    flushed = flush(store);
  }
  assert_int_equal(state_of(store, "waited"), OR_TASK_COMPLETED);
  seen_t seen;
  expect_failure(find(store, "refused", &seen), OR_NOT_FOUND, "refused");
  or_store_stats(store, &stats);
  assert_false(stats.disk_full);
  assert_int_equal(count_files(&folder), 0);
  expect_sound(store);
  or_store_close(store);
  fault_reset();
  remove_folder(&folder);
}

static void a_result_whose_file_finds_no_room_is_given_up_at_the_close(void **unused) {
  (void)unused;
  folder_t folder = make_folder();
  fault_reset();
  or_store_t *store = open_faulty(&folder, false);
  or_task_record_t task = record_of("task"), ended = finished_of("task", "{}");
  expect_ok(admit(store, &task));
  fault_set_full(true);
  or_journal_blob_t blob = {"x", OR_UINT8, or_shape_make(1, (const int64_t[]){LARGE}), large_bytes, LARGE};
  const or_journal_t *journal = or_store_journal(store);
  expect_ok(journal->finish(journal->self, &ended, &blob, 1));
  or_store_close(store);
  fault_set_full(false);
  store = open_faulty(&folder, false);
  assert_int_equal(state_of(store, "task"), OR_TASK_PENDING);
  or_store_close(store);
  fault_reset();
  remove_folder(&folder);
}

int main(void) {
  fault_register();
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(loses_nothing_that_it_said_was_on_disk),
      cmocka_unit_test(loses_tasks_where_the_disk_is_not_waited_for),
      cmocka_unit_test(outlives_the_nth_write_that_finds_no_room),
      cmocka_unit_test(outlives_the_nth_write_or_sync_that_fails),
      cmocka_unit_test(goes_on_while_the_disk_is_full_and_recovers_by_itself),
      cmocka_unit_test(a_result_whose_file_finds_no_room_is_given_up_at_the_close),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
