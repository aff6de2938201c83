/* The forms of the kernel's lines: whatever stands in one, what comes out keeps its promises. */
#include <string.h>

#include "backends/cpu/facts_cgroup_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool promise) {
  if (!promise) __builtin_trap();
}

static void attack_set(const char *line) {
  or_cpu_set_t set, other;
  bool good = or_cpu_set_parse(line, &set);
  uint32_t count = or_cpu_set_count(&set), walked = 0;
  check(good == (count > 0));
  for (uint32_t i = or_cpu_set_next(&set, 0); i < OR_CPU_SET_BITS; i = or_cpu_set_next(&set, i + 1)) ++walked;
  check(walked == count);
  check(or_cpu_set_parse("0-63", &other));
  if (or_cpu_set_intersect(&set, &other)) check(or_cpu_set_count(&set) <= 64);
}

static void attack_place(const or_cpu_mount_t *mount, const char *path) {
  or_cpu_cgroup_t group;
  if (!or_cpu_cgroup_place(mount, path, &group)) return;
  size_t length = or_cpu_cgroup_first(&group), last = length + 1;
  check(length < OR_CPU_CGROUP_BYTES && group.mount_length > 0 && group.mount_length <= length);
  check(strstr(group.path, "/../") == NULL);
  for (; length > 0; length = or_cpu_cgroup_above(&group, length)) {
    check(length < last && length >= group.mount_length);
    last = length;
  }
  check(last == group.mount_length);
}

/* Each line as every form; cgroups are placed in the last mount that was seen. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  or_cpu_mount_t mount = {.root = "/", .point = "/sys/fs/cgroup", .type = "cgroup2", .options = ""};
  char line[OR_CPU_LINE_BYTES];
  while (size > 0) {
    const uint8_t *newline = memchr(data, '\n', size);
    size_t taken = newline != NULL ? (size_t)(newline - data) + 1 : size;
    size_t length = newline != NULL ? taken - 1 : taken;
    if (length >= sizeof line) length = sizeof line - 1;
    memcpy(line, data, length);
    line[length] = '\0';
    data += taken;
    size -= taken;

    or_cpu_mount_t parsed;
    or_cpu_membership_t member;
    uint64_t number = 0;
    const char *cursor = line;
    attack_set(line);
    if (or_cpu_scan_u64(&cursor, &number)) check(cursor > line && cursor <= line + strlen(line));
    (void)or_cpu_value_of(line, "model name");
    if (or_cpu_mount_parse(line, &parsed)) {
      mount = parsed;
      mount.options = ""; /* lies in the line, which goes */
    }
    if (or_cpu_membership_parse(line, &member)) {
      (void)or_cpu_list_has(member.controllers, member.controllers_length, "cpu");
      check(!member.unified || member.controllers_length == 0);
      attack_place(&mount, member.path);
    }
  }
  return 0;
}
