/* The entry of the CPU backend: one device, which is opened without touching the disk but for oneDNN. */
#include <string.h>

#include "backends/cpu/device_internal.h"
#include "backends/cpu/dnnl.h"
#include "backends/cpu/facts.h"
#include "backends/cpu/sample.h"
#include "base/string.h"
#include "or_config.h"

static or_status_t enumerate(void *self, or_device_found_t found, void *context);
static or_status_t open_device(void *self, uint32_t index, or_device_t *device, or_backend_device_t *out);
static void describe(void *self, const char **detail, const char **advice);
static void close_backend(void *self);

/* The features that a level's name lets own kernels use. */
static or_cpu_features_t allowed_features(const char *isa) {
  const or_cpu_features_t avx2 = OR_CPU_AVX2 | OR_CPU_FMA | OR_CPU_F16C;
  const or_cpu_features_t amx = OR_CPU_AMX_TILE | OR_CPU_AMX_BF16 | OR_CPU_AMX_INT8;
  if (isa == NULL || isa[0] == '\0' || strcmp(isa, "amx") == 0) return UINT32_MAX;
  if (strcmp(isa, "avx512") == 0) return ~amx;
  if (strcmp(isa, "avx2") == 0) return avx2;
  if (strcmp(isa, "neon") == 0) return OR_CPU_NEON;
  return 0;
}

or_status_t or_backend_cpu_entry(const or_host_t *host, or_backend_t *out) {
  if (host->abi_version != OR_BACKEND_ABI_VERSION) {
    return or_error(OR_INVALID_ARGUMENT, "the host has ABI %u, the CPU backend needs %u", host->abi_version,
                    OR_BACKEND_ABI_VERSION);
  }
  void *memory = NULL;
  or_status_t status = or_alloc_zeroed(host->allocator, sizeof(or_cpu_backend_t), &memory);
  if (!or_ok(status)) return status;
  or_cpu_backend_t *backend = memory;
  backend->host = host;
  backend->allocator = host->allocator;
  backend->kernels = or_cpu_kernels_select(or_cpu_features_detect() & allowed_features(host->settings.cpu_isa));
  or_mutex_init(&backend->mutex);
  *out = (or_backend_t){
      .abi_version = OR_BACKEND_ABI_VERSION,
      .struct_size = sizeof *out,
      .name = "cpu",
      .self = backend,
      .enumerate = enumerate,
      .open = open_device,
      .describe = describe,
      .close = close_backend,
  };
  return status;
}

static or_status_t enumerate(void *self, or_device_found_t found, void *context) {
  const or_cpu_backend_t *backend = self;
  or_device_facts_t facts;
  or_cpu_facts_read(backend->host->settings.system_root, &facts);
  or_format(facts.compute_capability, sizeof facts.compute_capability, "%s", backend->kernels->name);
  return found(context, 0, &facts);
}

static void close_device(void *self) {
  or_cpu_device_t *device = self;
  or_cpu_sampler_free(device->sampler);
  or_free(device->allocator, device);
}

static or_status_t sample(void *self, or_device_sample_t *out) {
  const or_cpu_device_t *device = self;
  or_cpu_sampler_sample(device->sampler, out);
  return or_status_success();
}

/* At most the usable cores: threads that wait for each other by spinning must all have one. */
static int team_size(int32_t wanted, uint32_t cores) {
  int most = cores > 0 ? (int)cores : 1;
  return wanted > 0 && wanted < most ? wanted : most;
}

static or_status_t open_device(void *self, uint32_t index, or_device_t *device, or_backend_device_t *out) {
  or_cpu_backend_t *backend = self;
  if (index != 0) return or_error(OR_NOT_FOUND, "there is one CPU device, 0, not %u", index);
  const or_device_facts_t *facts = or_device_facts(device);
  void *memory = NULL;
  or_status_t status = or_alloc_zeroed(or_device_allocator(device), sizeof(or_cpu_device_t), &memory);
  if (!or_ok(status)) return status;
  or_cpu_device_t *opened = memory;
  *opened = (or_cpu_device_t){
      .backend = backend,
      .device = device,
      .allocator = or_device_allocator(device),
      .kernels = backend->kernels,
      .dnnl = or_cpu_backend_dnnl(backend),
      .caches = {(size_t)facts->cache_bytes[0], (size_t)facts->cache_bytes[1], (size_t)facts->cache_bytes[2]},
      .threads = team_size(backend->host->settings.threads, facts->compute_units),
  };
  /* The facts name a core's share; kernels count with what the team has of it. */
  opened->caches.l3_bytes *= or_cpu_min((size_t)opened->threads, facts->compute_units);
  status = or_cpu_sampler_create(opened->allocator, backend->host->settings.system_root, &opened->sampler);
  if (!or_ok(status)) {
    or_free(opened->allocator, opened);
    return status;
  }
  *out = (or_backend_device_t){
      .abi_version = OR_BACKEND_ABI_VERSION,
      .struct_size = sizeof *out,
      .self = opened,
      .memory_alloc = or_cpu_memory_alloc,
      .memory_release = or_cpu_memory_release,
      .memory_wrap = or_cpu_memory_wrap,
      .write = or_cpu_write,
      .read = or_cpu_read,
      .copy = or_cpu_copy,
      .queue_open = or_cpu_queue_open,
      .queue_close = or_cpu_queue_close,
      .supports = or_cpu_supports,
      .compile = or_cpu_compile,
      .sample = sample,
      .measure_peaks = or_cpu_measure_peaks,
      .precision = or_cpu_precision,
      .close = close_device,
  };
  return status;
}

const or_dnnl_t *or_cpu_backend_dnnl(or_cpu_backend_t *backend) {
  or_mutex_lock(&backend->mutex);
  if (!backend->looked_for_dnnl) {
    backend->looked_for_dnnl = true;
    char version[64] = "no oneDNN";
    if (!backend->host->settings.vendor_libraries) {
      or_format(version, sizeof version, "vendor libraries off");
    } else {
      or_status_t status = or_dnnl_open(backend->host->settings.cpu_isa, &backend->dnnl);
      if (or_ok(status)) {
        or_format(version, sizeof version, "oneDNN %s", or_dnnl_version(backend->dnnl));
      } else if (or_status_code(status) == OR_UNAVAILABLE) {
        or_format(backend->advice_text, sizeof backend->advice_text, "%s%s",
                  OR_HAVE_DNNL ? "install libdnnl2 (Debian 12): " : "", or_status_message(status));
        backend->advice = backend->advice_text;
      }
      or_status_ignore(status); /* our own kernels do without; the advice says what is missing */
    }
    or_format(backend->detail, sizeof backend->detail, "%s, %s kernels", version, backend->kernels->name);
  }
  const or_dnnl_t *dnnl = backend->dnnl;
  or_mutex_unlock(&backend->mutex);
  return dnnl;
}

static void describe(void *self, const char **detail, const char **advice) {
  or_cpu_backend_t *backend = self;
  (void)or_cpu_backend_dnnl(backend);
  *detail = backend->detail;
  *advice = backend->advice;
}

static void close_backend(void *self) {
  or_cpu_backend_t *backend = self;
  or_mutex_deinit(&backend->mutex);
  or_free(backend->allocator, backend);
}

or_status_t or_cpu_queue_open(void *self, void **queue) {
  or_cpu_device_t *device = self;
  void *memory = NULL;
  *queue = NULL;
  or_status_t status = or_alloc_zeroed(device->allocator, sizeof(or_cpu_queue_t), &memory);
  if (!or_ok(status)) return status;
  or_cpu_queue_t *opened = memory;
  opened->device = device;
  status = or_team_create(device->allocator, device->threads, &opened->team);
  if (or_ok(status) && device->dnnl != NULL) status = or_dnnl_stream_create(device->dnnl, &opened->dnnl_stream);
  if (!or_ok(status)) {
    or_cpu_queue_close(self, opened);
    return status;
  }
  *queue = opened;
  return status;
}

void or_cpu_queue_close(void *self, void *queue) {
  or_cpu_device_t *device = self;
  or_cpu_queue_t *opened = queue;
  if (opened->dnnl_stream != NULL) or_dnnl_stream_destroy(device->dnnl, opened->dnnl_stream);
  or_team_free(opened->team);
  or_free(device->allocator, opened);
}
