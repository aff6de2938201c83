#ifndef OR_MODEL_POOL_INTERNAL_H
#define OR_MODEL_POOL_INTERNAL_H
/* The pool's insides, for pool.c and pool_json.c. */

#include "base/thread.h"
#include "model/pool.h"
#include "model/repository.h"

typedef enum or_model_state_t {
  OR_MODEL_AVAILABLE,
  OR_MODEL_LOADING,
  OR_MODEL_READY,
  OR_MODEL_FAILED,
  OR_MODEL_UNLOADING
} or_model_state_t;

/* A model on a device. The key never changes; all else under the pool's mutex. */
typedef struct or_model_entry_t {
  struct or_model_entry_t *next;
  char name[OR_REPOSITORY_NAME_BYTES];
  int64_t version; /* OR_MODEL_NO_VERSION: the model has none */
  or_device_t *device;
  or_dtype_t precision;
  bool strict;
  bool is_default; /* serves requests without a version */
  or_model_state_t state;
  bool unload_wanted; /* while it loads */
  uint32_t leases, waiters;
  or_status_code_t code; /* of the failure */
  char reason[OR_MODEL_POOL_REASON_BYTES];
  or_model_t *model; /* one reference each, once it is ready */
  or_session_t *session;
  uint64_t bytes;
  int64_t loaded_at_us, last_used_us, last_used_ns; /* 0: not yet */
  int64_t keep_alive_ns;                            /* INT64_MAX: for ever */
  int64_t max_batch_size;
} or_model_entry_t;

struct or_model_pool_t {
  const or_allocator_t *allocator;
  or_runtime_t *runtime;
  char *directory; /* or NULL */
  uint32_t max_models;
  uint64_t max_bytes;
  int64_t keep_alive_ns;
  or_mutex_t mutex; /* all below */
  or_cond_t changed;
  or_model_entry_t *entries;
  or_model_pool_counts_t counts;
};

/* Where the model lies, *file the caller's; NULL if it is built in. *version: of the file. NOT_FOUND. */
or_status_t or_model_pool_locate(const or_model_pool_t *pool, const char *base, int64_t asked, char **file,
                                 int64_t *version);

#endif
