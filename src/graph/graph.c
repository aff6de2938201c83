#include "graph/graph.h"

#include <string.h>

#include "base/string.h"
#include "graph/graph_internal.h"

static or_model_limits_t limits_with_defaults(const or_model_limits_t *limits);
static or_status_t add_id(or_graph_t *graph, or_value_id_t value, or_value_id_t **ids, size_t *count, size_t *capacity);

or_status_t or_graph_create(const or_allocator_t *allocator, const char *name, const or_model_limits_t *limits,
                            or_graph_t **out) {
  void *memory = NULL;
  *out = NULL;
  or_status_t status = or_alloc_zeroed(allocator, sizeof(or_graph_t), &memory);
  if (!or_ok(status)) return status;
  or_graph_t *graph = memory;
  or_ref_init(&graph->ref);
  graph->allocator = allocator;
  graph->limits = limits_with_defaults(limits);
  or_arena_init(&graph->arena, allocator);
  status = or_arena_strndup(&graph->arena, name, strlen(name), &graph->name);
  if (!or_ok(status)) {
    or_graph_release(graph);
    return status;
  }
  *out = graph;
  return or_status_success();
}

void or_graph_retain(const or_graph_t *graph) { or_ref_retain(&((or_graph_t *)graph)->ref); }

void or_graph_release(const or_graph_t *graph) {
  or_graph_t *self = (or_graph_t *)graph;
  if (self == NULL || !or_ref_release(&self->ref)) return;
  for (size_t i = 0; i < self->file_count; ++i) or_file_release(self->files[i]);
  for (size_t i = 0; i < self->body_count; ++i) or_graph_release(self->bodies[i]); /* limits.nesting levels at most */
  void *const arrays[] = {self->values,  self->nodes, self->inputs,  self->outputs,
                          self->symbols, self->files, self->origins, self->bodies};
  for (size_t i = 0; i < sizeof arrays / sizeof *arrays; ++i) or_free(self->allocator, arrays[i]);
  or_arena_deinit(&self->arena);
  or_graph_release(self->parent); /* two levels at most: a specialisation of a cut graph */
  or_free(self->allocator, self);
}

or_status_t or_graph_add_value(or_graph_t *graph, const char *name, size_t name_length, or_dtype_t dtype,
                               const or_shape_t *shape, or_value_id_t *out) {
  if (graph->value_count >= graph->limits.values) {
    return or_error(OR_RESOURCE_EXHAUSTED, "graph \"%s\" has more than %u values, the limit: raise limits.values",
                    graph->name, graph->limits.values);
  }
  const char *copy = NULL;
  or_status_t status = or_arena_strndup(&graph->arena, name, name_length, &copy);
  if (or_ok(status)) {
    status = or_grow_array(graph->allocator, graph->value_count + 1, sizeof *graph->values, (void **)&graph->values,
                           &graph->value_capacity);
  }
  if (!or_ok(status)) return status;
  *out = (or_value_id_t)graph->value_count++;
  or_value_info_t *value = &graph->values[*out];
  *value = (or_value_info_t){.name = copy, .dtype = dtype};
  value->shape.rank = OR_RANK_UNKNOWN;
  if (shape != NULL) value->shape = *shape;
  return or_status_success();
}

or_status_t or_graph_add_node(or_graph_t *graph, const char *name, size_t input_count, size_t output_count,
                              size_t attribute_count, or_node_t **out) {
  *out = NULL;
  if (graph->node_count >= graph->limits.nodes) {
    return or_error(OR_RESOURCE_EXHAUSTED, "graph \"%s\" has more than %u nodes, the limit: raise limits.nodes",
                    graph->name, graph->limits.nodes);
  }
  if (input_count > UINT32_MAX || output_count > UINT32_MAX || attribute_count > UINT32_MAX) {
    return or_error(OR_RESOURCE_EXHAUSTED, "node \"%s\" has more inputs, outputs or attributes than %u", name,
                    UINT32_MAX);
  }
  const char *copy = NULL;
  void *inputs = NULL, *outputs = NULL, *attributes = NULL;
  or_status_t status = or_arena_strndup(&graph->arena, name, strlen(name), &copy);
  if (or_ok(status)) status = or_arena_array(&graph->arena, input_count, sizeof(or_value_id_t), &inputs);
  if (or_ok(status)) status = or_arena_array(&graph->arena, output_count, sizeof(or_value_id_t), &outputs);
  if (or_ok(status)) status = or_arena_array(&graph->arena, attribute_count, sizeof(or_attribute_t), &attributes);
  if (or_ok(status)) {
    status = or_grow_array(graph->allocator, graph->node_count + 1, sizeof *graph->nodes, (void **)&graph->nodes,
                           &graph->node_capacity);
  }
  if (!or_ok(status)) return status;
  memset(inputs, 0xff, input_count * sizeof(or_value_id_t)); /* OR_NO_VALUE */
  memset(outputs, 0xff, output_count * sizeof(or_value_id_t));
  *out = &graph->nodes[graph->node_count++];
  **out = (or_node_t){.name = copy,
                      .domain = "",
                      .op = "",
                      .inputs = inputs,
                      .outputs = outputs,
                      .attributes = attributes,
                      .input_count = (uint32_t)input_count,
                      .output_count = (uint32_t)output_count,
                      .attribute_count = (uint32_t)attribute_count};
  return or_status_success();
}

or_status_t or_graph_add_input(or_graph_t *graph, or_value_id_t value) {
  return add_id(graph, value, &graph->inputs, &graph->input_count, &graph->input_capacity);
}

or_status_t or_graph_add_output(or_graph_t *graph, or_value_id_t value) {
  return add_id(graph, value, &graph->outputs, &graph->output_count, &graph->output_capacity);
}

static or_status_t add_id(or_graph_t *graph, or_value_id_t value, or_value_id_t **ids, size_t *count,
                          size_t *capacity) {
  or_status_t status = or_grow_array(graph->allocator, *count + 1, sizeof **ids, (void **)ids, capacity);
  if (or_ok(status)) (*ids)[(*count)++] = value;
  return status;
}

or_status_t or_graph_keep_body(or_graph_t *graph, or_graph_t *body) {
  or_status_t status = or_grow_array(graph->allocator, graph->body_count + 1, sizeof(or_graph_t *),
                                     (void **)&graph->bodies, &graph->body_capacity);
  if (or_ok(status)) {
    graph->bodies[graph->body_count++] = body;
  } else {
    or_graph_release(body);
  }
  return status;
}

or_status_t or_graph_symbol(or_graph_t *graph, const char *name, size_t length, size_t *index) {
  for (size_t i = 0; i < graph->symbol_count; ++i) {
    if (strlen(graph->symbols[i]) == length && memcmp(graph->symbols[i], name, length) == 0) {
      *index = i;
      return or_status_success();
    }
  }
  if (graph->symbol_count >= OR_GRAPH_MAX_SYMBOLS) {
    return or_error(OR_RESOURCE_EXHAUSTED, "graph \"%s\" has more than %u symbolic extents, the limit", graph->name,
                    OR_GRAPH_MAX_SYMBOLS);
  }
  const char *copy = NULL;
  or_status_t status = or_arena_strndup(&graph->arena, name, length, &copy);
  if (or_ok(status)) {
    status = or_grow_array(graph->allocator, graph->symbol_count + 1, sizeof *graph->symbols, (void **)&graph->symbols,
                           &graph->symbol_capacity);
  }
  if (!or_ok(status)) return status;
  *index = graph->symbol_count;
  graph->symbols[graph->symbol_count++] = copy;
  return or_status_success();
}

void or_graph_uses(const or_graph_t *graph, uint32_t *producers, uint32_t *consumer_counts) {
  memset(producers, 0xff, graph->value_count * sizeof *producers);
  memset(consumer_counts, 0, graph->value_count * sizeof *consumer_counts);
  for (uint32_t n = 0; n < graph->node_count; ++n) {
    const or_node_t *node = &graph->nodes[n];
    for (uint32_t i = 0; i < node->output_count; ++i) {
      if (node->outputs[i] != OR_NO_VALUE) producers[node->outputs[i]] = n;
    }
    for (uint32_t i = 0; i < node->input_count; ++i) {
      if (node->inputs[i] != OR_NO_VALUE) ++consumer_counts[node->inputs[i]];
    }
  }
  for (size_t i = 0; i < graph->output_count; ++i) ++consumer_counts[graph->outputs[i]];
}

char *or_graph_node_label(const or_node_t *node, char *text, size_t capacity) {
  return or_format(text, capacity, "\"%s\" (%s)", node->name, node->op);
}

or_status_t or_graph_node_error(const or_graph_t *graph, const or_node_t *node, or_status_t status) {
  bool standard = node->domain[0] == '\0';
  return or_status_context(status, "node \"%s\" (%s, opset %d)", node->name, node->op,
                           standard ? graph->opset : node->version);
}

void or_graph_count(or_graph_t *graph, or_graph_pass_counts_t *counts, or_graph_pass_counts_t more) {
  or_graph_pass_counts_t *const sums[] = {&graph->counts, counts};
  for (size_t i = 0; i < 2; ++i) {
    if (sums[i] == NULL) continue;
    sums[i]->folded += more.folded;
    sums[i]->removed += more.removed;
    sums[i]->fused += more.fused;
  }
}

or_status_t or_graph_overridable(const or_graph_t *graph, bool **out) {
  void *memory = NULL;
  or_status_t status = or_alloc_array(graph->allocator, graph->value_count, sizeof(bool), &memory);
  *out = memory;
  if (!or_ok(status) || graph->parent != NULL) return status;
  for (size_t i = 0; i < graph->input_count; ++i) (*out)[graph->inputs[i]] = true;
  return or_status_success();
}

static or_model_limits_t limits_with_defaults(const or_model_limits_t *limits) {
  or_model_limits_t result = {0};
  if (limits != NULL) result = *limits;
  if (result.file_bytes == 0) result.file_bytes = OR_MODEL_MAX_FILE_BYTES;
  if (result.initializer_bytes == 0) result.initializer_bytes = OR_MODEL_MAX_INITIALIZER_BYTES;
  if (result.nodes == 0) result.nodes = OR_MODEL_MAX_NODES;
  if (result.values == 0) result.values = OR_MODEL_MAX_VALUES;
  if (result.tensor_elements == 0) result.tensor_elements = OR_MODEL_MAX_TENSOR_ELEMENTS;
  if (result.nesting == 0) result.nesting = OR_MODEL_MAX_NESTING;
  if (result.loop_iterations == 0) result.loop_iterations = OR_MODEL_MAX_LOOP_ITERATIONS;
  if (!(result.loop_seconds > 0)) result.loop_seconds = OR_MODEL_MAX_LOOP_SECONDS;
  if (result.string_bytes == 0) result.string_bytes = OR_MODEL_MAX_STRING_BYTES;
  if (!(result.expansion_ratio > 0)) result.expansion_ratio = OR_MODEL_MAX_EXPANSION_RATIO;
  if (result.run_bytes == 0) result.run_bytes = OR_MODEL_MAX_RUN_BYTES;
  if (result.fold_work == 0) result.fold_work = OR_MODEL_MAX_FOLD_WORK;
  return result;
}
