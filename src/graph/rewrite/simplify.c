#include <string.h>

#include "graph/rewrite/simplify_internal.h"

static or_status_t begin(or_simplifier_t *simplifier);
static void end(or_simplifier_t *simplifier);
static void resolve_inputs(or_simplifier_t *simplifier, or_node_t *node);
static void drop_dead(or_simplifier_t *simplifier);

or_status_t or_graph_simplify(or_graph_t *graph, or_simplified_t *out) {
  or_simplifier_t simplifier = {.graph = graph, .value_count = graph->value_count};
  or_status_t status = begin(&simplifier);
  for (uint32_t n = 0; or_ok(status) && n < graph->node_count; ++n) {
    resolve_inputs(&simplifier, &graph->nodes[n]);
    status = or_simplify_chain(&simplifier, n);
    if (or_ok(status) && !simplifier.dead[n]) or_simplify_repeated(&simplifier, n);
    for (uint32_t i = 0; !simplifier.dead[n] && i < graph->nodes[n].output_count; ++i) {
      if (graph->nodes[n].outputs[i] != OR_NO_VALUE) simplifier.producers[graph->nodes[n].outputs[i]] = n;
    }
  }
  if (or_ok(status)) drop_dead(&simplifier);
  *out = (or_simplified_t){simplifier.repeated_count, simplifier.chained_count, simplifier.unread_count};
  end(&simplifier);
  return status;
}

static or_status_t begin(or_simplifier_t *simplifier) {
  const or_graph_t *graph = simplifier->graph;
  const or_allocator_t *allocator = graph->allocator;
  size_t values = graph->value_count, nodes = graph->node_count;
  simplifier->table_size = 16;
  while (simplifier->table_size < 2 * nodes) simplifier->table_size *= 2;
  or_status_t status = or_alloc_array(allocator, values, sizeof(uint32_t), (void **)&simplifier->producers);
  if (or_ok(status)) status = or_alloc_array(allocator, values, sizeof(or_value_id_t), (void **)&simplifier->same_as);
  if (or_ok(status)) status = or_alloc_array(allocator, values, sizeof(bool), (void **)&simplifier->is_output);
  if (or_ok(status)) status = or_alloc_array(allocator, values, sizeof(bool), (void **)&simplifier->is_needed);
  if (or_ok(status)) status = or_alloc_array(allocator, nodes, sizeof(bool), (void **)&simplifier->dead);
  if (or_ok(status)) status = or_alloc_array(allocator, nodes, sizeof(uint64_t), (void **)&simplifier->hashes);
  if (or_ok(status))
    status = or_alloc_array(allocator, simplifier->table_size, sizeof(uint32_t), (void **)&simplifier->table);
  if (!or_ok(status)) return status;
  memset(simplifier->producers, 0xff, values * sizeof(uint32_t));
  memset(simplifier->table, 0xff, simplifier->table_size * sizeof(uint32_t));
  for (size_t v = 0; v < values; ++v) simplifier->same_as[v] = (or_value_id_t)v;
  for (size_t i = 0; i < graph->output_count; ++i)
    simplifier->is_output[graph->outputs[i]] = simplifier->is_needed[graph->outputs[i]] = true;
  return or_status_success();
}

static void end(or_simplifier_t *simplifier) {
  void *const arrays[] = {simplifier->producers, simplifier->same_as, simplifier->is_output, simplifier->dead,
                          simplifier->hashes,    simplifier->table,   simplifier->is_needed};
  for (size_t i = 0; i < sizeof arrays / sizeof *arrays; ++i) or_free(simplifier->graph->allocator, arrays[i]);
}

/* A value that is replaced is replaced by one that is not: one step is enough. */
static void resolve_inputs(or_simplifier_t *simplifier, or_node_t *node) {
  or_value_id_t *inputs = (or_value_id_t *)node->inputs; /* in this graph's arena */
  for (uint32_t i = 0; i < node->input_count; ++i) {
    if (inputs[i] < simplifier->value_count) inputs[i] = simplifier->same_as[inputs[i]];
  }
}

bool or_simplify_bypass(or_simplifier_t *simplifier, uint32_t n, or_value_id_t value) {
  or_value_id_t output = simplifier->graph->nodes[n].outputs[0];
  if (simplifier->is_output[output]) return false;
  simplifier->same_as[output] = value;
  simplifier->dead[n] = true;
  return true;
}

/* With what is dead goes what only that read: patterns count readers. */
static void drop_dead(or_simplifier_t *simplifier) {
  or_graph_t *graph = simplifier->graph;
  size_t kept = 0;
  for (size_t n = graph->node_count; n-- > 0;) {
    const or_node_t *node = &graph->nodes[n];
    bool needed = false;
    for (uint32_t i = 0; i < node->output_count; ++i)
      needed = needed || (node->outputs[i] != OR_NO_VALUE && simplifier->is_needed[node->outputs[i]]);
    simplifier->unread_count += !needed && !simplifier->dead[n];
    simplifier->dead[n] = simplifier->dead[n] || !needed;
    for (uint32_t i = 0; !simplifier->dead[n] && i < node->input_count; ++i) {
      if (node->inputs[i] < simplifier->value_count) simplifier->is_needed[node->inputs[i]] = true;
    }
  }
  for (size_t n = 0; n < graph->node_count; ++n) {
    if (!simplifier->dead[n]) graph->nodes[kept++] = graph->nodes[n];
  }
  graph->node_count = kept;
}
