/* Operators that work element by element: one input, two, any number; comparison, logic, Where. */
#include <string.h>

#include "base/numbers.h"
#include "base/string.h"
#include "cts/op_case.h"

static bool is(const cts_generator_t *g, const char *name) { return strcmp(g->op->name, name) == 0; }

static void one_input(cts_generator_t *g, or_dtype_t dtype, or_shape_t shape, cts_fill_t fill) {
  cts_op_case_t it = cts_op_case(g, "");
  cts_input_fill(&it, dtype, shape, fill);
  cts_emit(g, &it);
}

static void in_range(cts_generator_t *g, or_dtype_t dtype, double low, double high) {
  cts_op_case_t it = cts_op_case(g, "");
  char label[48];
  (void)or_format(label, sizeof label, "in %g..%g", low, high);
  it.label = label;
  cts_input_range(&it, dtype, SHAPE(1027), low, high);
  cts_emit(g, &it);
}

/* Parameters away from their defaults, where the operator has any. */
static void with_attributes(cts_generator_t *g, or_dtype_t dtype) {
  if (is(g, "Gelu")) {
    cts_op_case_t it = cts_op_case(g, "");
    cts_input_range(&it, dtype, SHAPE(3, 67), -6, 6);
    cts_attribute_string(&it, "approximate", "tanh");
    cts_emit(g, &it);
    return;
  }
  for (size_t i = 0; i < OR_OP_MAX_ATTRIBUTES && g->op->attributes[i].name != NULL; ++i) {
    if (g->op->attributes[i].kind != OR_ATTRIBUTE_FLOAT) continue;
    cts_op_case_t it = cts_op_case(g, "");
    cts_input_range(&it, dtype, SHAPE(3, 67), -4, 4);
    cts_attribute_float(&it, g->op->attributes[i].name, 0.3f);
    cts_emit(g, &it);
  }
}

void cts_generate_unary(cts_generator_t *g) {
  bool of_positive = is(g, "Log") || is(g, "Sqrt");
  CTS_EACH_DTYPE(g, dtype) {
    one_input(g, dtype, SHAPE(2, 3, 17), CTS_RANDOM);
    one_input(g, dtype, SHAPE(33), CTS_SPECIAL);
    if (!g->newest && dtype != OR_FLOAT32) continue;
    one_input(g, dtype, SCALAR, CTS_RANDOM);
    one_input(g, dtype, SHAPE(3, 0, 5), CTS_RANDOM);
    one_input(g, dtype, SHAPE(1), CTS_RANDOM);
    one_input(g, dtype, SHAPE(7, 13, 11), CTS_RANDOM);
    if (or_dtype_is_float(dtype)) {
      in_range(g, dtype, of_positive ? 1e-3 : -10, 10);
      with_attributes(g, dtype);
    }
  }
  if (!g->newest || !(g->op->dtypes & OR_DTYPE_BIT(OR_FLOAT32))) return;
  for (int64_t count = 1; count <= 40; ++count)
    one_input(g, OR_FLOAT32, SHAPE(count), CTS_RANDOM);   /* every vector's tail */
  one_input(g, OR_FLOAT32, SHAPE(3, 100003), CTS_RANDOM); /* several threads */
  in_range(g, OR_FLOAT32, of_positive ? 1e-30 : -1e4, is(g, "Exp") || is(g, "Tan") ? 80 : 1e4);
  in_range(g, OR_FLOAT32, -1e-4, 1e-4);
}

void cts_generate_clip(cts_generator_t *g) {
  static const double low = -0.25, high = 0.5, three = 3, five = 5;
  CTS_EACH_DTYPE(g, dtype) {
    bool real = or_dtype_is_float(dtype);
    for (int bounds = 0; bounds < 4; ++bounds) {
      for (int special = 0; special < 2; ++special) {
        cts_op_case_t it = cts_op_case(g, "");
        cts_input_fill(&it, dtype, SHAPE(5, 23), special ? CTS_SPECIAL : CTS_RANDOM);
        if (g->version < 11) {
          if (bounds & 1) cts_attribute_float(&it, "min", real ? -0.25f : 3);
          if (bounds & 2) cts_attribute_float(&it, "max", real ? 0.5f : 5);
        } else {
          if (bounds & 1) cts_input_scalar(&it, dtype, real ? &low : &three);
          if (bounds == 2) cts_input_absent(&it);
          if (bounds & 2) cts_input_scalar(&it, dtype, real ? &high : &five)->constant = special == 0;
        }
        cts_emit(g, &it);
      }
    }
  }
  one_input(g, OR_FLOAT32, SHAPE(0, 4), CTS_RANDOM);
}

static void add_fmod(const cts_generator_t *g, or_dtype_t dtype, cts_op_case_t *it) {
  if (is(g, "Mod") && or_dtype_is_float(dtype) && g->version < 28) cts_attribute_int(it, "fmod", 1);
}

static void two_inputs(cts_generator_t *g, or_dtype_t dtype, or_shape_t a, or_shape_t b, cts_fill_t fill) {
  cts_op_case_t it = cts_op_case(g, "");
  cts_input_fill(&it, dtype, a, fill);
  cts_input_fill(&it, dtype, b, fill);
  add_fmod(g, dtype, &it);
  cts_emit(g, &it);
}

static void all_broadcasts(cts_generator_t *g, or_dtype_t dtype) {
  two_inputs(g, dtype, SHAPE(3, 4, 5), SHAPE(5), CTS_RANDOM);
  two_inputs(g, dtype, SHAPE(5), SHAPE(3, 4, 5), CTS_RANDOM);
  two_inputs(g, dtype, SHAPE(3, 4, 5), SHAPE(4, 1), CTS_RANDOM);
  two_inputs(g, dtype, SHAPE(3, 1, 5), SHAPE(1, 4, 1), CTS_RANDOM);
  two_inputs(g, dtype, SHAPE(1, 4, 1), SHAPE(3, 1, 5), CTS_RANDOM);
  two_inputs(g, dtype, SHAPE(2, 3, 4, 5), SCALAR, CTS_RANDOM);
  two_inputs(g, dtype, SCALAR, SHAPE(2, 3, 4, 5), CTS_RANDOM);
  two_inputs(g, dtype, SCALAR, SCALAR, CTS_RANDOM);
  two_inputs(g, dtype, SHAPE(1), SHAPE(1), CTS_RANDOM);
  two_inputs(g, dtype, SHAPE(2, 3, 7, 1), SHAPE(2, 1, 1, 9), CTS_RANDOM);
  two_inputs(g, dtype, SHAPE(1, 16, 1, 1), SHAPE(2, 16, 5, 7), CTS_RANDOM);
  two_inputs(g, dtype, SHAPE(2, 16, 5, 7), SHAPE(1, 16, 1, 1), CTS_RANDOM);
  two_inputs(g, dtype, SHAPE(2, 1, 2, 1, 2, 1), SHAPE(1, 3, 1, 3, 1, 3), CTS_RANDOM);
  two_inputs(g, dtype, SHAPE(0, 3), SHAPE(3), CTS_RANDOM);
  two_inputs(g, dtype, SHAPE(3, 1), SHAPE(1, 0), CTS_RANDOM);
  two_inputs(g, dtype, SHAPE(129, 257), SHAPE(257), CTS_RANDOM);
}

void cts_generate_binary(cts_generator_t *g) {
  CTS_EACH_DTYPE(g, dtype) {
    two_inputs(g, dtype, SHAPE(4, 37), SHAPE(4, 37), CTS_RANDOM);
    if (g->version < 7) continue; /* no general broadcasting yet */
    two_inputs(g, dtype, SHAPE(3, 4, 5), SHAPE(4, 1), CTS_RANDOM);
    two_inputs(g, dtype, SHAPE(11, 1), SHAPE(1, 11), CTS_SPECIAL); /* every pair of special values */
    if (g->newest) all_broadcasts(g, dtype);
    if (is(g, "Mod") && or_dtype_is_integer(dtype)) {
      cts_op_case_t it = cts_op_case(g, "");
      cts_input_range(&it, dtype, SHAPE(9, 9), or_dtype_is_signed(dtype) ? -100 : 0, 100);
      cts_input(&it, dtype, SHAPE(9, 9));
      cts_attribute_int(&it, "fmod", 1);
      cts_emit(g, &it);
    }
  }
  if (!g->newest || !(g->op->dtypes & OR_DTYPE_BIT(OR_FLOAT32))) return;
  for (int64_t count = 1; count <= 40; ++count) two_inputs(g, OR_FLOAT32, SHAPE(3, count), SHAPE(count), CTS_RANDOM);
  two_inputs(g, OR_FLOAT32, SHAPE(300007), SHAPE(300007), CTS_RANDOM);
  cts_op_case_t it = cts_op_case(g, "constant");
  cts_input(&it, OR_FLOAT32, SHAPE(2, 8, 3, 3));
  cts_input(&it, OR_FLOAT32, SHAPE(8, 1, 1))->constant = true;
  add_fmod(g, OR_FLOAT32, &it);
  cts_emit(g, &it);
}

void cts_generate_pow(cts_generator_t *g) {
  static const double exponents[] = {0, 1, 2, 3, -1, 0.5, -2};
  CTS_EACH_DTYPE(g, dtype) {
    cts_op_case_t it = cts_op_case(g, "");
    cts_input_range(&it, dtype, SHAPE(5, 7), 1, 4);
    cts_input_values(&it, dtype, exponents, 7)->constant = g->newest;
    if (g->version < 7) it.inputs[1].shape = SHAPE(5, 7);
    cts_emit(g, &it);
    if (g->version < 7) continue;
    it = cts_op_case(g, "square");
    cts_input(&it, dtype, SHAPE(3, 41));
    cts_input_scalar(&it, dtype, &exponents[2]);
    cts_emit(g, &it);
    if (or_dtype_is_float(dtype)) two_inputs(g, dtype, SHAPE(11, 1), SHAPE(1, 11), CTS_SPECIAL);
    two_inputs(g, dtype, SHAPE(0, 4), SHAPE(4), CTS_RANDOM);
    if (g->version < 12) continue;
    it = cts_op_case(g, "");
    cts_input_range(&it, dtype, SHAPE(5, 7), 1, 4);
    cts_input_values(&it, OR_INT64, exponents, 4)->shape = SHAPE(4, 1, 1);
    cts_emit(g, &it);
  }
}

void cts_generate_variadic(cts_generator_t *g) {
  CTS_EACH_DTYPE(g, dtype) {
    for (uint32_t count = 1; count <= (g->newest ? 5u : 2u); ++count) {
      cts_op_case_t it = cts_op_case(g, "");
      for (uint32_t i = 0; i < count; ++i) {
        bool smaller = g->version >= 8 && i % 2 == 1;
        cts_input(&it, dtype, smaller ? SHAPE(1, 19) : SHAPE(3, 19));
      }
      cts_emit(g, &it);
    }
    if (g->version >= 8) two_inputs(g, dtype, SHAPE(11, 1), SHAPE(1, 11), CTS_SPECIAL);
    if (g->newest) all_broadcasts(g, dtype);
  }
}

void cts_generate_logic(cts_generator_t *g) {
  two_inputs(g, OR_BOOL, SHAPE(4, 37), SHAPE(4, 37), CTS_RANDOM);
  if (g->version >= 7) all_broadcasts(g, OR_BOOL);
}

void cts_generate_where(cts_generator_t *g) {
  static const or_dtype_t dtypes[] = {OR_FLOAT32, OR_FLOAT64, OR_FLOAT16, OR_BFLOAT16, OR_INT64,
                                      OR_INT32,   OR_INT8,    OR_UINT16,  OR_BOOL,     OR_COMPLEX64};
  const struct {
    or_shape_t condition, x, y;
  } shapes[] = {
      {SHAPE(5, 7), SHAPE(5, 7), SHAPE(5, 7)}, {SHAPE(5, 1), SHAPE(1, 7), SCALAR},
      {SHAPE(7), SHAPE(3, 5, 7), SHAPE(5, 1)}, {SCALAR, SHAPE(4), SHAPE(4)},
      {SHAPE(0, 3), SHAPE(3), SHAPE(1, 3)},
  };
  for (size_t d = 0; d < sizeof dtypes / sizeof *dtypes; ++d) {
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; ++i) {
      cts_op_case_t it = cts_op_case(g, or_dtype_name(dtypes[d]));
      cts_input(&it, OR_BOOL, shapes[i].condition);
      cts_input(&it, dtypes[d], shapes[i].x);
      cts_input_fill(&it, dtypes[d], shapes[i].y, or_dtype_is_float(dtypes[d]) ? CTS_SPECIAL : CTS_RANDOM);
      cts_emit(g, &it);
    }
  }
}
