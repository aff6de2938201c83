#ifndef OR_OPS_POOL_INTERNAL_H
#define OR_OPS_POOL_INTERNAL_H
/* What LpPool and GlobalLpPool share. */

#include "ops/op.h"

/* The attribute p is at least 1. INVALID_ARGUMENT. */
or_status_t or_pool_check_p(const or_op_call_t *call);
/* Each value becomes |value|^p. */
void or_pool_powers(double p, size_t count, double *values);
/* The norm whose powers add up to `sum`. */
double or_pool_root(double p, double sum);

#endif
