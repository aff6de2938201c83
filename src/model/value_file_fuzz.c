/* Any bytes as a sequence or an optional: the first byte says which form is expected. What was read has that form, and
 * written it can be read again. */
#include <stdlib.h>
#include <unistd.h>

#include "backends/registry.h"
#include "base/string.h"
#include "model/value_file.h"
#include "runtime/runtime.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool holds) {
  if (!holds) abort();
}

static or_runtime_t *only_runtime(void) {
  static or_runtime_t *runtime;
  static const or_backend_registration_t backends[] = {{"cpu", or_backend_cpu_entry}};
  or_runtime_options_t options = {.threads = 1};
  if (runtime == NULL) {
    or_status_t status = or_runtime_create_with(&options, backends, 1, &runtime);
    expect(or_ok(status));
  }
  return runtime;
}

static char folder[] = "/tmp/or_value_file_fuzz_XXXXXX";

static const char *written(char path[64]) { return or_format(path, 64, "%s/written.pb", folder); }

static void remove_folder(void) {
  char path[64];
  (void)unlink(written(path));
  (void)rmdir(folder);
}

static void write_and_read(or_runtime_t *runtime, const or_value_t *value, or_value_form_t form) {
  static bool made = false;
  or_value_t *again = NULL;
  char path[64];
  expect(made || (mkdtemp(folder) != NULL && atexit(remove_folder) == 0));
  made = true;
  or_status_t status = or_value_file_write(runtime, folder, "written", value);
  if (or_ok(status)) status = or_value_file_read(runtime, written(path), form, &again);
  expect(or_ok(status) && or_value_kind(again) == or_value_kind(value) &&
         or_value_count(again) == or_value_count(value));
  or_value_release(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0) return 0;
  or_value_form_t form = (or_value_form_t)(OR_FORM_SEQUENCE + data[0] % 3);
  or_value_t *value = NULL;
  or_status_t status = or_value_parse(only_runtime(), data + 1, size - 1, form, &value);
  if (or_ok(status)) {
    expect(or_value_kind(value) == (form == OR_FORM_SEQUENCE ? OR_VALUE_SEQUENCE : OR_VALUE_OPTIONAL));
    const or_value_t *element = form == OR_FORM_SEQUENCE ? value : or_value_element(value, 0);
    bool sequence = element != NULL && form != OR_FORM_OPTIONAL_TENSOR;
    for (size_t i = 0; sequence && i < or_value_count(element); ++i)
      expect(or_value_tensor(or_value_element(element, i)) != NULL);
    write_and_read(only_runtime(), value, form);
  }
  or_value_release(value);
  or_status_ignore(status); /* any answer will do, but a crash */
  return 0;
}
