/* What OpenCL says about its devices. Nothing is opened on them. */
#include <stdlib.h>
#include <string.h>

#include "backends/opencl/device_internal.h"
#include "base/string.h"

#define MAX_PLATFORMS 16u

/* Questions to a device. That it has no answer to one is an answer; that it can answer none now is a failure, and the
 * last one stays. */
typedef struct query_t {
  const or_cl_library_t *cl;
  or_cl_device_ref_t ref;
  int32_t failure; /* OR_CL_SUCCESS: none */
} query_t;

static bool is_failure(int32_t code) {
  or_status_t status = or_cl_check(code, "");
  bool fails = or_status_code(status) == OR_DEVICE_LOST || or_status_code(status) == OR_RESOURCE_EXHAUSTED;
  or_status_ignore(status); /* only its code is wanted */
  return fails;
}

static int32_t ask(query_t *query, uint32_t name, size_t room, void *out, size_t *bytes) {
  int32_t code = query->cl->GetDeviceInfo(query->ref, name, room, out, bytes);
  if (is_failure(code)) query->failure = code;
  return code;
}

/* A query whose answer has a fixed width; `fallback` where the device has none. */
static uint64_t read_number(query_t *query, uint32_t name, size_t bytes, uint64_t fallback) {
  union {
    uint32_t narrow;
    uint64_t wide;
  } value = {.wide = 0};
  size_t got = 0;
  if (ask(query, name, sizeof value, &value, &got) != OR_CL_SUCCESS || got != bytes) return fallback;
  return bytes == sizeof value.narrow ? value.narrow : value.wide;
}

static uint32_t read_u32(query_t *query, uint32_t name, uint32_t fallback) {
  return (uint32_t)read_number(query, name, sizeof(uint32_t), fallback);
}

static uint64_t read_u64(query_t *query, uint32_t name, uint64_t fallback) {
  return read_number(query, name, sizeof(uint64_t), fallback);
}

/* Spaces at both ends go: drivers pad names. */
static void tidy(char *text) {
  size_t begin = strspn(text, " \t\r\n"), length = strlen(text);
  while (length > begin && strchr(" \t\r\n", text[length - 1]) != NULL) --length;
  memmove(text, text + begin, length - begin);
  text[length - begin] = '\0';
  or_utf8_repair(text, length - begin, false);
}

/* A text of the device, cut to the capacity; "" where there is none. */
static void read_text(query_t *query, uint32_t name, char *text, size_t capacity) {
  char long_text[512] = "";
  size_t bytes = 0;
  text[0] = '\0';
  if (ask(query, name, 0, NULL, &bytes) != OR_CL_SUCCESS || bytes == 0) return;
  if (bytes > sizeof long_text) return; /* longer than any name */
  if (ask(query, name, sizeof long_text, long_text, NULL) != OR_CL_SUCCESS) return;
  long_text[sizeof long_text - 1] = '\0';
  tidy(long_text);
  (void)or_format(text, capacity, "%s", long_text);
}

/* Extensions are words of one long text. */
static bool has_word(const char *words, const char *word) {
  size_t length = strlen(word);
  for (const char *at = words; (at = strstr(at, word)) != NULL; at += length) {
    bool begins = at == words || at[-1] == ' ', ends = at[length] == ' ' || at[length] == '\0';
    if (begins && ends) return true;
  }
  return false;
}

#define EXTENSIONS_BYTES 16384u

/* On failure the text is empty. */
static void read_extensions(query_t *query, char text[EXTENSIONS_BYTES]) {
  text[0] = '\0';
  if (ask(query, OR_CL_DEVICE_EXTENSIONS, EXTENSIONS_BYTES, text, NULL) != OR_CL_SUCCESS) text[0] = '\0';
  text[EXTENSIONS_BYTES - 1] = '\0';
}

/* "OpenCL 1.2 …": 12. */
static unsigned read_version(query_t *query) {
  char text[OR_DEVICE_TEXT_BYTES];
  read_text(query, OR_CL_DEVICE_VERSION, text, sizeof text);
  if (!or_string_starts_with(text, "OpenCL ")) return 0;
  char *end = NULL;
  unsigned long major = strtoul(text + strlen("OpenCL "), &end, 10);
  unsigned long minor = *end == '.' ? strtoul(end + 1, NULL, 10) : 0;
  return major < 100 && minor < 10 ? (unsigned)(major * 10 + minor) : 0;
}

static void read_traits(query_t *query, or_cl_traits_t *out) {
  const or_cl_library_t *cl = query->cl;
  char extensions[EXTENSIONS_BYTES];
  read_extensions(query, extensions);
  uint64_t svm = read_version(query) >= 20 ? read_u64(query, OR_CL_DEVICE_SVM_CAPABILITIES, 0) : 0;
  bool offered =
      cl->SVMAlloc != NULL && cl->SVMFree != NULL && cl->SetKernelArgSVMPointer != NULL && cl->EnqueueSVMMemcpy != NULL;
  *out = (or_cl_traits_t){
      .is_cpu = (read_u64(query, OR_CL_DEVICE_TYPE, 0) & OR_CL_DEVICE_TYPE_CPU) != 0,
      .fp64 = has_word(extensions, "cl_khr_fp64"),
      .fp16 = has_word(extensions, "cl_khr_fp16"),
      .subgroups = has_word(extensions, "cl_khr_subgroups"),
      .host_memory = offered && (svm & OR_CL_DEVICE_SVM_FINE_GRAIN_BUFFER) != 0,
      .unified_memory = read_u32(query, OR_CL_DEVICE_HOST_UNIFIED_MEMORY, 0) != 0,
      .exact_division =
          (read_u64(query, OR_CL_DEVICE_SINGLE_FP_CONFIG, 0) & OR_CL_FP_CORRECTLY_ROUNDED_DIVIDE_SQRT) != 0,
      .compute_units = read_u32(query, OR_CL_DEVICE_MAX_COMPUTE_UNITS, 1),
      .vector_floats = read_u32(query, OR_CL_DEVICE_NATIVE_VECTOR_WIDTH_FLOAT, 1),
      .max_group = (size_t)read_u64(query, OR_CL_DEVICE_MAX_WORK_GROUP_SIZE, 1),
      .max_items = {1, 1, 1},
      .local_bytes = (size_t)read_u64(query, OR_CL_DEVICE_LOCAL_MEM_SIZE, 0),
      .max_alloc_bytes = (size_t)read_u64(query, OR_CL_DEVICE_MAX_MEM_ALLOC_SIZE, 0),
  };
  out->system_memory = out->host_memory && (svm & OR_CL_DEVICE_SVM_FINE_GRAIN_SYSTEM) != 0;
  size_t items[8] = {0}, got = 0; /* three dimensions at least; drivers may have more */
  int32_t code = ask(query, OR_CL_DEVICE_MAX_WORK_ITEM_SIZES, sizeof items, items, &got);
  if (code == OR_CL_SUCCESS && got >= sizeof out->max_items) memcpy(out->max_items, items, sizeof out->max_items);
}

or_status_t or_cl_traits_read(const or_cl_library_t *cl, or_cl_device_ref_t ref, or_cl_traits_t *out) {
  query_t query = {.cl = cl, .ref = ref};
  read_traits(&query, out);
  return or_cl_check(query.failure, "clGetDeviceInfo");
}

/* The piece of hardware, so that devices of several backends on it are known to be one. */
static void name_hardware(query_t *query, const or_cl_found_t *found, const char *extensions, char *id,
                          size_t capacity) {
  or_cl_pci_bus_info_t pci;
  or_cl_topology_amd_t topology;
  uint8_t uuid[OR_CL_UUID_BYTES];
  size_t got = 0;
  if ((read_u64(query, OR_CL_DEVICE_TYPE, 0) & OR_CL_DEVICE_TYPE_CPU) != 0) {
    (void)or_format(id, capacity, "host");
  } else if (has_word(extensions, "cl_khr_pci_bus_info") &&
             ask(query, OR_CL_DEVICE_PCI_BUS_INFO_KHR, sizeof pci, &pci, &got) == OR_CL_SUCCESS && got == sizeof pci) {
    (void)or_format(id, capacity, "%04x:%02x:%02x.%x", pci.domain, pci.bus, pci.device, pci.function);
  } else if (has_word(extensions, "cl_nv_device_attribute_query") &&
             read_u32(query, OR_CL_DEVICE_PCI_BUS_ID_NV, UINT32_MAX) != UINT32_MAX) {
    /* The slot holds device and function as PCI packs them. */
    uint32_t slot = read_u32(query, OR_CL_DEVICE_PCI_SLOT_ID_NV, 0);
    (void)or_format(id, capacity, "%04x:%02x:%02x.%x", read_u32(query, OR_CL_DEVICE_PCI_DOMAIN_ID_NV, 0),
                    read_u32(query, OR_CL_DEVICE_PCI_BUS_ID_NV, 0), slot >> 3, slot & 7);
  } else if (has_word(extensions, "cl_amd_device_attribute_query") &&
             ask(query, OR_CL_DEVICE_TOPOLOGY_AMD, sizeof topology, &topology, &got) == OR_CL_SUCCESS &&
             got == sizeof topology && topology.type == 1) {
    (void)or_format(id, capacity, "0000:%02x:%02x.%x", topology.bus, topology.device, topology.function);
  } else if (has_word(extensions, "cl_khr_device_uuid") &&
             ask(query, OR_CL_DEVICE_UUID_KHR, sizeof uuid, uuid, &got) == OR_CL_SUCCESS && got == sizeof uuid) {
    size_t used = 0;
    for (size_t i = 0; i < sizeof uuid; ++i) {
      const char *dash = i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "";
      (void)or_format(id + used, capacity - used, "%s%02x", dash, uuid[i]);
      used = strlen(id);
    }
  } else {
    (void)or_format(id, capacity, "opencl:%u:%u", found->platform, found->index);
  }
}

static void add_capability(or_device_facts_t *out, const char *name) {
  if (out->capability_count < OR_DEVICE_MAX_CAPABILITIES) out->capabilities[out->capability_count++] = name;
}

static void name_capabilities(const or_cl_traits_t *traits, const char *extensions, or_device_facts_t *out) {
  add_capability(out, "fp32");
  if (traits->fp64) add_capability(out, "fp64");
  if (traits->fp16) add_capability(out, "fp16");
  if (has_word(extensions, "cl_khr_integer_dot_product")) add_capability(out, "int8");
  if (traits->subgroups) add_capability(out, "subgroups");
  if (traits->host_memory) add_capability(out, "shared_virtual_memory");
  if (out->unified_memory) add_capability(out, "unified_memory");
}

static void read_device(query_t *query, or_cl_found_t *found) {
  or_device_facts_t *out = &found->facts;
  char extensions[EXTENSIONS_BYTES], board[OR_DEVICE_TEXT_BYTES];
  or_cl_traits_t traits;
  read_traits(query, &traits);
  read_extensions(query, extensions);
  *out = (or_device_facts_t){.clock_max_hz = OR_UNKNOWN_F, .unified_memory = traits.unified_memory};
  (void)or_format(out->type, sizeof out->type, "opencl");
  read_text(query, OR_CL_DEVICE_NAME, out->name, sizeof out->name);
  read_text(query, OR_CL_DEVICE_BOARD_NAME_AMD, board, sizeof board); /* AMD's name is that of the chip's code */
  if (has_word(extensions, "cl_amd_device_attribute_query") && board[0] != '\0') {
    (void)or_format(out->name, sizeof out->name, "%s", board);
  }
  if (out->name[0] == '\0') (void)or_format(out->name, sizeof out->name, "OpenCL device");
  read_text(query, OR_CL_DRIVER_VERSION, out->driver_version, sizeof out->driver_version);
  read_text(query, OR_CL_DEVICE_OPENCL_C_VERSION, out->compute_capability, sizeof out->compute_capability);
  out->compute_units = traits.compute_units;
  out->memory_total_bytes = read_u64(query, OR_CL_DEVICE_GLOBAL_MEM_SIZE, OR_UNKNOWN_U);
  uint32_t megahertz = read_u32(query, OR_CL_DEVICE_MAX_CLOCK_FREQUENCY, 0);
  if (megahertz > 0) out->clock_max_hz = (double)megahertz * 1e6;
  name_hardware(query, found, extensions, out->hardware_id, sizeof out->hardware_id);
  name_capabilities(&traits, extensions, out);
}

/* Compiles for it, is there, and counts bytes and places as we do: kernels add strides below 0 as size_t. */
static bool is_usable(query_t *query) {
  return read_u32(query, OR_CL_DEVICE_AVAILABLE, 0) != 0 && read_u32(query, OR_CL_DEVICE_COMPILER_AVAILABLE, 0) != 0 &&
         read_u32(query, OR_CL_DEVICE_ENDIAN_LITTLE, 0) != 0 && read_u32(query, OR_CL_DEVICE_ADDRESS_BITS, 0) == 64 &&
         read_version(query) >= 12;
}

typedef struct platform_t {
  or_cl_platform_ref_t ref;
  uint32_t number;
  uint64_t types; /* of devices that are looked for */
} platform_t;

/* What can't be asked now is left out; *complete is then false. */
static void read_platform(const or_cl_library_t *cl, platform_t wanted, or_cl_found_list_t *out) {
  or_cl_platform_ref_t platform = wanted.ref;
  or_cl_device_ref_t refs[OR_CL_MAX_DEVICES];
  uint32_t device_count = 0;
  int32_t code = cl->GetDeviceIDs(platform, wanted.types, OR_CL_MAX_DEVICES, refs, &device_count);
  if (is_failure(code)) out->complete = false;
  if (code != OR_CL_SUCCESS) return; /* a platform without devices says so by an error: there is nothing to report */
  if (device_count > OR_CL_MAX_DEVICES) device_count = OR_CL_MAX_DEVICES;
  for (uint32_t i = 0; i < device_count && out->count < OR_CL_MAX_DEVICES; ++i) {
    query_t query = {.cl = cl, .ref = refs[i]};
    or_cl_found_t *device = &out->devices[out->count];
    *device = (or_cl_found_t){.platform = wanted.number, .index = i, .ref = refs[i]};
    bool usable = is_usable(&query);
    if (usable) {
      (void)cl->GetPlatformInfo(platform, OR_CL_PLATFORM_VERSION, sizeof device->platform_version - 1,
                                device->platform_version, NULL); /* "" where it fails: a part of a key only */
      tidy(device->platform_version);
      read_device(&query, device);
    }
    if (query.failure != OR_CL_SUCCESS) out->complete = false;
    if (!usable || query.failure != OR_CL_SUCCESS) continue;
    (void)or_format(device->facts.id, sizeof device->facts.id, "opencl_%u", out->count);
    ++out->count;
  }
}

or_status_t or_cl_facts_read(const or_cl_library_t *cl, or_cl_found_list_t *out) {
  or_cl_platform_ref_t platforms[MAX_PLATFORMS];
  uint32_t platform_count = 0;
  out->count = 0;
  out->complete = true;
  int32_t code = cl->GetPlatformIDs(MAX_PLATFORMS, platforms, &platform_count);
  if (code == OR_CL_PLATFORM_NOT_FOUND_KHR || (code == OR_CL_SUCCESS && platform_count == 0))
    return or_status_success();
  if (code != OR_CL_SUCCESS) {
    return or_error(OR_UNAVAILABLE, "the OpenCL loader can't list its platforms: %s (%d)", or_cl_code_name(code), code);
  }
  if (platform_count > MAX_PLATFORMS) platform_count = MAX_PLATFORMS;
  /* Processors last: opencl_0 is the accelerator where there is one. */
  const uint64_t kinds[] = {OR_CL_DEVICE_TYPE_GPU | OR_CL_DEVICE_TYPE_ACCELERATOR, OR_CL_DEVICE_TYPE_CPU};
  for (size_t kind = 0; kind < sizeof kinds / sizeof *kinds; ++kind) {
    for (uint32_t i = 0; i < platform_count; ++i) read_platform(cl, (platform_t){platforms[i], i, kinds[kind]}, out);
  }
  return or_status_success();
}
