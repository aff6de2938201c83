#ifndef OR_GRAPH_FIXTURE_TEST_H
#define OR_GRAPH_FIXTURE_TEST_H
/* Small graphs by name, for the tests of this folder. Included after cmocka.h. */

#include <string.h>

#include "base/alloc.h"
#include "fake/expect.h"
#include "graph/graph.h"
#include "graph/reference.h"

#define SHAPE(...) or_shape_make(sizeof((const int64_t[]){__VA_ARGS__}) / sizeof(int64_t), (const int64_t[]){__VA_ARGS__})
#define IDS(...) ((const or_value_id_t[]){__VA_ARGS__}), (sizeof((const or_value_id_t[]){__VA_ARGS__}) / sizeof(or_value_id_t))
#define FIXTURE_ATTRIBUTES 6u /* of a node, at most */

static inline or_graph_t *new_graph(const or_allocator_t *allocator) {
  or_graph_t *graph = NULL;
  or_expect_ok(or_graph_create(allocator, "test.onnx", NULL, &graph));
  graph->opset = 13;
  return graph;
}

static inline or_value_id_t value_of(or_graph_t *graph, const char *name, or_dtype_t dtype, or_shape_t shape) {
  or_value_id_t value = OR_NO_VALUE;
  or_expect_ok(or_graph_add_value(graph, name, strlen(name), dtype, &shape, &value));
  return value;
}

/* A value of which nothing is known yet. */
static inline or_value_id_t value(or_graph_t *graph, const char *name) {
  or_value_id_t made = OR_NO_VALUE;
  or_expect_ok(or_graph_add_value(graph, name, strlen(name), OR_DTYPE_NONE, NULL, &made));
  return made;
}

static inline or_value_id_t input(or_graph_t *graph, const char *name, or_dtype_t dtype, or_shape_t shape) {
  or_value_id_t made = value_of(graph, name, dtype, shape);
  or_expect_ok(or_graph_add_input(graph, made));
  return made;
}

static inline or_value_id_t constant(or_graph_t *graph, const char *name, or_dtype_t dtype, or_shape_t shape, const void *data) {
  or_value_id_t made = value_of(graph, name, dtype, shape);
  const or_constant_t *bytes = NULL;
  or_expect_ok(or_graph_constant(graph, dtype, shape, data, &bytes));
  graph->values[made].constant = bytes;
  return made;
}

static inline or_value_id_t integers(or_graph_t *graph, const char *name, size_t count, const int64_t *data) {
  return constant(graph, name, OR_INT64, or_shape_make(1, (const int64_t[]){(int64_t)count}), data);
}

/* A node with one output, of that name. */
static inline or_node_t *node(or_graph_t *graph, const char *op, const char *name, const or_value_id_t *inputs, size_t count) {
  or_node_t *made = NULL;
  or_value_id_t output = value(graph, name);
  or_expect_ok(or_graph_add_node(graph, name, count, 1, FIXTURE_ATTRIBUTES, &made));
  made->op = op;
  made->attribute_count = 0;
  made->definition = or_op_find("", op);
  assert_non_null(made->definition);
  made->version = or_op_version(made->definition, graph->opset);
  memcpy((or_value_id_t *)(uintptr_t)made->inputs, inputs, count * sizeof *inputs);
  *(or_value_id_t *)(uintptr_t)made->outputs = output;
  return made;
}

/* The same, by its output. */
static inline or_value_id_t apply(or_graph_t *graph, const char *op, const char *name, const or_value_id_t *inputs, size_t count) {
  return node(graph, op, name, inputs, count)->outputs[0];
}

static inline or_attribute_t *attribute(or_node_t *of, const char *name, or_attribute_kind_t kind) {
  assert_true(of->attribute_count < FIXTURE_ATTRIBUTES);
  or_attribute_t *made = (or_attribute_t *)(uintptr_t)&of->attributes[of->attribute_count++];
  made->name = name;
  made->kind = kind;
  return made;
}

static inline or_node_t *node_named(const or_graph_t *graph, const char *name) {
  for (size_t n = 0; n < graph->node_count; ++n) {
    if (strcmp(graph->nodes[n].name, name) == 0) return &graph->nodes[n];
  }
  return NULL;
}

/* Sorts and infers, as a reader does. */
static inline void finish_graph(or_graph_t *graph) {
  or_expect_ok(or_graph_sort(graph));
  or_expect_ok(or_graph_infer(graph, NULL));
}

/* Every input at its own, static shape. */
static inline or_status_t specialize_static(const or_graph_t *graph, bool no_fusion, or_graph_t **out) {
  or_graph_binding_t bindings[16] = {{.given = false}};
  assert_true(graph->input_count <= 16);
  for (size_t i = 0; i < graph->input_count; ++i) {
    bindings[i] = (or_graph_binding_t){.shape = graph->values[graph->inputs[i]].shape, .given = true};
  }
  return or_graph_specialize(graph, bindings, no_fusion, out, NULL);
}

static inline size_t bytes_of(const or_graph_t *graph, or_value_id_t v) {
  uint64_t count = 0;
  assert_true(or_shape_count(&graph->values[v].shape, &count));
  return or_dtype_bytes(graph->values[v].dtype, count);
}

/* Runs a static graph by the references on plain memory: inputs in the order of the graph's, outputs into the caller's memory. */
static inline void run_by_reference(const or_graph_t *graph, void *const *inputs, void *const *outputs) {
  const or_allocator_t *system = or_allocator_system();
  or_memory_t input_memory[16], output_memory[16], workspace = {0};
  or_memory_range_t input_ranges[16], output_ranges[16];
  or_executable_t executable;
  or_subgraph_t whole = {.values = graph->values, .value_count = (uint32_t)graph->value_count, .nodes = graph->nodes,
                         .node_count = (uint32_t)graph->node_count, .inputs = graph->inputs, .outputs = graph->outputs,
                         .input_count = (uint32_t)graph->input_count, .output_count = (uint32_t)graph->output_count};
  or_expect_ok(or_reference_compile(system, &whole, &executable));
  or_expect_ok(or_alloc(system, executable.workspace_bytes, &workspace.host));
  for (size_t i = 0; i < graph->input_count; ++i) {
    input_memory[i] = (or_memory_t){.host = inputs[i], .bytes = bytes_of(graph, graph->inputs[i])};
    input_ranges[i] = (or_memory_range_t){.memory = &input_memory[i], .bytes = input_memory[i].bytes};
  }
  for (size_t i = 0; i < graph->output_count; ++i) {
    output_memory[i] = (or_memory_t){.host = outputs[i], .bytes = bytes_of(graph, graph->outputs[i])};
    output_ranges[i] = (or_memory_range_t){.memory = &output_memory[i], .bytes = output_memory[i].bytes};
  }
  or_run_arguments_t arguments = {.inputs = input_ranges, .outputs = output_ranges,
                                  .workspace = {.memory = &workspace, .bytes = executable.workspace_bytes}};
  or_expect_ok(executable.run(executable.self, NULL, &arguments));
  executable.release(executable.self);
  or_free(system, workspace.host);
}

#endif
