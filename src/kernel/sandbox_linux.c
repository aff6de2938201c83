/* Linux: what a process can be denied for good. Facts: landlock(7), seccomp(2), prctl(2). */
#if defined(__linux__)
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#if __has_include(<linux/landlock.h>)
#include <linux/landlock.h>
#endif
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/string.h"
#include "kernel/sandbox.h"
#include "kernel/sandbox_internal.h"

void or_sandbox_tie_to_parent(void) {
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0}};
  (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
  (void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  (void)syscall(SYS_capset, &header, none);
  const int score = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC); /* the first to go where memory runs out */
  if (score < 0) return;
  (void)!write(score, "1000", 4); /* where it may not, the parent's bound remains */
  (void)close(score);
}

void or_sandbox_close_above(int last_descriptor) {
#if defined(SYS_close_range)
  if (syscall(SYS_close_range, (unsigned)last_descriptor + 1, ~0u, 0) == 0) return;
#endif
  for (long i = last_descriptor + 1, end = sysconf(_SC_OPEN_MAX); i < end; ++i) (void)close((int)i);
}

/* --- Files --- */

#if defined(LANDLOCK_CREATE_RULESET_VERSION)

#define READS (LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define DEVICES (READS | LANDLOCK_ACCESS_FS_WRITE_FILE)
#define OF_FILES (LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE)
#define ALL_OF_1 ((LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1) /* the rights of the interface's first version */
#if defined(LANDLOCK_ACCESS_FS_REFER)
#define REFER LANDLOCK_ACCESS_FS_REFER
#else
#define REFER (1ull << 13)
#endif
#define TRUNCATE (1ull << 14)

/* Libraries, compilers and their settings; what tells of processor and devices. */
static const char *const readable[] = {
    "/usr",
    "/lib",
    "/lib32",
    "/lib64",
    "/bin",
    "/opt",
    "/sys",
    "/nix/store",
    "/etc/OpenCL",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/alternatives",
    "/etc/localtime",
    "/proc/self",
    "/proc/cpuinfo",
    "/proc/meminfo",
    "/proc/stat",
    "/proc/devices",
    "/proc/modules",
    "/proc/filesystems",
    "/proc/version",
    "/proc/driver",
    "/proc/sys",
};
static const char *const writable[] = {"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"};
/* Beginnings of the names of accelerators in /dev; never a disk. */
static const char *const accelerators[] = {"nvidia", "dri", "kfd", "accel", "mali", "kgsl", "dxg", "nvhost", "nvmap"};

static void allow(int rules, const char *path, uint64_t rights) {
  struct landlock_path_beneath_attr rule = {.allowed_access = rights};
  struct stat facts;
  rule.parent_fd = open(path, O_PATH | O_CLOEXEC);
  if (rule.parent_fd < 0) return; /* nothing is there */
  if (fstat(rule.parent_fd, &facts) == 0) {
    if (!S_ISDIR(facts.st_mode)) rule.allowed_access &= OF_FILES | TRUNCATE;
    (void)syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
  }
  (void)close(rule.parent_fd);
}

/* Folders and files between colons. */
static void allow_list(int rules, const char *list) {
  char path[PATH_MAX];
  while (list != NULL && *list != '\0') {
    const size_t length = strcspn(list, ":");
    if (*list == '/' && length < sizeof path) {
      or_format(path, sizeof path, "%.*s", (int)length, list);
      if (strspn(path, "/.") < length) allow(rules, path, READS); /* not all there is */
    }
    list += length;
    list += *list == ':';
  }
}

static void allow_accelerators(int rules) {
  char path[sizeof "/dev/" + 256];
  DIR *folder = opendir("/dev");
  if (folder == NULL) return;
  for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
    for (size_t i = 0; i < sizeof accelerators / sizeof *accelerators; ++i) {
      if (!or_string_starts_with(entry->d_name, accelerators[i])) continue;
      or_format(path, sizeof path, "/dev/%s", entry->d_name);
      allow(rules, path, DEVICES);
    }
  }
  (void)closedir(folder);
}

bool or_sandbox_files(const char *cache, const char *scratch) {
  const long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
  if (version < 1) return false;
  const uint64_t all = ALL_OF_1 | (version >= 2 ? REFER : 0) | (version >= 3 ? TRUNCATE : 0);
  const struct landlock_ruleset_attr ruleset = {.handled_access_fs = all};
  const int rules = (int)syscall(SYS_landlock_create_ruleset, &ruleset, sizeof ruleset.handled_access_fs, 0);
  if (rules < 0) return false;
  for (size_t i = 0; i < sizeof readable / sizeof *readable; ++i) allow(rules, readable[i], READS);
  for (size_t i = 0; i < sizeof writable / sizeof *writable; ++i) allow(rules, writable[i], DEVICES);
  allow_accelerators(rules);
  allow_list(rules, getenv("LD_LIBRARY_PATH"));
  allow_list(rules, getenv("OCL_ICD_VENDORS"));
  allow_list(rules, getenv("OPENRUNTIME_OPENCL_LIBRARY"));
  if (cache[0] != '\0') allow(rules, cache, all);
  if (scratch[0] != '\0') allow(rules, scratch, all);
  const bool bound = syscall(SYS_landlock_restrict_self, rules, 0) == 0;
  (void)close(rules);
  return bound;
}
#else /* headers older than the interface */
bool or_sandbox_files(const char *cache, const char *scratch) {
  (void)cache, (void)scratch;
  return false;
}
#endif
#endif
