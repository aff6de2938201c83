#ifndef OR_TASK_JOURNAL_H
#define OR_TASK_JOURNAL_H
/* What is recorded of tasks so that they outlive the process. Declared here, filled by store/; whoever schedules tasks
 * sees only this. And the ids of tasks. */

#include "openruntime/status.h"

typedef enum or_task_state_t {
  OR_TASK_PENDING,
  OR_TASK_RUNNING,
  OR_TASK_COMPLETED,
  OR_TASK_FAILED,
  OR_TASK_CANCELLED,
  OR_TASK_TIMEOUT
} or_task_state_t;
#define OR_TASK_STATE_COUNT 6
/* The word of the wire: "pending" "running" "completed" "failed" "cancelled" "timeout". */
const char *or_task_state_name(or_task_state_t state);
/* False, and *out untouched, if `name` is no such word or NULL. */
bool or_task_state_from_name(const char *name, or_task_state_t *out);
static inline bool or_task_state_is_final(or_task_state_t state) { return state >= OR_TASK_COMPLETED; }

#define OR_TASK_ID_BYTES 65    /* [A-Za-z0-9._:-]{1,64} and the terminator; those we make have 26 characters */
#define OR_TASK_OWNER_BYTES 33 /* id of the API key; "" without keys */
#define OR_TASK_DIGEST_BYTES 32
/* What an API key may do, as bits; ADMIN may all. OPEN: needs no key. */
enum {
  OR_SCOPE_OPEN = 0,
  OR_SCOPE_READ = 1,
  OR_SCOPE_RUN = 2,
  OR_SCOPE_KERNELS = 4,
  OR_SCOPE_ADMIN = 8,
  OR_SCOPE_ALL = 15
};
#define OR_TASK_MAX_ATTEMPTS 3 /* of a task that is run again after a restart or a lost device */

bool or_task_id_valid(const char *task_id);
/* Makes an id of 26 characters that sorts by the time of its making (ULID: 48 bits of milliseconds, 80 random bits,
 * Crockford's base 32); within a process each is greater than the last. Any thread. UNAVAILABLE: the system has no
 * random bytes. */
or_status_t or_task_id_make(char task_id[OR_TASK_ID_BYTES]);

/* One row. Pointers are borrowed for the call. Times are or_clock_wall_us; 0: not yet. */
typedef struct or_task_record_t {
  char task_id[OR_TASK_ID_BYTES], owner[OR_TASK_OWNER_BYTES];
  const char *operation;
  const char *request; /* the body as it came (JSON); the parts of a multipart body follow as blobs */
  size_t request_bytes;
  /* OR_TASK_DIGEST_BYTES: SHA-256 of the whole body, parts included, by which the same task_id is told from another
   * task; NULL: made of `request`. */
  const uint8_t *body_digest;
  or_task_state_t state;
  int priority, attempts; /* attempts begun */
  bool rerun_on_restart;
  bool recorded; /* of an end: the task was admitted, so that there is a row */
  int64_t created_us, started_us, finished_us, deadline_us;
  const char *device_used, *error, *error_code; /* NULL: none */
  const char *response;                         /* the TaskResponse once finished; NULL: it ended without one */
  size_t response_bytes;
} or_task_record_t;

/* Inputs or outputs of a task; an OR_STRING one in a flat form that the caller chooses. */
typedef struct or_journal_blob_t {
  const char *name;
  or_dtype_t dtype;
  or_shape_t shape;
  const void *data;
  size_t bytes;
} or_journal_blob_t;
#define OR_JOURNAL_MAX_BLOBS 128

/* What became of a row; the status is the callee's. On a thread of the journal, outside its locks; it may call the
 * journal, and returns soon. */
typedef void (*or_journal_done_t)(void *self, or_status_t status);

typedef struct or_journal_start_t {
  const char *task_id;
  int attempt;        /* 1..; 0: none has begun after all */
  const char *device; /* NULL: none yet */
  int64_t started_us;
} or_journal_start_t;

/* Each function may be called from any thread, never waits for the disk, and copies what it needs.
 *
 * Common statuses at once (`done` is not called then): INVALID_ARGUMENT (an id or blob that breaks the rules above);
 * UNAVAILABLE: the backlog of what is to be written is full, try later; RESOURCE_EXHAUSTED: no memory, or one row that
 * exceeds what the whole backlog may hold; FAILED_PRECONDITION: closed.
 * Through `done`: RESOURCE_EXHAUSTED: the disk or memory is full; DATA_LOSS: an I/O error or a corrupt database. */
typedef struct or_journal_t {
  void *self;
  /* A new task: pending, with its inputs; or one that has ended already, in one row, with its outputs and without its
   * request. `done` with OK: it is on disk and survives power loss. ALREADY_EXISTS by `done`. */
  or_status_t (*admit)(void *self, const or_task_record_t *record, const or_journal_blob_t *blobs, size_t blob_count,
                       or_journal_done_t done, void *done_self);
  /* An attempt begins, or is about to: of several starts of a task the last one counts. A task that must not run twice
   * (rerun_on_restart false) is carried out only after `done` said OK; else `done` may be NULL. Tasks that were never
   * admitted have no start. */
  or_status_t (*start)(void *self, const or_journal_start_t *start, or_journal_done_t done, void *done_self);
  /* The end, with everything: updates the row of an admitted task, and drops its request and inputs; inserts a row
   * where there is none. One that can't be written now (disk full) is kept and tried again while the backlog has
   * room. */
  or_status_t (*finish)(void *self, const or_task_record_t *record, const or_journal_blob_t *outputs,
                        size_t output_count);
  or_status_t (*priority)(void *self, const char *task_id, int priority);
} or_journal_t;

#endif
