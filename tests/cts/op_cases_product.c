/* Conv, Gemm, MatMul, MatMulInteger. */
#include "base/numbers.h"
#include "cts/op_case.h"

/* A convolution in a row; zero means the attribute is left out. */
typedef struct conv_row_t {
  int spatial;
  int64_t batch, channels, filters, group;
  int64_t in[3], kernel[3], stride[3], dilation[3], pads[6];
  const char *auto_pad;
  bool bias;
} conv_row_t;

static const conv_row_t conv_rows[] = {
    {2, 1, 1, 1, 0, {5, 5}, {3, 3}, {0}, {0}, {0}, NULL, false},
    {2, 1, 3, 4, 0, {7, 9}, {3, 3}, {0}, {0}, {1, 1, 1, 1}, NULL, true},
    {2, 2, 3, 8, 0, {11, 13}, {3, 3}, {2, 2}, {0}, {1, 1, 1, 1}, NULL, true},
    {2, 1, 4, 6, 0, {9, 8}, {3, 2}, {1, 2}, {0}, {0, 1, 2, 3}, NULL, true},
    {2, 1, 4, 6, 0, {12, 11}, {3, 3}, {1, 1}, {2, 3}, {2, 3, 2, 3}, NULL, false},
    {2, 1, 5, 7, 0, {6, 6}, {1, 1}, {0}, {0}, {0}, NULL, true},
    {2, 3, 16, 32, 0, {7, 7}, {1, 1}, {0}, {0}, {0}, NULL, false},
    {2, 2, 17, 19, 0, {8, 8}, {1, 1}, {2, 2}, {0}, {0}, NULL, true},
    {2, 1, 8, 8, 2, {9, 9}, {3, 3}, {0}, {0}, {1, 1, 1, 1}, NULL, true},
    {2, 1, 6, 12, 3, {5, 7}, {3, 3}, {0}, {0}, {0}, NULL, false},
    {2, 2, 8, 8, 8, {10, 9}, {3, 3}, {0}, {0}, {1, 1, 1, 1}, NULL, true},
    {2, 1, 33, 33, 33, {7, 7}, {3, 3}, {2, 2}, {0}, {1, 1, 1, 1}, NULL, false},
    {2, 1, 4, 8, 4, {6, 6}, {5, 5}, {0}, {0}, {2, 2, 2, 2}, NULL, true},
    {2, 1, 3, 16, 0, {32, 32}, {7, 7}, {2, 2}, {0}, {3, 3, 3, 3}, NULL, true},
    {2, 1, 32, 32, 0, {14, 14}, {3, 3}, {0}, {0}, {1, 1, 1, 1}, NULL, true},
    {2, 2, 64, 64, 0, {15, 17}, {3, 3}, {0}, {0}, {1, 1, 1, 1}, NULL, true},
    {2, 1, 16, 24, 0, {1, 40}, {1, 5}, {0}, {0}, {0, 2, 0, 2}, NULL, true},
    {2, 1, 2, 3, 0, {6, 7}, {3, 3}, {2, 2}, {0}, {0}, "SAME_UPPER", false},
    {2, 1, 2, 3, 0, {7, 6}, {4, 3}, {2, 3}, {0}, {0}, "SAME_LOWER", true},
    {2, 1, 2, 3, 0, {7, 6}, {3, 3}, {2, 2}, {0}, {0}, "VALID", false},
    {2, 1, 2, 3, 0, {2, 2}, {5, 5}, {0}, {0}, {2, 2, 2, 2}, NULL, false},
    {2, 0, 2, 3, 0, {5, 5}, {3, 3}, {0}, {0}, {0}, NULL, true},
    {2, 1, 2, 0, 0, {5, 5}, {3, 3}, {0}, {0}, {0}, NULL, false},
    {1, 2, 3, 5, 0, {17}, {3}, {0}, {0}, {1, 1}, NULL, true},
    {1, 1, 4, 4, 4, {20}, {5}, {2}, {2}, {4, 4}, NULL, false},
    {3, 1, 2, 3, 0, {5, 6, 7}, {3, 2, 3}, {1, 2, 1}, {0}, {1, 0, 1, 1, 1, 1}, NULL, true},
    {3, 1, 4, 4, 2, {4, 4, 4}, {3, 3, 3}, {0}, {0}, {1, 1, 1, 1, 1, 1}, NULL, false},
};

static bool any(const int64_t *values, int count) {
  for (int i = 0; i < count; ++i) {
    if (values[i] != 0) return true;
  }
  return false;
}

static void conv(cts_generator_t *g, const conv_row_t *row, or_dtype_t dtype, bool constant, cts_fill_t fill) {
  cts_op_case_t it = cts_op_case(g, constant ? "" : "all given");
  int64_t x[5] = {row->batch, row->channels}, w[5] = {row->filters, row->channels / (row->group > 0 ? row->group : 1)};
  for (int i = 0; i < row->spatial; ++i) {
    x[2 + i] = row->in[i];
    w[2 + i] = row->kernel[i];
  }
  size_t rank = (size_t)row->spatial + 2;
  cts_input_fill(&it, dtype, or_shape_make(rank, x), fill);
  cts_input(&it, dtype, or_shape_make(rank, w))->constant = constant;
  if (row->bias) cts_input(&it, dtype, SHAPE(row->filters))->constant = constant;
  if (row->group > 0) cts_attribute_int(&it, "group", row->group);
  if (any(row->stride, 3)) cts_attribute_ints(&it, "strides", row->stride, (size_t)row->spatial);
  if (any(row->dilation, 3)) cts_attribute_ints(&it, "dilations", row->dilation, (size_t)row->spatial);
  if (any(row->pads, 6)) cts_attribute_ints(&it, "pads", row->pads, (size_t)row->spatial * 2);
  if (row->auto_pad != NULL) cts_attribute_string(&it, "auto_pad", row->auto_pad);
  if (row->group == 0) cts_attribute_ints(&it, "kernel_shape", row->kernel, (size_t)row->spatial);
  cts_emit(g, &it);
}

void cts_generate_conv(cts_generator_t *g) {
  size_t count = sizeof conv_rows / sizeof *conv_rows;
  for (size_t i = 0; i < count; ++i) {
    if (!g->newest && i % 4 != 1) continue;
    CTS_EACH_DTYPE(g, dtype) {
      if (dtype != OR_FLOAT32 && i % 3 != 1) continue;
      conv(g, &conv_rows[i], dtype, true, CTS_RANDOM);
      if (i % 2 == 1) conv(g, &conv_rows[i], dtype, false, CTS_RANDOM);
    }
  }
  if (!g->newest) return;
  static const conv_row_t far_apart = {2, 1, 1, 2, 0, {9, 40}, {3, 3}, {0}, {0}, {1, 1, 1, 1}, NULL, true};
  conv(g, &far_apart, OR_FLOAT32, true, CTS_SPECIAL);
  /* Every number of channels and filters around a vector's width. */
  for (int64_t n = 1; n <= 18; ++n) {
    conv_row_t row = {2, 1, n, 19 - n, 0, {6, 5}, {3, 3}, {0}, {0}, {1, 1, 1, 1}, NULL, true};
    conv(g, &row, OR_FLOAT32, true, CTS_RANDOM);
    row = (conv_row_t){2, 1, n, n, n, {6, n + 2}, {3, 3}, {0}, {0}, {1, 1, 1, 1}, NULL, true};
    conv(g, &row, OR_FLOAT32, true, CTS_RANDOM);
    row = (conv_row_t){2, 2, n, 2 * n, 0, {3, 5}, {1, 1}, {0}, {0}, {0}, NULL, false};
    conv(g, &row, OR_FLOAT32, true, CTS_RANDOM);
  }
}

typedef struct gemm_row_t {
  int64_t m, n, k;
  int64_t trans_a, trans_b;
  float alpha, beta; /* 0: left out */
  int c;             /* 0: none; 1: [M,N]; 2: [N]; 3: [M,1]; 4: scalar */
} gemm_row_t;

static const gemm_row_t gemm_rows[] = {
    {3, 5, 4, 0, 0, 0, 0, 1},    {3, 5, 4, 1, 0, 0, 0, 2},      {3, 5, 4, 0, 1, 0, 0, 3},
    {3, 5, 4, 1, 1, 0, 0, 4},    {7, 9, 8, 0, 1, 2, 3, 2},      {16, 16, 16, 0, 0, 0.5f, 2, 1},
    {33, 65, 31, 0, 1, 0, 0, 2}, {1, 100, 50, 0, 1, 0, 0, 2},   {64, 1, 37, 0, 0, 0, 0, 3},
    {1, 1, 1, 0, 0, 0, 0, 1},    {128, 96, 130, 1, 0, 0, 0, 2}, {0, 5, 4, 0, 0, 0, 0, 2},
    {3, 0, 4, 0, 0, 0, 0, 4},    {3, 5, 0, 0, 0, 0, 2, 1},      {100, 200, 300, 0, 0, 0, 0, 1},
};

static void gemm(cts_generator_t *g, const gemm_row_t *row, or_dtype_t dtype, bool constant) {
  cts_op_case_t it = cts_op_case(g, constant ? "" : "all given");
  cts_input(&it, dtype, row->trans_a ? SHAPE(row->k, row->m) : SHAPE(row->m, row->k));
  cts_input(&it, dtype, row->trans_b ? SHAPE(row->n, row->k) : SHAPE(row->k, row->n))->constant = constant;
  if (row->c > 0) {
    or_shape_t shape = row->c == 1   ? SHAPE(row->m, row->n)
                       : row->c == 2 ? SHAPE(row->n)
                       : row->c == 3 ? SHAPE(row->m, 1)
                                     : SCALAR;
    cts_input(&it, dtype, shape)->constant = constant;
  }
  if (row->trans_a) cts_attribute_int(&it, "transA", 1);
  if (row->trans_b) cts_attribute_int(&it, "transB", 1);
  if (row->alpha != 0) cts_attribute_float(&it, "alpha", row->alpha);
  if (row->beta != 0) cts_attribute_float(&it, "beta", row->beta);
  cts_emit(g, &it);
}

void cts_generate_gemm(cts_generator_t *g) {
  size_t count = sizeof gemm_rows / sizeof *gemm_rows;
  for (size_t i = 0; i < count; ++i) {
    if (!g->newest && i % 4 != 0) continue;
    CTS_EACH_DTYPE(g, dtype) {
      if (dtype != OR_FLOAT32 && i % 3 != 1 && i > 5) continue;
      gemm_row_t row = gemm_rows[i];
      if (or_dtype_is_integer(dtype) && row.alpha == 0.5f) row.alpha = 3;
      gemm(g, &row, dtype, true);
      if (i % 2 == 0) gemm(g, &row, dtype, false);
      if (g->version < 11 || i % 5 != 0) continue;
      row.c = 0;
      gemm(g, &row, dtype, true);
    }
  }
}

static void matmul(cts_generator_t *g, or_dtype_t dtype, or_shape_t a, or_shape_t b, bool constant) {
  cts_op_case_t it = cts_op_case(g, constant ? "constant" : "");
  cts_input(&it, dtype, a);
  cts_input(&it, dtype, b)->constant = constant;
  cts_emit(g, &it);
}

void cts_generate_matmul(cts_generator_t *g) {
  const struct {
    or_shape_t a, b;
  } rows[] = {
      {SHAPE(3, 4), SHAPE(4, 5)},
      {SHAPE(4), SHAPE(4)},
      {SHAPE(4), SHAPE(4, 5)},
      {SHAPE(3, 4), SHAPE(4)},
      {SHAPE(2, 3, 4), SHAPE(4, 5)},
      {SHAPE(2, 3, 4), SHAPE(2, 4, 5)},
      {SHAPE(3, 4), SHAPE(2, 4, 5)},
      {SHAPE(2, 1, 3, 4), SHAPE(5, 4, 6)},
      {SHAPE(4), SHAPE(3, 4, 2)},
      {SHAPE(2, 3, 4), SHAPE(4)},
      {SHAPE(1, 1), SHAPE(1, 1)},
      {SHAPE(0, 4), SHAPE(4, 5)},
      {SHAPE(3, 0), SHAPE(0, 5)},
      {SHAPE(3, 4), SHAPE(4, 0)},
      {SHAPE(0, 3, 4), SHAPE(0, 4, 2)},
      {SHAPE(17, 33), SHAPE(33, 29)},
      {SHAPE(64, 64), SHAPE(64, 64)},
      {SHAPE(1, 257), SHAPE(257, 129)},
      {SHAPE(257, 3), SHAPE(3, 1)},
      {SHAPE(12, 31, 16), SHAPE(12, 16, 31)},
      {SHAPE(2, 12, 7, 64), SHAPE(2, 12, 64, 7)},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i) {
    if (!g->newest && i % 4 != 0) continue;
    CTS_EACH_DTYPE(g, dtype) {
      if (dtype != OR_FLOAT32 && i % 2 != 0) continue;
      matmul(g, dtype, rows[i].a, rows[i].b, false);
      if (i % 3 == 0) matmul(g, dtype, rows[i].a, rows[i].b, true);
    }
  }
  if (!g->newest) return;
  for (int64_t n = 1; n <= 34; ++n) {
    matmul(g, OR_FLOAT32, SHAPE(35 - n, n), SHAPE(n, n), n % 2 == 0);
    matmul(g, OR_FLOAT32, SHAPE(n, 5), SHAPE(5, 35 - n), n % 2 == 1);
  }
  matmul(g, OR_FLOAT32, SHAPE(255, 511), SHAPE(511, 383), true);
  matmul(g, OR_FLOAT32, SHAPE(200, 1000), SHAPE(1000, 96), false);
  matmul(g, OR_FLOAT32, SHAPE(0, 100000), SHAPE(100000, 3), false); /* no row, and much before it to read by mistake */
  cts_op_case_t it = cts_op_case(g, "");
  cts_input_fill(&it, OR_FLOAT32, SHAPE(22, 3), CTS_SPECIAL);
  cts_input(&it, OR_FLOAT32, SHAPE(3, 20));
  cts_emit(g, &it);
}

/* Bytes of both kinds, with and without zero points. */
void cts_generate_matmul_integer(cts_generator_t *g) {
  static const int64_t rows[][3] = {{1, 1, 1},     {3, 5, 7}, {16, 17, 33}, {65, 64, 63},
                                    {1, 100, 257}, {4, 0, 3}, {0, 4, 3}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i) {
    CTS_EACH_DTYPE(g, a) {
      CTS_EACH_DTYPE(g, b) {
        for (int zero = 0; zero < 3; ++zero) { /* none, one number, one a row and column */
          cts_op_case_t it = cts_op_case(g, zero == 0   ? ""
                                            : zero == 1 ? "zero points"
                                                        : "zero points by row and column");
          cts_input_fill(&it, a, SHAPE(rows[i][0], rows[i][1]), i % 2 == 0 ? CTS_RANDOM : CTS_SPECIAL);
          cts_input(&it, b, SHAPE(rows[i][1], rows[i][2]))->constant = i % 2 == 1;
          if (zero > 0) cts_input(&it, a, zero == 1 ? SCALAR : SHAPE(rows[i][0]));
          if (zero > 0) cts_input(&it, b, zero == 1 ? SCALAR : SHAPE(rows[i][2]));
          cts_emit(g, &it);
        }
      }
    }
  }
}
