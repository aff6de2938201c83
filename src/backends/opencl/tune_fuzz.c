/* The file of choices: whatever stands in it, what is taken keeps its promises, and is written as it was read. */
#include <string.h>

#include "backends/opencl/tune.h"
#include "base/string.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool promise) {
  if (!promise) __builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static or_cl_tune_entry_t entries[OR_CL_TUNE_MAX_ENTRIES], again[OR_CL_TUNE_MAX_ENTRIES];
  uint32_t count = 0, count_again = 0;
  if (!or_cl_tune_parse((const char *)data, size, "device", entries, &count)) {
    check(count == 0);
    return 0;
  }
  check(count <= OR_CL_TUNE_MAX_ENTRIES);
  or_text_t text;
  or_text_init(&text, or_allocator_system());
  or_status_t status = or_cl_tune_format("device", entries, count, &text);
  if (or_ok(status)) {
    check(or_cl_tune_parse(text.data, text.length, "device", again, &count_again) && count_again == count);
    for (uint32_t i = 0; i < count; ++i) {
      check(strcmp(entries[i].key, again[i].key) == 0 && entries[i].choice == again[i].choice);
    }
  }
  or_status_ignore(status); /* want of memory */
  or_text_deinit(&text);
  return 0;
}
