/* Shapes and order: Reshape, Flatten, Squeeze, Unsqueeze, Transpose, Concat, Split, Expand, Tile; and what only
 * copies. */
#include "cts/op_case.h"

static void reshape(cts_generator_t *g, or_dtype_t dtype, or_shape_t from, const double *to, size_t rank,
                    int64_t allow_zero) {
  int64_t dims[OR_MAX_RANK];
  cts_op_case_t it = cts_op_case(g, "");
  cts_input(&it, dtype, from);
  for (size_t i = 0; i < rank; ++i) dims[i] = (int64_t)to[i];
  if (g->version < 5) {
    cts_attribute_ints(&it, "shape", dims, rank);
  } else {
    cts_input_values(&it, OR_INT64, to, rank);
  }
  if (allow_zero != 0) cts_attribute_int(&it, "allowzero", 1);
  cts_emit(g, &it);
}

void cts_generate_reshape(cts_generator_t *g) {
  CTS_EACH_DTYPE(g, dtype) {
    reshape(g, dtype, SHAPE(2, 3, 4), NUMBERS(4, 6), 0);
    if (!g->newest && dtype != OR_FLOAT32) continue;
    reshape(g, dtype, SHAPE(2, 3, 4), NUMBERS(-1), 0);
    reshape(g, dtype, SHAPE(2, 3, 4), NUMBERS(0, -1), 0);
    reshape(g, dtype, SHAPE(2, 3, 4), NUMBERS(2, 0, 2, -1), 0);
    reshape(g, dtype, SHAPE(1), NUMBERS(1, 1, 1), 0);
    if (g->version >= 14) reshape(g, dtype, SHAPE(0, 3), NUMBERS(3, 0), 1);
    reshape(g, dtype, SHAPE(0, 3), NUMBERS(0, 3), 0);
    reshape(g, dtype, SHAPE(7), NUMBERS(7), 0);
  }
  if (g->version < 5) return;
  static const double none[1];
  reshape(g, OR_FLOAT32, SHAPE(1, 1), none, 0, 0); /* to a scalar */
}

void cts_generate_flatten(cts_generator_t *g) {
  CTS_EACH_DTYPE(g, dtype) {
    for (int64_t axis = g->version >= 11 ? -4 : 0; axis <= 4; ++axis) {
      if (!g->newest && dtype != OR_FLOAT32 && axis != 2) continue;
      cts_op_case_t it = cts_op_case(g, "");
      cts_input(&it, dtype, SHAPE(2, 3, 4, 5));
      if (axis != 1) cts_attribute_int(&it, "axis", axis);
      cts_emit(g, &it);
    }
  }
  cts_op_case_t it = cts_op_case(g, "");
  cts_input(&it, OR_FLOAT32, SHAPE(0, 3, 2));
  cts_emit(g, &it);
}

static void squeeze(cts_generator_t *g, or_dtype_t dtype, or_shape_t shape, const double *axes, size_t count) {
  int64_t values[OR_MAX_RANK];
  cts_op_case_t it = cts_op_case(g, "");
  cts_input(&it, dtype, shape);
  for (size_t i = 0; i < count; ++i) values[i] = (int64_t)axes[i];
  if (axes != NULL && g->version < 13) cts_attribute_ints(&it, "axes", values, count);
  if (axes != NULL && g->version >= 13) cts_input_values(&it, OR_INT64, axes, count);
  cts_emit(g, &it);
}

void cts_generate_squeeze(cts_generator_t *g) {
  CTS_EACH_DTYPE(g, dtype) {
    squeeze(g, dtype, SHAPE(1, 3, 1, 5), NUMBERS(0));
    if (!g->newest && dtype != OR_FLOAT32) continue;
    squeeze(g, dtype, SHAPE(1, 3, 1, 5), NUMBERS(0, 2));
    squeeze(g, dtype, SHAPE(1, 3, 1, 5), NUMBERS(-2));
    squeeze(g, dtype, SHAPE(1, 3, 1, 5), NULL, 0);
    squeeze(g, dtype, SHAPE(1, 1), NULL, 0);
    squeeze(g, dtype, SHAPE(1, 0, 1), NUMBERS(2));
  }
}

void cts_generate_unsqueeze(cts_generator_t *g) {
  CTS_EACH_DTYPE(g, dtype) {
    squeeze(g, dtype, SHAPE(3, 5), NUMBERS(0));
    if (!g->newest && dtype != OR_FLOAT32) continue;
    squeeze(g, dtype, SHAPE(3, 5), NUMBERS(1, 3));
    squeeze(g, dtype, SHAPE(3, 5), NUMBERS(3, 0));
    squeeze(g, dtype, SHAPE(3, 5), NUMBERS(-1));
    squeeze(g, dtype, SCALAR, NUMBERS(0));
    squeeze(g, dtype, SHAPE(0), NUMBERS(1));
  }
}

static void transpose(cts_generator_t *g, or_dtype_t dtype, or_shape_t shape, const int64_t *perm, size_t rank) {
  cts_op_case_t it = cts_op_case(g, "");
  cts_input(&it, dtype, shape);
  if (perm != NULL) cts_attribute_ints(&it, "perm", perm, rank);
  cts_emit(g, &it);
}

void cts_generate_transpose(cts_generator_t *g) {
  CTS_EACH_DTYPE(g, dtype) {
    transpose(g, dtype, SHAPE(3, 5), NULL, 0);
    transpose(g, dtype, SHAPE(2, 3, 4), INTS(1, 2, 0));
    if (!g->newest && dtype != OR_FLOAT32) continue;
    transpose(g, dtype, SHAPE(2, 3, 4), INTS(0, 1, 2));
    transpose(g, dtype, SHAPE(2, 3, 4), INTS(0, 2, 1));
    transpose(g, dtype, SHAPE(2, 3, 4), INTS(2, 0, 1));
    transpose(g, dtype, SHAPE(2, 3, 4, 5), INTS(0, 2, 3, 1));
    transpose(g, dtype, SHAPE(2, 3, 4, 5), INTS(0, 3, 1, 2));
    transpose(g, dtype, SHAPE(2, 3, 4, 5), NULL, 0);
    transpose(g, dtype, SHAPE(0, 3), NULL, 0);
    transpose(g, dtype, SHAPE(7), NULL, 0);
    transpose(g, dtype, SHAPE(1, 9, 1, 7), INTS(3, 2, 1, 0));
    transpose(g, dtype, SHAPE(17, 33), INTS(1, 0));
  }
  transpose(g, OR_FLOAT32, SCALAR, NULL, 0);
  if (!g->newest) return;
  transpose(g, OR_FLOAT32, SHAPE(2, 12, 64, 64), INTS(0, 2, 1, 3));
  transpose(g, OR_FLOAT32, SHAPE(301, 517), INTS(1, 0));
  transpose(g, OR_FLOAT32, SHAPE(2, 3, 2, 3, 2, 3), INTS(5, 0, 4, 1, 3, 2));
}

void cts_generate_concat(cts_generator_t *g) {
  CTS_EACH_DTYPE(g, dtype) {
    for (int64_t axis = g->version >= 11 ? -3 : 0; axis < 3; ++axis) {
      cts_op_case_t it = cts_op_case(g, "");
      for (int64_t i = 0; i < 3; ++i) {
        or_shape_t shape = SHAPE(2, 3, 4);
        shape.dims[axis < 0 ? axis + 3 : axis] = i * 2 + 1;
        cts_input(&it, dtype, shape)->constant = i == 1 && axis == 1;
      }
      if (g->version > 1 || axis != 1) cts_attribute_int(&it, "axis", axis);
      cts_emit(g, &it);
    }
    cts_op_case_t it = cts_op_case(g, "");
    cts_input(&it, dtype, SHAPE(0, 2));
    cts_input(&it, dtype, SHAPE(3, 2));
    cts_attribute_int(&it, "axis", 0);
    cts_emit(g, &it);
  }
  for (int count = 1; count <= CTS_MAX_INPUTS; count += 5) {
    cts_op_case_t it = cts_op_case(g, "");
    for (int i = 0; i < count; ++i) cts_input(&it, OR_FLOAT32, SHAPE(3, 7));
    cts_attribute_int(&it, "axis", 1);
    cts_emit(g, &it);
  }
}

static void split(cts_generator_t *g, or_dtype_t dtype, int64_t axis, const double *lengths, size_t count) {
  int64_t values[CTS_MAX_OUTPUTS];
  cts_op_case_t it = cts_op_case(g, "");
  cts_input(&it, dtype, SHAPE(6, 8, 5));
  for (size_t i = 0; lengths != NULL && i < count; ++i) values[i] = (int64_t)lengths[i];
  if (lengths != NULL && g->version < 13) cts_attribute_ints(&it, "split", values, count);
  if (lengths != NULL && g->version >= 13) cts_input_values(&it, OR_INT64, lengths, count);
  if (lengths == NULL && g->version >= 18) cts_attribute_int(&it, "num_outputs", (int64_t)count);
  if (axis != 0) cts_attribute_int(&it, "axis", axis);
  it.output_count = (uint32_t)count;
  cts_emit(g, &it);
}

void cts_generate_split(cts_generator_t *g) {
  CTS_EACH_DTYPE(g, dtype) {
    split(g, dtype, 0, NULL, 2);
    split(g, dtype, 1, NUMBERS(1, 3, 4));
    if (!g->newest && dtype != OR_FLOAT32) continue;
    split(g, dtype, 0, NULL, 3);
    split(g, dtype, 1, NULL, 4);
    split(g, dtype, 2, NUMBERS(2, 3));
    split(g, dtype, 2, NUMBERS(5));
    split(g, dtype, 2, NUMBERS(0, 5, 0));
    if (g->version >= 11) split(g, dtype, -2, NUMBERS(3, 5));
    if (g->version >= 18) split(g, dtype, 2, NULL, 3); /* the last piece is smaller */
  }
}

void cts_generate_expand(cts_generator_t *g) {
  CTS_EACH_DTYPE(g, dtype) {
    const struct {
      or_shape_t from;
      double to[4];
      size_t rank;
    } rows[] = {{SHAPE(3, 1), {3, 4}, 2}, {SHAPE(3, 1), {2, 1, 6}, 3},    {SHAPE(5), {1}, 1},
                {SCALAR, {2, 3}, 2},      {SHAPE(1, 3, 1), {2, 1, 5}, 3}, {SHAPE(2, 3), {2, 3}, 2},
                {SHAPE(1, 3), {0, 3}, 2}, {SHAPE(1), {2, 3, 4, 5}, 4}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i) {
      if (!g->newest && i > 1) continue;
      cts_op_case_t it = cts_op_case(g, "");
      cts_input(&it, dtype, rows[i].from);
      cts_input_values(&it, OR_INT64, rows[i].to, rows[i].rank);
      cts_emit(g, &it);
    }
  }
}

void cts_generate_tile(cts_generator_t *g) {
  if (g->version < 6) return; /* another operator in all but name; refused */
  CTS_EACH_DTYPE(g, dtype) {
    const struct {
      or_shape_t from;
      double times[3];
      size_t rank;
    } rows[] = {{SHAPE(2, 3), {2, 2}, 2},
                {SHAPE(2, 3), {1, 3}, 2},
                {SHAPE(4), {5}, 1},
                {SHAPE(2, 1, 3), {1, 4, 2}, 3},
                {SHAPE(2, 3), {0, 2}, 2}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i) {
      if (!g->newest && i > 1) continue;
      cts_op_case_t it = cts_op_case(g, "");
      cts_input(&it, dtype, rows[i].from);
      cts_input_values(&it, OR_INT64, rows[i].times, rows[i].rank);
      cts_emit(g, &it);
    }
  }
}

void cts_generate_copying(cts_generator_t *g) {
  const or_shape_t shapes[] = {SHAPE(3, 17), SCALAR, SHAPE(0, 3), SHAPE(1), SHAPE(2, 3, 4, 5, 6), SHAPE(70001)};
  CTS_EACH_DTYPE(g, dtype) {
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; ++i) {
      if (!g->newest && i > 0) continue;
      cts_op_case_t it = cts_op_case(g, "");
      cts_input(&it, dtype, shapes[i]);
      cts_emit(g, &it);
    }
  }
  cts_op_case_t it = cts_op_case(g, "constant");
  cts_input(&it, OR_FLOAT32, SHAPE(3, 17))->constant = true;
  cts_emit(g, &it);
}
