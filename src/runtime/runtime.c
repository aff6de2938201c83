#include "runtime/runtime.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cache_folder.h"
#include "base/file.h"
#include "base/log.h"
#include "base/string.h"
#include "hal/parallel.h"
#include "hal/queue.h"
#include "runtime/runtime_internal.h"

static or_status_t copy_settings(or_runtime_t *runtime, const or_runtime_options_t *options);
static const char *usable_cache(const char *path, char *absolute, size_t capacity);
static or_status_t enter_backends(or_runtime_t *runtime, const or_runtime_options_t *options,
                                  const or_backend_registration_t *backends, size_t count);
static or_status_t device_found(void *context, uint32_t index, const or_device_facts_t *facts);
static void destroy(or_runtime_t *runtime);

or_runtime_options_t or_runtime_options_default(void) { return (or_runtime_options_t){.vendor_libraries = true}; }

or_status_t or_runtime_create(const or_runtime_options_t *options, or_runtime_t **out) {
#define REGISTRATION(name) {#name, or_backend_##name##_entry},
  static const or_backend_registration_t registrations[] = {OR_BACKENDS(REGISTRATION)};
#undef REGISTRATION
  return or_runtime_create_with(options, registrations, sizeof registrations / sizeof *registrations, out);
}

or_status_t or_runtime_create_with(const or_runtime_options_t *options, const or_backend_registration_t *backends,
                                   size_t count, or_runtime_t **out) {
  or_runtime_options_t defaults = or_runtime_options_default();
  void *memory = NULL;
  *out = NULL;
  if (options == NULL) options = &defaults;
  const or_allocator_t *allocator = options->allocator != NULL ? options->allocator : or_allocator_system();
  or_status_t status = or_alloc_zeroed(allocator, sizeof(or_runtime_t), &memory);
  if (!or_ok(status)) return status;
  or_runtime_t *runtime = memory;
  or_ref_init(&runtime->users);
  or_ref_init(&runtime->keeps);
  runtime->allocator = allocator;
  or_compute_cache_init(&runtime->compute);
  or_trace_init(&runtime->trace, allocator);

  status = copy_settings(runtime, options);
  if (or_ok(status)) status = enter_backends(runtime, options, backends, count);
  if (!or_ok(status)) {
    destroy(runtime);
    return status;
  }
  *out = runtime;
  return status;
}

void or_runtime_retain(or_runtime_t *runtime) { or_ref_retain(&runtime->users); }

void or_runtime_release(or_runtime_t *runtime) {
  if (runtime == NULL || !or_ref_release(&runtime->users)) return;
  or_compute_cache_close(&runtime->compute);
  or_runtime_let_go(runtime);
}

void or_runtime_keep(or_runtime_t *runtime) { or_ref_retain(&runtime->keeps); }

static void destroy_on_a_thread(void *runtime) { destroy(runtime); }

/* The last keep may be dropped on a queue's own thread (a callback that releases the last tensor), which can't wait for
   itself. */
void or_runtime_let_go(or_runtime_t *runtime) {
  if (!or_ref_release(&runtime->keeps)) return;
  if (!or_queue_on_thread()) {
    destroy(runtime);
    return;
  }
  or_thread_t thread = {0};
  or_status_t status = or_thread_start(&thread, "or-destroy", destroy_on_a_thread, runtime);
  if (or_ok(status)) {
    (void)pthread_detach(thread.handle);
    return;
  }
  or_log(OR_LOG_RUNTIME, OR_LOG_ERROR, "runtime_leaked", "code=%s", or_status_mapping(or_status_code(status))->name);
  or_status_ignore(status); /* nobody is left to tell; the log has it */
}

static void keeper_retain(void *runtime) { or_runtime_keep(runtime); }
static void keeper_release(void *runtime) { or_runtime_let_go(runtime); }

const or_allocator_t *or_runtime_allocator(const or_runtime_t *runtime) { return runtime->allocator; }
size_t or_runtime_device_count(const or_runtime_t *runtime) { return runtime->device_count; }

const or_backend_settings_t *or_runtime_settings(const or_runtime_t *runtime) { return &runtime->host.settings; }

or_trace_t *or_runtime_trace(or_runtime_t *runtime) { return &runtime->trace; }

or_device_t *or_runtime_device(const or_runtime_t *runtime, size_t index) {
  return index < runtime->device_count ? runtime->devices[index] : NULL;
}

or_runtime_t *or_runtime_of_device(const or_device_t *device) { return or_device_keeper(device); }

or_device_t *or_runtime_host_device(const or_runtime_t *runtime) {
  for (size_t i = 0; i < runtime->device_count; ++i) {
    const or_device_facts_t *facts = or_device_facts(runtime->devices[i]);
    if (strcmp(facts->type, "cpu") == 0) return runtime->devices[i];
  }
  for (size_t i = 0; i < runtime->device_count; ++i) {
    if (or_device_facts(runtime->devices[i])->unified_memory) return runtime->devices[i];
  }
  return NULL;
}

static void host_log(or_log_level_t level, const char *event, const char *format, ...) OR_PRINTF(3, 4);
static void host_log(or_log_level_t level, const char *event, const char *format, ...) {
  char fields[OR_LOG_LINE_BYTES];
  va_list arguments;
  if (!or_log_enabled(OR_LOG_BACKEND, level)) return;
  va_start(arguments, format);
  (void)vsnprintf(fields, sizeof fields, format, arguments);
  va_end(arguments);
  or_log_write(OR_LOG_BACKEND, level, event, "%s", fields);
}

const or_model_limits_t *or_runtime_model_limits(const or_runtime_t *runtime) { return &runtime->model_limits; }

static or_status_t copy_settings(or_runtime_t *runtime, const or_runtime_options_t *options) {
  if (options->model_limits != NULL) runtime->model_limits = *options->model_limits;
  static const char *const levels[] = {"portable", "avx2", "avx512", "amx", "neon"};
  char cache[OR_FILE_PATH_BYTES];
  const char *given[3] = {options->cpu_isa, options->system_root,
                          usable_cache(options->cache_directory, cache, sizeof cache)};
  if (options->threads < 0)
    return or_error(OR_INVALID_ARGUMENT, "threads is %d; 0 means all usable cores", options->threads);
  if (options->cpu_isa != NULL && options->cpu_isa[0] != '\0') {
    bool known = false;
    for (size_t i = 0; i < sizeof levels / sizeof *levels; ++i)
      known = known || strcmp(levels[i], options->cpu_isa) == 0;
    if (!known) {
      return or_error(OR_INVALID_ARGUMENT,
                      "unknown instruction set \"%s\"; there are: portable, avx2, avx512, amx, neon", options->cpu_isa);
    }
  }
  for (int i = 0; i < 3; ++i) {
    or_status_t status = or_strdup(runtime->allocator, given[i] != NULL ? given[i] : "", &runtime->settings_text[i]);
    if (!or_ok(status)) return status;
  }
  runtime->host = (or_host_t){
      .abi_version = OR_BACKEND_ABI_VERSION,
      .struct_size = sizeof(or_host_t),
      .allocator = runtime->allocator,
      .settings = {.cpu_isa = runtime->settings_text[0],
                   .system_root = runtime->settings_text[1],
                   .cache_directory = runtime->settings_text[2],
                   .threads = options->threads,
                   .vendor_libraries = options->vendor_libraries},
      .status_make = or_status_make,
      .log = host_log,
      .cancel_requested = or_cancel_requested,
      .parallel_for = or_parallel_for,
  };
  return or_status_success();
}

/* Without a cache everything works, more slowly: so a folder that is no good is told, and none is used. */
static const char *usable_cache(const char *path, char *absolute, size_t capacity) {
  if (path == NULL || path[0] == '\0') return "";
  or_status_t status = or_cache_folder_open(path, absolute, capacity);
  if (or_ok(status)) return absolute;
  char reason[OR_LOG_LINE_BYTES];
  or_log(OR_LOG_RUNTIME, OR_LOG_WARNING, "no_cache", "reason=%s",
         or_log_quote(or_status_message(status), reason, sizeof reason));
  or_status_ignore(status); /* told */
  return "";
}

/* The registration of the next name of a comma-separated list; *list moves behind it. */
static or_status_t next_backend(const char **list, const or_backend_registration_t *backends, size_t count,
                                const or_backend_registration_t **out) {
  size_t length = strcspn(*list, ",");
  const char *name = *list;
  *list += length + ((*list)[length] == ',');
  for (size_t i = 0; i < count; ++i) {
    if (strlen(backends[i].name) == length && memcmp(backends[i].name, name, length) == 0) {
      *out = &backends[i];
      return or_status_success();
    }
  }
  char known[256] = "";
  for (size_t i = 0; i < count; ++i) {
    size_t used = strlen(known);
    or_format(known + used, sizeof known - used, "%s%s", i > 0 ? ", " : "", backends[i].name);
  }
  return or_error(OR_INVALID_ARGUMENT, "unknown backend \"%.*s\"; there are: %s", (int)length, name, known);
}

typedef struct found_context_t {
  or_runtime_t *runtime;
  or_backend_slot_t *slot;
} found_context_t;

/* A backend that does not work is told of by or_runtime_backend; only want of memory ends the start. */
static or_status_t enter_backend(or_runtime_t *runtime, const or_backend_registration_t *registration) {
  or_backend_slot_t *slot = &runtime->backends[runtime->backend_count++];
  slot->name = registration->name;
  or_status_t status = registration->entry(&runtime->host, &slot->table);
  slot->entered = or_ok(status);
  found_context_t context = {runtime, slot};
  if (slot->entered) status = slot->table.enumerate(slot->table.self, device_found, &context);
  if (or_ok(status) || or_status_code(status) == OR_RESOURCE_EXHAUSTED) return status;
  or_format(slot->failure, sizeof slot->failure, "%s", or_status_message(status));
  or_log(OR_LOG_RUNTIME, OR_LOG_WARNING, "backend_unavailable", "backend=%s code=%s", slot->name,
         or_status_mapping(or_status_code(status))->name);
  or_status_ignore(status); /* kept in words in slot->failure */
  return or_status_success();
}

static or_status_t enter_backends(or_runtime_t *runtime, const or_runtime_options_t *options,
                                  const or_backend_registration_t *backends, size_t count) {
  void *slots = NULL;
  or_status_t status = or_alloc_array(runtime->allocator, count, sizeof *runtime->backends, &slots);
  if (!or_ok(status)) return status;
  runtime->backends = slots;
  if (options->backends == NULL) {
    for (size_t i = 0; i < count && or_ok(status); ++i) status = enter_backend(runtime, &backends[i]);
    return status;
  }
  for (const char *list = options->backends; *list != '\0' && or_ok(status);) {
    const or_backend_registration_t *registration = NULL;
    status = next_backend(&list, backends, count, &registration);
    for (size_t i = 0; or_ok(status) && i < runtime->backend_count; ++i) {
      if (strcmp(runtime->backends[i].name, registration->name) == 0)
        status = or_error(OR_INVALID_ARGUMENT, "backends \"%s\": a name is given twice", options->backends);
    }
    if (or_ok(status)) status = enter_backend(runtime, registration);
  }
  return status;
}

static or_status_t hardware_of(or_runtime_t *runtime, const char *hardware_id, or_hardware_t **out) {
  for (size_t i = 0; i < runtime->hardware_count; ++i) {
    if (strcmp(or_hardware_id(runtime->hardware[i]), hardware_id) == 0) {
      *out = runtime->hardware[i];
      return or_status_success();
    }
  }
  void *array = runtime->hardware;
  or_status_t status = or_grow_array(runtime->allocator, runtime->hardware_count + 1, sizeof *runtime->hardware, &array,
                                     &runtime->hardware_capacity);
  runtime->hardware = array;
  if (or_ok(status)) status = or_hardware_create(runtime->allocator, hardware_id, out);
  if (or_ok(status)) runtime->hardware[runtime->hardware_count++] = *out;
  return status;
}

static or_status_t device_found(void *context, uint32_t index, const or_device_facts_t *facts) {
  found_context_t *found = context;
  or_runtime_t *runtime = found->runtime;
  or_hardware_t *hardware = NULL;
  or_device_t *device = NULL;
  void *array = runtime->devices;
  or_status_t status = or_grow_array(runtime->allocator, runtime->device_count + 1, sizeof(or_device_t *), &array,
                                     &runtime->device_capacity);
  runtime->devices = array;
  if (or_ok(status)) status = hardware_of(runtime, facts->hardware_id, &hardware);
  if (or_ok(status))
    status = or_device_create(runtime->allocator, &found->slot->table, index, facts, hardware, &device);
  if (!or_ok(status)) return status;
  or_device_set_keeper(device, (or_keeper_t){runtime, keeper_retain, keeper_release});
  or_device_set_trace(device, &runtime->trace);
  runtime->devices[runtime->device_count++] = device;
  ++found->slot->device_count;
  return status;
}

void or_runtime_prepare_process(void) { or_parallel_prepare_process(); }

static void destroy(or_runtime_t *runtime) {
  or_compute_cache_deinit(&runtime->compute);
  for (size_t i = runtime->device_count; i-- > 0;) or_device_free(runtime->devices[i]);
  for (size_t i = runtime->hardware_count; i-- > 0;) or_hardware_release(runtime->hardware[i]);
  for (size_t i = runtime->backend_count; i-- > 0;) {
    or_backend_slot_t *slot = &runtime->backends[i];
    if (slot->entered && slot->table.close != NULL) slot->table.close(slot->table.self);
  }
  for (int i = 0; i < 3; ++i) or_free(runtime->allocator, runtime->settings_text[i]);
  or_free(runtime->allocator, runtime->devices);
  or_free(runtime->allocator, runtime->hardware);
  or_free(runtime->allocator, runtime->backends);
  or_trace_deinit(&runtime->trace);
  or_free(runtime->allocator, runtime);
}
