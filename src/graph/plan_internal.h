#ifndef OR_GRAPH_PLAN_INTERNAL_H
#define OR_GRAPH_PLAN_INTERNAL_H
/* The insides of a plan, in the order in which they are made: place.c, neighbours.c, segment.c, locate.c, plan.c;
 * frame.c and execute.c run it. */

#include "graph/graph_internal.h"
#include "graph/plan.h"

#define OR_PLAN_DEVICES 2u /* the session's, and the fallback */

typedef struct or_plan_device_t {
  or_device_t *device;
  const or_backend_device_t *backend;
  or_queue_t *queue;      /* the device's own; borrowed */
  or_buffer_t *workspace; /* of every run's executables: the queue carries out one segment at a time. NULL if nothing
                             runs here. */
  size_t workspace_bytes;
  size_t arena_bytes; /* what one run needs for values between segments */
} or_plan_device_t;

typedef struct or_placed_node_t {
  uint32_t device;
  const char *reason; /* why not on device 0; "" if it is there */
  or_cost_t cost;
} or_placed_node_t;

/* Contiguous nodes of one device: one executable, one submission. */
typedef struct or_segment_t {
  uint32_t device;
  uint32_t first_node, node_count;
  uint32_t first_row; /* of the profile: the crossings, then the nodes */
  or_value_id_t *inputs, *outputs;
  uint32_t input_count, output_count;
  or_value_id_t *crossings; /* values to copy here from the other device first */
  uint32_t crossing_count;
  uint32_t *arrivals; /* inputs of the graph that this device meets here first: copied in if they are elsewhere */
  uint32_t arrival_count;
  or_executable_t executable;
  bool compiled;
  uint64_t flops; /* of its nodes: what a run of it adds to the device's account */
} or_segment_t;

typedef enum or_place_kind_t {
  OR_PLACE_NONE,
  OR_PLACE_INPUT,  /* the caller's tensor, or a copy of it on this device; index: of the graph's inputs */
  OR_PLACE_OUTPUT, /* where the output goes on this device; index: of the graph's outputs */
  OR_PLACE_ARENA,  /* index: offset */
  OR_PLACE_VIEW,   /* in the other device's arena, where it has its place too: memory that both reach */
} or_place_kind_t;
/* Where a value lies on one device while a run needs it. */
typedef struct or_place_t {
  or_place_kind_t kind;
  uint32_t first, last; /* segments */
  size_t index;
} or_place_t;

typedef enum or_output_kind_t {
  OR_OUTPUT_PRODUCED, /* by a segment, straight into its place */
  OR_OUTPUT_SAME,     /* the value of an earlier output, `source` */
  OR_OUTPUT_INPUT,    /* input `source` handed through */
  OR_OUTPUT_CONSTANT,
} or_output_kind_t;
typedef struct or_plan_output_t {
  or_output_kind_t kind;
  or_value_id_t value;
  uint32_t source;
  uint32_t device; /* that produces it */
  size_t bytes;
  or_buffer_t *constant; /* its bytes, on device 0 */
} or_plan_output_t;

typedef struct or_frame_t or_frame_t;

/* Counted. Read-only after creation, but for what the mutex guards. */
struct or_plan_t {
  or_ref_t ref;
  const or_allocator_t *allocator;
  const or_graph_t *graph;
  or_arena_t arena;
  bool reference;
  or_dtype_t precision;
  or_plan_device_t devices[OR_PLAN_DEVICES];
  uint32_t device_count;
  uint32_t shared;  /* the device whose arena the other reaches too, so that nothing is copied; else OR_PLAN_DEVICES */
  bool has_views;   /* some value lies there for both */
  or_node_t *nodes; /* in order of execution; fused nodes that no device takes whole are in parts */
  or_placed_node_t *placed;
  uint32_t node_count;
  or_segment_t *segments;
  uint32_t segment_count;
  uint32_t row_count;                  /* nodes and crossings */
  or_place_t *places[OR_PLAN_DEVICES]; /* per value */
  size_t *value_bytes;                 /* per value that lies between segments, comes in or goes out */
  bool *input_used[OR_PLAN_DEVICES];   /* per input of the graph */
  or_plan_output_t *outputs;
  size_t arena_bytes_unplanned;
  uint32_t max_ports; /* inputs or outputs of a segment, at most */
  bool is_small;      /* may run on any thread: or_plan_is_small */

  atomic_uint live_frames; /* that exist: in flight, or kept for the next run */

  or_mutex_t mutex; /* all below */
  or_frame_t *frames;
  uint32_t frame_count;
  int64_t *row_ns; /* of the last profiled run */
  int64_t total_ns;
  bool profiled;
};

/* Decides a device for each node (filling plan->nodes, plan->placed). UNIMPLEMENTED lists what no device takes;
 * FAILED_PRECONDITION: strict. */
or_status_t or_plan_place(or_plan_t *plan, const or_plan_options_t *options);
#define OR_PLAN_STRICT_SHARE 0.99 /* of the flops, that a strict plan has on device 0 */
/* Of it, once each node has its device: moves to the fallback what would only carry data between nodes that are there,
 * where that saves more than it costs. `view` is the whole graph. Never so much that a strict plan is refused for it.
 */
or_status_t or_plan_move_neighbours(or_plan_t *plan, const or_subgraph_t *view);
/* Orders nodes into segments with few changes of device, and finds what goes in and out of each. */
or_status_t or_plan_make_segments(or_plan_t *plan);
/* Decides where each value between segments lies. */
or_status_t or_plan_locate_values(or_plan_t *plan);
/* Share 0..1 of the flops that device 0 carries out (of the nodes, if there are no flops at all). */
double or_plan_flops_share(const or_plan_t *plan);

/* A part of a buffer. */
typedef struct or_site_t {
  or_buffer_t *buffer;
  size_t offset;
} or_site_t;

typedef struct or_frame_output_t {
  or_site_t site;       /* where its segment writes it */
  or_site_t target;     /* the tensor's; buffer NULL: not wanted */
  or_buffer_t *staging; /* kept from run to run, made when first needed */
  or_tensor_t *fresh;   /* allocated for this run */
} or_frame_output_t;

/* The memory and state of one run in flight. Owned by the plan while free, by the run otherwise: first by the
 * submitting thread, then by the queue's thread that has its segment. */
struct or_frame_t {
  or_plan_t *plan;
  or_frame_t *next;
  or_plan_run_t run;
  uint32_t segment;
  bool working; /* the segment's device counts it as work */
  bool here;    /* the submitting thread carries it out */
  or_buffer_t *arenas[OR_PLAN_DEVICES];
  or_buffer_t *view;      /* the arena of the device that shares its own, as the other's; NULL: not needed */
  or_buffer_t *workspace; /* of its own, for runs that no queue orders; NULL in a plan that is not small */
  or_site_t *inputs[OR_PLAN_DEVICES];           /* per input of the graph */
  or_buffer_t **input_staging[OR_PLAN_DEVICES]; /* kept from run to run, made when first needed */
  or_frame_output_t *outputs;
  or_memory_range_t *input_ranges, *output_ranges; /* of the segment at hand */
  int64_t *row_ns;
  int64_t start_ns;
  or_trace_scope_t scope; /* of the submitting thread */
  /* Of the segment at hand, where somebody records: */
  bool traced;
  uint32_t submitter;                                   /* the thread that handed it over */
  int64_t submitted_ns, segment_begin_ns, run_begin_ns; /* 0: not recorded then */
};

/* One copy of a run's bytes. */
typedef struct or_copy_t {
  or_site_t from, to;
  size_t bytes;
  const char *name; /* of the value */
} or_copy_t;

/* trace.c: for whoever records what the devices do. At the end of a segment that was traced; after a copy. */
void or_frame_trace_segment(const or_frame_t *frame, bool ok);
void or_frame_trace_copy(const or_frame_t *frame, const or_copy_t *copy, int64_t begin_ns);

or_status_t or_frame_acquire(or_plan_t *plan, or_frame_t **out);
void or_frame_return(or_frame_t *frame); /* to the plan's pool, or free */
void or_frame_free(or_frame_t *frame);   /* takes NULL */
/* Finds where everything of the run lies, and makes what is missing. On failure nothing of the run is held. */
or_status_t or_frame_bind(or_frame_t *frame, const or_plan_run_t *run);
/* Gives the fresh outputs to the caller, or back. */
void or_frame_settle(or_frame_t *frame, bool success);
/* Whether a value that crosses lies where both devices reach it. */
bool or_plan_shares(const or_plan_t *plan, or_value_id_t value);
or_site_t or_frame_site(const or_frame_t *frame, uint32_t device, or_value_id_t value);

#endif
