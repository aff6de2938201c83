#include <ctype.h>

#include "store/store_test_internal.h"

static or_status_t create(or_store_t *store, const char *label, unsigned scopes, or_store_key_t *key,
                          char secret[OR_STORE_SECRET_BYTES]) {
  or_store_waiter_t waiter;
  or_store_new_key_t wanted = {label, scopes};
  or_store_waiter_init(&waiter);
  return or_store_waiter_wait(&waiter, or_store_create_key(store, &wanted, key, secret, or_store_waiter_done, &waiter));
}

static or_status_t revoke_key(or_store_t *store, const char *id) {
  or_store_waiter_t waiter;
  or_store_waiter_init(&waiter);
  return or_store_waiter_wait(&waiter, or_store_revoke_key(store, id, or_store_waiter_done, &waiter));
}

/* True if the bytes of a text occur in a file. */
static bool file_holds(const char *path, const char *text) {
  char *bytes = NULL;
  size_t length = 0;
  or_status_t status = or_file_read(or_allocator_system(), path, (size_t)64 << 20, &bytes, &length);
  bool held = or_ok(status) && memmem(bytes, length, text, strlen(text)) != NULL;
  or_status_ignore(status); /* the log's file need not be there */
  or_free(or_allocator_system(), bytes);
  return held;
}

static void opens_with_the_secret_that_was_shown_once(void **unused) {
  (void)unused;
  folder_t folder = make_folder();
  or_store_t *store = open_at(folder.path);
  or_store_key_t key, found;
  char secret[OR_STORE_SECRET_BYTES], path[512];
  assert_int_equal(or_store_key_count(store), 0);
  expect_ok(create(store, "laptop", OR_SCOPE_READ | OR_SCOPE_RUN, &key, secret));
  assert_false(or_store_has_admin(store));
  assert_int_equal(strlen(secret), 68);
  assert_memory_equal(secret, "ork_", 4);
  for (size_t i = 4; i < 68; ++i) assert_true(isxdigit((unsigned char)secret[i]));
  assert_true(strlen(key.id) < OR_TASK_OWNER_BYTES);

  expect_ok(or_store_find_key(store, secret, &found));
  assert_string_equal(found.id, key.id);
  assert_string_equal(found.label, "laptop");
  assert_int_equal(found.scopes, OR_SCOPE_READ | OR_SCOPE_RUN);
  assert_true(found.last_used_us >= found.created_us);
  or_store_close(store);

  /* Neither the secret nor its digits are on disk, in any form that could be searched for. */
  const char *const names[] = {"openruntime.db", "openruntime.db-wal"};
  for (size_t i = 0; i < 2; ++i) assert_false(file_holds(path_in(&folder, names[i], path), secret + 4));
  assert_true(file_holds(path_in(&folder, "openruntime.db", path), "laptop"));

  store = open_at(folder.path);
  or_store_key_t again;
  expect_ok(or_store_find_key(store, secret, &again));
  assert_int_equal(again.created_us, key.created_us);
  assert_int_equal(or_store_key_count(store), 1);
  close_and_remove(store, &folder);
}

static void note(void *self, const or_store_key_t *one) { *(or_store_key_t *)self = *one; }

static void keeps_the_time_of_the_last_use(void **unused) {
  (void)unused;
  folder_t folder = make_folder();
  or_store_t *store = open_at(folder.path);
  or_store_key_t key, used, listed = {.last_used_us = 0};
  char secret[OR_STORE_SECRET_BYTES];
  expect_ok(create(store, NULL, OR_SCOPE_ADMIN, &key, secret));
  expect_ok(or_store_find_key(store, secret, &used));
  or_store_close(store);
  store = open_at(folder.path);
  expect_ok(revoke_key(store, key.id)); /* a look at the key would be a use */
  or_store_close(store);
  store = open_at(folder.path);
  or_store_list_keys(store, note, &listed);
  assert_int_equal(listed.last_used_us, used.last_used_us);
  assert_true(listed.revoked_us > 0);
  close_and_remove(store, &folder);
}

static void refuses_wrong_and_revoked_secrets(void **unused) {
  (void)unused;
  folder_t folder = make_folder();
  or_store_t *store = open_at(folder.path);
  or_store_key_t key, found;
  char secret[OR_STORE_SECRET_BYTES], wrong[OR_STORE_SECRET_BYTES];
  expect_ok(create(store, "x", OR_SCOPE_ALL, &key, secret));
  assert_true(or_store_has_admin(store));
  memcpy(wrong, secret, sizeof wrong);
  wrong[67] = wrong[67] == '0' ? '1' : '0';
  expect_failure(or_store_find_key(store, wrong, &found), OR_PERMISSION_DENIED, "no such API key");
  expect_failure(or_store_find_key(store, "", &found), OR_PERMISSION_DENIED, "no such API key");
  expect_ok(revoke_key(store, key.id));
  expect_failure(or_store_find_key(store, secret, &found), OR_PERMISSION_DENIED, "revoked");
  assert_int_equal(or_store_key_count(store), 0);
  assert_false(or_store_has_admin(store));
  expect_failure(revoke_key(store, "01NOSUCHKEY"), OR_NOT_FOUND, "no such key");
  or_store_close(store);
  store = open_at(folder.path);
  expect_failure(or_store_find_key(store, secret, &found), OR_PERMISSION_DENIED, "revoked");
  close_and_remove(store, &folder);
}

static void makes_no_secret_twice(void **unused) {
  (void)unused;
  or_store_t *store = open_at(OR_STORE_MEMORY);
  or_store_key_t keys[2], found;
  char secrets[2][OR_STORE_SECRET_BYTES];
  for (size_t i = 0; i < 2; ++i) expect_ok(create(store, "x", OR_SCOPE_READ, &keys[i], secrets[i]));
  assert_string_not_equal(secrets[0], secrets[1]);
  for (size_t i = 0; i < 2; ++i) {
    expect_ok(or_store_find_key(store, secrets[i], &found));
    assert_string_equal(found.id, keys[i].id);
  }
  or_store_close(store);
}

static void bounds_keys_and_forgets_revoked_ones_first(void **unused) {
  (void)unused;
  or_store_t *store = open_at(OR_STORE_MEMORY);
  static char secrets[OR_STORE_MAX_KEYS + 1][OR_STORE_SECRET_BYTES];
  static or_store_key_t keys[OR_STORE_MAX_KEYS + 1];
  or_store_new_key_t wanted = {"many", OR_SCOPE_READ};
  for (size_t i = 0; i < OR_STORE_MAX_KEYS; ++i)
    expect_ok(or_store_create_key(store, &wanted, &keys[i], secrets[i], NULL, NULL));
  or_store_key_t *extra = &keys[OR_STORE_MAX_KEYS];
  expect_failure(create(store, "x", OR_SCOPE_READ, extra, secrets[OR_STORE_MAX_KEYS]), OR_RESOURCE_EXHAUSTED,
                 "1024 API keys");
  expect_ok(flush(store));
  expect_ok(revoke_key(store, keys[3].id));
  expect_ok(create(store, "x", OR_SCOPE_READ, extra, secrets[OR_STORE_MAX_KEYS]));
  expect_failure(revoke_key(store, keys[3].id), OR_NOT_FOUND, "no such key"); /* it was forgotten */
  assert_int_equal(or_store_key_count(store), OR_STORE_MAX_KEYS);
  or_store_close(store);
}

static void reads_scopes_and_suggests_the_nearest(void **unused) {
  (void)unused;
  unsigned scopes = 0;
  char text[OR_STORE_SCOPES_BYTES];
  expect_ok(or_store_scopes_parse("read,kernels", &scopes));
  assert_int_equal(scopes, OR_SCOPE_READ | OR_SCOPE_KERNELS);
  assert_string_equal(or_store_scopes_format(scopes, text), "read,kernels");
  assert_string_equal(or_store_scopes_format(OR_SCOPE_ALL, text), "read,run,kernels,admin");
  expect_failure(or_store_scopes_parse("read,admim", &scopes), OR_INVALID_ARGUMENT, "did you mean \"admin\"");
  expect_failure(or_store_scopes_parse("", &scopes), OR_INVALID_ARGUMENT, "no such scope");
  expect_failure(or_store_scopes_parse("read,", &scopes), OR_INVALID_ARGUMENT, "no such scope");
}

static void refuses_labels_and_scopes_that_break_the_rules(void **unused) {
  (void)unused;
  or_store_t *store = open_at(OR_STORE_MEMORY);
  or_store_key_t key;
  char secret[OR_STORE_SECRET_BYTES], label[OR_STORE_LABEL_BYTES + 1];
  memset(label, 'x', sizeof label);
  label[OR_STORE_LABEL_BYTES] = '\0';
  expect_failure(create(store, label, OR_SCOPE_READ, &key, secret), OR_INVALID_ARGUMENT, "127 bytes");
  expect_failure(create(store, "\xff", OR_SCOPE_READ, &key, secret), OR_INVALID_ARGUMENT, "UTF-8");
  expect_failure(create(store, "x", 0, &key, secret), OR_INVALID_ARGUMENT, "scopes");
  expect_failure(create(store, "x", 16, &key, secret), OR_INVALID_ARGUMENT, "scopes");
  or_store_close(store);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(opens_with_the_secret_that_was_shown_once),
      cmocka_unit_test(keeps_the_time_of_the_last_use),
      cmocka_unit_test(refuses_wrong_and_revoked_secrets),
      cmocka_unit_test(makes_no_secret_twice),
      cmocka_unit_test(bounds_keys_and_forgets_revoked_ones_first),
      cmocka_unit_test(reads_scopes_and_suggests_the_nearest),
      cmocka_unit_test(refuses_labels_and_scopes_that_break_the_rules),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
