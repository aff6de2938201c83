/* LinearAttention: rules, shared heads, gates of a head or of each key, and states of their own type. */
#include "cts/op_case.h"

typedef struct linear_row_t {
  int64_t batch, length, heads, kv_heads, head, value_head;
} linear_row_t;

/* Keys of lengths below 1, so that no state grows without end. `form` 0: gates of a head; 1: of each key, one beta, and
 * a past. */
static cts_op_case_t linear_case(const cts_generator_t *g, const linear_row_t *row, or_dtype_t dtype, int rule,
                                 int form) {
  static const char *const rules[] = {"linear", "gated", "delta", "gated_delta"};
  cts_op_case_t it = cts_op_case(g, rules[rule]);
  cts_input(&it, dtype, SHAPE(row->batch, row->length, row->heads * row->head));
  double length = 1.0 / (double)(row->head > 0 ? row->head : 1);
  cts_input_range(&it, dtype, SHAPE(row->batch, row->length, row->kv_heads * row->head), -length, length);
  cts_input(&it, dtype, SHAPE(row->batch, row->length, row->kv_heads * row->value_head));
  if (form == 1) {
    or_dtype_t state = dtype == OR_FLOAT16 || dtype == OR_BFLOAT16 ? OR_FLOAT32 : dtype;
    cts_input(&it, state, SHAPE(row->batch, row->kv_heads, row->head, row->value_head));
  } else if (rule > 0) {
    cts_input_absent(&it);
  }
  if (rule == 1 || rule == 3) {
    cts_input_range(&it, dtype, SHAPE(row->batch, row->length, row->kv_heads * (form == 1 ? row->head : 1)), -1, 0);
  } else if (rule == 2) {
    cts_input_absent(&it);
  }
  if (rule >= 2) cts_input_range(&it, dtype, SHAPE(row->batch, row->length, form == 1 ? 1 : row->kv_heads), 0, 1);
  cts_attribute_int(&it, "q_num_heads", row->heads);
  cts_attribute_int(&it, "kv_num_heads", row->kv_heads);
  if (rule != 3) cts_attribute_string(&it, "update_rule", rules[rule]);
  if (form == 1) cts_attribute_float(&it, "scale", 0.75f);
  it.output_count = 2;
  return it;
}

void cts_generate_linear_attention(cts_generator_t *g) {
  static const linear_row_t rows[] = {
      {1, 1, 1, 1, 4, 2},    {2, 5, 2, 2, 8, 8}, {1, 1, 4, 2, 16, 24}, {2, 9, 6, 1, 5, 7},
      {1, 70, 4, 2, 32, 33}, {0, 2, 2, 1, 4, 4}, {1, 0, 2, 2, 4, 4},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i) {
    CTS_EACH_DTYPE(g, dtype) {
      for (int rule = 0; rule < 4; ++rule) {
        for (int form = 0; form < 2; ++form) {
          cts_op_case_t it = linear_case(g, &rows[i], dtype, rule, form);
          cts_emit(g, &it);
        }
      }
    }
  }
}
