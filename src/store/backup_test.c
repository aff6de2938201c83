#include <fcntl.h>
#include <sys/file.h>

#include "store/store_test_internal.h"

#define LARGE (OR_STORE_INLINE_BYTES + 100)
static unsigned char bytes[LARGE];

static or_journal_blob_t large_blob(void) {
  bytes[0] = 77;
  return (or_journal_blob_t){"x", OR_UINT8, or_shape_make(1, (const int64_t[]){LARGE}), bytes, LARGE};
}

static void holds_the_whole_store_in_one_file_that_can_be_put_back(void **unused) {
  (void)unused;
  folder_t folder = make_folder(), other = make_folder();
  char path[512], taken[512];
  or_store_t *store = open_at(folder.path);
  or_task_record_t pending = record_of("pending"), done = finished_of("done", "{\"kept\":1}");
  or_journal_blob_t blob = large_blob();
  const or_journal_t *journal = or_store_journal(store);
  expect_ok(admit_blobs(store, &pending, &blob, 1));
  expect_ok(journal->finish(journal->self, &done, &blob, 1));
  expect_ok(backup(store, path_in(&other, "openruntime.db", path)));
  expect_failure(backup(store, path), OR_ALREADY_EXISTS, "is not overwritten");
  expect_failure(backup(store, path_in(&other, "no/such/folder", taken)), OR_NOT_FOUND, "no/such/folder");
  struct stat info;
  assert_int_equal(stat(path, &info), 0);
  assert_int_equal(info.st_mode & 0777, 0600); /* what it holds is nobody else's business */
  or_task_record_t later = record_of("later");
  expect_ok(admit(store, &later)); /* the store goes on */
  expect_sound(store);
  or_store_close(store);

  or_store_t *restored = open_at(other.path);
  expect_sound(restored);
  seen_t seen;
  expect_ok(find(restored, "done", &seen));
  assert_string_equal(seen.response, "{\"kept\":1}");
  expect_failure(find(restored, "later", &seen), OR_NOT_FOUND, "later");
  tensor_read_t read;
  or_store_blob_name_t name = {"done", NULL, OR_STORE_OUTPUT, "x"};
  expect_ok(read_tensor(restored, &name, &read));
  assert_int_equal(read.first, 77);
  recovered_t recovered = recover(restored);
  assert_int_equal(recovered.count, 1);
  assert_int_equal(recovered.first_byte, 77);
  assert_int_equal(recovered.blob_bytes, LARGE);
  expect_ok(remove_task(restored, "done"));
  or_store_close(restored);
  remove_folder(&folder);
  remove_folder(&other);
}

static void backs_up_a_store_in_memory(void **unused) {
  (void)unused;
  folder_t folder = make_folder();
  char path[512];
  or_store_t *store = open_at(OR_STORE_MEMORY);
  or_task_record_t done = finished_of("done", "{}");
  expect_ok(finish(store, &done));
  expect_ok(backup(store, path_in(&folder, "openruntime.db", path)));
  or_store_close(store);
  or_store_t *restored = open_at(folder.path);
  assert_int_equal(state_of(restored, "done"), OR_TASK_COMPLETED);
  or_store_close(restored);
  remove_folder(&folder);
}

typedef struct churn_t {
  or_store_t *store;
  atomic_bool stop;
} churn_t;

/* Tasks with files come and go. */
static void churn(void *opaque) {
  churn_t *self = opaque;
  const or_journal_t *journal = or_store_journal(self->store);
  or_journal_blob_t blob = {"x", OR_UINT8, or_shape_make(1, (const int64_t[]){LARGE}), bytes, LARGE};
  for (unsigned i = 0; !atomic_load(&self->stop); ++i) {
    char id[32];
    (void)snprintf(id, sizeof id, "c%u", i);
    or_task_record_t record = finished_of(id, "{}");
    or_status_ignore(journal->finish(journal->self, &record, &blob, 1)); /* a full backlog is no matter here */
    or_status_ignore(flush(self->store));                                /* else both were one transaction */
    or_status_ignore(remove_task(self->store, id));                      /* nor that it then is not there */
  }
}

static void is_whole_while_tasks_come_and_go(void **unused) {
  (void)unused;
  folder_t folder = make_folder();
  or_store_t *store = open_at(folder.path);
  churn_t self = {.store = store};
  or_thread_t thread;
  expect_ok(or_thread_start(&thread, "churn", churn, &self));
  for (int i = 0; i < 5; ++i) {
    folder_t other = make_folder();
    char path[512];
    expect_ok(backup(store, path_in(&other, "openruntime.db", path)));
    or_store_t *restored = open_at(other.path);
    expect_sound(restored);
    or_store_close(restored);
    remove_folder(&other);
    expect_sound(store);
  }
  atomic_store(&self.stop, true);
  or_thread_join(&thread);
  expect_ok(flush(store));
  expect_ok(flush(store));                   /* the sweep follows the commit that carries the first */
  assert_int_equal(count_files(&folder), 0); /* those that a backup kept are swept after it */
  close_and_remove(store, &folder);
}

static or_store_t *open_beside(const char *path) {
  or_store_t *store = NULL;
  or_store_options_t options = or_store_options(path);
  options.beside = true;
  expect_ok(or_store_open(&options, &store));
  return store;
}

static or_status_t try_beside(const char *path) {
  or_store_t *store = NULL;
  or_store_options_t options = or_store_options(path);
  options.beside = true;
  or_status_t status = or_store_open(&options, &store);
  or_store_close(store);
  return status;
}

#define KEPT 200 /* tasks with files, which a backup puts in before that of a task that goes */

/* As is_whole_while_tasks_come_and_go, through a store of its own, as another process has it. */
static void is_whole_when_made_beside_the_store_that_has_the_folder(void **unused) {
  (void)unused;
  folder_t folder = make_folder();
  or_store_t *store = open_at(folder.path);
  or_journal_blob_t blob = large_blob();
  for (int i = 0; i < KEPT; ++i) {
    char id[32];
    or_task_record_t kept = record_of(or_format(id, sizeof id, "kept-%d", i));
    expect_ok(admit_blobs(store, &kept, &blob, 1));
  }
  churn_t self = {.store = store};
  or_thread_t thread;
  expect_ok(or_thread_start(&thread, "churn", churn, &self));
  for (int i = 0; i < 5; ++i) {
    folder_t other = make_folder();
    char path[512];
    or_store_t *beside = open_beside(folder.path);
    expect_ok(backup(beside, path_in(&other, "openruntime.db", path)));
    expect_sound(beside);
    or_store_close(beside);
    or_store_t *restored = open_at(other.path);
    expect_sound(restored);
    assert_int_equal(recover(restored).count, KEPT);
    or_store_close(restored);
    remove_folder(&other);
  }
  atomic_store(&self.stop, true);
  or_thread_join(&thread);
  or_task_record_t done = finished_of("kept-0", "{}");
  expect_ok(finish(store, &done)); /* its input goes, and with it whatever a backup kept */
  flush_and_sweep(store);
  assert_int_equal(count_files(&folder), KEPT - 1);
  close_and_remove(store, &folder);
}

static void keeps_files_for_a_backup_of_another_process(void **unused) {
  (void)unused;
  folder_t folder = make_folder();
  char path[512];
  or_store_t *store = open_at(folder.path);
  or_journal_blob_t blob = large_blob();
  or_task_record_t first = record_of("first"), second = record_of("second");
  expect_ok(admit_blobs(store, &first, &blob, 1));
  expect_ok(admit_blobs(store, &second, &blob, 1));
  int held = open(path_in(&folder, "blobs", path), O_RDONLY | O_DIRECTORY);
  assert_true(held >= 0 && flock(held, LOCK_SH) == 0);
  or_task_record_t end = finished_of("first", "{}");
  expect_ok(finish(store, &end));
  expect_ok(flush(store));
  assert_int_equal(count_files(&folder), 2);
  or_store_close(store);
  store = open_at(folder.path); /* what opens it meanwhile keeps them too */
  assert_int_equal(count_files(&folder), 2);
  assert_int_equal(close(held), 0);
  end = finished_of("second", "{}");
  expect_ok(finish(store, &end));
  flush_and_sweep(store);
  assert_int_equal(count_files(&folder), 0);
  close_and_remove(store, &folder);
}

static void only_looks_when_it_is_beside(void **unused) {
  (void)unused;
  folder_t folder = make_folder(), other = make_folder();
  char path[512];
  expect_failure(try_beside(folder.path), OR_NOT_FOUND, "no database there");
  assert_int_equal(access(path_in(&folder, "blobs", path), F_OK), -1);
  or_store_t *store = open_at(folder.path);
  or_task_record_t done = finished_of("done", "{}"), more = record_of("more");
  expect_ok(finish(store, &done));
  expect_ok(flush(store));
  or_store_t *beside = open_beside(folder.path);
  assert_int_equal(state_of(beside, "done"), OR_TASK_COMPLETED);
  expect_failure(admit(beside, &more), OR_FAILED_PRECONDITION, "only looked at");
  expect_failure(remove_task(beside, "done"), OR_FAILED_PRECONDITION, "only looked at");
  or_store_close(beside);
  or_store_close(store);
  assert_int_equal(rename(path_in(&folder, "blobs", path), path_in(&other, "blobs", (char[512]){0})), 0);
  beside = open_beside(folder.path);
  expect_failure(backup(beside, path_in(&other, "b.db", path)), OR_PERMISSION_DENIED, "can't be held");
  or_store_close(beside);
  remove_folder(&folder);
  remove_folder(&other);
}

static void finds_files_that_are_missing_or_cut(void **unused) {
  (void)unused;
  folder_t folder = make_folder();
  char path[512];
  or_store_t *store = open_at(folder.path);
  const or_journal_t *journal = or_store_journal(store);
  or_journal_blob_t blob = large_blob();
  or_task_record_t done = finished_of("done", "{}");
  expect_ok(journal->finish(journal->self, &done, &blob, 1));
  checked_t checked;
  expect_ok(check(store, &checked));
  assert_int_equal(checked.check.tasks, 1);
  assert_int_equal(checked.check.blobs, 1);
  assert_int_equal(checked.check.damaged, 0);
  empty_folder(path_in(&folder, "blobs", path));
  expect_ok(check(store, &checked));
  assert_int_equal(checked.check.damaged, 1);
  assert_string_equal(checked.words, "tensor \"x\": its file is missing");
  tensor_read_t read;
  or_store_blob_name_t name = {"done", NULL, OR_STORE_OUTPUT, "x"};
  expect_failure(read_tensor(store, &name, &read), OR_NOT_FOUND, "it was removed");
  close_and_remove(store, &folder);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(holds_the_whole_store_in_one_file_that_can_be_put_back),
      cmocka_unit_test(backs_up_a_store_in_memory),
      cmocka_unit_test(is_whole_while_tasks_come_and_go),
      cmocka_unit_test(is_whole_when_made_beside_the_store_that_has_the_folder),
      cmocka_unit_test(keeps_files_for_a_backup_of_another_process),
      cmocka_unit_test(only_looks_when_it_is_beside),
      cmocka_unit_test(finds_files_that_are_missing_or_cut),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
