/* Softmax and its logarithm, of rows and down columns, in the terms of a simd_*.h and math_template.h. The maximum is
 * taken off first; sums run in several vectors, in blocks whose sums are added in double. */

/* A maximum that carries NaN. */
OR_INLINE float row_max(size_t n, const float *x) { return OR_LEVEL(or_f32_max)(n, x); }

/* y = e^(x - max) where `keep`; returns the sum. */
OR_INLINE double exp_row(size_t n, const float *x, float max, float *y, const bool keep) {
  const v_t top = v_set1(max);
  double total = 0.0;
  size_t i = 0;
  while (i + 2 * V_WIDTH <= n) {
    v_t sum0 = v_zero(), sum1 = v_zero();
    const size_t end = n - i < 1024 ? n : i + 1024;
    for (; i + 2 * V_WIDTH <= end; i += 2 * V_WIDTH) {
      const v_t a = m_exp(v_sub(v_load(x + i), top)), b = m_exp(v_sub(v_load(x + i + V_WIDTH), top));
      if (keep) {
        v_store(y + i, a);
        v_store(y + i + V_WIDTH, b);
      }
      sum0 = v_add(sum0, a);
      sum1 = v_add(sum1, b);
    }
    total += (double)v_reduce_add(v_add(sum0, sum1));
  }
  for (; i < n; i += V_WIDTH) {
    const size_t lanes = n - i < V_WIDTH ? n - i : V_WIDTH;
    float part[V_WIDTH];
    v_store(part, m_exp(v_sub(lanes < V_WIDTH ? v_load_n(x + i, lanes) : v_load(x + i), top)));
    for (size_t j = 0; j < lanes; ++j) {
      if (keep) y[i + j] = part[j];
      total += (double)part[j];
    }
  }
  return total;
}

void OR_LEVEL(or_softmax)(size_t rows, size_t n, const float *x, size_t x_ld, float *y, size_t y_ld) {
  for (size_t row = 0; row < rows; ++row) {
    const float *from = x + row * x_ld;
    float *to = y + row * y_ld;
    const double sum = exp_row(n, from, row_max(n, from), to, true);
    const float factor = (float)(1.0 / sum);
    OR_LEVEL(or_f32_mul_vs)(n, to, &factor, to, false);
  }
}

void OR_LEVEL(or_log_softmax)(size_t rows, size_t n, const float *x, size_t x_ld, float *y, size_t y_ld) {
  for (size_t row = 0; row < rows; ++row) {
    const float *from = x + row * x_ld;
    float *to = y + row * y_ld;
    const float max = row_max(n, from);
    const float log_sum = (float)log(exp_row(n, from, max, to, false));
    /* Two steps: the sum of both may round away a small logarithm. */
    OR_LEVEL(or_f32_sub_vs)(n, from, &max, to, false);
    OR_LEVEL(or_f32_sub_vs)(n, to, &log_sum, to, false);
  }
}

/* After Milakov and Gimelshein (2018): Online normalizer calculation for softmax. */
void OR_LEVEL(or_softmax_step)(size_t rows, size_t n, float *x, size_t ld, float *max, double *sum, float *factor) {
  for (size_t row = 0; row < rows; ++row) {
    float *const line = x + row * ld;
    const float of_block = row_max(n, line), before = max[row];
    const float top = of_block > before || of_block != of_block ? of_block : before;
    if (top == -__builtin_inff()) { /* nothing but -inf so far */
      OR_LEVEL(or_f32_fill)(n, 0.0f, line, false);
      factor[row] = 1.0f;
      continue;
    }
    const float kept = before == top ? 1.0f : expf(before - top);
    factor[row] = kept;
    max[row] = top;
    sum[row] = sum[row] * (double)kept + exp_row(n, line, top, line, true);
  }
}

OR_INLINE v_t max_nan(v_t a, v_t b) { return v_select_nan(a, v_max_b(a, b)); }

/* One to four vectors of columns; the last one of `lanes` columns. */
OR_INLINE void softmax_strip(size_t k, const size_t vectors, size_t lanes, const float *x, float *y, size_t ld,
                             const bool logarithm) {
  v_t max[4], sum[4];
#define COLUMN_LOAD(p, v) \
  ((v) == vectors - 1 && lanes < V_WIDTH ? v_load_n((p) + (v)*V_WIDTH, lanes) : v_load((p) + (v)*V_WIDTH))
  for (size_t v = 0; v < vectors; ++v) {
    max[v] = v_set1(-__builtin_inff());
    sum[v] = v_zero();
  }
  for (size_t i = 0; i < k; ++i) {
    for (size_t v = 0; v < vectors; ++v) max[v] = max_nan(max[v], COLUMN_LOAD(x + i * ld, v));
  }
  for (size_t i = 0; i < k; ++i) {
    for (size_t v = 0; v < vectors; ++v) {
      const v_t shifted = v_sub(COLUMN_LOAD(x + i * ld, v), max[v]), e = m_exp(shifted);
      sum[v] = v_add(sum[v], e);
      const v_t kept = logarithm ? shifted : e;
      float *to = y + i * ld + v * V_WIDTH;
      if (v == vectors - 1 && lanes < V_WIDTH) {
        v_store_n(to, kept, lanes);
      } else {
        v_store(to, kept);
      }
    }
  }
  for (size_t v = 0; v < vectors; ++v) sum[v] = logarithm ? m_log(sum[v]) : v_div(v_set1(1.0f), sum[v]);
  for (size_t i = 0; i < k; ++i) {
    for (size_t v = 0; v < vectors; ++v) {
      const v_t value = COLUMN_LOAD(y + i * ld, v), result = logarithm ? v_sub(value, sum[v]) : v_mul(value, sum[v]);
      float *to = y + i * ld + v * V_WIDTH;
      if (v == vectors - 1 && lanes < V_WIDTH) {
        v_store_n(to, result, lanes);
      } else {
        v_store(to, result);
      }
    }
  }
#undef COLUMN_LOAD
}

OR_INLINE void softmax_columns(size_t k, size_t columns, const float *x, float *y, size_t ld, const bool logarithm) {
  size_t i = 0;
  for (; i + 4 * V_WIDTH <= columns; i += 4 * V_WIDTH) softmax_strip(k, 4, V_WIDTH, x + i, y + i, ld, logarithm);
  for (; i < columns; i += V_WIDTH) {
    softmax_strip(k, 1, columns - i < V_WIDTH ? columns - i : V_WIDTH, x + i, y + i, ld, logarithm);
  }
}

void OR_LEVEL(or_softmax_columns)(size_t k, size_t columns, const float *x, float *y, size_t ld) {
  softmax_columns(k, columns, x, y, ld, false);
}

void OR_LEVEL(or_log_softmax_columns)(size_t k, size_t columns, const float *x, float *y, size_t ld) {
  softmax_columns(k, columns, x, y, ld, true);
}
