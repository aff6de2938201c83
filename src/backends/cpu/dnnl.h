#ifndef OR_BACKENDS_CPU_DNNL_H
#define OR_BACKENDS_CPU_DNNL_H
/* oneDNN, opened at run time, as far as this backend uses it. What stands here belongs to no version of its API;
 * dnnl_v2.c speaks version 2 (libdnnl.so.2). Everything is float32 in images [N,C,H,W] unless said otherwise. A layout
 * has a type too: with or_conv_shape_t.bf16 images and weights are bfloat16, the bias and all row-major layouts stay
 * float32, and reorders round. */

#include "backends/cpu/kernels/conv.h"
#include "base/alloc.h"

typedef struct or_dnnl_t or_dnnl_t;               /* the opened library: one a process, never closed */
typedef struct or_dnnl_layout_t or_dnnl_layout_t; /* shape, type and order in memory; lives as long as its op */
typedef struct or_dnnl_op_t or_dnnl_op_t;     /* a primitive with the layouts it chose. Immutable: any thread runs it */
typedef struct or_dnnl_call_t or_dnnl_call_t; /* an op with places for its operands: one run at a time */

/* Opens the library at the first call. `isa` as in or_runtime_options_t limits its instruction set, for the whole
 * process. UNAVAILABLE: not there, or of another version; FAILED_PRECONDITION: `isa` is "portable", or another limit
 * holds in this process already. */
or_status_t or_dnnl_open(const char *isa, const or_dnnl_t **out);
const char *or_dnnl_version(const or_dnnl_t *dnnl); /* "2.6.3" */

/* True if the threads that an op uses are those of hal/parallel.h, or none: then ops can be had, and run, alone. */
bool or_dnnl_can_be_limited(const or_dnnl_t *dnnl);

/* A stream is used by one thread at a time. RESOURCE_EXHAUSTED. */
or_status_t or_dnnl_stream_create(const or_dnnl_t *dnnl, void **out);
void or_dnnl_stream_destroy(const or_dnnl_t *dnnl, void *stream);

typedef enum or_dnnl_role_t {
  OR_DNNL_SRC,
  OR_DNNL_WEIGHTS,
  OR_DNNL_BIAS,
  OR_DNNL_DST,
  OR_DNNL_SCRATCH,
  OR_DNNL_ROLES,
} or_dnnl_role_t;

typedef struct or_dnnl_conv_t {
  or_conv_shape_t shape;
  ptrdiff_t pad_bottom, pad_right; /* > -stride */
  bool transposed; /* a ConvTranspose: the pads are cut off its result, and weights are [in_channels,M/groups,H,W] */
  bool bias;
  bool residual; /* is in DST before the run, and added */
  or_act_t act;
  const or_dnnl_layout_t *src; /* NULL: the library's choice */
  const or_dnnl_layout_t *dst; /* NULL: the library's choice */
} or_dnnl_conv_t;

typedef struct or_dnnl_pool_t {
  size_t batch, channels;
  or_cpu_window_t window;
  size_t pad_bottom, pad_right;
  bool max, include_padding;
  const or_dnnl_layout_t *src;
} or_dnnl_pool_t;

/* All on a queue's thread, whose limit (or_team_limit_vendor) they take over. The op is the caller's. UNIMPLEMENTED:
 * the library has no fast kernel for it; RESOURCE_EXHAUSTED. */
or_status_t or_dnnl_conv_create(const or_dnnl_t *dnnl, const or_allocator_t *allocator, const or_dnnl_conv_t *conv,
                                or_dnnl_op_t **out);
or_status_t or_dnnl_pool_create(const or_dnnl_t *dnnl, const or_allocator_t *allocator, const or_dnnl_pool_t *pool,
                                or_dnnl_op_t **out);
/* From one order in memory to another of the same shape. */
or_status_t or_dnnl_reorder_create(const or_dnnl_t *dnnl, const or_allocator_t *allocator, const or_dnnl_layout_t *from,
                                   const or_dnnl_layout_t *to, or_dnnl_op_t **out);
void or_dnnl_op_release(void *op); /* an or_dnnl_op_t, or NULL */

const char *or_dnnl_op_kernel(const or_dnnl_op_t *op); /* "jit:avx2"; lives as long as the op */
/* NULL where the op has no such operand. */
const or_dnnl_layout_t *or_dnnl_op_layout(const or_dnnl_op_t *op, or_dnnl_role_t role);
/* The row-major layout of the same shape as the operand's, and of a convolution's weights as ONNX has them. */
const or_dnnl_layout_t *or_dnnl_op_dense(const or_dnnl_op_t *op, or_dnnl_role_t role);
/* True if float32 images [N,C,H,W] lie as [N,H,W,C], with nothing between. */
bool or_dnnl_layout_is_channels_last(const or_dnnl_layout_t *layout);
/* The layout of float32 images [N,C,H,W] of these extents, channels last or row-major; lives as long as the arena.
 * RESOURCE_EXHAUSTED. */
or_status_t or_dnnl_layout_of_images(const or_dnnl_t *dnnl, or_arena_t *arena, const int64_t dims[4],
                                     bool channels_last, const or_dnnl_layout_t **out);
size_t or_dnnl_layout_bytes(const or_dnnl_layout_t *layout);
bool or_dnnl_layout_equal(const or_dnnl_layout_t *a, const or_dnnl_layout_t *b);
/* A number that tells layouts apart, for the key of packed weights. */
uint64_t or_dnnl_layout_hash(const or_dnnl_layout_t *layout);

/* Places for operands; `fixed` may name operands that are the same in every run (else NULL). RESOURCE_EXHAUSTED. */
or_status_t or_dnnl_call_create(const or_dnnl_op_t *op, void *const fixed[OR_DNNL_ROLES], or_dnnl_call_t **out);
void or_dnnl_call_destroy(void *call); /* takes NULL */
/* Done when it returns. operands[role] for each that is not fixed. INTERNAL. */
or_status_t or_dnnl_call_run(or_dnnl_call_t *call, void *stream, void *const operands[OR_DNNL_ROLES]);

#endif
