/* Windows over up to three dimensions of each channel. -DT=type; -DLEAST=the maximum over nothing, for MaxPool; without
 * it averages, -DPADDING: which count the padding as zeros. */

#define E COMPUTE(T)

typedef struct window_t { /* or_cl_window_t */
  int in[3], out[3], kernel_extent[3], stride[3], dilation[3], pad_begin[3], pad_end[3];
} window_t;

/* Kernel positions that see the input: [*first, *end), the first at element *at. */
static inline void seen(const window_t *w, int d, int position, int *first, int *end, int *at) {
  const int low = position * w->stride[d] - w->pad_begin[d], step = w->dilation[d];
  *first = low < 0 ? (-low + step - 1) / step : 0;
  *end = low < w->in[d] ? min((w->in[d] - 1 - low) / step + 1, w->kernel_extent[d]) : 0;
  *at = low + *first * step;
}

/* Kernel positions that lie on the input or on its padding. */
static inline int padded(const window_t *w, int d, int position) {
  const int room = w->in[d] + w->pad_begin[d] + w->pad_end[d] - position * w->stride[d];
  const int count = room > 0 ? (room + w->dilation[d] - 1) / w->dilation[d] : 0;
  return min(count, w->kernel_extent[d]);
}

__kernel void pool(IN(x), OUT(y), window_t w, int planes) {
  const int column = get_global_id(0), line = get_global_id(1), plane = get_global_id(2);
  if (plane >= planes || column >= w.out[2]) return;
  const int row = line % w.out[1], depth = line / w.out[1];
  int first[3], end[3], at[3];
  seen(&w, 0, depth, &first[0], &end[0], &at[0]);
  seen(&w, 1, row, &first[1], &end[1], &at[1]);
  seen(&w, 2, column, &first[2], &end[2], &at[2]);
  __global const T *from = READ(T, x) + (size_t)plane * w.in[0] * w.in[1] * w.in[2];
#ifdef LEAST
  E result = LEAST;
#else
  E result = 0;
#endif
  for (int i = first[0], z = at[0]; i < end[0]; ++i, z += w.dilation[0]) {
    for (int j = first[1], r = at[1]; j < end[1]; ++j, r += w.dilation[1]) {
      const size_t base = ((size_t)z * w.in[1] + r) * w.in[2];
      for (int k = first[2], c = at[2]; k < end[2]; ++k, c += w.dilation[2]) {
        const E v = LOAD(T, from, base + c);
#ifdef LEAST
        result = v > result || v != v ? v : result;
#else
        result += v;
#endif
      }
    }
  }
#ifndef LEAST
#ifdef PADDING
  const int count = padded(&w, 0, depth) * padded(&w, 1, row) * padded(&w, 2, column);
#else
  const int count = max(end[0] - first[0], 0) * max(end[1] - first[1], 0) * max(end[2] - first[2], 0);
#endif
  if (count > 0) result /= (E)count;
#endif
  STORE(T, WRITE(T, y), ((size_t)plane * w.out[0] * w.out[1] + line) * w.out[2] + column, result);
}
