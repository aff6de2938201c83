#ifndef OR_OPS_INDICES_H
#define OR_OPS_INDICES_H
/* Tensors of indices, as Gather and its kin take them. All functions are pure: any thread. */

#include "ops/op.h"

/* INVALID_ARGUMENT unless input `index` (called `name`) is int64, or int32 where `wide_only` is false. */
or_status_t or_indices_check(const or_op_call_t *call, uint32_t index, const char *name, bool wide_only);
/* Element `at` of indices that passed the check, counted from the end where it is negative. INVALID_ARGUMENT: outside
 * [-extent, extent). */
or_status_t or_index_read(const or_op_tensor_t *indices, uint64_t at, int64_t extent, int64_t *out);
/* The one element of input `index`, an int32 or int64 scalar or list of one; `fallback` where it is left out. *known is
 * false, and *out `fallback`, where its value is not known yet. INVALID_ARGUMENT names `name`: dtype, or more elements.
 * */
or_status_t or_scalar_input(const or_op_call_t *call, uint32_t index, const char *name, int64_t fallback, int64_t *out,
                            bool *known);

#endif
