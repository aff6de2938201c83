/* Takes out nodes that no output needs and nodes that only pass their input on. */
#include <string.h>

#include "graph/graph_internal.h"

typedef struct prune_t {
  or_graph_t *graph;
  uint32_t *producers, *consumers;
  or_value_id_t *same_as; /* what to read in a value's place; itself at first */
  bool *is_output;
  bool *dead; /* per node */
} prune_t;

static or_status_t begin(prune_t *prune);
static void bypass(prune_t *prune, uint32_t n);
static bool passes_input_on(const prune_t *prune, const or_node_t *node);
static bool drops_nothing(const prune_t *prune, const or_node_t *node);
static or_value_id_t resolve(const prune_t *prune, or_value_id_t value);
static bool rename_producer(prune_t *prune, or_value_id_t from, or_value_id_t to);
static void drop_unneeded(prune_t *prune, bool *needed);

or_status_t or_graph_prune(or_graph_t *graph, or_graph_pass_counts_t *counts) {
  prune_t prune = {.graph = graph};
  bool *needed = NULL;
  or_status_t status = begin(&prune);
  if (or_ok(status)) status = or_alloc_array(graph->allocator, graph->value_count, sizeof(bool), (void **)&needed);
  if (or_ok(status)) {
    for (uint32_t n = 0; n < graph->node_count; ++n) bypass(&prune, n);
    for (uint32_t n = 0; n < graph->node_count; ++n) {
      or_value_id_t *inputs = (or_value_id_t *)graph->nodes[n].inputs; /* in this graph's arena */
      for (uint32_t i = 0; i < graph->nodes[n].input_count; ++i) inputs[i] = resolve(&prune, inputs[i]);
    }
    drop_unneeded(&prune, needed);
    size_t kept = 0;
    for (size_t n = 0; n < graph->node_count; ++n) {
      if (!prune.dead[n]) graph->nodes[kept++] = graph->nodes[n];
    }
    or_graph_count(graph, counts, (or_graph_pass_counts_t){.removed = (uint32_t)(graph->node_count - kept)});
    graph->node_count = kept;
  }
  void *const arrays[] = {prune.producers, prune.consumers, prune.same_as, prune.is_output, prune.dead, needed};
  for (size_t i = 0; i < sizeof arrays / sizeof *arrays; ++i) or_free(graph->allocator, arrays[i]);
  return status;
}

static or_status_t begin(prune_t *prune) {
  const or_graph_t *graph = prune->graph;
  const or_allocator_t *allocator = graph->allocator;
  or_status_t status = or_alloc_array(allocator, graph->value_count, sizeof(uint32_t), (void **)&prune->producers);
  if (or_ok(status))
    status = or_alloc_array(allocator, graph->value_count, sizeof(uint32_t), (void **)&prune->consumers);
  if (or_ok(status))
    status = or_alloc_array(allocator, graph->value_count, sizeof(or_value_id_t), (void **)&prune->same_as);
  if (or_ok(status)) status = or_alloc_array(allocator, graph->value_count, sizeof(bool), (void **)&prune->is_output);
  if (or_ok(status)) status = or_alloc_array(allocator, graph->node_count, sizeof(bool), (void **)&prune->dead);
  if (!or_ok(status)) return status;
  or_graph_uses(graph, prune->producers, prune->consumers);
  for (size_t v = 0; v < graph->value_count; ++v) prune->same_as[v] = (or_value_id_t)v;
  for (size_t i = 0; i < graph->output_count; ++i) prune->is_output[graph->outputs[i]] = true;
  return or_status_success();
}

/* Readers of the node's output read its input instead. An output of the graph keeps its name: then whoever produces the
 * input produces the output instead, and where that can't be (an input, a constant, another output) the node stays. */
static void bypass(prune_t *prune, uint32_t n) {
  const or_node_t *node = &prune->graph->nodes[n];
  if (!passes_input_on(prune, node)) return;
  or_value_id_t from = resolve(prune, node->inputs[0]), to = node->outputs[0];
  if (!prune->is_output[to]) {
    prune->same_as[to] = from;
  } else if (rename_producer(prune, from, to)) {
    prune->same_as[from] = to;
  } else {
    return;
  }
  prune->dead[n] = true;
}

static bool passes_input_on(const prune_t *prune, const or_node_t *node) {
  const or_graph_t *graph = prune->graph;
  if (node->domain[0] != '\0' || node->input_count < 1 || node->inputs[0] == OR_NO_VALUE ||
      node->outputs[0] == OR_NO_VALUE)
    return false;
  bool dropout = drops_nothing(prune, node);
  if (node->output_count != 1 && !dropout) return false;
  const or_value_info_t *in = &graph->values[node->inputs[0]], *out = &graph->values[node->outputs[0]];
  if (in->dtype != out->dtype || in->dtype == OR_DTYPE_NONE || in->form != out->form) return false;
  if (dropout || strcmp(node->op, "Identity") == 0 || strcmp(node->op, "Cast") == 0) return true;
  if (strcmp(node->op, "Concat") == 0) return node->input_count == 1;
  static const char *const reshaping[] = {"Reshape", "Flatten", "Squeeze", "Unsqueeze"};
  for (size_t i = 0; i < sizeof reshaping / sizeof *reshaping; ++i) {
    if (strcmp(node->op, reshaping[i]) == 0)
      return or_shape_is_static(&in->shape) && or_shape_equal(&in->shape, &out->shape);
  }
  return false;
}

/* A Dropout that is not in training, and whose mask nobody reads. A training_mode that a run may still give is looked
 * at in the specialisation. */
static bool drops_nothing(const prune_t *prune, const or_node_t *node) {
  if (strcmp(node->op, "Dropout") != 0) return false;
  for (uint32_t i = 1; i < node->output_count; ++i) {
    if (node->outputs[i] != OR_NO_VALUE && prune->consumers[node->outputs[i]] > 0) return false;
  }
  if (node->input_count < 3 || node->inputs[2] == OR_NO_VALUE) return true;
  const or_constant_t *training = prune->graph->values[node->inputs[2]].constant;
  if (prune->graph->parent == NULL || training == NULL || training->data == NULL) return false;
  return training->dtype == OR_BOOL && training->bytes == 1 && *(const uint8_t *)training->data == 0;
}

static or_value_id_t resolve(const prune_t *prune, or_value_id_t value) {
  while (value != OR_NO_VALUE && prune->same_as[value] != value) value = prune->same_as[value];
  return value;
}

static bool rename_producer(prune_t *prune, or_value_id_t from, or_value_id_t to) {
  uint32_t p = prune->producers[from];
  if (p == UINT32_MAX || prune->is_output[from]) return false;
  const or_node_t *producer = &prune->graph->nodes[p];
  if (producer->part_count > 0) return false;
  or_value_id_t *outputs = (or_value_id_t *)producer->outputs; /* in this graph's arena */
  for (uint32_t i = 0; i < producer->output_count; ++i) {
    if (outputs[i] == from) outputs[i] = to;
  }
  prune->producers[to] = p;
  return true;
}

static void drop_unneeded(prune_t *prune, bool *needed) {
  const or_graph_t *graph = prune->graph;
  for (size_t i = 0; i < graph->output_count; ++i) needed[graph->outputs[i]] = true;
  for (size_t n = graph->node_count; n-- > 0;) {
    const or_node_t *node = &graph->nodes[n];
    if (prune->dead[n]) continue;
    bool used = false;
    for (uint32_t i = 0; i < node->output_count; ++i)
      used = used || (node->outputs[i] != OR_NO_VALUE && needed[node->outputs[i]]);
    prune->dead[n] = !used;
    for (uint32_t i = 0; used && i < node->input_count; ++i) {
      if (node->inputs[i] != OR_NO_VALUE) needed[node->inputs[i]] = true;
    }
  }
}
