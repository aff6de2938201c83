#ifndef OR_BACKENDS_OPENCL_OPENCL_TEST_INTERNAL_H
#define OR_BACKENDS_OPENCL_OPENCL_TEST_INTERNAL_H
/* For this folder's tests: the backend on counted memory, with a folder of caches of its own. Where the machine has no
 * OpenCL device the tests say so and are skipped. */

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "backends/opencl/device_internal.h"
#include "backends/registry.h"
#include "base/string.h"
#include "base/testing.h"
#include "fake/rig.h"

#if defined(__SANITIZE_ADDRESS__)
/* PoCL keeps what its compiler made of a source that was refused. Read by the sanitizer when the process ends. */
__attribute__((visibility("default"))) const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void) { return "leak:libpocl.so\nleak:libLLVM"; }
#endif

static or_counting_allocator_t cl_memory;
static or_rig_t cl_rig;
static char cl_folder[] = "/tmp/or_opencl_XXXXXX";

/* False: there is no device. */
static inline bool cl_open(void) {
  or_backend_settings_t settings = {
      .cpu_isa = "", .system_root = "", .cache_directory = cl_folder, .vendor_libraries = true};
  or_counting_allocator_init(&cl_memory, or_allocator_system(), 0);
  expect_ok(or_rig_open(&cl_rig, &cl_memory.base, or_backend_opencl_entry, &settings));
  return cl_rig.device_count > 0;
}

static inline void cl_close(void) {
  or_rig_close(&cl_rig);
  assert_int_equal(cl_memory.live_bytes, 0);
  assert_int_equal(or_status_live_count(), 0);
}

/* Opens the backend and its first device, or ends the test as skipped. */
static inline or_cl_device_t *cl_open_device(void) {
  const or_backend_device_t *opened = NULL;
  if (!cl_open()) {
    cl_close();
    print_message("skipped: no OpenCL device (install pocl-opencl-icd)\n");
    skip();
  }
  expect_ok(or_device_open(cl_rig.devices[0], &opened));
  return opened->self;
}

/* Each file of the folder whose name begins so: `use` gets its path. How many there were. */
static inline unsigned cl_each_file(const char *begin, void (*use)(const char *path)) {
  unsigned count = 0;
  char path[512];
  DIR *directory = opendir(cl_folder);
  assert_non_null(directory);
  for (const struct dirent *entry; (entry = readdir(directory)) != NULL;) {
    if (!or_string_starts_with(entry->d_name, begin) || entry->d_name[0] == '.') continue;
    ++count;
    if (use != NULL) use(or_format(path, sizeof path, "%s/%s", cl_folder, entry->d_name));
  }
  (void)closedir(directory);
  return count;
}

static inline void cl_unlink(const char *path) { (void)unlink(path); }

static inline int cl_make_folder(void **state) {
  (void)state;
  return mkdtemp(cl_folder) != NULL ? 0 : -1;
}

static inline int cl_remove_folder(void **state) {
  (void)state;
  (void)cl_each_file("", cl_unlink);
  return rmdir(cl_folder);
}

#endif
