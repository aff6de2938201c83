/* Slice, Gather, GatherElements. */
#include "cts/op_case.h"

/* Slices over a tensor of 7 x 8 x 9. */
typedef struct slice_row_t {
  size_t count;
  double starts[3], ends[3], axes[3], steps[3];
  bool has_axes, has_steps;
} slice_row_t;

#define FAR 9223372036854775807.0 /* beyond every end */

static const slice_row_t slice_rows[] = {
    {1, {1}, {3}, {0}, {0}, true, false},
    {3, {0, 1, 2}, {7, 5, 9}, {0}, {0}, false, false},
    {2, {-3, 2}, {-1, FAR}, {0, 2}, {0}, true, false},
    {1, {0}, {-2}, {1}, {0}, true, false},
    {1, {5}, {2}, {1}, {0}, true, false}, /* empty */
    {1, {100}, {200}, {1}, {0}, true, false},
    {1, {-100}, {100}, {1}, {0}, true, false},
    {3, {0, 0, 0}, {7, 8, 9}, {0}, {2, 3, 4}, false, true},
    {2, {-1, 6}, {-FAR, 1}, {0, 1}, {-1, -2}, true, true},
    {1, {2}, {-1}, {-1}, {2}, true, true},
    {2, {1, 0}, {4, 3}, {2, 0}, {1, 1}, true, true}, /* axes not in order */
};

static cts_op_case_t slice_case(cts_generator_t *g, const slice_row_t *row, or_dtype_t dtype, or_dtype_t index,
                                int64_t ints[9]) {
  cts_op_case_t it = cts_op_case(g, "");
  cts_input(&it, dtype, SHAPE(7, 8, 9));
  if (g->version < 10) {
    for (size_t i = 0; i < row->count; ++i) {
      ints[i] = row->starts[i] >= FAR ? INT64_MAX : (int64_t)row->starts[i];
      ints[3 + i] = row->ends[i] >= FAR ? INT64_MAX : (int64_t)row->ends[i];
      ints[6 + i] = (int64_t)row->axes[i];
    }
    cts_attribute_ints(&it, "starts", ints, row->count);
    cts_attribute_ints(&it, "ends", ints + 3, row->count);
    if (row->has_axes) cts_attribute_ints(&it, "axes", ints + 6, row->count);
    return it;
  }
  cts_input_values(&it, index, row->starts, row->count);
  cts_input_values(&it, index, row->ends, row->count);
  if (row->has_axes) cts_input_values(&it, index, row->axes, row->count);
  if (!row->has_axes && row->has_steps) cts_input_absent(&it);
  if (row->has_steps) cts_input_values(&it, index, row->steps, row->count);
  return it;
}

void cts_generate_slice(cts_generator_t *g) {
  int64_t ints[9];
  CTS_EACH_DTYPE(g, dtype) {
    for (size_t i = 0; i < sizeof slice_rows / sizeof *slice_rows; ++i) {
      if (g->version < 10 && slice_rows[i].has_steps) continue;
      if (!g->newest && dtype != OR_FLOAT32 && i > 1) continue;
      cts_op_case_t it = slice_case(g, &slice_rows[i], dtype, OR_INT64, ints);
      cts_emit(g, &it);
      bool narrow = slice_rows[i].ends[0] < 1000 && slice_rows[i].ends[1] < 1000 && slice_rows[i].ends[0] > -1000;
      if (g->version < 10 || dtype != OR_FLOAT32 || !narrow) continue;
      it = slice_case(g, &slice_rows[i], dtype, OR_INT32, ints);
      cts_emit(g, &it);
    }
  }
}

typedef struct gather_t {
  or_dtype_t dtype;
  or_shape_t data;
  or_dtype_t index;
  or_shape_t indices;
  int64_t axis;
  bool constant;
} gather_t;

static void gather(cts_generator_t *g, gather_t c) {
  cts_op_case_t it = cts_op_case(g, c.constant ? "constant" : "");
  int64_t extent = c.data.dims[c.axis < 0 ? c.axis + c.data.rank : c.axis];
  bool negative = g->version >= 11;
  cts_input(&it, c.dtype, c.data)->constant = c.constant;
  cts_input_range(&it, c.index, c.indices, negative ? -(double)extent : 0, (double)extent);
  if (c.axis != 0) cts_attribute_int(&it, "axis", c.axis);
  cts_emit(g, &it);
}

void cts_generate_gather(cts_generator_t *g) {
  CTS_EACH_DTYPE(g, dtype) {
    gather(g, (gather_t){dtype, SHAPE(5, 7), OR_INT64, SHAPE(3), 0, false});
    gather(g, (gather_t){dtype, SHAPE(5, 7), OR_INT32, SHAPE(2, 4), 1, false});
    if (!g->newest && dtype != OR_FLOAT32) continue;
    gather(g, (gather_t){dtype, SHAPE(5, 7, 3), OR_INT64, SHAPE(2, 2), -2, false});
    gather(g, (gather_t){dtype, SHAPE(5, 7), OR_INT64, SCALAR, 0, false});
    gather(g, (gather_t){dtype, SHAPE(9), OR_INT64, SHAPE(4), 0, false});
    gather(g, (gather_t){dtype, SHAPE(5, 0), OR_INT64, SHAPE(2), 0, false});
    gather(g, (gather_t){dtype, SHAPE(5, 7), OR_INT64, SHAPE(0), 0, false});
    gather(g, (gather_t){dtype, SHAPE(100, 64), OR_INT64, SHAPE(2, 16), 0, true});
  }
}

void cts_generate_embedding_sum(cts_generator_t *g) {
  const or_shape_t places[][2] = {{SHAPE(3), SHAPE(3)}, {SHAPE(2, 7), SHAPE(1, 7)}, {SHAPE(2, 1), SHAPE(7)},
                                  {SCALAR, SCALAR},     {SHAPE(0), SHAPE(1)},       {SHAPE(4, 128), SHAPE(128)}};
  CTS_EACH_DTYPE(g, dtype) {
    for (size_t i = 0; i < sizeof places / sizeof *places; ++i) {
      for (int tables = 2; tables < 5; ++tables) {
        cts_op_case_t it = cts_op_case(g, "");
        for (int t = 0; t < tables; ++t) {
          cts_input(&it, dtype, SHAPE(9 - t, 33))->constant = t % 2 == 0;
          cts_input_range(&it, t % 2 == 0 ? OR_INT64 : OR_INT32, places[i][t % 2], -5, 5);
        }
        cts_emit(g, &it);
      }
    }
  }
}

void cts_generate_gather_elements(cts_generator_t *g) {
  CTS_EACH_DTYPE(g, dtype) {
    gather(g, (gather_t){dtype, SHAPE(5, 7), OR_INT64, SHAPE(3, 7), 0, false});
    gather(g, (gather_t){dtype, SHAPE(5, 7), OR_INT32, SHAPE(4, 9), 1, false});
    if (!g->newest && dtype != OR_FLOAT32) continue;
    gather(g, (gather_t){dtype, SHAPE(3, 4, 5), OR_INT64, SHAPE(2, 9, 5), -2, false});
    gather(g, (gather_t){dtype, SHAPE(9), OR_INT64, SHAPE(4), 0, false});
    gather(g, (gather_t){dtype, SHAPE(5, 7), OR_INT64, SHAPE(0, 7), 0, false});
  }
}
