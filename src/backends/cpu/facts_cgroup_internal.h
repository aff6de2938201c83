#ifndef OR_BACKENDS_CPU_FACTS_CGROUP_INTERNAL_H
#define OR_BACKENDS_CPU_FACTS_CGROUP_INTERNAL_H
/* This process's control groups: version 1, version 2, and systems that mount both. A limit of a cgroup holds for all
 * below it, so each is looked for from our own cgroup up to the topmost one that is visible. Formats: cgroups(7),
 * proc_pid_mountinfo(5), and the kernel's admin-guide/cgroup-v2 and cgroup-v1. */

#include "backends/cpu/facts_text_internal.h"

typedef enum or_cpu_controller_t {
  OR_CPU_CONTROLLER_CPU,
  OR_CPU_CONTROLLER_CPUACCT,
  OR_CPU_CONTROLLER_CPUSET,
  OR_CPU_CONTROLLER_MEMORY,
  OR_CPU_CONTROLLER_COUNT,
} or_cpu_controller_t;

#define OR_CPU_CGROUP_BYTES 1024 /* of a path, with the terminator; a longer one counts as not there */

/* Where a controller's files for us lie. */
typedef struct or_cpu_cgroup_t {
  char path[OR_CPU_CGROUP_BYTES]; /* of our cgroup, below the system root; "" if there is none to be seen */
  size_t mount_length;            /* bytes of `path` that are the mount point: the topmost cgroup */
  bool unified;                   /* version 2 */
  bool own;                       /* `path` is our own cgroup; false: it can't be seen, this is the topmost that can */
} or_cpu_cgroup_t;

/* Immutable once read. */
typedef struct or_cpu_cgroups_t {
  const char *root; /* the caller's; outlives this */
  or_cpu_cgroup_t of[OR_CPU_CONTROLLER_COUNT];
} or_cpu_cgroups_t;
/* Reads <root>/proc/self/cgroup and mountinfo. */
void or_cpu_cgroups_read(const char *root, or_cpu_cgroups_t *out);

/* The walk: the length of our own cgroup's path, then of each one above; 0 beyond the topmost. */
size_t or_cpu_cgroup_first(const or_cpu_cgroup_t *group);
size_t or_cpu_cgroup_above(const or_cpu_cgroup_t *group, size_t length);

/* What the cgroups allow us now. */
typedef struct or_cpu_limits_t {
  double quota_cores;    /* seconds of processor a second; INFINITY: not limited */
  size_t quota_level;    /* steps above our own cgroup at which that stands */
  uint64_t memory_bytes; /* UINT64_MAX: not limited */
} or_cpu_limits_t;
void or_cpu_limits_read(const or_cpu_cgroups_t *cgroups, or_cpu_limits_t *out);

/* The processors that this thread may run on by its affinity (root "") or that are online; false if not known. */
bool or_cpu_set_read(const char *root, or_cpu_set_t *out);
/* Takes those out of *set that a cpuset forbids. `known` as or_cpu_set_read answered; returns whether it is now. */
bool or_cpu_cpuset_apply(const or_cpu_cgroups_t *cgroups, bool known, or_cpu_set_t *set);

/* Memory that our cgroups leave us: limit - usage + file cache that can be dropped, of the tightest of them.
 * UINT64_MAX: not limited. */
uint64_t or_cpu_cgroup_memory_available(const or_cpu_cgroups_t *cgroups);
/* Processor time that the cgroup `level` steps above ours has used, in seconds. False if not known. */
bool or_cpu_cgroup_usage(const or_cpu_cgroups_t *cgroups, size_t level, double *seconds);

/* The forms of lines. */
typedef struct or_cpu_mount_t {
  char root[OR_CPU_CGROUP_BYTES];  /* of the file system, what is mounted */
  char point[OR_CPU_CGROUP_BYTES]; /* where */
  char type[16];
  const char *options; /* of the file system; in the line */
} or_cpu_mount_t;
bool or_cpu_mount_parse(const char *line, or_cpu_mount_t *out);

typedef struct or_cpu_membership_t {
  const char *controllers; /* in the line; empty for version 2 */
  size_t controllers_length;
  const char *path; /* in the line */
  bool unified;
} or_cpu_membership_t;
bool or_cpu_membership_parse(const char *line, or_cpu_membership_t *out);

/* Where the cgroup `path` lies, seen through a mount. False if it does not fit or the mount is of no use. */
bool or_cpu_cgroup_place(const or_cpu_mount_t *mount, const char *path, or_cpu_cgroup_t *out);

#endif
