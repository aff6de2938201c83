#ifndef OR_MODEL_PROBE_H
#define OR_MODEL_PROBE_H
/* A model cut behind one of its nodes, to see where two devices begin to differ. */

#include "openruntime/session.h"

typedef struct or_probe_t or_probe_t; /* one thread at a time */

/* The nodes that output `output` of the model depends on, in an order of execution. Keeps the model. *out is the
 * caller's. RESOURCE_EXHAUSTED. */
or_status_t or_probe_create(or_model_t *model, size_t output, or_probe_t **out);
void or_probe_free(or_probe_t *probe); /* takes NULL */
size_t or_probe_node_count(const or_probe_t *probe);
const char *or_probe_node_name(const or_probe_t *probe, size_t node);
const char *or_probe_node_op(const or_probe_t *probe, size_t node);
const char *or_probe_node_output(const or_probe_t *probe, size_t node); /* name of its first output */

/* A session that computes what the nodes up to `node` hand to the later ones, from the model's inputs. *count: the
 * session's outputs, bound by position; 0 (and *out NULL) where it is all constant. Statuses of or_session_create. */
or_status_t or_probe_session(const or_probe_t *probe, size_t node, const or_session_options_t *options,
                             or_session_t **out, size_t *count);

#endif
