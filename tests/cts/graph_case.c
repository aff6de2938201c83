#include "cts/graph_case.h"

#include <string.h>

#include "base/alloc.h"
#include "base/numbers.h"
#include "ops/shape.h"

static const char *const value_names[CTS_GRAPH_VALUES] = {
    "v0",  "v1",  "v2",  "v3",  "v4",  "v5",  "v6",  "v7",  "v8",  "v9",  "v10", "v11", "v12", "v13", "v14", "v15",
    "v16", "v17", "v18", "v19", "v20", "v21", "v22", "v23", "v24", "v25", "v26", "v27", "v28", "v29", "v30", "v31",
};

or_status_t cts_graph_new(cts_t *cts, uint64_t seed, cts_graph_t **out) {
  void *memory = NULL;
  CTS_TRY(or_arena_alloc(&cts->arena, sizeof(cts_graph_t), &memory));
  *out = memory;
  (*out)->cts = cts;
  (*out)->random.state = seed;
  return or_status_success();
}

static size_t bytes_of(const or_op_tensor_t *tensor) {
  return or_dtype_bytes(tensor->dtype, or_shape_product(&tensor->shape, 0, tensor->shape.rank));
}

static void keep(cts_graph_t *graph, or_status_t status) { graph->status = or_status_first(graph->status, status); }

static or_value_id_t add_value(cts_graph_t *graph, or_dtype_t dtype, or_shape_t shape) {
  or_value_id_t id = graph->value_count++;
  or_op_tensor_t *tensor = &graph->tensors[id];
  *tensor = (or_op_tensor_t){.dtype = dtype, .shape = shape};
  keep(graph, or_arena_alloc(&graph->cts->arena, bytes_of(tensor) + 1, &tensor->data));
  graph->values[id] = (or_value_info_t){.name = value_names[id], .dtype = dtype, .shape = shape};
  return id;
}

static or_value_id_t add_random(cts_graph_t *graph, or_dtype_t dtype, or_shape_t shape) {
  or_value_id_t id = add_value(graph, dtype, shape);
  if (or_ok(graph->status)) {
    or_random_fill(&graph->random, dtype, graph->tensors[id].data, (size_t)or_shape_product(&shape, 0, shape.rank));
  }
  return id;
}

or_value_id_t cts_graph_input(cts_graph_t *graph, or_dtype_t dtype, or_shape_t shape) {
  or_value_id_t id = add_random(graph, dtype, shape);
  graph->inputs[graph->input_count++] = id;
  return id;
}

or_value_id_t cts_graph_constant(cts_graph_t *graph, or_dtype_t dtype, or_shape_t shape) {
  or_value_id_t id = add_random(graph, dtype, shape);
  const or_op_tensor_t *tensor = &graph->tensors[id];
  size_t bytes = bytes_of(tensor);
  graph->constants[id] = (or_constant_t){.dtype = dtype, .shape = shape, .bytes = bytes, .data = tensor->data};
  if (tensor->data != NULL) graph->constants[id].hash = or_hash_bytes(tensor->data, bytes, 11);
  graph->values[id].constant = &graph->constants[id];
  return id;
}

void cts_graph_attributes(cts_graph_t *graph, const or_attribute_t *attributes, uint32_t count) {
  graph->nodes[graph->node_count].attributes = attributes;
  graph->nodes[graph->node_count].attribute_count = count;
}

or_value_id_t cts_graph_node(cts_graph_t *graph, const char *op, const or_value_id_t *inputs, uint32_t count) {
  static const char *const names[CTS_GRAPH_NODES] = {"n0", "n1", "n2",  "n3",  "n4",  "n5",  "n6",  "n7",
                                                     "n8", "n9", "n10", "n11", "n12", "n13", "n14", "n15"};
  or_value_id_t *ports = graph->ports[graph->node_count];
  or_node_t *node = &graph->nodes[graph->node_count];
  const or_op_t *row = or_op_find("", op);
  memcpy(ports, inputs, count * sizeof *ports);
  *node = (or_node_t){.name = names[graph->node_count],
                      .domain = "",
                      .op = op,
                      .version = or_op_version(row, or_op_newest_opset("")),
                      .inputs = ports,
                      .input_count = count,
                      .outputs = &ports[CTS_GRAPH_PORTS],
                      .output_count = 1,
                      .attributes = node->attributes,
                      .attribute_count = node->attribute_count,
                      .definition = row};
  ++graph->node_count;
  if (row->tolerance.rel > graph->tolerance.rel) graph->tolerance = row->tolerance;
  or_op_tensor_t seen[CTS_GRAPH_PORTS], output = {.dtype = OR_DTYPE_NONE};
  for (uint32_t i = 0; i < count; ++i) seen[i] = inputs[i] != OR_NO_VALUE ? graph->tensors[inputs[i]] : output;
  or_op_call_t call = {.op = row,
                       .node = node,
                       .inputs = seen,
                       .input_count = count,
                       .outputs = &output,
                       .output_count = 1,
                       .allocator = graph->cts->allocator};
  if (or_ok(graph->status)) keep(graph, or_op_infer(&call));
  ports[CTS_GRAPH_PORTS] = add_value(graph, output.dtype, output.shape);
  output.data = graph->tensors[ports[CTS_GRAPH_PORTS]].data;
  if (or_ok(graph->status)) keep(graph, or_op_reference(&call));
  return ports[CTS_GRAPH_PORTS];
}

void cts_graph_output(cts_graph_t *graph, or_value_id_t value) { graph->outputs[graph->output_count++] = value; }

void cts_graph_fuse(cts_graph_t *graph, or_value_id_t bias, or_value_id_t residual) {
  or_value_id_t *ports = graph->ports[CTS_GRAPH_NODES];
  ports[0] = graph->nodes[0].inputs[0];
  ports[1] = graph->nodes[0].inputs[1];
  ports[2] = bias;
  ports[3] = residual;
  graph->fused = graph->nodes[0];
  graph->fused.domain = "openruntime.fused";
  graph->fused.inputs = ports;
  graph->fused.input_count = residual != OR_NO_VALUE ? 4 : bias != OR_NO_VALUE ? 3 : 2;
  graph->fused.outputs = graph->nodes[graph->node_count - 1].outputs;
  graph->fused.parts = graph->nodes;
  graph->fused.part_count = graph->node_count;
  graph->fused.definition = NULL;
}

or_status_t cts_graph_finish(cts_graph_t *graph) {
  graph->subgraph = (or_subgraph_t){.values = graph->values,
                                    .value_count = graph->value_count,
                                    .nodes = graph->fused.part_count > 0 ? &graph->fused : graph->nodes,
                                    .node_count = graph->fused.part_count > 0 ? 1 : graph->node_count,
                                    .inputs = graph->inputs,
                                    .input_count = graph->input_count,
                                    .outputs = graph->outputs,
                                    .output_count = graph->output_count};
  or_status_t status = graph->status;
  graph->status = or_status_success();
  return or_status_context(status, "the case's own reference");
}

void cts_graph_supported(const cts_graph_t *graph, or_support_t *refused) {
  const cts_t *cts = graph->cts;
  *refused = (or_support_t){.supported = true};
  for (uint32_t i = 0; refused->supported && i < graph->subgraph.node_count; ++i) {
    or_status_t status = cts->opened->supports(cts->opened->self, &graph->subgraph, &graph->subgraph.nodes[i], refused);
    if (!or_ok(status)) *refused = (or_support_t){.supported = false, .reason = "there was no memory to find out"};
    or_status_ignore(status); /* the reason says it */
  }
}

or_status_t cts_graph_bind(cts_graph_t *graph, const or_executable_t *executable, cts_graph_run_t **out) {
  cts_t *cts = graph->cts;
  void *memory = NULL;
  CTS_TRY(or_arena_alloc(&cts->arena, sizeof(cts_graph_run_t), &memory));
  cts_graph_run_t *run = memory;
  run->graph = graph;
  for (uint32_t i = 0; i < graph->input_count; ++i) {
    const or_op_tensor_t *tensor = &graph->tensors[graph->inputs[i]];
    CTS_TRY(cts_buffer(cts, cts->device, bytes_of(tensor), &run->inputs[i]));
    CTS_TRY(or_buffer_write(run->inputs[i], 0, tensor->data, bytes_of(tensor)));
  }
  for (uint32_t i = 0; i < graph->output_count; ++i) {
    CTS_TRY(cts_buffer(cts, cts->device, bytes_of(&graph->tensors[graph->outputs[i]]), &run->outputs[i]));
  }
  run->call = (cts_call_t){.executable = executable,
                           .inputs = run->inputs,
                           .outputs = run->outputs,
                           .input_count = graph->input_count,
                           .output_count = graph->output_count};
  CTS_TRY(cts_bind(cts, &run->call));
  *out = run;
  return or_status_success();
}

or_status_t cts_graph_compare(const cts_graph_run_t *run) {
  const cts_graph_t *graph = run->graph;
  for (uint32_t i = 0; i < graph->output_count; ++i) {
    const or_op_tensor_t *expected = &graph->tensors[graph->outputs[i]];
    or_op_tensor_t got = *expected;
    CTS_TRY(or_arena_alloc(&graph->cts->arena, bytes_of(expected) + 1, &got.data));
    CTS_TRY(or_buffer_read(run->outputs[i], 0, got.data, bytes_of(expected)));
    or_status_t status = cts_compare(&got, expected, cts_tolerance(graph->cts, graph->tolerance, got.dtype));
    CTS_TRY(or_status_context(status, "output %u", i));
  }
  return or_status_success();
}
