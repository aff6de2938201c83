#ifndef OR_OPS_REDUCE_INTERNAL_H
#define OR_OPS_REDUCE_INTERNAL_H
/* The arithmetic of reductions, apart from where the elements lie. */

#include "ops/lanes.h"

/* How one element goes into a group's accumulator. */
typedef enum or_reduce_step_t {
  OR_REDUCE_SUM,
  OR_REDUCE_SUM_ABS,
  OR_REDUCE_SUM_SQUARE,
  OR_REDUCE_SUM_EXP, /* of x - shift */
  OR_REDUCE_PRODUCT,
  OR_REDUCE_MAX,
  OR_REDUCE_MIN,
} or_reduce_step_t;

/* An accumulator: the member of the lane kind that is worked in. */
typedef union or_reduce_value_t {
  double real;
  int64_t integer;
  uint64_t natural;
} or_reduce_value_t;

/* The accumulator of no elements, for results of `dtype`. */
or_reduce_value_t or_reduce_start(or_reduce_step_t step, or_lane_kind_t kind, or_dtype_t dtype);
/* Takes `count` lanes into one accumulator. `shift`: the group's, for OR_REDUCE_SUM_EXP only. */
void or_reduce_row(or_reduce_step_t step, or_lane_kind_t kind, const or_lanes_t *lanes, size_t count, double shift,
                   or_reduce_value_t *accumulator);
/* Takes lane i into accumulators[i]; shifts[i] likewise, NULL but for OR_REDUCE_SUM_EXP. */
void or_reduce_each(or_reduce_step_t step, or_lane_kind_t kind, const or_lanes_t *lanes, size_t count,
                    const double *shifts, or_reduce_value_t *accumulators);

#endif
