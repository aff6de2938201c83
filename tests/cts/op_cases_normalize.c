/* Normalisation, Softmax, reductions. */
#include <string.h>

#include "base/numbers.h"
#include "cts/op_case.h"

void cts_generate_batch_normalization(cts_generator_t *g) {
  const or_shape_t shapes[] = {SHAPE(2, 3, 4, 5),    SHAPE(1, 1, 1, 1), SHAPE(3, 17),        SHAPE(1, 16, 9),
                               SHAPE(1, 5, 3, 2, 4), SHAPE(0, 3, 4, 4), SHAPE(2, 64, 15, 15)};
  for (size_t i = 0; i < sizeof shapes / sizeof *shapes; ++i) {
    CTS_EACH_DTYPE(g, dtype) {
      for (int constant = 0; constant < 2; ++constant) {
        cts_op_case_t it = cts_op_case(g, constant ? "" : "all given");
        or_shape_t channel = SHAPE(shapes[i].dims[1]);
        cts_input(&it, dtype, shapes[i]);
        for (int k = 0; k < 3; ++k) cts_input(&it, dtype, channel)->constant = constant;
        cts_input_range(&it, dtype, channel, 0.1, 2)->constant = constant;
        if (i % 2 == 1) cts_attribute_float(&it, "epsilon", 0.01f);
        cts_emit(g, &it);
      }
    }
  }
  for (uint32_t outputs = 1; g->version >= 14 && outputs <= 3; outputs += 2) {
    cts_op_case_t it = cts_op_case(g, "training");
    cts_input(&it, OR_FLOAT32, SHAPE(2, 3, 5, 7));
    for (int k = 0; k < 3; ++k) cts_input(&it, OR_FLOAT32, SHAPE(3))->constant = outputs == 1;
    cts_input_range(&it, OR_FLOAT32, SHAPE(3), 0.1, 2)->constant = outputs == 1;
    cts_attribute_int(&it, "training_mode", 1);
    it.output_count = outputs;
    cts_emit(g, &it);
  }
  if (g->version != 7) return;
  cts_op_case_t it = cts_op_case(g, "");
  cts_input(&it, OR_FLOAT32, SHAPE(2, 3, 4));
  for (int k = 0; k < 3; ++k) cts_input(&it, OR_FLOAT32, SHAPE(3, 4));
  cts_input_range(&it, OR_FLOAT32, SHAPE(3, 4), 0.1, 2);
  cts_attribute_int(&it, "spatial", 0);
  cts_emit(g, &it);
}

void cts_generate_layer_normalization(cts_generator_t *g) {
  const struct {
    or_shape_t shape;
    int64_t axis;
  } rows[] = {{SHAPE(3, 8), -1},    {SHAPE(2, 5, 33), -1}, {SHAPE(2, 3, 4, 5), 2},
              {SHAPE(2, 3, 4), 0},  {SHAPE(7, 1), -1},     {SHAPE(1, 768), 1},
              {SHAPE(4, 1000), -1}, {SHAPE(0, 5), -1},     {SHAPE(3, 16, 64), -1}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i) {
    or_shape_t scale = {.rank = 0};
    for (int32_t k = (int32_t)(rows[i].axis < 0 ? rows[i].axis + rows[i].shape.rank : rows[i].axis);
         k < rows[i].shape.rank; ++k) {
      scale.dims[scale.rank++] = rows[i].shape.dims[k];
    }
    CTS_EACH_DTYPE(g, dtype) {
      for (int form = 0; form < 4; ++form) {
        cts_op_case_t it = cts_op_case(g, "");
        cts_input(&it, dtype, rows[i].shape);
        cts_input(&it, dtype, scale)->constant = form % 2 == 0;
        if (form != 1) cts_input(&it, dtype, scale)->constant = form % 2 == 0;
        if (rows[i].axis != -1 || form == 2) cts_attribute_int(&it, "axis", rows[i].axis);
        if (form == 2) cts_attribute_float(&it, "epsilon", 0.5f);
        if (form == 3) it.output_count = 3;
        cts_emit(g, &it);
      }
    }
  }
}

void cts_generate_add_layer_normalization(cts_generator_t *g) {
  const struct {
    or_shape_t a, b, scale;
    int64_t axis;
  } rows[] = {{SHAPE(3, 8), SHAPE(3, 8), SHAPE(8), -1},        {SHAPE(2, 5, 33), SHAPE(1, 5, 33), SHAPE(33), -1},
              {SHAPE(5, 33), SHAPE(2, 5, 33), SHAPE(33), 2},   {SHAPE(2, 3, 4), SHAPE(4), SHAPE(3, 4), 1},
              {SHAPE(2, 3, 4), SHAPE(2, 1, 4), SHAPE(4), -1},  {SHAPE(0, 5), SHAPE(0, 5), SHAPE(5), -1},
              {SHAPE(17, 768), SHAPE(17, 768), SHAPE(768), -1}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i) {
    CTS_EACH_DTYPE(g, dtype) {
      for (int form = 0; form < 4; ++form) {
        cts_op_case_t it = cts_op_case(g, "");
        cts_input(&it, dtype, rows[i].a);
        cts_input(&it, dtype, rows[i].b);
        cts_input(&it, dtype, rows[i].scale)->constant = form % 2 == 0;
        if (form > 1) cts_input(&it, dtype, rows[i].scale);
        cts_attribute_int(&it, "axis", rows[i].axis);
        if (form == 2) cts_attribute_float(&it, "epsilon", 0.5f);
        it.output_count = form % 2 == 0 ? 1 : 2;
        cts_emit(g, &it);
      }
    }
  }
}

static void softmax(cts_generator_t *g, or_dtype_t dtype, or_shape_t shape, int64_t axis, double width) {
  cts_op_case_t it = cts_op_case(g, width > 1 ? "wide" : "");
  cts_input_range(&it, dtype, shape, -width, width);
  if (axis != INT64_MIN) cts_attribute_int(&it, "axis", axis);
  cts_emit(g, &it);
}

void cts_generate_softmax(cts_generator_t *g) {
  CTS_EACH_DTYPE(g, dtype) {
    softmax(g, dtype, SHAPE(3, 5), INT64_MIN, 1);
    softmax(g, dtype, SHAPE(2, 3, 4), INT64_MIN, 1);
    for (int64_t axis = 0; axis < 4; ++axis) {
      softmax(g, dtype, SHAPE(2, 3, 4, 5), axis, 1);
      if (g->version >= 11) softmax(g, dtype, SHAPE(2, 3, 4, 5), axis - 4, 20);
    }
    softmax(g, dtype, SHAPE(7, 1000), 1, 50);
    softmax(g, dtype, SHAPE(1), 0, 1);
    softmax(g, dtype, SHAPE(4, 1), 1, 1);
    softmax(g, dtype, SHAPE(0, 5), 1, 1);
    softmax(g, dtype, SHAPE(17, 33), 0, 10);
    cts_op_case_t it = cts_op_case(g, "");
    cts_input_fill(&it, dtype, SHAPE(6, 4), CTS_SPECIAL); /* rows with NaN, with infinities, with neither */
    if (g->version < 13) cts_attribute_int(&it, "axis", 1);
    cts_emit(g, &it);
  }
  if (!g->newest) return;
  for (int64_t n = 1; n <= 40; ++n) softmax(g, OR_FLOAT32, SHAPE(3, n), -1, 5);
  softmax(g, OR_FLOAT32, SHAPE(2, 12, 64, 64), -1, 8);
  softmax(g, OR_FLOAT32, SHAPE(1, 50257), -1, 30);
}

/* How a reduction's axes are given: none at all, an attribute or an input. */
typedef struct reduce_row_t {
  or_shape_t shape;
  int64_t axes[4];
  size_t axis_count; /* 0: left out */
  int64_t keep;      /* -1: left out */
} reduce_row_t;

static bool axes_are_input(const cts_generator_t *g) {
  return g->version >= (strcmp(g->op->name, "ReduceSum") == 0 ? 13 : 18);
}

static cts_op_case_t reduce_case(const cts_generator_t *g, const reduce_row_t *row, or_dtype_t dtype, cts_fill_t fill,
                                 double axes[4]) {
  cts_op_case_t it = cts_op_case(g, "");
  cts_input_fill(&it, dtype, row->shape, fill);
  if (strcmp(g->op->name, "ReduceLogSum") == 0 && fill == CTS_RANDOM) {
    it.inputs[0].fill = CTS_RANGE;
    it.inputs[0].low = or_dtype_is_float(dtype) ? 0.1 : 1;
    it.inputs[0].high = 3;
  }
  for (size_t i = 0; i < row->axis_count; ++i) axes[i] = (double)row->axes[i];
  if (row->axis_count > 0 && axes_are_input(g)) cts_input_values(&it, OR_INT64, axes, row->axis_count);
  if (row->axis_count > 0 && !axes_are_input(g)) cts_attribute_ints(&it, "axes", row->axes, row->axis_count);
  if (row->keep >= 0) cts_attribute_int(&it, "keepdims", row->keep);
  return it;
}

void cts_generate_reduce(cts_generator_t *g) {
  const reduce_row_t rows[] = {
      {SHAPE(3, 4, 5), {0}, 0, -1},
      {SHAPE(3, 4, 5), {0}, 0, 0},
      {SHAPE(3, 4, 5), {0}, 1, 1},
      {SHAPE(3, 4, 5), {1}, 1, 0},
      {SHAPE(3, 4, 5), {2}, 1, -1},
      {SHAPE(3, 4, 5), {-1}, 1, 0},
      {SHAPE(3, 4, 5), {0, 2}, 2, 1},
      {SHAPE(2, 3, 4, 5), {1, 3}, 2, 0},
      {SHAPE(2, 3, 4, 5), {2, 3}, 2, 1},
      {SHAPE(2, 3, 4, 5), {0, 1, 2}, 3, 0},
      {SHAPE(1), {0}, 1, 0},
      {SHAPE(7, 1), {1}, 1, 0},
      {SHAPE(37), {0}, 1, 0},
      {SHAPE(3, 0, 5), {1}, 1, 0},
      {SHAPE(0, 5), {1}, 1, 1},
      {SHAPE(33, 129), {1}, 1, 0},
      {SHAPE(129, 33), {0}, 1, 0},
      {SHAPE(5, 7, 9, 3), {1, 2}, 2, 0},
      {SCALAR, {0}, 0, -1},
  };
  double axes[4];
  for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i) {
    if (!g->newest && i % 4 != 2) continue;
    CTS_EACH_DTYPE(g, dtype) {
      if (dtype != OR_FLOAT32 && i % 2 != 0 && i < 12) continue;
      cts_op_case_t it = reduce_case(g, &rows[i], dtype, CTS_RANDOM, axes);
      cts_emit(g, &it);
    }
  }
  if (!g->newest) return;
  const reduce_row_t lines = {SHAPE(12, 4), {1}, 1, 0}, large = {SHAPE(7, 30011), {1}, 1, 0},
                     all = {SHAPE(200003), {0}, 0, 0};
  cts_op_case_t it = reduce_case(g, &lines, OR_FLOAT32, CTS_SPECIAL, axes);
  cts_emit(g, &it);
  if (strcmp(g->op->name, "ReduceProd") != 0) {
    it = reduce_case(g, &large, OR_FLOAT32, CTS_RANDOM, axes);
    cts_emit(g, &it);
    it = reduce_case(g, &all, OR_FLOAT32, CTS_RANDOM, axes);
    cts_emit(g, &it);
  }
  if (!axes_are_input(g)) return;
  for (int64_t noop = 0; noop < 2; ++noop) {
    const reduce_row_t none = {SHAPE(3, 4), {0}, 0, -1};
    it = reduce_case(g, &none, OR_FLOAT32, CTS_RANDOM, axes);
    cts_input_values(&it, OR_INT64, axes, 0);
    cts_attribute_int(&it, "noop_with_empty_axes", noop);
    cts_emit(g, &it);
  }
}
