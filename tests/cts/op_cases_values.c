/* Cast, Shape, Size, constants, Range; and the operators of compute tasks. */
#include <string.h>

#include "base/numbers.h"
#include "base/string.h"
#include "cts/op_case.h"

static bool is(const cts_generator_t *g, const char *name) { return strcmp(g->op->name, name) == 0; }

static bool recent(or_dtype_t dtype) { return dtype >= OR_FLOAT8E4M3FN; }

void cts_generate_cast(cts_generator_t *g) {
  CTS_EACH_DTYPE(g, from) {
    CTS_EACH_DTYPE(g, to) {
      if (!g->newest && (recent(from) || recent(to) || (from != OR_FLOAT32 && to != OR_FLOAT32))) continue;
      for (int fill = 0; fill < 3; ++fill) {
        cts_op_case_t it = cts_op_case(g, or_dtype_name(to));
        if (fill == 0) cts_input(&it, from, SHAPE(3, 37));
        if (fill == 1) cts_input_fill(&it, from, SHAPE(3, 37), CTS_SPECIAL);
        if (fill == 2) cts_input_range(&it, from, SHAPE(257), or_dtype_is_signed(from) ? -300 : 0, 300);
        if (fill == 2 && (from == OR_BOOL || or_dtype_bits(from) < 16)) continue;
        cts_attribute_int(&it, "to", to);
        cts_emit(g, &it);
      }
      if (g->version < 19 || to < OR_FLOAT8E4M3FN || to > OR_FLOAT8E5M2FNUZ || !or_dtype_is_float(from)) continue;
      cts_op_case_t it = cts_op_case(g, or_dtype_name(to));
      cts_input_range(&it, from, SHAPE(100), -1e5, 1e5);
      cts_attribute_int(&it, "to", to);
      cts_attribute_int(&it, "saturate", 0);
      cts_emit(g, &it);
    }
  }
  cts_op_case_t it = cts_op_case(g, "empty");
  cts_input(&it, OR_FLOAT32, SHAPE(0, 3));
  cts_attribute_int(&it, "to", OR_INT64);
  cts_emit(g, &it);
}

void cts_generate_cast_like(cts_generator_t *g) {
  CTS_EACH_DTYPE(g, from) {
    CTS_EACH_DTYPE(g, to) {
      if (from != OR_FLOAT32 && to != OR_FLOAT32) continue;
      if (g->version < 19 && (recent(from) || recent(to))) continue;
      cts_op_case_t it = cts_op_case(g, "");
      cts_input_fill(&it, from, SHAPE(3, 11), CTS_SPECIAL);
      cts_input(&it, to, SHAPE(2));
      cts_emit(g, &it);
    }
  }
}

void cts_generate_shape(cts_generator_t *g) {
  const or_shape_t shapes[] = {SHAPE(2, 3, 4), SCALAR, SHAPE(0, 5), SHAPE(7)};
  CTS_EACH_DTYPE(g, dtype) {
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; ++i) {
      if (dtype != OR_FLOAT32 && i > 0) continue;
      cts_op_case_t it = cts_op_case(g, "");
      cts_input(&it, dtype, shapes[i]);
      cts_emit(g, &it);
    }
  }
  if (!is(g, "Shape") || g->version < 15) return;
  for (int64_t start = -4; start <= 4; start += 2) {
    for (int64_t end = -4; end <= 4; ++end) {
      cts_op_case_t it = cts_op_case(g, "");
      cts_input(&it, OR_FLOAT32, SHAPE(2, 3, 4));
      cts_attribute_int(&it, "start", start);
      cts_attribute_int(&it, "end", end);
      cts_emit(g, &it);
    }
  }
}

/* A tensor attribute of up to 24 bytes an element. */
typedef struct tensor_t {
  or_constant_t constant;
  _Alignas(16) unsigned char data[16 * 24];
} tensor_t;

static void make_tensor(tensor_t *out, or_dtype_t dtype, or_shape_t shape) {
  uint64_t count = 0;
  or_random_t random = {.state = 3};
  (void)or_shape_count(&shape, &count);
  memset(out, 0, sizeof *out);
  if (dtype == OR_COMPLEX64 || dtype == OR_COMPLEX128) {
    or_random_fill(&random, dtype == OR_COMPLEX64 ? OR_FLOAT32 : OR_FLOAT64, out->data, (size_t)count * 2);
  } else {
    or_random_fill(&random, dtype, out->data, (size_t)count);
  }
  out->constant = (or_constant_t){.dtype = dtype,
                                  .shape = shape,
                                  .bytes = or_dtype_bytes(dtype, count),
                                  .hash = or_hash_bytes(out->data, sizeof out->data, 5),
                                  .data = out->data};
}

void cts_generate_constant(cts_generator_t *g) {
  const or_shape_t shapes[] = {SHAPE(2, 3, 4), SCALAR, SHAPE(0), SHAPE(5)};
  CTS_EACH_DTYPE(g, dtype) {
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; ++i) {
      if (!g->newest && i > 0) continue;
      tensor_t tensor;
      make_tensor(&tensor, dtype, shapes[i]);
      char shape[64], label[96];
      (void)or_shape_format(&shapes[i], shape, sizeof shape);
      cts_op_case_t it = cts_op_case(g, or_format(label, sizeof label, "%s%s", or_dtype_name(dtype), shape));
      cts_attribute_tensor(&it, "value", &tensor.constant);
      cts_emit(g, &it);
    }
  }
  if (g->version < 12) return;
  static const float reals[] = {1.5f, -2, 0};
  cts_op_case_t it = cts_op_case(g, "");
  cts_attribute_float(&it, "value_float", 2.5f);
  cts_emit(g, &it);
  it = cts_op_case(g, "");
  cts_attribute_floats(&it, "value_floats", reals, 3);
  cts_emit(g, &it);
  it = cts_op_case(g, "");
  cts_attribute_int(&it, "value_int", -7);
  cts_emit(g, &it);
  it = cts_op_case(g, "");
  cts_attribute_ints(&it, "value_ints", INTS(3, -4, 5));
  cts_emit(g, &it);
}

void cts_generate_constant_of_shape(cts_generator_t *g) {
  static const or_dtype_t dtypes[] = {OR_DTYPE_NONE, OR_FLOAT32, OR_FLOAT64, OR_FLOAT16, OR_INT64,
                                      OR_INT32,      OR_INT8,    OR_UINT8,   OR_BOOL};
  const struct {
    double dims[3];
    size_t rank;
  } shapes[] = {{{2, 3, 4}, 3}, {{0}, 0}, {{0, 3}, 2}, {{300}, 1}};
  for (size_t d = 0; d < sizeof dtypes / sizeof *dtypes; ++d) {
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; ++i) {
      tensor_t tensor;
      cts_op_case_t it = cts_op_case(g, or_dtype_name(dtypes[d]));
      cts_input_values(&it, OR_INT64, shapes[i].dims, shapes[i].rank);
      if (dtypes[d] != OR_DTYPE_NONE) {
        make_tensor(&tensor, dtypes[d], SHAPE(1));
        cts_attribute_tensor(&it, "value", &tensor.constant);
      }
      cts_emit(g, &it);
    }
  }
}

void cts_generate_range(cts_generator_t *g) {
  static const double rows[][3] = {{0, 10, 1}, {10, 0, -3}, {1, 1, 1}, {5, 2, 1}, {-4, 9, 2}, {0, 100, 7}};
  CTS_EACH_DTYPE(g, dtype) {
    for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i) {
      cts_op_case_t it = cts_op_case(g, "");
      for (int k = 0; k < 3; ++k) cts_input_scalar(&it, dtype, &rows[i][k]);
      cts_emit(g, &it);
    }
  }
  static const double quarter[3] = {0.5, 3, 0.25};
  cts_op_case_t it = cts_op_case(g, "");
  for (int k = 0; k < 3; ++k) cts_input_scalar(&it, OR_FLOAT32, &quarter[k]);
  cts_emit(g, &it);
}

static const int64_t vector_counts[] = {1, 3, 8, 15, 16, 17, 100, 1023, 0, 50000, 300007};

static void vector(cts_generator_t *g, or_dtype_t dtype, or_shape_t shape, int inputs, float alpha) {
  cts_op_case_t it = cts_op_case(g, "");
  for (int i = 0; i < inputs; ++i) cts_input(&it, dtype, shape);
  if (alpha != 0) cts_attribute_float(&it, "alpha", alpha);
  cts_emit(g, &it);
}

static void vectors(cts_generator_t *g, int inputs) {
  bool scaled = g->op->attributes[0].name != NULL;
  CTS_EACH_DTYPE(g, dtype) {
    for (size_t i = 0; i < sizeof vector_counts / sizeof *vector_counts; ++i) {
      vector(g, dtype, SHAPE(vector_counts[i]), inputs, scaled && i % 2 == 1 ? -2.5f : 0);
    }
    vector(g, dtype, SHAPE(7, 9, 5), inputs, scaled ? 0.125f : 0);
    cts_op_case_t it = cts_op_case(g, "");
    for (int i = 0; i < inputs; ++i) cts_input_fill(&it, dtype, SHAPE(3), CTS_SPECIAL);
    cts_emit(g, &it);
  }
}

void cts_generate_vector(cts_generator_t *g) { vectors(g, 1); }
void cts_generate_vector_pair(cts_generator_t *g) { vectors(g, 2); }

void cts_generate_fill(cts_generator_t *g) {
  const struct {
    int64_t dims[3];
    size_t rank;
  } shapes[] = {{{2, 3, 4}, 3}, {{0, 3}, 2}, {{1000}, 1}, {{100003}, 1}};
  CTS_EACH_DTYPE(g, dtype) {
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; ++i) {
      cts_op_case_t it = cts_op_case(g, "");
      cts_attribute_ints(&it, "shape", shapes[i].dims, shapes[i].rank);
      if (i > 0) cts_attribute_float(&it, "value", 3);
      if (dtype != OR_FLOAT32) cts_attribute_int(&it, "dtype", dtype);
      cts_emit(g, &it);
    }
  }
}
