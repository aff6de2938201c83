/* Nodes into segments. With two devices the schedule that runs all that is ready on one, then all that is ready on the
 * other, and so on, is a matter of levels: a node's is the highest of those it reads from, one more where the device
 * changes. Linear in nodes and edges. */
#include <string.h>

#include "graph/plan_internal.h"

typedef struct segmenter_t {
  or_plan_t *plan;
  uint32_t *producers; /* node of each value; UINT32_MAX: none */
  uint32_t *levels;    /* of each node */
  uint32_t *counts;    /* nodes of each level, then where the level's next node goes */
  uint32_t level_count;
  uint32_t *segment_of; /* of each node, after ordering */
  bool *escapes;        /* values that another segment reads, or the graph gives out */
  uint32_t *seen;       /* per value: the last segment + 1 that listed it */
} segmenter_t;

static or_status_t begin(segmenter_t *segmenter);
static void find_producers(segmenter_t *segmenter);
static uint32_t find_levels(segmenter_t *segmenter, uint32_t first_device);
static or_status_t order_nodes(segmenter_t *segmenter);
static or_status_t make_segments(segmenter_t *segmenter);
static or_status_t find_ports(segmenter_t *segmenter, uint32_t s);

or_status_t or_plan_make_segments(or_plan_t *plan) {
  segmenter_t segmenter = {.plan = plan};
  or_status_t status = begin(&segmenter);
  if (or_ok(status)) {
    find_producers(&segmenter);
    uint32_t one = find_levels(&segmenter, 0), other = find_levels(&segmenter, 1);
    if (one <= other) (void)find_levels(&segmenter, 0);
    status = order_nodes(&segmenter);
  }
  if (or_ok(status)) status = make_segments(&segmenter);
  for (uint32_t s = 0; or_ok(status) && s < plan->segment_count; ++s) status = find_ports(&segmenter, s);
  void *const arrays[] = {segmenter.producers,  segmenter.levels,  segmenter.counts,
                          segmenter.segment_of, segmenter.escapes, segmenter.seen};
  for (size_t i = 0; i < sizeof arrays / sizeof *arrays; ++i) or_free(plan->allocator, arrays[i]);
  return status;
}

static or_status_t begin(segmenter_t *segmenter) {
  const or_plan_t *plan = segmenter->plan;
  size_t values = plan->graph->value_count, nodes = plan->node_count;
  or_status_t status = or_alloc_array(plan->allocator, values, sizeof(uint32_t), (void **)&segmenter->producers);
  if (or_ok(status)) status = or_alloc_array(plan->allocator, nodes, sizeof(uint32_t), (void **)&segmenter->levels);
  if (or_ok(status)) status = or_alloc_array(plan->allocator, nodes + 2, sizeof(uint32_t), (void **)&segmenter->counts);
  if (or_ok(status)) status = or_alloc_array(plan->allocator, nodes, sizeof(uint32_t), (void **)&segmenter->segment_of);
  if (or_ok(status)) status = or_alloc_array(plan->allocator, values, sizeof(bool), (void **)&segmenter->escapes);
  if (or_ok(status)) status = or_alloc_array(plan->allocator, values, sizeof(uint32_t), (void **)&segmenter->seen);
  return status;
}

static void find_producers(segmenter_t *segmenter) {
  const or_plan_t *plan = segmenter->plan;
  memset(segmenter->producers, 0xff, plan->graph->value_count * sizeof(uint32_t));
  for (uint32_t n = 0; n < plan->node_count; ++n) {
    for (uint32_t i = 0; i < plan->nodes[n].output_count; ++i) {
      if (plan->nodes[n].outputs[i] != OR_NO_VALUE) segmenter->producers[plan->nodes[n].outputs[i]] = n;
    }
  }
}

/* Even levels are `first_device`'s. Returns the number of levels that have nodes. */
static uint32_t find_levels(segmenter_t *segmenter, uint32_t first_device) {
  const or_plan_t *plan = segmenter->plan;
  memset(segmenter->counts, 0, ((size_t)plan->node_count + 2) * sizeof(uint32_t));
  segmenter->level_count = 0;
  for (uint32_t n = 0; n < plan->node_count; ++n) {
    uint32_t device = plan->placed[n].device;
    uint32_t level = device != first_device;
    for (uint32_t i = 0; i < plan->nodes[n].input_count; ++i) {
      or_value_id_t v = plan->nodes[n].inputs[i];
      uint32_t producer = v == OR_NO_VALUE ? UINT32_MAX : segmenter->producers[v];
      if (producer == UINT32_MAX) continue;
      uint32_t after = segmenter->levels[producer] + (plan->placed[producer].device != device);
      if (after > level) level = after;
    }
    segmenter->levels[n] = level;
    ++segmenter->counts[level];
    if (level >= segmenter->level_count) segmenter->level_count = level + 1;
  }
  uint32_t used = 0;
  for (uint32_t l = 0; l < segmenter->level_count; ++l) used += segmenter->counts[l] > 0;
  return used;
}

/* A counting sort by level, which keeps the order within each. */
static or_status_t order_nodes(segmenter_t *segmenter) {
  or_plan_t *plan = segmenter->plan;
  void *nodes = NULL, *placed = NULL;
  or_status_t status = or_arena_array(&plan->arena, plan->node_count, sizeof(or_node_t), &nodes);
  if (or_ok(status)) status = or_arena_array(&plan->arena, plan->node_count, sizeof(or_placed_node_t), &placed);
  if (!or_ok(status)) return status;
  for (uint32_t l = 0, sum = 0; l < segmenter->level_count; ++l) {
    uint32_t count = segmenter->counts[l];
    segmenter->counts[l] = sum;
    sum += count;
  }
  for (uint32_t n = 0; n < plan->node_count; ++n) {
    uint32_t at = segmenter->counts[segmenter->levels[n]]++;
    ((or_node_t *)nodes)[at] = plan->nodes[n];
    ((or_placed_node_t *)placed)[at] = plan->placed[n];
  }
  plan->nodes = nodes;
  plan->placed = placed;
  find_producers(segmenter);
  return or_status_success();
}

/* A graph without nodes has one segment without nodes: its outputs are inputs and constants. */
static or_status_t make_segments(segmenter_t *segmenter) {
  or_plan_t *plan = segmenter->plan;
  void *memory = NULL;
  uint32_t count = 1;
  for (uint32_t n = 1; n < plan->node_count; ++n) count += plan->placed[n].device != plan->placed[n - 1].device;
  or_status_t status = or_arena_array(&plan->arena, count, sizeof(or_segment_t), &memory);
  if (!or_ok(status)) return status;
  plan->segments = memory;
  plan->segment_count = count;
  uint32_t s = 0;
  for (uint32_t n = 0; n < plan->node_count; ++n) {
    if (n > 0 && plan->placed[n].device != plan->placed[n - 1].device) plan->segments[++s].first_node = n;
    plan->segments[s].device = plan->placed[n].device;
    ++plan->segments[s].node_count;
    segmenter->segment_of[n] = s;
  }

  for (uint32_t n = 0; n < plan->node_count; ++n) {
    for (uint32_t i = 0; i < plan->nodes[n].input_count; ++i) {
      or_value_id_t v = plan->nodes[n].inputs[i];
      uint32_t producer = v == OR_NO_VALUE ? UINT32_MAX : segmenter->producers[v];
      if (producer != UINT32_MAX && segmenter->segment_of[producer] != segmenter->segment_of[n])
        segmenter->escapes[v] = true;
    }
  }
  for (size_t i = 0; i < plan->graph->output_count; ++i) segmenter->escapes[plan->graph->outputs[i]] = true;
  return or_status_success();
}

static or_status_t find_ports(segmenter_t *segmenter, uint32_t s) {
  or_plan_t *plan = segmenter->plan;
  or_segment_t *segment = &plan->segments[s];
  size_t most_inputs = 0, most_outputs = 0;
  void *inputs = NULL, *outputs = NULL;
  const or_node_t *nodes = &plan->nodes[segment->first_node];
  for (uint32_t n = 0; n < segment->node_count; ++n) {
    most_inputs += nodes[n].input_count;
    for (uint32_t i = 0; i < nodes[n].output_count; ++i) {
      if (nodes[n].outputs[i] != OR_NO_VALUE) most_outputs += segmenter->escapes[nodes[n].outputs[i]];
    }
  }
  or_status_t status = or_arena_array(&plan->arena, most_inputs, sizeof(or_value_id_t), &inputs);
  if (or_ok(status)) status = or_arena_array(&plan->arena, most_outputs, sizeof(or_value_id_t), &outputs);
  if (!or_ok(status)) return status;
  segment->inputs = inputs;
  segment->outputs = outputs;
  for (uint32_t n = 0; n < segment->node_count; ++n) {
    for (uint32_t i = 0; i < nodes[n].input_count; ++i) {
      or_value_id_t v = nodes[n].inputs[i];
      if (v == OR_NO_VALUE || plan->graph->values[v].constant != NULL || segmenter->seen[v] == s + 1) continue;
      segmenter->seen[v] = s + 1; /* what the segment produces itself was seen when it was produced */
      segment->inputs[segment->input_count++] = v;
    }
    for (uint32_t i = 0; i < nodes[n].output_count; ++i) {
      or_value_id_t v = nodes[n].outputs[i];
      if (v == OR_NO_VALUE) continue;
      segmenter->seen[v] = s + 1;
      if (segmenter->escapes[v]) segment->outputs[segment->output_count++] = v;
    }
  }
  if (segment->input_count > plan->max_ports) plan->max_ports = segment->input_count;
  if (segment->output_count > plan->max_ports) plan->max_ports = segment->output_count;
  return or_status_success();
}
