/* A set of nodes that a pattern takes together: gathering it, and putting one operator in its place. */
#include <assert.h>
#include <string.h>

#include "graph/rewrite/rewrite_internal.h"

static uint32_t reads_within(const or_match_t *match, or_value_id_t value);
static void sort_parts(or_match_t *match);
static or_status_t copy(or_arena_t *arena, const void *source, size_t count, size_t bytes, const void **out);
static void take_over_uses(or_rewriter_t *rewriter, const or_match_t *match, uint32_t place);

uint32_t or_rewrite_producer(const or_rewriter_t *rewriter, or_value_id_t value) {
  if (value >= rewriter->value_count) return UINT32_MAX;
  uint32_t node = rewriter->producers[value];
  return node != UINT32_MAX && !rewriter->dead[node] ? node : UINT32_MAX;
}

const or_node_t *or_match_producer(or_match_t *match, or_value_id_t value, const char *op) {
  uint32_t index = or_rewrite_producer(match->rewriter, value);
  if (index == UINT32_MAX) return NULL;
  const or_node_t *node = &match->rewriter->graph->nodes[index];
  bool fits = or_rewrite_is(node, op) && node->output_count == 1 && node->outputs[0] == value;
  return fits && or_match_add(match, index) ? node : NULL;
}

bool or_match_add(or_match_t *match, uint32_t node) {
  for (uint32_t p = 0; p < match->count; ++p) {
    if (match->parts[p] == node) return true;
  }
  if (match->count == OR_MATCH_MAX_PARTS) return false;
  match->parts[match->count++] = node;
  return true;
}

bool or_match_is_closed(const or_match_t *match, const or_value_id_t *results, size_t result_count) {
  const or_rewriter_t *rewriter = match->rewriter;
  for (uint32_t p = 0; p < match->count; ++p) {
    const or_node_t *part = &rewriter->graph->nodes[match->parts[p]];
    for (uint32_t i = 0; i < part->output_count; ++i) {
      or_value_id_t v = part->outputs[i];
      bool result = v == OR_NO_VALUE;
      for (size_t r = 0; r < result_count; ++r) result = result || v == results[r];
      if (!result && (v >= rewriter->value_count || rewriter->consumers[v] != reads_within(match, v))) return false;
    }
  }
  return true;
}

static uint32_t reads_within(const or_match_t *match, or_value_id_t value) {
  uint32_t reads = 0;
  for (uint32_t p = 0; p < match->count; ++p) {
    const or_node_t *part = &match->rewriter->graph->nodes[match->parts[p]];
    for (uint32_t i = 0; i < part->input_count; ++i) reads += part->inputs[i] == value;
  }
  return reads;
}

or_status_t or_match_replace(or_rewriter_t *rewriter, or_match_t *match, const or_node_t *with) {
  or_graph_t *graph = rewriter->graph;
  or_arena_t *arena = &graph->arena;
  or_node_t node = *with;
  const void *inputs = NULL, *outputs = NULL, *attributes = NULL;
  void *parts = NULL;
  sort_parts(match);
  uint32_t last = match->parts[match->count - 1];
  or_status_t status = copy(arena, with->inputs, with->input_count, sizeof(or_value_id_t), &inputs);
  if (or_ok(status)) status = copy(arena, with->outputs, with->output_count, sizeof(or_value_id_t), &outputs);
  if (or_ok(status)) status = copy(arena, with->attributes, with->attribute_count, sizeof(or_attribute_t), &attributes);
  if (or_ok(status)) status = or_arena_array(arena, match->count, sizeof(or_node_t), &parts);
  if (!or_ok(status)) return status;
  for (uint32_t p = 0; p < match->count; ++p) ((or_node_t *)parts)[p] = graph->nodes[match->parts[p]];

  node.name = graph->nodes[last].name;
  node.inputs = inputs;
  node.outputs = outputs;
  node.attributes = attributes;
  node.parts = parts;
  node.part_count = match->count;
  node.definition = or_op_find(node.domain, node.op);
  assert(node.definition != NULL);
  node.version = or_op_version(node.definition, or_op_newest_opset(node.domain));
  uint32_t place = match->at_first ? match->parts[0] : last;
  take_over_uses(rewriter, match, place);
  graph->nodes[place] = node;
  or_rewrite_read(rewriter, place);
  for (uint32_t i = 0; i < node.output_count; ++i) {
    if (node.outputs[i] < rewriter->value_count) rewriter->producers[node.outputs[i]] = place;
  }
  or_rewrite_count(rewriter, match->count - 1);
  return or_status_success();
}

/* Nodes lie in an order of execution. */
static void sort_parts(or_match_t *match) {
  for (uint32_t i = 1; i < match->count; ++i) {
    uint32_t part = match->parts[i], at = i;
    for (; at > 0 && match->parts[at - 1] > part; --at) match->parts[at] = match->parts[at - 1];
    match->parts[at] = part;
  }
}

static or_status_t copy(or_arena_t *arena, const void *source, size_t count, size_t bytes, const void **out) {
  void *memory = NULL;
  or_status_t status = or_arena_array(arena, count, bytes, &memory);
  if (or_ok(status) && count > 0) memcpy(memory, source, count * bytes);
  *out = memory;
  return status;
}

static void take_over_uses(or_rewriter_t *rewriter, const or_match_t *match, uint32_t place) {
  for (uint32_t p = 0; p < match->count; ++p) {
    or_rewrite_unread(rewriter, match->parts[p]);
    rewriter->dead[match->parts[p]] = match->parts[p] != place;
  }
}

void or_rewrite_read(or_rewriter_t *rewriter, uint32_t index) {
  const or_node_t *node = &rewriter->graph->nodes[index];
  for (uint32_t i = 0; i < node->input_count; ++i) {
    if (node->inputs[i] >= rewriter->value_count) continue;
    ++rewriter->consumers[node->inputs[i]];
    rewriter->reader[node->inputs[i]] = index;
  }
}

void or_rewrite_unread(or_rewriter_t *rewriter, uint32_t index) {
  const or_node_t *node = &rewriter->graph->nodes[index];
  for (uint32_t i = 0; i < node->input_count; ++i) {
    if (node->inputs[i] < rewriter->value_count) --rewriter->consumers[node->inputs[i]];
  }
}
