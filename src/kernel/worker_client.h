#ifndef OR_KERNEL_WORKER_CLIENT_H
#define OR_KERNEL_WORKER_CLIENT_H
/* A worker process, as its parent sees it: started, asked, ended. One thread at a time has it. */

#include <sys/types.h>

#include "base/cancel.h"
#include "base/file.h"
#include "kernel/protocol.h"

/* What a worker finds in its environment: the parent's, but for what is not on a list; no secret is. Captured once, so
 * that later changes of the environment are no race. */
#define OR_WORKER_MAX_VARIABLES 64u
typedef struct or_worker_environment_t {
  char *variables[OR_WORKER_MAX_VARIABLES];
  size_t count;
} or_worker_environment_t;
or_status_t or_worker_environment_init(const or_allocator_t *allocator, or_worker_environment_t *out);
void or_worker_environment_deinit(const or_allocator_t *allocator, or_worker_environment_t *environment);

typedef struct or_worker_process_t {
  pid_t pid;                        /* 0: none; else a child that nobody has waited for */
  int socket;                       /* -1: none */
  int scratch_taken;                /* what holds the folder below; open while it is there */
  char scratch[OR_FILE_PATH_BYTES]; /* a folder of its own, until it is tidied; "": none */
  int64_t next_memory_look_ns;      /* short requests one after the other have one look between them */
  bool unread;                      /* it ended before it had read the whole of a request, so that nothing came of it */
} or_worker_process_t;

/* Starts `program worker NAME`; `cache` ("" or a folder) is where drivers may keep what they compile. The kernel ends
 * the worker when the calling *thread* ends, so that this is one which lives as long as the worker is wanted.
 * UNAVAILABLE (no such program, none can be started), RESOURCE_EXHAUSTED. */
typedef struct or_worker_start_t {
  const char *program, *name, *cache;
  const or_worker_environment_t *environment;
} or_worker_start_t;
or_status_t or_worker_start(const or_worker_start_t *start, or_worker_process_t *out);
/* Kills it and all that it started and waits for it; its folder stays. `fate`: NULL, or where it goes in words what
 * ended a worker that closed its connection: "was ended by signal 11 (…)". Any thread; nothing if there is none. */
#define OR_WORKER_FATE_BYTES 128
void or_worker_end(or_worker_process_t *process, char *fate);
/* Removes the folder of one that has ended, as or_scratch_remove does. */
void or_worker_tidy(or_worker_process_t *process, const or_cancel_t *end);

/* What a request and its answer may take. */
typedef struct or_worker_bounds_t {
  int64_t deadline_ns; /* or_clock_ns */
  uint32_t limit_ms;   /* the time until then, for words */
  const or_cancel_t *cancel;
  uint64_t memory_bytes;
} or_worker_bounds_t;
typedef struct or_worker_exchange_t {
  const or_text_t *request; /* with its header */
  int descriptor;           /* sent with it; -1: none */
  or_worker_kind_t answer;
  or_worker_bounds_t bounds;
  or_text_t *reply; /* what stands behind its header; empty before */
} or_worker_exchange_t;
/* Asks and waits for the answer. After a failure the worker was ended: DEADLINE_EXCEEDED, CANCELLED,
 * RESOURCE_EXHAUSTED (of memory, or it died: the message says of what, and `unread` whether another may be asked the
 * same), DATA_LOSS (an answer that is none). */
or_status_t or_worker_exchange(or_worker_process_t *process, const or_worker_exchange_t *exchange);
/* Whether it has ended, or someone else has waited for it; what it started may have its connection still. */
bool or_worker_has_ended(const or_worker_process_t *process);
/* Whether a worker that was asked nothing still stands there, silent. */
bool or_worker_is_sound(const or_worker_process_t *process);
/* Its memory that lies in RAM, that of files without names too; 0: not known. */
uint64_t or_worker_resident_bytes(const or_worker_process_t *process);

/* Memory that is handed to a worker, which can't change its size: a file without a name. */
or_status_t or_worker_memory_create(uint64_t bytes, int *out);
or_status_t or_worker_memory_write(int descriptor, uint64_t offset, const void *bytes, size_t length);
or_status_t or_worker_memory_read(int descriptor, uint64_t offset, void *bytes, size_t length);

#endif
