/* Which device carries out each node. */
#include <string.h>

#include "base/string.h"
#include "graph/plan_internal.h"

#define LISTED_NODES 5u /* in an error */

typedef struct placer_t {
  or_plan_t *plan;
  or_subgraph_t view; /* the whole graph, for `supports` */
  or_node_call_t call;
  or_text_t refused; /* nodes that no device takes, and why */
  uint32_t refused_count;
  or_status_t failure; /* the first that a device could not even say whether it takes a node */
} placer_t;

static or_status_t begin(placer_t *placer);
static size_t leaf_count(const or_node_t *node);
static or_status_t place_node(placer_t *placer, const or_node_t *node);
static or_status_t place_parts(placer_t *placer, const or_node_t *node, const or_support_t *whole);
static bool takes_some(placer_t *placer, const or_node_t *node);
static or_status_t place_prefix(placer_t *placer, const or_node_t *node, uint32_t *together);
static or_status_t make_prefix(placer_t *placer, const or_node_t *node, uint32_t count, or_node_t *out, bool *whole);
static bool reads(const or_node_t *part, or_value_id_t value);
static or_status_t place_single(placer_t *placer, const or_node_t *node);
static bool ask(placer_t *placer, uint32_t device, const or_node_t *node, or_support_t *answer);
static or_status_t add(placer_t *placer, const or_node_t *node, uint32_t device, const char *reason);
static or_status_t list(or_text_t *text, uint32_t index, const or_node_t *node, const char *reason);
static or_status_t refused_error(const placer_t *placer);
static or_status_t check_strict(const or_plan_t *plan);

or_status_t or_plan_place(or_plan_t *plan, const or_plan_options_t *options) {
  placer_t placer = {.plan = plan, .call = {.allocator = plan->allocator}};
  or_text_init(&placer.refused, plan->allocator);
  or_status_t status = begin(&placer);
  for (size_t n = 0; or_ok(status) && or_ok(placer.failure) && n < plan->graph->node_count; ++n)
    status = place_node(&placer, &plan->graph->nodes[n]);
  status = or_status_first(placer.failure, status);
  if (or_ok(status) && placer.refused_count > 0) status = refused_error(&placer);
  if (or_ok(status)) status = or_plan_move_neighbours(plan, &placer.view);
  if (or_ok(status) && options->strict) status = check_strict(plan);
  or_text_deinit(&placer.refused);
  or_node_call_deinit(&placer.call);
  return status;
}

static or_status_t begin(placer_t *placer) {
  or_plan_t *plan = placer->plan;
  const or_graph_t *graph = plan->graph;
  size_t most = 0;
  void *nodes = NULL, *placed = NULL;
  for (size_t n = 0; n < graph->node_count; ++n) most += leaf_count(&graph->nodes[n]);
  or_status_t status = or_arena_array(&plan->arena, most, sizeof(or_node_t), &nodes);
  if (or_ok(status)) status = or_arena_array(&plan->arena, most, sizeof(or_placed_node_t), &placed);
  plan->nodes = nodes;
  plan->placed = placed;
  placer->view = (or_subgraph_t){.values = graph->values,
                                 .value_count = (uint32_t)graph->value_count,
                                 .nodes = graph->nodes,
                                 .node_count = (uint32_t)graph->node_count,
                                 .inputs = graph->inputs,
                                 .outputs = graph->outputs,
                                 .input_count = (uint32_t)graph->input_count,
                                 .output_count = (uint32_t)graph->output_count,
                                 .precision = plan->precision};
  return status;
}

/* What a node comes to in parts; as deep as rewriting nests them, at most OR_NODE_MAX_DEPTH. */
static size_t leaf_count(const or_node_t *node) {
  size_t count = node->part_count > 0 ? 0 : 1;
  for (uint32_t p = 0; p < node->part_count; ++p) count += leaf_count(&node->parts[p]);
  return count;
}

static or_status_t place_node(placer_t *placer, const or_node_t *node) {
  if (placer->plan->reference) return add(placer, node, 0, "");
  if (node->part_count == 0) return place_single(placer, node);
  or_support_t answer;
  if (ask(placer, 0, node, &answer)) return add(placer, node, 0, "");
  return place_parts(placer, node, &answer);
}

/* Refused whole: on the device as far as it takes it, of a fused node first parts that it takes together, then the
 * others one by one, those that have parts likewise. If it takes none, the fallback may take it whole. */
static or_status_t place_parts(placer_t *placer, const or_node_t *node, const or_support_t *whole) {
  or_support_t answer;
  if (!takes_some(placer, node) && placer->plan->device_count > 1 && ask(placer, 1, node, &answer))
    return add(placer, node, 1, whole->reason);
  uint32_t together = 0;
  or_status_t status = or_status_success();
  if (or_node_is_fused(node)) status = place_prefix(placer, node, &together);
  for (uint32_t p = together; or_ok(status) && p < node->part_count; ++p) {
    status = place_node(placer, &node->parts[p]);
  }
  return status;
}

static bool takes_some(placer_t *placer, const or_node_t *node) {
  or_support_t answer;
  for (uint32_t p = 0; p < node->part_count; ++p) {
    if (ask(placer, 0, &node->parts[p], &answer) || takes_some(placer, &node->parts[p])) return true;
  }
  return false;
}

/* The most parts from the first on that the device takes as one node; 0 if none. */
static or_status_t place_prefix(placer_t *placer, const or_node_t *node, uint32_t *together) {
  *together = 0;
  for (uint32_t count = node->part_count - 1; count >= 2; --count) {
    or_node_t prefix;
    or_support_t answer;
    bool whole = false;
    or_status_t status = make_prefix(placer, node, count, &prefix, &whole);
    if (!or_ok(status)) return status;
    if (!whole || !ask(placer, 0, &prefix, &answer)) continue;
    *together = count;
    return add(placer, &prefix, 0, "");
  }
  return or_status_success();
}

/* A fused node of the first `count` parts; not *whole if a later part reads what would lie inside. */
static or_status_t make_prefix(placer_t *placer, const or_node_t *node, uint32_t count, or_node_t *out, bool *whole) {
  void *memory = NULL;
  *out = *node;
  *whole = true;
  for (uint32_t p = 0; p + 1 < count; ++p) {
    for (uint32_t later = count; later < node->part_count; ++later) {
      *whole = *whole && !reads(&node->parts[later], node->parts[p].outputs[0]);
    }
  }
  if (!*whole) return or_status_success();
  or_status_t status = or_arena_array(&placer->plan->arena, node->input_count, sizeof(or_value_id_t), &memory);
  if (!or_ok(status)) return status;
  or_value_id_t *inputs = memory;
  out->input_count = 0;
  for (uint32_t i = 0; i < node->input_count; ++i) {
    bool read = false;
    for (uint32_t p = 0; p < count; ++p) read = read || reads(&node->parts[p], node->inputs[i]);
    inputs[i] = read ? node->inputs[i] : OR_NO_VALUE;
    if (read) out->input_count = i + 1;
  }
  out->inputs = inputs;
  out->outputs = node->parts[count - 1].outputs;
  out->part_count = count;
  return status;
}

static bool reads(const or_node_t *part, or_value_id_t value) {
  for (uint32_t i = 0; i < part->input_count; ++i) {
    if (part->inputs[i] == value && value != OR_NO_VALUE) return true;
  }
  return false;
}

static or_status_t place_single(placer_t *placer, const or_node_t *node) {
  or_support_t answer, other;
  if (ask(placer, 0, node, &answer)) return add(placer, node, 0, "");
  if (placer->plan->device_count > 1 && ask(placer, 1, node, &other)) return add(placer, node, 1, answer.reason);
  return list(&placer->refused, placer->refused_count++, node, answer.reason);
}

static bool ask(placer_t *placer, uint32_t device, const or_node_t *node, or_support_t *answer) {
  const or_backend_device_t *backend = placer->plan->devices[device].backend;
  *answer = (or_support_t){.supported = false};
  placer->failure = or_status_first(placer->failure, backend->supports(backend->self, &placer->view, node, answer));
  if (!answer->supported && answer->reason[0] == '\0')
    or_format(answer->reason, sizeof answer->reason, "the device does not offer it");
  return answer->supported;
}

static or_status_t add(placer_t *placer, const or_node_t *node, uint32_t device, const char *reason) {
  or_plan_t *plan = placer->plan;
  or_placed_node_t *placed = &plan->placed[plan->node_count];
  plan->nodes[plan->node_count++] = *node;
  placed->device = device;
  placed->reason = "";
  or_status_t status = or_status_success();
  if (reason[0] != '\0') status = or_arena_strndup(&plan->arena, reason, strlen(reason), &placed->reason);
  if (or_ok(status)) status = or_graph_node_cost(plan->graph, node, &placer->call, &placed->cost);
  return status;
}

static or_status_t list(or_text_t *text, uint32_t index, const or_node_t *node, const char *reason) {
  if (index == LISTED_NODES) return or_text_append_string(text, "; and more");
  if (index > LISTED_NODES) return or_status_success();
  return or_text_printf(text, "%s\"%s\" (%s): %s", index > 0 ? "; " : "", node->name, node->op, reason);
}

static or_status_t refused_error(const placer_t *placer) {
  const or_plan_t *plan = placer->plan;
  const char *id = or_device_facts(plan->devices[0].device)->id;
  if (plan->device_count == 1) {
    return or_error(OR_UNIMPLEMENTED, "device \"%s\" can't run %u nodes of graph \"%s\": %s", id, placer->refused_count,
                    plan->graph->name, or_text_string(&placer->refused));
  }
  return or_error(OR_UNIMPLEMENTED,
                  "neither device \"%s\" nor its fallback \"%s\" can run %u nodes of graph \"%s\": %s", id,
                  or_device_facts(plan->devices[1].device)->id, placer->refused_count, plan->graph->name,
                  or_text_string(&placer->refused));
}

double or_plan_flops_share(const or_plan_t *plan) {
  double all = 0, here = 0;
  uint32_t nodes_here = 0;
  for (uint32_t n = 0; n < plan->node_count; ++n) {
    bool first = plan->placed[n].device == 0;
    all += plan->placed[n].cost.flops;
    here += first ? plan->placed[n].cost.flops : 0;
    nodes_here += first;
  }
  if (all > 0) return here / all;
  return plan->node_count > 0 ? (double)nodes_here / plan->node_count : 1.0;
}

double or_plan_elsewhere(const or_plan_t *plan, char *elsewhere, size_t capacity) {
  const double share = plan->device_count > 1 ? or_plan_flops_share(plan) : 1.0;
  or_format(elsewhere, capacity, "%s", "");
  for (uint32_t n = 0; share < OR_PLAN_STRICT_SHARE && n < plan->node_count; ++n) {
    const or_placed_node_t *placed = &plan->placed[n];
    if (placed->device == 0) continue;
    or_format(elsewhere, capacity, "%.1f %% of the operations ran on %s; \"%s\" (%s) ran on %s: %s", 100 * share,
              or_device_facts(plan->devices[0].device)->id, plan->nodes[n].name, plan->nodes[n].op,
              or_device_facts(plan->devices[placed->device].device)->id, placed->reason);
    break;
  }
  return share;
}

static or_status_t check_strict(const or_plan_t *plan) {
  double share = or_plan_flops_share(plan);
  if (share >= OR_PLAN_STRICT_SHARE) return or_status_success();
  or_text_t text;
  or_text_init(&text, plan->allocator);
  or_status_t status = or_status_success();
  for (uint32_t n = 0, listed = 0; or_ok(status) && n < plan->node_count; ++n) {
    if (plan->placed[n].device != 0) status = list(&text, listed++, &plan->nodes[n], plan->placed[n].reason);
  }
  if (or_ok(status)) {
    status = or_error(OR_FAILED_PRECONDITION,
                      "strict: device \"%s\" would run %.1f %% of the flops, and %.0f %% are asked for; elsewhere: %s",
                      or_device_facts(plan->devices[0].device)->id, 100 * share, 100 * OR_PLAN_STRICT_SHARE,
                      or_text_string(&text));
  }
  or_text_deinit(&text);
  return status;
}
