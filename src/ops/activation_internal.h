#ifndef OR_OPS_ACTIVATION_INTERNAL_H
#define OR_OPS_ACTIVATION_INTERNAL_H
/* The functions behind the rows of activation.c. */

#include "ops/activation.h"
#include "ops/lanes.h"

typedef struct or_unary_parameters_t {
  double alpha, beta; /* attributes; Selu's gamma is beta, Shrink's lambd and bias are alpha and beta */
  bool tanh_form;     /* of Gelu */
} or_unary_parameters_t;

/* One operator: how it computes a block of doubles, and one of integers (`kind` is integer or natural), in place. */
typedef struct or_unary_t {
  const or_op_t *op;
  void (*real)(double *x, size_t count, const or_unary_parameters_t *parameters);
  void (*integer)(or_lanes_t *x, size_t count, or_lane_kind_t kind); /* NULL: by way of doubles */
  double flops;                                                      /* an element; a rough count */
  float alpha, beta;                                                 /* defaults of the attributes */
} or_unary_t;

/* The entry of a row; NULL if it is none of these. */
const or_unary_t *or_unary_of(const or_op_t *op);

#endif
