/* A part of a graph as a graph of its own: the nodes that a session can run as one static plan. */
#include <string.h>

#include "graph/graph_internal.h"

typedef struct extract_t {
  const or_graph_t *from;
  or_graph_t *to;
  or_value_id_t *mapped; /* per value of `from`; OR_NO_VALUE: not there yet */
} extract_t;

static or_status_t copy_value(extract_t *extract, or_value_id_t value, or_value_id_t *out);
static or_status_t copy_node(extract_t *extract, const or_node_t *node);
static or_status_t copy_ids(extract_t *extract, const or_value_id_t *from, or_value_id_t *to, uint32_t count);
static or_status_t add_inputs(extract_t *extract, const or_graph_part_t *part);

or_status_t or_graph_extract(const or_graph_t *graph, const or_graph_part_t *part, or_graph_t **out) {
  extract_t extract = {.from = graph};
  void *memory = NULL;
  *out = NULL;
  or_status_t status = or_graph_create(graph->allocator, graph->name, &graph->limits, &extract.to);
  if (!or_ok(status)) return status;
  extract.to->parent = graph;
  or_graph_retain(graph);
  extract.to->opset = graph->opset;
  extract.to->file_node_count = part->node_count;
  extract.to->synthetic = graph->synthetic;
  status = or_alloc_array(graph->allocator, graph->value_count, sizeof(or_value_id_t), &memory);
  if (or_ok(status)) {
    extract.mapped = memory;
    if (graph->value_count > 0) memset(memory, 0xff, graph->value_count * sizeof(or_value_id_t)); /* OR_NO_VALUE */
    status = add_inputs(&extract, part);
  }
  for (size_t i = 0; or_ok(status) && i < part->node_count; ++i)
    status = copy_node(&extract, &graph->nodes[part->nodes[i]]);
  for (size_t i = 0; or_ok(status) && i < part->output_count; ++i) {
    or_value_id_t value = OR_NO_VALUE;
    status = copy_value(&extract, part->outputs[i], &value);
    if (or_ok(status)) status = or_graph_add_output(extract.to, value);
  }
  or_free(graph->allocator, extract.mapped);
  if (!or_ok(status)) {
    or_graph_release(extract.to);
    return status;
  }
  *out = extract.to;
  return status;
}

/* Their values come with each run, also where the graph has a default. */
static or_status_t add_inputs(extract_t *extract, const or_graph_part_t *part) {
  or_status_t status = or_status_success();
  for (size_t i = 0; or_ok(status) && i < part->input_count; ++i) {
    or_value_id_t value = OR_NO_VALUE;
    status = copy_value(extract, part->inputs[i], &value);
    if (!or_ok(status)) break;
    extract->to->values[value].constant = NULL;
    status = or_graph_add_input(extract->to, value);
  }
  return status;
}

static or_status_t copy_value(extract_t *extract, or_value_id_t value, or_value_id_t *out) {
  *out = extract->mapped[value];
  if (*out != OR_NO_VALUE) return or_status_success();
  const or_value_info_t *from = &extract->from->values[value];
  or_status_t status = or_graph_add_value(extract->to, from->name, strlen(from->name), from->dtype, &from->shape, out);
  if (!or_ok(status)) return status;
  extract->mapped[value] = *out;
  or_value_info_t *to = &extract->to->values[*out];
  to->constant = from->constant;
  to->form = from->form;
  for (int32_t d = 0; d < to->shape.rank; ++d) {
    if (to->shape.dims[d] < 0) to->shape.dims[d] = OR_DIM_UNKNOWN; /* symbols are a graph's own */
  }
  return status;
}

static or_status_t copy_node(extract_t *extract, const or_node_t *node) {
  or_node_t *copy = NULL;
  or_status_t status = or_graph_add_node(extract->to, node->name, node->input_count, node->output_count, 0, &copy);
  if (or_ok(status)) status = copy_ids(extract, node->inputs, (or_value_id_t *)copy->inputs, node->input_count);
  if (or_ok(status)) status = copy_ids(extract, node->outputs, (or_value_id_t *)copy->outputs, node->output_count);
  if (!or_ok(status)) return status;
  copy->domain = node->domain;
  copy->op = node->op;
  copy->version = node->version;
  copy->attributes = node->attributes; /* the parent's, which is kept */
  copy->attribute_count = node->attribute_count;
  copy->definition = node->definition;
  return status;
}

static or_status_t copy_ids(extract_t *extract, const or_value_id_t *from, or_value_id_t *to, uint32_t count) {
  or_status_t status = or_status_success();
  for (uint32_t i = 0; or_ok(status) && i < count; ++i) {
    to[i] = OR_NO_VALUE;
    if (from[i] != OR_NO_VALUE) status = copy_value(extract, from[i], &to[i]);
  }
  return status;
}
