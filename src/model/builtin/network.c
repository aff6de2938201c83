#include "model/builtin/network.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/string.h"

static or_status_t copy_attributes(or_graph_t *graph, const or_network_attributes_t *attributes, or_attribute_t *out);
static or_value_id_t add_constant(or_network_t *network, or_dtype_t dtype, or_shape_t shape, const void *data);

void or_network_begin(or_network_t *network, or_graph_t *graph, or_weight_source_t *weights) {
  *network = (or_network_t){.graph = graph, .weights = weights, .status = or_status_success()};
  graph->opset = OR_NETWORK_OPSET;
}

or_status_t or_network_end(or_network_t *network) {
  or_status_t status = network->status;
  network->status = or_status_success();
  network->graph->file_node_count = network->graph->node_count;
  if (or_ok(status)) status = or_graph_sort(network->graph);
  if (or_ok(status)) status = or_graph_infer(network->graph, NULL);
  return or_status_context(status, "network \"%s\"", network->graph->name);
}

void or_network_scope(or_network_t *network, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  (void)vsnprintf(network->scope, sizeof network->scope, format, arguments);
  va_end(arguments);
}

int64_t or_network_symbol(or_network_t *network, const char *name) {
  size_t index = 0;
  if (or_ok(network->status)) network->status = or_graph_symbol(network->graph, name, strlen(name), &index);
  return OR_DIM_SYMBOL(index);
}

static or_value_id_t add_value(or_network_t *network, const char *name, or_dtype_t dtype, const or_shape_t *shape) {
  or_value_id_t value = OR_NO_VALUE;
  if (or_ok(network->status))
    network->status = or_graph_add_value(network->graph, name, strlen(name), dtype, shape, &value);
  return value;
}

or_value_id_t or_network_input(or_network_t *network, const char *name, or_dtype_t dtype, or_shape_t shape) {
  or_value_id_t value = add_value(network, name, dtype, &shape);
  if (or_ok(network->status)) network->status = or_graph_add_input(network->graph, value);
  return value;
}

void or_network_default(or_network_t *network, or_value_id_t input, int64_t value) {
  if (!or_ok(network->status)) return;
  or_value_info_t *info = &network->graph->values[input];
  or_shape_t one = {.rank = info->shape.rank};
  for (int32_t d = 0; d < one.rank; ++d) one.dims[d] = 1;
  network->status = or_graph_constant(network->graph, OR_INT64, one, &value, &info->constant);
}

void or_network_output(or_network_t *network, or_value_id_t value, const char *name, const or_shape_t *shape) {
  if (!or_ok(network->status)) return;
  or_value_info_t *info = &network->graph->values[value];
  network->status = or_arena_strndup(&network->graph->arena, name, strlen(name), &info->name);
  if (shape != NULL) info->shape = *shape;
  if (or_ok(network->status)) network->status = or_graph_add_output(network->graph, value);
}

or_value_id_t or_network_weight(or_network_t *network, const or_weight_request_t *request) {
  char name[OR_NETWORK_NAME_BYTES];
  const or_constant_t *constant = NULL;
  if (or_ok(network->status))
    network->status = network->weights->find(network->weights, network->graph, request, &constant);
  if (!or_ok(network->status)) return OR_NO_VALUE;
  or_format(name, sizeof name, "%s%s", request->name, request->transposed ? ".T" : "");
  or_value_id_t value = add_value(network, name, constant->dtype, &constant->shape);
  if (!or_ok(network->status)) return OR_NO_VALUE;
  network->graph->values[value].constant = constant;
  network->graph->weight_bytes += constant->bytes;
  return value;
}

or_value_id_t or_network_scalar(or_network_t *network, float value) {
  return add_constant(network, OR_FLOAT32, or_shape_make(0, NULL), &value);
}

or_value_id_t or_network_index(or_network_t *network, int64_t value) {
  return add_constant(network, OR_INT64, or_shape_make(0, NULL), &value);
}

or_value_id_t or_network_integers(or_network_t *network, size_t count, const int64_t *values) {
  return add_constant(network, OR_INT64, or_shape_make(1, (const int64_t[]){(int64_t)count}), values);
}

static or_value_id_t add_constant(or_network_t *network, or_dtype_t dtype, or_shape_t shape, const void *data) {
  char name[OR_NETWORK_NAME_BYTES + 32];
  or_format(name, sizeof name, "%s/Constant_%zu", network->scope, network->graph->value_count);
  or_value_id_t value = add_value(network, name, dtype, &shape);
  if (!or_ok(network->status)) return OR_NO_VALUE;
  or_value_info_t *info = &network->graph->values[value];
  network->status = or_graph_constant(network->graph, dtype, shape, data, &info->constant);
  return value;
}

or_value_id_t or_network_node(or_network_t *network, const char *op, or_network_ids_t inputs,
                              or_network_attributes_t attributes) {
  or_value_id_t output = OR_NO_VALUE;
  or_network_nodes(network, op, inputs, attributes, &output, 1);
  return output;
}

void or_network_nodes(or_network_t *network, const char *op, or_network_ids_t inputs,
                      or_network_attributes_t attributes, or_value_id_t *outputs, size_t output_count) {
  char name[OR_NETWORK_NAME_BYTES + 64], output_name[sizeof name + 32];
  or_graph_t *graph = network->graph;
  or_node_t *node = NULL;
  const or_op_t *definition = or_op_find("", op);
  for (size_t i = 0; i < output_count; ++i) outputs[i] = OR_NO_VALUE;
  if (!or_ok(network->status)) return;
  if (definition == NULL) {
    network->status = or_error(OR_UNIMPLEMENTED, "the catalogue has no operator \"%s\"", op);
    return;
  }
  or_format(name, sizeof name, "%s/%s_%zu", network->scope, op, graph->node_count);
  for (size_t i = 0; i < output_count; ++i)
    outputs[i] =
        add_value(network, or_format(output_name, sizeof output_name, "%s_output_%zu", name, i), OR_DTYPE_NONE, NULL);
  if (or_ok(network->status))
    network->status = or_graph_add_node(graph, name, inputs.count, output_count, attributes.count, &node);
  if (!or_ok(network->status)) return;
  node->domain = definition->domain;
  node->op = definition->name;
  node->version = or_op_version(definition, graph->opset);
  node->definition = definition;
  memcpy((or_value_id_t *)node->inputs, inputs.items, inputs.count * sizeof *inputs.items);
  memcpy((or_value_id_t *)node->outputs, outputs, output_count * sizeof *outputs);
  network->status = copy_attributes(graph, &attributes, (or_attribute_t *)node->attributes);
}

static or_status_t copy_attributes(or_graph_t *graph, const or_network_attributes_t *attributes, or_attribute_t *out) {
  or_status_t status = or_status_success();
  for (size_t i = 0; or_ok(status) && i < attributes->count; ++i) {
    const or_attribute_t *from = &attributes->items[i];
    void *numbers = NULL;
    out[i] = *from;
    out[i].string.data = "";
    status = or_arena_strndup(&graph->arena, from->name, strlen(from->name), &out[i].name);
    if (!or_ok(status) || from->kind != OR_ATTRIBUTE_INTS) continue;
    status = or_arena_array(&graph->arena, from->count, sizeof(int64_t), &numbers);
    if (or_ok(status)) memcpy(numbers, from->integers, from->count * sizeof(int64_t));
    out[i].integers = numbers;
  }
  return status;
}
