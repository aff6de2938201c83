#include "graph/graph_internal.h"

static or_status_t add_part(const or_graph_t *graph, const or_node_t *part, or_node_call_t *call, or_cost_t *sum);
static double bytes_of(const or_graph_t *graph, const or_value_id_t *ids, uint32_t count);

or_status_t or_graph_node_cost(const or_graph_t *graph, const or_node_t *node, or_node_call_t *call, or_cost_t *out) {
  *out = (or_cost_t){0};
  if (!or_node_is_fused(node)) return add_part(graph, node, call, out);
  or_status_t status = or_status_success();
  for (uint32_t p = 0; or_ok(status) && p < node->part_count; ++p) status = add_part(graph, &node->parts[p], call, out);
  out->bytes_read = bytes_of(graph, node->inputs, node->input_count);
  out->bytes_written = bytes_of(graph, node->outputs, node->output_count);
  return status;
}

static or_status_t add_part(const or_graph_t *graph, const or_node_t *part, or_node_call_t *call, or_cost_t *sum) {
  or_status_t status = or_node_call_bind(call, graph->values, part);
  for (uint32_t i = 0; or_ok(status) && i < part->input_count; ++i) {
    const or_constant_t *constant = part->inputs[i] == OR_NO_VALUE ? NULL : graph->values[part->inputs[i]].constant;
    if (constant != NULL && constant->data != NULL) status = or_node_call_load(call, i, constant);
  }
  if (!or_ok(status)) return status;
  if (call->call.op->cost != NULL) {
    or_cost_t cost = call->call.op->cost(&call->call);
    sum->flops += cost.flops;
    sum->bytes_read += cost.bytes_read;
    sum->bytes_written += cost.bytes_written;
  } else {
    sum->bytes_read += bytes_of(graph, part->inputs, part->input_count);
    sum->bytes_written += bytes_of(graph, part->outputs, part->output_count);
  }
  return or_status_success();
}

static double bytes_of(const or_graph_t *graph, const or_value_id_t *ids, uint32_t count) {
  double bytes = 0;
  for (uint32_t i = 0; i < count; ++i) {
    uint64_t elements = 0;
    if (ids[i] == OR_NO_VALUE || !or_shape_count(&graph->values[ids[i]].shape, &elements)) continue;
    bytes += (double)or_dtype_bytes(graph->values[ids[i]].dtype, elements);
  }
  return bytes;
}
