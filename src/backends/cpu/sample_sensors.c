#include <dirent.h>
#include <math.h>
#include <string.h>

#include "backends/cpu/sample_internal.h"
#include "base/string.h"

enum {
  ENTRIES_MAX = 1024,  /* of a folder that are looked at */
  NUMBERS_MAX = 64,    /* chips, zones or domains */
  INPUTS_MAX = 64,     /* temperatures of a chip */
  CLOCKS_READ_MAX = 64 /* processors whose clock is read: more say nothing new about the mean */
};

static void find_chips(or_cpu_sensors_t *sensors);
static void find_zones(or_cpu_sensors_t *sensors);
static void find_packages(or_cpu_sensors_t *sensors);

void or_cpu_sensors_find(const char *root, or_cpu_sensors_t *out) {
  memset(out, 0, sizeof *out);
  out->root = root;
  find_chips(out);
  if (out->thermometer_count == 0) find_zones(out);
  find_packages(out);
}

/* The N of the folder's entries "<prefix>N". */
static size_t list_numbers(const char *root, const char *folder, const char *prefix, uint32_t numbers[NUMBERS_MAX]) {
  char path[OR_CPU_PATH_BYTES];
  DIR *dir = or_cpu_path(path, "%s%s", root, folder) ? opendir(path) : NULL;
  if (dir == NULL) return 0;
  size_t count = 0, prefix_length = strlen(prefix);
  const struct dirent *entry;
  for (int i = 0; i < ENTRIES_MAX && count < NUMBERS_MAX && (entry = readdir(dir)) != NULL; ++i) {
    uint64_t number = 0;
    const char *cursor = entry->d_name + prefix_length;
    if (!or_string_starts_with(entry->d_name, prefix)) continue;
    if (or_cpu_scan_u64(&cursor, &number) && *cursor == '\0' && number <= UINT32_MAX)
      numbers[count++] = (uint32_t)number;
  }
  (void)closedir(dir);
  return count;
}

static bool starts_with_any(const char *text, const char *const *prefixes, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    if (or_string_starts_with(text, prefixes[i])) return true;
  }
  return false;
}

/* How well a label stands for the whole package. Tctl of some chips is Tdie with a bias for the fans. */
static int rank_label(const char *label) {
  if (or_string_starts_with(label, "Package id") || strcmp(label, "Tdie") == 0) return 3;
  return strcmp(label, "Tctl") == 0 ? 2 : 1;
}

static void find_inputs(or_cpu_sensors_t *sensors, uint32_t chip) {
  int ranks[INPUTS_MAX + 1] = {0}, best = 1;
  for (int i = 1; i <= INPUTS_MAX; ++i) {
    int64_t value = 0;
    char label[64];
    if (!or_cpu_read_i64(&value, sensors->root, "/sys/class/hwmon/hwmon%u/temp%d_input", chip, i)) continue;
    bool labelled =
        or_cpu_read_line(label, sizeof label, sensors->root, "/sys/class/hwmon/hwmon%u/temp%d_label", chip, i);
    ranks[i] = labelled ? rank_label(label) : 1;
    if (ranks[i] > best) best = ranks[i];
  }
  for (int i = 1; i <= INPUTS_MAX && sensors->thermometer_count < OR_CPU_SENSORS_MAX; ++i) {
    if (ranks[i] != best) continue;
    or_format(sensors->thermometers[sensors->thermometer_count++], OR_CPU_SENSOR_PATH_BYTES,
              "/sys/class/hwmon/hwmon%u/temp%d_input", chip, i);
  }
}

static void find_chips(or_cpu_sensors_t *sensors) {
  static const char *const chips[] = {"coretemp", "k10temp", "zenpower", "cpu_thermal"};
  uint32_t numbers[NUMBERS_MAX];
  size_t count = list_numbers(sensors->root, "/sys/class/hwmon", "hwmon", numbers);
  for (size_t i = 0; i < count; ++i) {
    char name[64];
    if (!or_cpu_read_line(name, sizeof name, sensors->root, "/sys/class/hwmon/hwmon%u/name", numbers[i])) continue;
    if (starts_with_any(name, chips, sizeof chips / sizeof chips[0])) find_inputs(sensors, numbers[i]);
  }
}

static void find_zones(or_cpu_sensors_t *sensors) {
  static const char *const types[] = {"x86_pkg_temp", "cpu-thermal", "cpu_thermal"};
  uint32_t numbers[NUMBERS_MAX];
  size_t count = list_numbers(sensors->root, "/sys/class/thermal", "thermal_zone", numbers);
  for (size_t i = 0; i < count && sensors->thermometer_count < OR_CPU_SENSORS_MAX; ++i) {
    char type[64];
    if (!or_cpu_read_line(type, sizeof type, sensors->root, "/sys/class/thermal/thermal_zone%u/type", numbers[i]))
      continue;
    if (!starts_with_any(type, types, sizeof types / sizeof types[0])) continue;
    or_format(sensors->thermometers[sensors->thermometer_count++], OR_CPU_SENSOR_PATH_BYTES,
              "/sys/class/thermal/thermal_zone%u/temp", numbers[i]);
  }
}

/* Domains below a package (core, dram) have two numbers, and "psys" holds packages and more: both are left out. */
static void find_packages(or_cpu_sensors_t *sensors) {
  uint32_t numbers[NUMBERS_MAX];
  size_t count = list_numbers(sensors->root, "/sys/class/powercap", "intel-rapl:", numbers);
  for (size_t i = 0; i < count && sensors->package_count < OR_CPU_SENSORS_MAX; ++i) {
    char name[64];
    if (!or_cpu_read_line(name, sizeof name, sensors->root, "/sys/class/powercap/intel-rapl:%u/name", numbers[i]))
      continue;
    if (!or_string_starts_with(name, "package")) continue;
    or_cpu_package_t *package = &sensors->packages[sensors->package_count++];
    package->number = numbers[i];
    (void)or_cpu_read_u64(&package->range_microjoules, sensors->root,
                          "/sys/class/powercap/intel-rapl:%u/max_energy_range_uj", numbers[i]);
  }
}

double or_cpu_sensors_celsius(const or_cpu_sensors_t *sensors) {
  const double coldest = -50, hottest = 150; /* beyond it is no temperature of a processor that answers */
  double best = OR_UNKNOWN_F;
  for (size_t i = 0; i < sensors->thermometer_count; ++i) {
    int64_t millidegrees = 0;
    if (!or_cpu_read_i64(&millidegrees, sensors->root, "%s", sensors->thermometers[i])) continue;
    double celsius = (double)millidegrees * 1e-3;
    if (celsius > coldest && celsius < hottest && !(celsius <= best)) best = celsius;
  }
  return best;
}

/* What the counter went on since the last reading. Without a known range a counter that went back says nothing. */
static double microjoules_since(const or_cpu_package_t *package, uint64_t now) {
  if (!package->started) return 0;
  if (now >= package->microjoules) return (double)(now - package->microjoules);
  if (package->range_microjoules < package->microjoules) return 0;
  return (double)(package->range_microjoules - package->microjoules) + (double)now;
}

double or_cpu_sensors_joules(or_cpu_sensors_t *sensors) {
  uint64_t now[OR_CPU_SENSORS_MAX];
  for (size_t i = 0; i < sensors->package_count; ++i) {
    uint32_t number = sensors->packages[i].number;
    if (!or_cpu_read_u64(&now[i], sensors->root, "/sys/class/powercap/intel-rapl:%u/energy_uj", number)) {
      return OR_UNKNOWN_F;
    }
  }
  for (size_t i = 0; i < sensors->package_count; ++i) {
    or_cpu_package_t *package = &sensors->packages[i];
    sensors->joules += microjoules_since(package, now[i]) * 1e-6;
    package->microjoules = now[i];
    package->started = true;
  }
  return sensors->package_count > 0 ? sensors->joules : OR_UNKNOWN_F;
}

static double mean_scaling_clock(const char *root, const or_cpu_set_t *usable) {
  uint32_t step = or_cpu_set_count(usable) / CLOCKS_READ_MAX + 1, position = 0, count = 0;
  double sum = 0;
  for (uint32_t i = or_cpu_set_next(usable, 0); i < OR_CPU_SET_BITS; i = or_cpu_set_next(usable, i + 1)) {
    uint64_t kilohertz = 0;
    if (position++ % step != 0) continue;
    if (!or_cpu_read_u64(&kilohertz, root, "/sys/devices/system/cpu/cpu%u/cpufreq/scaling_cur_freq", i)) break;
    if (kilohertz == 0) continue;
    sum += (double)kilohertz * 1e3;
    ++count;
  }
  return count > 0 ? sum / count : OR_UNKNOWN_F;
}

/* "2445.426"; digits beyond a hertz are not looked at. */
static bool scan_hertz(const char *text, double *out) {
  uint64_t megahertz = 0, hertz = 0;
  if (!or_cpu_scan_u64(&text, &megahertz)) return false;
  if (*text == '.') ++text;
  for (uint64_t unit = 100000; *text >= '0' && *text <= '9'; ++text, unit /= 10)
    hertz += unit * (uint64_t)(*text - '0');
  *out = (double)megahertz * 1e6 + (double)hertz;
  return *text == '\0' && *out > 0;
}

static double mean_listed_clock(const char *root) {
  or_cpu_lines_t lines;
  uint32_t count = 0;
  double sum = 0;
  if (!or_cpu_lines_open(&lines, root, "/proc/cpuinfo")) return OR_UNKNOWN_F;
  const char *line;
  while ((line = or_cpu_lines_next(&lines)) != NULL) {
    double hertz = 0;
    const char *value = or_cpu_value_of(line, "cpu MHz");
    if (value == NULL || !scan_hertz(value, &hertz)) continue;
    sum += hertz;
    ++count;
  }
  or_cpu_lines_close(&lines);
  return count > 0 ? sum / count : OR_UNKNOWN_F;
}

double or_cpu_sensors_clock(const or_cpu_sensors_t *sensors, const or_cpu_set_t *usable) {
  double clock = usable != NULL ? mean_scaling_clock(sensors->root, usable) : OR_UNKNOWN_F;
  return isnan(clock) ? mean_listed_clock(sensors->root) : clock;
}
