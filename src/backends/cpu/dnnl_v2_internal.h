#ifndef OR_BACKENDS_CPU_DNNL_V2_INTERNAL_H
#define OR_BACKENDS_CPU_DNNL_V2_INTERNAL_H
/* What the two files that speak oneDNN's version 2 share: the table of symbols, and what an op is made of. */

#include "backends/cpu/dnnl.h"
#include "or_config.h"

#if OR_HAVE_DNNL
#include <oneapi/dnnl/dnnl.h>
#if DNNL_VERSION_MAJOR == 2
#define OR_DNNL_V2 1
#endif
#endif

#ifdef OR_DNNL_V2

#define OR_DNNL_SYMBOLS(X)                                  \
  X(REQUIRED, dnnl_version)                                 \
  X(REQUIRED, dnnl_engine_create)                           \
  X(REQUIRED, dnnl_stream_create)                           \
  X(REQUIRED, dnnl_stream_destroy)                          \
  X(REQUIRED, dnnl_primitive_desc_create)                   \
  X(REQUIRED, dnnl_primitive_desc_destroy)                  \
  X(REQUIRED, dnnl_primitive_desc_query)                    \
  X(REQUIRED, dnnl_primitive_desc_query_md)                 \
  X(REQUIRED, dnnl_primitive_create)                        \
  X(REQUIRED, dnnl_primitive_destroy)                       \
  X(REQUIRED, dnnl_primitive_execute)                       \
  X(REQUIRED, dnnl_memory_create)                           \
  X(REQUIRED, dnnl_memory_destroy)                          \
  X(REQUIRED, dnnl_memory_set_data_handle_v2)               \
  X(REQUIRED, dnnl_memory_desc_init_by_tag)                 \
  X(REQUIRED, dnnl_memory_desc_init_by_strides)             \
  X(REQUIRED, dnnl_memory_desc_equal)                       \
  X(REQUIRED, dnnl_memory_desc_get_size)                    \
  X(REQUIRED, dnnl_primitive_attr_create)                   \
  X(REQUIRED, dnnl_primitive_attr_destroy)                  \
  X(REQUIRED, dnnl_primitive_attr_set_scratchpad_mode)      \
  X(REQUIRED, dnnl_primitive_attr_set_post_ops)             \
  X(REQUIRED, dnnl_post_ops_create)                         \
  X(REQUIRED, dnnl_post_ops_destroy)                        \
  X(REQUIRED, dnnl_post_ops_append_sum)                     \
  X(REQUIRED, dnnl_post_ops_append_eltwise)                 \
  X(REQUIRED, dnnl_dilated_convolution_forward_desc_init)   \
  X(REQUIRED, dnnl_dilated_deconvolution_forward_desc_init) \
  X(REQUIRED, dnnl_pooling_v2_forward_desc_init)            \
  X(REQUIRED, dnnl_reorder_primitive_desc_create)           \
  X(OPTIONAL, dnnl_set_max_cpu_isa)                         \
  X(OPTIONAL, dnnl_primitive_attr_set_fpmath_mode)

/* Function pointers of the headers' own types, so that a call is checked by the compiler. */
struct or_dnnl_t {
#define OR_DNNL_FIELD(needed, name) __typeof__(&name) name;
  OR_DNNL_SYMBOLS(OR_DNNL_FIELD)
#undef OR_DNNL_FIELD
  dnnl_engine_t engine;
  char version[32];
};

struct or_dnnl_layout_t {
  dnnl_memory_desc_t desc;
};

struct or_dnnl_op_t {
  const or_dnnl_t *dnnl;
  const or_allocator_t *allocator;
  dnnl_primitive_t primitive;
  or_dnnl_layout_t layouts[OR_DNNL_ROLES]; /* desc.ndims 0: no such operand */
  or_dnnl_layout_t dense[OR_DNNL_ROLES];   /* row-major; ndims 0: not asked for */
  int arguments[OR_DNNL_ROLES];            /* DNNL_ARG_… of each role */
  char kernel[48];
};

/* INTERNAL or RESOURCE_EXHAUSTED, naming the call. */
or_status_t or_dnnl_check(dnnl_status_t answer, const char *call);
/* A primitive from a descriptor and the epilogue's attributes. Fills layouts by asking the primitive for each argument
 * in op->arguments that is not 0. Takes `attributes`. */
typedef struct or_dnnl_make_t {
  const void *desc; /* an op descriptor; or NULL with `from` and `to`: a reorder */
  const dnnl_memory_desc_t *from, *to;
  bool sum;
  or_act_t act;
} or_dnnl_make_t;
or_status_t or_dnnl_op_make(const or_dnnl_t *dnnl, const or_allocator_t *allocator, const or_dnnl_make_t *make,
                            or_dnnl_op_t **out);

#endif
#endif
