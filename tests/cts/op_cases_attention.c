/* Attention: layouts, groups, masks, pasts, and the lengths at which kernels change their way. */
#include <string.h>

#include "cts/op_case.h"

typedef struct attention_row_t {
  int64_t batch, heads, kv_heads, queries, keys, past, head, value_head;
  bool flat; /* three dimensions */
  or_dtype_t mask;
  or_shape_t mask_shape; /* rank 0: none */
  bool causal, present;
} attention_row_t;

static or_shape_t operand_shape(const attention_row_t *row, int64_t heads, int64_t length, int64_t width) {
  return row->flat ? SHAPE(row->batch, length, heads * width) : SHAPE(row->batch, heads, length, width);
}

static cts_op_case_t attention_case(const cts_generator_t *g, const attention_row_t *row, or_dtype_t dtype) {
  cts_op_case_t it = cts_op_case(g, row->causal ? "causal" : "");
  cts_input_range(&it, dtype, operand_shape(row, row->heads, row->queries, row->head), -2, 2);
  cts_input_range(&it, dtype, operand_shape(row, row->kv_heads, row->keys, row->head), -2, 2);
  cts_input(&it, dtype, operand_shape(row, row->kv_heads, row->keys, row->value_head));
  if (row->flat) {
    cts_attribute_int(&it, "q_num_heads", row->heads);
    cts_attribute_int(&it, "kv_num_heads", row->kv_heads);
  }
  if (row->causal) cts_attribute_int(&it, "is_causal", 1);
  if (row->mask_shape.rank > 0) {
    cts_input_range(&it, row->mask == OR_BOOL ? OR_BOOL : dtype, row->mask_shape, row->mask == OR_BOOL ? 0 : -3, 2);
  } else if (row->past > 0) {
    cts_input_absent(&it);
  }
  if (row->past > 0) {
    cts_input_range(&it, dtype, SHAPE(row->batch, row->kv_heads, row->past, row->head), -2, 2);
    cts_input(&it, dtype, SHAPE(row->batch, row->kv_heads, row->past, row->value_head));
  }
  if (row->present) it.output_count = 3;
  return it;
}

/* Whether K and V make sense for the mask of the version: a shorter mask came with 24. */
static void lengths_and_windows(cts_generator_t *g) {
  const double lengths[] = {5, 130};
  attention_row_t row = {2, 4, 2, 3, 150, 0, 16, 24, false, OR_BOOL, SCALAR, true, false};
  CTS_EACH_DTYPE(g, dtype) {
    cts_op_case_t it = attention_case(g, &row, dtype);
    for (int i = 0; i < 3; ++i) cts_input_absent(&it);
    cts_input_values(&it, OR_INT64, lengths, 2);
    cts_emit(g, &it);
    row.mask_shape = SHAPE(3, 140);
    it = attention_case(g, &row, dtype);
    row.mask_shape = SCALAR;
    cts_emit(g, &it);
    if (g->version < 25) continue;
    it = attention_case(g, &row, dtype);
    cts_attribute_int(&it, "left_window_size", 20);
    cts_emit(g, &it);
    row.causal = false;
    it = attention_case(g, &row, dtype);
    row.causal = true;
    cts_attribute_int(&it, "left_window_size", 1);
    cts_attribute_int(&it, "right_window_size", 70);
    cts_emit(g, &it);
  }
}

void cts_generate_attention(cts_generator_t *g) {
  const attention_row_t rows[] = {
      {1, 2, 2, 3, 3, 0, 4, 2, false, OR_BOOL, SCALAR, false, false},
      {2, 3, 3, 7, 7, 0, 8, 8, true, OR_BOOL, SCALAR, true, false},
      {1, 12, 12, 128, 128, 0, 64, 64, true, OR_FLOAT32, SHAPE(1, 1, 1, 128), false, false},
      {1, 12, 12, 1, 1, 256, 64, 64, true, OR_BOOL, SCALAR, true, true},
      {1, 4, 4, 1, 1, 1100, 64, 64, false, OR_FLOAT32, SHAPE(1, 1101), false, true},
      {2, 4, 2, 5, 5, 9, 16, 24, true, OR_BOOL, SCALAR, true, true},
      {2, 4, 1, 65, 65, 70, 20, 20, false, OR_BOOL, SHAPE(2, 1, 65, 135), false, false},
      {1, 2, 2, 77, 600, 0, 40, 33, false, OR_FLOAT32, SHAPE(2, 77, 600), false, false},
      {1, 2, 2, 200, 700, 0, 32, 32, true, OR_BOOL, SHAPE(1, 1, 200, 700), true, false},
      {3, 1, 1, 2, 1, 0, 5, 7, false, OR_FLOAT32, SHAPE(1), false, false},
      {1, 2, 2, 300, 300, 0, 64, 64, true, OR_BOOL, SCALAR, true, true},
      {1, 2, 2, 0, 3, 0, 4, 4, false, OR_BOOL, SCALAR, false, false},
      {1, 2, 2, 3, 0, 0, 4, 4, false, OR_BOOL, SCALAR, false, false},
      {1, 6, 3, 1, 1, 33, 64, 64, false, OR_BOOL, SHAPE(6, 1, 34), false, true},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i) {
    CTS_EACH_DTYPE(g, dtype) {
      cts_op_case_t it = attention_case(g, &rows[i], dtype);
      cts_emit(g, &it);
      if (!g->newest || i % 3 != 0) continue;
      cts_attribute_float(&it, "scale", 0.3f);
      cts_attribute_float(&it, "softcap", 1.5f);
      cts_emit(g, &it);
      if (rows[i].past > 0) continue;
      for (int64_t mode = 0; mode < 4; ++mode) {
        cts_op_case_t kept = attention_case(g, &rows[i], dtype);
        cts_attribute_int(&kept, "qk_matmul_output_mode", mode);
        kept.output_count = 4;
        cts_emit(g, &kept);
      }
    }
  }
  if (g->version >= 24) lengths_and_windows(g);
}

/* A past within a cache, and rows behind it that are not looked at. */
void cts_generate_cached_attention(cts_generator_t *g) {
  const struct {
    attention_row_t row; /* past: the capacity */
    double length;
  } cases[] = {
      {{1, 12, 12, 1, 1, 300, 64, 64, true, OR_BOOL, SCALAR, true, false}, 256},
      {{1, 12, 12, 40, 40, 64, 64, 64, true, OR_BOOL, SCALAR, true, false}, 0},
      {{2, 4, 2, 3, 3, 20, 16, 8, false, OR_BOOL, SHAPE(2, 1, 1, 20), true, false}, 17},
      {{1, 2, 2, 70, 70, 900, 32, 32, true, OR_FLOAT32, SHAPE(1, 1, 70, 900), false, false}, 555},
      {{3, 2, 1, 1, 1, 5, 8, 8, false, OR_FLOAT32, SHAPE(1), true, false}, 4},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
    CTS_EACH_DTYPE(g, dtype) {
      cts_op_case_t it = attention_case(g, &cases[i].row, dtype);
      cts_input_values(&it, OR_INT64, &cases[i].length, 1);
      cts_emit(g, &it);
    }
  }
}
