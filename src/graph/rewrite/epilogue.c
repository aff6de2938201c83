/* What follows a product or convolution: matching the chain and making the fused node. */
#include <string.h>

#include "graph/rewrite/rewrite_internal.h"

enum { SLOT_BIAS = 2, SLOT_RESIDUAL = 3, SLOTS = 4 };

static bool is_activation(const or_rewriter_t *rewriter, const or_node_t *node, or_value_id_t input);
static or_value_id_t other_summand(const or_node_t *add, or_value_id_t value);
static bool same_type_and_shape(const or_graph_t *graph, or_value_id_t a, or_value_id_t b);
static bool append_silu(const or_rewriter_t *rewriter, or_value_id_t value, or_epilogue_t *out);
static void append(or_epilogue_t *epilogue, uint32_t node);
static void take_over_uses(or_rewriter_t *rewriter, const or_epilogue_t *epilogue);

void or_epilogue_match(const or_rewriter_t *rewriter, uint32_t root, or_is_bias_t is_bias, or_epilogue_t *out) {
  const or_graph_t *graph = rewriter->graph;
  *out = (or_epilogue_t){.bias = OR_NO_VALUE, .residual = OR_NO_VALUE};
  append(out, root);
  if (graph->nodes[root].output_count != 1) return;
  or_value_id_t value = graph->nodes[root].outputs[0];
  while (out->part_count < OR_EPILOGUE_MAX_PARTS) {
    if (append_silu(rewriter, value, out)) return;
    uint32_t next = or_rewrite_single_reader(rewriter, value);
    if (next == UINT32_MAX) return;
    const or_node_t *node = &graph->nodes[next];
    if (node->output_count != 1 || !same_type_and_shape(graph, value, node->outputs[0])) return;
    or_value_id_t other = or_rewrite_is(node, "Add") ? other_summand(node, value) : OR_NO_VALUE;
    bool plain = out->bias == OR_NO_VALUE && out->residual == OR_NO_VALUE;
    if (other != OR_NO_VALUE && plain && is_bias != NULL && is_bias(rewriter, other, &graph->values[value].shape)) {
      out->bias = other;
    } else if (other != OR_NO_VALUE && out->residual == OR_NO_VALUE && same_type_and_shape(graph, value, other)) {
      out->residual = other;
    } else if (is_activation(rewriter, node, value)) {
      append(out, next);
      return;
    } else {
      return;
    }
    append(out, next);
    value = node->outputs[0];
  }
}

or_status_t or_epilogue_fuse(or_rewriter_t *rewriter, const or_epilogue_t *epilogue) {
  or_graph_t *graph = rewriter->graph;
  const or_node_t *root = &graph->nodes[epilogue->parts[0]];
  uint32_t last = epilogue->parts[epilogue->part_count - 1];
  void *parts = NULL, *inputs = NULL;
  or_status_t status = or_arena_array(&graph->arena, epilogue->part_count, sizeof(or_node_t), &parts);
  if (or_ok(status)) status = or_arena_array(&graph->arena, SLOTS, sizeof(or_value_id_t), &inputs);
  if (!or_ok(status)) return status;
  or_node_t *part_nodes = parts;
  for (uint32_t p = 0; p < epilogue->part_count; ++p) part_nodes[p] = graph->nodes[epilogue->parts[p]];

  or_value_id_t *slots = inputs;
  for (uint32_t i = 0; i < SLOTS; ++i)
    slots[i] = i < root->input_count && i < SLOT_RESIDUAL ? root->inputs[i] : OR_NO_VALUE;
  if (epilogue->bias != OR_NO_VALUE) slots[SLOT_BIAS] = epilogue->bias;
  slots[SLOT_RESIDUAL] = epilogue->residual;
  uint32_t slot_count = SLOTS;
  while (slot_count > 2 && slots[slot_count - 1] == OR_NO_VALUE) --slot_count;

  or_node_t fused = {.name = root->name,
                     .domain = OR_DOMAIN_FUSED,
                     .op = root->op,
                     .version = root->version,
                     .inputs = slots,
                     .input_count = slot_count,
                     .outputs = graph->nodes[last].outputs,
                     .output_count = 1,
                     .attributes = root->attributes,
                     .attribute_count = root->attribute_count,
                     .parts = part_nodes,
                     .part_count = epilogue->part_count};
  take_over_uses(rewriter, epilogue);
  graph->nodes[last] = fused;
  or_rewrite_count(rewriter, epilogue->part_count - 1);
  return or_status_success();
}

/* The fused node stands where the last part stood; whatever the parts read, it reads now. */
static void take_over_uses(or_rewriter_t *rewriter, const or_epilogue_t *epilogue) {
  uint32_t last = epilogue->parts[epilogue->part_count - 1];
  for (uint32_t p = 0; p < epilogue->part_count; ++p) {
    const or_node_t *part = &rewriter->graph->nodes[epilogue->parts[p]];
    for (uint32_t i = 0; i < part->input_count; ++i) {
      if (part->inputs[i] < rewriter->value_count) rewriter->reader[part->inputs[i]] = last;
    }
    if (p + 1 < epilogue->part_count) rewriter->dead[epilogue->parts[p]] = true;
  }
}

static bool is_activation(const or_rewriter_t *rewriter, const or_node_t *node, or_value_id_t input) {
  static const char *const names[] = {"Relu",        "Clip",      "Sigmoid", "Tanh", "HardSwish",
                                      "HardSigmoid", "LeakyRelu", "Elu",     "Gelu", "Swish"};
  bool known = false;
  for (size_t i = 0; i < sizeof names / sizeof *names; ++i) known = known || or_rewrite_is(node, names[i]);
  if (!known || node->input_count < 1 || node->inputs[0] != input) return false;
  for (uint32_t i = 1; i < node->input_count; ++i) { /* Clip's bounds */
    if (node->inputs[i] != OR_NO_VALUE && or_rewrite_constant(rewriter, node->inputs[i]) == NULL) return false;
  }
  return true;
}

/* value * sigmoid(value): the one activation that reads its input twice. Of the two readers the Mul comes last. */
static bool append_silu(const or_rewriter_t *rewriter, or_value_id_t value, or_epilogue_t *out) {
  const or_graph_t *graph = rewriter->graph;
  if (value >= rewriter->value_count || rewriter->consumers[value] != 2 || rewriter->reader[value] == UINT32_MAX) {
    return false;
  }
  uint32_t last = rewriter->reader[value];
  const or_node_t *mul = &graph->nodes[last];
  if (!or_rewrite_is(mul, "Mul") || mul->input_count != 2 || mul->output_count != 1) return false;
  or_value_id_t gate = mul->inputs[0] == value ? mul->inputs[1] : mul->inputs[0];
  if (gate == value || or_rewrite_single_reader(rewriter, gate) != last) return false;
  uint32_t first = rewriter->producers[gate];
  if (first == UINT32_MAX || !or_rewrite_is(&graph->nodes[first], "Sigmoid")) return false;
  if (graph->nodes[first].inputs[0] != value || out->part_count + 2 > OR_EPILOGUE_MAX_PARTS) return false;
  append(out, first);
  append(out, last);
  return true;
}

static or_value_id_t other_summand(const or_node_t *add, or_value_id_t value) {
  if (add->input_count != 2) return OR_NO_VALUE;
  return add->inputs[0] == value ? add->inputs[1] : add->inputs[0];
}

static bool same_type_and_shape(const or_graph_t *graph, or_value_id_t a, or_value_id_t b) {
  if (a == OR_NO_VALUE || b == OR_NO_VALUE) return false;
  const or_value_info_t *x = &graph->values[a], *y = &graph->values[b];
  return x->dtype == y->dtype && or_shape_is_static(&x->shape) && or_shape_equal(&x->shape, &y->shape);
}

static void append(or_epilogue_t *epilogue, uint32_t node) { epilogue->parts[epilogue->part_count++] = node; }
