#ifndef OR_OPS_LANES_H
#define OR_OPS_LANES_H
/* How the references compute on every dtype with one loop: a block of elements is widened to double, int64 or uint64,
 * worked on, and narrowed again. All functions are pure: any thread. */

#include "ops/op.h"

#define OR_LANES 256 /* elements of a block: 2 KiB, so that a few stay in the first cache */

typedef union or_lanes_t {
  double real[OR_LANES];
  int64_t integer[OR_LANES];
  uint64_t natural[OR_LANES];
} or_lanes_t;

/* The member that holds a dtype's values exactly. */
typedef enum or_lane_kind_t {
  OR_LANE_REAL,    /* floating-point types; of complex ones the real part */
  OR_LANE_INTEGER, /* integers up to int64, bool */
  OR_LANE_NATURAL, /* uint64 */
} or_lane_kind_t;
#define OR_LANE_KIND_COUNT 3
or_lane_kind_t or_lane_kind(or_dtype_t dtype);

/* Elements first, first + step, … of packed data (any fixed-width dtype); count <= OR_LANES. */
void or_lanes_load(or_dtype_t dtype, const void *data, int64_t first, int64_t step, size_t count, or_lanes_t *out);

/* Elements first .. first + count - 1. What `kind` holds is converted as ONNX Cast does it: between floating-point
 * types to nearest even (those of up to 8 bits saturate, others overflow to infinity; float8e8m0: up); integers to
 * narrower integers modulo 2^bits; to bool: != 0. A floating-point value becomes an integer by truncation, and where
 * ONNX leaves it undefined: NaN 0, beyond the range the nearest end; of integers of 2 and 4 bits the low bits of the
 * int64, as in ONNX's test data. Types of less than 8 bits are stored from a `first` where a byte begins, or after the
 * element before it. */
void or_lanes_store(or_dtype_t dtype, void *data, int64_t first, size_t count, or_lane_kind_t kind,
                    const or_lanes_t *in);

/* In place from one member to another: integers to double rounded to odd, doubles to integers as above, signed to
 * unsigned modulo 2^64. */
void or_lanes_convert(or_lanes_t *lanes, size_t count, or_lane_kind_t from, or_lane_kind_t to);

#endif
