/* Transforms down columns: the passes and their roots of unity. */
#include <math.h>

#include "backends/cpu/kernels/fft_internal.h"

#define PI 3.14159265358979323846

/* By symmetry from an angle of at most an eighth of the circle, where sin and cos lose nothing. In units of a turn over
 * 8 n all is whole. */
void or_fft_root(size_t k, size_t n, double *re, double *im) {
  size_t turn = k % n * 8;
  const bool lower = turn > 4 * n;
  if (lower) turn = 8 * n - turn;
  const bool left = turn > 2 * n;
  if (left) turn = 4 * n - turn;
  const bool steep = turn > n;
  const double angle = PI / 4 * (double)(steep ? 2 * n - turn : turn) / (double)n;
  const double c = steep ? sin(angle) : cos(angle), s = steep ? cos(angle) : sin(angle);
  *re = left ? -c : c;
  *im = lower ? s : -s;
}

void or_fft_put(const or_fft_ops_t *ops, void *array, size_t i, double value) {
  if (ops->scalar_bytes == sizeof(double)) {
    ((double *)array)[i] = value;
  } else {
    ((float *)array)[i] = (float)value;
  }
}

static const uint8_t odd_radices[] = {3, 5, 7, 11, 13};
#define ODD_COUNT (sizeof odd_radices / sizeof *odd_radices)

bool or_fft_is_smooth(size_t n) {
  if (n == 0) return false;
  while (n % 2 == 0) n /= 2;
  for (size_t i = 0; i < ODD_COUNT; ++i) {
    while (n % odd_radices[i] == 0) n /= odd_radices[i];
  }
  return n == 1;
}

/* The radices of a length, in the order of the passes; 0 where it has another factor. */
static size_t factor(size_t n, size_t width, uint8_t radices[OR_FFT_MAX_PASSES]) {
  size_t count = 0, twos = 0;
  for (; n % 2 == 0; n /= 2) ++twos;
  if (twos == 4 && width == 16) {
    radices[count++] = 16;
    twos = 0;
  }
  while (twos >= 3 && twos != 4) {
    radices[count++] = 8;
    twos -= 3;
  }
  for (; twos >= 2; twos -= 2) radices[count++] = 4;
  if (twos == 1) radices[count++] = 2;
  for (size_t i = ODD_COUNT; i-- > 0;) {
    for (; n % odd_radices[i] == 0; n /= odd_radices[i]) radices[count++] = odd_radices[i];
  }
  if (count == 0) radices[count++] = 1;
  return n == 1 ? count : 0;
}

/* Of a pass with `m` butterflies a column; inverse ones are listed as their outputs come, backwards. */
static bool make_roots(or_fft_columns_t *columns, or_fft_pass_t *pass, bool inverse, or_fft_memory_t memory) {
  const size_t radix = pass->radix, m = pass->p_count, bytes = columns->ops->scalar_bytes;
  if (m == 1) return true;
  void *roots = memory.alloc(memory.self, m * (radix - 1) * 2 * bytes, true);
  if (roots == NULL) return false;
  size_t at = 0;
  for (size_t p = 0; p < m; ++p) {
    for (size_t k = 1; k < radix; ++k, at += 2) {
      double re, im;
      or_fft_root(p * (inverse ? radix - k : k), radix * m, &re, &im);
      or_fft_put(columns->ops, roots, at, re);
      or_fft_put(columns->ops, roots, at + 1, inverse ? -im : im);
    }
  }
  pass->roots = roots;
  return true;
}

static size_t round_up(size_t n, size_t to) { return (n + to - 1) / to * to; }

/* As many columns as two buffers have room for, at least two vectors where there are so many. */
static size_t block_of(const or_fft_columns_options_t *options, const or_fft_ops_t *ops) {
  size_t width = ops->width, one = 4 * ops->scalar_bytes * options->length, all = round_up(options->columns, width);
  size_t block = options->budget_bytes / one / width * width, least = 2 * width;
  if (block > 64) block = 64;
  if (block < least) block = least;
  return block < all ? block : all;
}

bool or_fft_columns_init(or_fft_columns_t *columns, const or_fft_ops_t *ops, const or_fft_columns_options_t *options,
                         or_fft_memory_t memory) {
  uint8_t radices[OR_FFT_MAX_PASSES];
  size_t count = factor(options->length, ops->width, radices), block = block_of(options, ops);
  size_t lanes = block, m = options->length; /* lanes: of a row of this pass */
  *columns = (or_fft_columns_t){ops, options->length, block, count, 0, options->scale, {{0}}};
  columns->buffer_bytes = round_up(options->length * block * 2 * ops->scalar_bytes, 64);
  for (size_t i = 0; i < count; ++i) {
    or_fft_pass_t *pass = &columns->passes[i];
    const bool first = i == 0, last = i + 1 == count;
    const bool split_in = !first || options->in_split, split_out = !last || options->out_split;
    const ptrdiff_t radix = radices[i];
    m /= (size_t)radix;
    pass->radix = (uint8_t)radix;
    pass->form = (uint8_t)((split_in ? OR_FFT_SPLIT_PAIRS : OR_FFT_PAIRS_PAIRS) + (split_out ? 1 : 0));
    pass->edge = first || last;
    pass->p_count = m;
    pass->h_count = last ? lanes / block : 1;
    pass->b_count = lanes;
    const ptrdiff_t in_row = 2 * (ptrdiff_t)(first ? options->in_ld : lanes), row = 2 * (ptrdiff_t)lanes;
    pass->in_p = in_row;
    pass->in_k = (ptrdiff_t)m * in_row;
    pass->in_h = 2 * (ptrdiff_t)block;
    pass->out_p = radix * row;
    pass->out_k = row;
    if (last) {
      pass->out_h = 2 * (ptrdiff_t)options->out_ld;
      pass->out_k = (ptrdiff_t)pass->h_count * pass->out_h;
    }
    if (options->inverse) {
      pass->out_k0 = radix * pass->out_k;
      pass->out_k = -pass->out_k;
    }
    if (!make_roots(columns, pass, options->inverse, memory)) return false;
    lanes *= (size_t)radix;
  }
  return count > 0;
}

void or_fft_columns_run(const or_fft_columns_t *columns, const void *in, void *out, size_t count, void *scratch) {
  for (size_t i = 0; i < columns->pass_count; ++i) {
    void *to = i + 1 == columns->pass_count ? out : (char *)scratch + i % 2 * columns->buffer_bytes;
    columns->ops->pass(&columns->passes[i], in, to, count, columns->scale);
    in = to;
  }
}
