#ifndef OR_MODEL_HUGGINGFACE_H
#define OR_MODEL_HUGGINGFACE_H
/* A folder as Hugging Face's libraries save a model: config.json, *.safetensors, and sentence-transformers'
 * modules.json. */

#include "graph/graph.h"

/* True if the folder has config.json or modules.json. */
bool or_huggingface_is_folder(const char *folder);

/* model_type bert, distilbert, roberta, xlm-roberta or gpt2, built in float32 with the folder's weights, which stay in
 * their files; a classifier of texts or tokens with its head. *out: one reference. UNIMPLEMENTED names the field and
 * its value (another model_type, architecture, activation, pooling, module; no JSON reader in this build);
 * INVALID_ARGUMENT (a field missing or wrong, a parameter of another shape); statuses of or_checkpoint_open. */
or_status_t or_huggingface_read_folder(const or_allocator_t *allocator, const char *folder, const char *name,
                                       const or_model_limits_t *limits, or_graph_t **out);

/* Bounds of a configuration: extents and layers. */
#define OR_HUGGINGFACE_MAX_EXTENT ((int64_t)1 << 24)
#define OR_HUGGINGFACE_MAX_LAYERS ((int64_t)256)
#define OR_HUGGINGFACE_MAX_MODULES ((size_t)16)

#endif
