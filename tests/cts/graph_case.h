#ifndef OR_TESTS_CTS_GRAPH_CASE_H
#define OR_TESTS_CTS_GRAPH_CASE_H
/* Small subgraphs of several nodes, built by hand. Each node's result is computed by the C reference as it is added,
 * so that the expectation of every value is at hand. The first failure is kept and given by cts_graph_finish. */

#include "base/numbers.h"
#include "cts/op_case.h"

#define CTS_GRAPH_VALUES 32
#define CTS_GRAPH_NODES 16
#define CTS_GRAPH_PORTS 6

typedef struct cts_graph_t {
  cts_t *cts;
  or_random_t random;
  or_status_t status;
  or_value_info_t values[CTS_GRAPH_VALUES];
  or_op_tensor_t tensors[CTS_GRAPH_VALUES]; /* data and expectation of each value */
  or_constant_t constants[CTS_GRAPH_VALUES];
  uint32_t value_count;
  or_node_t nodes[CTS_GRAPH_NODES];
  or_value_id_t ports[CTS_GRAPH_NODES + 1]
                     [CTS_GRAPH_PORTS + 1]; /* inputs, then the output; the last row: of a fused node */
  uint32_t node_count;
  or_value_id_t inputs[CTS_GRAPH_VALUES], outputs[CTS_GRAPH_VALUES];
  uint32_t input_count, output_count;
  or_subgraph_t subgraph;
  or_node_t fused;          /* of cts_graph_fuse */
  or_tolerance_t tolerance; /* the widest of the nodes' */
} cts_graph_t;

/* In the case's arena. */
or_status_t cts_graph_new(cts_t *cts, uint64_t seed, cts_graph_t **out);
or_value_id_t cts_graph_input(cts_graph_t *graph, or_dtype_t dtype, or_shape_t shape);
or_value_id_t cts_graph_constant(cts_graph_t *graph, or_dtype_t dtype, or_shape_t shape);
/* A node of ai.onnx in its newest version with one output, and that output's value. `attributes` live as long as the
 * graph. */
or_value_id_t cts_graph_node(cts_graph_t *graph, const char *op, const or_value_id_t *inputs, uint32_t count);
void cts_graph_attributes(cts_graph_t *graph, const or_attribute_t *attributes, uint32_t count); /* of the next node */
void cts_graph_output(cts_graph_t *graph, or_value_id_t value);
/* Puts one fused node in the place of all nodes: the first one's operator and attributes, inputs [first, second,
 * bias, residual]. */
void cts_graph_fuse(cts_graph_t *graph, or_value_id_t bias, or_value_id_t residual);
or_status_t cts_graph_finish(cts_graph_t *graph);
/* Asks `supports` for every node; *refused: the first reason, or NULL. */
void cts_graph_supported(const cts_graph_t *graph, or_support_t *refused);

/* Buffers for one run, with the inputs written. */
typedef struct cts_graph_run_t {
  const cts_graph_t *graph;
  or_buffer_t *inputs[CTS_GRAPH_VALUES], *outputs[CTS_GRAPH_VALUES];
  cts_call_t call;
} cts_graph_run_t;
or_status_t cts_graph_bind(cts_graph_t *graph, const or_executable_t *executable, cts_graph_run_t **out);
/* Reads the outputs and compares. */
or_status_t cts_graph_compare(const cts_graph_run_t *run);

#endif
