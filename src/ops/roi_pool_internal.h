#ifndef OR_OPS_ROI_POOL_INTERNAL_H
#define OR_OPS_ROI_POOL_INTERNAL_H
/* What MaxRoiPool and RoiAlign share. */

#include "ops/shape.h"

/* How coordinates are computed. */
typedef struct or_roi_numbers_t {
  bool wide; /* in double, else in float */
  double scale;
} or_roi_numbers_t;
or_roi_numbers_t or_roi_numbers(const or_op_call_t *call);
/* The result of one operation. */
static inline double or_roi_round(const or_roi_numbers_t *numbers, double value) {
  return numbers->wide ? value : (double)(float)value;
}

/* Y is [regions,C,height,width]; input 1 has `columns` numbers a region. INVALID_ARGUMENT. */
or_status_t or_roi_infer(or_op_call_t *call, int64_t columns, int64_t height, int64_t width);

#endif
