#ifndef OR_BACKENDS_CPU_PROGRAM_INTERNAL_H
#define OR_BACKENDS_CPU_PROGRAM_INTERNAL_H
/* A compiled subgraph: steps over slots (hal/lowering.h). Values of the subgraph have a dense slot, a slot in a blocked
 * layout of oneDNN, or both. */

#include "backends/cpu/device_internal.h"
#include "backends/cpu/dnnl.h"
#include "hal/lowering.h"
#include "ops/node_view.h"

typedef struct or_cpu_step_t or_cpu_step_t;
typedef struct or_cpu_program_t or_cpu_program_t;

/* What a run's steps see. On the stack of the thread that carries it out. */
typedef struct or_cpu_run_t {
  void *const *slots; /* addresses, by slot */
  const or_cpu_device_t *device;
  const or_cpu_kernels_t *kernels;
  or_team_t *team;   /* NULL: this thread alone */
  void *dnnl_stream; /* NULL without oneDNN */
  const or_cancel_t *cancel;
  void *const *vendor;      /* oneDNN's objects of this run, by the number that or_cpu_build_vendor gave */
  uint64_t *appended_bytes; /* or_run_arguments_t's */
} or_cpu_run_t;

typedef or_status_t (*or_cpu_step_fn)(const or_cpu_step_t *step, const or_cpu_run_t *run);

struct or_cpu_step_t {
  or_cpu_step_fn run;
  uint32_t node;     /* of the subgraph */
  const void *state; /* the family's own, in the program's arena */
};

/* What a family registers with the program for its end: a primitive to destroy. */
typedef struct or_cpu_cleanup_t {
  void (*release)(void *self);
  void *self;
} or_cpu_cleanup_t;

/* One set of oneDNN's objects, used by one run at a time. */
typedef struct or_cpu_frame_t {
  struct or_cpu_frame_t *next;
  void *dnnl_stream; /* of runs without a queue; NULL where there are none */
  void **objects;
} or_cpu_frame_t;

typedef struct or_cpu_vendor_t {
  or_status_t (*create)(const void *self, void **out); /* one object of a frame */
  void (*destroy)(void *object);
  const void *self;
} or_cpu_vendor_t;

/* Immutable after compile, but for the frames. */
struct or_cpu_program_t {
  or_lowered_t lowered;
  or_cpu_device_t *device;
  or_cpu_step_t *steps;
  size_t step_count, step_capacity;
  or_cpu_cleanup_t *cleanups;
  size_t cleanup_count, cleanup_capacity;
  or_cpu_vendor_t *vendor;
  size_t vendor_count, vendor_capacity;
  bool needs_queue;        /* a step of oneDNN's leads a team */
  or_mutex_t frames_mutex; /* frames */
  or_cpu_frame_t *frames;
};

/* A value in a layout of oneDNN's, while the program is built. */
typedef struct or_cpu_blocked_t {
  or_slot_id_t slot;                             /* OR_NO_SLOT: not there (yet) */
  const or_dnnl_layout_t *layout, *dense_layout; /* of `slot`, and of the dense one where `slot` is there */
} or_cpu_blocked_t;

typedef struct or_cpu_build_t {
  or_lowering_t lowering;
  or_cpu_device_t *device;
  or_cpu_queue_t *queue;
  or_cpu_program_t *program;
  or_cpu_blocked_t *blocked; /* of the subgraph's values */
  or_memory_t staging;       /* a constant from its file, while it is packed; gone when the build ends */
  or_slot_id_t *touched;     /* slots of the step that is being prepared */
  size_t touched_count, touched_capacity;
} or_cpu_build_t;

/* The build's tools for families; all on the queue's thread. RESOURCE_EXHAUSTED, DATA_LOSS (a constant's file). */

/* Memory that lives as long as the program / the build, zeroed. */
or_status_t or_cpu_build_alloc(or_cpu_build_t *build, size_t bytes, void **out);
or_status_t or_cpu_build_temporary(or_cpu_build_t *build, size_t bytes, void **out);
/* The dense slot of a value that the step will read; adds a reorder where there is only a blocked one. */
or_status_t or_cpu_build_read(or_cpu_build_t *build, or_value_id_t value, or_slot_id_t *out);
/* What messages call a value, as long as the program lives: the name of the input that it holds, in another shape or
 * integer type perhaps; else its own. */
or_status_t or_cpu_build_source(or_cpu_build_t *build, or_value_id_t value, const char **out);
/* The dense slot of a value that the step will write. */
or_status_t or_cpu_build_write(or_cpu_build_t *build, or_value_id_t value, or_slot_id_t *out);
/* Scratch for this step only. */
or_status_t or_cpu_build_scratch(or_cpu_build_t *build, size_t bytes, or_slot_id_t *out);
/* The step touches this slot as well. */
or_status_t or_cpu_build_touch(or_cpu_build_t *build, or_slot_id_t slot);
/* `output` becomes the bytes of `input` from `offset` on, without a copy. False in *shared where that can't be (the
 * caller then writes a place of its own). */
or_status_t or_cpu_build_share(or_cpu_build_t *build, or_value_id_t input, or_value_id_t output, size_t offset,
                               bool *shared);
/* Instead of or_cpu_build_write: the output takes the place of `input`, which this step reads for the last time, if
 * that can be; else a place of its own. */
or_status_t or_cpu_build_overwrite(or_cpu_build_t *build, or_value_id_t input, or_value_id_t output, or_slot_id_t *out);
/* True if two slots lie in the same place, one an alias of the other. */
bool or_cpu_build_same_place(const or_cpu_build_t *build, or_slot_id_t a, or_slot_id_t b);
/* Ends the step: what was touched since the last one is its. */
or_status_t or_cpu_build_step(or_cpu_build_t *build, or_cpu_step_fn run, const void *state);
/* True if the subgraph lets operands of float32 products be rounded to bfloat16, and there are kernels for it. */
static inline bool or_cpu_in_bf16(const or_cpu_device_t *device, const or_node_view_t *view) {
  return view->subgraph->precision == OR_BFLOAT16 && device->kernels->gemm_f32_bf16 != NULL;
}
/* What the operands of the node's product are rounded to, for the report. */
void or_cpu_build_precision(or_cpu_build_t *build, or_dtype_t precision);
/* The kernel's name for the report; a static string, or from or_cpu_build_alloc. */
void or_cpu_build_name(or_cpu_build_t *build, const char *kernel);
or_status_t or_cpu_build_name_format(or_cpu_build_t *build, const char *format, ...) OR_PRINTF(2, 3);
/* A packed constant, held by the program. *out: its bytes. */
typedef struct or_cpu_packing_t {
  const or_constant_t *constant;
  size_t bytes;
  or_status_t (*fill)(void *self, const void *source, void *destination);
  void *self;
  char packing[OR_PACKING_BYTES];
} or_cpu_packing_t;
or_status_t or_cpu_build_packed(or_cpu_build_t *build, const or_cpu_packing_t *packing, const void **out);
or_status_t or_cpu_build_cleanup(or_cpu_build_t *build, void (*release)(void *self), void *self);
/* An object that each run in flight has its own of; *out: its number in run->vendor. */
or_status_t or_cpu_build_vendor(or_cpu_build_t *build, or_cpu_vendor_t vendor, uint32_t *out);

/* The parts of compile and run. */
or_status_t or_cpu_build_begin(or_cpu_build_t *build, or_cpu_device_t *device, or_cpu_queue_t *queue,
                               const or_subgraph_t *subgraph);
/* Writes outputs that no step has written in place, and lays out the workspace. */
or_status_t or_cpu_build_finish(or_cpu_build_t *build);
void or_cpu_build_end(or_cpu_build_t *build); /* gives back what the program does not keep */
or_status_t or_cpu_program_create(or_cpu_device_t *device, or_cpu_program_t **out);
/* Makes the frame of the first run. */
or_status_t or_cpu_program_first_frame(or_cpu_program_t *program);
void or_cpu_program_release(void *self);
or_status_t or_cpu_program_run(void *self, void *queue, const or_run_arguments_t *arguments);
void or_cpu_program_node(void *self, uint32_t index, or_executable_node_t *out);

#endif
