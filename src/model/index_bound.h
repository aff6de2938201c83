#ifndef OR_MODEL_INDEX_BOUND_H
#define OR_MODEL_INDEX_BOUND_H
/* Which whole numbers an input may hold: for generated ones. */

#include "openruntime/model.h"

/* The rows of the smallest table that the input's elements pick from (Gather, GatherElements), there as they are or
 * behind nodes that only move or convert them. *out: 0 where it picks from none whose extent is known.
 * RESOURCE_EXHAUSTED (memory). Any thread. */
or_status_t or_model_index_bound(const or_model_t *model, size_t input_index, int64_t *out);

/* Brings `count` whole numbers of `dtype` into [0, bound); other dtypes and a bound of 0 are left alone. */
void or_model_bound_indices(int64_t bound, or_dtype_t dtype, void *data, size_t count);

#endif
