/* keys and store, in process on a data folder. */
#include "cli/cli_test_internal.h"

#include <dirent.h>

#include "or_config.h"

#if OR_HAVE_SERVER

#include "store/store.h"

static int begin(void **state) {
  (void)unsetenv("OPENRUNTIME_URL");
  (void)unsetenv("OPENRUNTIME_DATA");
  return make_folder(state);
}

/* Removes the files of a folder; how many there were. */
static int remove_files(const char *path) {
  int count = 0;
  DIR *directory = opendir(path);
  assert_non_null(directory);
  for (const struct dirent *entry; (entry = readdir(directory)) != NULL;) {
    char name[600];
    if (entry->d_name[0] == '.') continue;
    assert_int_equal(unlink(or_format(name, sizeof name, "%s/%s", path, entry->d_name)), 0);
    ++count;
  }
  (void)closedir(directory);
  return count;
}

static void makes_lists_and_revokes_keys(void **state) {
  (void)state;
  const char *data = in_folder("data");
  char id[64];
  assert_int_equal(RUN("keys", "create", "--data", data, "--label", "laptop"), OR_EXIT_OK);
  assert_int_equal(strlen(out), OR_STORE_SECRET_BYTES); /* with its newline in place of the terminator */
  expect_err("scopes read,run. The line above is its secret");
  assert_int_equal(RUN("-q", "keys", "create", "--data", data, "--scopes", "admin,kernels"), OR_EXIT_OK);
  assert_string_equal(err, "");
  assert_int_equal(RUN("--json", "keys", "--data", data), OR_EXIT_OK);
  or_json_document_t *document = printed();
  const or_json_value_t *keys = or_json_get(or_json_root(document), "keys");
  assert_int_equal(or_json_count(keys), 2);
  assert_string_equal(or_json_get_string(or_json_get(or_json_at(keys, 0), "label"), ""), "laptop");
  assert_int_equal(or_json_count(or_json_get(or_json_at(keys, 1), "scopes")), 2);
  assert_null(or_json_get(or_json_at(keys, 1), "secret"));
  (void)or_format(id, sizeof id, "%s", or_json_get_string(or_json_get(or_json_at(keys, 1), "id"), ""));
  or_json_document_free(document);
  assert_int_equal(RUN("keys", "revoke", id, "--data", data), OR_EXIT_OK);
  expect_out("is revoked");
  assert_int_equal(RUN("--json", "keys", "revoke", id, "--data", data), OR_EXIT_OK);
  document = printed();
  assert_true(or_json_get_bool(or_json_get(or_json_root(document), "revoked"), false));
  or_json_document_free(document);
  assert_int_equal(RUN("keys", "list", "--data", data), OR_EXIT_OK);
  expect_out("kernels,admin");
  expect_out("never");
  expect_out("revoked");
}

static void says_what_is_wrong_with_the_words(void **state) {
  (void)state;
  const char *data = in_folder("data");
  expect_exit(OR_EXIT_USAGE, "There are: list, create, revoke", "keys", "make");
  expect_exit(OR_EXIT_USAGE, "keys revoke needs an ID", "keys", "revoke");
  expect_exit(OR_EXIT_USAGE, "unexpected \"x\"", "keys", "list", "x");
  expect_exit(OR_EXIT_USAGE, "are of create", "keys", "list", "--scopes", "read");
  expect_exit(OR_EXIT_USAGE, "are of create", "keys", "--label", "x");
  expect_exit(OR_EXIT_USAGE, "did you mean \"read\"", "keys", "create", "--scopes", "reed", "--data", data);
  expect_exit(OR_EXIT_USAGE, "leave one of them out", "--url", "http://localhost:1", "keys", "--data", data);
  expect_exit(OR_EXIT_USAGE, "leave one of them out", "--url", "http://localhost:1", "keys", "--config", data);
  expect_exit(OR_EXIT_UNREACHABLE, "", "--url", "http://localhost:1", "keys");
  expect_exit(OR_EXIT_UNREACHABLE, "", "--url", "http://localhost:1", "keys", "create", "--scopes", "read,run");
  expect_exit(OR_EXIT_UNREACHABLE, "", "--url", "http://localhost:1", "keys", "revoke", "x");
  expect_exit(OR_EXIT_USAGE, "There are: backup FILE, check", "store", "mend");
  expect_exit(OR_EXIT_USAGE, "store backup needs a FILE", "store", "backup");
  expect_exit(OR_EXIT_USAGE, "unexpected \"x\"", "store", "check", "x");
  expect_exit(OR_EXIT_USAGE, "in process only", "--url", "http://localhost:1", "store", "check");
}

static void wants_a_folder_that_is_there_and_its_own(void **state) {
  (void)state;
  char data[sizeof folder + 8]; /* in_folder has room for four */
  (void)or_format(data, sizeof data, "%s/data", folder);
  expect_exit(OR_EXIT_USAGE, "--data DIR, OPENRUNTIME_DATA", "keys");
  expect_exit(OR_EXIT_FAILED, "no database there", "keys", "list", "--data", data);
  expect_exit(OR_EXIT_FAILED, "no database there", "keys", "revoke", "x", "--data", data);
  expect_exit(OR_EXIT_FAILED, "no database there", "store", "check", "--data", data);
  expect_exit(OR_EXIT_FAILED, "no database there", "store", "backup", in_folder("b.db"), "--data", data);
  assert_int_equal(access(data, F_OK), -1);
  expect_exit(OR_EXIT_FAILED, "no-such.conf", "keys", "list", "--config", in_folder("no-such.conf"));
  write_file("bad.conf", "prot = 1\n", 9);
  expect_exit(OR_EXIT_USAGE, "did you mean port?", "keys", "list", "--config", in_folder("bad.conf"));
  write_file("file", "x", 1);
  expect_exit(OR_EXIT_FAILED, "choose another with --data", "keys", "create", "--data", in_folder("file"));
  or_store_t *store = NULL;
  const or_store_options_t options = or_store_options(data);
  expect_ok(or_store_open(&options, &store)); /* as a server has it */
  expect_exit(OR_EXIT_FAILED, "is in use by process", "keys", "create", "--data", data);
  or_store_close(store);
  expect_exit(OR_EXIT_FAILED, "no such key", "keys", "revoke", "nobody", "--data", data);
  char label[OR_STORE_LABEL_BYTES + 1];
  memset(label, 'x', sizeof label - 1);
  label[sizeof label - 1] = '\0';
  expect_exit(OR_EXIT_USAGE, "label", "keys", "create", "--label", label, "--data", data);
}

static void backs_up_and_checks(void **state) {
  (void)state;
  const char *data = in_folder("data"), *backup = in_folder("backup.db");
  char blobs[300];
  assert_int_equal(RUN("-q", "keys", "create", "--data", data), OR_EXIT_OK);
  assert_int_equal(RUN("store", "backup", backup, "--data", data), OR_EXIT_OK);
  expect_out("put it into an empty data folder as openruntime.db");
  expect_exit(OR_EXIT_FAILED, "exists and is not overwritten", "store", "backup", backup, "--data", data);
  assert_int_equal(RUN("--json", "store", "backup", in_folder("2.db"), "--data", data), OR_EXIT_OK);
  expect_out("\"bytes\": ");
  assert_int_equal(RUN("store", "check", "--data", data), OR_EXIT_OK);
  expect_out("0 tasks, 0 tensors, 1 keys: 0 damaged");

  /* A large tensor whose file goes. */
  or_store_t *store = NULL;
  const or_store_options_t options = or_store_options(data);
  expect_ok(or_store_open(&options, &store));
  const or_journal_t *journal = or_store_journal(store);
  or_task_record_t record = {.operation = "compute", .task_id = "t", .priority = 1};
  const or_journal_blob_t blob = {.name = "a",
                                  .dtype = OR_UINT8,
                                  .shape = {.rank = 1, .dims = {1 << 17}},
                                  .data = calloc(1, 1 << 17),
                                  .bytes = 1 << 17};
  or_store_waiter_t waiter;
  or_store_waiter_init(&waiter);
  expect_ok(
      or_store_waiter_wait(&waiter, journal->admit(journal->self, &record, &blob, 1, or_store_waiter_done, &waiter)));
  or_store_close(store);
  free((void *)(uintptr_t)blob.data);
  assert_int_equal(remove_files(or_format(blobs, sizeof blobs, "%s/blobs", data)), 1);
  assert_int_equal(RUN("store", "check", "--data", data), OR_EXIT_FAILED);
  expect_out("1 damaged");
  assert_int_equal(RUN("--json", "store", "check", "--data", data), OR_EXIT_FAILED);
  or_json_document_t *document = printed();
  assert_int_equal(or_json_count(or_json_get(or_json_root(document), "problems")), 1);
  or_json_document_free(document);
}

static void survives_every_failing_allocation(void **state) {
  (void)state;
  const char *data = in_folder("data");
  assert_int_equal(RUN("-q", "keys", "create", "--data", data), OR_EXIT_OK);
  SURVIVES("keys", "list", "--data", data);
  SURVIVES("--json", "keys", "list", "--data", data);
  SURVIVES("--json", "store", "check", "--data", data);
  SURVIVES("keys", "create", "--data", data, "--json");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(makes_lists_and_revokes_keys, begin, remove_folder),
      cmocka_unit_test_setup_teardown(says_what_is_wrong_with_the_words, begin, remove_folder),
      cmocka_unit_test_setup_teardown(wants_a_folder_that_is_there_and_its_own, begin, remove_folder),
      cmocka_unit_test_setup_teardown(backs_up_and_checks, begin, remove_folder),
      cmocka_unit_test_setup_teardown(survives_every_failing_allocation, begin, remove_folder),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

int main(void) { return 0; }

#endif
