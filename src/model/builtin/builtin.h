#ifndef OR_MODEL_BUILTIN_BUILTIN_H
#define OR_MODEL_BUILTIN_BUILTIN_H
/* The networks that are built in as architectures, with synthetic weights: for measuring, and to be written as ONNX. */

#include "model/builtin/network.h"

typedef struct or_builtin_t {
  const char *name, *alias; /* "bert-base"; "bert", or NULL */
  const char *summary;      /* a line for people */
  void (*build)(or_network_t *network);
} or_builtin_t;
const or_builtin_t *or_builtin_at(size_t index); /* NULL outside */
/* By name or alias; NULL if there is none. */
const or_builtin_t *or_builtin_find(const char *name);

/* Builds it with the weights of seed OR_BUILTIN_SEED; nothing of them is made before it is read. *out: one reference.
 * RESOURCE_EXHAUSTED (memory, a limit). */
#define OR_BUILTIN_SEED UINT64_C(20250101)
or_status_t or_builtin_graph(const or_builtin_t *builtin, const or_allocator_t *allocator,
                             const or_model_limits_t *limits, or_graph_t **out);

void or_builtin_resnet50(or_network_t *network);
void or_builtin_mobilenet_v2(or_network_t *network);

#endif
