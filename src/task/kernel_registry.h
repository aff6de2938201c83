#ifndef OR_TASK_KERNEL_REGISTRY_H
#define OR_TASK_KERNEL_REGISTRY_H
/* The kernels that users compiled, by owner and name: bounded in count and bytes, kept by a keeper beyond the process,
 * and compiled again at first use after it. A name that is compiled again stands for the new kernel from then on; one
 * that fails to compile leaves the old one. Who runs a kernel keeps it, whatever happens to its name.
 *
 * Functions may be called from any thread; those that compile, run, keep or forget wait. */

#include "base/cancel.h"
#include "task/kernel_record.h"

typedef struct or_kernel_registry_t or_kernel_registry_t;
typedef struct or_kernel_entry_t or_kernel_entry_t; /* counted, immutable but for the kernel it is compiled to */

/* Where kernels outlive the process; each returns when that is so. */
typedef struct or_kernel_keeper_t {
  void *self;
  or_status_t (*keep)(void *self, const or_kernel_record_t *record); /* in place of one of the same owner and name */
  or_status_t (*forget)(void *self, const char *owner, const char *name); /* OK also where there is none */
} or_kernel_keeper_t;

#define OR_KERNEL_REGISTRY_COUNT 1024u      /* kernels in all */
#define OR_KERNEL_REGISTRY_OWNER_COUNT 256u /* of one owner */
#define OR_KERNEL_REGISTRY_BYTES ((size_t)64 << 20)

typedef struct or_kernel_registry_options_t {
  or_runtime_t *runtime;              /* retained */
  const or_kernels_options_t *limits; /* NULL: the defaults */
  const or_kernel_keeper_t *keeper;   /* copied; NULL: nothing is kept */
  size_t count, owner_count, bytes;   /* 0: the bounds above */
} or_kernel_registry_options_t;
/* Starts no process yet. *out is the caller's. */
or_status_t or_kernel_registry_create(const or_kernel_registry_options_t *options, or_kernel_registry_t **out);
void or_kernel_registry_free(or_kernel_registry_t *registry); /* when no call is in flight; takes NULL */
const or_kernels_options_t *or_kernel_registry_limits(const or_kernel_registry_t *registry);

/* One that was kept: compiled when it is needed. RESOURCE_EXHAUSTED: beyond the bounds. */
or_status_t or_kernel_registry_recall(or_kernel_registry_t *registry, const or_kernel_record_t *record);
/* Compiles `wanted` (whose `facts` are not looked at), keeps it, and gives it its name. `log`: OR_KERNEL_LOG_BYTES, as
 * or_kernel_compile. *out: one reference. Statuses of or_kernel_compile, of the keeper; RESOURCE_EXHAUSTED also: as
 * many kernels or bytes as there may be. */
or_status_t or_kernel_registry_compile(or_kernel_registry_t *registry, const or_kernel_record_t *wanted,
                                       const or_cancel_t *cancel, char *log, or_kernel_entry_t **out);
/* NOT_FOUND. *out: one reference. `owner` NULL: anyone's. */
or_status_t or_kernel_registry_find(or_kernel_registry_t *registry, const char *owner, const char *name,
                                    or_kernel_entry_t **out);
/* NOT_FOUND; statuses of the keeper. `owner` NULL: anyone's. */
or_status_t or_kernel_registry_remove(or_kernel_registry_t *registry, const char *owner, const char *name);
/* Each of an owner's by name, NULL: everyone's; on the calling thread, under a lock: it must not call the registry. */
void or_kernel_registry_list(or_kernel_registry_t *registry, const char *owner,
                             void (*visit)(void *self, const or_kernel_record_t *record), void *self);

void or_kernel_entry_retain(or_kernel_entry_t *entry);
void or_kernel_entry_release(or_kernel_entry_t *entry); /* takes NULL */
const or_kernel_record_t *or_kernel_entry_record(const or_kernel_entry_t *entry);
bool or_kernel_entry_is_ready(or_kernel_entry_t *entry); /* compiled in this process */
/* Whether compiling it would wait for other work, of its owner or of everyone: a run takes as long as its bound. */
bool or_kernel_registry_would_wait(const or_kernel_registry_t *registry, const or_kernel_entry_t *entry);
/* The kernel, compiled if it is not. It lives as long as the entry. Statuses of or_kernel_compile. */
or_status_t or_kernel_registry_ready(or_kernel_registry_t *registry, or_kernel_entry_t *entry,
                                     const or_cancel_t *cancel, or_kernel_t **out);
/* or_kernel_run of one that is ready; counted, and what is killed is told in the log. */
or_status_t or_kernel_registry_run(or_kernel_registry_t *registry, or_kernel_entry_t *entry,
                                   const or_kernel_launch_t *launch, or_kernel_result_t *out);

/* How what was asked of a worker ended. */
typedef enum or_kernel_end_t {
  OR_KERNEL_DONE,
  OR_KERNEL_FAILED,        /* by its own fault, or as nothing could be had */
  OR_KERNEL_KILLED_TIME,   /* its time was up */
  OR_KERNEL_KILLED_CANCEL, /* nobody wanted it any more */
  OR_KERNEL_KILLED_DIED,   /* of memory or a signal */
} or_kernel_end_t;
#define OR_KERNEL_END_COUNT 5
typedef struct or_kernel_registry_stats_t {
  uint64_t compiles[OR_KERNEL_END_COUNT], runs[OR_KERNEL_END_COUNT];
  size_t kernels, bytes; /* there are */
  uint32_t workers;      /* processes, now */
} or_kernel_registry_stats_t;
void or_kernel_registry_stats(or_kernel_registry_t *registry, or_kernel_registry_stats_t *out);

#endif
