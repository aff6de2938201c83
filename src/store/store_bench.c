/* Durable submits by 64 threads beside SQLite committing in groups with nothing around it, and ends of tasks that were
 * waited for. store_bench [FOLDER [alone]]: where the data lie; its disk is what is measured. alone: SQLite's rows a
 * second once, and nothing else. */
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/thread.h"
#include "store/store.h"

#define THREADS 64
#define SECONDS 3
#define ENDS 100000
#define REPEATS 3

static const char request[] =
    "{\"operation\":\"compute\",\"data\":{\"type\":\"matrix_multiply\",\"size\":1024,\"dtype\":\"float32\"},"
    "\"device_preference\":\"auto\",\"priority\":5,\"timeout\":300}";

static void need(or_status_t status) {
  if (or_ok(status)) return;
  (void)printf("%s\n", or_status_message(status));
  exit(1);
}

static or_store_t *open_at(const char *path) {
  or_store_t *store = NULL;
  or_store_options_t options = or_store_options(path);
  need(or_store_open(&options, &store));
  return store;
}

/* A folder of its own on the disk that is measured; it stays when the program fails. */
static const char *make_folder(const char *place, char path[256]) {
  (void)snprintf(path, 256, "%s/or-store-XXXXXX", place);
  if (mkdtemp(path) == NULL) exit(1);
  return path;
}

static void remove_store(const char *path) {
  static const char *const names[] = {"openruntime.db", "openruntime.db-wal", "openruntime.db-shm", "openruntime.lock"};
  char name[512];
  for (size_t i = 0; i < sizeof names / sizeof *names; ++i) {
    (void)snprintf(name, sizeof name, "%s/%s", path, names[i]);
    (void)unlink(name);
  }
  (void)snprintf(name, sizeof name, "%s/blobs", path);
  (void)rmdir(name);
  (void)rmdir(path);
}

static or_task_record_t task(const char *id) {
  or_task_record_t record = {.operation = "compute", .priority = 1, .rerun_on_restart = true};
  (void)snprintf(record.task_id, sizeof record.task_id, "%s", id);
  record.request = request;
  record.request_bytes = sizeof request - 1;
  record.created_us = or_clock_wall_us();
  record.deadline_us = record.created_us + 300000000;
  return record;
}

static or_status_t flush(or_store_t *store) {
  or_store_waiter_t waiter;
  or_store_waiter_init(&waiter);
  return or_store_waiter_wait(&waiter, or_store_flush(store, or_store_waiter_done, &waiter));
}

typedef struct submitters_t {
  or_store_t *store;
  int64_t until_ns;
  atomic_uint next;
  atomic_size_t done, failed;
} submitters_t;

static void submit(void *opaque) {
  submitters_t *self = opaque;
  unsigned thread = atomic_fetch_add(&self->next, 1);
  for (unsigned i = 0; or_clock_ns() < self->until_ns; ++i) {
    char id[32];
    (void)snprintf(id, sizeof id, "%08u-%02u", i, thread); /* in the order of time, as ids that we make are */
    or_task_record_t record = task(id);
    const or_journal_t *journal = or_store_journal(self->store);
    or_store_waiter_t waiter;
    or_store_waiter_init(&waiter);
    or_status_t status =
        or_store_waiter_wait(&waiter, journal->admit(journal->self, &record, NULL, 0, or_store_waiter_done, &waiter));
    (void)atomic_fetch_add(or_ok(status) ? &self->done : &self->failed, 1);
    or_status_ignore(status); /* counted */
  }
}

/* Submits a second, and how many rows a commit had. */
static double durable_submits(const char *path, double *rows_a_commit) {
  submitters_t self = {.store = open_at(path), .until_ns = or_clock_ns() + (int64_t)SECONDS * 1000000000};
  or_thread_t threads[THREADS];
  int64_t begun_ns = or_clock_ns();
  for (size_t i = 0; i < THREADS; ++i) need(or_thread_start(&threads[i], "submit", submit, &self));
  for (size_t i = 0; i < THREADS; ++i) or_thread_join(&threads[i]);
  double seconds = (double)(or_clock_ns() - begun_ns) * 1e-9;
  or_store_stats_t stats;
  or_store_stats(self.store, &stats);
  *rows_a_commit = (double)stats.rows / (double)stats.commits;
  or_store_close(self.store);
  if (atomic_load(&self.failed) > 0) (void)printf("%zu submits failed\n", atomic_load(&self.failed));
  return (double)atomic_load(&self.done) / seconds;
}

/* The peer: the same table and row, `group` rows a commit, on one thread that does nothing else. */
static double sqlite_alone(const char *path, int group) {
  sqlite3 *handle = NULL;
  sqlite3_stmt *insert = NULL;
  or_store_close(open_at(path)); /* makes the tables */
  char file[512];
  (void)snprintf(file, sizeof file, "%s/openruntime.db", path);
  if (sqlite3_open(file, &handle) != SQLITE_OK) return 0;
  (void)sqlite3_exec(handle, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=4000", NULL,
                     NULL, NULL);
  const char *sql =
      "INSERT INTO tasks (task_id, owner, operation, state, priority, attempts, rerun, created_us, started_us, "
      "finished_us, deadline_us, digest, bytes, request) VALUES (?1, '', 'compute', 0, 1, 0, 1, 1, 0, 0, 300, ?2, 400, "
      "?3)";
  if (sqlite3_prepare_v2(handle, sql, -1, &insert, NULL) != SQLITE_OK) return 0;
  int64_t begun_ns = or_clock_ns(), until_ns = begun_ns + (int64_t)SECONDS * 1000000000;
  size_t rows = 0;
  while (or_clock_ns() < until_ns) {
    (void)sqlite3_exec(handle, "BEGIN IMMEDIATE", NULL, NULL, NULL);
    for (int i = 0; i < group; ++i) {
      char id[32];
      (void)snprintf(id, sizeof id, "%08zu-%02d", rows++ / (size_t)group, i);
      (void)sqlite3_bind_text(insert, 1, id, -1, SQLITE_TRANSIENT);
      (void)sqlite3_bind_blob(insert, 2, request, 32, SQLITE_STATIC);
      (void)sqlite3_bind_blob(insert, 3, request, sizeof request - 1, SQLITE_STATIC);
      (void)sqlite3_step(insert);
      (void)sqlite3_reset(insert);
    }
    if (sqlite3_exec(handle, "COMMIT", NULL, NULL, NULL) != SQLITE_OK) return 0;
  }
  double seconds = (double)(or_clock_ns() - begun_ns) * 1e-9;
  (void)sqlite3_finalize(insert);
  (void)sqlite3_close(handle);
  return (double)rows / seconds;
}

/* Ends a second until all are on disk; the time that the calls took, and the longest of them. */
static double ends(const char *path, double *call_us, double *longest_us) {
  or_store_t *store = open_at(path);
  const or_journal_t *journal = or_store_journal(store);
  int64_t begun_ns = or_clock_ns(), in_calls_ns = 0, longest_ns = 0;
  size_t refused = 0;
  for (size_t i = 0; i < ENDS; ++i) {
    char id[32];
    (void)snprintf(id, sizeof id, "%08zu", i);
    or_task_record_t record = task(id);
    record.state = OR_TASK_COMPLETED;
    record.attempts = 1;
    record.started_us = record.finished_us = record.created_us;
    record.device_used = "cpu_0";
    record.response = request;
    record.response_bytes = sizeof request - 1;
    int64_t before_ns = or_clock_ns();
    or_status_t status = journal->finish(journal->self, &record, NULL, 0);
    int64_t took_ns = or_clock_ns() - before_ns;
    in_calls_ns += took_ns;
    if (took_ns > longest_ns) longest_ns = took_ns;
    if (or_status_code(status) == OR_UNAVAILABLE) {
      ++refused;
      or_status_ignore(status); /* the backlog is full: as much as the disk takes */
      status = flush(store);
      --i;
    }
    or_status_ignore(status); /* of the flush: tried again by the next row */
  }
  or_status_ignore(flush(store)); /* all is written */
  double seconds = (double)(or_clock_ns() - begun_ns) * 1e-9;
  or_store_close(store);
  *call_us = (double)in_calls_ns * 1e-3 / (double)(ENDS + refused);
  *longest_us = (double)longest_ns * 1e-3;
  return (double)ENDS / seconds;
}

int main(int argc, char **argv) {
  const char *place = argc > 1 ? argv[1] : ".";
  if (argc > 2 && strcmp(argv[2], "alone") == 0) {
    char path[256];
    (void)printf("%.0f\n", sqlite_alone(make_folder(place, path), THREADS));
    remove_store(path);
    return 0;
  }
  for (int i = 0; i < REPEATS; ++i) {
    char path[256];
    double group = 0, call_us = 0, longest_us = 0;
    double submits = durable_submits(make_folder(place, path), &group);
    remove_store(path);
    double alone = sqlite_alone(make_folder(place, path), THREADS);
    remove_store(path);
    double rate = ends(make_folder(place, path), &call_us, &longest_us);
    remove_store(path);
    (void)printf("durable submits, %d threads: %.0f/s (%.1f rows a commit); SQLite alone, %d rows a commit: %.0f/s; "
                 "%.0f %%\n",
                 THREADS, submits, group, THREADS, alone, 100 * submits / alone);
    (void)printf("ends: %.0f/s on disk; a call takes %.2f us, the longest %.0f us\n", rate, call_us, longest_us);
  }
  return 0;
}
