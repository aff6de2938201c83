#ifndef OR_BACKENDS_CPU_POOL_INTERNAL_H
#define OR_BACKENDS_CPU_POOL_INTERNAL_H
/* A pooling node read for the kernels: own and oneDNN's. */

#include "backends/cpu/program_internal.h"

typedef struct or_cpu_pool_t {
  size_t batch, channels;
  or_cpu_window_t window; /* one spatial dimension counts as a picture of height 1; a global pool may flatten several */
  size_t pad_bottom, pad_right;
  bool max, include_padding, global;
  or_dtype_t dtype;
} or_cpu_pool_t;

/* False if the node is no pool of one or two spatial dimensions (global: any). Pure. */
bool or_cpu_pool_read(const or_node_view_t *view, or_cpu_pool_t *out);

#endif
