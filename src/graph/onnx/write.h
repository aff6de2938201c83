#ifndef OR_GRAPH_ONNX_WRITE_H
#define OR_GRAPH_ONNX_WRITE_H
/* Messages of a graph, for the files of the ONNX writer. Field numbers are those of onnx.proto. */

#include "graph/graph.h"
#include "graph/onnx/names.h"
#include "graph/onnx/wire_writer.h"

/* Constants of bodies whose elements lie in the file of weights, in its order, and how far it goes. */
typedef struct or_onnx_pieces_t {
  const or_allocator_t *allocator;
  const char *location; /* that file, without its folder; NULL: there is none */
  const or_constant_t **items;
  size_t count, capacity;
  uint64_t end; /* bytes */
} or_onnx_pieces_t;
#define OR_ONNX_EXTERNAL_ALIGNMENT ((uint64_t)64) /* of a tensor in that file */
static inline uint64_t or_onnx_aligned(uint64_t offset) {
  return (offset + OR_ONNX_EXTERNAL_ALIGNMENT - 1) / OR_ONNX_EXTERNAL_ALIGNMENT * OR_ONNX_EXTERNAL_ALIGNMENT;
}

/* A graph that is being written, and the names that its values have in the file: a body calls what it reads from
 * outside as it is called there, and nothing of its own so. write_graph.c */
typedef struct or_onnx_names_of_t {
  struct or_onnx_names_of_t *outer; /* NULL: the model's */
  const or_graph_t *graph;
  const char **names; /* per value */
  bool *needed;       /* per value: its constant is an initializer here */
  bool *outside;      /* per value: its name is one of a graph around */
  or_onnx_names_t taken, constants;
  uint32_t next_number;
  or_arena_t arena; /* of names that were made */
  or_onnx_pieces_t *pieces;
} or_onnx_names_of_t;
/* `node`: whose body the graph is; NULL for the model's. To be ended after a failure too. */
or_status_t or_onnx_names_of_init(or_onnx_names_of_t *self, const or_graph_t *graph, or_onnx_names_of_t *outer,
                                  const or_node_t *node);
void or_onnx_names_of_deinit(or_onnx_names_of_t *self);
/* The fields of a GraphProto but for its initializers. Bodies in it mark what they share as needed. */
void or_onnx_put_graph(or_wire_writer_t *writer, or_onnx_names_of_t *names);
/* GraphProto of a body, whole. */
void or_onnx_put_body(or_wire_writer_t *writer, uint32_t field, or_onnx_names_of_t *around, const or_node_t *node,
                      const or_graph_t *body);

/* NodeProto. UNIMPLEMENTED: a node that rewriting made, or of a version that the graph's opset does not have. */
void or_onnx_put_node(or_wire_writer_t *writer, uint32_t field, or_onnx_names_of_t *names, const or_node_t *node);
/* ValueInfoProto under `name`: symbols by their names, what is not known without one. */
void or_onnx_put_value_info(or_wire_writer_t *writer, uint32_t field, const or_onnx_names_of_t *names,
                            or_value_id_t value, const char *name);
/* The fields of a TensorProto but its elements. `name` NULL: none. */
void or_onnx_put_tensor_facts(or_wire_writer_t *writer, const char *name, const or_constant_t *constant);
/* Its elements, inside. */
void or_onnx_put_elements(or_wire_writer_t *writer, const or_constant_t *constant);
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
