/* QuantizeLinear, DequantizeLinear, DynamicQuantizeLinear, QLinearMatMul, ConvInteger, QLinearConv. */
#include "base/numbers.h"
#include "cts/op_case.h"

/* One scale, one an index of axis 1 or of the last axis, or blocks of 4 along the last. */
typedef enum reach_t { REACH_TENSOR, REACH_MIDDLE, REACH_LAST, REACH_BLOCKS } reach_t;
#define REACHES 4

static or_shape_t reach_shape(reach_t reach, const or_shape_t *x) {
  or_shape_t shape = *x;
  if (reach == REACH_TENSOR) return SCALAR;
  if (reach == REACH_MIDDLE) return SHAPE(x->dims[1]);
  if (reach == REACH_LAST) return SHAPE(x->dims[x->rank - 1]);
  shape.dims[x->rank - 1] = (x->dims[x->rank - 1] + 3) / 4;
  return shape;
}

static void reach_attributes(cts_op_case_t *it, reach_t reach) {
  if (reach >= REACH_LAST) cts_attribute_int(it, "axis", -1);
  if (reach == REACH_BLOCKS) cts_attribute_int(it, "block_size", 4);
}

static bool offered(const cts_generator_t *g, reach_t reach) {
  return reach == REACH_TENSOR || g->version >= (reach == REACH_BLOCKS ? 21 : 13);
}

static const char *const reach_names[REACHES] = {"one scale", "scales of axis 1", "scales of the last axis", "blocks"};
static const or_dtype_t bytes[] = {OR_INT8, OR_UINT8};
static const or_dtype_t narrow[] = {OR_INT8,           OR_UINT8,      OR_INT16,          OR_UINT16,     OR_FLOAT8E4M3FN,
                                    OR_FLOAT8E4M3FNUZ, OR_FLOAT8E5M2, OR_FLOAT8E5M2FNUZ, OR_UINT4,      OR_INT4,
                                    OR_UINT2,          OR_INT2,       OR_FLOAT4E2M1,     OR_FLOAT6E2M3, OR_FLOAT6E3M2};
#define NARROW_COUNT (sizeof narrow / sizeof *narrow)

static void quantize_case(cts_generator_t *g, or_dtype_t from, or_dtype_t to, or_shape_t shape, reach_t reach,
                          cts_fill_t fill) {
  cts_op_case_t it = cts_op_case(g, reach_names[reach]);
  if (fill == CTS_RANGE) {
    cts_input_range(&it, from, shape, -40, 40);
  } else {
    cts_input_fill(&it, from, shape, fill);
  }
  cts_input_range(&it, from == OR_INT32 ? OR_FLOAT32 : from, reach_shape(reach, &shape), 0.05, 0.5);
  cts_input(&it, to, reach_shape(reach, &shape));
  reach_attributes(&it, reach);
  cts_emit(g, &it);
}

void cts_generate_quantize(cts_generator_t *g) {
  const or_shape_t shapes[] = {SHAPE(2, 3, 37), SHAPE(3, 5, 16), SHAPE(1, 1, 1), SHAPE(2, 64, 7, 7), SHAPE(2, 3, 0)};
  for (size_t s = 0; s < sizeof shapes / sizeof *shapes; ++s) {
    for (int r = 0; r < REACHES; ++r) {
      if (!offered(g, (reach_t)r)) continue;
      for (size_t t = 0; t < NARROW_COUNT; ++t) {
        bool byte = narrow[t] == OR_INT8 || narrow[t] == OR_UINT8;
        if (!byte && (!g->newest || s > 0)) continue;
        quantize_case(g, OR_FLOAT32, narrow[t], shapes[s], (reach_t)r, CTS_RANGE);
        if (s == 0 && g->newest) quantize_case(g, OR_FLOAT16, narrow[t], shapes[s], (reach_t)r, CTS_RANGE);
        if (s == 0 && byte) quantize_case(g, OR_INT32, narrow[t], shapes[s], (reach_t)r, CTS_RANGE);
        if (s < 2 && byte) quantize_case(g, OR_FLOAT32, narrow[t], shapes[s], (reach_t)r, CTS_SPECIAL);
      }
    }
  }
  cts_op_case_t it = cts_op_case(g, "halves without a zero point");
  const double halves[] = {0.5, 1.5, 2.5, 3.5, 254.5, 255.5, -0.5, 1e9};
  cts_input_values(&it, OR_FLOAT32, halves, sizeof halves / sizeof *halves);
  cts_input_scalar(&it, OR_FLOAT32, &(double){1});
  cts_emit(g, &it);
  it = cts_op_case(g, "large, of constants");
  cts_input_range(&it, OR_FLOAT32, SHAPE(3, 40001), -300, 300);
  cts_input_scalar(&it, OR_FLOAT32, &(double){1.7});
  cts_input_scalar(&it, OR_INT8, &(double){-3});
  cts_emit(g, &it);
}

void cts_generate_dequantize(cts_generator_t *g) {
  const or_shape_t shapes[] = {SHAPE(2, 3, 37), SHAPE(3, 5, 16), SHAPE(1, 1, 1), SHAPE(2, 64, 7, 7), SHAPE(2, 3, 0)};
  CTS_EACH_DTYPE(g, from) {
    bool byte = from == OR_INT8 || from == OR_UINT8;
    if (!byte && from != OR_INT32 && !g->newest) continue;
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; ++s) {
      for (int r = 0; r < REACHES; ++r) {
        if (!offered(g, (reach_t)r) || (!byte && s > 0)) continue;
        for (int to = 0; to < 2; ++to) {
          if (to == 1 && (g->version < 19 || s > 0)) continue;
          cts_op_case_t it = cts_op_case(g, reach_names[r]);
          cts_input_fill(&it, from, shapes[s], s == 1 ? CTS_SPECIAL : CTS_RANDOM);
          cts_input_range(&it, to == 0 ? OR_FLOAT32 : OR_FLOAT16, reach_shape((reach_t)r, &shapes[s]), 0.05, 0.5);
          if (s != 2 && or_dtype_is_integer(from)) cts_input(&it, from, reach_shape((reach_t)r, &shapes[s]));
          reach_attributes(&it, (reach_t)r);
          cts_emit(g, &it);
        }
      }
    }
  }
}

void cts_generate_dynamic_quantize(cts_generator_t *g) {
  static const double ends[][2] = {{-1, 1}, {2, 9}, {-300, -3}, {-1e-3, 50}};
  const or_shape_t shapes[] = {SHAPE(257), SHAPE(2, 3, 5), SCALAR, SHAPE(3, 30001), SHAPE(0, 3)};
  for (size_t s = 0; s < sizeof shapes / sizeof *shapes; ++s) {
    for (size_t i = 0; i < sizeof ends / sizeof *ends; ++i) {
      cts_op_case_t it = cts_op_case(g, "");
      it.output_count = 3;
      cts_input_range(&it, OR_FLOAT32, shapes[s], ends[i][0], ends[i][1]);
      cts_emit(g, &it);
    }
  }
  cts_op_case_t it = cts_op_case(g, "zeros");
  it.output_count = 3;
  cts_input_range(&it, OR_FLOAT32, SHAPE(40), 0, 0);
  cts_emit(g, &it);
}

/* A scale and a zero point of that many: 0: one number. */
static void parameters(cts_op_case_t *it, or_dtype_t dtype, int64_t count, double scale, bool constant) {
  or_shape_t shape = count == 0 ? SCALAR : SHAPE(count);
  cts_input_range(it, OR_FLOAT32, shape, scale / 2, scale)->constant = constant;
  cts_input(it, dtype, shape)->constant = constant;
}

static void full_range(cts_op_case_t *it, or_dtype_t dtype, or_shape_t shape, bool constant) {
  bool is_signed = or_dtype_is_signed(dtype);
  cts_input_range(it, dtype, shape, is_signed ? -128 : 0, is_signed ? 128 : 256)->constant = constant;
}

void cts_generate_qlinear_matmul(cts_generator_t *g) {
  static const int64_t rows[][3] = {{1, 1, 1}, {3, 5, 7}, {16, 17, 33}, {65, 64, 63}, {1, 100, 257}, {4, 0, 3}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i) {
    for (int kinds = 0; kinds < 8; ++kinds) {
      for (int reach = 0; reach < 3; ++reach) { /* one number; of columns; of rows and columns */
        or_dtype_t a = bytes[kinds & 1], b = bytes[kinds >> 1 & 1], y = bytes[kinds >> 2];
        int64_t m = rows[i][0], k = rows[i][1], n = rows[i][2];
        cts_op_case_t it = cts_op_case(g, reach == 0 ? "" : reach == 1 ? "columns" : "rows and columns");
        full_range(&it, a, SHAPE(m, k), false);
        parameters(&it, a, reach == 2 ? m : 0, 0.1, i % 2 == 0);
        full_range(&it, b, SHAPE(k, n), kinds % 3 != 0);
        parameters(&it, b, reach > 0 ? n : 0, 0.1, i % 3 > 0);
        parameters(&it, y, 0, 2 + (double)k / 4, true);
        cts_emit(g, &it);
      }
    }
  }
  cts_op_case_t it = cts_op_case(g, "batch");
  full_range(&it, OR_UINT8, SHAPE(2, 1, 5, 9), false);
  parameters(&it, OR_UINT8, 0, 0.1, false);
  full_range(&it, OR_INT8, SHAPE(3, 9, 4), false);
  cts_input_range(&it, OR_FLOAT32, SHAPE(3, 1, 4), 0.05, 0.1);
  cts_input(&it, OR_INT8, SHAPE(3, 1, 4));
  parameters(&it, OR_UINT8, 0, 4, false);
  cts_emit(g, &it);
  if (g->version < 21) return;
  CTS_EACH_DTYPE(g, dtype) {
    if (!or_dtype_is_float(dtype)) continue;
    it = cts_op_case(g, "");
    cts_input(&it, dtype, SHAPE(5, 9));
    parameters(&it, dtype, 0, 1, false);
    cts_input(&it, dtype, SHAPE(9, 4));
    parameters(&it, dtype, 4, 1, false);
    parameters(&it, dtype, 0, 1, false);
    cts_emit(g, &it);
  }
}

/* A convolution in a row; zero means the attribute is left out. */
typedef struct conv_row_t {
  int spatial;
  int64_t batch, channels, filters, group;
  int64_t in[3], kernel[3], stride[3], dilation[3], pads[6];
  const char *auto_pad;
} conv_row_t;

static const conv_row_t conv_rows[] = {
    {2, 1, 1, 1, 0, {5, 5}, {3, 3}, {0}, {0}, {0}, NULL},
    {2, 2, 3, 8, 0, {11, 13}, {3, 3}, {2, 2}, {0}, {1, 1, 1, 1}, NULL},
    {2, 1, 4, 6, 0, {12, 11}, {3, 3}, {1, 1}, {2, 3}, {2, 3, 2, 3}, NULL},
    {2, 1, 5, 7, 0, {6, 6}, {1, 1}, {0}, {0}, {0}, NULL},
    {2, 2, 64, 32, 0, {7, 7}, {1, 1}, {0}, {0}, {0}, NULL},
    {2, 1, 16, 20, 0, {9, 9}, {3, 3}, {0}, {0}, {1, 1, 1, 1}, NULL},
    {2, 1, 4, 6, 2, {7, 7}, {3, 3}, {0}, {0}, {1, 0, 1, 2}, NULL},
    {2, 1, 8, 8, 8, {9, 9}, {3, 3}, {2, 2}, {0}, {1, 1, 1, 1}, NULL},
    {2, 1, 3, 4, 0, {7, 8}, {3, 2}, {2, 2}, {0}, {0}, "SAME_UPPER"},
    {2, 1, 3, 4, 0, {7, 8}, {3, 2}, {2, 1}, {0}, {0}, "SAME_LOWER"},
    {1, 2, 4, 6, 0, {17}, {5}, {2}, {0}, {2, 2}, NULL},
    {3, 1, 2, 3, 0, {5, 6, 4}, {3, 2, 2}, {1, 2, 1}, {0}, {1, 0, 1, 1, 1, 0}, NULL},
    {2, 0, 3, 4, 0, {7, 7}, {3, 3}, {0}, {0}, {0}, NULL},
};

static or_shape_t spatial_shape(int64_t first, int64_t second, const int64_t *extents, int rank) {
  or_shape_t shape = {.rank = rank + 2, .dims = {first, second}};
  for (int i = 0; i < rank; ++i) shape.dims[i + 2] = extents[i];
  return shape;
}

static void conv_attributes(cts_op_case_t *it, const conv_row_t *row) {
  size_t rank = (size_t)row->spatial;
  if (row->group > 0) cts_attribute_int(it, "group", row->group);
  if (row->stride[0] > 0) cts_attribute_ints(it, "strides", row->stride, rank);
  if (row->dilation[0] > 0) cts_attribute_ints(it, "dilations", row->dilation, rank);
  if (row->auto_pad != NULL) {
    cts_attribute_string(it, "auto_pad", row->auto_pad);
  } else {
    cts_attribute_ints(it, "pads", row->pads, 2 * rank);
  }
}

void cts_generate_conv_integer(cts_generator_t *g) {
  for (size_t i = 0; i < sizeof conv_rows / sizeof *conv_rows; ++i) {
    const conv_row_t *row = &conv_rows[i];
    int64_t group = row->group > 0 ? row->group : 1;
    for (int kinds = 0; kinds < 4; ++kinds) {
      for (int zero = 0; zero < 3; ++zero) { /* none, one number, one a filter */
        or_dtype_t x = bytes[kinds & 1], w = bytes[kinds >> 1];
        cts_op_case_t it = cts_op_case(g, zero == 0 ? "" : zero == 1 ? "zero points" : "zero points of filters");
        full_range(&it, x, spatial_shape(row->batch, row->channels, row->in, row->spatial), false);
        full_range(&it, w, spatial_shape(row->filters, row->channels / group, row->kernel, row->spatial), i % 2 == 0);
        if (zero > 0) cts_input(&it, x, SCALAR);
        if (zero > 0) cts_input(&it, w, zero == 1 ? SCALAR : SHAPE(row->filters));
        conv_attributes(&it, row);
        cts_emit(g, &it);
      }
    }
  }
}

void cts_generate_qlinear_conv(cts_generator_t *g) {
  for (size_t i = 0; i < sizeof conv_rows / sizeof *conv_rows; ++i) {
    const conv_row_t *row = &conv_rows[i];
    int64_t group = row->group > 0 ? row->group : 1, taps = row->channels / group;
    for (int d = 0; d < row->spatial; ++d) taps *= row->kernel[d];
    for (int kinds = 0; kinds < 8; ++kinds) {
      for (int reach = 0; reach < 3; ++reach) { /* one number; one a filter; that of constants, and a bias */
        or_dtype_t x = bytes[kinds & 1], w = bytes[kinds >> 1 & 1], y = bytes[kinds >> 2];
        cts_op_case_t it = cts_op_case(g, reach == 0 ? "" : reach == 1 ? "filters" : "constants, bias");
        full_range(&it, x, spatial_shape(row->batch, row->channels, row->in, row->spatial), false);
        parameters(&it, x, 0, 0.1, reach == 2);
        full_range(&it, w, spatial_shape(row->filters, row->channels / group, row->kernel, row->spatial), reach > 0);
        parameters(&it, w, reach == 0 ? 0 : row->filters, 0.1, reach == 2);
        parameters(&it, y, 0, 2 + (double)taps / 4, reach == 2);
        if (reach == 2) cts_input_range(&it, OR_INT32, SHAPE(row->filters), -5000, 5000)->constant = true;
        conv_attributes(&it, row);
        cts_emit(g, &it);
      }
    }
  }
}
