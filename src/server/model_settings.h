#ifndef OR_SERVER_MODEL_SETTINGS_H
#define OR_SERVER_MODEL_SETTINGS_H
/* Which models were loaded on demand, and how: kept in the store, so that a server that starts again loads them again.
 * The functions wait for the disk: for workers, not for loops. */

#include "server/services.h"

/* What POST /models/{name}/load asks for. */
typedef struct or_model_wish_t {
  char name[OR_REPOSITORY_NAME_BYTES];
  int64_t version;        /* 0: the newest */
  char device[32];        /* id or type; "auto" */
  or_dtype_t precision;   /* NONE: the model's own types */
  int64_t max_batch_size; /* 0: no bound */
  double keep_alive_s;    /* 0: the pool's; negative: for ever */
} or_model_wish_t;

/* Fills a wish from a document with the fields of ModelLoad; what is missing has its default. `name` is that of
 * or_model_pool_split. */
void or_model_wish_read(or_model_wish_t *wish, const char *name, const or_json_value_t *fields);
/* Loads what is wished. NOT_FOUND: the device, or the model; statuses of or_model_pool_load. */
or_status_t or_model_wish_load(const or_services_t *services, const or_runtime_t *runtime, const or_model_wish_t *wish);

/* *known: it was remembered before. */
or_status_t or_model_settings_remember(or_store_t *store, const or_model_wish_t *wish, bool *known);
/* One wish; and every one of a model, or of one of its versions (OR_MODEL_NO_VERSION: all). */
or_status_t or_model_settings_forget_wish(or_store_t *store, const or_model_wish_t *wish);
or_status_t or_model_settings_forget(or_store_t *store, const char *name, int64_t version);
/* Calls back for each wish, on a thread of the store, and returns at once: `visit` hands it on. */
or_status_t or_model_settings_visit(or_store_t *store, void (*visit)(void *self, const or_model_wish_t *wish),
                                    void *self);

#endif
