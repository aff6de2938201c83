/* What a data folder may be like when it is opened, and what recovery makes of its tasks. */
#include <signal.h>
#include <sqlite3.h>
#include <sys/wait.h>

#include "store/schema_internal.h"
#include "store/store_test_internal.h"

static or_status_t try_open(const char *path) {
  or_store_t *store = NULL;
  or_store_options_t options = or_store_options(path);
  or_status_t status = or_store_open(&options, &store);
  or_store_close(store);
  return status;
}

static void write_at(const char *path, long offset, const char *text) {
  FILE *file = fopen(path, offset < 0 ? "wb" : "r+b");
  assert_non_null(file);
  if (offset > 0) assert_int_equal(fseek(file, offset, SEEK_SET), 0);
  assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
  assert_int_equal(fclose(file), 0);
}

static void execute(const char *path, const char *sql) {
  sqlite3 *handle = NULL;
  assert_int_equal(sqlite3_open(path, &handle), SQLITE_OK);
  assert_int_equal(sqlite3_exec(handle, sql, NULL, NULL, NULL), SQLITE_OK);
  assert_int_equal(sqlite3_close(handle), SQLITE_OK);
}

static void makes_the_folder_with_those_above_it_for_its_owner_alone(void **unused) {
  (void)unused;
  folder_t folder = make_folder();
  char path[512];
  or_store_close(open_at(path_in(&folder, "a/b", path)));
  struct stat info;
  assert_int_equal(stat(path, &info), 0);
  assert_int_equal(info.st_mode & 0777, 0700);
  assert_int_equal(stat(path_in(&folder, "a/b/openruntime.db", path), &info), 0);
  assert_int_equal(info.st_mode & 0777, 0600);
  remove_folder(&folder);
}

static void refuses_a_folder_that_is_in_use(void **unused) {
  (void)unused;
  folder_t folder = make_folder();
  char process[96];
  or_store_t *store = open_at(folder.path);
  (void)snprintf(process, sizeof process, "in use by process %ld; stop it", (long)getpid());
  expect_failure(try_open(folder.path), OR_UNAVAILABLE, process);
  or_store_close(store);
  expect_ok(try_open(folder.path));
  remove_folder(&folder);
}

static void refuses_what_is_no_folder_or_can_not_be_written(void **unused) {
  (void)unused;
  folder_t folder = make_folder();
  char path[512], longest[5000];
  write_at(path_in(&folder, "file", path), -1, "x");
  expect_failure(try_open(path), OR_PERMISSION_DENIED, "Not a directory; make it writable or choose another");
  expect_failure(try_open("/proc/no"), OR_PERMISSION_DENIED, "choose another with --data");
  memset(longest, 'x', sizeof longest);
  longest[4999] = '\0';
  expect_failure(try_open(longest), OR_INVALID_ARGUMENT, "a path of 1 to");
  expect_failure(try_open(""), OR_INVALID_ARGUMENT, "a path of 1 to");
  remove_folder(&folder);
}

static void says_what_to_do_about_a_corrupt_database(void **unused) {
  (void)unused;
  folder_t folder = make_folder();
  char path[512];
  (void)path_in(&folder, "openruntime.db", path);
  write_at(path, -1,
           "this is no database, and long enough to be looked at as if it were one: no header says otherwise");
  expect_failure(try_open(folder.path), OR_DATA_LOSS, "put a backup in its place");
  assert_int_equal(unlink(path), 0);

  or_store_t *store = open_at(folder.path);
  for (int i = 0; i < 200; ++i) {
    char id[32];
    (void)snprintf(id, sizeof id, "task-%d", i);
    or_task_record_t record = finished_of(id, "{\"some\":\"words that take room\"}");
    expect_ok(finish(store, &record));
  }
  or_store_close(store);
  for (long page = 1; page < 12; ++page) write_at(path, 4096 * page, "these bytes were not written by SQLite");
  or_status_t status = try_open(folder.path);
  assert_null(strchr(or_status_message(status), '\n'));
  expect_failure(status, OR_DATA_LOSS, "openruntime store backup");
  remove_folder(&folder);
}

static void a_database_whose_file_was_taken_away_takes_no_more(void **unused) {
  (void)unused;
  folder_t folder = make_folder();
  char path[512];
  or_store_t *store = open_at(folder.path);
  or_task_record_t before = record_of("before"), after = record_of("after");
  expect_ok(admit(store, &before));
  assert_int_equal(unlink(path_in(&folder, "openruntime.db", path)), 0);
  expect_failure(admit(store, &after), OR_DATA_LOSS, "taken away");
  assert_int_equal(state_of(store, "before"), OR_TASK_PENDING);
  close_and_remove(store, &folder);
}

static void refuses_databases_of_newer_versions_and_of_others(void **unused) {
  (void)unused;
  folder_t folder = make_folder();
  char path[512];
  (void)path_in(&folder, "openruntime.db", path);
  expect_ok(try_open(folder.path));
  execute(path, "PRAGMA user_version = 99");
  expect_failure(try_open(folder.path), OR_FAILED_PRECONDITION, "made by a newer OpenRuntime (database version 99");
  assert_int_equal(unlink(path), 0);
  execute(path, "CREATE TABLE other (x)");
  expect_failure(try_open(folder.path), OR_FAILED_PRECONDITION, "not a database of OpenRuntime's");
  remove_folder(&folder);
}

static or_status_t look(const char *path) {
  or_store_t *store = NULL;
  or_store_options_t options = or_store_options(path);
  options.beside = true;
  or_status_t status = or_store_open(&options, &store);
  or_store_close(store);
  return status;
}

static void looks_only_at_databases_of_its_own_version(void **unused) {
  (void)unused;
  folder_t folder = make_folder();
  char path[512];
  (void)path_in(&folder, "openruntime.db", path);
  write_at(path, -1, "");
  expect_failure(look(folder.path), OR_FAILED_PRECONDITION, "made by an older OpenRuntime (database version 0");
  struct stat info;
  assert_int_equal(stat(path, &info), 0);
  assert_int_equal(info.st_size, 0);
  expect_ok(try_open(folder.path));
  expect_ok(look(folder.path));
  execute(path, "PRAGMA user_version = 99");
  expect_failure(look(folder.path), OR_FAILED_PRECONDITION, "made by a newer OpenRuntime (database version 99");
  remove_folder(&folder);
}

static void migrates_step_by_step_and_takes_a_failed_step_back(void **unused) {
  (void)unused;
  or_database_t database = {0};
  const char *const good[] = {"CREATE TABLE a (x)", "INSERT INTO a VALUES (1); ALTER TABLE a ADD COLUMN y DEFAULT 5"};
  const char *const bad[] = {good[0], good[1], "INSERT INTO a VALUES (2, 6); INSERT INTO absent VALUES (1)"};
  expect_ok(or_database_open(&database, ":memory:", NULL, SQLITE_OPEN_CREATE));
  expect_ok(or_schema_migrate(&database, good, 1));
  expect_ok(or_schema_migrate(&database, good, 2));
  expect_ok(or_schema_migrate(&database, good, 2)); /* nothing more to do */
  expect_failure(or_schema_migrate(&database, bad, 3), OR_INTERNAL, "brought to version 3");
  sqlite3_stmt *statement = NULL;
  const char *sql = "SELECT count(*), sum(y), (SELECT user_version FROM pragma_user_version) FROM a";
  assert_int_equal(sqlite3_prepare_v2(database.handle, sql, -1, &statement, NULL), SQLITE_OK);
  assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
  assert_int_equal(sqlite3_column_int(statement, 0), 1);
  assert_int_equal(sqlite3_column_int(statement, 1), 5);
  assert_int_equal(sqlite3_column_int(statement, 2), 2);
  assert_int_equal(sqlite3_finalize(statement), SQLITE_OK);
  or_database_close(&database);
}

#define LARGE (OR_STORE_INLINE_BYTES + 1)
static unsigned char large_bytes[LARGE];

static or_journal_blob_t large_blob(void) {
  return (or_journal_blob_t){"x", OR_UINT8, or_shape_make(1, (const int64_t[]){LARGE}), large_bytes, LARGE};
}

static void sweeps_files_of_ours_that_no_row_names(void **unused) {
  (void)unused;
  folder_t folder = make_folder();
  char path[512];
  or_store_t *store = open_at(folder.path);
  or_task_record_t record = record_of("with-file");
  or_journal_blob_t blob = large_blob();
  expect_ok(admit_blobs(store, &record, &blob, 1));
  or_store_close(store);
  write_at(path_in(&folder, "blobs/01ARZ3NDEKTSV4RRFFQ69G5FAV.blob", path), -1, "orphan");
  write_at(path_in(&folder, "blobs/01ARZ3NDEKTSV4RRFFQ69G5FAW.blob.12-3.tmp", path), -1, "cut short");
  write_at(path_in(&folder, "blobs/notes.txt", path), -1, "somebody's");
  store = open_at(folder.path);
  assert_int_equal(count_files(&folder), 2); /* the task's and the notes */
  expect_sound(store);
  close_and_remove(store, &folder);
}

static void gives_queued_and_interrupted_tasks_back_in_their_order(void **unused) {
  (void)unused;
  folder_t folder = make_folder();
  or_store_t *store = open_at(folder.path);
  const char *const ids[] = {"queued", "again", "once", "thrice", "done"};
  for (size_t i = 0; i < 5; ++i) {
    or_task_record_t record = record_of(ids[i]);
    record.rerun_on_restart = i != 2;
    expect_ok(admit(store, &record));
  }
  expect_ok(start(store, "again", 1));
  expect_ok(start(store, "once", 1));
  expect_ok(start(store, "thrice", 3));
  or_task_record_t end = finished_of("done", "{\"kept\":true}");
  expect_ok(finish(store, &end));
  or_store_close(store);

  store = open_at(folder.path);
  recovered_t recovered = recover(store);
  assert_int_equal(recovered.count, 2);
  assert_string_equal(recovered.ids[0], "queued");
  assert_string_equal(recovered.ids[1], "again");
  assert_string_equal(recovered.request, "{\"operation\":\"compute\"}");
  seen_t seen;
  expect_ok(find(store, "once", &seen));
  assert_int_equal(seen.record.state, OR_TASK_FAILED);
  assert_string_equal(seen.error_code, "interrupted");
  assert_string_equal(seen.error, "the server stopped while the task ran, and it was not to be run again");
  assert_true(seen.record.finished_us > 0);
  expect_ok(find(store, "thrice", &seen));
  assert_int_equal(seen.record.state, OR_TASK_FAILED);
  assert_non_null(strstr(seen.error, "for the 3. time"));
  expect_ok(find(store, "again", &seen));
  assert_int_equal(seen.record.state, OR_TASK_PENDING);
  assert_int_equal(seen.record.attempts, 1);
  expect_ok(find(store, "done", &seen));
  assert_string_equal(seen.response, "{\"kept\":true}");
  close_and_remove(store, &folder);
}

static void fails_a_task_whose_inputs_are_damaged_and_gives_back_the_others(void **unused) {
  (void)unused;
  folder_t folder = make_folder();
  char path[512], inside[1024] = "";
  or_store_t *store = open_at(folder.path);
  or_task_record_t damaged = record_of("damaged"), sound = record_of("sound");
  or_journal_blob_t blob = large_blob();
  expect_ok(admit_blobs(store, &damaged, &blob, 1));
  expect_ok(admit(store, &sound));
  or_store_close(store);
  DIR *directory = opendir(path_in(&folder, "blobs", path));
  struct dirent *entry = NULL;
  while ((entry = readdir(directory)) != NULL) {
    if (entry->d_name[0] != '.') (void)snprintf(inside, sizeof inside, "%s/%s", path, entry->d_name);
  }
  assert_int_equal(closedir(directory), 0);
  write_at(inside, 100, "other bytes");

  store = open_at(folder.path);
  checked_t checked;
  expect_ok(check(store, &checked));
  assert_int_equal(checked.check.damaged, 1);
  assert_non_null(strstr(checked.words, "\"x\": its data are not what was written"));
  recovered_t recovered = recover(store);
  assert_int_equal(recovered.count, 1);
  assert_string_equal(recovered.ids[0], "sound");
  seen_t seen;
  expect_ok(find(store, "damaged", &seen));
  assert_int_equal(seen.record.state, OR_TASK_FAILED);
  assert_string_equal(seen.error_code, "data_loss");
  close_and_remove(store, &folder);
}

static or_status_t refuse(void *self, const or_task_record_t *record, const or_journal_blob_t *inputs,
                          size_t input_count) {
  (void)record;
  (void)inputs;
  (void)input_count;
  *(int *)self += 1;
  return or_error(OR_CANCELLED, "no more");
}

static void ends_recovery_where_the_visitor_fails(void **unused) {
  (void)unused;
  folder_t folder = make_folder();
  int visits = 0;
  or_store_t *store = open_at(folder.path);
  or_task_record_t a = record_of("a"), b = record_of("b");
  expect_ok(admit(store, &a));
  expect_ok(admit(store, &b));
  expect_failure(or_store_recover(store, refuse, &visits), OR_CANCELLED, "no more");
  assert_int_equal(visits, 1);
  close_and_remove(store, &folder);
}

/* A process of its own, killed while tasks are admitted: it says each that is on disk. */
static void child_main(const char *path, int descriptor) {
  or_store_t *store = open_at(path);
  for (unsigned i = 0;; ++i) {
    char id[16];
    (void)snprintf(id, sizeof id, "k%u", i);
    or_task_record_t record = record_of(id);
    or_status_t status = admit(store, &record);
    bool admitted = or_ok(status);
    or_status_ignore(status); /* what is refused is not said */
    if (admitted && write(descriptor, &i, sizeof i) != (ssize_t)sizeof i) _exit(1);
  }
}

static void keeps_what_was_admitted_before_a_kill(void **unused) {
  (void)unused;
  folder_t folder = make_folder();
  unsigned last = 0, said = 0;
  int ends[2];
  assert_int_equal(pipe(ends), 0);
  pid_t child = fork();
  if (child == 0) child_main(folder.path, ends[1]);
  assert_int_equal(close(ends[1]), 0);
  while (last < 50 && read(ends[0], &last, sizeof last) == (ssize_t)sizeof last) ++said;
  assert_int_equal(kill(child, SIGKILL), 0);
  while (read(ends[0], &last, sizeof last) == (ssize_t)sizeof last) ++said;
  assert_int_equal(close(ends[0]), 0);
  int how = 0;
  assert_int_equal(waitpid(child, &how, 0), child);
  assert_true(WIFSIGNALED(how));

  or_store_t *store = open_at(folder.path); /* the lock went with the process */
  recovered_t recovered = recover(store);
  assert_true(said >= 51 && recovered.count >= said);
  expect_sound(store);
  close_and_remove(store, &folder);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(keeps_what_was_admitted_before_a_kill), /* first: no thread runs when it forks */
      cmocka_unit_test(makes_the_folder_with_those_above_it_for_its_owner_alone),
      cmocka_unit_test(refuses_a_folder_that_is_in_use),
      cmocka_unit_test(refuses_what_is_no_folder_or_can_not_be_written),
      cmocka_unit_test(says_what_to_do_about_a_corrupt_database),
      cmocka_unit_test(a_database_whose_file_was_taken_away_takes_no_more),
      cmocka_unit_test(refuses_databases_of_newer_versions_and_of_others),
      cmocka_unit_test(looks_only_at_databases_of_its_own_version),
      cmocka_unit_test(migrates_step_by_step_and_takes_a_failed_step_back),
      cmocka_unit_test(sweeps_files_of_ours_that_no_row_names),
      cmocka_unit_test(gives_queued_and_interrupted_tasks_back_in_their_order),
      cmocka_unit_test(fails_a_task_whose_inputs_are_damaged_and_gives_back_the_others),
      cmocka_unit_test(ends_recovery_where_the_visitor_fails),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
