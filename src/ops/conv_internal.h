#ifndef OR_OPS_CONV_INTERNAL_H
#define OR_OPS_CONV_INTERNAL_H
/* Conv's shapes and product for operators that do more to its operands and its result. */

#include "ops/op.h"

/* Which inputs of a call are X, W and B; bias OR_CONV_NO_BIAS: it has none. */
typedef struct or_conv_inputs_t {
  uint32_t x, w, bias;
} or_conv_inputs_t;
#define OR_CONV_NO_BIAS UINT32_MAX
/* Y's shape. INVALID_ARGUMENT: ranks, channels, groups, attributes that do not fit. */
or_status_t or_conv_infer_shape(const or_op_call_t *call, or_conv_inputs_t inputs, or_shape_t *y);
or_cost_t or_conv_cost(const or_op_call_t *call, or_conv_inputs_t inputs);

typedef struct or_conv_t {
  const or_op_tensor_t *x, *w, *y;
  double x_zero;                /* taken off x; padding is 0 after that */
  const or_op_tensor_t *w_zero; /* NULL, or one number, or one a filter: taken off w */
  /* Takes elements first .. first + count - 1 of y, all of one filter; may change them. */
  void (*store)(const struct or_conv_t *conv, uint64_t filter, uint64_t first, size_t count, double *values);
  const void *self;
} or_conv_t;
/* Static shapes, attributes of the call; in double. RESOURCE_EXHAUSTED: scratch. */
or_status_t or_conv_run(const or_op_call_t *call, const or_conv_t *conv);

#endif
