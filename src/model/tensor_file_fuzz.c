/* Any bytes as a file of a tensor or value: the first byte says which ending it has. What was read is written, and read
 * again: the same must come back. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backends/registry.h"
#include "base/file.h"
#include "base/string.h"
#include "model/tensor_file.h"
#include "model/value_file.h"
#include "runtime/runtime.h"

#define PATH_BYTES 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const names[] = {"in.npy", "in.pb", "in.json", "in.txt", "out.npy", "out.pb"};
#define ENDINGS 4
static char folder[] = "/tmp/or_tensor_file_fuzz_XXXXXX";

static void expect(bool holds) {
  if (!holds) abort();
}

static const char *path_of(size_t index, char path[PATH_BYTES]) {
  return or_format(path, PATH_BYTES, "%s/%s", folder, names[index]);
}

static void remove_folder(void) {
  char path[PATH_BYTES];
  for (size_t i = 0; i < sizeof names / sizeof *names; ++i) (void)unlink(path_of(i, path));
  (void)rmdir(folder);
}

/* One for all inputs, and a folder for their files. */
static or_runtime_t *the_runtime(void) {
  static or_runtime_t *runtime;
  static const or_backend_registration_t backends[] = {{"cpu", or_backend_cpu_entry}};
  const or_runtime_options_t options = {.threads = 1};
  if (runtime != NULL) return runtime;
  or_status_t status = or_runtime_create_with(&options, backends, 1, &runtime);
  expect(or_ok(status) && mkdtemp(folder) != NULL && atexit(remove_folder) == 0);
  return runtime;
}

static bool same_tensors(const or_tensor_t *a, const or_tensor_t *b) {
  if (or_tensor_dtype(a) != or_tensor_dtype(b) || !or_shape_equal(or_tensor_shape(a), or_tensor_shape(b))) return false;
  if (or_tensor_dtype(a) != OR_STRING)
    return or_tensor_bytes(a) == 0 || memcmp(or_tensor_data(a), or_tensor_data(b), or_tensor_bytes(a)) == 0;
  const or_string_t *x = or_tensor_data(a), *y = or_tensor_data(b);
  for (uint64_t i = 0; i < or_tensor_count(a); ++i) {
    if (x[i].length != y[i].length || (x[i].length > 0 && memcmp(x[i].data, y[i].data, x[i].length) != 0)) return false;
  }
  return true;
}

static or_status_t write_value(or_runtime_t *runtime, const or_value_t *value) {
  if (or_value_kind(value) == OR_VALUE_TENSOR)
    return or_tensor_file_write(runtime, folder, "out", or_value_tensor(value));
  return or_value_file_write(runtime, folder, "out", value);
}

static or_value_form_t form_of(const or_value_t *value) {
  const or_value_t *held = or_value_element(value, 0);
  if (or_value_kind(value) != OR_VALUE_OPTIONAL)
    return or_value_kind(value) == OR_VALUE_TENSOR ? OR_FORM_TENSOR : OR_FORM_SEQUENCE;
  return held != NULL && or_value_kind(held) == OR_VALUE_SEQUENCE ? OR_FORM_OPTIONAL_SEQUENCE : OR_FORM_OPTIONAL_TENSOR;
}

/* Written under another name and read from there. */
static void write_and_read(or_runtime_t *runtime, const or_value_t *value) {
  or_tensor_t *tensor = NULL;
  or_value_t *again = NULL;
  char path[PATH_BYTES];
  for (size_t i = ENDINGS; i < sizeof names / sizeof *names; ++i) (void)unlink(path_of(i, path));
  or_status_t status = write_value(runtime, value);
  for (size_t i = ENDINGS; or_ok(status) && i < sizeof names / sizeof *names; ++i) {
    if (access(path_of(i, path), F_OK) != 0) continue;
    status = or_given_file_read(runtime, path, form_of(value), &tensor, &again);
    expect(or_ok(status));
    if (or_value_kind(value) == OR_VALUE_TENSOR) expect(same_tensors(or_value_tensor(value), tensor));
    if (or_value_kind(value) != OR_VALUE_TENSOR) expect(or_value_count(value) == or_value_count(again));
  }
  or_tensor_release(tensor);
  or_value_release(again);
  or_status_ignore(status);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  or_runtime_t *runtime = the_runtime();
  or_tensor_t *tensor = NULL, *only = NULL;
  or_value_t *value = NULL;
  char path[PATH_BYTES];
  if (size == 0) return 0;
  or_status_t status = or_file_write(path_of(data[0] % ENDINGS, path), data + 1, size - 1);
  expect(or_ok(status));
  status = or_given_file_read(runtime, path, OR_FORM_TENSOR, &tensor, &value);
  if (or_ok(status) && tensor != NULL) {
    status = or_value_from_tensor(or_runtime_allocator(runtime), tensor, &value);
    expect(or_ok(status));
  }
  or_status_t second = or_tensor_file_read(runtime, path, &only);
  expect(or_ok(second) == (tensor != NULL));
  if (or_ok(status)) write_and_read(runtime, value);
  or_status_ignore(status); /* any answer will do, but a crash */
  or_status_ignore(second);
  or_tensor_release(tensor);
  or_tensor_release(only);
  or_value_release(value);
  expect(or_status_live_count() == 0);
  return 0;
}
