/* Operators on images: sampling and boxes; losses; Unique. */
#include "cts/op_case.h"

void cts_generate_non_max_suppression(cts_generator_t *g) {
  static const double limit = 4, overlap = 0.3, least = 0.25;
  for (int64_t centred = 0; centred < 2; ++centred) {
    cts_op_case_t it = cts_op_case(g, "");
    cts_input_range(&it, OR_FLOAT32, SHAPE(2, 37, 4), 0, 1)->constant = true;
    cts_input_range(&it, OR_FLOAT32, SHAPE(2, 3, 37), 0, 1)->constant = true;
    cts_input_values(&it, OR_INT64, &limit, 1);
    cts_input_scalar(&it, OR_FLOAT32, &overlap);
    if (centred == 0) cts_input_scalar(&it, OR_FLOAT32, &least);
    cts_attribute_int(&it, "center_point_box", centred);
    cts_emit(g, &it);
  }
}

void cts_generate_grid_sample(cts_generator_t *g) {
  static const char *const modes[] = {"linear", "nearest", "cubic"}, *const old_modes[] = {"bilinear", "nearest",
                                                                                           "bicubic"};
  static const char *const paddings[] = {"zeros", "border", "reflection"};
  CTS_EACH_DTYPE(g, dtype) {
    for (int form = 0; form < 9; ++form) {
      bool volume = g->version >= 20 && form % 2 == 1;
      cts_op_case_t it = cts_op_case(g, "");
      cts_input(&it, dtype, volume ? SHAPE(1, 2, 3, 4, 5) : SHAPE(2, 3, 5, 4));
      cts_input_range(&it, OR_FLOAT32, volume ? SHAPE(1, 2, 3, 2, 3) : SHAPE(2, 3, 7, 2), -1.3, 1.3);
      cts_attribute_string(&it, "mode", g->version < 20 ? old_modes[form % 3] : modes[form % 3]);
      cts_attribute_string(&it, "padding_mode", paddings[form / 3]);
      if (form % 2 == 0) cts_attribute_int(&it, "align_corners", form / 2 % 2);
      cts_emit(g, &it);
    }
  }
}

void cts_generate_affine_grid(cts_generator_t *g) {
  static const double image[] = {2, 3, 4, 5}, volume[] = {2, 3, 2, 4, 5};
  CTS_EACH_DTYPE(g, dtype) {
    for (int form = 0; form < 4; ++form) {
      cts_op_case_t it = cts_op_case(g, "");
      cts_input(&it, dtype, form < 2 ? SHAPE(2, 2, 3) : SHAPE(2, 3, 4));
      cts_input_values(&it, OR_INT64, form < 2 ? image : volume, form < 2 ? 4 : 5);
      cts_attribute_int(&it, "align_corners", form % 2);
      cts_emit(g, &it);
    }
  }
}

/* NegativeLogLikelihoodLoss and SoftmaxCrossEntropyLoss. */
void cts_generate_loss(cts_generator_t *g) {
  static const char *const reductions[] = {"mean", "sum", "none"};
  CTS_EACH_DTYPE(g, dtype) {
    for (int form = 0; form < 6; ++form) {
      cts_op_case_t it = cts_op_case(g, "");
      cts_input_range(&it, dtype, form < 3 ? SHAPE(7, 5) : SHAPE(2, 5, 3, 4), -3, 3);
      cts_input_range(&it, form % 2 ? OR_INT32 : OR_INT64, form < 3 ? SHAPE(7) : SHAPE(2, 3, 4), 0, 5);
      if (form % 2 == 1) cts_input_range(&it, dtype, SHAPE(5), 0.5, 1)->constant = form == 3;
      if (form > 3) cts_attribute_int(&it, "ignore_index", 2);
      cts_attribute_string(&it, "reduction", reductions[form % 3]);
      it.output_count = g->op->output_max;
      cts_emit(g, &it);
    }
  }
}

void cts_generate_unique(cts_generator_t *g) {
  static const double some[] = {1, 0, 1, 3, 0, 0, 1, 0, 1, 2, 3, 0};
  CTS_EACH_DTYPE(g, dtype) {
    for (int64_t form = 0; form < 6; ++form) {
      cts_op_case_t it = cts_op_case(g, "");
      cts_input_values(&it, dtype, some, 12)->shape = SHAPE(2, 6);
      if (form / 2 > 0) cts_attribute_int(&it, "axis", form / 2 - 1);
      cts_attribute_int(&it, "sorted", form % 2);
      it.output_count = 4;
      cts_emit(g, &it);
    }
  }
}

void cts_generate_center_crop_pad(cts_generator_t *g) {
  static const double extents[] = {5, 2}, one = 6;
  static const int64_t axes[] = {-1};
  CTS_EACH_DTYPE(g, dtype) {
    for (int form = 0; form < 2; ++form) {
      cts_op_case_t it = cts_op_case(g, "");
      cts_input(&it, dtype, SHAPE(3, 5));
      cts_input_values(&it, form == 0 ? OR_INT64 : OR_INT32, form == 0 ? extents : &one, form == 0 ? 2 : 1);
      if (form == 1) cts_attribute_ints(&it, "axes", axes, 1);
      cts_emit(g, &it);
    }
  }
}

/* A graymap of 3 x 2 pixels. */
void cts_generate_image_decoder(cts_generator_t *g) {
  static const double file[] = {'P', '5', ' ', '3', ' ', '2', ' ', '2', '5', '5', ' ', 0, 10, 20, 128, 254, 255};
  static const char *const formats[] = {"RGB", "BGR", "Grayscale"};
  for (int i = 0; i < 3; ++i) {
    cts_op_case_t it = cts_op_case(g, "");
    cts_input_values(&it, OR_UINT8, file, sizeof file / sizeof *file);
    cts_attribute_string(&it, "pixel_format", formats[i]);
    cts_emit(g, &it);
  }
}

/* Growing and shrinking by whole and other factors, channels first and last, in each mode. */
void cts_generate_resize_of_images(cts_generator_t *g) {
  static const double scales[][2] = {{2, 2}, {3, 1}, {1, 3}, {0.5, 0.5}, {2, 0.5}, {0.4, 2.5}, {1, 0.25}, {1.5, 2}};
  static const char *const modes[] = {"nearest", "linear", "cubic"};
  static const or_dtype_t dtypes[] = {OR_FLOAT32, OR_UINT8};
  for (int form = 0; form < 2 * 3 * 8; ++form) {
    const double *pair = scales[form % 8];
    bool last = form % 5 == 4;
    const double all[] = {1, last ? pair[0] : 1, last ? pair[1] : pair[0], last ? 1 : pair[1]};
    cts_op_case_t it = cts_op_case(g, last ? "channels last" : "");
    or_dtype_t dtype = dtypes[form / 8 % 3 == 0 && form >= 24];
    cts_input(&it, dtype, last ? SHAPE(2, 12, 20, 3) : SHAPE(2, 3, 12, 20));
    cts_input_absent(&it);
    cts_input_values(&it, OR_FLOAT32, all, 4);
    cts_attribute_string(&it, "mode", modes[form / 8 % 3]);
    if (form < 24) cts_attribute_string(&it, "coordinate_transformation_mode", "asymmetric");
    if (form < 24) cts_attribute_string(&it, "nearest_mode", "floor");
    if (form >= 32 && form % 2 == 1) cts_attribute_int(&it, "antialias", 1);
    cts_emit(g, &it);
  }
}
