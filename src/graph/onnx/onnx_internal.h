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

#define OR_ONNX_MAX_FUNCTIONS ((size_t)65536) /* that a model brings along */
#define OR_ONNX_MAX_DEPTH 32u                 /* of limits.nesting, whatever it asks for: reading recurses so deep */
#define OR_ONNX_MAX_DENSE_BYTES ((size_t)1 << 28) /* that sparse tensors of one model become, all together */
#define OR_ONNX_MAX_TOLD 4u               /* nodes around what is wrong that a message names, and the outermost */
#define OR_ONNX_PREFIX_BYTES ((size_t)64) /* of either half of a name made for what is in a function */

typedef struct or_onnx_opset_t {
  const char *domain; /* "" for ai.onnx */
  int64_t version;
} or_onnx_opset_t;
typedef struct or_onnx_opsets_t {
  or_onnx_opset_t *items; /* of the reader's allocator */
  size_t count, capacity;
} or_onnx_opsets_t;

/* What a value is in its graph, in or_onnx_level_t.roles. LOCAL: of a function's inside, named by us. */
enum {
  OR_ONNX_INITIALIZER = 1,
  OR_ONNX_INPUT = 2,
  OR_ONNX_OUTPUT = 4,
  OR_ONNX_PRODUCED = 8,
  OR_ONNX_LOCAL = 16,
  OR_ONNX_CAPTURED = 32,
};

/* A graph that is being filled: the model's, or a body's. */
typedef struct or_onnx_level_t {
  or_graph_t *graph;
  or_onnx_names_t nodes, symbols;
  uint32_t next_number; /* for nodes without a name of their own */
  uint32_t depth;       /* bodies around it */
  uint8_t *roles;       /* per value */
  size_t role_capacity;
} or_onnx_level_t;

/* A function of the model, as it stands in the file. */
typedef struct or_onnx_function_t {
  const char *domain, *name;
  or_wire_t message;
  or_onnx_opsets_t opsets;
  uint64_t nodes, bytes; /* that a call becomes, with all that it calls; saturated */
  uint32_t depth;        /* functions in functions, 1 if it calls none */
  enum { OR_ONNX_UNSEEN, OR_ONNX_MEASURING, OR_ONNX_MEASURED } state;
} or_onnx_function_t;

/* The value of an attribute at a call, as the file has it. */
typedef struct or_onnx_binding_t {
  const char *name;
  or_wire_t message; /* AttributeProto that holds a value */
} or_onnx_binding_t;
typedef struct or_onnx_call_t {
  const or_onnx_function_t *function;
  or_onnx_binding_t *bindings;
  size_t binding_count, binding_capacity;
  char prefix[OR_ONNX_PREFIX_BYTES + 1]; /* of the names of what is inside */
} or_onnx_call_t;

/* Where names mean something: a graph, or a function at one of its calls, which adds to the graph of the call. */
typedef struct or_onnx_scope_t {
  struct or_onnx_scope_t *outer; /* of a body: where it stands, and what it sees; else NULL */
  or_onnx_level_t *level;
  const or_onnx_call_t *call; /* of the function that it is or is in; NULL: none */
  bool is_function;
  or_onnx_names_t values; /* the file's names; OR_NO_VALUE: an input of the function that its call leaves out */
  or_arena_t names;       /* of a function's names; a graph's are in the graph */
} or_onnx_scope_t;

/* A body of the node at hand, until it is known what all its bodies read from outside. */
typedef struct or_onnx_body_t {
  struct or_onnx_body_t *next;
  or_onnx_level_t level;
  or_onnx_scope_t scope;
} or_onnx_body_t;

/* One model being read. Owned by the thread that reads. */
typedef struct or_onnx_reader_t {
  const or_allocator_t *allocator;
  or_graph_t *root;       /* the model's graph */
  or_graph_t *graph;      /* that is being filled: scope->level->graph */
  or_onnx_scope_t *scope; /* never NULL while reading */
  or_onnx_level_t root_level;
  or_onnx_scope_t root_scope;
  or_onnx_body_t *bodies; /* of the node at hand, newest first */
  or_wire_source_t source;
  or_file_t *file;       /* the model itself; NULL from memory */
  const char *directory; /* of external data; NULL: refused */
  int64_t ir_version;    /* 0: not said */
  or_onnx_opsets_t opsets;
  or_onnx_names_t files; /* indices of root->files */
  or_onnx_function_t *functions;
  size_t function_count, function_capacity;
  or_onnx_names_t function_names; /* keys of domain, name and overload */
  uint32_t measuring;             /* functions that or_onnx_measure_function is in */
  /* Of all graphs together. */
  uint64_t node_count, value_count, constant_bytes, expanded_bytes, dense_bytes;
  or_value_id_t *ids; /* inputs, then outputs, of the node at hand */
  size_t id_capacity;
  uint32_t told; /* nodes that a failure was given the names of */
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

/* scope.c: names. What init was called for is to be ended on failure too. */
void or_onnx_level_init(or_onnx_reader_t *reader, or_onnx_level_t *level, or_graph_t *graph);
void or_onnx_level_deinit(or_onnx_reader_t *reader, or_onnx_level_t *level);
void or_onnx_scope_init(or_onnx_reader_t *reader, or_onnx_scope_t *scope, or_onnx_level_t *level);
void or_onnx_scope_deinit(or_onnx_scope_t *scope);
/* Reads in another scope from now on; gives the one before. */
or_onnx_scope_t *or_onnx_enter(or_onnx_reader_t *reader, or_onnx_scope_t *scope);
/* The value of that name, made (without type) if new. */
or_status_t or_onnx_value(or_onnx_reader_t *reader, const char *name, size_t length, or_value_id_t *out);
/* The same for what a node reads: OR_NO_VALUE for what a call around leaves out. */
or_status_t or_onnx_read_value(or_onnx_reader_t *reader, const or_onnx_text_t *name, or_value_id_t *out);
/* Gives a value a role: ORs it into its roles; *before (may be NULL): those it had. */
or_status_t or_onnx_add_role(or_onnx_reader_t *reader, or_value_id_t value, uint8_t role, uint8_t *before);
/* Adds to the graph's nodes a node as or_graph_add_node does, and counts it among those of all graphs. */
or_status_t or_onnx_add_node(or_onnx_reader_t *reader, const char *name, const size_t counts[3], or_node_t **out);
/* A node that gives `from` the name of `to` too. */
or_status_t or_onnx_add_identity(or_onnx_reader_t *reader, or_value_id_t from, or_value_id_t to);
/* Counts bytes of constants against limits.initializer_bytes. */
or_status_t or_onnx_count_bytes(or_onnx_reader_t *reader, size_t bytes);
/* A name that no other node of the graph has: `wanted`; "Conv_3" if that is empty; "conv1_3" if there is a conv1. */
or_status_t or_onnx_name_node(or_onnx_reader_t *reader, const or_onnx_text_t *wanted, const char *type,
                              const char **out);
/* When all of a graph is read: gives values of functions names that no other value of the graph has. */
or_status_t or_onnx_name_locals(or_onnx_reader_t *reader);
/* Bodies in bodies, and functions in functions, at most. */
uint32_t or_onnx_max_depth(const or_onnx_reader_t *reader);

/* value_info.c: ValueInfoProto, and the TypeProto in it. */
typedef struct or_onnx_type_t {
  or_value_form_t form;
  or_dtype_t dtype; /* OR_DTYPE_NONE: no type given */
  or_shape_t shape; /* without symbols unless asked for; of anything but a tensor that of its elements */
} or_onnx_type_t;
typedef struct or_onnx_value_info_t {
  or_onnx_text_t name;
  or_onnx_type_t type;
} or_onnx_value_info_t;
/* `what` ("input") is for messages. `symbols`: named extents become symbols of the graph, else unknown.
 * INVALID_ARGUMENT (negative extent), UNIMPLEMENTED (a map, a sequence of sequences, …, an element type not known),
 * RESOURCE_EXHAUSTED (rank, elements, symbols). */
or_status_t or_onnx_read_value_info(or_onnx_reader_t *reader, or_wire_t message, const char *what, bool symbols,
                                    or_onnx_value_info_t *out);
or_status_t or_onnx_read_type(or_onnx_reader_t *reader, or_wire_t message, bool symbols, or_onnx_type_t *out);
/* The dtype of a number from a file. INVALID_ARGUMENT for 0, UNIMPLEMENTED for one that we don't have. */
or_status_t or_onnx_dtype(int64_t number, or_dtype_t *out);
/* Refuses rank, negative extents and too many elements (the extents that are known, multiplied). */
or_status_t or_onnx_check_shape(const or_shape_t *shape, uint64_t max_elements);

/* tensor.c: TensorProto. */
typedef struct or_onnx_tensor_proto_t {
  or_wire_t message, name, raw;
  or_dtype_t dtype;
  or_shape_t shape;      /* static */
  size_t bytes;          /* that its elements take in memory */
  uint64_t string_bytes; /* of all its strings */
  bool external, has_raw;
  uint32_t number_fields; /* that its numbers are in, where they are neither raw nor external */
  or_wire_t packed;       /* those of the last packed one; no source: there is none */
} or_onnx_tensor_proto_t;
/* Reads everything but the elements and checks that as many as the shape needs are there, unless they are external. */
or_status_t or_onnx_scan_tensor(or_wire_t message, uint64_t max_elements, or_onnx_tensor_proto_t *out);
/* Adds the extents in a field of dims (of SparseTensorProto too) to the shape. */
or_status_t or_onnx_scan_dims(const or_wire_field_t *field, or_shape_t *shape);
/* Writes the elements to `memory` (tensor->bytes). Not for external ones, nor for strings. */
or_status_t or_onnx_decode_tensor(const or_onnx_tensor_proto_t *tensor, void *memory);
/* Writes the strings' bytes to `bytes` (tensor->string_bytes), and where each is to `elements`. */
or_status_t or_onnx_decode_strings(const or_onnx_tensor_proto_t *tensor, or_string_t *elements, char *bytes);
/* The bytes of memory that one number of its field is: 0 for types of 6 bits. */
size_t or_onnx_number_bytes(or_dtype_t dtype);
/* One of them, by its index for messages, as the little-endian bytes that raw_data would have. Not for types of 6
 * bits. INVALID_ARGUMENT: the type does not hold it. */
or_status_t or_onnx_put_number(or_dtype_t dtype, uint64_t value, uint8_t *to, uint64_t index);
/* Bytes that hold bool become 0 or 1, so that they may be read as such. */
void or_onnx_normalize(or_dtype_t dtype, void *memory, size_t bytes);

/* constant.c: a tensor as a constant of the graph, resident or left in its file. */
or_status_t or_onnx_constant(or_onnx_reader_t *reader, const or_onnx_tensor_proto_t *tensor, const or_constant_t **out);
/* A constant of tensor->bytes at `offset` of a file that the graph keeps. */
or_status_t or_onnx_file_constant(or_onnx_reader_t *reader, const or_onnx_tensor_proto_t *tensor, or_file_t *file,
                                  uint64_t offset, const or_constant_t **out);
/* numbers.c: the same for numbers of variable length in one packed field of the model's file. */
or_status_t or_onnx_numbers_constant(or_onnx_reader_t *reader, const or_onnx_tensor_proto_t *tensor,
                                     const or_constant_t **out);

/* sparse.c: SparseTensorProto as a dense constant; its bytes count as an initializer's. */
/* RESOURCE_EXHAUSTED: OR_ONNX_MAX_DENSE_BYTES too. */
or_status_t or_onnx_sparse_constant(or_onnx_reader_t *reader, or_wire_t message, const or_constant_t **out);

/* external.c: elements in a file of their own. PERMISSION_DENIED: outside the model's folder. */
or_status_t or_onnx_external_constant(or_onnx_reader_t *reader, const or_onnx_tensor_proto_t *tensor,
                                      const or_constant_t **out);

/* graph_proto.c, node.c, attribute.c: GraphProto and what it holds, added to reader->graph. */
or_status_t or_onnx_read_graph(or_onnx_reader_t *reader, or_wire_t message);
or_status_t or_onnx_read_node(or_onnx_reader_t *reader, or_wire_t message);
/* False where a failure has the names of enough nodes: the text of one is not endless, and its beginning is kept. */
static inline bool or_onnx_tells(const or_onnx_reader_t *reader) {
  return reader->told <= OR_ONNX_MAX_TOLD || (reader->scope->level->depth == 0 && reader->scope->call == NULL);
}
/* `node`: whose it is. *there is false for a reference to what a call of the function does not give. */
or_status_t or_onnx_read_attribute(or_onnx_reader_t *reader, const or_node_t *node, or_wire_t message,
                                   or_attribute_t *out, bool *there);
/* NodeProto but for its values and attributes. */
typedef struct or_onnx_node_proto_t {
  or_wire_t message;
  or_onnx_text_t name, type, domain, overload;
  size_t input_count, output_count, attribute_count;
} or_onnx_node_proto_t;
/* Its inputs, then its outputs, to reader->ids. */
or_status_t or_onnx_read_ids(or_onnx_reader_t *reader, const or_onnx_node_proto_t *proto);

/* body.c: a graph in an attribute. Makes the graph, sorted once or_onnx_capture is done, that reader->graph holds, and
 * puts it before reader->bodies. */
or_status_t or_onnx_read_body(or_onnx_reader_t *reader, const char *node, const char *attribute, or_wire_t message,
                              const or_graph_t **out);
/* Gives the node, and each of reader->bodies, what they read from outside as their last inputs, and frees the list. */
or_status_t or_onnx_capture(or_onnx_reader_t *reader, or_node_t *node, or_status_t status);
/* INVALID_ARGUMENT: a body of the graph at hand reads what is nowhere around it. Names the node that does, and the one
 * that holds the body. */
or_status_t or_onnx_check_captured(const or_onnx_reader_t *reader);

/* function.c: functions of the model. */
or_status_t or_onnx_add_function(or_onnx_reader_t *reader, or_wire_t message);
/* The function of the name, or NULL. */
or_onnx_function_t *or_onnx_find_function(const or_onnx_reader_t *reader, const or_onnx_text_t *domain,
                                          const or_onnx_text_t *name, const or_onnx_text_t *overload);
/* Finds how much a call becomes. INVALID_ARGUMENT: it calls itself, by way of others or directly; RESOURCE_EXHAUSTED:
 * too deep. */
or_status_t or_onnx_measure_function(or_onnx_reader_t *reader, or_onnx_function_t *function);
/* call.c: a node that calls a function becomes the function's nodes. Its values are in reader->ids. */
or_status_t or_onnx_expand_call(or_onnx_reader_t *reader, const or_onnx_node_proto_t *proto, const char *name,
                                or_onnx_function_t *function);
/* Finds the message that an attribute's reference stands for; *there is false if the call does not give it and there is
 * no default. INVALID_ARGUMENT: the node is in no function, or the function has no such attribute. */
or_status_t or_onnx_find_binding(or_onnx_reader_t *reader, const or_onnx_text_t *reference, or_wire_t *out,
                                 bool *there);

/* operator.c: the catalogue's row and version for a node of domain and type. `node` is its name, for messages, which
 * carry it. */
or_status_t or_onnx_find_operator(const or_onnx_reader_t *reader, const char *node, const char *domain,
                                  const char *type, const or_op_t **op, int *version);
/* The operator that the standard has under the name in the opset at hand; else NULL. */
const or_op_t *or_onnx_standard_operator(const or_onnx_reader_t *reader, const char *domain, const char *type);
/* OperatorSetIdProto. */
or_status_t or_onnx_read_opset(or_onnx_reader_t *reader, or_wire_t message, or_onnx_opsets_t *opsets);
/* Refuses opsets that are too old or too new. */
or_status_t or_onnx_check_opsets(const or_onnx_opsets_t *opsets);
/* The version of ai.onnx among them; 0: none. */
int or_onnx_standard_opset(const or_onnx_opsets_t *opsets);

#endif
