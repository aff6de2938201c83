#ifndef OR_GRAPH_ONNX_ONNX_INTERNAL_H
#define OR_GRAPH_ONNX_ONNX_INTERNAL_H
/* What the files of the ONNX reader share. Field numbers are those of onnx.proto. */

#include "graph/onnx/names.h"
#include "graph/onnx/onnx.h"
#include "graph/onnx/wire.h"

#define OR_ONNX_MAX_NAME_BYTES ((size_t)2048) /* of a value, node, operator, domain, symbol, file */
#define OR_ONNX_MAX_OPSETS ((size_t)64)       /* opset imports of one model */
#define OR_ONNX_MAX_ATTRIBUTES ((size_t)64)   /* of one node */
#define OR_ONNX_MAX_FILES ((size_t)4096)      /* of external data, of one model */

typedef struct or_onnx_opset_t {
  const char *domain; /* "" for ai.onnx */
  int64_t version;
} or_onnx_opset_t;

/* What a value was named as in the graph, in or_onnx_reader_t.roles. */
enum { OR_ONNX_INITIALIZER = 1, OR_ONNX_INPUT = 2, OR_ONNX_OUTPUT = 4 };

/* One model being read. Owned by the thread that reads. */
typedef struct or_onnx_reader_t {
  const or_allocator_t *allocator;
  or_graph_t *graph;
  or_wire_source_t source;
  or_file_t *file;       /* the model itself; NULL from memory */
  bool file_kept;        /* the graph retains it */
  const char *directory; /* of external data; NULL: refused */
  int64_t ir_version;    /* 0: not said */
  or_onnx_opset_t opsets[OR_ONNX_MAX_OPSETS];
  size_t opset_count;
  or_onnx_names_t values, nodes, symbols, files;
  uint32_t next_number; /* for nodes without a name of their own */
  uint8_t *roles;       /* per value */
  size_t role_capacity;
  or_value_id_t *ids; /* inputs, then outputs, of the node at hand */
  size_t id_capacity;
} or_onnx_reader_t;

/* A name or other text of at most OR_ONNX_MAX_NAME_BYTES, terminated. */
typedef struct or_onnx_text_t {
  char data[OR_ONNX_MAX_NAME_BYTES + 1];
  size_t length;
} or_onnx_text_t;
/* Reads a field that holds text; `what` is "NodeProto.name". DATA_LOSS: another wire type, not UTF-8, a zero byte in
 * it; RESOURCE_EXHAUSTED: too long. */
or_status_t or_onnx_read_text(const or_wire_field_t *field, const char *what, or_onnx_text_t *out);
/* Reads a field that holds a signed number (int32, int64, enum). */
or_status_t or_onnx_read_int(const or_wire_field_t *field, const char *what, int64_t *out);

/* The value of that name, made (without type) if new. */
or_status_t or_onnx_value(or_onnx_reader_t *reader, const or_onnx_text_t *name, or_value_id_t *out);
/* Gives a value a role: ORs it into *roles, which holds those it had before. */
or_status_t or_onnx_add_role(or_onnx_reader_t *reader, or_value_id_t value, uint8_t role, uint8_t *before);

/* value_info.c: ValueInfoProto. */
typedef struct or_onnx_value_info_t {
  or_onnx_text_t name;
  or_dtype_t dtype; /* OR_DTYPE_NONE: no type given */
  or_shape_t shape; /* without symbols unless asked for */
} or_onnx_value_info_t;
/* `what` ("input") is for messages. `symbols`: named extents become symbols of the graph, else unknown.
 * INVALID_ARGUMENT (negative extent), UNIMPLEMENTED (not a tensor, an element type that is not known),
 * RESOURCE_EXHAUSTED (rank, elements, symbols). */
or_status_t or_onnx_read_value_info(or_onnx_reader_t *reader, or_wire_t message, const char *what, bool symbols,
                                    or_onnx_value_info_t *out);
/* The dtype of a number from a file. INVALID_ARGUMENT for 0, UNIMPLEMENTED for one that we don't have. */
or_status_t or_onnx_dtype(int64_t number, or_dtype_t *out);
/* Refuses rank, negative extents and too many elements (the extents that are known, multiplied). */
or_status_t or_onnx_check_shape(const or_shape_t *shape, uint64_t max_elements);

/* tensor.c: TensorProto. */
typedef struct or_onnx_tensor_proto_t {
  or_wire_t message, name, raw;
  or_dtype_t dtype;
  or_shape_t shape; /* static */
  size_t bytes;     /* that its elements take in memory */
  bool external, has_raw;
} or_onnx_tensor_proto_t;
/* Reads everything but the elements and checks that as many as the shape needs are there, unless they are external. */
or_status_t or_onnx_scan_tensor(or_wire_t message, uint64_t max_elements, or_onnx_tensor_proto_t *out);
/* Writes the elements to `memory` (tensor->bytes). Not for external ones. */
or_status_t or_onnx_decode_tensor(const or_onnx_tensor_proto_t *tensor, void *memory);
/* Bytes that hold bool become 0 or 1, so that they may be read as such. */
void or_onnx_normalize(or_dtype_t dtype, void *memory, size_t bytes);

/* constant.c: a tensor as a constant of the graph, resident or left in its file. */
or_status_t or_onnx_constant(or_onnx_reader_t *reader, const or_onnx_tensor_proto_t *tensor, const or_constant_t **out);
/* A constant of tensor->bytes at `offset` of a file that the graph keeps. */
or_status_t or_onnx_file_constant(or_onnx_reader_t *reader, const or_onnx_tensor_proto_t *tensor, or_file_t *file,
                                  uint64_t offset, const or_constant_t **out);

/* external.c: elements in a file of their own. PERMISSION_DENIED: outside the model's folder. */
or_status_t or_onnx_external_constant(or_onnx_reader_t *reader, const or_onnx_tensor_proto_t *tensor,
                                      const or_constant_t **out);

/* graph_proto.c, node.c, attribute.c: GraphProto and what it holds, added to reader->graph. */
or_status_t or_onnx_read_graph(or_onnx_reader_t *reader, or_wire_t message);
or_status_t or_onnx_read_node(or_onnx_reader_t *reader, or_wire_t message);
or_status_t or_onnx_read_attribute(or_onnx_reader_t *reader, or_wire_t message, or_attribute_t *out);

/* operator.c: the catalogue's row and version for a node of domain and type. `node` is its name, for messages, which
 * carry it. */
or_status_t or_onnx_find_operator(const or_onnx_reader_t *reader, const char *node, const char *domain,
                                  const char *type, const or_op_t **op, int *version);
/* Refuses opsets that are too old or too new, and sets graph->opset. */
or_status_t or_onnx_check_opsets(or_onnx_reader_t *reader);

#endif
