/* The file of facts: whatever stands in it, what is taken keeps its promises, and is written as it was read. */
#include <stdlib.h>
#include <string.h>

#include "backends/opencl/facts_cache_internal.h"
#include "base/string.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool promise) {
  if (!promise) __builtin_trap();
}

static void check_device(const or_cl_found_t *device) {
  const or_device_facts_t *facts = &device->facts;
  check(memchr(facts->name, '\0', sizeof facts->name) != NULL && facts->name[0] != '\0');
  check(memchr(facts->hardware_id, '\0', sizeof facts->hardware_id) != NULL && facts->hardware_id[0] != '\0');
  check(memchr(facts->driver_version, '\0', sizeof facts->driver_version) != NULL);
  check(facts->capability_count <= OR_DEVICE_MAX_CAPABILITIES);
  for (uint32_t i = 0; i < facts->capability_count; ++i) check(facts->capabilities[i] != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static or_cl_found_t found[OR_CL_MAX_DEVICES], again[OR_CL_MAX_DEVICES];
  or_cl_facts_file_t file, second;
  uint32_t count = 0, count_again = 0;
  if (!or_cl_facts_cache_parse((const char *)data, size, &file, found, OR_CL_MAX_DEVICES, &count)) return 0;
  check(count <= OR_CL_MAX_DEVICES && file.library_bytes < size);
  for (uint32_t i = 0; i < count; ++i) check_device(&found[i]);

  char *library = malloc(file.library_bytes + 1);
  if (library == NULL) return 0;
  memcpy(library, file.library, file.library_bytes);
  library[file.library_bytes] = '\0';
  or_text_t text;
  or_text_init(&text, or_allocator_system());
  or_status_t status = or_cl_facts_cache_format(library, file.key, found, count, &text);
  if (or_ok(status)) {
    check(or_cl_facts_cache_parse(text.data, text.length, &second, again, OR_CL_MAX_DEVICES, &count_again));
    check(count_again == count && second.key == file.key);
  }
  or_status_ignore(status); /* want of memory */
  or_text_deinit(&text);
  free(library);
  return 0;
}
