/* Operators that pick, place or reorder elements by index or by value: GatherND, scatters, OneHot, TopK, Pad, …, and
 * those that run along an axis. */
#include <string.h>

#include "base/numbers.h"
#include "cts/op_case.h"
#include "ops/extents.h"

static bool is(const cts_generator_t *g, const char *name) { return strcmp(g->op->name, name) == 0; }

void cts_generate_gather_nd(cts_generator_t *g) {
  CTS_EACH_DTYPE(g, dtype) {
    for (int64_t tuple = 1; tuple <= 3; ++tuple) {
      cts_op_case_t it = cts_op_case(g, "");
      cts_input(&it, dtype, SHAPE(4, 4, 4));
      cts_input_range(&it, OR_INT64, SHAPE(2, 5, tuple), -4, 4);
      cts_emit(g, &it);
    }
    if (g->version < 12) continue;
    cts_op_case_t it = cts_op_case(g, "");
    cts_input(&it, dtype, SHAPE(2, 3, 4));
    cts_input_range(&it, OR_INT64, SHAPE(2, 5, 1), -3, 3);
    cts_attribute_int(&it, "batch_dims", 1);
    cts_emit(g, &it);
  }
}

/* Distinct indices: which of two equal ones wins is not for the suite to say. */
void cts_generate_scatter(cts_generator_t *g) {
  static const double places[] = {2, 0, -1};
  static const char *const reductions[] = {"none", "add", "mul", "max", "min"};
  bool nd = is(g, "ScatterND");
  CTS_EACH_DTYPE(g, dtype) {
    for (size_t r = 0; r < 5; ++r) {
      if (r > 2 && or_dtype_is_one_of(dtype, OR_OP_COMPLEX)) continue;
      if (r > 0 && (is(g, "Scatter") || g->version < (r > 2 ? 18 : 16))) continue;
      cts_op_case_t it = cts_op_case(g, "");
      cts_input(&it, dtype, nd ? SHAPE(5, 4) : SHAPE(5));
      cts_input_values(&it, OR_INT64, places, 3)->shape = nd ? SHAPE(3, 1) : SHAPE(3);
      cts_input(&it, dtype, nd ? SHAPE(3, 4) : SHAPE(3));
      if (r > 0) cts_attribute_string(&it, "reduction", reductions[r]);
      cts_emit(g, &it);
    }
  }
}

void cts_generate_tensor_scatter(cts_generator_t *g) {
  static const double begins[] = {1, 4};
  CTS_EACH_DTYPE(g, dtype) {
    for (int circular = 0; circular < 2; ++circular) {
      cts_op_case_t it = cts_op_case(g, "");
      cts_input(&it, dtype, SHAPE(2, 3, 6, 5));
      cts_input(&it, dtype, SHAPE(2, 3, circular ? 4 : 2, 5));
      cts_input_values(&it, OR_INT64, begins, 2);
      if (circular) cts_attribute_string(&it, "mode", "circular");
      cts_emit(g, &it);
    }
  }
}

void cts_generate_one_hot(cts_generator_t *g) {
  static const double depth = 6, values[] = {2, 7};
  static const or_dtype_t outputs[] = {OR_FLOAT32, OR_INT64, OR_BOOL, OR_FLOAT16};
  CTS_EACH_DTYPE(g, dtype) {
    for (size_t i = 0; i < sizeof outputs / sizeof *outputs; ++i) {
      cts_op_case_t it = cts_op_case(g, "");
      cts_input_range(&it, dtype, SHAPE(3, 7), or_dtype_is_signed(dtype) ? -8 : 0, 8);
      cts_input_scalar(&it, OR_INT64, &depth);
      cts_input_values(&it, outputs[i], values, 2);
      if (i % 2 == 1) cts_attribute_int(&it, "axis", 1);
      cts_emit(g, &it);
    }
  }
}

void cts_generate_non_zero(cts_generator_t *g) {
  static const double some[] = {0, 1, 0, 3, 1, 0};
  CTS_EACH_DTYPE(g, dtype) {
    cts_op_case_t it = cts_op_case(g, "");
    cts_input_values(&it, dtype, some, 6)->shape = SHAPE(5, 7);
    cts_emit(g, &it);
  }
}

void cts_generate_compress(cts_generator_t *g) {
  static const double some[] = {0, 1, 1};
  CTS_EACH_DTYPE(g, dtype) {
    for (int64_t axis = -1; axis < 2; ++axis) {
      cts_op_case_t it = cts_op_case(g, "");
      cts_input(&it, dtype, SHAPE(3, 4));
      cts_input_values(&it, OR_BOOL, some, 3);
      if (axis >= 0) cts_attribute_int(&it, "axis", axis);
      cts_emit(g, &it);
    }
  }
}

void cts_generate_top_k(cts_generator_t *g) {
  static const double k = 3;
  CTS_EACH_DTYPE(g, dtype) {
    for (int64_t axis = 0; axis < 3; ++axis) {
      cts_op_case_t it = cts_op_case(g, "");
      cts_input(&it, dtype, SHAPE(4, 5, 7));
      if (g->version < 10) cts_attribute_int(&it, "k", 3);
      if (g->version >= 10) cts_input_values(&it, OR_INT64, &k, 1);
      if (axis < 2) cts_attribute_int(&it, "axis", axis);
      if (g->version >= 11 && axis == 1) cts_attribute_int(&it, "largest", 0);
      it.output_count = 2;
      cts_emit(g, &it);
    }
  }
}

void cts_generate_arg(cts_generator_t *g) {
  CTS_EACH_DTYPE(g, dtype) {
    for (int64_t axis = 0; axis < 3; ++axis) {
      cts_op_case_t it = cts_op_case(g, "");
      cts_input_fill(&it, dtype, SHAPE(4, 5, 7), axis == 2 ? CTS_SPECIAL : CTS_RANDOM);
      cts_attribute_int(&it, "axis", axis);
      if (axis == 1) cts_attribute_int(&it, "keepdims", 0);
      if (g->version >= 12 && axis == 2) cts_attribute_int(&it, "select_last_index", 1);
      cts_emit(g, &it);
    }
  }
}

void cts_generate_pad(cts_generator_t *g) {
  static const char *const modes[] = {"constant", "reflect", "edge", "wrap"};
  static const double pads[] = {1, 0, 2, -1}, value = 3;
  static const int64_t integers[] = {1, 0, 2, -1};
  CTS_EACH_DTYPE(g, dtype) {
    for (int mode = 0; mode < (g->version < 19 ? 3 : 4); ++mode) {
      cts_op_case_t it = cts_op_case(g, "");
      cts_input(&it, dtype, SHAPE(3, 5));
      cts_attribute_string(&it, "mode", modes[mode]);
      if (g->version < 11) {
        cts_attribute_ints(&it, g->version < 2 ? "paddings" : "pads", integers, 4);
      } else {
        cts_input_values(&it, OR_INT64, pads, 4);
        if (mode == 0) cts_input_scalar(&it, dtype, &value);
      }
      cts_emit(g, &it);
    }
  }
}

void cts_generate_trilu(cts_generator_t *g) {
  CTS_EACH_DTYPE(g, dtype) {
    for (int form = 0; form < 6; ++form) {
      double diagonal = form / 2 - 1;
      cts_op_case_t it = cts_op_case(g, "");
      cts_input(&it, dtype, form > 3 ? SHAPE(2, 4, 6) : SHAPE(5, 3));
      cts_input_scalar(&it, OR_INT64, &diagonal);
      cts_attribute_int(&it, "upper", form % 2);
      cts_emit(g, &it);
    }
  }
}

void cts_generate_eye_like(cts_generator_t *g) {
  CTS_EACH_DTYPE(g, dtype) {
    for (int64_t k = -1; k < 2; ++k) {
      cts_op_case_t it = cts_op_case(g, "");
      cts_input(&it, dtype, SHAPE(3, 5));
      cts_attribute_int(&it, "k", k);
      if (k == 0) cts_attribute_int(&it, "dtype", OR_INT32);
      cts_emit(g, &it);
    }
  }
}

void cts_generate_cumulative(cts_generator_t *g) {
  CTS_EACH_DTYPE(g, dtype) {
    for (int form = 0; form < 4; ++form) {
      double axis = form - 2;
      cts_op_case_t it = cts_op_case(g, "");
      cts_input(&it, dtype, SHAPE(3, 9));
      cts_input_scalar(&it, form % 2 ? OR_INT32 : OR_INT64, &axis);
      cts_attribute_int(&it, "exclusive", form / 2);
      cts_attribute_int(&it, "reverse", form % 2);
      cts_emit(g, &it);
    }
  }
}

void cts_generate_reverse_sequence(cts_generator_t *g) {
  static const double lengths[] = {1, 4, 0};
  CTS_EACH_DTYPE(g, dtype) {
    for (int64_t batch = 0; batch < 2; ++batch) {
      cts_op_case_t it = cts_op_case(g, "");
      cts_input(&it, dtype, batch == 0 ? SHAPE(3, 4, 2) : SHAPE(4, 3, 2));
      cts_input_values(&it, OR_INT64, lengths, 3);
      cts_attribute_int(&it, "batch_axis", batch);
      cts_attribute_int(&it, "time_axis", 1 - batch);
      cts_emit(g, &it);
    }
  }
}

void cts_generate_blocks(cts_generator_t *g) {
  bool to_space = is(g, "DepthToSpace");
  CTS_EACH_DTYPE(g, dtype) {
    for (int mode = 0; mode < (g->version < (to_space ? 11 : 28) ? 1 : 2); ++mode) {
      cts_op_case_t it = cts_op_case(g, "");
      cts_input(&it, dtype, to_space ? SHAPE(2, 8, 3, 5) : SHAPE(2, 2, 6, 4));
      cts_attribute_int(&it, "blocksize", 2);
      if (mode == 1) cts_attribute_string(&it, "mode", "CRD");
      cts_emit(g, &it);
    }
  }
}

void cts_generate_resize(cts_generator_t *g) {
  static const double scales[] = {1, 1, 1.5, 0.75}, sizes[] = {1, 2, 7, 3};
  static const float attribute_scales[] = {1, 1, 1.5F, 0.75F};
  static const char *const modes[] = {"nearest", "linear", "cubic"};
  bool old = g->version < 11;
  CTS_EACH_DTYPE(g, dtype) {
    for (int form = 0; form < (old ? 2 : 6); ++form) {
      if (form % 3 > 0 && or_dtype_is_one_of(dtype, OR_OP_INTS)) continue; /* a share off by rounding is another one */
      cts_op_case_t it = cts_op_case(g, "");
      cts_input(&it, dtype, SHAPE(1, 2, 4, 4));
      cts_attribute_string(&it, "mode", modes[form % 3]);
      if (is(g, "Upsample") && g->version < 9) {
        cts_attribute_floats(&it, "scales", attribute_scales, 4);
      } else if (old) {
        cts_input_values(&it, OR_FLOAT32, scales, 4);
      } else {
        cts_input_values(&it, OR_FLOAT32, scales, 0);
        cts_input_values(&it, OR_FLOAT32, scales, form < 3 ? 4 : 0);
        if (form >= 3) cts_input_values(&it, OR_INT64, sizes, 4);
        if (form >= 3) cts_attribute_string(&it, "coordinate_transformation_mode", "align_corners");
      }
      cts_emit(g, &it);
    }
  }
  if (g->newest && is(g, "Resize")) cts_generate_resize_of_images(g);
}

void cts_generate_bit_cast(cts_generator_t *g) {
  CTS_EACH_DTYPE(g, dtype) {
    static const or_dtype_t of_width[] = {OR_INT8, OR_INT16, OR_INT32, OR_INT64, OR_COMPLEX128};
    for (size_t i = 0; i < sizeof of_width / sizeof *of_width; ++i) {
      if (or_dtype_bits(of_width[i]) != or_dtype_bits(dtype)) continue;
      cts_op_case_t it = cts_op_case(g, "");
      cts_input(&it, dtype, SHAPE(3, 5));
      cts_attribute_int(&it, "to", of_width[i]);
      cts_emit(g, &it);
    }
  }
}

void cts_generate_dropout(cts_generator_t *g) {
  static const double third = 0.375, yes = 1;
  CTS_EACH_DTYPE(g, dtype) {
    for (uint32_t form = 0; form < (g->version < 12 ? 2 : 4); ++form) {
      cts_op_case_t it = cts_op_case(g, "");
      cts_input(&it, dtype, SHAPE(3, 5));
      if (g->version < 7) cts_attribute_int(&it, "is_test", 1);
      if (form > 1) {
        cts_input_scalar(&it, OR_FLOAT32, &third);
        cts_input_scalar(&it, OR_BOOL, &yes)->constant = form == 2;
        cts_attribute_int(&it, "seed", 5);
      }
      it.output_count = form % 2 + 1;
      cts_emit(g, &it);
    }
  }
}

void cts_generate_einsum(cts_generator_t *g) {
  const struct {
    const char *equation;
    or_shape_t a, b; /* b of rank 0: one operand */
  } rows[] = {{"ij,jk->ik", SHAPE(3, 5), SHAPE(5, 4)},
              {"bhqd,bhkd->bhqk", SHAPE(2, 2, 3, 4), SHAPE(2, 2, 5, 4)},
              {"...ij->...ji", SHAPE(2, 3, 4), SCALAR},
              {"ii", SHAPE(4, 4), SCALAR},
              {"ibh,hnd->ibnd", SHAPE(3, 2, 4), SHAPE(4, 2, 3)},
              {"ibnd,jbnd->bnij", SHAPE(3, 2, 2, 4), SHAPE(5, 2, 2, 4)},
              {"ijbs,ibns->bnij", SHAPE(3, 4, 2, 2), SHAPE(3, 2, 5, 2)},
              {"i,j", SHAPE(3), SHAPE(4)},
              {"ij,ij->", SHAPE(3, 4), SHAPE(3, 4)}};
  CTS_EACH_DTYPE(g, dtype) {
    for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i) {
      cts_op_case_t it = cts_op_case(g, "");
      cts_input(&it, dtype, rows[i].a);
      if (rows[i].b.rank > 0) cts_input(&it, dtype, rows[i].b);
      cts_attribute_string(&it, "equation", rows[i].equation);
      cts_emit(g, &it);
    }
  }
}
