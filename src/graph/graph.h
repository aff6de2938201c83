#ifndef OR_GRAPH_GRAPH_H
#define OR_GRAPH_GRAPH_H
/* A tensor graph: values and nodes as the backend contract has them (openruntime/backend/subgraph.h), in an arena of
 * its own. Built by one thread (a reader or a pass), then immutable and shared by any number of threads. */

#include "base/alloc.h"
#include "base/file.h"
#include "base/thread.h"
#include "openruntime/backend/subgraph.h"
#include "openruntime/model.h"
#include "openruntime/session.h"
#include "ops/op.h"

/* What the passes did, in nodes. */
typedef struct or_graph_pass_counts_t {
  uint32_t folded, removed, fused;
} or_graph_pass_counts_t;

typedef struct or_graph_t {
  or_ref_t ref;
  const or_allocator_t *allocator;
  or_arena_t arena; /* everything below but the arrays' growth lives here */
  /* Retained: the graph whose constants and names this one borrows (a specialisation); or NULL. */
  const struct or_graph_t *parent;
  const char *name;         /* for messages: the file's name */
  int opset;                /* of ai.onnx */
  or_model_limits_t limits; /* defaults applied */
  or_value_info_t *values;  /* a graph input may have a constant too: its default */
  size_t value_count, value_capacity;
  or_node_t *nodes; /* after or_graph_sort: in an order of execution */
  size_t node_count, node_capacity;
  or_value_id_t *inputs, *outputs;
  size_t input_count, input_capacity, output_count, output_capacity;
  const char **symbols; /* names of symbolic extents */
  size_t symbol_count, symbol_capacity;
  or_file_t **files; /* retained: what constants read from */
  size_t file_count, file_capacity;
  const char *failure;        /* of a branch of If that can't be: an error only where it is taken; else NULL */
  struct or_graph_t **bodies; /* retained: what attributes of this graph hold */
  size_t body_count, body_capacity;
  /* Per value (shorter, or NULL, where there is none): what its producer stood for: "Conv+BatchNormalization". */
  const char **origins;
  size_t origin_capacity;
  or_graph_pass_counts_t counts;       /* of every pass so far, those of the parent included */
  const or_pattern_report_t *patterns; /* that rewriting found */
  size_t pattern_count;
  size_t file_node_count;    /* nodes as the file had them */
  uint64_t weight_bytes;     /* all initializers together */
  uint64_t model_bytes;      /* of the model that this is a piece of, for limits.expansion_ratio; 0: weight_bytes */
  uint64_t folded_bytes;     /* made by folding, that of bodies included */
  uint64_t fold_work;        /* spent by it, likewise */
  const or_cancel_t *cancel; /* while it is built: ends inference and folding; then NULL */
  bool synthetic;            /* they are generated numbers, for measuring */
} or_graph_t;

or_status_t or_graph_create(const or_allocator_t *allocator, const char *name, const or_model_limits_t *limits,
                            or_graph_t **out);
void or_graph_retain(const or_graph_t *graph);
void or_graph_release(const or_graph_t *graph); /* takes NULL */

/* Building: strings and arrays are copied into the arena. RESOURCE_EXHAUSTED (memory, or a limit: named). */
or_status_t or_graph_add_value(or_graph_t *graph, const char *name, size_t name_length, or_dtype_t dtype,
                               const or_shape_t *shape, or_value_id_t *out);
/* Reserves a node with room for its arrays; the caller fills inputs, outputs and attributes. The node pointer is valid
 * until the next add. */
or_status_t or_graph_add_node(or_graph_t *graph, const char *name, size_t input_count, size_t output_count,
                              size_t attribute_count, or_node_t **out);
or_status_t or_graph_add_input(or_graph_t *graph, or_value_id_t value);
or_status_t or_graph_add_output(or_graph_t *graph, or_value_id_t value);
/* The symbol of that name, made if new. */
or_status_t or_graph_symbol(or_graph_t *graph, const char *name, size_t length, size_t *index);
/* A resident constant: `data` is copied into the arena (bytes from dtype and shape; what strings point to as well),
 * aligned to OR_DEFAULT_ALIGNMENT, hashed by content. */
or_status_t or_graph_constant(or_graph_t *graph, or_dtype_t dtype, or_shape_t shape, const void *data,
                              const or_constant_t **out);
/* The same in two steps: zeroed memory for the caller to fill through *memory, then the hash. */
or_status_t or_graph_constant_begin(or_graph_t *graph, or_dtype_t dtype, or_shape_t shape, void **memory,
                                    or_constant_t **out);
void or_graph_constant_end(or_constant_t *constant);
/* The same for strings, with memory for `string_bytes` of them all together: the caller fills both. RESOURCE_EXHAUSTED:
 * limits.string_bytes too. */
or_status_t or_graph_strings_begin(or_graph_t *graph, or_shape_t shape, uint64_t string_bytes, or_string_t **elements,
                                   char **bytes, or_constant_t **out);
/* A resident copy of a constant that is read on demand. */
or_status_t or_graph_constant_copy(or_graph_t *graph, const or_constant_t *constant, const or_constant_t **out);
/* Lets the graph retain `file`, once however often it is asked to: what its constants read from. */
or_status_t or_graph_keep_file(or_graph_t *graph, or_file_t *file);
/* Are the files of its constants still what was opened? Statuses of or_file_check. */
or_status_t or_graph_check_files(const or_graph_t *graph);
/* Bytes read from them so far, for specialisations and parts of the graph too. */
uint64_t or_graph_bytes_read(const or_graph_t *graph);
/* Lets the graph hold a body, whose reference it takes over, failing too: If, Loop and Scan have it in an attribute. */
or_status_t or_graph_keep_body(or_graph_t *graph, or_graph_t *body);
/* The constant's bytes: its resident data, or a copy read into `scratch` (grown through the allocator, at least
 * constant->bytes). */
or_status_t or_constant_bytes(const or_constant_t *constant, const or_allocator_t *allocator, void **scratch,
                              size_t *scratch_capacity, const void **out);

/* Puts nodes into an order of execution. INVALID_ARGUMENT: a cycle (names a node on it), a value with two producers, an
 * input that nobody produces (names node and value). Without recursion. */
or_status_t or_graph_sort(or_graph_t *graph);
/* Producer node index of each value (UINT32_MAX: none) and number of consumers (graph outputs count), into arrays of
 * value_count. */
void or_graph_uses(const or_graph_t *graph, uint32_t *producers, uint32_t *consumer_counts);
/* Per value: true for the inputs of a graph that is no specialisation, whose constants are defaults that a run may
 * override. *out is the caller's (or_free). */
or_status_t or_graph_overridable(const or_graph_t *graph, bool **out);
/* Puts `node "x" (Conv, opset 13): ` before a failure. Takes and gives the status. */
or_status_t or_graph_node_error(const or_graph_t *graph, const or_node_t *node, or_status_t status);
/* "[batch,1,28,28]" into `text`, always terminated; returns it. */
char *or_graph_format_shape(const or_graph_t *graph, const or_shape_t *shape, char *text, size_t capacity);
/* "conv1 (Conv)" for messages, into `text`. */
char *or_graph_node_label(const or_node_t *node, char *text, size_t capacity);

/* Shape and type inference in order, folding nodes whose inputs are known (by their C reference, results of at most
 * OR_GRAPH_FOLD_BYTES, larger only if not larger than the inputs, within limits.fold_work) and Shape/Size of static
 * values. Idempotent. Errors carry the node. CANCELLED, DEADLINE_EXCEEDED: graph->cancel. */
#define OR_GRAPH_FOLD_BYTES ((size_t)16 << 20)
or_status_t or_graph_infer(or_graph_t *graph, or_graph_pass_counts_t *counts);
/* Removes nodes that no output needs, and Identity-like ones. */
or_status_t or_graph_prune(or_graph_t *graph, or_graph_pass_counts_t *counts);
/* Rewriting: every pattern of graph/rewrite/, in the order of its table. The fused node keeps its parts. */
or_status_t or_graph_rewrite(or_graph_t *graph, or_graph_pass_counts_t *counts);
/* The same by the rows of the table that have this name. */
or_status_t or_graph_rewrite_pattern(or_graph_t *graph, const char *name);

/* True for each graph input whose value decides a shape somewhere (through or_op_t.value_inputs, back across
 * computation but not across Shape): its content becomes part of the shape class. Into an array of input_count. */
or_status_t or_graph_deciding_inputs(const or_graph_t *graph, bool *deciding);
#define OR_GRAPH_DECIDING_ELEMENTS 4096u /* elements of such an input, at most */

/* One input of a shape class. */
typedef struct or_graph_binding_t {
  or_shape_t shape; /* static */
  const void *data; /* dense host data where the input is deciding; else NULL */
  bool given;       /* false: its default constant */
} or_graph_binding_t;
/* A copy of the graph for one shape class: inputs static, deciding inputs constant (they stay in `inputs`), inferred,
 * folded, pruned and (unless no_fusion) rewritten. Fails if a shape is still unknown: UNIMPLEMENTED, naming the node
 * whose output depends on data. `cancel` may be NULL: CANCELLED, DEADLINE_EXCEEDED. */
or_status_t or_graph_specialize(const or_graph_t *graph, const or_graph_binding_t *bindings, bool no_fusion,
                                const or_cancel_t *cancel, or_graph_t **out, or_graph_pass_counts_t *counts);
/* The same graph with other outputs, pruned to what they need; its inputs stay. RESOURCE_EXHAUSTED, and what inference
 * fails with. */
or_status_t or_graph_cut(const or_graph_t *graph, const or_value_id_t *outputs, size_t count, or_graph_t **out);
/* Some of the nodes of a sorted, inferred graph, by index, in order; what they read and what is read of them. */
typedef struct or_graph_part_t {
  const uint32_t *nodes;
  size_t node_count;
  const or_value_id_t *inputs, *outputs; /* values of the graph; constants need not be among the inputs */
  size_t input_count, output_count;
} or_graph_part_t;
/* A graph of those nodes alone, inferred as far as the whole is. It retains the whole. RESOURCE_EXHAUSTED. */
or_status_t or_graph_extract(const or_graph_t *graph, const or_graph_part_t *part, or_graph_t **out);

#endif
