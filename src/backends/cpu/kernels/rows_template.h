/* Layer norm and reductions over rows and columns, in the terms of a simd_*.h. */

/* Sum of (x - centre)^2, in blocks added up in double. */
OR_INLINE double squares_about(size_t n, const float *x, float centre) {
  const v_t c = v_set1(centre);
  d_t total = d_zero();
  size_t i = 0;
  while (i + 2 * V_WIDTH <= n) {
    v_t sum0 = v_zero(), sum1 = v_zero();
    const size_t end = n - i < 512 ? n : i + 512;
    for (; i + 2 * V_WIDTH <= end; i += 2 * V_WIDTH) {
      const v_t a = v_sub(v_load(x + i), c), b = v_sub(v_load(x + i + V_WIDTH), c);
      sum0 = v_fma(a, a, sum0);
      sum1 = v_fma(b, b, sum1);
    }
    total = d_add(total, v_widen_add(v_add(sum0, sum1)));
  }
  double rest = 0.0;
  for (; i < n; ++i) rest += ((double)x[i] - (double)centre) * ((double)x[i] - (double)centre);
  return d_reduce_add(total) + rest;
}

OR_INLINE void normalise(const or_cpu_layer_norm_t *norm, v_t mean, v_t factor, const float *x, float *y) {
  const float *scale = norm->scale, *bias = norm->bias;
  for (size_t i = 0; i < norm->n; i += V_WIDTH) {
    const size_t lanes = norm->n - i < V_WIDTH ? norm->n - i : V_WIDTH;
    const bool partial = lanes < V_WIDTH;
    v_t value = v_mul(v_sub(partial ? v_load_n(x + i, lanes) : v_load(x + i), mean), factor);
    if (scale != NULL) value = v_mul(value, partial ? v_load_n(scale + i, lanes) : v_load(scale + i));
    if (bias != NULL) value = v_add(value, partial ? v_load_n(bias + i, lanes) : v_load(bias + i));
    if (partial) {
      v_store_n(y + i, value, lanes);
    } else {
      v_store(y + i, value);
    }
  }
}

/* Two passes: the variance about the mean, which a sum of squares would lose to cancellation. */
void OR_LEVEL(or_layer_norm)(const or_cpu_layer_norm_t *norm, size_t rows, const float *x, float *y) {
  for (size_t row = 0; row < rows && norm->n > 0; ++row) {
    const float *from = x + row * norm->x_ld;
    const double count = (double)norm->n;
    const float mean = norm->root_mean_square ? 0.0f : (float)(OR_LEVEL(or_f32_sum)(norm->n, from) / count);
    const double variance = squares_about(norm->n, from, mean) / count;
    const float factor = (float)(1.0 / sqrt(variance + (double)norm->eps));
    if (norm->mean != NULL) norm->mean[row] = mean;
    if (norm->inv_std != NULL) norm->inv_std[row] = factor;
    normalise(norm, v_set1(mean), v_set1(factor), from, y + row * norm->y_ld);
  }
}

void OR_LEVEL(or_reduce_rows_sum)(size_t rows, size_t n, const float *x, size_t ld, float *y) {
  for (size_t row = 0; row < rows; ++row) y[row] = (float)OR_LEVEL(or_f32_sum)(n, x + row * ld);
}

void OR_LEVEL(or_reduce_rows_mean)(size_t rows, size_t n, const float *x, size_t ld, float *y) {
  for (size_t row = 0; row < rows; ++row) y[row] = (float)(OR_LEVEL(or_f32_sum)(n, x + row * ld) / (double)n);
}

void OR_LEVEL(or_reduce_rows_max)(size_t rows, size_t n, const float *x, size_t ld, float *y) {
  for (size_t row = 0; row < rows; ++row) y[row] = OR_LEVEL(or_f32_max)(n, x + row * ld);
}

void OR_LEVEL(or_reduce_rows_min)(size_t rows, size_t n, const float *x, size_t ld, float *y) {
  for (size_t row = 0; row < rows; ++row) y[row] = OR_LEVEL(or_f32_min)(n, x + row * ld);
}

/* Columns in strips, whole rows of a strip at a time, so that memory is read in runs; sums in blocks of 64 rows, added
 * up in double. */
enum { COLUMN_STRIP = 1024, ROW_BLOCK = 64 };

OR_INLINE void sum_strip(size_t rows, size_t columns, const float *x, size_t ld, double factor, float *y) {
  double totals[COLUMN_STRIP];
  float sums[COLUMN_STRIP];
  for (size_t j = 0; j < columns; ++j) totals[j] = 0.0;
  for (size_t row = 0; row < rows; row += ROW_BLOCK) {
    const size_t count = rows - row < ROW_BLOCK ? rows - row : ROW_BLOCK;
    for (size_t j = 0; j < columns; ++j) sums[j] = 0.0f;
    size_t i = 0;
    for (; i + 4 <= count; i += 4) { /* four rows a pass over the sums */
      const float *from = x + (row + i) * ld;
      size_t j = 0;
      for (; j + V_WIDTH <= columns; j += V_WIDTH) {
        const v_t low = v_add(v_load(from + j), v_load(from + ld + j));
        const v_t high = v_add(v_load(from + 2 * ld + j), v_load(from + 3 * ld + j));
        v_store(sums + j, v_add(v_load(sums + j), v_add(low, high)));
      }
      for (; j < columns; ++j) sums[j] += (from[j] + from[ld + j]) + (from[2 * ld + j] + from[3 * ld + j]);
    }
    for (; i < count; ++i) OR_LEVEL(or_f32_add_vv)(columns, sums, x + (row + i) * ld, sums, false);
    for (size_t j = 0; j < columns; ++j) totals[j] += (double)sums[j];
  }
  for (size_t j = 0; j < columns; ++j) y[j] = (float)(totals[j] * factor);
}

void OR_LEVEL(or_reduce_columns_sum)(size_t rows, size_t columns, const float *x, size_t ld, float *y) {
  for (size_t j = 0; j < columns; j += COLUMN_STRIP) {
    sum_strip(rows, columns - j < COLUMN_STRIP ? columns - j : COLUMN_STRIP, x + j, ld, 1.0, y + j);
  }
}

void OR_LEVEL(or_reduce_columns_mean)(size_t rows, size_t columns, const float *x, size_t ld, float *y) {
  for (size_t j = 0; j < columns; j += COLUMN_STRIP) {
    sum_strip(rows, columns - j < COLUMN_STRIP ? columns - j : COLUMN_STRIP, x + j, ld, 1.0 / (double)rows, y + j);
  }
}

void OR_LEVEL(or_reduce_columns_max)(size_t rows, size_t columns, const float *x, size_t ld, float *y) {
  OR_LEVEL(or_f32_fill)(columns, -__builtin_inff(), y, false);
  for (size_t row = 0; row < rows; ++row) OR_LEVEL(or_f32_max_vv)(columns, y, x + row * ld, y, false);
}

void OR_LEVEL(or_reduce_columns_min)(size_t rows, size_t columns, const float *x, size_t ld, float *y) {
  OR_LEVEL(or_f32_fill)(columns, __builtin_inff(), y, false);
  for (size_t row = 0; row < rows; ++row) OR_LEVEL(or_f32_min_vv)(columns, y, x + row * ld, y, false);
}
