#include "kernel/scratch.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/testing.h"

static char base[64];

static int set_up(void **state) {
  (void)state;
  (void)snprintf(base, sizeof base, "/tmp/openruntime-test-XXXXXX");
  assert_non_null(mkdtemp(base));
  assert_int_equal(setenv("TMPDIR", base, 1), 0);
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  or_scratch_remove(base, NULL);
  assert_int_equal(access(base, F_OK), -1);
  assert_int_equal(or_status_live_count(), 0);
  return 0;
}

static bool is_there(const char *path) { return access(path, F_OK) == 0; }

static int count_in(const char *path) {
  int count = 0;
  DIR *folder = opendir(path);
  assert_non_null(folder);
  for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) count += entry->d_name[0] != '.';
  (void)closedir(folder);
  return count;
}

static void make_old(const char *path) {
  const struct timespec times[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
  assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static void what_nobody_has_taken_any_more_is_swept(void **state) {
  (void)state;
  char left[256], taken_path[256], fresh[256], file[300], other[256], link[256];
  int left_lock = -1, taken = -1, fresh_lock = -1;
  expect_ok(or_scratch_create(left, sizeof left, &left_lock));
  expect_ok(or_scratch_create(taken_path, sizeof taken_path, &taken));
  expect_ok(or_scratch_create(fresh, sizeof fresh, &fresh_lock));
  (void)snprintf(file, sizeof file, "%s/object", left);
  (void)snprintf(other, sizeof other, "%s/somebody-elses", base);
  (void)snprintf(link, sizeof link, "%s/openruntime-worker-link", base);
  expect_ok(or_file_write(file, "x", 1));
  assert_int_equal(mkdir(other, 0700), 0);
  assert_int_equal(symlink(other, link), 0);
  make_old(left);
  make_old(taken_path);
  make_old(other);
  assert_int_equal(close(left_lock), 0); /* as a process that is killed does */
  assert_int_equal(close(fresh_lock), 0);
  or_scratch_sweep(NULL);
  assert_false(is_there(left));
  assert_true(is_there(taken_path));
  assert_true(is_there(fresh)); /* perhaps about to be taken */
  assert_true(is_there(other));
  assert_int_equal(close(taken), 0);
}

static void a_folder_that_can_not_be_made_is_said(void **state) {
  (void)state;
  char path[256] = "x";
  int taken = 0;
  assert_int_equal(setenv("TMPDIR", "/nonexistent", 1), 0);
  expect_failure(or_scratch_create(path, sizeof path, &taken), OR_UNAVAILABLE, "TMPDIR");
  assert_string_equal(path, "");
  assert_int_equal(taken, -1);
}

static void each_owner_has_a_cache_of_its_own(void **state) {
  (void)state;
  char one[256], two[256], nobody[256];
  struct stat facts;
  or_scratch_cache(base, "key/../1", one, sizeof one);
  or_scratch_cache(base, "key2", two, sizeof two);
  or_scratch_cache(base, "", nobody, sizeof nobody);
  assert_string_not_equal(one, two);
  assert_string_not_equal(one, nobody);
  assert_null(strstr(one, ".."));
  assert_int_equal(stat(one, &facts), 0);
  assert_int_equal(facts.st_mode & 0777, 0700);
  assert_int_equal(stat(nobody, &facts), 0);
}

static void there_is_no_cache_where_there_can_be_none(void **state) {
  (void)state;
  char path[256], longest[256], kernels[128];
  or_scratch_cache("", "a", path, sizeof path);
  assert_string_equal(path, "");
  or_scratch_cache("/nonexistent", "a", path, sizeof path);
  assert_string_equal(path, "");
  memset(longest, 'o', sizeof longest - 1);
  longest[sizeof longest - 1] = '\0';
  or_scratch_cache(base, longest, path, sizeof path);
  assert_string_equal(path, "");
  (void)snprintf(kernels, sizeof kernels, "%s/kernels", base);
  (void)rmdir(kernels);
  assert_int_equal(symlink("/tmp", kernels), 0); /* where somebody put a link */
  or_scratch_cache(base, "a", path, sizeof path);
  assert_string_equal(path, "");
}

static void a_cache_that_grew_too_large_is_emptied(void **state) {
  (void)state;
  char path[256], file[300];
  or_scratch_cache(base, "a", path, sizeof path);
  (void)snprintf(file, sizeof file, "%s/huge", path);
  const int descriptor = open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  assert_true(descriptor >= 0);
  assert_int_equal(ftruncate(descriptor, (off_t)OR_SCRATCH_CACHE_BYTES), 0);
  or_scratch_cache(base, "a", path, sizeof path);
  assert_true(is_there(file));
  assert_int_equal(ftruncate(descriptor, (off_t)OR_SCRATCH_CACHE_BYTES + 1), 0);
  or_scratch_cache(base, "a", path, sizeof path);
  assert_false(is_there(file));
  assert_true(is_there(path));
  assert_int_equal(close(descriptor), 0);
}

/* `depth` folders, one in the other, and a file in the last. */
static void make_deep(const char *path, int depth) {
  assert_int_equal(mkdir(path, 0700), 0);
  int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  for (int i = 0; i < depth; ++i) {
    assert_int_equal(mkdirat(folder, "d", 0700), 0);
    const int below = openat(folder, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(below >= 0);
    assert_int_equal(close(folder), 0);
    folder = below;
  }
  const int file = openat(folder, "f", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  assert_true(file >= 0);
  assert_int_equal(close(file), 0);
  assert_int_equal(close(folder), 0);
}

static void a_tree_of_any_depth_is_removed_and_no_link_is_followed(void **state) {
  (void)state;
  char tree[128], path[300], victim[128], file[300];
  (void)snprintf(victim, sizeof victim, "%s/victim", base);
  (void)snprintf(file, sizeof file, "%s/keys", victim);
  assert_int_equal(mkdir(victim, 0700), 0);
  expect_ok(or_file_write(file, "x", 1));
  (void)snprintf(tree, sizeof tree, "%s/tree", base);
  make_deep(tree, 20000); /* far more than a stack has room for, or a path */
  (void)snprintf(path, sizeof path, "%s/d/link", tree);
  assert_int_equal(symlink(victim, path), 0);
  (void)snprintf(path, sizeof path, "%s/lifted-0", tree); /* a name that is wanted */
  make_deep(path, 2);
  (void)snprintf(path, sizeof path, "%s/lifted-1", tree);
  expect_ok(or_file_write(path, "x", 1));
  (void)snprintf(path, sizeof path, "%s/d/closed", tree);
  make_deep(path, 1);
  assert_int_equal(chmod(path, 0), 0);
  or_scratch_remove(tree, NULL);
  assert_false(is_there(tree));
  assert_true(is_there(file));
}

static void removing_ends_when_it_is_to_end(void **state) {
  (void)state;
  char tree[128];
  or_cancel_t end;
  (void)snprintf(tree, sizeof tree, "%s/tree", base);
  make_deep(tree, 3);
  or_cancel_init(&end, INT64_MAX);
  or_cancel_request(&end);
  or_scratch_remove(tree, &end);
  assert_true(is_there(tree));
}

static void a_cache_without_end_is_put_aside(void **state) {
  (void)state;
  char path[256], deep[300], aside[300];
  or_scratch_cache(base, "a", path, sizeof path);
  (void)snprintf(deep, sizeof deep, "%s/deep", path);
  make_deep(deep, 4);
  or_scratch_cache(base, "a", path, sizeof path);
  assert_true(is_there(deep));
  (void)snprintf(deep, sizeof deep, "%s/deeper", path);
  make_deep(deep, 40);
  or_scratch_cache(base, "a", path, sizeof path);
  assert_true(is_there(path));
  assert_false(is_there(deep));
  (void)snprintf(aside, sizeof aside, "%s/kernels", base);
  assert_int_equal(count_in(aside), 2); /* the new one, and what was put aside */
  or_scratch_sweep_cache(base, NULL);
  assert_int_equal(count_in(aside), 1);
  or_scratch_sweep_cache("", NULL);
  or_scratch_sweep_cache("/nonexistent", NULL);
}

static void room_is_what_the_disk_has(void **state) {
  (void)state;
  assert_true(or_scratch_has_room(base, 1));
  assert_false(or_scratch_has_room(base, UINT64_MAX));
  assert_true(or_scratch_has_room("/nonexistent", UINT64_MAX)); /* the system does not tell */
}

int main(void) {
  const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
      TEST(what_nobody_has_taken_any_more_is_swept),
      TEST(a_folder_that_can_not_be_made_is_said),
      TEST(each_owner_has_a_cache_of_its_own),
      TEST(there_is_no_cache_where_there_can_be_none),
      TEST(a_cache_that_grew_too_large_is_emptied),
      TEST(room_is_what_the_disk_has),
      TEST(a_tree_of_any_depth_is_removed_and_no_link_is_followed),
      TEST(removing_ends_when_it_is_to_end),
      TEST(a_cache_without_end_is_put_aside),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
