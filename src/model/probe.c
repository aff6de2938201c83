#include "model/probe.h"

#include <string.h>

#include "base/alloc.h"
#include "model/model_internal.h"
#include "runtime/runtime.h"
#include "runtime/session.h"

#define NEVER UINT32_MAX

struct or_probe_t {
  const or_allocator_t *allocator;
  or_model_t *model;
  const or_node_t **nodes; /* of the model's graph */
  size_t node_count;
  uint32_t *last_use; /* per value: index in `nodes` of the last that takes it; node_count: it is the output; NEVER */
};

static void collect(or_probe_t *probe, or_value_id_t output, bool *needed);

or_status_t or_probe_create(or_model_t *model, size_t output, or_probe_t **out) {
  const or_allocator_t *allocator = or_runtime_allocator(model->runtime);
  const or_graph_t *graph = model->graph;
  void *memory = NULL, *needed = NULL;
  *out = NULL;
  or_status_t status = or_alloc_zeroed(allocator, sizeof(or_probe_t), &memory);
  if (!or_ok(status)) return status;
  or_probe_t *probe = memory;
  probe->allocator = allocator;
  probe->model = model;
  or_model_retain(model);
  status = or_alloc_array(allocator, graph->node_count + 1, sizeof *probe->nodes, (void **)&probe->nodes);
  if (or_ok(status))
    status = or_alloc_array(allocator, graph->value_count, sizeof *probe->last_use, (void **)&probe->last_use);
  if (or_ok(status)) status = or_alloc_array(allocator, graph->value_count, sizeof(bool), &needed);
  if (or_ok(status)) collect(probe, graph->outputs[output], needed);
  or_free(allocator, needed);
  if (!or_ok(status)) {
    or_probe_free(probe);
    return status;
  }
  *out = probe;
  return status;
}

static bool gives_needed(const or_node_t *node, const bool *needed) {
  bool gives = false;
  for (uint32_t i = 0; i < node->output_count; ++i)
    gives = gives || (node->outputs[i] != OR_NO_VALUE && needed[node->outputs[i]]);
  return gives;
}

/* Backwards through the graph, which is in an order of execution. */
static void collect(or_probe_t *probe, or_value_id_t output, bool *needed) {
  const or_graph_t *graph = probe->model->graph;
  memset(needed, 0, graph->value_count * sizeof *needed);
  for (size_t v = 0; v < graph->value_count; ++v) probe->last_use[v] = NEVER;
  needed[output] = true;
  for (size_t n = graph->node_count; n-- > 0;) {
    const or_node_t *node = &graph->nodes[n];
    if (!gives_needed(node, needed)) continue;
    for (uint32_t i = 0; i < node->input_count; ++i) {
      if (node->inputs[i] != OR_NO_VALUE) needed[node->inputs[i]] = true;
    }
  }
  for (size_t n = 0; n < graph->node_count; ++n) {
    const or_node_t *node = &graph->nodes[n];
    if (!gives_needed(node, needed)) continue;
    for (uint32_t i = 0; i < node->input_count; ++i) {
      if (node->inputs[i] != OR_NO_VALUE) probe->last_use[node->inputs[i]] = (uint32_t)probe->node_count;
    }
    probe->nodes[probe->node_count++] = node;
  }
  probe->last_use[output] = (uint32_t)probe->node_count;
}

void or_probe_free(or_probe_t *probe) {
  if (probe == NULL) return;
  or_free(probe->allocator, probe->nodes);
  or_free(probe->allocator, probe->last_use);
  or_model_release(probe->model);
  or_free(probe->allocator, probe);
}

size_t or_probe_node_count(const or_probe_t *probe) { return probe->node_count; }
const char *or_probe_node_name(const or_probe_t *probe, size_t node) { return probe->nodes[node]->name; }
const char *or_probe_node_op(const or_probe_t *probe, size_t node) { return probe->nodes[node]->op; }

const char *or_probe_node_output(const or_probe_t *probe, size_t node) {
  const or_node_t *of = probe->nodes[node];
  return of->output_count > 0 && of->outputs[0] != OR_NO_VALUE ? probe->model->graph->values[of->outputs[0]].name : "";
}

/* What nodes up to `node` compute and later ones take. */
static size_t frontier(const or_probe_t *probe, size_t node, or_value_id_t *values) {
  size_t count = 0;
  for (size_t n = 0; n <= node; ++n) {
    for (uint32_t i = 0; i < probe->nodes[n]->output_count; ++i) {
      or_value_id_t value = probe->nodes[n]->outputs[i];
      if (value == OR_NO_VALUE || probe->model->graph->values[value].constant != NULL) continue;
      if (probe->last_use[value] == NEVER || probe->last_use[value] <= node) continue;
      if (values != NULL) values[count] = value;
      ++count;
    }
  }
  return count;
}

or_status_t or_probe_session(const or_probe_t *probe, size_t node, const or_session_options_t *options,
                             or_session_t **out, size_t *count) {
  or_graph_t *cut = NULL;
  void *values = NULL;
  *out = NULL;
  *count = frontier(probe, node, NULL);
  if (*count == 0) return or_status_success();
  or_status_t status = or_alloc_array(probe->allocator, *count, sizeof(or_value_id_t), &values);
  if (!or_ok(status)) return status;
  (void)frontier(probe, node, values);
  status = or_graph_cut(probe->model->graph, values, *count, &cut);
  or_free(probe->allocator, values);
  if (!or_ok(status)) return status;
  status = or_session_create_for_graph(probe->model->runtime, cut, options, (or_owner_t){NULL, NULL}, out);
  or_graph_release(cut); /* the session has its own reference */
  return status;
}
