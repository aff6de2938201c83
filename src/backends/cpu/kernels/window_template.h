/* Pooling and depthwise convolution in the terms of a simd_*.h: each output row in vectors where the window lies inside
 * the image and the horizontal stride is 1 or 2, pixel by pixel elsewhere. */

/* V_WIDTH outputs at out_x, all inside; `lanes` of them count (stride 1 only). */
OR_INLINE v_t window_vector(const or_window_kind_t kind, const or_cpu_window_t *w, const float *row,
                            const size_t rows[2], const bool two, size_t lanes, const float *weights, float start) {
  v_t result = v_set1(start);
  for (size_t i = rows[0]; i < rows[1]; ++i) {
    const float *from = row + i * w->dilation_h * w->in_w;
    for (size_t j = 0; j < w->kernel_w; ++j, from += w->dilation_w) {
      const v_t value = two ? v_load_even(from) : lanes < V_WIDTH ? v_load_n(from, lanes) : v_load(from);
      if (kind == OR_WINDOW_MAX) {
        result = v_select_nan(result, v_max_b(result, value));
      } else if (kind == OR_WINDOW_SUM) {
        result = v_add(result, value);
      } else {
        result = v_fma(v_set1(weights[i * w->kernel_w + j]), value, result);
      }
    }
  }
  return result;
}

OR_INLINE void window_row(const or_window_kind_t kind, const or_cpu_window_t *w, const float *plane, size_t out_y,
                          const float *weights, float start, float *out) {
  const size_t span = (w->kernel_w - 1) * w->dilation_w;
  size_t begin = (w->pad_left + w->stride_w - 1) / w->stride_w, end = 0; /* outputs whose windows lie inside */
  if (w->in_w + w->pad_left > span) end = (w->in_w + w->pad_left - span - 1) / w->stride_w + 1;
  if (end > w->out_w) end = w->out_w;
  if (begin > end) begin = end;
  const ptrdiff_t y = or_window_start(out_y, w->stride_h, w->pad_top);
  size_t rows[2];
  or_window_range(y, w->kernel_h, w->dilation_h, w->in_h, &rows[0], &rows[1]);
  size_t x = 0;
  for (; x < begin; ++x) out[x] = or_window_pixel(kind, w, plane, out_y, x, weights, start);
  if (rows[0] < rows[1]) {
    /* The row of tap 0, which may lie outside: only taps in `rows` are read. Address arithmetic stays in integers until
     * then. */
    const ptrdiff_t base = y * (ptrdiff_t)w->in_w - (ptrdiff_t)w->pad_left;
    const ptrdiff_t skip = (ptrdiff_t)(rows[0] * w->dilation_h * w->in_w);
    if (w->stride_w == 1) {
      for (; x < end; x += V_WIDTH) {
        const size_t lanes = end - x < V_WIDTH ? end - x : V_WIDTH;
        const float *first = plane + (base + skip + (ptrdiff_t)x);
        const size_t relative[2] = {0, rows[1] - rows[0]};
        const float *filter = weights == NULL ? NULL : weights + rows[0] * w->kernel_w;
        const v_t value = window_vector(kind, w, first, relative, false, lanes, filter, start);
        if (lanes < V_WIDTH) {
          v_store_n(out + x, value, lanes);
        } else {
          v_store(out + x, value);
        }
      }
      if (x > end) x = end;
    } else if (w->stride_w == 2) {
      for (; x + V_WIDTH <= end; x += V_WIDTH) {
        const float *first = plane + (base + skip + (ptrdiff_t)(2 * x));
        const size_t relative[2] = {0, rows[1] - rows[0]};
        const float *filter = weights == NULL ? NULL : weights + rows[0] * w->kernel_w;
        v_store(out + x, window_vector(kind, w, first, relative, true, V_WIDTH, filter, start));
      }
    }
  }
  for (; x < w->out_w; ++x) out[x] = or_window_pixel(kind, w, plane, out_y, x, weights, start);
}

void OR_LEVEL(or_max_pool)(const or_cpu_window_t *window, size_t planes, const float *x, float *y) {
  for (size_t plane = 0; plane < planes; ++plane) {
    if (or_window_is_global(window)) {
      *y = OR_LEVEL(or_f32_max)(window->in_h * window->in_w, x);
    } else {
      for (size_t row = 0; row < window->out_h; ++row) {
        window_row(OR_WINDOW_MAX, window, x, row, NULL, -__builtin_inff(), y + row * window->out_w);
      }
    }
    x += window->in_h * window->in_w;
    y += window->out_h * window->out_w;
  }
}

void OR_LEVEL(or_average_pool)(const or_cpu_average_pool_t *pool, size_t planes, const float *x, float *y) {
  const or_cpu_window_t *window = &pool->window;
  const size_t pixels = window->in_h * window->in_w;
  for (size_t plane = 0; plane < planes; ++plane) {
    if (or_window_is_global(window)) {
      *y = (float)(OR_LEVEL(or_f32_sum)(pixels, x) / (double)pixels);
    } else {
      for (size_t row = 0; row < window->out_h; ++row) {
        window_row(OR_WINDOW_SUM, window, x, row, NULL, 0.0f, y + row * window->out_w);
        or_window_divide_row(pool, row, y + row * window->out_w);
      }
    }
    x += pixels;
    y += window->out_h * window->out_w;
  }
}

void OR_LEVEL(or_depthwise)(const or_cpu_depthwise_t *conv, size_t begin, size_t end, const float *x, float *y) {
  const or_cpu_window_t *window = &conv->window;
  const size_t taps = window->kernel_h * window->kernel_w, pixels = window->out_h * window->out_w;
  for (size_t plane = begin; plane < end; ++plane) {
    const size_t channel = plane % conv->channels;
    const float *image = x + plane / conv->multiplier * window->in_h * window->in_w;
    const float *filter = conv->weights + channel * taps;
    const float start = conv->bias == NULL ? 0.0f : conv->bias[channel];
    float *out = y + plane * pixels;
    for (size_t row = 0; row < window->out_h; ++row) {
      window_row(OR_WINDOW_WEIGHTED, window, image, row, filter, start, out + row * window->out_w);
    }
    if (conv->residual != NULL) OR_LEVEL(or_f32_add_vv)(pixels, out, conv->residual + plane * pixels, out, false);
    OR_LEVEL(or_activate)(&conv->act, pixels, out);
  }
}
