#ifndef OR_GRAPH_ONNX_WRITE_H
#define OR_GRAPH_ONNX_WRITE_H
/* Messages of a graph, for the files of the ONNX writer. Field numbers are those of onnx.proto. */

#include "graph/graph.h"
#include "graph/onnx/wire_writer.h"

/* NodeProto. UNIMPLEMENTED: a graph as an attribute, a node that rewriting made. */
void or_onnx_put_node(or_wire_writer_t *writer, uint32_t field, const or_graph_t *graph, const or_node_t *node);
/* ValueInfoProto: symbols by their names, what is not known without one. */
void or_onnx_put_value_info(or_wire_writer_t *writer, uint32_t field, const or_graph_t *graph,
                            const or_value_info_t *value);
/* The fields of a TensorProto but its elements. `name` NULL: none. */
void or_onnx_put_tensor_facts(or_wire_writer_t *writer, const char *name, const or_constant_t *constant);
/* Where the elements of a TensorProto are in another file. */
void or_onnx_put_external(or_wire_writer_t *writer, const char *location, uint64_t offset, uint64_t length);
/* StringStringEntryProto. */
void or_onnx_put_entry(or_wire_writer_t *writer, uint32_t field, const char *key, const char *value);

/* The version of the format that an opset came with, at least 8 (https://onnx.ai/onnx/repo-docs/Versioning.html). */
int or_onnx_ir_version(int opset);

/* What a file says of its weights in metadata_props. */
#define OR_ONNX_WEIGHTS_KEY "openruntime.weights"
#define OR_ONNX_WEIGHTS_SYNTHETIC "synthetic"

#endif
