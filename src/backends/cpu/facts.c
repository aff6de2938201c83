#include "backends/cpu/facts.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

#include "backends/cpu/facts_cgroup_internal.h"
#include "backends/cpu/kernels/cpu_features.h"
#include "base/string.h"

#define CLOCKS_READ_MAX 64 /* processors whose clock is asked for: they are of a few kinds */

static void read_name(const char *root, char *name, size_t capacity);
static void read_usable(const char *root, const or_cpu_cgroups_t *cgroups, or_device_facts_t *out);
static uint64_t read_memory(const char *root);
static void read_caches(const char *root, uint32_t processor, uint64_t bytes[3]);
static double read_clock(const char *root, const or_cpu_set_t *usable);
static void name_capabilities(or_device_facts_t *out);

void or_cpu_facts_read(const char *system_root, or_device_facts_t *out) {
  *out = (or_device_facts_t){.clock_max_hz = OR_UNKNOWN_F, .unified_memory = true};
  or_format(out->id, sizeof out->id, "cpu_0");
  or_format(out->type, sizeof out->type, "cpu");
  or_format(out->hardware_id, sizeof out->hardware_id, "host");
  read_name(system_root, out->name, sizeof out->name);
  or_cpu_cgroups_t cgroups;
  or_cpu_cgroups_read(system_root, &cgroups);
  read_usable(system_root, &cgroups, out);
  name_capabilities(out);
}

/* The makers of ARM cores name them by numbers: implementer and part of the main ID register, as the manuals of the
 * cores list them. */
typedef struct arm_core_t {
  uint16_t implementer, part;
  const char *name;
} arm_core_t;
static const arm_core_t arm_cores[] = {
    {0x41, 0xd03, "ARM Cortex-A53"},  {0x41, 0xd04, "ARM Cortex-A35"},   {0x41, 0xd05, "ARM Cortex-A55"},
    {0x41, 0xd07, "ARM Cortex-A57"},  {0x41, 0xd08, "ARM Cortex-A72"},   {0x41, 0xd09, "ARM Cortex-A73"},
    {0x41, 0xd0a, "ARM Cortex-A75"},  {0x41, 0xd0b, "ARM Cortex-A76"},   {0x41, 0xd0c, "ARM Neoverse-N1"},
    {0x41, 0xd0d, "ARM Cortex-A77"},  {0x41, 0xd40, "ARM Neoverse-V1"},  {0x41, 0xd41, "ARM Cortex-A78"},
    {0x41, 0xd44, "ARM Cortex-X1"},   {0x41, 0xd46, "ARM Cortex-A510"},  {0x41, 0xd47, "ARM Cortex-A710"},
    {0x41, 0xd48, "ARM Cortex-X2"},   {0x41, 0xd49, "ARM Neoverse-N2"},  {0x41, 0xd4f, "ARM Neoverse-V2"},
    {0x41, 0xd84, "ARM Neoverse-V3"}, {0x41, 0xd8e, "ARM Neoverse-N3"},  {0x43, 0x0af, "Cavium ThunderX2"},
    {0x46, 0x001, "Fujitsu A64FX"},   {0x48, 0xd01, "HiSilicon TSV110"}, {0x4e, 0x004, "NVIDIA Carmel"},
    {0xc0, 0xac3, "Ampere-1"},        {0xc0, 0xac4, "Ampere-1A"},
};

static bool scan_hex(const char *text, uint32_t *out) {
  static const char digits[] = "0123456789abcdef";
  if (strncmp(text, "0x", 2) != 0) return false;
  uint32_t value = 0;
  const char *digit, *at = text + 2;
  for (; *at != '\0' && (digit = strchr(digits, *at)) != NULL && value < 1u << 24; ++at) {
    value = value * 16 + (uint32_t)(digit - digits);
  }
  *out = value;
  return at > text + 2 && *at == '\0';
}

/* Keys of /proc/cpuinfo that hold a name: x86, POWER, RISC-V. */
static bool is_named(const char *line, char *name, size_t capacity) {
  static const char *const keys[] = {"model name", "cpu", "uarch"};
  for (size_t i = 0; i < sizeof keys / sizeof keys[0]; ++i) {
    const char *value = or_cpu_value_of(line, keys[i]);
    if (value == NULL || value[0] == '\0') continue;
    or_format(name, capacity, "%s", value);
    return true;
  }
  return false;
}

/* From the first processor's paragraph. */
static void read_name(const char *root, char *name, size_t capacity) {
  uint32_t implementer = 0, part = 0;
  or_cpu_lines_t lines;
  if (or_cpu_lines_open(&lines, root, "/proc/cpuinfo")) {
    const char *line, *value;
    while (name[0] == '\0' && (line = or_cpu_lines_next(&lines)) != NULL && line[0] != '\0') {
      if (is_named(line, name, capacity)) break;
      if ((value = or_cpu_value_of(line, "CPU implementer")) != NULL) (void)scan_hex(value, &implementer);
      if ((value = or_cpu_value_of(line, "CPU part")) != NULL) (void)scan_hex(value, &part);
    }
    or_cpu_lines_close(&lines);
  }
  for (size_t i = 0; i < sizeof arm_cores / sizeof arm_cores[0] && name[0] == '\0'; ++i) {
    const arm_core_t *core = &arm_cores[i];
    if (core->implementer == implementer && core->part == part) or_format(name, capacity, "%s", core->name);
  }
  if (name[0] == '\0') (void)or_cpu_read_line(name, capacity, root, "/proc/device-tree/model");
  if (name[0] == '\0') (void)or_cpu_read_line(name, capacity, root, "/sys/firmware/devicetree/base/model");
  if (name[0] == '\0' && implementer != 0) {
    or_format(name, capacity, "ARM implementer 0x%x part 0x%x", implementer, part);
  }
  if (name[0] == '\0') or_format(name, capacity, "CPU");
  or_utf8_repair(name, strlen(name), strlen(name) + 1 == capacity);
}

static uint32_t count_processors(const char *root) {
  uint32_t count = 0;
  or_cpu_lines_t lines;
#if !defined(__linux__)
  long online = sysconf(_SC_NPROCESSORS_ONLN);
  if (root[0] == '\0' && online > 0) return (uint32_t)online;
#endif
  if (!or_cpu_lines_open(&lines, root, "/proc/cpuinfo")) return 0;
  const char *line;
  while ((line = or_cpu_lines_next(&lines)) != NULL) count += or_cpu_value_of(line, "processor") != NULL;
  or_cpu_lines_close(&lines);
  return count;
}

static void read_usable(const char *root, const or_cpu_cgroups_t *cgroups, or_device_facts_t *out) {
  or_cpu_limits_t limits;
  or_cpu_limits_read(cgroups, &limits);
  or_cpu_set_t usable;
  bool known = or_cpu_set_read(root, &usable);
  known = or_cpu_cpuset_apply(cgroups, known, &usable);
  uint32_t cores = known ? or_cpu_set_count(&usable) : count_processors(root);
  if (limits.quota_cores < cores) cores = (uint32_t)ceil(limits.quota_cores);
  out->compute_units = cores > 0 ? cores : 1;
  out->memory_total_bytes = read_memory(root);
  if (limits.memory_bytes < out->memory_total_bytes) out->memory_total_bytes = limits.memory_bytes;
  read_caches(root, known ? or_cpu_set_next(&usable, 0) : 0, out->cache_bytes);
  if (known) out->clock_max_hz = read_clock(root, &usable);
}

static uint64_t read_memory(const char *root) {
  uint64_t kibibytes = 0;
  if (or_cpu_read_keyed(&kibibytes, root, "/proc/meminfo", "MemTotal:") && kibibytes < UINT64_MAX / 1024) {
    return kibibytes * 1024;
  }
  long pages = sysconf(_SC_PHYS_PAGES), page_bytes = sysconf(_SC_PAGESIZE);
  if (root[0] == '\0' && pages > 0 && page_bytes > 0) return (uint64_t)pages * (uint64_t)page_bytes;
  return OR_UNKNOWN_U;
}

/* "32K", "8M", "1024". */
static bool scan_bytes(const char *text, uint64_t *out) {
  static const char units[] = "KMG";
  uint64_t value = 0;
  if (!or_cpu_scan_u64(&text, &value)) return false;
  const char *unit = *text != '\0' ? strchr(units, *text) : NULL;
  if (*text != '\0' && (unit == NULL || text[1] != '\0')) return false;
  unsigned shift = unit != NULL ? 10 * (unsigned)(unit - units + 1) : 0;
  if (value > UINT64_MAX >> shift) return false;
  *out = value << shift;
  return true;
}

/* A core here is what the kernel counts as a processor, as in compute_units: its share of the third level is the size
 * by the number of those that share it. */
static void read_caches(const char *root, uint32_t processor, uint64_t bytes[3]) {
  enum { CACHES_MAX = 8 };
  static const char *const folder = "/sys/devices/system/cpu/cpu";
  for (uint32_t i = 0; i < CACHES_MAX; ++i) {
    uint64_t level = 0, size = 0;
    char line[OR_CPU_LINE_BYTES];
    if (!or_cpu_read_u64(&level, root, "%s%u/cache/index%u/level", folder, processor, i) || level < 1 || level > 3)
      continue;
    if (!or_cpu_read_line(line, sizeof line, root, "%s%u/cache/index%u/type", folder, processor, i)) continue;
    if (strcmp(line, "Data") != 0 && strcmp(line, "Unified") != 0) continue;
    if (!or_cpu_read_line(line, sizeof line, root, "%s%u/cache/index%u/size", folder, processor, i)) continue;
    if (!scan_bytes(line, &size)) continue;
    if (level == 3) {
      or_cpu_set_t sharing;
      if (!or_cpu_read_line(line, sizeof line, root, "%s%u/cache/index%u/shared_cpu_list", folder, processor, i))
        continue;
      if (!or_cpu_set_parse(line, &sharing)) continue;
      size /= or_cpu_set_count(&sharing);
    }
    bytes[level - 1] = size;
  }
}

/* The highest of the usable processors, which may be of several kinds. */
static double read_clock(const char *root, const or_cpu_set_t *usable) {
  uint64_t best = 0;
  uint32_t asked = 0;
  for (uint32_t i = or_cpu_set_next(usable, 0); i < OR_CPU_SET_BITS && asked < CLOCKS_READ_MAX; ++asked) {
    uint64_t kilohertz = 0;
    if (!or_cpu_read_u64(&kilohertz, root, "/sys/devices/system/cpu/cpu%u/cpufreq/cpuinfo_max_freq", i)) break;
    if (kilohertz > best) best = kilohertz;
    i = or_cpu_set_next(usable, i + 1);
  }
  return best > 0 ? (double)best * 1e3 : OR_UNKNOWN_F;
}

static void add_capability(or_device_facts_t *out, const char *name) {
  if (out->capability_count < OR_DEVICE_MAX_CAPABILITIES) out->capabilities[out->capability_count++] = name;
}

static void name_capabilities(or_device_facts_t *out) {
  const or_cpu_features_t features = or_cpu_features_detect();
  add_capability(out, "fp32");
  add_capability(out, "fp64");
  add_capability(out, "int8");
  if ((features & (OR_CPU_AVX512BF16 | OR_CPU_AMX_BF16)) != 0) add_capability(out, "bf16");
  if ((features & OR_CPU_AVX512FP16) != 0) add_capability(out, "fp16");
  for (unsigned i = 0; i < OR_CPU_FEATURE_COUNT; ++i) {
    if ((features >> i & 1) != 0) add_capability(out, or_cpu_feature_name(i));
  }
  add_capability(out, "unified_memory");
}
