/* The test's side: finds the library's functions after it was loaded as the product loads it. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

#include "fake_opencl/fake_opencl.h"

static struct {
  void (*set)(const char *what, const char *value);
  uint64_t (*count)(const char *name);
  int64_t (*live)(const char *object);
  const char *(*failed)(void);
} library;

const char *fake_opencl_path(void) { return FAKE_OPENCL_LIBRARY; }

bool fake_opencl_open(void) {
  void *handle = dlopen(FAKE_OPENCL_LIBRARY, RTLD_NOW | RTLD_LOCAL);
  if (handle == NULL) {
    (void)fprintf(stderr, "%s\n", dlerror());
    return false;
  }
  *(void **)&library.set = dlsym(handle, "fake_opencl_rule_set");
  *(void **)&library.count = dlsym(handle, "fake_opencl_rule_count");
  *(void **)&library.live = dlsym(handle, "fake_opencl_rule_live");
  *(void **)&library.failed = dlsym(handle, "fake_opencl_rule_failed");
  bool whole = library.set != NULL && library.count != NULL && library.live != NULL && library.failed != NULL;
  return whole && setenv("OPENRUNTIME_OPENCL_LIBRARY", FAKE_OPENCL_LIBRARY, 1) == 0;
}

void fake_opencl_set(const char *what, const char *value) { library.set(what, value); }

uint64_t fake_opencl_count(const char *name) { return library.count(name); }

int64_t fake_opencl_live(const char *object) { return library.live(object); }

const char *fake_opencl_failed(void) { return library.failed(); }
