/* Pooling. */
#include <string.h>

#include "cts/op_case.h"

typedef struct pool_row_t {
  int spatial;
  int64_t batch, channels;
  int64_t in[3], kernel[3], stride[3], dilation[3], pads[6];
  const char *auto_pad;
  int since; /* version that knows what the row uses */
  int64_t ceil_mode;
} pool_row_t;

static const pool_row_t pool_rows[] = {
    {2, 1, 1, {4, 4}, {2, 2}, {0}, {0}, {0}, NULL, 1, 0},
    {2, 2, 3, {8, 9}, {2, 2}, {2, 2}, {0}, {0}, NULL, 1, 0},
    {2, 1, 16, {7, 7}, {3, 3}, {2, 2}, {0}, {1, 1, 1, 1}, NULL, 1, 0},
    {2, 1, 17, {9, 11}, {3, 2}, {1, 2}, {0}, {0, 1, 1, 0}, NULL, 1, 0},
    {2, 1, 3, {6, 7}, {3, 3}, {2, 2}, {0}, {0}, "SAME_UPPER", 1, 0},
    {2, 1, 3, {7, 6}, {3, 4}, {2, 3}, {0}, {0}, "SAME_LOWER", 1, 0},
    {2, 1, 3, {7, 6}, {2, 2}, {2, 2}, {0}, {0}, "VALID", 1, 0},
    {2, 1, 5, {7, 8}, {3, 3}, {2, 2}, {0}, {0}, NULL, 10, 1},
    {2, 1, 5, {6, 6}, {3, 3}, {2, 2}, {0}, {1, 1, 1, 1}, NULL, 10, 1},
    {2, 1, 4, {10, 9}, {2, 3}, {1, 1}, {2, 2}, {0}, NULL, 19, 0},
    {2, 1, 4, {10, 9}, {3, 3}, {2, 1}, {2, 3}, {2, 3, 2, 3}, NULL, 19, 0},
    {2, 1, 3, {14, 14}, {14, 14}, {0}, {0}, {0}, NULL, 1, 0},
    {2, 0, 3, {5, 5}, {2, 2}, {0}, {0}, {0}, NULL, 1, 0},
    {2, 1, 64, {28, 28}, {3, 3}, {1, 1}, {0}, {1, 1, 1, 1}, NULL, 1, 0},
    {1, 2, 3, {19}, {3}, {2}, {0}, {1, 1}, NULL, 1, 0},
    {3, 1, 2, {5, 6, 7}, {2, 3, 2}, {2, 1, 2}, {0}, {0, 1, 0, 1, 1, 1}, NULL, 1, 0},
    /* positions that an int does not count, nearly all of them padding */
    {2, 1, 1, {4, 4}, {50000, 50000}, {0}, {0}, {49999, 49999, 0, 0}, NULL, 1, 0},
};

static bool any(const int64_t *values, int count) {
  for (int i = 0; i < count; ++i) {
    if (values[i] != 0) return true;
  }
  return false;
}

static cts_op_case_t pool_case(const cts_generator_t *g, const pool_row_t *row, or_dtype_t dtype, cts_fill_t fill) {
  cts_op_case_t it = cts_op_case(g, "");
  int64_t x[5] = {row->batch, row->channels};
  for (int i = 0; i < row->spatial; ++i) x[2 + i] = row->in[i];
  cts_input_fill(&it, dtype, or_shape_make((size_t)row->spatial + 2, x), fill);
  cts_attribute_ints(&it, "kernel_shape", row->kernel, (size_t)row->spatial);
  if (any(row->stride, 3)) cts_attribute_ints(&it, "strides", row->stride, (size_t)row->spatial);
  if (any(row->dilation, 3)) cts_attribute_ints(&it, "dilations", row->dilation, (size_t)row->spatial);
  if (any(row->pads, 6)) cts_attribute_ints(&it, "pads", row->pads, (size_t)row->spatial * 2);
  if (row->auto_pad != NULL) cts_attribute_string(&it, "auto_pad", row->auto_pad);
  if (row->ceil_mode != 0) cts_attribute_int(&it, "ceil_mode", 1);
  return it;
}

void cts_generate_pool(cts_generator_t *g) {
  bool maximum = strcmp(g->op->name, "MaxPool") == 0, norm = strcmp(g->op->name, "LpPool") == 0;
  for (size_t i = 0; i < sizeof pool_rows / sizeof *pool_rows; ++i) {
    const pool_row_t *row = &pool_rows[i];
    int since = maximum && row->since == 19 ? 10 : row->since; /* MaxPool had dilations earlier, LpPool all at once */
    if (norm && row->since > 1) since = 18;
    if (g->version < since || (!g->newest && i % 3 == 2)) continue;
    CTS_EACH_DTYPE(g, dtype) {
      if (!g->newest && dtype != OR_FLOAT32 && i > 2) continue;
      cts_op_case_t it = pool_case(g, row, dtype, CTS_RANDOM);
      cts_emit(g, &it);
      if (i % 3 == 0) {
        it = pool_case(g, row, dtype, CTS_SPECIAL);
        cts_emit(g, &it);
      }
      if (norm) {
        it = pool_case(g, row, dtype, CTS_RANDOM);
        cts_attribute_int(&it, "p", 1 + (int64_t)i % 4);
        cts_emit(g, &it);
        continue;
      }
      if (!maximum && g->version >= 7) {
        it = pool_case(g, row, dtype, CTS_RANDOM);
        cts_attribute_int(&it, "count_include_pad", 1);
        cts_emit(g, &it);
      }
      for (int64_t order = 0; maximum && g->version >= 8 && order < 2; ++order) {
        it = pool_case(g, row, dtype, CTS_RANDOM);
        if (order == 1) cts_attribute_int(&it, "storage_order", 1);
        it.output_count = 2;
        cts_emit(g, &it);
      }
    }
  }
}

void cts_generate_global_pool(cts_generator_t *g) {
  const or_shape_t shapes[] = {SHAPE(1, 1, 1, 1),    SHAPE(2, 3, 5, 7), SHAPE(1, 17, 7, 7),  SHAPE(2, 3, 11),
                               SHAPE(1, 2, 3, 4, 5), SHAPE(0, 3, 4, 4), SHAPE(1, 64, 33, 31)};
  for (size_t i = 0; i < sizeof shapes / sizeof *shapes; ++i) {
    CTS_EACH_DTYPE(g, dtype) {
      for (int special = 0; special < 2; ++special) {
        cts_op_case_t it = cts_op_case(g, "");
        cts_input_fill(&it, dtype, shapes[i], special ? CTS_SPECIAL : CTS_RANDOM);
        if (strcmp(g->op->name, "GlobalLpPool") == 0) cts_attribute_int(&it, "p", 1 + (int64_t)i % 4);
        cts_emit(g, &it);
      }
    }
  }
}
