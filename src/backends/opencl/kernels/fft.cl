/* Passes of Stockham's transform: the sequence of length m * R at each of s places side by side becomes R of length m,
 * in natural order when the last is done. -DT: float or double; -DACROSS: 1 where neighbouring work items take
 * neighbouring places (dimensions s / W, m, batch), 0 where they take neighbouring elements (m / W, s, batch); -DW: how
 * many of them one takes: 1, or 8, which divides them; elements then lie side by side, s is 1.
 * All go forward: the way back is the same between two conjugations, which `factors` holds: x's imaginary parts are
 * multiplied by factors.x, y's parts by factors.y and .z. `roots` holds exp(-2 pi i k / N), k < N = step * m * R. */
#define T2 PASTE(T, 2)
#define T4 PASTE(T, 4)
#if W == 1
#define V T
#else
#define V PASTE(T, W)
#endif

typedef struct complex_t {
  V re, im;
} complex_t;

static inline complex_t one_pair(__global const T *p, size_t index) {
  T2 pair = vload2(index, p);
  return (complex_t){(V)(pair.x), (V)(pair.y)};
}

/* Neighbours. */
static inline complex_t load_pairs(__global const T *p, size_t index) {
#if W == 1
  return one_pair(p, index);
#else
  PASTE(T, 16) pairs = vload16(0, p + 2 * index);
  return (complex_t){pairs.even, pairs.odd};
#endif
}

static inline void store_pairs(__global T *p, size_t index, complex_t value) {
#if W == 1
  vstore2((T2)(value.re, value.im), index, p);
#else
  PASTE(T, 16) pairs;
  pairs.even = value.re;
  pairs.odd = value.im;
  vstore16(pairs, 0, p + 2 * index);
#endif
}

#if ACROSS || W == 1 /* neighbours again; one root for all */
#define load_apart(p, index, distance) one_pair(p, index)
#define store_apart(p, index, distance, value) store_pairs(p, index, value)
#else
/* Each the distance from the one before. */
static inline complex_t load_apart(__global const T *p, size_t index, size_t distance) {
  T re[W], im[W];
  for (int i = 0; i < W; ++i) {
    re[i] = p[2 * (index + distance * (size_t)i)];
    im[i] = p[2 * (index + distance * (size_t)i) + 1];
  }
  return (complex_t){vload8(0, re), vload8(0, im)};
}

static inline void store_apart(__global T *p, size_t index, size_t distance, complex_t value) {
  T re[W], im[W];
  vstore8(value.re, 0, re);
  vstore8(value.im, 0, im);
  for (int i = 0; i < W; ++i) vstore2((T2)(re[i], im[i]), index + distance * (size_t)i, p);
}
#endif

static inline complex_t plus(complex_t a, complex_t b) { return (complex_t){a.re + b.re, a.im + b.im}; }
static inline complex_t minus(complex_t a, complex_t b) { return (complex_t){a.re - b.re, a.im - b.im}; }
static inline complex_t times(complex_t a, complex_t b) {
  return (complex_t){a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
}
/* Times -i. */
static inline complex_t turned(complex_t a) { return (complex_t){a.im, -a.re}; }

static inline void transform2(complex_t *a) {
  complex_t b = a[0];
  a[0] = plus(b, a[1]);
  a[1] = minus(b, a[1]);
}

static inline void transform4(complex_t *a) {
  complex_t even0 = plus(a[0], a[2]), even1 = minus(a[0], a[2]);
  complex_t odd0 = plus(a[1], a[3]), odd1 = turned(minus(a[1], a[3]));
  a[0] = plus(even0, odd0);
  a[1] = plus(even1, odd1);
  a[2] = minus(even0, odd0);
  a[3] = minus(even1, odd1);
}

#define HALF_ROOT ((T)0.70710678118654752440)
#define COS_EIGHTH ((T)0.92387953251128675613) /* of pi / 8 */
#define SIN_EIGHTH ((T)0.38268343236508977173)

static inline void transform8(complex_t *a) {
  complex_t even[4] = {a[0], a[2], a[4], a[6]}, odd[4] = {a[1], a[3], a[5], a[7]};
  transform4(even);
  transform4(odd);
  odd[1] = (complex_t){HALF_ROOT * (odd[1].re + odd[1].im), HALF_ROOT * (odd[1].im - odd[1].re)};
  odd[2] = turned(odd[2]);
  odd[3] = (complex_t){HALF_ROOT * (odd[3].im - odd[3].re), -HALF_ROOT * (odd[3].re + odd[3].im)};
#pragma unroll
  for (int k = 0; k < 4; ++k) {
    a[k] = plus(even[k], odd[k]);
    a[k + 4] = minus(even[k], odd[k]);
  }
}

/* Four by four. */
static inline void transform16(complex_t *a) {
  const complex_t w1 = {COS_EIGHTH, -SIN_EIGHTH}, w2 = {HALF_ROOT, -HALF_ROOT}, w3 = {SIN_EIGHTH, -COS_EIGHTH};
  const complex_t w6 = {-HALF_ROOT, -HALF_ROOT}, w9 = {-COS_EIGHTH, SIN_EIGHTH};
  complex_t b[4][4];
#pragma unroll
  for (int j = 0; j < 4; ++j) {
    b[j][0] = a[j];
    b[j][1] = a[j + 4];
    b[j][2] = a[j + 8];
    b[j][3] = a[j + 12];
    transform4(b[j]);
  }
  b[1][1] = times(b[1][1], w1);
  b[1][2] = times(b[1][2], w2);
  b[1][3] = times(b[1][3], w3);
  b[2][1] = times(b[2][1], w2);
  b[2][2] = turned(b[2][2]);
  b[2][3] = times(b[2][3], w6);
  b[3][1] = times(b[3][1], w3);
  b[3][2] = times(b[3][2], w6);
  b[3][3] = times(b[3][3], w9);
#pragma unroll
  for (int k = 0; k < 4; ++k) {
    complex_t c[4] = {b[0][k], b[1][k], b[2][k], b[3][k]};
    transform4(c);
    a[k] = c[0];
    a[k + 4] = c[1];
    a[k + 8] = c[2];
    a[k + 12] = c[3];
  }
}

#define PARAMETERS IN(x), OUT(y), IN(roots), int s, int m, int step, int radix, T4 factors

#if ACROSS
#define PLACE (get_global_id(0) * W)
#define ELEMENT get_global_id(1)
#else
#define PLACE get_global_id(1)
#define ELEMENT (get_global_id(0) * W)
#endif

/* What a pass begins with: where its work items' numbers lie; those past the end have none. */
#define BEGIN(R)                                                                   \
  size_t q = PLACE, p = ELEMENT, size = (size_t)s * (size_t)m, radix_ = (size_t)R; \
  if (q >= (size_t)s || p >= (size_t)m) return;                                    \
  __global const T *from = READ(T, x) + 2 * (get_global_id(2) * size * radix_);    \
  __global const T *root = READ(T, roots);                                         \
  __global T *to = WRITE(T, y) + 2 * (get_global_id(2) * size * radix_);           \
  size_t in = q + (size_t)s * p, out = q + (size_t)s * radix_ * p, turn = (size_t)step * p

/* Result k of each. */
#define PUT(k, value)                                                                    \
  do {                                                                                   \
    complex_t v_ = value;                                                                \
    if (k > 0) v_ = times(v_, load_apart(root, turn * (size_t)(k), (size_t)(step * k))); \
    v_ = (complex_t){v_.re * factors.y, v_.im * factors.z};                              \
    store_apart(to, out + (size_t)s * (size_t)(k), (size_t)s * radix_, v_);              \
  } while (0)

#define PASS(R)                                                 \
  __kernel void pass##R(PARAMETERS) {                           \
    BEGIN(R);                                                   \
    complex_t a[R];                                             \
    _Pragma("unroll") for (int j = 0; j < R; ++j) {             \
      a[j] = load_pairs(from, in + size * (size_t)j);           \
      a[j].im *= factors.x;                                     \
    }                                                           \
    transform##R(a);                                            \
    _Pragma("unroll") for (int k = 0; k < R; ++k) PUT(k, a[k]); \
  }
PASS(2)
PASS(4)
PASS(8)
PASS(16)

/* An odd radix, by its definition: elements j and R - j share their cosines and their sines. */
#define ODD_PASS(NAME, R, ROOM)                                                       \
  __kernel void pass##NAME(PARAMETERS) {                                              \
    BEGIN(R);                                                                         \
    complex_t first = load_pairs(from, in), total, sum[ROOM], difference[ROOM];       \
    first.im *= factors.x;                                                            \
    total = first;                                                                    \
    UNROLL_##NAME for (int j = 1; j <= R / 2; ++j) {                                  \
      complex_t a = load_pairs(from, in + size * (size_t)j);                          \
      complex_t b = load_pairs(from, in + size * (size_t)(R - j));                    \
      a.im *= factors.x;                                                              \
      b.im *= factors.x;                                                              \
      sum[j - 1] = plus(a, b);                                                        \
      difference[j - 1] = minus(a, b);                                                \
      total = plus(total, sum[j - 1]);                                                \
    }                                                                                 \
    PUT(0, total);                                                                    \
    UNROLL_##NAME for (int k = 1; k <= R / 2; ++k) {                                  \
      complex_t even = first, odd = {0, 0};                                           \
      UNROLL_##NAME for (int j = 1; j <= R / 2; ++j) {                                \
        complex_t w = one_pair(root, (size_t)(j * k % R) * (size_t)step * (size_t)m); \
        even.re += w.re * sum[j - 1].re;                                              \
        even.im += w.re * sum[j - 1].im;                                              \
        odd.re -= w.im * difference[j - 1].im;                                        \
        odd.im += w.im * difference[j - 1].re;                                        \
      }                                                                               \
      PUT(k, plus(even, odd));                                                        \
      PUT((R - k), minus(even, odd));                                                 \
    }                                                                                 \
  }
#define UNROLL_3 _Pragma("unroll")
#define UNROLL_5 _Pragma("unroll")
#define UNROLL_7 _Pragma("unroll")
#define UNROLL_any
ODD_PASS(3, 3, 1)
ODD_PASS(5, 5, 2)
ODD_PASS(7, 7, 3)
ODD_PASS(any, radix, 16)

/* A whole line of n = 16 * W points (a power of two) in one launch: W work items of 16 numbers each, exchanged through
 * local memory. Dimensions: W, lines, rounded up to groups of the local size [W, lines of a group]. `radices`, lowest
 * digit first, holds the logarithm of each pass's radix in 4 bits; 0 ends it. */
#define POINTS 16

#define STEP(R)                                                                              \
  _Pragma("unroll") for (int b = 0; b < POINTS / R; ++b) {                                   \
    int t = item + b * items;                                                                \
    _Pragma("unroll") for (int j = 0; j < R; ++j) {                                          \
      int at = t + j * (n / R);                                                              \
      if (s > 1) a[b * R + j] = (complex_t){parts[2 * at], parts[2 * at + 1]};               \
      if (s == 1 && valid) a[b * R + j] = load_pairs(from, line + (size_t)at);               \
      if (s == 1) a[b * R + j].im *= factors.x;                                              \
    }                                                                                        \
    transform##R(a + b * R);                                                                 \
  }                                                                                          \
  barrier(CLK_LOCAL_MEM_FENCE);                                                              \
  _Pragma("unroll") for (int b = 0; b < POINTS / R; ++b) {                                   \
    int t = item + b * items, q = t & (s - 1), p = t / s;                                    \
    _Pragma("unroll") for (int k = 0; k < R; ++k) {                                          \
      complex_t v = a[b * R + k];                                                            \
      int at = q + s * (R * p + k);                                                          \
      if (k > 0 && !last) v = times(v, load_pairs(root, (size_t)(p * s * k)));               \
      if (!last) {                                                                           \
        parts[2 * at] = v.re;                                                                \
        parts[2 * at + 1] = v.im;                                                            \
      } else if (valid) {                                                                    \
        store_pairs(to, line + (size_t)at, (complex_t){v.re * factors.y, v.im * factors.z}); \
      }                                                                                      \
    }                                                                                        \
  }                                                                                          \
  barrier(CLK_LOCAL_MEM_FENCE);

#if W == 1
__kernel void lines(IN(x), OUT(y), IN(roots), __local T *memory, int n, int count, int radices, T4 factors) {
  int items = n / POINTS, item = (int)get_local_id(0);
  bool valid = get_global_id(1) < (size_t)count;
  size_t line = get_global_id(1) * (size_t)n;
  __local T *parts = memory + (size_t)2 * get_local_id(1) * (size_t)n;
  __global const T *from = READ(T, x);
  __global const T *root = READ(T, roots);
  __global T *to = WRITE(T, y);
  complex_t a[POINTS];
  for (int i = 0; i < POINTS; ++i) a[i] = (complex_t){0, 0};
  for (int s = 1; radices != 0; radices >>= 4) {
    int bits = radices & 15;
    bool last = radices >> 4 == 0;
    switch (bits) {
    case 1: STEP(2) break;
    case 2: STEP(4) break;
    case 3: STEP(8) break;
    default: STEP(16) break;
    }
    s <<= bits;
  }
}
#endif
