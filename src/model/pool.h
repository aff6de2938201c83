#ifndef OR_MODEL_POOL_H
#define OR_MODEL_POOL_H
/* Models that stay loaded for a server: each is loaded once, shared by whoever runs it, and goes when it is told to,
 * when it was idle for long, or when there is no room. Every function from any thread; nothing is read from a disk,
 * loaded or freed under the pool's lock. */

#include "base/cancel.h"
#include "base/json.h"
#include "model/repository.h"
#include "openruntime/session.h"

typedef struct or_model_pool_t or_model_pool_t;

#define OR_MODEL_POOL_MAX_MODELS 64u                 /* at once; each device and precision counts */
#define OR_MODEL_POOL_MAX_BYTES ((uint64_t)64 << 30) /* of weights, all together */
#define OR_MODEL_POOL_MAX_KEEP_ALIVE_S 31536000.0    /* a year */
#define OR_MODEL_POOL_REASON_BYTES 256

typedef struct or_model_pool_options_t {
  or_runtime_t *runtime; /* outlives the pool */
  const char *directory; /* the repository, copied; NULL: only what is built in */
  uint32_t max_models;   /* 0: OR_MODEL_POOL_MAX_MODELS */
  uint64_t max_bytes;    /* 0: OR_MODEL_POOL_MAX_BYTES */
  double keep_alive_s;   /* an idle model goes after it; 0: never */
} or_model_pool_options_t;
/* *out is the caller's. INVALID_ARGUMENT (keep_alive_s); RESOURCE_EXHAUSTED. */
or_status_t or_model_pool_create(const or_model_pool_options_t *options, or_model_pool_t **out);
/* Every lease was given back, nobody is in a call. Takes NULL. */
void or_model_pool_free(or_model_pool_t *pool);

/* What is wanted. Two requests share a model if they agree in all but `cancel` and what follows it. */
typedef struct or_model_request_t {
  const char *name;    /* NAME or NAME:VERSION; a short name ("bert") is that of the network */
  int64_t version;     /* 0: that of the name, else the default: the highest there was when it was loaded */
  or_device_t *device; /* NULL: the runtime's best */
  or_dtype_t precision;
  bool strict;
  or_cancel_t *cancel; /* ends the wait for another's load; may be NULL */
  /* Of or_model_pool_load alone: */
  int64_t max_batch_size; /* 0: no bound */
  double keep_alive_s;    /* 0: the pool's; negative: never goes */
} or_model_request_t;

/* A loaded model, held: it stays until the lease is given back. */
typedef struct or_model_lease_t {
  or_model_t *model; /* borrowed from the lease, like `session` */
  or_session_t *session;
  int64_t max_batch_size; /* 0: no bound */
  struct or_model_entry_t *entry;
  bool brief; /* from or_model_pool_try */
} or_model_lease_t;

/* Takes the model, loading it on this thread if nobody has it; while another thread loads it, waits. A load that failed
 * is tried again by the next call. NOT_FOUND (with the nearest name); INVALID_ARGUMENT (no such name can be, a
 * version given
 * twice); RESOURCE_EXHAUSTED (memory, or every model that the pool may hold is in use); CANCELLED,
 * DEADLINE_EXCEEDED (while waiting); what loading and or_session_create fail with. On failure the lease is empty. */
or_status_t or_model_pool_acquire(or_model_pool_t *pool, const or_model_request_t *request, or_model_lease_t *lease);
/* As acquire where the model is ready, and takes no longer than a lock, as does giving the lease back: what goes by
 * that goes with the next sweep. False: it is not, and the lease is empty. */
bool or_model_pool_try(or_model_pool_t *pool, const or_model_request_t *request, or_model_lease_t *lease);
/* Once for each acquire that succeeded; empties the lease. An empty one does nothing. */
void or_model_pool_release(or_model_pool_t *pool, or_model_lease_t *lease);
/* The same failure, of work with one of its models, in words that do not say where they lie: names of files begin below
 * the folder. Takes the status. */
or_status_t or_model_pool_hide(const or_model_pool_t *pool, or_status_t status);

/* Loads ahead of use and keeps it. Looks for the newest version on the disk: if it is not the one in use, that one
 * takes no more leases once the new one is ready, and goes with its last. Statuses of acquire; a failure is the
 * model's state
 * too. INVALID_ARGUMENT: max_batch_size or keep_alive_s is out of bounds. */
or_status_t or_model_pool_load(or_model_pool_t *pool, const or_model_request_t *request);
/* The model (NAME: every version; NAME:VERSION) takes no more leases and goes with its last; a load in progress ends
 * first. Does not wait. NOT_FOUND: it is not loaded. */
or_status_t or_model_pool_unload(or_model_pool_t *pool, const char *name);
/* Unloads the model and takes its files out of the folder: NAME.onnx with NAME.json and NAME.onnx.data, or the folder
 * NAME; of NAME:VERSION the folder of that version. A link goes, not what it leads to. Waits for the disk, not for who
 * has the model. NOT_FOUND; FAILED_PRECONDITION: it is built in; PERMISSION_DENIED, UNAVAILABLE: its files can't be
 * removed. */
or_status_t or_model_pool_remove(or_model_pool_t *pool, const char *name);
/* Lets go of what was idle too long at `now_ns` (or_clock_ns). */
void or_model_pool_sweep(or_model_pool_t *pool, int64_t now_ns);

/* "bert:2" as "bert-base" and 2; OR_MODEL_NO_VERSION where it names none. INVALID_ARGUMENT: no such name can be. */
#define OR_MODEL_NO_VERSION INT64_C(-1)
or_status_t or_model_pool_split(const char *name, char base[OR_REPOSITORY_NAME_BYTES], int64_t *version);

/* Bytes of weights that the model would take: what it has if it is loaded, else the size of its file. *known is false
 * where neither says it (built in, a folder of several files, data outside the file). NOT_FOUND, INVALID_ARGUMENT.
 * Reads the disk. */
or_status_t or_model_pool_estimate(or_model_pool_t *pool, const char *name, uint64_t *bytes, bool *known);

/* The model that `name` stands for, to be asked what it takes; one reference, the caller's. Takes no longer than a
 * lock. NULL: it is not loaded. */
or_model_t *or_model_pool_loaded(or_model_pool_t *pool, const char *name);
/* The same, read from its file where it is not loaded: its structure, no session, and nobody else gets it. Reads the
 * disk. NOT_FOUND, INVALID_ARGUMENT (no such name can be); what loading fails with. */
or_status_t or_model_pool_read(or_model_pool_t *pool, const char *name, or_model_t **out);

typedef struct or_model_pool_counts_t {
  uint64_t loads, failed_loads, evictions; /* since the start */
  uint32_t models, leases;                 /* now */
  uint64_t bytes;                          /* of weights, now */
} or_model_pool_counts_t;
or_model_pool_counts_t or_model_pool_counts(or_model_pool_t *pool);

/* Writes one Model object; NAME:VERSION is that version. NOT_FOUND, INVALID_ARGUMENT: nothing was written.
 * Failures of `json` are its own. Reads the disk. */
or_status_t or_model_pool_describe(or_model_pool_t *pool, const char *name, or_json_writer_t *json);
/* Writes an array of Model objects: the repository's, then what is built in. */
or_status_t or_model_pool_list(or_model_pool_t *pool, or_json_writer_t *json);

#endif
