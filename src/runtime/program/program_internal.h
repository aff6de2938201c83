#ifndef OR_RUNTIME_PROGRAM_PROGRAM_INTERNAL_H
#define OR_RUNTIME_PROGRAM_PROGRAM_INTERNAL_H
/* Steps, and how each kind is carried out. */

#include "graph/control.h"
#include "runtime/program/program.h"

typedef struct or_program_frame_t or_program_frame_t;
typedef struct or_step_t or_step_t;
typedef or_status_t (*or_step_run_t)(or_program_frame_t *frame, const or_step_t *step);

#define OR_NO_SLOT UINT32_MAX
/* Pieces of exact operators on so few elements are computed node by node on the host, without a plan. */
#define OR_PROGRAM_LIGHT_ELEMENTS 4096u

struct or_step_t {
  or_step_run_t run;
  const char *name; /* for messages and reports: of the node, or of the piece's first */
  uint32_t *nodes;  /* of the program's graph, in order; one but for a piece */
  uint32_t node_count;
  or_value_id_t *inputs, *outputs; /* of a piece: its session's, in their order */
  uint32_t input_count, output_count;
  bool light;              /* a piece that may be computed node by node */
  or_program_t *bodies[2]; /* of a control node */
  uint32_t *dead;          /* slots that no later step reads */
  uint32_t dead_count;
  _Atomic(or_session_t *) session; /* of a piece: made at the first need, under the program's mutex */
};

struct or_program_t {
  or_runtime_t *runtime;   /* kept */
  const or_graph_t *graph; /* retained */
  or_session_options_t options;
  or_device_t *host;
  const or_allocator_t *allocator;
  or_arena_t arena;
  uint64_t model_bytes; /* weights of the whole model */
  uint64_t id;          /* tells the rows of one body from those of another */
  or_step_t *steps;
  size_t step_count;
  uint32_t *slots; /* per value of the graph; OR_NO_SLOT: it stays inside a piece */
  uint32_t slot_count;
  or_value_t **constants; /* per slot, or NULL */
  or_mutex_t mutex;       /* the making of sessions */
};

/* One run. Owned by its thread. */
struct or_program_frame_t {
  or_program_t *program;
  const or_program_run_t *run;
  or_value_t **slots; /* one reference each */
  or_alive_t *alive;  /* of the whole run: values in slots and those that loops keep */
};

/* The value of a node's input or of any value with a slot; NULL: left out, or not there. Borrowed. */
or_value_t *or_frame_value(const or_program_frame_t *frame, or_value_id_t value);
/* Puts a value, whose reference it takes over, failing too, where its slot is; lets go of it where there is none.
 * RESOURCE_EXHAUSTED: the run holds too much with it, or there is no memory to count it. */
or_status_t or_frame_put(or_program_frame_t *frame, or_value_id_t value, or_value_t *content);
or_status_t or_frame_put_tensor(or_program_frame_t *frame, or_value_id_t value, or_tensor_t *tensor);

/* host.c: one operator on the host, by its reference. Inputs may be NULL where they are left out; outputs: one
 * reference each. `wanted` says which outputs the caller takes; NULL: all. Statuses of the operator; UNIMPLEMENTED if
 * data does not tell a shape; RESOURCE_EXHAUSTED. */
typedef struct or_host_call_t {
  const or_program_t *program;
  const or_expansion_t *expansion; /* of the run; NULL: the caller has looked */
  const or_cancel_t *cancel;       /* of the run, or NULL */
  const or_op_t *op;
  const or_node_t *node;
  or_tensor_t *const *inputs;
  uint32_t input_count;
  or_tensor_t **outputs;
  uint32_t output_count;
} or_host_call_t;
or_status_t or_host_call(const or_host_call_t *call);
/* The tensor where the host can reach it: one reference. */
or_status_t or_host_tensor(const or_program_t *program, or_tensor_t *tensor, or_tensor_t **out);
/* One element of int64 or bool. */
or_status_t or_host_scalar(const or_program_t *program, or_dtype_t dtype, int64_t content, or_tensor_t **out);
/* The value of a tensor of one element, of bool or of an integer type. `what` is for messages. */
or_status_t or_host_read_scalar(const or_program_t *program, const or_value_t *value, const char *what, int64_t *out);
/* Under another shape of as many elements, without a copy. */
or_status_t or_host_reshaped(or_tensor_t *tensor, or_shape_t shape, or_tensor_t **out);
/* Elements first … first + count - 1 along an axis; a view where they lie together. */
or_status_t or_host_slice(const or_program_t *program, or_tensor_t *tensor, int32_t axis, int64_t first, int64_t count,
                          or_tensor_t **out);
/* Tensors of one shape (`stack`: along a new axis) or of shapes that differ along it, as one. At least one. */
or_status_t or_host_concat(const or_program_t *program, or_tensor_t *const *tensors, size_t count, int32_t axis,
                           bool stack, or_tensor_t **out);
/* A tensor of strings with bytes of its own, from elements that lie anywhere. */
or_status_t or_host_strings(const or_program_t *program, or_shape_t shape, const or_string_t *elements,
                            or_tensor_t **out);

/* What a step may be. */
or_status_t or_step_piece(or_program_frame_t *frame, const or_step_t *step);
or_status_t or_step_node(or_program_frame_t *frame, const or_step_t *step);
or_status_t or_step_if(or_program_frame_t *frame, const or_step_t *step);
or_status_t or_step_loop(or_program_frame_t *frame, const or_step_t *step);
or_status_t or_step_scan(or_program_frame_t *frame, const or_step_t *step);
or_status_t or_step_map(or_program_frame_t *frame, const or_step_t *step);
/* handles.c: of an operator on sequences and optionals; NULL if there is none of that name. */
or_step_run_t or_step_handle(const char *op);

/* report.c: rows of what was run; `seconds` are added to those of earlier iterations. */
or_status_t or_program_report_node(const or_program_frame_t *frame, const or_node_t *node, double seconds);
/* Rows that follow are of the body of a node of that name, until the prefix is set back. */
or_status_t or_program_report_enter(or_program_report_t *report, const char *name);
or_status_t or_program_report_piece(const or_program_frame_t *frame, const or_step_t *step,
                                    const or_session_report_t *piece);

/* trace.c: when a step began, 0 where nobody records; that it has ended. `kernel` may be "". */
int64_t or_program_trace_begin(const or_program_t *program);
void or_program_trace_end(const or_program_t *program, const or_node_t *node, const char *kernel, int64_t begin_ns);

static inline const or_node_t *or_step_first_node(const or_program_t *program, const or_step_t *step) {
  return &program->graph->nodes[step->nodes[0]];
}

#endif
