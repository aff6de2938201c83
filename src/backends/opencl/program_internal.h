#ifndef OR_BACKENDS_OPENCL_PROGRAM_INTERNAL_H
#define OR_BACKENDS_OPENCL_PROGRAM_INTERNAL_H
/* A compiled subgraph: launches of kernels over slots (hal/lowering.h) in the device's memory. This is what kernel
 * families see; they never call OpenCL. */

#include "backends/opencl/device_internal.h"
#include "hal/lowering.h"
#include "ops/node_view.h"

typedef struct or_cl_build_t or_cl_build_t; /* a program while it is put together, build_internal.h */

/* --- What a launch is made of --- */

typedef enum or_cl_argument_kind_t {
  /* Two parameters of the kernel: `__global const uchar *x_memory, ulong x_offset`, bytes from it to the slot. */
  OR_CL_SLOT = 0,
  OR_CL_INT,   /* one: int */
  OR_CL_LONG,  /* one: long */
  OR_CL_FLOAT, /* one: float */
  OR_CL_BYTES, /* one: a struct by value, at most OR_CL_MAX_STRUCT_BYTES; copied */
  OR_CL_LOCAL, /* one: a __local pointer to `bytes` */
  /* One: `__global int *fault`. A kernel that meets an index out of range stores 1 + that index's position there (any
   * will do), writes nothing out of bounds, and the run ends with INVALID_ARGUMENT, naming the node. */
  OR_CL_FAULT,
} or_cl_argument_kind_t;
#define OR_CL_MAX_STRUCT_BYTES 512u

typedef struct or_cl_argument_t {
  or_cl_argument_kind_t kind;
  or_slot_id_t slot;
  int64_t integer;
  float real;
  const void *data; /* of BYTES */
  size_t bytes;     /* of BYTES, LOCAL */
} or_cl_argument_t;
#define OR_CL_MAX_ARGUMENTS 24u

static inline or_cl_argument_t or_cl_slot(or_slot_id_t slot) {
  return (or_cl_argument_t){.kind = OR_CL_SLOT, .slot = slot};
}
static inline or_cl_argument_t or_cl_int(int64_t value) {
  return (or_cl_argument_t){.kind = OR_CL_INT, .slot = OR_NO_SLOT, .integer = value};
}
static inline or_cl_argument_t or_cl_long(int64_t value) {
  return (or_cl_argument_t){.kind = OR_CL_LONG, .slot = OR_NO_SLOT, .integer = value};
}
static inline or_cl_argument_t or_cl_float(float value) {
  return (or_cl_argument_t){.kind = OR_CL_FLOAT, .slot = OR_NO_SLOT, .real = value};
}
static inline or_cl_argument_t or_cl_bytes(const void *data, size_t bytes) {
  return (or_cl_argument_t){.kind = OR_CL_BYTES, .slot = OR_NO_SLOT, .data = data, .bytes = bytes};
}
static inline or_cl_argument_t or_cl_local(size_t bytes) {
  return (or_cl_argument_t){.kind = OR_CL_LOCAL, .slot = OR_NO_SLOT, .bytes = bytes};
}
static inline or_cl_argument_t or_cl_fault(void) { return (or_cl_argument_t){.kind = OR_CL_FAULT, .slot = OR_NO_SLOT}; }

/* One launch. Kernels use get_global_id and get_local_id only, never group ids or global sizes: a launch that takes
 * long is split along one of its dimensions by offsets, so that a cancel is soon seen. */
typedef struct or_cl_launch_t {
  const char *source;  /* a file of kernels/ without its ending: "pointwise"; common.cl stands before each */
  const char *entry;   /* the kernel's name in it */
  const char *options; /* "-DT=float -DOP=3": what the source is built with; few different ones, never shapes */
  const or_cl_argument_t *arguments;
  size_t argument_count;
  uint32_t dimensions; /* 1..3 */
  size_t global[3];    /* a multiple of local where that is given */
  size_t local[3];     /* local[0] == 0: the driver chooses */
  bool any_group;      /* so it may where the kernel runs in smaller groups only: it needs no group at all */
  double flops, bytes; /* what it computes and moves, roughly: for splitting */
} or_cl_launch_t;

/* --- The build's tools for families; all on the queue's thread. RESOURCE_EXHAUSTED, DATA_LOSS (a constant's file),
 * DEVICE_LOST, INTERNAL (a source that this device's compiler refuses; its log is in the message). --- */

const or_cl_device_t *or_cl_build_device(const or_cl_build_t *build);
/* Memory that lives as long as the build, zeroed. */
or_status_t or_cl_build_temporary(or_cl_build_t *build, size_t bytes, void **out);
/* The slot of a value that the node reads: an input, a constant (copied to the device once, shared by executables), or
 * what a node before wrote. */
or_status_t or_cl_build_read(or_cl_build_t *build, or_value_id_t value, or_slot_id_t *out);
/* The slot of a value that the node writes, all of it. */
or_status_t or_cl_build_write(or_cl_build_t *build, or_value_id_t value, or_slot_id_t *out);
/* Instead of write: the place of `input`, which this node reads for the last time, if that can be; for kernels whose
 * each element depends on the element at its own place alone. */
or_status_t or_cl_build_overwrite(or_cl_build_t *build, or_value_id_t input, or_value_id_t output, or_slot_id_t *out);
/* `output` becomes the bytes of `input` from `offset` on, without a copy. False in *shared where that can't be: the
 * caller then writes a place of its own. */
or_status_t or_cl_build_share(or_cl_build_t *build, or_value_id_t input, or_value_id_t output, size_t offset,
                              bool *shared);
/* Scratch of this node's launches, all of them. */
or_status_t or_cl_build_scratch(or_cl_build_t *build, size_t bytes, or_slot_id_t *out);
/* A constant in a form of the family's own, or a table that it computes (`constant` NULL; `packing` then tells all of
 * its content); kept in one cache for all executables of the device. */
typedef struct or_cl_packing_t {
  const or_constant_t *constant; /* NULL: none */
  size_t bytes;                  /* of the packed form */
  /* `source`: the constant's bytes, NULL without one. On the host. */
  or_status_t (*fill)(const void *self, const void *source, void *destination);
  const void *self;
  char packing[OR_PACKING_BYTES]; /* everything that decides the form: "conv_w 3x3 tile 8" */
} or_cl_packing_t;
or_status_t or_cl_build_packed(or_cl_build_t *build, const or_cl_packing_t *packing, or_slot_id_t *out);
/* Bytes of a constant on the host: resident, or a copy in the build's temporary memory. */
or_status_t or_cl_build_constant(or_cl_build_t *build, const or_constant_t *constant, const void **out);
/* Adds a launch to the node; in order. Builds its program if no one has. Empty ones (a global size of 0) are left
 * out. */
or_status_t or_cl_build_launch(or_cl_build_t *build, const or_cl_launch_t *launch);
/* Adds a copy of bytes between two slots. */
or_status_t or_cl_build_copy(or_cl_build_t *build, or_slot_id_t source, size_t source_offset, or_slot_id_t destination,
                             size_t destination_offset, size_t bytes);
/* Runs a launch now, four times over memory of its own (each SLOT argument's `bytes`, small numbers in it), and says
 * how long the fastest took, but for the first: to choose parameters. */
or_status_t or_cl_build_time(or_cl_build_t *build, const or_cl_launch_t *launch, int64_t *best_ns);
/* The kernel's name for reports. A static string. */
void or_cl_build_name(or_cl_build_t *build, const char *kernel);
or_status_t or_cl_build_name_format(or_cl_build_t *build, const char *format, ...) OR_PRINTF(2, 3);

/* --- The table of families, best first --- */

typedef struct or_cl_family_t {
  const char *name;
  /* True if this family runs the node on this device: shapes (static), dtypes, attributes. Pure; any thread. */
  bool (*match)(const or_cl_device_t *device, const or_node_view_t *view);
  /* Adds the node's launches. UNIMPLEMENTED: the next family in the table is asked (nothing was added yet). */
  or_status_t (*prepare)(or_cl_build_t *build, const or_node_view_t *view);
} or_cl_family_t;
extern const or_cl_family_t *const or_cl_families[]; /* NULL ends it; families.c */
const or_cl_family_t *or_cl_family_find(const or_cl_device_t *device, const or_node_view_t *view, size_t *index);

/* What families share. */

/* The OpenCL C type of a dtype's elements as a macro value: "float", "int", "ulong", "half" for float16 (storage:
 * common.cl loads and stores it by vload_half), "bf16" for bfloat16, a typedef there; NULL: the device has none. */
const char *or_cl_type_name(const or_cl_device_t *device, or_dtype_t dtype);
/* Broadcasting by strides: how operands of one result are reached, dimensions that can be joined are. By value in
 * kernels as `strides_t` of common.cl. */
#define OR_CL_MAX_RANK 8
typedef struct or_cl_strides_t {
  int32_t rank;
  int32_t dims[OR_CL_MAX_RANK];
  int32_t strides[3][OR_CL_MAX_RANK]; /* in elements; 0 along what is broadcast */
} or_cl_strides_t;

#endif
