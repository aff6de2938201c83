#include "ops/elements.h"

#include <string.h>

#include "base/numbers.h"

static size_t chunk(size_t left) { return left < OR_LANES ? left : OR_LANES; }

void or_elements_load(or_dtype_t dtype, const void *data, uint64_t first, size_t count, double *out) {
  or_lanes_t lanes;
  for (size_t done = 0; done < count; done += OR_LANES) {
    size_t n = chunk(count - done);
    or_lanes_load(dtype, data, (int64_t)(first + done), 1, n, &lanes);
    or_lanes_convert(&lanes, n, or_lane_kind(dtype), OR_LANE_REAL);
    memcpy(out + done, lanes.real, n * sizeof *out);
  }
}

void or_elements_load_long(or_stop_t *stop, or_dtype_t dtype, const void *data, uint64_t first, size_t count,
                           double *out) {
  for (size_t done = 0; done < count && !or_stops(stop, OR_LANES); done += OR_LANES)
    or_elements_load(dtype, data, first + done, chunk(count - done), out + done);
}

void or_elements_store(or_dtype_t dtype, void *data, uint64_t first, size_t count, const double *values) {
  or_lanes_t lanes;
  for (size_t done = 0; done < count; done += OR_LANES) {
    size_t n = chunk(count - done);
    memcpy(lanes.real, values + done, n * sizeof *values);
    or_lanes_store(dtype, data, (int64_t)(first + done), n, OR_LANE_REAL, &lanes);
  }
}

void or_elements_load_int(or_dtype_t dtype, const void *data, uint64_t first, size_t count, uint64_t *out) {
  or_lanes_t lanes;
  for (size_t done = 0; done < count; done += OR_LANES) {
    size_t n = chunk(count - done);
    or_lanes_load(dtype, data, (int64_t)(first + done), 1, n, &lanes);
    memcpy(out + done, lanes.natural, n * sizeof *out);
  }
}

void or_elements_store_int(or_dtype_t dtype, void *data, uint64_t first, size_t count, const uint64_t *values) {
  or_lanes_t lanes;
  for (size_t done = 0; done < count; done += OR_LANES) {
    size_t n = chunk(count - done);
    memcpy(lanes.natural, values + done, n * sizeof *values);
    or_lanes_store(dtype, data, (int64_t)(first + done), n, OR_LANE_INTEGER, &lanes);
  }
}

void or_elements_copy(or_dtype_t dtype, const void *from, uint64_t first, void *to, uint64_t at, uint64_t count) {
  or_bits_copy(or_dtype_bits(dtype), from, first, to, at, count);
}
