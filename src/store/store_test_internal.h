#ifndef OR_STORE_STORE_TEST_INTERNAL_H
#define OR_STORE_STORE_TEST_INTERNAL_H
/* For tests of the store: a data folder of its own, and calls that wait. */

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/string.h"
#include "base/testing.h"
#include "store/store.h"

typedef struct folder_t {
  char path[256];
} folder_t;

static inline folder_t make_folder(void) {
  folder_t folder;
  const char *place = getenv("TMPDIR");
  if (place == NULL) place = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp"; /* most tests need no slow disk */
  (void)snprintf(folder.path, sizeof folder.path, "%s/or-store-XXXXXX", place);
  assert_non_null(mkdtemp(folder.path));
  return folder;
}

static inline void empty_folder(const char *path) {
  DIR *directory = opendir(path);
  struct dirent *entry = NULL;
  while (directory != NULL && (entry = readdir(directory)) != NULL) {
    char name[1024];
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
    int length = snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
    assert_true(length > 0 && (size_t)length < sizeof name);
    if (unlink(name) != 0) {
      empty_folder(name);
      (void)rmdir(name);
    }
  }
  if (directory != NULL) (void)closedir(directory);
}

static inline void remove_folder(const folder_t *folder) {
  empty_folder(folder->path);
  (void)rmdir(folder->path);
}

static inline void close_and_remove(or_store_t *store, const folder_t *folder) {
  or_store_close(store);
  remove_folder(folder);
}

static inline const char *path_in(const folder_t *folder, const char *name, char path[512]) {
  (void)snprintf(path, 512, "%s/%s", folder->path, name);
  return path;
}

/* Files with large tensors that lie in the data folder now. */
static inline size_t count_files(const folder_t *folder) {
  char path[512];
  size_t count = 0;
  DIR *directory = opendir(path_in(folder, "blobs", path));
  struct dirent *entry = NULL;
  while (directory != NULL && (entry = readdir(directory)) != NULL) count += entry->d_name[0] != '.' ? 1 : 0;
  if (directory != NULL) (void)closedir(directory);
  return count;
}

static inline or_store_t *open_at(const char *path) {
  or_store_t *store = NULL;
  or_store_options_t options = or_store_options(path);
  expect_ok(or_store_open(&options, &store));
  return store;
}

static inline or_task_record_t record_of(const char *task_id) {
  or_task_record_t record = {.operation = "compute", .priority = 1, .rerun_on_restart = true};
  or_format(record.task_id, sizeof record.task_id, "%s", task_id);
  record.request = "{\"operation\":\"compute\"}";
  record.request_bytes = strlen(record.request);
  record.created_us = or_clock_wall_us();
  record.deadline_us = record.created_us + 300000000;
  return record;
}

static inline or_task_record_t finished_of(const char *task_id, const char *response) {
  or_task_record_t record = record_of(task_id);
  record.state = OR_TASK_COMPLETED;
  record.attempts = 1;
  record.started_us = record.created_us + 10;
  record.finished_us = record.created_us + 20;
  record.device_used = "cpu_0";
  record.response = response;
  record.response_bytes = strlen(response);
  return record;
}

static inline or_status_t admit_blobs(or_store_t *store, const or_task_record_t *record, const or_journal_blob_t *blobs,
                                      size_t count) {
  const or_journal_t *journal = or_store_journal(store);
  or_store_waiter_t waiter;
  or_store_waiter_init(&waiter);
  return or_store_waiter_wait(&waiter,
                              journal->admit(journal->self, record, blobs, count, or_store_waiter_done, &waiter));
}

static inline or_status_t admit(or_store_t *store, const or_task_record_t *record) {
  return admit_blobs(store, record, NULL, 0);
}

static inline or_status_t start(or_store_t *store, const char *task_id, int attempt) {
  const or_journal_t *journal = or_store_journal(store);
  or_journal_start_t begun = {task_id, attempt, "cpu_0", or_clock_wall_us()};
  or_store_waiter_t waiter;
  or_store_waiter_init(&waiter);
  return or_store_waiter_wait(&waiter, journal->start(journal->self, &begun, or_store_waiter_done, &waiter));
}

static inline or_status_t finish(or_store_t *store, const or_task_record_t *record) {
  const or_journal_t *journal = or_store_journal(store);
  return journal->finish(journal->self, record, NULL, 0);
}

static inline or_status_t flush(or_store_t *store) {
  or_store_waiter_t waiter;
  or_store_waiter_init(&waiter);
  return or_store_waiter_wait(&waiter, or_store_flush(store, or_store_waiter_done, &waiter));
}

/* What has no row any more goes with the sweep that follows the commit which carries the first. */
static inline void flush_and_sweep(or_store_t *store) {
  expect_ok(flush(store));
  expect_ok(flush(store));
}

static inline or_status_t remove_task(or_store_t *store, const char *task_id) {
  or_store_waiter_t waiter;
  or_store_waiter_init(&waiter);
  return or_store_waiter_wait(&waiter, or_store_remove(store, task_id, or_store_waiter_done, &waiter));
}

static inline or_status_t set_retention(or_store_t *store, or_store_retention_t retention) {
  or_store_waiter_t waiter;
  or_store_waiter_init(&waiter);
  return or_store_waiter_wait(&waiter, or_store_set_retention(store, &retention, or_store_waiter_done, &waiter));
}

static inline or_status_t backup(or_store_t *store, const char *path) {
  or_store_waiter_t waiter;
  or_store_waiter_init(&waiter);
  return or_store_waiter_wait(&waiter, or_store_backup(store, path, or_store_waiter_done, &waiter));
}

/* What find said: the row, its texts copied. */
typedef struct seen_t {
  or_store_waiter_t waiter;
  or_task_record_t record;
  char operation[64], device[64], error[256], error_code[64], response[1024];
  uint8_t digest[OR_TASK_DIGEST_BYTES];
  or_store_blob_t blobs[8];
  size_t blob_count;
} seen_t;

static inline void copy_text(char *to, size_t capacity, const char *from, size_t length) {
  (void)snprintf(to, capacity, "%.*s", (int)length, from != NULL ? from : "");
}

static inline void see(void *self, or_status_t status, const or_task_record_t *record, const or_store_blob_t *blobs,
                       size_t blob_count) {
  seen_t *seen = self;
  if (record != NULL) {
    seen->record = *record;
    copy_text(seen->operation, sizeof seen->operation, record->operation, 1000);
    copy_text(seen->device, sizeof seen->device, record->device_used, 1000);
    copy_text(seen->error, sizeof seen->error, record->error, 1000);
    copy_text(seen->error_code, sizeof seen->error_code, record->error_code, 1000);
    copy_text(seen->response, sizeof seen->response, record->response, record->response_bytes);
    memcpy(seen->digest, record->body_digest, sizeof seen->digest);
    seen->blob_count = blob_count;
    for (size_t i = 0; i < blob_count && i < 8; ++i) seen->blobs[i] = blobs[i];
  }
  or_store_waiter_done(&seen->waiter, status);
}

static inline or_status_t find_as(or_store_t *store, const or_store_find_t *find, seen_t *seen) {
  memset(seen, 0, sizeof *seen);
  or_store_waiter_init(&seen->waiter);
  return or_store_waiter_wait(&seen->waiter, or_store_find(store, find, see, seen));
}

static inline or_status_t find(or_store_t *store, const char *task_id, seen_t *seen) {
  or_store_find_t wanted = {.task_id = task_id};
  return find_as(store, &wanted, seen);
}

static inline or_task_state_t state_of(or_store_t *store, const char *task_id) {
  seen_t seen;
  expect_ok(find(store, task_id, &seen));
  return seen.record.state;
}

/* The tasks that recovery gives back. */
typedef struct recovered_t {
  char ids[64][OR_TASK_ID_BYTES];
  char request[256];
  size_t count, blob_count;
  size_t blob_bytes;
  unsigned char first_byte;
} recovered_t;

static inline or_status_t note_recovered(void *self, const or_task_record_t *record, const or_journal_blob_t *inputs,
                                         size_t input_count) {
  recovered_t *recovered = self;
  if (recovered->count < 64) memcpy(recovered->ids[recovered->count], record->task_id, OR_TASK_ID_BYTES);
  copy_text(recovered->request, sizeof recovered->request, record->request, record->request_bytes);
  recovered->count += 1;
  recovered->blob_count += input_count;
  for (size_t i = 0; i < input_count; ++i) {
    recovered->blob_bytes += inputs[i].bytes;
    if (inputs[i].bytes > 0) recovered->first_byte = *(const unsigned char *)inputs[i].data;
  }
  return or_status_success();
}

static inline recovered_t recover(or_store_t *store) {
  recovered_t recovered = {.count = 0};
  expect_ok(or_store_recover(store, note_recovered, &recovered));
  return recovered;
}

/* What check said. */
typedef struct checked_t {
  or_store_waiter_t waiter;
  or_store_check_t check;
  char words[1024];
} checked_t;

static inline void note_problem(void *self, const char *words) {
  checked_t *checked = self;
  copy_text(checked->words, sizeof checked->words, words, 1000);
}

static inline void end_check(void *self, or_status_t status, const or_store_check_t *check) {
  checked_t *checked = self;
  checked->check = *check;
  or_store_waiter_done(&checked->waiter, status);
}

static inline or_status_t check(or_store_t *store, checked_t *checked) {
  memset(checked, 0, sizeof *checked);
  or_store_waiter_init(&checked->waiter);
  or_store_checking_t checking = {checked, note_problem, end_check};
  return or_store_waiter_wait(&checked->waiter, or_store_check(store, &checking));
}

static inline void expect_sound(or_store_t *store) {
  checked_t checked;
  expect_ok(check(store, &checked));
  if (checked.check.damaged > 0) print_error("%s\n", checked.words);
  assert_int_equal(checked.check.damaged, 0);
}

/* What a tensor's read said. */
typedef struct tensor_read_t {
  or_store_waiter_t waiter;
  or_store_blob_t blob;
  or_file_t *file; /* retained */
  unsigned char first, last;
} tensor_read_t;

static inline void note_tensor(void *self, or_status_t status, const or_store_blob_t *blob, const void *data,
                               or_file_t *file) {
  tensor_read_t *read = self;
  if (or_ok(status)) {
    read->blob = *blob;
    read->file = file;
    if (file != NULL) or_file_retain(file);
    if (data != NULL && blob->bytes > 0) {
      read->first = *(const unsigned char *)data;
      read->last = ((const unsigned char *)data)[blob->bytes - 1];
    }
  }
  or_store_waiter_done(&read->waiter, status);
}

static inline or_status_t read_tensor(or_store_t *store, const or_store_blob_name_t *name, tensor_read_t *read) {
  memset(read, 0, sizeof *read);
  or_store_waiter_init(&read->waiter);
  return or_store_waiter_wait(&read->waiter, or_store_read_blob(store, name, note_tensor, read));
}

#endif
