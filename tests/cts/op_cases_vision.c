/* Transposed and deformable convolution, unpooling, pools of regions, columns to images. */
#include "cts/op_case.h"

static bool any(const int64_t *values, int count) {
  for (int i = 0; i < count; ++i) {
    if (values[i] != 0) return true;
  }
  return false;
}

/* Zero means the attribute is left out. */
typedef struct transpose_row_t {
  int spatial;
  int64_t batch, channels, filters, group; /* filters of all groups */
  int64_t in[3], kernel[3], stride[3], dilation[3], pads[6], extra[3], wanted[3];
  const char *auto_pad;
  bool bias;
} transpose_row_t;

static const transpose_row_t transpose_rows[] = {
    {2, 1, 1, 1, 0, {3, 3}, {3, 3}, {0}, {0}, {0}, {0}, {0}, NULL, false},
    {2, 1, 3, 4, 0, {5, 7}, {2, 2}, {2, 2}, {0}, {0}, {0}, {0}, NULL, true},
    {2, 2, 8, 16, 0, {6, 5}, {3, 3}, {2, 2}, {0}, {1, 1, 1, 1}, {1, 1}, {0}, NULL, true},
    {2, 1, 24, 1, 0, {13, 17}, {2, 2}, {2, 2}, {0}, {0}, {0}, {0}, NULL, true},
    {2, 2, 32, 48, 0, {9, 8}, {4, 4}, {2, 2}, {0}, {1, 1, 1, 1}, {0}, {0}, NULL, false},
    {2, 1, 4, 6, 0, {5, 4}, {3, 2}, {1, 3}, {2, 1}, {0, 1, 2, 0}, {0, 2}, {0}, NULL, true},
    {2, 1, 6, 9, 3, {6, 7}, {3, 3}, {2, 2}, {0}, {1, 0, 0, 1}, {0}, {0}, NULL, true},
    {2, 1, 7, 7, 7, {6, 7}, {4, 4}, {2, 2}, {0}, {1, 1, 1, 1}, {0}, {0}, NULL, false},
    {2, 1, 17, 35, 0, {40, 37}, {1, 1}, {0}, {0}, {0}, {0}, {0}, NULL, true},
    {2, 1, 16, 16, 0, {7, 7}, {3, 3}, {1, 1}, {0}, {1, 1, 1, 1}, {0}, {0}, NULL, true},
    {2, 1, 3, 5, 0, {4, 5}, {3, 3}, {2, 2}, {0}, {0}, {0}, {0}, "SAME_UPPER", true},
    {2, 1, 3, 5, 0, {4, 5}, {4, 3}, {3, 2}, {0}, {0}, {0}, {0}, "SAME_LOWER", false},
    {2, 1, 3, 5, 0, {4, 5}, {2, 1}, {3, 3}, {0}, {0}, {0}, {0}, "SAME_LOWER", false},
    {2, 1, 3, 5, 0, {4, 5}, {2, 3}, {0}, {0}, {0}, {0}, {0}, "VALID", true},
    {2, 1, 2, 3, 0, {3, 3}, {3, 3}, {3, 2}, {0}, {0}, {0}, {10, 8}, NULL, true},
    {2, 1, 2, 3, 0, {3, 3}, {3, 3}, {3, 2}, {0}, {0}, {0}, {6, 12}, "SAME_UPPER", false},
    {2, 0, 2, 3, 0, {3, 3}, {3, 3}, {0}, {0}, {0}, {0}, {0}, NULL, true},
    {2, 1, 0, 3, 0, {3, 3}, {3, 3}, {0}, {0}, {0}, {0}, {0}, NULL, true},
    {1, 2, 3, 5, 0, {17}, {3}, {2}, {0}, {1, 1}, {1}, {0}, NULL, true},
    {1, 1, 80, 40, 0, {33}, {16}, {8}, {0}, {4, 4}, {0}, {0}, NULL, true},
    {1, 1, 4, 8, 4, {1200}, {5}, {1}, {3}, {4, 4}, {0}, {0}, NULL, false},
    {3, 1, 2, 3, 0, {3, 4, 2}, {3, 2, 3}, {1, 2, 2}, {0}, {1, 0, 1, 1, 1, 1}, {0, 1, 1}, {0}, NULL, true},
};

static void conv_transpose(cts_generator_t *g, const transpose_row_t *row, or_dtype_t dtype, bool constant) {
  cts_op_case_t it = cts_op_case(g, constant ? "" : "all given");
  int64_t x[5] = {row->batch, row->channels};
  int64_t w[5] = {row->channels, row->filters / (row->group > 0 ? row->group : 1)};
  for (int i = 0; i < row->spatial; ++i) {
    x[2 + i] = row->in[i];
    w[2 + i] = row->kernel[i];
  }
  size_t spatial = (size_t)row->spatial;
  cts_input(&it, dtype, or_shape_make(spatial + 2, x));
  cts_input(&it, dtype, or_shape_make(spatial + 2, w))->constant = constant;
  if (row->bias) cts_input(&it, dtype, SHAPE(row->filters))->constant = constant;
  if (row->group > 0) cts_attribute_int(&it, "group", row->group);
  if (any(row->stride, 3)) cts_attribute_ints(&it, "strides", row->stride, spatial);
  if (any(row->dilation, 3)) cts_attribute_ints(&it, "dilations", row->dilation, spatial);
  if (any(row->pads, 6)) cts_attribute_ints(&it, "pads", row->pads, spatial * 2);
  if (any(row->extra, 3)) cts_attribute_ints(&it, "output_padding", row->extra, spatial);
  if (any(row->wanted, 3)) cts_attribute_ints(&it, "output_shape", row->wanted, spatial);
  if (row->auto_pad != NULL) cts_attribute_string(&it, "auto_pad", row->auto_pad);
  cts_emit(g, &it);
}

void cts_generate_conv_transpose(cts_generator_t *g) {
  for (size_t i = 0; i < sizeof transpose_rows / sizeof *transpose_rows; ++i) {
    if (!g->newest && i % 5 != 1) continue;
    CTS_EACH_DTYPE(g, dtype) {
      if (dtype != OR_FLOAT32 && i % 3 != 0) continue;
      conv_transpose(g, &transpose_rows[i], dtype, true);
      if (i % 2 == 1) conv_transpose(g, &transpose_rows[i], dtype, false);
    }
  }
  if (!g->newest) return;
  /* Every number of channels and filters around a vector's width. */
  for (int64_t n = 1; n <= 18; ++n) {
    transpose_row_t row = {2, 1, n, 19 - n, 0, {4, 5}, {3, 3}, {2, 2}, {0}, {1, 1, 1, 1}, {0}, {0}, NULL, true};
    conv_transpose(g, &row, OR_FLOAT32, true);
    conv_transpose(g, &row, OR_FLOAT32, false);
    row = (transpose_row_t){2, 1, n, n, n, {3, n + 1}, {2, 2}, {2, 2}, {0}, {0}, {0}, {0}, NULL, true};
    conv_transpose(g, &row, OR_FLOAT32, true);
  }
}

/* X, indices that stay inside, and, from time to time, the shape of Y. */
static void max_unpool(cts_generator_t *g, or_dtype_t dtype, or_shape_t x, const int64_t *numbers,
                       const double *wanted) {
  static const double places[] = {3, 0, 7, 5, 1, 6, 2, 4};
  size_t spatial = (size_t)x.rank - 2;
  cts_op_case_t it = cts_op_case(g, "");
  cts_input(&it, dtype, x);
  cts_input_t *indices = cts_input_fill(&it, OR_INT64, x, CTS_VALUES);
  indices->values = places;
  indices->value_count = sizeof places / sizeof *places;
  if (wanted != NULL) cts_input_values(&it, OR_INT64, wanted, spatial + 2);
  cts_attribute_ints(&it, "kernel_shape", numbers, spatial);
  cts_attribute_ints(&it, "strides", numbers + spatial, spatial);
  cts_attribute_ints(&it, "pads", numbers + 2 * spatial, 2 * spatial);
  cts_emit(g, &it);
}

void cts_generate_max_unpool(cts_generator_t *g) {
  CTS_EACH_DTYPE(g, dtype) {
    max_unpool(g, dtype, SHAPE(1, 1, 2, 2), (const int64_t[]){2, 2, 2, 2, 0, 0, 0, 0}, NULL);
    max_unpool(g, dtype, SHAPE(1, 1, 2, 2), (const int64_t[]){2, 2, 2, 2, 0, 0, 0, 0}, (const double[]){1, 1, 5, 6});
    max_unpool(g, dtype, SHAPE(1, 2, 4), (const int64_t[]){3, 2, 1, 0}, NULL);
    max_unpool(g, dtype, SHAPE(2, 1, 3), (const int64_t[]){2, 2, 1, 1}, (const double[]){2, 1, 5});
    max_unpool(g, dtype, SHAPE(1, 2, 2, 1, 2), (const int64_t[]){2, 1, 2, 2, 1, 2, 0, 0, 0, 0, 0, 0}, NULL);
    max_unpool(g, dtype, SHAPE(1, 2, 0), (const int64_t[]){2, 2, 0, 0}, NULL);
  }
}

void cts_generate_max_roi_pool(cts_generator_t *g) {
  static const double rois[] = {0, 0, 0, 6, 6, 1, 2, 1, 5, 9, 0, 3, 3, 3, 3, 1, -4, -4, 2, 2, 0, 9, 9, 12, 12};
  CTS_EACH_DTYPE(g, dtype) {
    for (int64_t side = 1; side < 5; ++side) {
      cts_op_case_t it = cts_op_case(g, "");
      cts_input(&it, dtype, SHAPE(2, 3, 8, 7));
      cts_input_t *regions = cts_input_fill(&it, dtype, SHAPE(side == 4 ? 0 : 5, 5), CTS_VALUES);
      regions->values = rois;
      regions->value_count = sizeof rois / sizeof *rois;
      cts_attribute_ints(&it, "pooled_shape", INTS(side, 4 - side / 2));
      if (side > 1) cts_attribute_float(&it, "spatial_scale", 0.5F);
      cts_emit(g, &it);
    }
  }
}

void cts_generate_roi_align(cts_generator_t *g) {
  static const double rois[] = {0, 0, 6, 6, 2, 1, 5, 9, 3, 3, 3, 3, -4, -4, 2, 2, 9, 9, 12, 12}, images[] = {0, 1, 1};
  CTS_EACH_DTYPE(g, dtype) {
    for (int64_t i = 0; i < 8; ++i) {
      cts_op_case_t it = cts_op_case(g, "");
      cts_input(&it, dtype, SHAPE(2, 3, 8, 7));
      cts_input_t *regions = cts_input_fill(&it, dtype, SHAPE(i == 7 ? 0 : 5, 4), CTS_VALUES);
      regions->values = rois;
      regions->value_count = sizeof rois / sizeof *rois;
      cts_input_t *of = cts_input_fill(&it, OR_INT64, SHAPE(i == 7 ? 0 : 5), CTS_VALUES);
      of->values = images;
      of->value_count = sizeof images / sizeof *images;
      if (i > 0) cts_attribute_int(&it, "output_height", i);
      if (i > 0) cts_attribute_int(&it, "output_width", 8 - i);
      if (i % 3 > 0) cts_attribute_int(&it, "sampling_ratio", i % 3);
      if (i % 4 > 1) cts_attribute_string(&it, "mode", i % 4 == 2 ? "max" : "avg");
      if (i % 2 > 0) cts_attribute_float(&it, "spatial_scale", 0.5F);
      if (i % 5 > 2 && g->version >= 16) {
        cts_attribute_string(&it, "coordinate_transformation_mode", i % 5 == 3 ? "half_pixel" : "output_half_pixel");
      }
      cts_emit(g, &it);
    }
  }
}

static void col2im(cts_generator_t *g, or_dtype_t dtype, or_shape_t x, size_t rank, const int64_t *numbers) {
  double image[3], block[3];
  for (size_t i = 0; i < rank; ++i) {
    image[i] = (double)numbers[i];
    block[i] = (double)numbers[rank + i];
  }
  cts_op_case_t it = cts_op_case(g, "");
  cts_input(&it, dtype, x);
  cts_input_values(&it, OR_INT64, image, rank);
  cts_input_values(&it, OR_INT64, block, rank);
  cts_attribute_ints(&it, "strides", numbers + 2 * rank, rank);
  cts_attribute_ints(&it, "dilations", numbers + 3 * rank, rank);
  cts_attribute_ints(&it, "pads", numbers + 4 * rank, 2 * rank);
  cts_emit(g, &it);
}

void cts_generate_col2im(cts_generator_t *g) {
  CTS_EACH_DTYPE(g, dtype) {
    col2im(g, dtype, SHAPE(1, 5, 5), 2, (const int64_t[]){5, 5, 1, 5, 1, 1, 1, 1, 0, 0, 0, 0});
    col2im(g, dtype, SHAPE(2, 12, 15), 2, (const int64_t[]){6, 7, 2, 2, 1, 2, 1, 3, 0, 1, 0, 1});
    col2im(g, dtype, SHAPE(1, 4, 300), 1, (const int64_t[]){301, 2, 1, 1, 0, 0});
    col2im(g, dtype, SHAPE(1, 8, 8), 3, (const int64_t[]){3, 4, 5, 2, 1, 2, 1, 2, 2, 1, 1, 1, 0, 0, 0, 0, 0, 0});
    col2im(g, dtype, SHAPE(0, 4, 4), 2, (const int64_t[]){3, 3, 2, 2, 1, 1, 1, 1, 0, 0, 0, 0});
  }
}

typedef struct deform_row_t {
  int spatial;
  int64_t batch, channels, filters, group, offset_group;
  int64_t in[3], kernel[3], stride[3], dilation[3], pads[6], out[3];
  bool bias, mask;
} deform_row_t;

static const deform_row_t deform_rows[] = {
    {2, 1, 1, 1, 1, 1, {3, 3}, {2, 2}, {0}, {0}, {0}, {2, 2}, false, false},
    {2, 2, 4, 6, 1, 2, {5, 6}, {3, 2}, {0}, {0}, {1, 0, 1, 1}, {5, 6}, true, true},
    {2, 1, 6, 4, 2, 3, {8, 7}, {3, 3}, {2, 1}, {1, 2}, {0}, {3, 3}, true, false},
    {2, 1, 4, 70, 1, 1, {10, 9}, {3, 3}, {0}, {0}, {1, 1, 1, 1}, {10, 9}, false, true},
    {1, 2, 2, 3, 1, 2, {9}, {3}, {2}, {0}, {1, 1}, {5}, true, true},
    {3, 1, 2, 2, 2, 1, {4, 3, 5}, {2, 2, 2}, {0}, {0}, {0}, {3, 2, 4}, false, true},
    {2, 0, 1, 1, 1, 1, {3, 3}, {2, 2}, {0}, {0}, {0}, {2, 2}, true, false},
};

void cts_generate_deform_conv(cts_generator_t *g) {
  for (size_t i = 0; i < sizeof deform_rows / sizeof *deform_rows; ++i) {
    const deform_row_t *row = &deform_rows[i];
    int64_t x[5] = {row->batch, row->channels}, w[5] = {row->filters, row->channels / row->group};
    int64_t offset[5] = {row->batch, row->offset_group * row->spatial}, mask[5] = {row->batch, row->offset_group};
    for (int d = 0; d < row->spatial; ++d) {
      x[2 + d] = row->in[d];
      w[2 + d] = row->kernel[d];
      offset[2 + d] = mask[2 + d] = row->out[d];
      offset[1] *= row->kernel[d];
      mask[1] *= row->kernel[d];
    }
    size_t spatial = (size_t)row->spatial, rank = spatial + 2;
    CTS_EACH_DTYPE(g, dtype) {
      cts_op_case_t it = cts_op_case(g, "");
      cts_input(&it, dtype, or_shape_make(rank, x));
      cts_input(&it, dtype, or_shape_make(rank, w))->constant = i % 2 == 0;
      cts_input_range(&it, dtype, or_shape_make(rank, offset), -2, 2);
      if (row->bias) cts_input(&it, dtype, SHAPE(row->filters));
      if (row->mask && !row->bias) cts_input_absent(&it);
      if (row->mask) cts_input_range(&it, dtype, or_shape_make(rank, mask), 0, 1);
      if (row->group > 1) cts_attribute_int(&it, "group", row->group);
      if (row->offset_group > 1) cts_attribute_int(&it, "offset_group", row->offset_group);
      if (any(row->stride, 3)) cts_attribute_ints(&it, "strides", row->stride, spatial);
      if (any(row->dilation, 3)) cts_attribute_ints(&it, "dilations", row->dilation, spatial);
      if (any(row->pads, 6)) cts_attribute_ints(&it, "pads", row->pads, spatial * 2);
      cts_emit(g, &it);
    }
  }
}

void cts_generate_causal_conv(cts_generator_t *g) {
  static const int64_t rows[][4] = {{1, 1, 1, 1},   {1, 4, 1, 4}, {2, 3, 7, 4}, {1, 5, 2, 4},
                                    {1, 2, 300, 3}, {0, 2, 3, 2}, {1, 2, 0, 3}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i) {
    const int64_t *row = rows[i];
    CTS_EACH_DTYPE(g, dtype) {
      for (int given = 0; given < 4; ++given) {
        cts_op_case_t it = cts_op_case(g, "");
        cts_input(&it, dtype, SHAPE(row[0], row[1], row[2]));
        cts_input(&it, dtype, SHAPE(row[1], 1, row[3]))->constant = given % 2 == 0;
        if (given % 2 > 0) cts_input(&it, dtype, SHAPE(row[1]));
        if (given == 2) cts_input_absent(&it);
        if (given > 1) cts_input(&it, dtype, SHAPE(row[0], row[1], row[3] - 1));
        if (given > 0) cts_attribute_string(&it, "activation", given == 1 ? "silu" : given == 2 ? "none" : "swish");
        it.output_count = 2;
        cts_emit(g, &it);
      }
    }
  }
}
