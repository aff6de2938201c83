/* Fourier transforms of one element type at one level. The including file has included fft_internal.h, a simd_*.h and a
 * fft_simd_*.h, and defines E_T the element type, E_V the vector type, E_W its lanes, E(op) the vector operation (v_add
 * or d_add), E_NAME(f) the function's full name, E_FINISH the transform of E_W points, E_NARROW functions with fewer
 * lanes, or NULL. */
#include <string.h>

#include "backends/cpu/kernels/fft_butterfly_template.h"

/* Columns that don't fill a vector are worked on in a copy. */
typedef struct edge_t {
  E_T x[OR_FFT_MAX_RADIX][2 * E_W], y[OR_FFT_MAX_RADIX][2 * E_W];
} edge_t;

OR_INLINE void get(const bool split, const E_T *p, E_V *re, E_V *im) {
  if (split) {
    *re = E(load)(p);
    *im = E(load)(p + E_W);
  } else {
    E(split)(p, re, im);
  }
}

OR_INLINE void put(const bool split, E_T *p, E_V re, E_V im) {
  if (split) {
    E(store)(p, re);
    E(store)(p + E_W, im);
  } else {
    E(join)(p, re, im);
  }
}

/* A pass's strides as one vector of columns meets them. */
typedef struct way_t {
  const E_T *x;
  E_T *y;
  ptrdiff_t in_k, out_k0, out_k;
} way_t;

OR_INLINE void put_point(const bool split_out, const way_t *way, int k, E_V re, E_V im) {
  put(split_out, k == 0 ? way->y : way->y + way->out_k0 + k * way->out_k, re, im);
}

/* As `points`, of sixteen: in the order in which registers suffice. */
OR_INLINE void sixteen_points(const or_fft_form_t form, const way_t *way, const E_T *roots, E_V scale) {
  const bool split_in = form == OR_FFT_SPLIT_PAIRS || form == OR_FFT_SPLIT_SPLIT,
             split_out = form == OR_FFT_PAIRS_SPLIT || form == OR_FFT_SPLIT_SPLIT;
  E_V re[16], im[16];
  OR_UNROLL
  for (int k = 0; k < 4; ++k) {
    OR_UNROLL
    for (int j = k; j < 16; j += 4) get(split_in, way->x + j * way->in_k, &re[j], &im[j]);
    four(re, im, k, k + 4, k + 8, k + 12);
  }
  OR_UNROLL
  for (int k = 0; k < 4; ++k) {
    sixteen_rows(k, re, im);
    OR_UNROLL
    for (int j = 0; j < 4; ++j) {
      const int at = 4 * k + j, to = k + 4 * j;
      if (roots != NULL && to > 0) {
        times(&re[at], &im[at], E(set1)(roots[2 * to - 2]), E(set1)(roots[2 * to - 1]));
      } else if (roots == NULL && !split_out) {
        re[at] = E(mul)(re[at], scale);
        im[at] = E(mul)(im[at], scale);
      }
      put_point(split_out, way, to, re[at], im[at]);
    }
  }
}

/* One vector of columns: radix points, transformed, times the roots. */
OR_INLINE void points(const int radix, const or_fft_form_t form, const way_t *way, const E_T *roots, E_V scale) {
  const bool split_in = form == OR_FFT_SPLIT_PAIRS || form == OR_FFT_SPLIT_SPLIT,
             split_out = form == OR_FFT_PAIRS_SPLIT || form == OR_FFT_SPLIT_SPLIT;
  E_V re[OR_FFT_MAX_RADIX], im[OR_FFT_MAX_RADIX];
  if (radix == 16) {
    sixteen_points(form, way, roots, scale);
    return;
  }
  OR_UNROLL
  for (int k = 0; k < radix; ++k) get(split_in, way->x + k * way->in_k, &re[k], &im[k]);
  butterfly(radix, re, im);
  if (roots != NULL) {
    OR_UNROLL
    for (int k = 1; k < radix; ++k) times(&re[k], &im[k], E(set1)(roots[2 * k - 2]), E(set1)(roots[2 * k - 1]));
  } else if (!split_out) {
    OR_UNROLL
    for (int k = 0; k < radix; ++k) {
      re[k] = E(mul)(re[k], scale);
      im[k] = E(mul)(im[k], scale);
    }
  }
  OR_UNROLL
  for (int k = 0; k < radix; ++k) put_point(split_out, way, k, re[k], im[k]);
}

/* Columns that don't fill a vector go by way of a copy. */
static __attribute__((noinline)) way_t enter_edge(edge_t *edge, const way_t *way, int radix, size_t in_bytes,
                                                  bool pairs_out) {
  way_t own = *way;
  if (in_bytes > 0) {
    memset(edge->x, 0, sizeof edge->x);
    for (int k = 0; k < radix; ++k) memcpy(edge->x[k], way->x + k * way->in_k, in_bytes);
    own.x = edge->x[0];
    own.in_k = 2 * E_W;
  }
  if (pairs_out) {
    own.y = edge->y[0];
    own.out_k0 = 0;
    own.out_k = 2 * E_W;
  }
  return own;
}

static __attribute__((noinline)) void leave_edge(E_T rows[][2 * E_W], const way_t *way, int radix, size_t bytes) {
  memcpy(way->y, rows[0], bytes);
  for (int k = 1; k < radix; ++k) memcpy(way->y + way->out_k0 + k * way->out_k, rows[k], bytes);
}

OR_INLINE void pass_of(const int radix, const or_fft_form_t form, const or_fft_pass_t *pass, const E_T *in, E_T *out,
                       size_t columns, E_T scale) {
  const bool pairs_in = form == OR_FFT_PAIRS_PAIRS || form == OR_FFT_PAIRS_SPLIT,
             pairs_out = form == OR_FFT_PAIRS_PAIRS || form == OR_FFT_SPLIT_PAIRS;
  const size_t count = pass->edge ? columns : pass->b_count;
  const E_V scales = E(set1)(scale);
  const E_T *roots = pass->roots;
  edge_t edge;
  for (size_t p = 0; p < pass->p_count; ++p, in += pass->in_p, out += pass->out_p) {
    const E_T *row = in;
    E_T *to = out;
    for (size_t h = 0; h < pass->h_count; ++h, row += pass->in_h, to += pass->out_h) {
      way_t way = {row, to, pass->in_k, pass->out_k0, pass->out_k};
      for (size_t b = 0; b < count; b += E_W, way.x += 2 * E_W, way.y += 2 * E_W) {
        const bool whole = count - b >= E_W || (!pairs_in && !pairs_out);
        const size_t bytes = (count - b) * 2 * sizeof(E_T);
        way_t own = way;
        if (!whole) own = enter_edge(&edge, &way, radix, pairs_in ? bytes : 0, pairs_out);
        points(radix, form, &own, roots, scales);
        if (!whole && pairs_out) leave_edge(edge.y, &way, radix, bytes);
      }
    }
    if (roots != NULL) roots += 2 * (radix - 1);
  }
}

#define PASSES_OF(radix)                                                                                           \
  static void pairs_pairs_##radix(const or_fft_pass_t *pass, const E_T *in, E_T *out, size_t columns, E_T scale) { \
    pass_of(radix, OR_FFT_PAIRS_PAIRS, pass, in, out, columns, scale);                                             \
  }                                                                                                                \
  static void pairs_split_##radix(const or_fft_pass_t *pass, const E_T *in, E_T *out, size_t columns, E_T scale) { \
    pass_of(radix, OR_FFT_PAIRS_SPLIT, pass, in, out, columns, scale);                                             \
  }                                                                                                                \
  static void split_pairs_##radix(const or_fft_pass_t *pass, const E_T *in, E_T *out, size_t columns, E_T scale) { \
    pass_of(radix, OR_FFT_SPLIT_PAIRS, pass, in, out, columns, scale);                                             \
  }                                                                                                                \
  static void split_split_##radix(const or_fft_pass_t *pass, const E_T *in, E_T *out, size_t columns, E_T scale) { \
    pass_of(radix, OR_FFT_SPLIT_SPLIT, pass, in, out, columns, scale);                                             \
  }
PASSES_OF(1)
PASSES_OF(2)
PASSES_OF(3)
PASSES_OF(4)
PASSES_OF(5)
PASSES_OF(7)
PASSES_OF(8)
PASSES_OF(11)
PASSES_OF(13)
PASSES_OF(16)

typedef void (*pass_fn)(const or_fft_pass_t *pass, const E_T *in, E_T *out, size_t columns, E_T scale);
#define ROW(radix) [radix] = {pairs_pairs_##radix, pairs_split_##radix, split_pairs_##radix, split_split_##radix}
static const pass_fn passes[OR_FFT_MAX_RADIX + 1][OR_FFT_FORMS] = {ROW(1), ROW(2), ROW(3),  ROW(4),  ROW(5),
                                                                   ROW(7), ROW(8), ROW(11), ROW(13), ROW(16)};

static void run_pass(const or_fft_pass_t *pass, const void *in, void *out, size_t columns, double scale) {
  passes[pass->radix][pass->form](pass, in, out, columns, (E_T)scale);
}

/* A square of rows k1 = at + order[i] becomes vectors of these lanes, one a column, in the columns' own order. Rows
 * past the last repeat it. */
OR_INLINE void load_turned(const E_T *in, size_t in_ld, size_t at, size_t rows, E_V *re, E_V *im) {
  E_V r[E_W], i[E_W];
  OR_UNROLL
  for (size_t lane = 0; lane < E_W; ++lane) {
    size_t row = at + E(order)[lane];
    const E_T *p = in + (row < rows ? row : rows - 1) * in_ld;
    r[lane] = E(load)(p);
    i[lane] = E(load)(p + E_W);
  }
  E(turn)(r);
  E(turn)(i);
  OR_UNROLL
  for (size_t lane = 0; lane < E_W; ++lane) {
    re[E(order)[lane]] = r[lane];
    im[E(order)[lane]] = i[lane];
  }
}

static void turn(const or_fft_turn_t *turn, const void *in, void *out) {
  const E_T *start = turn->start;
  for (size_t j = 0; j < turn->columns; j += E_W) {
    const size_t lanes = turn->columns - j < E_W ? turn->columns - j : E_W;
    for (size_t at = 0; at < turn->rows; at += E_W) {
      const E_T *step = (const E_T *)turn->step + 2 * (j * turn->step_ld + at / E_W);
      E_T *to = (E_T *)out + j * turn->out_ld + 2 * at;
      E_V re[E_W], im[E_W];
      load_turned((const E_T *)in + 2 * j, turn->in_ld, at, turn->rows, re, im);
      OR_UNROLL
      for (size_t i = 0; i < E_W; ++i) {
        if (i >= lanes) break;
        E_V wr = E(load)(start + (j + i) * 2 * E_W), wi = E(load)(start + (j + i) * 2 * E_W + E_W);
        times(&wr, &wi, E(set1)(step[2 * i * turn->step_ld]), E(set1)(step[2 * i * turn->step_ld + 1]));
        times(&re[i], &im[i], wr, wi);
        put(true, to + i * turn->out_ld, re[i], im[i]);
      }
    }
  }
}

/* The transforms of a turned square's E_W columns, each times its roots, the first times the scale. */
#if E_FINISH == 16
OR_INLINE void finish_square(const E_T *in, size_t at, size_t rows, const E_T *roots, E_V scale, const way_t *way) {
  E_V re[16], im[16];
  OR_UNROLL
  for (size_t lane = 0; lane < 16; ++lane) {
    const E_T *p = in + (at + lane < rows ? at + lane : rows - 1) * 2 * E_W;
    re[lane] = E(load)(p);
    im[lane] = E(load)(p + E_W);
  }
  E(turn_within)(re);
  E(turn_within)(im);
  OR_UNROLL
  for (int k = 0; k < 4; ++k) {
    turn_parts(&re[k], &re[k + 4], &re[k + 8], &re[k + 12]);
    turn_parts(&im[k], &im[k + 4], &im[k + 8], &im[k + 12]);
    OR_UNROLL
    for (int j = k; j < 16; j += 4) {
      const E_T *root = roots + j * 2 * E_W;
      if (j > 0) times(&re[j], &im[j], E(load)(root), E(load)(root + E_W));
    }
    if (k == 0) {
      re[0] = E(mul)(re[0], scale);
      im[0] = E(mul)(im[0], scale);
    }
    four(re, im, k, k + 4, k + 8, k + 12);
  }
  OR_UNROLL
  for (int k = 0; k < 4; ++k) {
    sixteen_rows(k, re, im);
    OR_UNROLL
    for (int j = 0; j < 4; ++j) put_point(false, way, k + 4 * j, re[4 * k + j], im[4 * k + j]);
  }
}
#else
OR_INLINE void finish_square(const E_T *in, size_t at, size_t rows, const E_T *roots, E_V scale, const way_t *way) {
  E_V re[E_W], im[E_W];
  load_turned(in, 2 * E_W, at, rows, re, im);
  re[0] = E(mul)(re[0], scale);
  im[0] = E(mul)(im[0], scale);
  OR_UNROLL
  for (size_t i = 1; i < E_W; ++i)
    times(&re[i], &im[i], E(load)(roots + i * 2 * E_W), E(load)(roots + i * 2 * E_W + E_W));
  butterfly(E_FINISH, re, im);
  OR_UNROLL
  for (int k = 0; k < E_FINISH; ++k) put_point(false, way, k, re[k], im[k]);
}
#endif

static void finish(const or_fft_finish_t *finish, const void *in, void *out) {
  const size_t n1 = finish->n1;
  const E_T *roots = finish->roots;
  const E_V scale = E(set1)((E_T)finish->scale);
  for (size_t at = 0; at < n1; at += E_W, roots += E_W * 2 * E_W) {
    _Alignas(64) E_T last[E_W][2 * E_W];
    const size_t lanes = n1 - at < E_W ? n1 - at : E_W;
    const way_t whole = {NULL, (E_T *)out + 2 * at, 0, finish->out_k0, finish->out_k};
    const way_t way = lanes < E_W ? (way_t){NULL, last[0], 0, 0, 2 * E_W} : whole;
    finish_square(in, at, n1, roots, scale, &way);
    if (lanes < E_W) leave_edge(last, &whole, E_W, lanes * 2 * sizeof(E_T));
  }
}

static void multiply(size_t n, const void *x, const void *y, bool conjugate, void *z) {
  const E_V sign = E(set1)(conjugate ? (E_T)-1 : (E_T)1);
  for (size_t i = 0; i < n; i += E_W) {
    const size_t bytes = (n - i < E_W ? n - i : E_W) * 2 * sizeof(E_T);
    E_T copy[3][2 * E_W] = {{0}};
    const E_T *a = (const E_T *)x + 2 * i, *b = (const E_T *)y + 2 * i;
    E_T *c = (E_T *)z + 2 * i;
    if (n - i < E_W) {
      memcpy(copy[0], a, bytes);
      memcpy(copy[1], b, bytes);
      a = copy[0];
      b = copy[1];
      c = copy[2];
    }
    E_V re, im, wr, wi;
    E(split)(a, &re, &im);
    E(split)(b, &wr, &wi);
    times(&re, &im, wr, wi);
    E(join)(c, re, E(mul)(im, sign));
    if (n - i < E_W) memcpy((E_T *)z + 2 * i, c, bytes);
  }
}

const or_fft_ops_t E_NAME(fft) = {
    .width = E_W,
    .scalar_bytes = sizeof(E_T),
    .narrow = E_NARROW,
    .order = E(order),
    .pass = run_pass,
    .turn = turn,
    .finish = finish,
    .multiply = multiply,
};
