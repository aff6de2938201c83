/* One output pixel of a window, in plain C: the portable level's whole work, and the edges of the vector levels'. */
#ifndef OR_BACKENDS_CPU_KERNELS_WINDOW_INTERNAL_H
#define OR_BACKENDS_CPU_KERNELS_WINDOW_INTERNAL_H

#include "backends/cpu/kernels/window.h"

typedef enum or_window_kind_t {
  OR_WINDOW_MAX,
  OR_WINDOW_SUM,
  OR_WINDOW_WEIGHTED, /* sum of weight times pixel */
} or_window_kind_t;

/* Taps [*begin, *end) of a window of `taps` whose positions start + i * dilation lie in [0, size). */
static inline void or_window_range(ptrdiff_t start, size_t taps, size_t dilation, size_t size, size_t *begin,
                                   size_t *end) {
  size_t first = start < 0 ? ((size_t)-start + dilation - 1) / dilation : 0;
  ptrdiff_t room = (ptrdiff_t)size - start; /* positions start .. size - 1 */
  size_t last = room <= 0 ? 0 : ((size_t)room + dilation - 1) / dilation;
  if (last > taps) last = taps;
  *begin = first;
  *end = last > first ? last : first;
}

static inline ptrdiff_t or_window_start(size_t out, size_t stride, size_t pad) {
  return (ptrdiff_t)(out * stride) - (ptrdiff_t)pad;
}

static inline float or_window_pixel(or_window_kind_t kind, const or_cpu_window_t *w, const float *plane, size_t out_y,
                                    size_t out_x, const float *weights, float start) {
  ptrdiff_t y = or_window_start(out_y, w->stride_h, w->pad_top), x = or_window_start(out_x, w->stride_w, w->pad_left);
  size_t i, i_end, j_begin, j_end;
  or_window_range(y, w->kernel_h, w->dilation_h, w->in_h, &i, &i_end);
  or_window_range(x, w->kernel_w, w->dilation_w, w->in_w, &j_begin, &j_end);
  float result = start;
  for (; i < i_end; ++i) {
    const float *row = plane + (size_t)(y + (ptrdiff_t)(i * w->dilation_h)) * w->in_w;
    for (size_t j = j_begin; j < j_end; ++j) {
      float value = row[x + (ptrdiff_t)(j * w->dilation_w)];
      if (kind == OR_WINDOW_MAX) {
        if (value > result || value != value) result = value;
        if (result != result) return result;
      } else {
        result += kind == OR_WINDOW_WEIGHTED ? weights[i * w->kernel_w + j] * value : value;
      }
    }
  }
  return result;
}

/* What an average at this pixel divides by, in one direction: taps inside the image, or inside the padded one. */
static inline size_t or_window_count(size_t out, size_t stride, size_t pad, size_t taps, size_t dilation, size_t size,
                                     size_t pad_end, or_cpu_average_t divide_by) {
  size_t begin, end;
  ptrdiff_t start = or_window_start(out, stride, pad);
  if (divide_by == OR_CPU_AVERAGE_PADDED) {
    or_window_range(start + (ptrdiff_t)pad, taps, dilation, size + pad + pad_end, &begin, &end);
  } else {
    or_window_range(start, taps, dilation, size, &begin, &end);
  }
  return end - begin;
}

/* Turns the sums of one output row into averages. */
static inline void or_window_divide_row(const or_cpu_average_pool_t *pool, size_t out_y, float *row) {
  const or_cpu_window_t *w = &pool->window;
  size_t rows = or_window_count(out_y, w->stride_h, w->pad_top, w->kernel_h, w->dilation_h, w->in_h, pool->pad_bottom,
                                pool->divide_by);
  for (size_t x = 0; x < w->out_w; ++x) {
    size_t count = rows * or_window_count(x, w->stride_w, w->pad_left, w->kernel_w, w->dilation_w, w->in_w,
                                          pool->pad_right, pool->divide_by);
    row[x] = count == 0 ? 0.0f : row[x] / (float)count;
  }
}

/* The window is the whole image and gives one pixel. */
static inline bool or_window_is_global(const or_cpu_window_t *w) {
  return w->out_h == 1 && w->out_w == 1 && w->pad_top == 0 && w->pad_left == 0 && w->dilation_h == 1 &&
         w->dilation_w == 1 && w->kernel_h == w->in_h && w->kernel_w == w->in_w;
}

#endif
