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

/* Positions of three dimensions; with padding they may be more than an int counts. */
static inline E volume(int depth, int height, int width) {
  return (E)max(depth, 0) * (E)max(height, 0) * (E)max(width, 0);
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
  const E count = volume(padded(&w, 0, depth), padded(&w, 1, row), padded(&w, 2, column));
#else
  const E count = volume(end[0] - first[0], end[1] - first[1], end[2] - first[2]);
#endif
  if (count > 0) result /= count;
#endif
  STORE(T, WRITE(T, y), ((size_t)plane * w.out[0] * w.out[1] + line) * w.out[2] + column, result);
}

/* Windows of which each row is read once for SPAN neighbours of the result: what lies under them, with what stands for
 * padding around it, comes into private memory, and then each position of the kernel is a vector. For devices whose
 * vectors are explicit; steps of 1 or 2 along the last dimension, and SPAN * step + (kernel - 1) * dilation <= LINE. */
#ifdef SPAN
#define LINE 64
#ifdef LEAST
#define TAKE(v) result = v > result || v != v ? v : result;
#else
#define TAKE(v) result += v;
#endif
__kernel void pool_rows(IN(x), OUT(y), window_t w, int planes) {
  const int column = get_global_id(0) * SPAN, line = get_global_id(1), plane = get_global_id(2);
  if (plane >= planes || column >= w.out[2]) return;
  const int row = line % w.out[1], depth = line / w.out[1];
  int first[2], end[2], at[2];
  seen(&w, 0, depth, &first[0], &end[0], &at[0]);
  seen(&w, 1, row, &first[1], &end[1], &at[1]);
  __global const T *from = READ(T, x) + (size_t)plane * w.in[0] * w.in[1] * w.in[2];
#ifdef LEAST
  const E outside = LEAST;
#else
  const E outside = 0;
#endif
  VECTOR(SPAN, T) result = (VECTOR(SPAN, T))(outside);
  E under[LINE + SPAN];
  for (int i = 0; i < LINE + SPAN; ++i) under[i] = outside;
  const int left = column * w.stride[2] - w.pad_begin[2];
  const int reach = SPAN * w.stride[2] + (w.kernel_extent[2] - 1) * w.dilation[2];
  const int begin = max(0, -left), stop = min(reach, w.in[2] - left); /* of what lies over the input */
  for (int i = first[0], z = at[0]; i < end[0]; ++i, z += w.dilation[0]) {
    for (int j = first[1], r = at[1]; j < end[1]; ++j, r += w.dilation[1]) {
      __global const T *source = from + ((size_t)z * w.in[1] + r) * w.in[2] + left;
      if (begin == 0 && stop == reach) {
        for (int k = 0; k < w.kernel_extent[2]; ++k) {
          __global const T *tap = source + k * w.dilation[2];
          VECTOR(SPAN, T) v = LOADN(SPAN, T, tap, 0);
          if (w.stride[2] == 2) v = (VECTOR(SPAN, T))(v.even, LOADN(SPAN, T, tap, 1).even);
          TAKE(v)
        }
        continue;
      }
      int c = begin;
      for (; c + SPAN <= stop; c += SPAN) PASTE(vstore, SPAN)(LOADN(SPAN, T, source + c, 0), 0, under + c);
      for (; c < stop; ++c) under[c] = LOAD(T, source, c);
      for (int k = 0; k < w.kernel_extent[2]; ++k) {
        const E *tap = under + k * w.dilation[2];
        VECTOR(SPAN, T) v = PASTE(vload, SPAN)(0, tap);
        if (w.stride[2] == 2) v = (VECTOR(SPAN, T))(v.even, PASTE(vload, SPAN)(1, tap).even);
        TAKE(v)
      }
    }
  }
  E numbers[SPAN];
  PASTE(vstore, SPAN)(result, 0, numbers);
  const int count = min(SPAN, w.out[2] - column);
  const size_t to = ((size_t)plane * w.out[0] * w.out[1] + line) * w.out[2] + column;
  for (int n = 0; n < count; ++n) {
#ifndef LEAST
    int first_column, end_column, unused;
    seen(&w, 2, column + n, &first_column, &end_column, &unused);
#ifdef PADDING
    const E positions = volume(padded(&w, 0, depth), padded(&w, 1, row), padded(&w, 2, column + n));
#else
    const E positions = volume(end[0] - first[0], end[1] - first[1], end_column - first_column);
#endif
    if (positions > 0) numbers[n] /= positions;
#endif
    STORE(T, WRITE(T, y), to + n, numbers[n]);
  }
}
#endif
