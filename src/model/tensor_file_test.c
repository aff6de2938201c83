/* Tensors in files: what is written reads back, from devices with memory of their own too; what is wrong is named. */
#include "base/testing.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/string.h"
#include "fake/fake.h"
#include "model/npy.h"
#include "model/tensor_file.h"
#include "runtime/runtime.h"

static char folder[64];

static int setup(void **state) {
  (void)state;
  or_format(folder, sizeof folder, "/tmp/tensor_file_test_XXXXXX");
  return mkdtemp(folder) != NULL ? 0 : -1;
}

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *place) {
  (void)info, (void)kind, (void)place;
  return remove(path);
}
static int teardown(void **state) {
  (void)state;
  return nftw(folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

/* The fake device, with the host's memory or its own. */
static or_runtime_t *make_runtime(const or_allocator_t *allocator, bool unified) {
  static const or_backend_registration_t backends[] = {{"fake", or_fake_entry}};
  or_runtime_options_t options = or_runtime_options_default();
  or_runtime_t *runtime = NULL;
  or_fake_reset();
  if (unified) or_fake_set_unified(0);
  options.allocator = allocator;
  expect_ok(or_runtime_create_with(&options, backends, 1, &runtime));
  return runtime;
}

static const char *in_folder(const char *name) {
  static char path[256];
  return or_format(path, sizeof path, "%s/%s", folder, name);
}

static void expect_read_back(or_runtime_t *runtime, const char *name, or_dtype_t dtype, const void *bytes,
                             size_t length) {
  or_tensor_t *tensor = NULL;
  char got[64];
  expect_ok(or_tensor_file_read(runtime, in_folder(name), &tensor));
  assert_int_equal(or_tensor_dtype(tensor), dtype);
  assert_int_equal(or_tensor_bytes(tensor), length);
  expect_ok(or_tensor_read(tensor, got, length));
  assert_memory_equal(got, bytes, length);
  or_tensor_release(tensor);
}

static void what_is_written_reads_back_wherever_its_memory_is(void **state) {
  (void)state;
  static const float floats[] = {1, -2.5f, 3};
  static const uint16_t halves[] = {0x3f80, 0xc000, 0x4040}; /* 1, -2, 3 as bfloat16: not in .npy's words */
  for (int unified = 0; unified < 2; ++unified) {
    or_runtime_t *runtime = make_runtime(or_allocator_system(), unified == 1);
    or_tensor_t *tensors[2] = {NULL, NULL};
    or_shape_t shape = or_shape_make(2, (int64_t[]){1, 3});
    or_device_t *device = or_runtime_device(runtime, 0);
    expect_ok(or_tensor_create_from(device, OR_FLOAT32, shape, floats, sizeof floats, &tensors[0]));
    expect_ok(or_tensor_create_from(device, OR_BFLOAT16, shape, halves, sizeof halves, &tensors[1]));
    assert_true((or_tensor_data(tensors[0]) != NULL) == (unified == 1));
    expect_ok(or_tensor_file_write(runtime, in_folder("deep/er"), "a/b", tensors[0]));
    expect_ok(or_tensor_file_write(runtime, in_folder("deep/er"), "half", tensors[1]));
    expect_ok(or_tensor_file_write(runtime, folder, "", tensors[0]));
    or_tensor_release(tensors[0]);
    or_tensor_release(tensors[1]);
    or_runtime_release(runtime);
    runtime = make_runtime(or_allocator_system(), true);
    expect_read_back(runtime, "deep/er/a_b.npy", OR_FLOAT32, floats, sizeof floats);
    expect_read_back(runtime, "deep/er/half.pb", OR_BFLOAT16, halves, sizeof halves);
    expect_read_back(runtime, "_.npy", OR_FLOAT32, floats, sizeof floats);
    or_runtime_release(runtime);
  }
}

static void reads_json(void **state) {
  (void)state;
  static const char text[] = "{\"shape\":[2],\"dtype\":\"int32\",\"data\":[7,-8]}";
  static const int32_t expected[] = {7, -8};
  or_runtime_t *runtime = make_runtime(or_allocator_system(), true);
  expect_ok(or_file_write(in_folder("x.json"), text, strlen(text)));
  expect_read_back(runtime, "x.json", OR_INT32, expected, sizeof expected);
  or_runtime_release(runtime);
}

static void names_the_file_that_it_can_not_read(void **state) {
  (void)state;
  static const struct {
    const char *name, *content;
    or_status_code_t code;
    const char *words;
  } cases[] = {
      {"absent.npy", NULL, OR_NOT_FOUND, "absent.npy"},
      {"x.txt", "text", OR_UNIMPLEMENTED, "there are .npy, .pb and .json"},
      {"bad.npy", "text", OR_DATA_LOSS, "bad.npy"},
      {"bad.pb", "\xff\xff", OR_DATA_LOSS, "bad.pb"},
      {"bad.json", "{\"shape\":", OR_INVALID_ARGUMENT, "bad.json"},
      {"no_tensor.json", "{\"shape\":[1]}", OR_INVALID_ARGUMENT, "no_tensor.json"},
  };
  or_runtime_t *runtime = make_runtime(or_allocator_system(), true);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
    or_tensor_t *tensor = NULL;
    if (cases[i].content != NULL)
      expect_ok(or_file_write(in_folder(cases[i].name), cases[i].content, strlen(cases[i].content)));
    expect_failure(or_tensor_file_read(runtime, in_folder(cases[i].name), &tensor), cases[i].code, cases[i].words);
    assert_null(tensor);
  }
  or_runtime_release(runtime);
}

static void truth_values_are_0_or_1(void **state) {
  (void)state;
  or_runtime_t *runtime = make_runtime(or_allocator_system(), true);
  or_tensor_t *tensor = NULL;
  char file[OR_NPY_HEADER_BYTES + 2];
  size_t length = 0;
  expect_ok(or_npy_header(OR_BOOL, &(or_shape_t){.rank = 1, .dims = {2}}, file, &length));
  memcpy(file + length, "\1\2", 2);
  expect_ok(or_file_write(in_folder("truth.npy"), file, length + 2));
  expect_failure(or_tensor_file_read(runtime, in_folder("truth.npy"), &tensor), OR_INVALID_ARGUMENT,
                 "element 1 is the byte 2");
  or_runtime_release(runtime);
}

static void reads_into_host_memory_or_says_that_there_is_none(void **state) {
  (void)state;
  or_runtime_t *runtime = make_runtime(or_allocator_system(), false);
  or_tensor_t *tensor = NULL;
  static const char text[] = "{\"shape\":[1],\"data\":[7]}";
  expect_ok(or_file_write(in_folder("x.json"), text, strlen(text)));
  expect_failure(or_tensor_file_read(runtime, in_folder("x.json"), &tensor), OR_UNAVAILABLE, "host's memory");
  or_runtime_release(runtime);
}

static void names_the_folder_that_it_can_not_make(void **state) {
  (void)state;
  or_runtime_t *runtime = make_runtime(or_allocator_system(), true);
  char longest[5000];
  const float one = 1;
  or_tensor_t *tensor = NULL;
  memset(longest, 'a', sizeof longest);
  longest[sizeof longest - 1] = '\0';
  expect_ok(or_tensor_create_from(or_runtime_device(runtime, 0), OR_FLOAT32, or_shape_make(0, NULL), &one, sizeof one,
                                  &tensor));
  expect_ok(or_file_write(in_folder("file"), "x", 1));
  expect_failure(or_tensor_file_write(runtime, in_folder("file/below"), "x", tensor), OR_PERMISSION_DENIED,
                 "file/below");
  expect_failure(or_tensor_file_write(runtime, longest, "x", tensor), OR_OUT_OF_RANGE, "4999 bytes; the limit is 4095");
  expect_failure(or_tensor_file_write(runtime, "/dev/null/x", "x", tensor), OR_PERMISSION_DENIED, "/dev/null/x");
  or_tensor_release(tensor);
  or_runtime_release(runtime);
}

static bool unified_memory;

static or_status_t write_and_read(const or_allocator_t *allocator) {
  static const uint16_t halves[] = {0x3f80, 0xc000};
  static const or_backend_registration_t backends[] = {{"fake", or_fake_entry}};
  static const or_dtype_t dtypes[] = {OR_FLOAT16, OR_BFLOAT16};
  static const char *const names[] = {"x.npy", "x.pb"};
  or_runtime_options_t options = or_runtime_options_default();
  or_runtime_t *runtime = NULL;
  or_fake_reset();
  if (unified_memory) or_fake_set_unified(0);
  options.allocator = allocator;
  or_status_t status = or_runtime_create_with(&options, backends, 1, &runtime);
  for (int i = 0; or_ok(status) && i < 2; ++i) {
    or_tensor_t *tensor = NULL;
    status = or_tensor_create_from(or_runtime_device(runtime, 0), dtypes[i], or_shape_make(1, (int64_t[]){2}), halves,
                                   sizeof halves, &tensor);
    if (or_ok(status)) status = or_tensor_file_write(runtime, folder, "x", tensor);
    or_tensor_release(tensor);
    tensor = NULL;
    if (or_ok(status) && unified_memory) status = or_tensor_file_read(runtime, in_folder(names[i]), &tensor);
    or_tensor_release(tensor);
  }
  or_runtime_release(runtime);
  return status;
}
static void survives_every_failing_allocation(void **state) {
  (void)state;
  for (int unified = 0; unified < 2; ++unified) {
    unified_memory = unified == 1;
    expect_survives_every_failing_allocation(write_and_read);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_is_written_reads_back_wherever_its_memory_is),
      cmocka_unit_test(reads_json),
      cmocka_unit_test(names_the_file_that_it_can_not_read),
      cmocka_unit_test(truth_values_are_0_or_1),
      cmocka_unit_test(reads_into_host_memory_or_says_that_there_is_none),
      cmocka_unit_test(names_the_folder_that_it_can_not_make),
      cmocka_unit_test(survives_every_failing_allocation),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}
