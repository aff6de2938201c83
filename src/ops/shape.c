#include "ops/shape.h"

#include <string.h>

#define SHAPE_TEXT_BYTES 160

static bool broadcast_extent(int64_t a, int64_t b, int64_t *out);

or_status_t or_shape_broadcast(const or_shape_t *a, const or_shape_t *b, or_shape_t *out) {
  or_shape_t result = {.rank = OR_RANK_UNKNOWN};
  if (a->rank >= 0 && b->rank >= 0) {
    result.rank = a->rank > b->rank ? a->rank : b->rank;
    for (int32_t i = 0; i < result.rank; ++i) {
      int32_t ia = i - (result.rank - a->rank), ib = i - (result.rank - b->rank);
      int64_t ea = ia < 0 ? 1 : a->dims[ia], eb = ib < 0 ? 1 : b->dims[ib];
      if (broadcast_extent(ea, eb, &result.dims[i])) continue;
      char ta[SHAPE_TEXT_BYTES], tb[SHAPE_TEXT_BYTES];
      return or_error(
          OR_INVALID_ARGUMENT, "shapes %s and %s do not broadcast: %lld against %lld in dimension %d of the result",
          or_shape_format(a, ta, sizeof ta), or_shape_format(b, tb, sizeof tb), (long long)ea, (long long)eb, (int)i);
    }
  }
  *out = result;
  return or_status_success();
}

static bool broadcast_extent(int64_t a, int64_t b, int64_t *out) {
  if (a == b || b == 1) {
    *out = a;
  } else if (a == 1) {
    *out = b;
  } else if (a >= 0 && b >= 0) {
    return false;
  } else if (a < 0 && b < 0) {
    *out = OR_DIM_UNKNOWN;
  } else {
    *out = a >= 0 ? a : b;
  }
  return true;
}

void or_shape_broadcast_strides(const or_shape_t *shape, const or_shape_t *out, int64_t strides[OR_MAX_RANK]) {
  memset(strides, 0, OR_MAX_RANK * sizeof *strides);
  int64_t stride = 1;
  for (int32_t i = shape->rank - 1; i >= 0; --i) {
    if (shape->dims[i] != 1) strides[i + out->rank - shape->rank] = stride;
    stride *= shape->dims[i];
  }
}

or_status_t or_axis_normalize(int64_t axis, int32_t rank, int32_t *out) {
  if (axis < -(int64_t)rank || axis >= rank) {
    return or_error(OR_INVALID_ARGUMENT, "axis %lld is outside [%d, %d] for rank %d", (long long)axis, (int)-rank,
                    (int)rank - 1, (int)rank);
  }
  *out = (int32_t)(axis < 0 ? axis + rank : axis);
  return or_status_success();
}

uint64_t or_shape_product(const or_shape_t *shape, int32_t begin, int32_t end) {
  uint64_t product = 1;
  for (int32_t i = begin; i < end; ++i) product *= (uint64_t)shape->dims[i];
  return product;
}

bool or_index_next(const or_shape_t *shape, int64_t index[OR_MAX_RANK]) {
  for (int32_t i = shape->rank - 1; i >= 0; --i) {
    if (++index[i] < shape->dims[i]) return true;
    index[i] = 0;
  }
  return false;
}
