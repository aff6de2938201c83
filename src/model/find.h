#ifndef OR_MODEL_FIND_H
#define OR_MODEL_FIND_H
/* A model by what a user calls it. */

#include "openruntime/model.h"

typedef struct or_model_search_t {
  const char *directory; /* the repository; NULL: none */
  bool allow_paths;      /* `name` may be a path too (the command line; never a server) */
} or_model_search_t;

/* In this order: a name (or NAME:VERSION) in the repository, a path, a network that is built in. *out: one reference.
 * Statuses of or_model_load, but DATA_LOSS where it says INVALID_ARGUMENT: the name was right, the file's content is
 * not. INVALID_ARGUMENT: no such name can be. NOT_FOUND has the nearest name. */
or_status_t or_model_find(or_runtime_t *runtime, const or_model_search_t *search, const char *name, or_model_t **out);

#endif
