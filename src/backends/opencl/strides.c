/* Operands of one result as strides along its dimensions, as few of them as will do. */
#include "backends/opencl/families_internal.h"
#include "ops/shape.h"

/* Rows, which are all dimensions but the last, are counted by an int as well. */
static bool counts_rows(const or_cl_strides_t *strides) {
  int64_t rows = 1;
  for (int32_t i = 0; i + 1 < strides->rank && rows > 0; ++i) {
    rows *= strides->dims[i];
    if (rows > OR_CL_MOST_COUNTED) return false;
  }
  return true;
}

/* Dimension i may be joined to the one kept before it if every operand moves on as if the two were one. */
static bool joins(const or_cl_layout_t *layout, const or_cl_strides_t *strides, int32_t i) {
  int32_t before = strides->rank - 1;
  if (before < 0) return false;
  if (layout->dims[i] * strides->dims[before] > OR_CL_MOST_COUNTED) return false;
  for (uint32_t k = 0; k < layout->operands; ++k) {
    if (strides->strides[k][before] != layout->strides[k][i] * layout->dims[i]) return false;
  }
  return true;
}

bool or_cl_layout_join(const or_cl_layout_t *layout, or_cl_strides_t *out) {
  *out = (or_cl_strides_t){.rank = 0};
  for (int32_t i = 0; i < layout->rank; ++i) {
    if (layout->dims[i] == 1) continue;
    if (layout->dims[i] > OR_CL_MOST_COUNTED) return false;
    bool joined = joins(layout, out, i);
    if (!joined && out->rank == OR_CL_MAX_RANK) return false;
    if (!joined) out->dims[out->rank++] = 1;
    int32_t at = out->rank - 1;
    out->dims[at] *= (int32_t)layout->dims[i];
    for (uint32_t k = 0; k < layout->operands; ++k) {
      int64_t stride = layout->strides[k][i];
      if (stride > OR_CL_MOST_COUNTED || stride < -OR_CL_MOST_COUNTED) return false;
      out->strides[k][at] = (int32_t)stride;
    }
  }
  return counts_rows(out);
}

bool or_cl_broadcast(const or_shape_t *out, const or_shape_t *const *operands, uint32_t count,
                     or_cl_strides_t *joined) {
  or_cl_layout_t layout = {.rank = out->rank, .operands = count};
  for (int32_t i = 0; i < out->rank; ++i) layout.dims[i] = out->dims[i];
  for (uint32_t k = 0; k < count; ++k) {
    if (!or_shape_is_static(operands[k])) return false;
    or_shape_broadcast_strides(operands[k], out, layout.strides[k]);
  }
  return or_shape_is_static(out) && or_cl_layout_join(&layout, joined);
}

int32_t or_cl_split_rows(or_cl_strides_t *strides, int32_t steps[3]) {
  int32_t inner = 1;
  for (uint32_t k = 0; k < 3; ++k) steps[k] = 0;
  if (strides->rank == 0) return inner;
  int32_t last = --strides->rank;
  for (uint32_t k = 0; k < 3; ++k) steps[k] = strides->strides[k][last];
  return strides->dims[last];
}

void or_cl_dense_strides(const or_shape_t *shape, int64_t *strides) {
  int64_t step = 1;
  for (int32_t i = shape->rank; i-- > 0;) {
    strides[i] = step;
    step *= shape->dims[i];
  }
}
