/* Random numbers (of seeds, or no two devices would agree), windows and spectra. */
#include <string.h>

#include "cts/op_case.h"

static const or_dtype_t floats[] = {OR_FLOAT16, OR_BFLOAT16, OR_FLOAT32, OR_FLOAT64};
#define FLOATS (sizeof floats / sizeof *floats)

static void random_case(cts_generator_t *g, or_dtype_t from, or_dtype_t to, or_shape_t shape, bool ranged) {
  bool normal = strncmp(g->op->name, "RandomNormal", 12) == 0;
  cts_op_case_t it = cts_op_case(g, "");
  if (from != OR_DTYPE_NONE) {
    cts_input(&it, from, shape);
  } else {
    cts_attribute_ints(&it, "shape", shape.dims, (size_t)shape.rank);
  }
  if (from != to) cts_attribute_int(&it, "dtype", to);
  if (ranged) {
    cts_attribute_float(&it, normal ? "mean" : "low", -3);
    cts_attribute_float(&it, normal ? "scale" : "high", 0.5F);
  }
  cts_attribute_float(&it, "seed", (float)shape.rank);
  cts_emit(g, &it);
}

void cts_generate_random(cts_generator_t *g) {
  const or_shape_t shapes[] = {SHAPE(3, 7), SHAPE(513), SCALAR, SHAPE(2, 0)};
  bool like = g->op->input_max > 0;
  for (size_t d = 0; d < FLOATS; ++d) {
    if ((or_op_dtypes(g->op, g->version) & OR_DTYPE_BIT(floats[d])) == 0) continue;
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; ++s)
      random_case(g, like ? floats[d] : OR_DTYPE_NONE, floats[d], shapes[s], s % 2 == 1);
  }
  CTS_EACH_DTYPE(g, from) {
    if (like) random_case(g, from, OR_FLOAT32, SHAPE(5), false);
  }
}

void cts_generate_bernoulli(cts_generator_t *g) {
  CTS_EACH_DTYPE(g, from) {
    for (or_dtype_t to = OR_DTYPE_NONE; to < OR_DTYPE_COUNT; ++to) {
      if (to != OR_DTYPE_NONE && ((OR_OP_NUMERIC | OR_DTYPE_BIT(OR_BOOL)) & OR_DTYPE_BIT(to)) == 0) continue;
      cts_op_case_t it = cts_op_case(g, "");
      cts_input_range(&it, from, to == OR_BOOL ? SHAPE(0, 3) : SHAPE(5, 67), -0.25, 1.25);
      if (to != OR_DTYPE_NONE) cts_attribute_int(&it, "dtype", to);
      cts_attribute_float(&it, "seed", 11);
      cts_emit(g, &it);
    }
  }
}

void cts_generate_multinomial(cts_generator_t *g) {
  const or_shape_t shapes[] = {SHAPE(1, 1), SHAPE(3, 10), SHAPE(2, 1000), SHAPE(0, 3)};
  CTS_EACH_DTYPE(g, dtype) {
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; ++s) {
      cts_op_case_t it = cts_op_case(g, "");
      cts_input_range(&it, dtype, shapes[s], -6, 3);
      if (s > 0) cts_attribute_int(&it, "sample_size", (int64_t)s * 100);
      if (s % 2 == 1) cts_attribute_int(&it, "dtype", OR_INT64);
      cts_attribute_float(&it, "seed", 2);
      cts_emit(g, &it);
    }
  }
}

void cts_generate_signal_window(cts_generator_t *g) {
  static const double sizes[] = {0, 2, 10, 401};
  for (size_t s = 0; s < sizeof sizes / sizeof *sizes; ++s) {
    for (int form = 0; form < 4; ++form) {
      cts_op_case_t it = cts_op_case(g, "");
      cts_input_scalar(&it, form % 2 == 0 ? OR_INT64 : OR_INT32, &sizes[s]);
      if (form > 0) cts_attribute_int(&it, "output_datatype", form == 3 ? OR_FLOAT64 : OR_FLOAT32);
      if (form > 1) cts_attribute_int(&it, "periodic", 0);
      cts_emit(g, &it);
    }
  }
  for (or_dtype_t to = OR_FLOAT32; to < OR_DTYPE_COUNT; ++to) {
    if ((OR_OP_NUMERIC & OR_DTYPE_BIT(to)) == 0) continue;
    cts_op_case_t it = cts_op_case(g, or_dtype_name(to));
    cts_input_scalar(&it, OR_INT64, &sizes[2]);
    cts_attribute_int(&it, "output_datatype", to);
    cts_emit(g, &it);
  }
}

void cts_generate_mel_weight_matrix(cts_generator_t *g) {
  static const double numbers[][5] = {{8, 16, 8192, 0, 4096}, {40, 400, 16000, 20, 8000}, {1, 1, 100, 0, 10}};
  for (size_t n = 0; n < sizeof numbers / sizeof *numbers; ++n) {
    for (or_dtype_t to = OR_FLOAT32; to < OR_DTYPE_COUNT; ++to) {
      if ((OR_OP_NUMERIC & OR_DTYPE_BIT(to)) == 0 || (n > 0 && to != OR_FLOAT64 && to != OR_FLOAT32)) continue;
      cts_op_case_t it = cts_op_case(g, or_dtype_name(to));
      for (size_t i = 0; i < 5; ++i)
        cts_input_scalar(&it, i < 3 ? (n == 1 ? OR_INT32 : OR_INT64) : floats[n + 1], &numbers[n][i]);
      cts_attribute_int(&it, "output_datatype", to);
      cts_emit(g, &it);
    }
  }
}

/* Lengths that are powers of two, products, primes below and above what is added up directly. */
void cts_generate_dft(cts_generator_t *g) {
  static const int64_t lengths[] = {1, 2, 8, 15, 37, 263};
  static const double axis = 0, cut[] = {5, 40};
  CTS_EACH_DTYPE(g, dtype) {
    for (size_t l = 0; l < sizeof lengths / sizeof *lengths; ++l) {
      for (int form = 0; form < 6; ++form) {
        bool inverse = form % 2 == 1, onesided = form / 2 == 1, other_axis = form / 2 == 2;
        if (inverse && onesided && lengths[l] == 1) continue;
        if (dtype != OR_FLOAT32 && l != 3) continue;
        cts_op_case_t it = cts_op_case(g, "");
        int64_t parts = onesided ? (inverse ? 2 : 1) : 1 + (int64_t)l % 2;
        cts_input(&it, dtype, other_axis ? SHAPE(lengths[l], 3, parts) : SHAPE(2, lengths[l], parts));
        if (l >= 3 && l < 5) cts_input_scalar(&it, OR_INT64, &cut[l - 3]);
        if (g->version >= 20 && other_axis) {
          if (l < 3 || l >= 5) cts_input_absent(&it);
          cts_input_scalar(&it, OR_INT64, &axis);
        }
        if (g->version < 20 && other_axis) cts_attribute_int(&it, "axis", 0);
        if (inverse) cts_attribute_int(&it, "inverse", 1);
        if (onesided) cts_attribute_int(&it, "onesided", 1);
        cts_emit(g, &it);
      }
    }
  }
}

void cts_generate_stft(cts_generator_t *g) {
  static const double step = 5, length = 16;
  CTS_EACH_DTYPE(g, dtype) {
    for (int form = 0; form < 6; ++form) {
      bool window = form % 2 == 0, given = form < 4, complex = form == 3 || form == 4;
      cts_op_case_t it = cts_op_case(g, "");
      cts_input(&it, dtype, SHAPE(form == 5 ? 0 : 2, 64, complex ? 2 : 1));
      cts_input_scalar(&it, form == 0 ? OR_INT64 : OR_INT32, &step);
      if (window) cts_input(&it, dtype, SHAPE(16))->constant = form == 0;
      if (!window) cts_input_absent(&it);
      if (given) cts_input_scalar(&it, OR_INT64, &length);
      if (complex || form == 2) cts_attribute_int(&it, "onesided", 0);
      cts_emit(g, &it);
    }
  }
}
