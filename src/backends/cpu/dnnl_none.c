/* Instead of dnnl_v2.c in builds without oneDNN's headers (or with those of a version that it does not speak). */
#include "backends/cpu/dnnl_v2_internal.h"

#ifndef OR_DNNL_V2

static or_status_t not_here(void) {
  return or_error(OR_UNAVAILABLE, "this build has no oneDNN: the headers of version 2, which it speaks, were not there "
                                  "(libdnnl-dev of Debian 12); kernels of our own do the work");
}

or_status_t or_dnnl_open(const char *isa, const or_dnnl_t **out) {
  (void)isa;
  *out = NULL;
  return not_here();
}

const char *or_dnnl_version(const or_dnnl_t *dnnl) { return dnnl == NULL ? "none" : ""; }

bool or_dnnl_can_be_limited(const or_dnnl_t *dnnl) {
  (void)dnnl;
  return false;
}

or_status_t or_dnnl_stream_create(const or_dnnl_t *dnnl, void **out) {
  (void)dnnl;
  *out = NULL;
  return not_here();
}

void or_dnnl_stream_destroy(const or_dnnl_t *dnnl, void *stream) {
  (void)dnnl;
  (void)stream;
}

or_status_t or_dnnl_conv_create(const or_dnnl_t *dnnl, const or_allocator_t *allocator, const or_dnnl_conv_t *conv,
                                or_dnnl_op_t **out) {
  (void)dnnl;
  (void)allocator;
  (void)conv;
  *out = NULL;
  return not_here();
}

or_status_t or_dnnl_pool_create(const or_dnnl_t *dnnl, const or_allocator_t *allocator, const or_dnnl_pool_t *pool,
                                or_dnnl_op_t **out) {
  (void)dnnl;
  (void)allocator;
  (void)pool;
  *out = NULL;
  return not_here();
}

or_status_t or_dnnl_reorder_create(const or_dnnl_t *dnnl, const or_allocator_t *allocator, const or_dnnl_layout_t *from,
                                   const or_dnnl_layout_t *to, or_dnnl_op_t **out) {
  (void)dnnl;
  (void)allocator;
  (void)from;
  (void)to;
  *out = NULL;
  return not_here();
}

void or_dnnl_op_release(void *op) { (void)op; }

const char *or_dnnl_op_kernel(const or_dnnl_op_t *op) { return op == NULL ? "none" : ""; }

const or_dnnl_layout_t *or_dnnl_op_layout(const or_dnnl_op_t *op, or_dnnl_role_t role) {
  (void)op;
  (void)role;
  return NULL;
}

const or_dnnl_layout_t *or_dnnl_op_dense(const or_dnnl_op_t *op, or_dnnl_role_t role) {
  (void)op;
  (void)role;
  return NULL;
}

bool or_dnnl_layout_is_channels_last(const or_dnnl_layout_t *layout) {
  (void)layout;
  return false;
}

or_status_t or_dnnl_layout_of_images(const or_dnnl_t *dnnl, or_arena_t *arena, const int64_t dims[4],
                                     bool channels_last, const or_dnnl_layout_t **out) {
  (void)dnnl;
  (void)arena;
  (void)dims;
  (void)channels_last;
  *out = NULL;
  return not_here();
}

size_t or_dnnl_layout_bytes(const or_dnnl_layout_t *layout) {
  (void)layout;
  return 0;
}

bool or_dnnl_layout_equal(const or_dnnl_layout_t *a, const or_dnnl_layout_t *b) { return a == b; }

uint64_t or_dnnl_layout_hash(const or_dnnl_layout_t *layout) {
  (void)layout;
  return 0;
}

or_status_t or_dnnl_call_create(const or_dnnl_op_t *op, void *const fixed[OR_DNNL_ROLES], or_dnnl_call_t **out) {
  (void)op;
  (void)fixed;
  *out = NULL;
  return not_here();
}

void or_dnnl_call_destroy(void *call) { (void)call; }

or_status_t or_dnnl_call_run(or_dnnl_call_t *call, void *stream, void *const operands[OR_DNNL_ROLES]) {
  (void)call;
  (void)stream;
  (void)operands;
  return not_here();
}

#endif
