/* The entry of the OpenCL backend. The library is opened when devices are looked for, once a process. */
#include <string.h>

#include "backends/opencl/device_internal.h"
#include "backends/opencl/facts_cache_internal.h"
#include "backends/registry.h"
#include "base/string.h"

#define ADVICE "install your GPU's OpenCL driver, or pocl-opencl-icd for the processor (Debian, Ubuntu)"
#define ADVICE_NAMED "let " OR_CL_LIBRARY_VARIABLE " name an OpenCL library, or unset it for the system's"

static or_status_t enumerate(void *self, or_device_found_t found, void *context);
static void describe(void *self, const char **detail, const char **advice);
static void close_backend(void *self);

or_status_t or_backend_opencl_entry(const or_host_t *host, or_backend_t *out) {
  if (host->abi_version != OR_BACKEND_ABI_VERSION) {
    return or_error(OR_INVALID_ARGUMENT, "the host has ABI %u, the OpenCL backend needs %u", host->abi_version,
                    OR_BACKEND_ABI_VERSION);
  }
  void *memory = NULL;
  or_status_t status = or_alloc_zeroed(host->allocator, sizeof(or_cl_backend_t), &memory);
  if (!or_ok(status)) return status;
  or_cl_backend_t *backend = memory;
  backend->host = host;
  backend->allocator = host->allocator;
  or_mutex_init(&backend->mutex);
  *out = (or_backend_t){
      .abi_version = OR_BACKEND_ABI_VERSION,
      .struct_size = sizeof *out,
      .name = "opencl",
      .self = backend,
      .enumerate = enumerate,
      .open = or_cl_device_open,
      .describe = describe,
      .close = close_backend,
  };
  return status;
}

/* Asks the platforms. A failure is no device, and the reason stays. */
static or_status_t ask_platforms(or_cl_backend_t *backend, or_cl_found_list_t *found) {
  found->count = 0;
  or_status_t status = or_cl_library_open(&backend->cl);
  return or_ok(status) ? or_cl_facts_read(backend->cl, found) : status;
}

/* What was found before, if the machine is as it was; else from the platforms, and kept. */
static or_status_t look_locked(or_cl_backend_t *backend) {
  const char *folder = backend->host->settings.cache_directory;
  or_cl_found_list_t *found = &backend->found;
  backend->cached =
      or_cl_facts_cache_load(backend->allocator, folder, found->devices, OR_CL_MAX_DEVICES, &found->count);
  if (backend->cached) return or_status_success();
  or_status_t status = ask_platforms(backend, found);
  if (or_ok(status) && found->complete) {
    or_cl_facts_cache_save(backend->allocator, folder, or_cl_library_path(), found->devices, found->count);
  }
  return status;
}

static void say_what_was_found(or_cl_backend_t *backend, or_status_t status) {
  backend->advice = NULL;
  if (!or_ok(status)) {
    (void)or_format(backend->detail, sizeof backend->detail, "no OpenCL: %s", or_status_message(status));
  } else if (backend->found.count == 0) {
    (void)or_format(backend->detail, sizeof backend->detail,
                    "the OpenCL loader is there, but no driver that offers a device with OpenCL 1.2 (little-endian, "
                    "64-bit addresses)");
  } else {
    const or_cl_found_t *first = &backend->found.devices[0];
    (void)or_format(backend->detail, sizeof backend->detail, "%s", first->platform_version);
  }
  if (backend->found.count > 0) return;
  (void)or_format(backend->advice_text, sizeof backend->advice_text, "%s",
                  backend->cl == NULL && or_cl_library_is_named() ? ADVICE_NAMED : ADVICE);
  backend->advice = backend->advice_text;
}

static void look(or_cl_backend_t *backend) {
  or_mutex_lock(&backend->mutex);
  if (!backend->looked) {
    backend->looked = true;
    if (!backend->host->settings.vendor_libraries) {
      (void)or_format(backend->detail, sizeof backend->detail, "vendor libraries off");
    } else {
      or_status_t status = look_locked(backend);
      say_what_was_found(backend, status);
      or_status_ignore(status); /* no device is an answer; `describe` has the words */
    }
  }
  or_mutex_unlock(&backend->mutex);
}

static or_status_t enumerate(void *self, or_device_found_t found, void *context) {
  or_cl_backend_t *backend = self;
  or_status_t status = or_status_success();
  look(backend);
  for (uint32_t i = 0; or_ok(status) && i < backend->found.count; ++i) {
    status = found(context, i, &backend->found.devices[i].facts);
  }
  return status;
}

static bool is_same(const or_cl_found_t *a, const or_cl_found_t *b) {
  return a->platform == b->platform && a->index == b->index && strcmp(a->facts.name, b->facts.name) == 0 &&
         strcmp(a->facts.driver_version, b->facts.driver_version) == 0 &&
         strcmp(a->facts.hardware_id, b->facts.hardware_id) == 0;
}

/* From here on the library is needed: the platforms are asked after all, and must have what was kept. */
static or_status_t confirm_locked(or_cl_backend_t *backend) {
  void *memory = NULL;
  or_status_t status = or_alloc_zeroed(backend->allocator, sizeof(or_cl_found_list_t), &memory);
  if (!or_ok(status)) return status;
  or_cl_found_list_t *found = memory, *kept = &backend->found;
  status = ask_platforms(backend, found);
  bool same = or_ok(status) && found->count == kept->count;
  for (uint32_t i = 0; same && i < found->count; ++i) same = is_same(&found->devices[i], &kept->devices[i]);
  if (same) {
    for (uint32_t i = 0; i < found->count; ++i) kept->devices[i].ref = found->devices[i].ref;
    backend->cached = false;
  } else {
    or_cl_facts_cache_remove(backend->host->settings.cache_directory);
    if (or_ok(status)) {
      status = or_error(OR_UNAVAILABLE, "the machine's OpenCL devices are no longer those that were found before: run "
                                        "it again");
    }
  }
  or_free(backend->allocator, memory);
  return status;
}

or_status_t or_cl_backend_locate(or_cl_backend_t *backend, uint32_t index, or_cl_found_t *out) {
  or_status_t status = or_status_success();
  look(backend);
  or_mutex_lock(&backend->mutex);
  if (index >= backend->found.count) {
    status = or_error(OR_NOT_FOUND, "there are %u OpenCL devices; %u is none of them", backend->found.count, index);
  } else if (backend->cached) {
    status = confirm_locked(backend);
  }
  if (or_ok(status)) *out = backend->found.devices[index];
  or_mutex_unlock(&backend->mutex);
  return status;
}

static void describe(void *self, const char **detail, const char **advice) {
  or_cl_backend_t *backend = self;
  look(backend);
  *detail = backend->detail;
  *advice = backend->advice;
}

static void close_backend(void *self) {
  or_cl_backend_t *backend = self;
  or_mutex_deinit(&backend->mutex);
  or_free(backend->allocator, backend);
}
