/* Vector functions of one element type at one level. The including file has included a simd_*.h and defines
 *   E_T the element type, E_V the vector type, E_W its lanes, E(op) the vector operation (v_add or d_add), E_NAME(f)
 * the function's full name. */

typedef enum shape_t { VV = OR_CPU_VECTOR_VECTOR, VS = OR_CPU_VECTOR_SCALAR, SV = OR_CPU_SCALAR_VECTOR } shape_t;

OR_INLINE E_V apply(const or_cpu_binary_t op, E_V a, E_V b) {
  switch (op) {
  case OR_CPU_BINARY_ADD: return E(add)(a, b);
  case OR_CPU_BINARY_SUB: return E(sub)(a, b);
  case OR_CPU_BINARY_MUL: return E(mul)(a, b);
  case OR_CPU_BINARY_DIV: return E(div)(a, b);
  case OR_CPU_BINARY_MAX: return E(select_nan)(a, E(max_b)(a, b));
  default: return E(select_nan)(a, E(min_b)(a, b));
  }
}

/* Elements before y's first vector boundary, when the stores that follow must be aligned. */
OR_INLINE size_t head_count(const E_T *y, size_t n, bool stream) {
  if (!stream) return 0;
  size_t past = (uintptr_t)y % sizeof(E_V);
  size_t head = past == 0 ? 0 : (sizeof(E_V) - past) / sizeof(E_T);
  return head < n ? head : n;
}

OR_INLINE void put(E_T *p, E_V x, bool stream) {
  if (stream) {
    E(stream)(p, x);
  } else {
    E(store)(p, x);
  }
}

OR_INLINE E_V get(const E_T *p, size_t i, const bool one) { return one ? E(set1)(*p) : E(load)(p + i); }
OR_INLINE E_V get_n(const E_T *p, size_t i, const bool one, size_t n) {
  return one ? E(set1)(*p) : E(load_n)(p + i, n);
}

OR_INLINE void binary_part(const or_cpu_binary_t op, const shape_t shape, size_t n, const E_T *x, const E_T *y,
                           E_T *z) {
  const bool one_x = shape == SV, one_y = shape == VS;
  for (size_t i = 0; i < n; i += E_W) {
    size_t lanes = n - i < E_W ? n - i : E_W;
    if (lanes < E_W) {
      E(store_n)(z + i, apply(op, get_n(x, i, one_x, lanes), get_n(y, i, one_y, lanes)), lanes);
    } else {
      E(store)(z + i, apply(op, get(x, i, one_x), get(y, i, one_y)));
    }
  }
}

OR_INLINE void binary(const or_cpu_binary_t op, const shape_t shape, size_t n, const E_T *x, const E_T *y, E_T *z,
                      bool stream) {
  const bool one_x = shape == SV, one_y = shape == VS;
  /* Read before the first store: z may be the scalar's own place. */
  const E_T scalar = one_x ? (n ? *x : (E_T)0) : one_y && n ? *y : (E_T)0;
  if (one_x) x = &scalar;
  if (one_y) y = &scalar;
  size_t i = head_count(z, n, stream);
  if (i > 0) binary_part(op, shape, i, x, y, z);
  for (; i + 4 * E_W <= n; i += 4 * E_W) {
    OR_UNROLL
    for (size_t j = 0; j < 4 * E_W; j += E_W)
      put(z + i + j, apply(op, get(x, i + j, one_x), get(y, i + j, one_y)), stream);
  }
  binary_part(op, shape, n - i, one_x ? x : x + i, one_y ? y : y + i, z + i);
  if (stream) v_fence();
}

#define DEFINE_BINARY(name, op)                                                       \
  void E_NAME(name##_vv)(size_t n, const E_T *x, const E_T *y, E_T *z, bool stream) { \
    binary(op, VV, n, x, y, z, stream);                                               \
  }                                                                                   \
  void E_NAME(name##_vs)(size_t n, const E_T *x, const E_T *y, E_T *z, bool stream) { \
    binary(op, VS, n, x, y, z, stream);                                               \
  }                                                                                   \
  void E_NAME(name##_sv)(size_t n, const E_T *x, const E_T *y, E_T *z, bool stream) { \
    binary(op, SV, n, x, y, z, stream);                                               \
  }
DEFINE_BINARY(add, OR_CPU_BINARY_ADD)
DEFINE_BINARY(sub, OR_CPU_BINARY_SUB)
DEFINE_BINARY(mul, OR_CPU_BINARY_MUL)
DEFINE_BINARY(div, OR_CPU_BINARY_DIV)
DEFINE_BINARY(max, OR_CPU_BINARY_MAX)
DEFINE_BINARY(min, OR_CPU_BINARY_MIN)
#undef DEFINE_BINARY

void E_NAME(fill)(size_t n, E_T value, E_T *y, bool stream) {
  const E_V x = E(set1)(value);
  size_t i = head_count(y, n, stream);
  for (size_t j = 0; j < i; ++j) y[j] = value;
  for (; i + E_W <= n; i += E_W) put(y + i, x, stream);
  if (i < n) E(store_n)(y + i, x, n - i);
  if (stream) v_fence();
}

void E_NAME(axpy)(size_t n, E_T alpha, const E_T *x, E_T *y) {
  const E_V a = E(set1)(alpha);
  size_t i = 0;
  for (; i + 4 * E_W <= n; i += 4 * E_W) {
    OR_UNROLL
    for (size_t j = i; j < i + 4 * E_W; j += E_W) E(store)(y + j, E(fma)(a, E(load)(x + j), E(load)(y + j)));
  }
  for (; i + E_W <= n; i += E_W) E(store)(y + i, E(fma)(a, E(load)(x + i), E(load)(y + i)));
  if (i < n) E(store_n)(y + i, E(fma)(a, E(load_n)(x + i, n - i), E(load_n)(y + i, n - i)), n - i);
}

void E_NAME(scale)(size_t n, E_T alpha, const E_T *x, E_T *y, bool stream) { E_NAME(mul_vs)(n, x, &alpha, y, stream); }

void E_NAME(triad)(size_t n, E_T alpha, const E_T *x, const E_T *y, E_T *z, bool stream) {
  const E_V a = E(set1)(alpha);
  size_t i = head_count(z, n, stream);
  if (i > 0) E(store_n)(z, E(fma)(a, E(load_n)(y, i), E(load_n)(x, i)), i);
  for (; i + 4 * E_W <= n; i += 4 * E_W) {
    OR_UNROLL
    for (size_t j = i; j < i + 4 * E_W; j += E_W) put(z + j, E(fma)(a, E(load)(y + j), E(load)(x + j)), stream);
  }
  for (; i + E_W <= n; i += E_W) E(store)(z + i, E(fma)(a, E(load)(y + i), E(load)(x + i)));
  if (i < n) E(store_n)(z + i, E(fma)(a, E(load_n)(y + i, n - i), E(load_n)(x + i, n - i)), n - i);
  if (stream) v_fence();
}

/* ---- maxima ---- */

typedef enum extreme_t { EXTREME_MAX, EXTREME_MIN, EXTREME_ABS_MAX } extreme_t;

/* NaN is carried in a vector of its own: it stays there once seen. */
OR_INLINE void extreme_step(const extreme_t kind, E_V x, E_V *best, E_V *nan) {
  if (kind == EXTREME_ABS_MAX) x = E(abs)(x);
  *best = kind == EXTREME_MIN ? E(min_b)(x, *best) : E(max_b)(x, *best);
  *nan = E(select_nan)(x, *nan);
}

OR_INLINE E_T extreme(const extreme_t kind, size_t n, const E_T *x, E_T start) {
  E_V best[4], nan[4];
  OR_UNROLL
  for (int j = 0; j < 4; ++j) {
    best[j] = E(set1)(start);
    nan[j] = E(zero)();
  }
  size_t i = 0;
  for (; i + 4 * E_W <= n; i += 4 * E_W) {
    OR_UNROLL
    for (size_t j = 0; j < 4; ++j) extreme_step(kind, E(load)(x + i + j * E_W), &best[j], &nan[j]);
  }
  for (; i + E_W <= n; i += E_W) extreme_step(kind, E(load)(x + i), &best[0], &nan[0]);
  E_T values[4 * E_W], nans[4 * E_W], result = start;
  for (size_t j = 0; j < 4; ++j) {
    E(store)(values + j * E_W, best[j]);
    E(store)(nans + j * E_W, nan[j]);
  }
  for (size_t j = 0; j < 4 * E_W; ++j) {
    if (nans[j] != nans[j]) return nans[j];
    if (kind == EXTREME_MIN ? values[j] < result : values[j] > result) result = values[j];
  }
  for (; i < n; ++i) {
    E_T value = kind == EXTREME_ABS_MAX && x[i] < (E_T)0 ? -x[i] : x[i];
    if (value != value) return value;
    if (kind == EXTREME_MIN ? value < result : value > result) result = value;
  }
  return result;
}

E_T E_NAME(abs_max)(size_t n, const E_T *x) { return extreme(EXTREME_ABS_MAX, n, x, (E_T)0); }
E_T E_NAME(max)(size_t n, const E_T *x) { return extreme(EXTREME_MAX, n, x, -(E_T)__builtin_inff()); }
E_T E_NAME(min)(size_t n, const E_T *x) { return extreme(EXTREME_MIN, n, x, (E_T)__builtin_inff()); }
