/* Normalisations that are no LayerNormalization, rotations, and arithmetic on bits. */
#include <string.h>

#include "base/numbers.h"
#include "cts/op_case.h"

static bool is(const cts_generator_t *g, const char *name) { return strcmp(g->op->name, name) == 0; }

void cts_generate_rms_normalization(cts_generator_t *g) {
  const or_shape_t shapes[] = {SHAPE(3, 8), SHAPE(2, 5, 33), SHAPE(2, 3, 64), SHAPE(0, 5)};
  CTS_EACH_DTYPE(g, dtype) {
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; ++i) {
      cts_op_case_t it = cts_op_case(g, "");
      cts_input(&it, dtype, shapes[i]);
      cts_input(&it, dtype, SHAPE(shapes[i].dims[shapes[i].rank - 1]))->constant = i % 2 == 0;
      if (i == 1) cts_attribute_float(&it, "epsilon", 0.01F);
      if (i == 2) cts_attribute_int(&it, "axis", 1);
      cts_emit(g, &it);
    }
  }
}

void cts_generate_channel_normalization(cts_generator_t *g) {
  bool groups = is(g, "GroupNormalization");
  CTS_EACH_DTYPE(g, dtype) {
    for (int64_t count = 1; count <= (groups ? 4 : 1); count *= 2) {
      cts_op_case_t it = cts_op_case(g, "");
      or_shape_t parameters = SHAPE(groups && g->version < 21 ? count : 4);
      cts_input(&it, dtype, SHAPE(2, 4, 5, 7));
      for (int k = 0; k < 2; ++k) cts_input(&it, dtype, parameters)->constant = count == 2;
      if (groups) cts_attribute_int(&it, "num_groups", count);
      if (count == 2) cts_attribute_float(&it, "epsilon", 0.01F);
      cts_emit(g, &it);
    }
  }
}

/* One input of four dimensions: LpNormalization, Hardmax, MeanVarianceNormalization, LRN. */
void cts_generate_line(cts_generator_t *g) {
  static const int64_t axes[] = {1, 3};
  CTS_EACH_DTYPE(g, dtype) {
    for (int64_t form = 0; form < 3; ++form) {
      cts_op_case_t it = cts_op_case(g, "");
      cts_input(&it, dtype, SHAPE(2, 5, 3, 4));
      if (is(g, "LRN")) {
        cts_attribute_int(&it, "size", form + 2);
      } else if (!is(g, "MeanVarianceNormalization")) {
        cts_attribute_int(&it, "axis", form + 1);
      } else if (form > 0) {
        cts_attribute_ints(&it, "axes", axes, 2);
      }
      if (is(g, "LpNormalization") && form == 1) cts_attribute_int(&it, "p", 1);
      cts_emit(g, &it);
    }
  }
}

void cts_generate_rotary_embedding(cts_generator_t *g) {
  CTS_EACH_DTYPE(g, dtype) {
    for (int form = 0; form < 4; ++form) {
      bool flat = form % 2 == 1, by_position = form / 2 == 0;
      cts_op_case_t it = cts_op_case(g, "");
      cts_input(&it, dtype, flat ? SHAPE(2, 3, 32) : SHAPE(2, 4, 3, 8));
      for (int k = 0; k < 2; ++k) cts_input(&it, dtype, by_position ? SHAPE(9, 4) : SHAPE(2, 3, 4));
      if (by_position) cts_input_range(&it, OR_INT64, SHAPE(2, 3), 0, 9);
      if (flat) cts_attribute_int(&it, "num_heads", 4);
      if (form == 3) cts_attribute_int(&it, "interleaved", 1);
      cts_emit(g, &it);
    }
  }
}

void cts_generate_pair(cts_generator_t *g) {
  CTS_EACH_DTYPE(g, dtype) {
    for (int constant = 0; constant < 2; ++constant) {
      cts_op_case_t it = cts_op_case(g, "");
      cts_input_range(&it, dtype, SHAPE(3, 37), or_dtype_is_signed(dtype) || or_dtype_is_float(dtype) ? -6 : 0, 6);
      cts_input(&it, dtype, is(g, "PRelu") ? constant && g->version >= 7 ? SHAPE(37) : SHAPE(1) : SHAPE(3, 37))
          ->constant = constant;
      cts_emit(g, &it);
    }
  }
}

void cts_generate_bit_shift(cts_generator_t *g) {
  CTS_EACH_DTYPE(g, dtype) {
    if (g->version < 28 && or_dtype_is_signed(dtype)) continue;
    for (int right = 0; right < 2; ++right) {
      cts_op_case_t it = cts_op_case(g, "");
      cts_input_fill(&it, dtype, SHAPE(5, 9), CTS_SPECIAL);
      cts_input_range(&it, dtype, SHAPE(9), or_dtype_is_signed(dtype) ? -2 : 0, 70);
      cts_attribute_string(&it, "direction", right ? "RIGHT" : "LEFT");
      cts_emit(g, &it);
    }
  }
}
