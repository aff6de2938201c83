#ifndef OR_STORE_STORE_H
#define OR_STORE_STORE_H
/* What a server keeps on disk: tasks with their inputs and results, settings of devices and models, API keys. One
 * SQLite database and a folder of files for large tensors, in one data folder that one process at a time may have.
 *
 * One writer thread owns the writing connection and commits in groups; one reader thread answers reads by callback.
 * Functions may be called from any thread and do not wait for the disk unless they say so. Callbacks run on a thread of
 * the store, outside its locks, may call the store (not or_store_close), and return soon. A status that a callback is
 * given is the callee's. Messages that may reach remote callers name no path. */

#include "base/file.h"
#include "base/json.h"
#include "base/thread.h"
#include "task/journal.h"

typedef struct or_store_t or_store_t; /* any thread until or_store_close */

#define OR_STORE_MEMORY ":memory:"                 /* instead of a folder: nothing is on disk, nothing survives */
#define OR_STORE_BACKLOG_ROWS 16384                /* rows that wait to be written; admits are refused beyond */
#define OR_STORE_BACKLOG_BYTES ((size_t)256 << 20) /* of those rows, their tensors included */
#define OR_STORE_MAX_READS 4096                    /* reads that wait */
#define OR_STORE_INLINE_BYTES ((size_t)64 << 10)   /* a tensor of more bytes is a file of its own */

/* Finished tasks go, the oldest first, when one of these is exceeded. */
typedef struct or_store_retention_t {
  int64_t age_s;      /* since the end */
  int64_t task_count; /* all that are stored; active ones count and stay */
  int64_t bytes;      /* of requests, results and tensors */
} or_store_retention_t;
#define OR_STORE_RETENTION_AGE_S ((int64_t)7 * 24 * 3600)
#define OR_STORE_RETENTION_TASKS ((int64_t)100000)
#define OR_STORE_RETENTION_BYTES ((int64_t)4 << 30)

/* How tensor files are written; tests put their own in. Each path lies in the store's folder of files. */
typedef struct or_store_files_t {
  void *self;
  or_status_t (*write)(void *self, const char *path, const void *bytes,
                       size_t length);                      /* whole and synced, or absent */
  or_status_t (*sync_folder)(void *self, const char *path); /* names given so far survive power loss */
  void (*remove)(void *self, const char *path);             /* one that stays is swept at the next open */
} or_store_files_t;

typedef struct or_store_options_t {
  const char *path;     /* the data folder, made if missing; or OR_STORE_MEMORY */
  bool beside;          /* only look, also while another process has the folder: or_store_open */
  bool synchronous_off; /* never wait for the disk: power loss then loses tasks, and may corrupt the database */
  size_t backlog_rows;  /* starts and ends of tasks may fill it twice: they are not refused when admits are */
  size_t backlog_bytes;
  or_store_retention_t retention;
  const or_allocator_t *allocator; /* NULL: the C library's. SQLite has memory of its own */
  const char *vfs;                 /* name of an SQLite VFS; NULL: the system's */
  const or_store_files_t *files;   /* NULL: the system's */
} or_store_options_t;
or_store_options_t or_store_options(const char *path); /* the bounds above */

/* Opens, locks, checks and migrates the data folder, sweeps files that no row names, starts the threads. Waits for the
 * disk. UNAVAILABLE: another process has the folder; PERMISSION_DENIED: can't be written; DATA_LOSS: corrupt;
 * FAILED_PRECONDITION: made by a newer version, or no database of ours; RESOURCE_EXHAUSTED. Each message is one line
 * with the cure, and names the path. *out is the caller's.
 *
 * `beside`: takes no lock and changes nothing, so that backup, check and every read can be had of a folder that a
 * server has; what is to be written is refused with FAILED_PRECONDITION, and so is a folder that an older version made.
 * NOT_FOUND: no database is there. */
or_status_t or_store_open(const or_store_options_t *options, or_store_t **out);
/* Writes what waits, ends the threads, closes; every callback has been called when it returns. Takes NULL. */
void or_store_close(or_store_t *store);

/* The table for whoever schedules; valid as long as the store. */
const or_journal_t *or_store_journal(or_store_t *store);

typedef enum or_store_role_t { OR_STORE_INPUT, OR_STORE_OUTPUT } or_store_role_t;

/* After a restart, on the calling thread, before the first task is admitted: running tasks become pending again
 * (rerun_on_restart) or failed with error_code "interrupted"; those that began OR_TASK_MAX_ATTEMPTS times, or whose
 * inputs are damaged, failed. Then `visit` is called for each pending one, in the order of acceptance, with its request
 * and inputs, borrowed for the call; its failure ends the walk and is returned. */
typedef or_status_t (*or_store_visit_t)(void *self, const or_task_record_t *record, const or_journal_blob_t *inputs,
                                        size_t input_count);
or_status_t or_store_recover(or_store_t *store, or_store_visit_t visit, void *self);

/* A tensor that is stored, without its data. */
typedef struct or_store_blob_t {
  char name[128];
  or_store_role_t role;
  or_dtype_t dtype;
  or_shape_t shape;
  uint64_t bytes;
} or_store_blob_t;

/* Looks a task up; what was journalled before the call is seen, unless the disk is full. */
typedef struct or_store_find_t {
  const char *task_id;
  const char *owner;          /* NULL: anybody's; a task of another owner is NOT_FOUND */
  const uint8_t *body_digest; /* NULL: whatever the body was; ALREADY_EXISTS if it was another */
} or_store_find_t;
/* `record` (request left out) and `blobs` are borrowed for the call; NULL on failure. OK, NOT_FOUND, ALREADY_EXISTS,
 * RESOURCE_EXHAUSTED, DATA_LOSS. */
typedef void (*or_store_found_t)(void *self, or_status_t status, const or_task_record_t *record,
                                 const or_store_blob_t *blobs, size_t blob_count);
/* Common statuses at once of all reads (no callback then): INVALID_ARGUMENT; UNAVAILABLE: too many reads wait;
 * RESOURCE_EXHAUSTED: no memory; FAILED_PRECONDITION: closed. */
or_status_t or_store_find(or_store_t *store, const or_store_find_t *find, or_store_found_t found, void *self);

/* Newest first. Request and response are left out. */
typedef struct or_store_list_t {
  const char *owner;     /* NULL: all */
  int state;             /* an or_task_state_t; -1: any */
  const char *operation; /* NULL: any */
  const char *device;    /* NULL: any */
  int64_t after;         /* the cursor of the last row of the page before; 0: from the newest */
  int limit;             /* 1..OR_STORE_MAX_PAGE */
} or_store_list_t;
#define OR_STORE_MAX_PAGE 1000
typedef struct or_store_listing_t {
  void *self;
  void (*row)(void *self, const or_task_record_t *record, int64_t cursor); /* borrowed for the call */
  void (*end)(void *self, or_status_t status);                             /* once, last */
} or_store_listing_t;
or_status_t or_store_list(or_store_t *store, const or_store_list_t *list, const or_store_listing_t *listing);

/* A stored tensor's bytes: `data`, borrowed for the call, or, where data is NULL, `file`, which the callee may retain
 * and read even after the task was removed. NOT_FOUND: no such task or tensor. */
typedef void (*or_store_blob_read_t)(void *self, or_status_t status, const or_store_blob_t *blob, const void *data,
                                     or_file_t *file);
typedef struct or_store_blob_name_t {
  const char *task_id, *owner; /* owner NULL: anybody's */
  or_store_role_t role;
  const char *name;
} or_store_blob_name_t;
or_status_t or_store_read_blob(or_store_t *store, const or_store_blob_name_t *name, or_store_blob_read_t read,
                               void *self);

/* Removes a finished task with all of its tensors. By `done` (which may be NULL): NOT_FOUND; FAILED_PRECONDITION: it is
 * active. */
or_status_t or_store_remove(or_store_t *store, const char *task_id, or_journal_done_t done, void *self);
/* New bounds, from now on; `done` (may be NULL): nothing exceeds them any more. */
or_status_t or_store_set_retention(or_store_t *store, const or_store_retention_t *retention, or_journal_done_t done,
                                   void *self);
/* `done`: everything journalled before is on disk. */
or_status_t or_store_flush(or_store_t *store, or_journal_done_t done, void *self);

/* What was set of a device or a model, and the kernels of users, as text that the store does not read (JSON). */
typedef enum or_store_setting_t { OR_STORE_DEVICE, OR_STORE_MODEL, OR_STORE_KERNEL } or_store_setting_t;
#define OR_STORE_NAME_BYTES 256
#define OR_STORE_SETTING_BYTES ((size_t)64 << 10)
#define OR_STORE_KERNEL_BYTES ((size_t)16 << 20) /* its source in JSON, where a character may take six */
/* value NULL: forgets it. INVALID_ARGUMENT: name or value too long. */
or_status_t or_store_put_setting(or_store_t *store, or_store_setting_t kind, const char *name, const char *value,
                                 or_journal_done_t done, void *self);
/* Each setting by its name; then `end` once. */
typedef struct or_store_settings_t {
  void *self;
  void (*setting)(void *self, const char *name, const char *value);
  void (*end)(void *self, or_status_t status);
} or_store_settings_t;
or_status_t or_store_get_settings(or_store_t *store, or_store_setting_t kind, const or_store_settings_t *settings);

/* API keys. A secret is 32 random bytes, shown once; what is stored is its SHA-256. */
/* Scopes from words separated by commas ("read,run"); INVALID_ARGUMENT names the word and the nearest. */
or_status_t or_store_scopes_parse(const char *text, unsigned *out);
#define OR_STORE_SCOPES_BYTES 40
const char *or_store_scopes_format(unsigned scopes, char text[OR_STORE_SCOPES_BYTES]); /* returns text */
#define OR_STORE_MAX_KEYS 1024   /* in use; beside them the newest revoked ones are kept, OR_STORE_MAX_KEYS in all */
#define OR_STORE_SECRET_BYTES 69 /* "ork_", 64 hexadecimal digits and the terminator */
#define OR_STORE_LABEL_BYTES 128
typedef struct or_store_key_t {
  char id[OR_TASK_OWNER_BYTES];
  char label[OR_STORE_LABEL_BYTES];
  unsigned scopes;
  int64_t created_us, last_used_us, revoked_us; /* 0: not */
} or_store_key_t;
/* *key and `secret` are valid once `done` said OK: then the key is on disk and opens doors. INVALID_ARGUMENT: a label
 * too long, no scopes; RESOURCE_EXHAUSTED: as many keys as there may be; UNAVAILABLE: no random bytes. */
typedef struct or_store_new_key_t {
  const char *label;
  unsigned scopes;
} or_store_new_key_t;
or_status_t or_store_create_key(or_store_t *store, const or_store_new_key_t *wanted, or_store_key_t *key,
                                char secret[OR_STORE_SECRET_BYTES], or_journal_done_t done, void *self);
/* From memory, in a time that does not depend on what is right of a wrong secret. PERMISSION_DENIED: no such key, or
 * revoked. Notes the use. */
or_status_t or_store_find_key(or_store_t *store, const char *secret, or_store_key_t *key);
/* Refused from now on; `done` (may be NULL): on disk. NOT_FOUND. */
or_status_t or_store_revoke_key(or_store_t *store, const char *id, or_journal_done_t done, void *self);
/* Calls `visit` for each key, the oldest first, on the calling thread under a lock: it must not call for keys. */
void or_store_list_keys(or_store_t *store, void (*visit)(void *self, const or_store_key_t *key), void *self);
size_t or_store_key_count(or_store_t *store); /* not revoked */
/* Whether there ever was a key: those that were revoked count, so that a server does not open its doors when the last
 * one is. */
bool or_store_has_keys(or_store_t *store);
bool or_store_has_admin(or_store_t *store); /* a key with OR_SCOPE_ADMIN that is not revoked */
/* A Key object (docs/api.md); `secret` NULL: without it. */
void or_store_key_write_json(or_json_writer_t *json, const or_store_key_t *key, const char *secret);

/* Writes one file that holds the whole store, tensors included, as of now; the store goes on meanwhile. Put it in an
 * empty data folder as "openruntime.db" to restore. ALREADY_EXISTS: there is such a file. */
or_status_t or_store_backup(or_store_t *store, const char *file, or_journal_done_t done, void *self);

/* Reads all of it and compares. */
typedef struct or_store_check_t {
  uint64_t tasks, blobs, keys;
  uint64_t damaged; /* rows and files that are not as they should be */
} or_store_check_t;
typedef struct or_store_checking_t {
  void *self;
  void (*problem)(void *self, const char *words); /* one of those `damaged`; at most OR_STORE_MAX_PROBLEMS */
  void (*end)(void *self, or_status_t status, const or_store_check_t *check);
} or_store_checking_t;
#define OR_STORE_MAX_PROBLEMS 100
or_status_t or_store_check(or_store_t *store, const or_store_checking_t *checking);

typedef struct or_store_stats_t {
  int64_t tasks, bytes;               /* stored */
  size_t backlog_rows, backlog_bytes; /* waiting to be written */
  uint64_t commits, rows;             /* since it was opened */
  uint64_t failures;                  /* commits that failed */
  uint64_t removed;                   /* tasks that retention removed */
  uint64_t dropped;                   /* starts and ends that could not be recorded */
  bool disk_full;                     /* the last commit failed for want of room */
} or_store_stats_t;
void or_store_stats(or_store_t *store, or_store_stats_t *out);

/* SHA-256, for body_digest. Parts may follow each other: begin, add, end. RESOURCE_EXHAUSTED: no memory. */
typedef struct or_store_digest_t {
  void *context;
} or_store_digest_t;
or_status_t or_store_digest_begin(or_store_digest_t *digest);
or_status_t or_store_digest_add(or_store_digest_t *digest, const void *bytes, size_t length);
or_status_t or_store_digest_end(or_store_digest_t *digest,
                                uint8_t out[OR_TASK_DIGEST_BYTES]); /* frees it in any case */
or_status_t or_store_digest(const void *bytes, size_t length, uint8_t out[OR_TASK_DIGEST_BYTES]);

/* Waits for one `done`, where there is a thread to spare (the command line, tests). In place. */
typedef struct or_store_waiter_t {
  or_mutex_t lock;
  or_cond_t changed;
  or_status_t status; /* under lock, as `called` is */
  bool called;
} or_store_waiter_t;
void or_store_waiter_init(or_store_waiter_t *waiter);
void or_store_waiter_done(void *waiter, or_status_t status); /* an or_journal_done_t */
/* Gives the status that `done` was given; the waiter is done with. `begun` is what the call that was given the waiter
 * returned: if that is a failure there will be no `done`, and it is returned. */
or_status_t or_store_waiter_wait(or_store_waiter_t *waiter, or_status_t begun);

#endif
