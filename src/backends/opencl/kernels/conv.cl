/* Convolutions beside product.cl: images laid out for it, and windows over single channels. Options: S (elements in
 * memory), T (what sums are), PLAIN (S is T), ACT. */

#ifdef PLAIN
#define LOAD_S(pointer, index) ((pointer)[index])
#define STORE_S(pointer, index, value) ((pointer)[index] = (value))
#else
#define LOAD_S(pointer, index) LOAD(S, pointer, index)
#define STORE_S(pointer, index, value) STORE(S, pointer, index, value)
#endif

/* or_cl_window_args_t */
typedef struct window_t {
  int in_h, in_w, out_h, out_w, kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w, pad_top, pad_left;
  int phases_h, phases_w, lines, width; /* of the planes that lay_image makes */
  int channels, filters;                /* of an image; filters is a multiple of channels */
  int has_bias, has_residual;
  int elements; /* of all images */
  float lo, hi;
} window_t;

static inline T act(T x, const window_t *p) {
#if ACT == 1
  return x < (T)0 ? (T)0 : x;
#elif ACT > 1
  return activate_plain(x, ACT, p->lo, p->hi);
#else
  return x;
#endif
}

/* Each channel with its padding, every stride_h-th line and every stride_w-th column in a plane of their own: `lines`
 * of `width`, as T. There, neighbouring outputs read neighbours, whichever place of the window is looked at. A work
 * item a line. */
__kernel void lay_image(IN(x), OUT(planes), window_t p) {
  int line = get_global_id(0);
  long plane = get_global_id(1);
  int phases = p.phases_h * p.phases_w, phase = plane % phases;
  int y = line * p.stride_h + phase / p.phases_w - p.pad_top, left = phase % p.phases_w - p.pad_left;
  __global T *to = WRITE(T, planes) + (plane * p.lines + line) * p.width;
  __global const S *from = READ(S, x) + ((plane / phases) * p.in_h + y) * (long)p.in_w + left;
  int begin = left < 0 ? (p.stride_w - 1 - left) / p.stride_w : 0;
  int end = p.in_w > left ? (p.in_w - left + p.stride_w - 1) / p.stride_w : 0;
  end = min(end, p.width);
  if (y < 0 || y >= p.in_h) end = 0;
  begin = min(begin, end);
  for (int i = 0; i < begin; ++i) to[i] = (T)0;
  if (p.stride_w == 1) {
    for (int i = begin; i < end; ++i) to[i] = LOAD_S(from, i);
  } else {
    for (int i = begin; i < end; ++i) to[i] = LOAD_S(from, (long)i * p.stride_w);
  }
  for (int i = end; i < p.width; ++i) to[i] = (T)0;
}

/* A filter that sees one channel: for GPUs, and for strides and types that depthwise_lines does not take. A work item
 * computes WIDTH neighbours of a line. */
__kernel void depthwise(IN(x), IN(weights), IN(bias), __global const uchar *residual_memory, ulong residual_offset,
                        IN_PLACE(y), window_t p) {
  int start = (int)get_global_id(0) * WIDTH, line = get_global_id(1);
  long plane = get_global_id(2), filter = plane % p.filters;
  long channel = plane / p.filters * p.channels + filter / (p.filters / p.channels);
  int count = min(WIDTH, p.out_w - start);
  __global const S *weights = READ(S, weights) + filter * p.kernel_h * p.kernel_w;
  __global const S *x = READ(S, x) + channel * p.in_h * p.in_w;
  T sums[WIDTH], first = p.has_bias ? LOAD_S(READ(S, bias), filter) : (T)0;
  if (count <= 0 || line >= p.out_h) return;
  for (int i = 0; i < WIDTH; ++i) sums[i] = first;
  for (int dy = 0; dy < p.kernel_h; ++dy) {
    int in_y = line * p.stride_h - p.pad_top + dy * p.dilation_h;
    if (in_y < 0 || in_y >= p.in_h) continue;
    for (int dx = 0; dx < p.kernel_w; ++dx) {
      int left = start * p.stride_w - p.pad_left + dx * p.dilation_w;
      __global const S *from = x + (long)in_y * p.in_w + left;
      T weight = LOAD_S(weights, dy * p.kernel_w + dx);
      int begin = left < 0 ? (p.stride_w - 1 - left) / p.stride_w : 0;
      int end = p.in_w > left ? (p.in_w - left + p.stride_w - 1) / p.stride_w : 0;
      end = min(end, count);
      if (p.stride_w == 1) {
        for (int i = begin; i < end; ++i) sums[i] = fma(weight, LOAD_S(from, i), sums[i]);
      } else {
        for (int i = begin; i < end; ++i) sums[i] = fma(weight, LOAD_S(from, i * p.stride_w), sums[i]);
      }
    }
  }
  long at = (plane * p.out_h + line) * p.out_w + start;
  __global const S *residual = READ(S, residual);
  __global S *y = WRITE(S, y);
  for (int i = 0; i < count; ++i) {
    T sum = sums[i];
    if (p.has_residual) sum += LOAD_S(residual, at + i);
    STORE_S(y, at + i, act(sum, &p));
  }
}

#ifdef LINES /* the stride along a line: 1 or 2 */
typedef PASTE(T, 16) vector_t;
#ifdef PLAIN
#define LOAD_16(pointer) vload16(0, pointer)
#else
#define LOAD_16(pointer) LOADN(16, S, pointer, 0)
#endif

/* 16 pixels from `left` on, LINES apart, those outside of the line as 0; `at`: of the first one in the images. */
static inline vector_t load_line(__global const S *images, const window_t *p, long at, int left) {
  const vector_t lanes = (vector_t)(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15) * (T)LINES;
  long first = at + left;
  if (first >= 0 && first + 16 * LINES <= p->elements) {
    __global const S *from = images + first;
#if LINES == 1
    vector_t pixels = LOAD_16(from);
#else
    vector_t low = LOAD_16(from), high = LOAD_16(from + 16);
    vector_t pixels = (vector_t)(low.even, high.even);
#endif
    if (left >= 0 && left + 15 * LINES < p->in_w) return pixels;
    vector_t x = lanes + (T)left;
    return x >= (T)0 && x < (T)p->in_w ? pixels : (vector_t)((T)0);
  }
  T pixels[16];
  for (int i = 0; i < 16; ++i) {
    int x = left + i * LINES;
    pixels[i] = x >= 0 && x < p->in_w ? LOAD_S(images, at + x) : (T)0;
  }
  return vload16(0, pixels);
}

/* For processors. A work item computes a channel. */
__kernel void depthwise_lines(IN(x), IN(weights), IN(bias), __global const uchar *residual_memory,
                              ulong residual_offset, IN_PLACE(y), window_t p) {
  long plane = get_global_id(0), filter = plane % p.filters;
  long channel = plane / p.filters * p.channels + filter / (p.filters / p.channels);
  __global const S *weights = READ(S, weights) + filter * p.kernel_h * p.kernel_w;
  __global const S *images = READ(S, x), *residual = READ(S, residual);
  __global S *y = WRITE(S, y);
  T bias = p.has_bias ? LOAD_S(READ(S, bias), filter) : (T)0;
  for (int line = 0; line < p.out_h; ++line) {
    for (int start = 0; start < p.out_w; start += 16) {
      vector_t sums = (vector_t)(bias);
      for (int dy = 0; dy < p.kernel_h; ++dy) {
        int in_y = line * p.stride_h - p.pad_top + dy * p.dilation_h;
        if (in_y < 0 || in_y >= p.in_h) continue;
        long at = (channel * p.in_h + in_y) * p.in_w;
        for (int dx = 0; dx < p.kernel_w; ++dx) {
          vector_t pixels = load_line(images, &p, at, start * LINES - p.pad_left + dx * p.dilation_w);
          sums = fma((vector_t)(LOAD_S(weights, dy * p.kernel_w + dx)), pixels, sums);
        }
      }
      T kept[16];
      vstore16(sums, 0, kept);
      long at = (plane * p.out_h + line) * p.out_w + start;
      int count = min(16, p.out_w - start);
      if (p.has_residual) {
        for (int i = 0; i < count; ++i) kept[i] += LOAD_S(residual, at + i);
      }
      for (int i = 0; i < 16; ++i) kept[i] = act(kept[i], &p);
      for (int i = 0; i < count; ++i) STORE_S(y, at + i, kept[i]);
    }
  }
}
#endif
