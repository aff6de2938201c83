#include "base/cache_folder.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/string.h"
#include "base/testing.h"

static char root[] = "/tmp/or_cache_test_XXXXXX";

static int make_root(void **state) {
  (void)state;
  return mkdtemp(root) != NULL ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *walk) {
  (void)info, (void)kind, (void)walk;
  return remove(path);
}

static int remove_root(void **state) {
  (void)state;
  return nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static const char *in_root(const char *name) {
  static char path[256];
  return or_format(path, sizeof path, "%s/%s", root, name);
}

static const char *xdg, *home;
static const char *get(const char *name) { return strcmp(name, "HOME") == 0 ? home : xdg; }

static void expect_default(const char *xdg_home, const char *user_home, const char *expected) {
  char path[64];
  xdg = xdg_home, home = user_home;
  assert_true(or_cache_folder_default(get, path, sizeof path));
  assert_string_equal(path, expected);
}

static void the_default_is_the_users_own(void **state) {
  char path[24];
  (void)state;
  expect_default("/x/cache", "/home/me", "/x/cache/openruntime");
  expect_default(NULL, "/home/me", "/home/me/.cache/openruntime");
  expect_default("", "/home/me", "/home/me/.cache/openruntime");
  expect_default("not/absolute", "/home/me", "/home/me/.cache/openruntime");
  xdg = NULL, home = "";
  assert_false(or_cache_folder_default(get, path, sizeof path));
  home = "/a/home/that/is/too/long";
  assert_false(or_cache_folder_default(get, path, sizeof path));
}

static void makes_it_for_its_owner_alone(void **state) {
  struct stat info;
  char absolute[OR_FILE_PATH_BYTES], above[256];
  (void)state;
  const mode_t mask = umask(0);
  expect_ok(or_cache_folder_open(in_root("a/b/../b/c"), absolute, sizeof absolute));
  (void)umask(mask);
  assert_string_equal(absolute, in_root("a/b/c"));
  assert_int_equal(stat(absolute, &info), 0);
  assert_int_equal(info.st_mode & 07777, 0700);
  assert_int_equal(stat(or_format(above, sizeof above, "%s/a", root), &info), 0);
  assert_int_equal(info.st_mode & 07777, 0700);
  expect_ok(or_cache_folder_open(in_root("a/b/c"), absolute, sizeof absolute)); /* it may be there */
  expect_failure(or_cache_folder_open(in_root("a/b/c"), absolute, 4), OR_INVALID_ARGUMENT, "the limit is 3");
}

static void refuses_what_others_may_write_to(void **state) {
  char absolute[OR_FILE_PATH_BYTES];
  (void)state;
  assert_int_equal(mkdir(in_root("open"), 0700), 0);
  assert_int_equal(chmod(in_root("open"), 0770), 0);
  expect_failure(or_cache_folder_open(in_root("open"), absolute, sizeof absolute), OR_PERMISSION_DENIED, "mode 770");
  assert_int_equal(chmod(in_root("open"), 0755), 0);
  expect_ok(or_cache_folder_open(in_root("open"), absolute, sizeof absolute));
  if (geteuid() == 0) {
    assert_int_equal(chown(in_root("open"), 12345, (gid_t)-1), 0);
    expect_failure(or_cache_folder_open(in_root("open"), absolute, sizeof absolute), OR_PERMISSION_DENIED,
                   "user 12345");
  }
}

static void says_what_is_in_the_way(void **state) {
  char absolute[OR_FILE_PATH_BYTES], long_path[OR_FILE_PATH_BYTES + 1];
  (void)state;
  expect_ok(or_file_write(in_root("file"), "", 0));
  expect_failure(or_cache_folder_open(in_root("file"), absolute, sizeof absolute), OR_FAILED_PRECONDITION, "no folder");
  expect_failure(or_cache_folder_open(in_root("file/below"), absolute, sizeof absolute), OR_PERMISSION_DENIED, "file");
  expect_failure(or_cache_folder_open("/proc/none/of/it", absolute, sizeof absolute), OR_PERMISSION_DENIED,
                 "/proc/none");
  memset(long_path, 'x', sizeof long_path - 1);
  long_path[sizeof long_path - 1] = '\0';
  expect_failure(or_cache_folder_open(long_path, absolute, sizeof absolute), OR_INVALID_ARGUMENT, "4096 bytes");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_default_is_the_users_own),
      cmocka_unit_test(makes_it_for_its_owner_alone),
      cmocka_unit_test(refuses_what_others_may_write_to),
      cmocka_unit_test(says_what_is_in_the_way),
  };
  return cmocka_run_group_tests(tests, make_root, remove_root);
}
