#include "backends/cpu/facts_cgroup_internal.h"

#include <math.h>
#include <sched.h>
#include <string.h>

#include "base/string.h"

static const char *const controller_names[OR_CPU_CONTROLLER_COUNT] = {"cpu", "cpuacct", "cpuset", "memory"};

/* Our place in each hierarchy, as the kernel names it. */
typedef struct places_t {
  char path[OR_CPU_CONTROLLER_COUNT][OR_CPU_CGROUP_BYTES]; /* version 1; "" if the controller is not in one */
  char unified[OR_CPU_CGROUP_BYTES];
} places_t;

static void read_places(const char *root, places_t *places);
static void take_mount(const or_cpu_mount_t *mount, const places_t *places, or_cpu_cgroups_t *out);

void or_cpu_cgroups_read(const char *root, or_cpu_cgroups_t *out) {
  *out = (or_cpu_cgroups_t){.root = root};
  places_t places;
  memset(&places, 0, sizeof places);
  read_places(root, &places);
  or_cpu_lines_t lines;
  if (!or_cpu_lines_open(&lines, root, "/proc/self/mountinfo")) return;
  const char *line;
  while ((line = or_cpu_lines_next(&lines)) != NULL) {
    or_cpu_mount_t mount;
    if (!lines.cut && or_cpu_mount_parse(line, &mount)) take_mount(&mount, &places, out);
  }
  or_cpu_lines_close(&lines);
}

static void copy_path(char out[OR_CPU_CGROUP_BYTES], const char *path) {
  size_t length = strlen(path);
  if (length < OR_CPU_CGROUP_BYTES) memcpy(out, path, length + 1);
}

static void read_places(const char *root, places_t *places) {
  or_cpu_lines_t lines;
  if (!or_cpu_lines_open(&lines, root, "/proc/self/cgroup")) return;
  const char *line;
  while ((line = or_cpu_lines_next(&lines)) != NULL) {
    or_cpu_membership_t member;
    if (lines.cut || !or_cpu_membership_parse(line, &member)) continue;
    if (member.unified) copy_path(places->unified, member.path);
    for (size_t i = 0; i < OR_CPU_CONTROLLER_COUNT; ++i) {
      bool has = or_cpu_list_has(member.controllers, member.controllers_length, controller_names[i]);
      if (has) copy_path(places->path[i], member.path);
    }
  }
  or_cpu_lines_close(&lines);
}

/* A controller that is in a version 1 hierarchy is in no other. Of several mounts the first one counts through which
 * our own cgroup can be seen, else the first. */
static void take_mount(const or_cpu_mount_t *mount, const places_t *places, or_cpu_cgroups_t *out) {
  bool unified = strcmp(mount->type, "cgroup2") == 0;
  if (!unified && strcmp(mount->type, "cgroup") != 0) return;
  for (size_t i = 0; i < OR_CPU_CONTROLLER_COUNT; ++i) {
    or_cpu_cgroup_t *group = &out->of[i];
    const char *path = unified ? places->unified : places->path[i];
    if (path[0] == '\0' || (unified && places->path[i][0] != '\0')) continue;
    if (!unified && !or_cpu_list_has(mount->options, strlen(mount->options), controller_names[i])) continue;
    or_cpu_cgroup_t found;
    if (!or_cpu_cgroup_place(mount, path, &found)) continue;
    if (group->path[0] == '\0' || (found.own && !group->own)) *group = found;
  }
}

/* Whether the path leaves the tree that it is relative to, as those of processes outside a cgroup namespace do. */
static bool has_dots(const char *path) {
  for (const char *at = path; (at = strstr(at, "/..")) != NULL; at += 3) {
    if (at[3] == '/' || at[3] == '\0') return true;
  }
  return false;
}

static size_t trimmed(const char *path) {
  size_t length = strlen(path);
  while (length > 0 && path[length - 1] == '/') --length;
  return length;
}

bool or_cpu_cgroup_place(const or_cpu_mount_t *mount, const char *path, or_cpu_cgroup_t *out) {
  size_t point = trimmed(mount->point), root = trimmed(mount->root), length = trimmed(path);
  if (point == 0 || mount->point[0] != '/' || path[0] != '/' || has_dots(mount->point)) return false;
  /* The mount shows the part below its own root. If ours is elsewhere (another cgroup namespace), the topmost cgroup
   * that can be seen is all there is to know. */
  bool below = length >= root && memcmp(path, mount->root, root) == 0 && (path[root] == '/' || path[root] == '\0');
  out->own = below && !has_dots(path);
  size_t rest = out->own ? length - root : 0;
  if (point + rest >= OR_CPU_CGROUP_BYTES) return false;
  memcpy(out->path, mount->point, point);
  if (rest > 0) memcpy(out->path + point, path + root, rest);
  out->path[point + rest] = '\0';
  out->mount_length = point;
  out->unified = strcmp(mount->type, "cgroup2") == 0;
  return true;
}

size_t or_cpu_cgroup_first(const or_cpu_cgroup_t *group) { return strlen(group->path); }

size_t or_cpu_cgroup_above(const or_cpu_cgroup_t *group, size_t length) {
  if (length <= group->mount_length) return 0;
  do --length;
  while (length > group->mount_length && group->path[length] != '/');
  return length;
}

/* Cores of one cgroup's quota. */
static double read_quota(const char *root, const or_cpu_cgroup_t *group, int length) {
  uint64_t quota = 0, period = 0;
  if (group->unified) { /* "max 100000" or "150000 100000" */
    char line[64];
    const char *cursor = line;
    if (!or_cpu_read_line(line, sizeof line, root, "%.*s/cpu.max", length, group->path)) return INFINITY;
    if (!or_cpu_scan_u64(&cursor, &quota) || *cursor++ != ' ') return INFINITY;
    if (!or_cpu_scan_u64(&cursor, &period) || *cursor != '\0') return INFINITY;
  } else { /* a quota of -1 is none */
    if (!or_cpu_read_u64(&quota, root, "%.*s/cpu.cfs_quota_us", length, group->path)) return INFINITY;
    if (!or_cpu_read_u64(&period, root, "%.*s/cpu.cfs_period_us", length, group->path)) return INFINITY;
  }
  return quota > 0 && period > 0 ? (double)quota / (double)period : INFINITY;
}

/* Bytes of one cgroup's limit. In version 1 "not limited" is a number beyond all memories. */
static uint64_t read_memory_limit(const char *root, const or_cpu_cgroup_t *group, int length) {
  static const char *const names[2][2] = {{"memory.limit_in_bytes", NULL}, {"memory.max", "memory.high"}};
  uint64_t least = UINT64_MAX;
  for (size_t i = 0; i < 2; ++i) {
    const char *name = names[group->unified][i];
    uint64_t value = 0;
    if (name == NULL || !or_cpu_read_u64(&value, root, "%.*s/%s", length, group->path, name)) continue;
    if (value < least && value < INT64_MAX / 2) least = value;
  }
  return least;
}

void or_cpu_limits_read(const or_cpu_cgroups_t *cgroups, or_cpu_limits_t *out) {
  *out = (or_cpu_limits_t){.quota_cores = INFINITY, .memory_bytes = UINT64_MAX};
  const or_cpu_cgroup_t *group = &cgroups->of[OR_CPU_CONTROLLER_CPU];
  size_t level = 0;
  for (size_t length = or_cpu_cgroup_first(group); length > 0; length = or_cpu_cgroup_above(group, length), ++level) {
    double cores = read_quota(cgroups->root, group, (int)length);
    if (cores >= out->quota_cores) continue;
    out->quota_cores = cores;
    out->quota_level = level;
  }
  group = &cgroups->of[OR_CPU_CONTROLLER_MEMORY];
  for (size_t length = or_cpu_cgroup_first(group); length > 0; length = or_cpu_cgroup_above(group, length)) {
    uint64_t bytes = read_memory_limit(cgroups->root, group, (int)length);
    if (bytes < out->memory_bytes) out->memory_bytes = bytes;
  }
}

bool or_cpu_set_read(const char *root, or_cpu_set_t *out) {
  memset(out, 0, sizeof *out);
#if defined(__linux__)
  if (root[0] == '\0') return sched_getaffinity(0, sizeof *out, (cpu_set_t *)(void *)out) == 0;
#endif
  char line[OR_CPU_LINE_BYTES];
  return or_cpu_read_line(line, sizeof line, root, "/sys/devices/system/cpu/online") && or_cpu_set_parse(line, out);
}

bool or_cpu_cpuset_apply(const or_cpu_cgroups_t *cgroups, bool known, or_cpu_set_t *set) {
  static const char *const names[2][2] = {{"cpuset.effective_cpus", "cpuset.cpus"}, {"cpuset.cpus.effective", NULL}};
  const or_cpu_cgroup_t *group = &cgroups->of[OR_CPU_CONTROLLER_CPUSET];
  for (size_t length = or_cpu_cgroup_first(group); length > 0; length = or_cpu_cgroup_above(group, length)) {
    for (size_t i = 0; i < 2 && names[group->unified][i] != NULL; ++i) {
      char line[OR_CPU_LINE_BYTES];
      or_cpu_set_t allowed;
      const char *name = names[group->unified][i];
      if (!or_cpu_read_line(line, sizeof line, cgroups->root, "%.*s/%s", (int)length, group->path, name)) continue;
      if (!or_cpu_set_parse(line, &allowed)) continue;
      if (!known) {
        *set = allowed;
        known = true;
      } else {
        (void)or_cpu_set_intersect(set, &allowed); /* nothing in common: one of the two is out of date */
      }
    }
  }
  return known;
}

uint64_t or_cpu_cgroup_memory_available(const or_cpu_cgroups_t *cgroups) {
  const or_cpu_cgroup_t *group = &cgroups->of[OR_CPU_CONTROLLER_MEMORY];
  uint64_t least = UINT64_MAX;
  for (size_t length = or_cpu_cgroup_first(group); length > 0; length = or_cpu_cgroup_above(group, length)) {
    uint64_t limit = read_memory_limit(cgroups->root, group, (int)length), used = 0, cache = 0;
    if (limit == UINT64_MAX) continue;
    const char *usage = group->unified ? "memory.current" : "memory.usage_in_bytes";
    char path[OR_CPU_PATH_BYTES];
    if (!or_cpu_read_u64(&used, cgroups->root, "%.*s/%s", (int)length, group->path, usage)) continue;
    if (or_cpu_path(path, "%.*s/memory.stat", (int)length, group->path)) {
      (void)or_cpu_read_keyed(&cache, cgroups->root, path, group->unified ? "inactive_file" : "total_inactive_file");
    }
    used = used > cache ? used - cache : 0;
    uint64_t available = limit > used ? limit - used : 0;
    if (available < least) least = available;
  }
  return least;
}

bool or_cpu_cgroup_usage(const or_cpu_cgroups_t *cgroups, size_t level, double *seconds) {
  bool unified = cgroups->of[OR_CPU_CONTROLLER_CPU].unified;
  const or_cpu_cgroup_t *group = &cgroups->of[unified ? OR_CPU_CONTROLLER_CPU : OR_CPU_CONTROLLER_CPUACCT];
  size_t length = or_cpu_cgroup_first(group);
  while (level-- > 0 && length > 0) length = or_cpu_cgroup_above(group, length);
  uint64_t value = 0;
  char path[OR_CPU_PATH_BYTES];
  if (length == 0) return false;
  if (group->unified) {
    if (!or_cpu_path(path, "%.*s/cpu.stat", (int)length, group->path)) return false;
    if (!or_cpu_read_keyed(&value, cgroups->root, path, "usage_usec")) return false;
    *seconds = (double)value * 1e-6;
    return true;
  }
  if (!or_cpu_read_u64(&value, cgroups->root, "%.*s/cpuacct.usage", (int)length, group->path)) return false;
  *seconds = (double)value * 1e-9;
  return true;
}

/* Copies the field at *cursor, which ends at a space, with its octal escapes (\040) undone. */
static bool take_field(const char **cursor, char *out, size_t capacity) {
  const char *at = *cursor;
  size_t length = 0;
  for (; *at != ' ' && *at != '\0'; ++at) {
    char c = *at;
    bool octal =
        c == '\\' && at[1] >= '0' && at[1] <= '3' && at[2] >= '0' && at[2] <= '7' && at[3] >= '0' && at[3] <= '7';
    if (octal) {
      c = (char)((at[1] - '0') * 64 + (at[2] - '0') * 8 + (at[3] - '0'));
      at += 3;
    }
    if (length + 1 >= capacity || c == '\0') return false;
    out[length++] = c;
  }
  out[length] = '\0';
  *cursor = *at == ' ' ? at + 1 : at;
  return length > 0;
}

static bool skip_fields(const char **cursor, size_t count) {
  for (; count > 0; --count) {
    const char *space = strchr(*cursor, ' ');
    if (space == NULL) return false;
    *cursor = space + 1;
  }
  return true;
}

/* "36 35 98:0 /root /point rw,noatime shared:1 - type source options" */
bool or_cpu_mount_parse(const char *line, or_cpu_mount_t *out) {
  const char *cursor = line;
  if (!skip_fields(&cursor, 3)) return false;
  if (!take_field(&cursor, out->root, sizeof out->root)) return false;
  if (!take_field(&cursor, out->point, sizeof out->point)) return false;
  cursor = strstr(cursor, " - ");
  if (cursor == NULL) return false;
  cursor += 3;
  if (!take_field(&cursor, out->type, sizeof out->type) || !skip_fields(&cursor, 1)) return false;
  out->options = cursor;
  return true;
}

/* "4:cpu,cpuacct:/path"; "0::/path" */
bool or_cpu_membership_parse(const char *line, or_cpu_membership_t *out) {
  const char *cursor = line;
  uint64_t id = 0;
  if (!or_cpu_scan_u64(&cursor, &id) || *cursor != ':') return false;
  ++cursor;
  const char *colon = strchr(cursor, ':');
  if (colon == NULL || colon[1] != '/') return false;
  out->controllers = cursor;
  out->controllers_length = (size_t)(colon - cursor);
  out->path = colon + 1;
  out->unified = id == 0 && colon == cursor;
  return true;
}
