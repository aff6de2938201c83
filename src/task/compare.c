#include "task/compare.h"

#include <math.h>

#include "base/numbers.h"

void or_task_compare(or_dtype_t dtype, const void *actual, const void *expected, uint64_t count,
                     or_tolerance_t tolerance, or_difference_t *out) {
  *out = (or_difference_t){.count = count, .first_wrong = UINT64_MAX};
  for (uint64_t i = 0; i < count; ++i) {
    double a = or_element_get(dtype, actual, (size_t)i), b = or_element_get(dtype, expected, (size_t)i);
    bool same = a == b || (isnan(a) && isnan(b)), finite = isfinite(a) && isfinite(b);
    double error = finite ? fabs(a - b) : 0.0;
    if (!same && (!finite || error > tolerance.abs + tolerance.rel * fabs(b))) {
      if (out->wrong++ == 0) out->first_wrong = i;
    }
    out->mean_abs += error;
    if (error > out->max_abs) out->max_abs = error;
    if (finite && b != 0.0 && error / fabs(b) > out->max_rel) out->max_rel = error / fabs(b);
  }
  if (count > 0) out->mean_abs /= (double)count;
}
