/* Sums of one element type, in the terms of vector_template.h. Blocks of 32 vectors for each of four partial sums are
 * added up in the element type, and across blocks in double: the error does not grow with the length. */

enum { SUM_STEPS = 32 };

typedef enum sum_kind_t { SUM_ONE, SUM_BOTH, SUM_PRODUCTS } sum_kind_t; /* of x; of x and y; of x times y */

OR_INLINE E_V sum_step(const sum_kind_t kind, E_V a, E_V b, E_V sum) {
  if (kind == SUM_PRODUCTS) return E(fma)(a, b, sum);
  return E(add)(sum, kind == SUM_BOTH ? E(add)(a, b) : a);
}

OR_INLINE double sum_vectors(const sum_kind_t kind, size_t n, const E_T *x, const E_T *y) {
  const bool two = kind != SUM_ONE;
  d_t total = d_zero();
  size_t i = 0;
  while (i + 4 * E_W <= n) {
    E_V part[4];
    OR_UNROLL
    for (int j = 0; j < 4; ++j) part[j] = E(zero)();
    size_t blocks = (n - i) / (4 * E_W);
    size_t end = i + (blocks < SUM_STEPS ? blocks : SUM_STEPS) * 4 * E_W;
    for (; i < end; i += 4 * E_W) {
      OR_UNROLL
      for (size_t j = 0; j < 4; ++j) {
        const E_V a = E(load)(x + i + j * E_W);
        part[j] = sum_step(kind, a, two ? E(load)(y + i + j * E_W) : a, part[j]);
      }
    }
    total = d_add(total, E(widen_add)(E(add)(E(add)(part[0], part[1]), E(add)(part[2], part[3]))));
  }
  E_V rest = E(zero)();
  for (; i < n; i += E_W) {
    size_t lanes = n - i < E_W ? n - i : E_W;
    const E_V a = lanes < E_W ? E(load_n)(x + i, lanes) : E(load)(x + i);
    const E_V b = !two ? a : lanes < E_W ? E(load_n)(y + i, lanes) : E(load)(y + i);
    rest = sum_step(kind, a, b, rest);
  }
  return d_reduce_add(d_add(total, E(widen_add)(rest)));
}

double E_NAME(dot)(size_t n, const E_T *x, const E_T *y) { return sum_vectors(SUM_PRODUCTS, n, x, y); }

/* Both halves of a long vector at once: memory delivers two streams faster than one. */
double E_NAME(sum)(size_t n, const E_T *x) {
  if (n < 65536) return sum_vectors(SUM_ONE, n, x, x);
  const size_t half = n / 32 * 16;
  return sum_vectors(SUM_BOTH, half, x, x + half) + sum_vectors(SUM_ONE, n - 2 * half, x + 2 * half, x);
}

/* Squares are formed in double: those of fp32 can't overflow there. */
double E_NAME(sum_squares)(size_t n, const E_T *x) {
  d_t low[2] = {d_zero(), d_zero()}, high[2] = {d_zero(), d_zero()};
  size_t i = 0;
  for (; i + 2 * E_W <= n; i += 2 * E_W) {
    OR_UNROLL
    for (size_t j = 0; j < 2; ++j) {
      const E_V a = E(load)(x + i + j * E_W);
      low[j] = d_fma(E(widen_low)(a), E(widen_low)(a), low[j]);
      high[j] = d_fma(E(widen_high)(a), E(widen_high)(a), high[j]);
    }
  }
  for (; i < n; i += E_W) {
    const E_V a = n - i < E_W ? E(load_n)(x + i, n - i) : E(load)(x + i);
    low[0] = d_fma(E(widen_low)(a), E(widen_low)(a), low[0]);
    high[0] = d_fma(E(widen_high)(a), E(widen_high)(a), high[0]);
  }
  return d_reduce_add(d_add(d_add(low[0], low[1]), d_add(high[0], high[1])));
}
