#ifndef OR_MODEL_CHECKPOINT_H
#define OR_MODEL_CHECKPOINT_H
/* The parameters in a folder: model.safetensors, or several files and model.safetensors.index.json. */

#include "model/builtin/weights.h"
#include "model/safetensors.h"

#define OR_CHECKPOINT_MAX_FILES ((size_t)1024)

/* Owned by one thread; what it gives to a graph lives as long as the graph. */
typedef struct or_checkpoint_t {
  or_weight_source_t base; /* first: what builders are given */
  const or_allocator_t *allocator;
  const char *folder;         /* the caller's */
  const char *prefix;         /* "bert.": the file may have names with it, or without what begins so; the caller's */
  or_file_t **files;          /* retained */
  or_safetensors_t *contents; /* of each file */
  size_t file_count, file_capacity, content_capacity, tensor_count;
} or_checkpoint_t;

/* Opens the files and reads their headers. NOT_FOUND (no such file; says what is there instead), DATA_LOSS,
 * INVALID_ARGUMENT (a tensor in two files, a file name that leaves the folder), RESOURCE_EXHAUSTED. */
or_status_t or_checkpoint_open(or_checkpoint_t *checkpoint, const or_allocator_t *allocator, const char *folder,
                               const char *prefix);
void or_checkpoint_close(or_checkpoint_t *checkpoint);
bool or_checkpoint_has(const or_checkpoint_t *checkpoint, const char *name);

#endif
