#ifndef OR_MODEL_MODEL_INTERNAL_H
#define OR_MODEL_MODEL_INTERNAL_H
/* A model's insides, for the files of this folder. */

#include "graph/graph.h"
#include "model/builtin/builtin.h"
#include "model/image.h"
#include "model/text.h"
#include "openruntime/model.h"

/* What model.json says, in the model's arena. Read-only after the load. */
typedef struct or_model_description_t {
  const char **labels;
  size_t label_count;
  or_image_input_t *images; /* one an input of the graph */
} or_model_description_t;

/* Counted, immutable. */
struct or_model_t {
  or_ref_t ref;
  or_runtime_t *runtime; /* a user of it */
  const or_graph_t *graph;
  or_arena_t arena; /* names, values, description */
  const char *name, *path;
  or_model_value_t *inputs, *outputs;
  or_model_description_t description;
  or_model_text_t text;
};

/* A built-in network. *out: one reference. */
or_status_t or_model_load_builtin(or_runtime_t *runtime, const or_builtin_t *builtin, const or_model_limits_t *limits,
                                  or_model_t **out);

/* Fills the description from JSON text. INVALID_ARGUMENT names file and field. */
or_status_t or_model_describe(or_model_t *model, const char *json_path, const char *text, size_t length);
/* The same from a Hugging Face folder's config.json: names of the classes. */
or_status_t or_model_describe_config(or_model_t *model, const char *json_path, const char *text, size_t length);

#endif
