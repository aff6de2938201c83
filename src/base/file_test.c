#include "base/file.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/string.h"
#include "base/testing.h"

static char folder[] = "/tmp/or_file_test_XXXXXX";

static int make_folder(void **state) {
  (void)state;
  return mkdtemp(folder) != NULL ? 0 : -1;
}

static int remove_folder(void **state) {
  (void)state;
  return rmdir(folder); /* fails if a temporary file was left behind */
}

static const char *in_folder(const char *name) {
  static char path[256];
  return or_format(path, sizeof path, "%s/%s", folder, name);
}

static void writes_a_file_whole_and_reads_it_back(void **state) {
  (void)state;
  const char *path = in_folder("a.bin");
  char *data = NULL;
  size_t length = 7;
  expect_ok(or_file_write(path, "one\0two", 7));
  expect_ok(or_file_read(or_allocator_system(), path, 7, &data, &length));
  assert_int_equal(length, 7);
  assert_memory_equal(data, "one\0two", 8); /* and the terminator */
  or_free(or_allocator_system(), data);
  expect_ok(or_file_write(path, "", 0)); /* replaces */
  expect_ok(or_file_read(or_allocator_system(), path, 7, &data, &length));
  assert_int_equal(length, 0);
  assert_string_equal(data, "");
  or_free(or_allocator_system(), data);
  assert_int_equal(unlink(path), 0);
}

static void reads_files_whose_size_says_zero(void **state) {
  (void)state;
#if defined(__linux__)
  char *data = NULL;
  size_t length = 0;
  expect_ok(or_file_read(or_allocator_system(), "/proc/self/status", 1 << 20, &data, &length));
  assert_true(length > 100 && strlen(data) == length);
  assert_true(or_string_starts_with(data, "Name:"));
  or_free(or_allocator_system(), data);
  expect_failure(or_file_read(or_allocator_system(), "/proc/self/status", 20, &data, &length), OR_OUT_OF_RANGE,
                 "20 bytes");
#endif
}

static void refuses_what_it_can_not_read(void **state) {
  (void)state;
  char *data = NULL;
  size_t length = 0;
  const or_allocator_t *allocator = or_allocator_system();
  expect_failure(or_file_read(allocator, in_folder("none"), 10, &data, &length), OR_NOT_FOUND,
                 "/none\" can't be opened: No such file");
  expect_failure(or_file_read(allocator, folder, 10, &data, &length), OR_INVALID_ARGUMENT,
                 "is a folder, not a regular file");
  expect_failure(or_file_read(allocator, "/dev/zero", 10, &data, &length), OR_INVALID_ARGUMENT, "a device or pipe");
  assert_int_equal(mkfifo(in_folder("pipe"), 0600), 0);
  expect_failure(or_file_read(allocator, in_folder("pipe"), 10, &data, &length), OR_INVALID_ARGUMENT,
                 "a device or pipe");
  assert_int_equal(unlink(in_folder("pipe")), 0);
  expect_ok(or_file_write(in_folder("b"), "0123456789", 10));
  expect_failure(or_file_read(allocator, in_folder("b"), 9, &data, &length), OR_OUT_OF_RANGE, "10 bytes exceed 9");
  if (geteuid() != 0) { /* root may read everything */
    assert_int_equal(chmod(in_folder("b"), 0), 0);
    expect_failure(or_file_read(allocator, in_folder("b"), 10, &data, &length), OR_PERMISSION_DENIED, "/b\"");
  }
  assert_int_equal(unlink(in_folder("b")), 0);
  assert_null(data);
}

static void leaves_nothing_behind_when_it_can_not_write(void **state) {
  (void)state;
  char path[5000];
  memset(path, 'x', sizeof path);
  path[sizeof path - 1] = '\0';
  expect_failure(or_file_write(in_folder("none/c"), "x", 1), OR_NOT_FOUND, "/none/c\" can't be written");
  expect_failure(or_file_write(path, "x", 1), OR_INVALID_ARGUMENT, "too long");
  expect_failure(or_file_write(folder, "x", 1), OR_INVALID_ARGUMENT, "irectory");
  assert_int_equal(mkdir(in_folder("d"), 0700), 0);
  expect_ok(or_file_write(in_folder("d/e"), "x", 1));
  assert_int_equal(unlink(in_folder("d/e")), 0);
  assert_int_equal(rmdir(in_folder("d")), 0);
}

static void gives_a_file_its_name_only_when_it_is_whole(void **state) {
  (void)state;
  or_file_writer_t writer;
  struct stat info;
  char *data = NULL;
  size_t length = 0;
  const char *path = in_folder("w");
  expect_ok(or_file_writer_begin(&writer, path, false));
  expect_ok(or_file_writer_append(&writer, "one", 3));
  assert_int_equal(stat(path, &info), -1);
  expect_ok(or_file_writer_append(&writer, "two", 3));
  assert_int_equal(writer.length, 6);
  expect_ok(or_file_writer_end(&writer, or_status_success()));
  expect_ok(or_file_read(or_allocator_system(), path, 100, &data, &length));
  assert_string_equal(data, "onetwo");
  or_free(or_allocator_system(), data);

  expect_failure(or_file_writer_begin(&writer, path, false), OR_ALREADY_EXISTS, "/w\" exists");
  expect_failure(or_file_writer_end(&writer, or_error(OR_CANCELLED, "first")), OR_CANCELLED, "first");
  expect_ok(or_file_writer_begin(&writer, path, true));
  expect_ok(or_file_writer_append(&writer, "x", 1));
  expect_failure(or_file_writer_end(&writer, or_error(OR_CANCELLED, "stop")), OR_CANCELLED, "stop");
  assert_int_equal(stat(path, &info), 0);
  assert_int_equal(info.st_size, 6); /* as it was */
  assert_int_equal(unlink(path), 0);
}

static void does_not_take_a_name_that_was_taken_meanwhile(void **state) {
  (void)state;
  or_file_writer_t writer;
  struct stat info;
  const char *path = in_folder("v");
  expect_ok(or_file_writer_begin(&writer, path, false));
  expect_ok(or_file_writer_append(&writer, "late", 4));
  expect_ok(or_file_write(path, "early bird", 10));
  expect_failure(or_file_writer_end(&writer, or_status_success()), OR_ALREADY_EXISTS, "/v\" exists");
  assert_int_equal(stat(path, &info), 0);
  assert_int_equal(info.st_size, 10);
  assert_int_equal(unlink(path), 0); /* the folder is empty then: its removal is checked */
}

static void writes_to_a_device_in_place(void **state) {
  (void)state;
  struct stat info;
  expect_ok(or_file_write("/dev/null", "x", 1));
  assert_int_equal(stat("/dev/null", &info), 0);
  assert_true(S_ISCHR(info.st_mode));
}

static void reads_at_any_place(void **state) {
  (void)state;
  or_file_t *file = NULL;
  char bytes[8] = "";
  expect_ok(or_file_write(in_folder("f"), "0123456789", 10));
  expect_ok(or_file_open(or_allocator_system(), in_folder("f"), &file));
  assert_int_equal(or_file_size(file), 10);
  assert_true(or_string_ends_with(or_file_path(file), "/f"));
  expect_ok(or_file_read_at(file, 3, bytes, 4));
  assert_string_equal(bytes, "3456");
  expect_ok(or_file_read_at(file, 10, bytes, 0));
  expect_failure(or_file_read_at(file, 8, bytes, 3), OR_DATA_LOSS, "bytes 8 to 11 asked for, but it has 10");
  expect_failure(or_file_read_at(file, UINT64_MAX, bytes, 2), OR_DATA_LOSS, "it has 10");
  or_file_retain(file);
  or_file_release(file);
  expect_ok(or_file_read_at(file, 9, bytes, 1));
  or_file_release(file);
  or_file_release(NULL);
  expect_failure(or_file_open(or_allocator_system(), in_folder("g"), &file), OR_NOT_FOUND, "/g\"");
  assert_null(file);
  assert_int_equal(unlink(in_folder("f")), 0);
}

static void notices_a_file_that_shrinks_or_changes(void **state) {
  (void)state;
  or_file_t *file = NULL;
  char bytes[8];
  expect_ok(or_file_write(in_folder("h"), "0123456789", 10));
  expect_ok(or_file_open(or_allocator_system(), in_folder("h"), &file));
  assert_int_equal(truncate(in_folder("h"), 5), 0);
  expect_failure(or_file_read_at(file, 2, bytes, 8), OR_DATA_LOSS,
                 "shrank while it was read: it had 10 bytes and ends at 5 now");
  expect_failure(or_file_read_at(file, 0, bytes, 2), OR_DATA_LOSS,
                 "was changed while it was read: it had 10 bytes and has 5 now");
  or_file_release(file);
  expect_ok(or_file_open(or_allocator_system(), in_folder("h"), &file));
  const struct timespec times[2] = {{.tv_sec = 1}, {.tv_sec = 1}}; /* same size, another time: rewritten */
  assert_int_equal(utimensat(AT_FDCWD, in_folder("h"), times, 0), 0);
  expect_failure(or_file_read_at(file, 0, bytes, 2), OR_DATA_LOSS, "was changed");
  or_file_release(file);
  assert_int_equal(unlink(in_folder("h")), 0);
}

static void counts_what_is_read(void **state) {
  (void)state;
  or_file_t *file = NULL;
  char bytes[8];
  expect_ok(or_file_write(in_folder("c"), "0123456789", 10));
  expect_ok(or_file_open(or_allocator_system(), in_folder("c"), &file));
  assert_int_equal(or_file_bytes_read(file), 0);
  expect_ok(or_file_read_at(file, 2, bytes, 8));
  expect_ok(or_file_read_at(file, 2, bytes, 3)); /* again */
  assert_int_equal(or_file_bytes_read(file), 11);
  or_file_release(file);
  assert_int_equal(unlink(in_folder("c")), 0);
}

static void tells_a_file_that_is_no_longer_the_one_that_was_opened(void **state) {
  (void)state;
  or_file_t *file = NULL;
  expect_ok(or_file_write(in_folder("k"), "0123456789", 10));
  expect_ok(or_file_open(or_allocator_system(), in_folder("k"), &file));
  expect_ok(or_file_check(file));
  expect_ok(or_file_write(in_folder("k"), "9876543210", 10)); /* another file under its name */
  expect_failure(or_file_check(file), OR_DATA_LOSS, "/k\" was replaced or removed while it was read");
  or_file_release(file);
  expect_ok(or_file_open(or_allocator_system(), in_folder("k"), &file));
  assert_int_equal(truncate(in_folder("k"), 5), 0);
  expect_failure(or_file_check(file), OR_DATA_LOSS, "was changed while it was read: it had 10 bytes and has 5 now");
  or_file_release(file);
  expect_ok(or_file_open(or_allocator_system(), in_folder("k"), &file));
  assert_int_equal(unlink(in_folder("k")), 0);
  expect_failure(or_file_check(file), OR_DATA_LOSS, "was replaced or removed");
  or_file_release(file);
}

static void knows_the_file_of_the_running_program(void **state) {
  (void)state;
  char path[OR_FILE_PATH_BYTES], cut[4] = "abc";
  assert_true(or_file_program(path, sizeof path));
  assert_int_equal(path[0], '/');
  assert_string_equal(strrchr(path, '/'), "/file_test");
  assert_int_equal(access(path, X_OK), 0);
  assert_false(or_file_program(cut, sizeof cut));
  assert_false(or_file_program(cut, 0));
  const size_t length = strlen(path);
  assert_false(or_file_program(path, length)); /* no room for the terminator */
  assert_true(or_file_program(path, length + 1));
}

static or_status_t use_files(const or_allocator_t *allocator) {
  char *data = NULL;
  size_t length = 0;
  or_file_t *file = NULL;
  or_status_t status = or_file_read(allocator, in_folder("i"), 1 << 20, &data, &length);
  or_free(allocator, data);
  if (or_ok(status)) status = or_file_open(allocator, in_folder("i"), &file);
  or_file_release(file);
  return status;
}

static void gives_back_every_byte_when_the_nth_allocation_fails(void **state) {
  (void)state;
  expect_ok(or_file_write(in_folder("i"), "0123456789", 10));
  expect_survives_every_failing_allocation(use_files);
  assert_int_equal(unlink(in_folder("i")), 0);
}

static void opens_below_a_folder_without_following_a_link(void **state) {
  (void)state;
  or_file_t *file = NULL;
  char bytes[3];
  assert_int_equal(mkdir(in_folder("below"), 0700), 0);
  assert_int_equal(mkdir(in_folder("below/a"), 0700), 0);
  expect_ok(or_file_write(in_folder("below/a/f"), "yes", 3));
  expect_ok(or_file_write(in_folder("outside"), "no!", 3));
  char below[256];
  (void)snprintf(below, sizeof below, "%s", in_folder("below"));
  expect_ok(or_file_open_below(or_allocator_system(), below, "a/f", &file));
  expect_ok(or_file_read_at(file, 0, bytes, 3));
  assert_memory_equal(bytes, "yes", 3);
  or_file_release(file);
  assert_int_equal(symlink("../outside", in_folder("below/link")), 0);
  assert_int_equal(symlink("a", in_folder("below/folder")), 0); /* one that stays is none the less a link */
  static const char *const refused[] = {"link", "folder/f", "a/../a/f", "../outside", "a/f/g"};
  for (size_t i = 0; i < sizeof refused / sizeof *refused; ++i) {
    expect_failure(or_file_open_below(or_allocator_system(), below, refused[i], &file), OR_PERMISSION_DENIED,
                   "is not followed");
    assert_null(file);
  }
  expect_failure(or_file_open_below(or_allocator_system(), below, "none", &file), OR_NOT_FOUND, "none");
  expect_failure(or_file_open_below(or_allocator_system(), below, "a", &file), OR_INVALID_ARGUMENT, "a folder");
  expect_failure(or_file_open_below(or_allocator_system(), in_folder("gone"), "f", &file), OR_NOT_FOUND, "gone");
  static const char *const made[] = {"below/link", "below/folder", "below/a/f"};
  for (size_t i = 0; i < 3; ++i) assert_int_equal(unlink(in_folder(made[i])), 0);
  assert_int_equal(rmdir(in_folder("below/a")), 0);
  assert_int_equal(rmdir(below), 0);
  assert_int_equal(unlink(in_folder("outside")), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(opens_below_a_folder_without_following_a_link),
      cmocka_unit_test(writes_a_file_whole_and_reads_it_back),
      cmocka_unit_test(reads_files_whose_size_says_zero),
      cmocka_unit_test(refuses_what_it_can_not_read),
      cmocka_unit_test(leaves_nothing_behind_when_it_can_not_write),
      cmocka_unit_test(gives_a_file_its_name_only_when_it_is_whole),
      cmocka_unit_test(does_not_take_a_name_that_was_taken_meanwhile),
      cmocka_unit_test(writes_to_a_device_in_place),
      cmocka_unit_test(reads_at_any_place),
      cmocka_unit_test(notices_a_file_that_shrinks_or_changes),
      cmocka_unit_test(counts_what_is_read),
      cmocka_unit_test(tells_a_file_that_is_no_longer_the_one_that_was_opened),
      cmocka_unit_test(knows_the_file_of_the_running_program),
      cmocka_unit_test(gives_back_every_byte_when_the_nth_allocation_fails),
  };
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
