/* Compiled programs: once in memory, once on the disk, and what becomes of a file that is not as it was written. */
#include "backends/opencl/programs.h"

#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backends/opencl/binaries_internal.h"
#include "backends/opencl/opencl_test_internal.h"
#include "base/file.h"

#define OPTIONS "-DT=float -DW=4"

static void expect_counts(or_cl_device_t *device, uint64_t compiled, uint64_t loaded) {
  const or_cl_programs_counters_t counters = or_cl_programs_counters(device->programs);
  assert_int_equal(counters.compiled, compiled);
  assert_int_equal(counters.loaded, loaded);
}

static void get(or_cl_device_t *device) {
  or_cl_program_ref_t first = NULL, second = NULL;
  expect_ok(or_cl_programs_get(device->programs, "peaks", OPTIONS, &first));
  expect_ok(or_cl_programs_get(device->programs, "peaks", OPTIONS, &second));
  assert_non_null(first);
  assert_ptr_equal(first, second);
}

/* A device that gets the program, and what that took. */
static void open_and_expect(uint64_t compiled, uint64_t loaded) {
  or_cl_device_t *device = cl_open_device();
  get(device);
  expect_counts(device, compiled, loaded);
  cl_close();
}

static void forget_all(void) { (void)cl_each_file("opencl-", cl_unlink); }

static void compiles_once_and_then_never_again(void **state) {
  (void)state;
  forget_all();
  open_and_expect(1, 0);
  assert_int_equal(cl_each_file("opencl-", NULL), 2); /* the program and the facts */
  open_and_expect(0, 1);
}

/* The bytes of a file that holds a program, the caller's to free; NULL: another one. */
static char *read_program(const char *path, size_t *length) {
  char *bytes = NULL;
  if (or_string_ends_with(path, ".bin"))
    expect_ok(or_file_read(or_allocator_system(), path, SIZE_MAX / 2, &bytes, length));
  return bytes;
}

static void write_half(const char *path) {
  size_t length = 0;
  char *bytes = read_program(path, &length);
  if (bytes != NULL) expect_ok(or_file_write(path, bytes, length / 2));
  or_free(or_allocator_system(), bytes);
}

static void flip_last(const char *path) {
  size_t length = 0;
  char *bytes = read_program(path, &length);
  if (bytes == NULL) return;
  bytes[length - 1] = (char)(bytes[length - 1] ^ 1);
  expect_ok(or_file_write(path, bytes, length));
  or_free(or_allocator_system(), bytes);
}

static void rebuilds_what_is_corrupt(void **state) {
  (void)state;
  forget_all();
  open_and_expect(1, 0);
  (void)cl_each_file("opencl-", write_half);
  open_and_expect(1, 0);
  open_and_expect(0, 1);
  (void)cl_each_file("opencl-", flip_last);
  open_and_expect(1, 0);
  open_and_expect(0, 1);
}

/* Whole by its own account, of this very key, and yet no binary that the driver takes. */
static void put_junk(const char *path) {
  size_t length = 0;
  char *bytes = read_program(path, &length);
  if (bytes == NULL) return;
  const char *at = bytes;
  for (int line = 0; line < 7; ++line) at = strchr(at, '\n') + 1; /* the magic, six lines of key; then the length */
  const size_t kept = (size_t)(at - bytes);
  assert_true(length - kept > 64);
  (void)or_format(bytes + kept, length - kept, "4 %016" PRIx64 "\njunk", or_hash_bytes("junk", 4, 4));
  expect_ok(or_file_write(path, bytes, strlen(bytes)));
  or_free(or_allocator_system(), bytes);
}

static void rebuilds_what_the_driver_refuses(void **state) {
  (void)state;
  forget_all();
  open_and_expect(1, 0);
  (void)cl_each_file("opencl-", put_junk);
  open_and_expect(1, 0);
  open_and_expect(0, 1);
}

static void a_file_of_another_key_is_none(void **state) {
  (void)state;
  char file[256];
  const char *binary = NULL;
  size_t bytes = 0;
  (void)or_format(file, sizeof file, "openruntime opencl program 1\nkey\n4 %016" PRIx64 "\njunk",
                  or_hash_bytes("junk", 4, 4));
  assert_true(or_cl_binary_parse(file, strlen(file), "key\n", &binary, &bytes));
  assert_int_equal(bytes, 4);
  assert_memory_equal(binary, "junk", 4);
  assert_false(or_cl_binary_parse(file, strlen(file), "kez\n", &binary, &bytes));
  for (size_t i = 0; i < strlen(file); ++i) assert_false(or_cl_binary_parse(file, i, "key\n", &binary, &bytes));
}

static void set_used(const char *path, int64_t used_s) {
  const struct timespec times[2] = {{.tv_sec = used_s}, {.tv_sec = used_s}};
  assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static void put(const char *name, size_t bytes, int64_t used_s) {
  static const char zeros[4096];
  char path[512];
  (void)or_format(path, sizeof path, "%s/%s", cl_folder, name);
  expect_ok(or_file_write(path, zeros, bytes));
  set_used(path, used_s);
}

static bool is_there(const char *name) {
  char path[512];
  return access(or_format(path, sizeof path, "%s/%s", cl_folder, name), F_OK) == 0;
}

static void programs_that_were_not_used_for_the_longest_time_go(void **state) {
  (void)state;
  const or_allocator_t *allocator = or_allocator_system();
  forget_all();
  put("opencl-0000000000000001.bin", 4000, 300);
  put("opencl-0000000000000002.bin", 4000, 100);
  put("opencl-0000000000000003.bin.77-1.tmp", 1000, 200); /* of a process that was killed */
  put("opencl-choices-0000000000000004.txt", 4000, 1);
  or_cl_binaries_trim(allocator, cl_folder, 9000);
  assert_int_equal(cl_each_file("opencl-", NULL), 4);
  or_cl_binaries_trim(allocator, "/nonexistent", 0);
  or_cl_binaries_trim(allocator, cl_folder, 8999);
  assert_false(is_there("opencl-0000000000000002.bin"));
  assert_int_equal(cl_each_file("opencl-", NULL), 3);
  or_cl_binaries_trim(allocator, cl_folder, 4001);
  assert_false(is_there("opencl-0000000000000003.bin.77-1.tmp"));
  or_cl_binaries_trim(allocator, cl_folder, 0);
  assert_int_equal(cl_each_file("opencl-", NULL), 1); /* the choices are no program */
  forget_all();
}

static void make_old(const char *path) { set_used(path, 1000); }

static void expect_used_now(const char *path) {
  struct stat facts;
  if (!or_string_ends_with(path, ".bin")) return;
  assert_int_equal(stat(path, &facts), 0);
  assert_true(facts.st_mtime > 1000);
}

static void a_program_that_is_loaded_is_used(void **state) {
  (void)state;
  forget_all();
  open_and_expect(1, 0);
  (void)cl_each_file("opencl-", make_old);
  open_and_expect(0, 1);
  (void)cl_each_file("opencl-", expect_used_now);
}

static void another_source_or_option_is_another_program(void **state) {
  (void)state;
  or_cl_device_t *device = cl_open_device();
  or_cl_program_ref_t first = NULL, second = NULL;
  expect_ok(or_cl_programs_get(device->programs, "peaks", OPTIONS, &first));
  expect_ok(or_cl_programs_get(device->programs, "peaks", "-DT=float -DW=2", &second));
  assert_ptr_not_equal(first, second);
  cl_close();
}

static void a_refused_source_is_told_with_its_line(void **state) {
  (void)state;
  or_cl_device_t *device = cl_open_device();
  const char *const texts[] = {"#line 1 \"mine.cl\"\n", "__kernel void f(__global int *x) {\n  x[0] = nonsense;\n}\n"};
  const size_t lengths[] = {strlen(texts[0]), strlen(texts[1])};
  char log[1024] = "";
  const or_cl_source_t source = {
      .texts = texts, .lengths = lengths, .count = 2, .options = "", .log = log, .log_capacity = sizeof log};
  or_cl_program_ref_t program = NULL;
  bool cached = true;
  expect_failure(or_cl_programs_build(device->programs, &source, &program, &cached), OR_INVALID_ARGUMENT, "nonsense");
  assert_null(program);
  assert_non_null(strstr(log, "mine.cl:2"));
  expect_failure(or_cl_programs_get(device->programs, "peaks", "-DT=no_such_type -DW=4", &program), OR_INTERNAL,
                 "peaks.cl");
  expect_failure(or_cl_programs_get(device->programs, "no_such_source", "", &program), OR_INTERNAL, "no_such_source");
  cl_close();
}

static void options_have_a_bound(void **state) {
  (void)state;
  or_cl_device_t *device = cl_open_device();
  char options[2048];
  memset(options, ' ', sizeof options - 1);
  options[sizeof options - 1] = '\0';
  or_cl_program_ref_t program = NULL;
  expect_failure(or_cl_programs_get(device->programs, "peaks", options, &program), OR_OUT_OF_RANGE, "2047");
  cl_close();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(compiles_once_and_then_never_again),
      cmocka_unit_test(rebuilds_what_is_corrupt),
      cmocka_unit_test(rebuilds_what_the_driver_refuses),
      cmocka_unit_test(a_file_of_another_key_is_none),
      cmocka_unit_test(programs_that_were_not_used_for_the_longest_time_go),
      cmocka_unit_test(a_program_that_is_loaded_is_used),
      cmocka_unit_test(another_source_or_option_is_another_program),
      cmocka_unit_test(a_refused_source_is_told_with_its_line),
      cmocka_unit_test(options_have_a_bound),
  };
  return cmocka_run_group_tests(tests, cl_make_folder, cl_remove_folder);
}
