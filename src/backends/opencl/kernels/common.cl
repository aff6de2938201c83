/* Stands before every file of this folder. Names of element types, as or_cl_type_name gives them for -DT=…: float,
 * half, bf16, double, char, uchar, short, … (bool is uchar). Macros that take such a name paste it, so -DT works. */

#ifdef cl_khr_fp64
#pragma OPENCL EXTENSION cl_khr_fp64 : enable
#endif

typedef ushort bf16; /* storage only */

/* --- Parameters of a kernel that are a slot, and its elements --- */

#define IN(name) __global const uchar *restrict name##_memory, ulong name##_offset
#define OUT(name) __global uchar *restrict name##_memory, ulong name##_offset
/* Where a kernel may write over what it reads. */
#define IN_PLACE(name) __global uchar *name##_memory, ulong name##_offset
#define READ(type, name) ((__global const type *)(name##_memory + name##_offset))
#define WRITE(type, name) ((__global type *)(name##_memory + name##_offset))

/* --- Elements as numbers to compute with: float for the short floats, else as they are --- */

#define PASTE_(a, b) a##b
#define PASTE(a, b) PASTE_(a, b)

/* COMPUTE(T): the type. LOAD(T, pointer, index), STORE(T, pointer, index, value): value of type COMPUTE(T). */
#define COMPUTE(type) PASTE(compute_, type)
#define LOAD(type, pointer, index) PASTE(load_, type)(pointer, index)
#define STORE(type, pointer, index, value) PASTE(store_, type)(pointer, index, value)

/* The same for n (2, 4, 8, 16) neighbours from the n-th part `index` of the pointer on, which need not be aligned to
 * more than an element: LOADN(8, T, pointer, index) is a vector of COMPUTE(T). */
#define VECTOR(n, type) PASTE(PASTE(compute_, type), n)
#define LOADN(n, type, pointer, index) PASTE(PASTE(PASTE(load, n), _), type)(pointer, index)
#define STOREN(n, type, pointer, index, value) PASTE(PASTE(PASTE(store, n), _), type)(pointer, index, value)

#define PLAIN_TYPE(type)                                                                                \
  typedef type compute_##type;                                                                          \
  static inline type load_##type(__global const type *pointer, size_t index) { return pointer[index]; } \
  static inline void store_##type(__global type *pointer, size_t index, type value) { pointer[index] = value; }
PLAIN_TYPE(float)
PLAIN_TYPE(char)
PLAIN_TYPE(uchar)
PLAIN_TYPE(short)
PLAIN_TYPE(ushort)
PLAIN_TYPE(int)
PLAIN_TYPE(uint)
PLAIN_TYPE(long)
PLAIN_TYPE(ulong)
#ifdef cl_khr_fp64
PLAIN_TYPE(double)
#endif

typedef float compute_half;
static inline float load_half(__global const half *pointer, size_t index) { return vload_half(index, pointer); }
static inline void store_half(__global half *pointer, size_t index, float value) {
  vstore_half_rte(value, index, pointer);
}

typedef float compute_bf16;
static inline float load_bf16(__global const bf16 *pointer, size_t index) {
  return as_float((uint)pointer[index] << 16);
}
/* Rounds to the nearest, ties to even; NaN stays one. */
#define BF16_BITS(bits, is_nan) (is_nan ? (bits >> 16) | 0x40u : (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16)
static inline void store_bf16(__global bf16 *pointer, size_t index, float value) {
  uint bits = as_uint(value);
  pointer[index] = (ushort)BF16_BITS(bits, isnan(value));
}

#define PLAIN_VECTOR(n, type)                                                                 \
  typedef type##n compute_##type##n;                                                          \
  static inline type##n load##n##_##type(__global const type *pointer, size_t index) {        \
    return vload##n(index, pointer);                                                          \
  }                                                                                           \
  static inline void store##n##_##type(__global type *pointer, size_t index, type##n value) { \
    vstore##n(value, index, pointer);                                                         \
  }
#define SHORT_VECTOR(n)                                                                      \
  typedef float##n compute_half##n;                                                          \
  typedef float##n compute_bf16##n;                                                          \
  static inline float##n load##n##_half(__global const half *pointer, size_t index) {        \
    return vload_half##n(index, pointer);                                                    \
  }                                                                                          \
  static inline void store##n##_half(__global half *pointer, size_t index, float##n value) { \
    vstore_half##n##_rte(value, index, pointer);                                             \
  }                                                                                          \
  static inline float##n load##n##_bf16(__global const bf16 *pointer, size_t index) {        \
    return as_float##n(convert_uint##n(vload##n(index, pointer)) << 16u);                    \
  }                                                                                          \
  static inline void store##n##_bf16(__global bf16 *pointer, size_t index, float##n value) { \
    uint##n bits = as_uint##n(value);                                                        \
    vstore##n(convert_ushort##n(BF16_BITS(bits, isnan(value))), index, pointer);             \
  }
#define WHOLE_VECTORS(n)  \
  PLAIN_VECTOR(n, float)  \
  PLAIN_VECTOR(n, char)   \
  PLAIN_VECTOR(n, uchar)  \
  PLAIN_VECTOR(n, short)  \
  PLAIN_VECTOR(n, ushort) \
  PLAIN_VECTOR(n, int) PLAIN_VECTOR(n, uint) PLAIN_VECTOR(n, long) PLAIN_VECTOR(n, ulong) SHORT_VECTOR(n)
#ifdef cl_khr_fp64
#define VECTORS(n) WHOLE_VECTORS(n) PLAIN_VECTOR(n, double)
#else
#define VECTORS(n) WHOLE_VECTORS(n)
#endif
VECTORS(2)
VECTORS(4)
VECTORS(8)
VECTORS(16)

/* --- Broadcasting: or_cl_strides_t --- */

#define MAX_RANK 8
typedef struct strides_t {
  int rank;
  int dims[MAX_RANK];
  int strides[3][MAX_RANK];
} strides_t;

/* Where element `index` of the result lies in operand k, in elements. */
static inline size_t strides_at(const strides_t *s, int k, size_t index) {
  uint rest = (uint)index;
  size_t at = 0;
  for (int i = s->rank - 1; i > 0; --i) {
    uint extent = (uint)s->dims[i], quotient = rest / extent;
    at += (size_t)(rest - quotient * extent) * (size_t)s->strides[k][i];
    rest = quotient;
  }
  return s->rank > 0 ? at + (size_t)rest * (size_t)s->strides[k][0] : 0;
}

/* The same of the first `count` operands at once. */
static inline void strides_all(const strides_t *s, int count, size_t index, size_t *at) {
  uint rest = (uint)index;
  for (int k = 0; k < count; ++k) at[k] = 0;
  for (int i = s->rank - 1; i >= 0; --i) {
    uint extent = (uint)s->dims[i], quotient = i > 0 ? rest / extent : 0;
    size_t place = rest - quotient * extent;
    for (int k = 0; k < count; ++k) at[k] += place * (size_t)s->strides[k][i];
    rest = quotient;
  }
}

/* --- What follows a product: or_act_kind_t. NaN stays NaN --- */

enum {
  ACT_NONE = 0,
  ACT_RELU,
  ACT_CLIP,
  ACT_SIGMOID,
  ACT_TANH,
  ACT_GELU_ERF,
  ACT_GELU_TANH,
  ACT_SILU,
  ACT_HARD_SWISH,
  ACT_LEAKY_RELU,
  ACT_HARD_SIGMOID
};

/* Defines activate_<type>(x, kind, lo, hi) for float or a vector of it; `kind` should be a constant (-DACT=…), so that
 * the others cost nothing. activate_float is here; a file that needs another writes DEFINE_ACTIVATE(float8). */
#define DEFINE_ACTIVATE(type)                                                                                \
  static inline type bounded_##type(type x, float lo, float hi) {                                            \
    x = x < (type)(lo) ? (type)(lo) : x;                                                                     \
    return x > (type)(hi) ? (type)(hi) : x;                                                                  \
  }                                                                                                          \
  static inline type activate_##type(type x, int kind, float lo, float hi) {                                 \
    switch (kind) {                                                                                          \
    case ACT_RELU: return x < (type)(0.0f) ? (type)(0.0f) : x;                                               \
    case ACT_CLIP: return bounded_##type(x, lo, hi);                                                         \
    case ACT_SIGMOID: return 1.0f / (1.0f + exp(-x));                                                        \
    case ACT_TANH: return tanh(x);                                                                           \
    case ACT_GELU_ERF: return 0.5f * x * (1.0f + erf(x * 0.70710678118654752f));                             \
    case ACT_GELU_TANH: return 0.5f * x * (1.0f + tanh(0.79788456080286536f * (x + 0.044715f * x * x * x))); \
    case ACT_SILU: return x / (1.0f + exp(-x));                                                              \
    case ACT_HARD_SWISH: return x * bounded_##type(x + 3.0f, 0.0f, 6.0f) * (1.0f / 6.0f);                    \
    case ACT_LEAKY_RELU: return x < (type)(0.0f) ? lo * x : x;                                               \
    case ACT_HARD_SIGMOID: return bounded_##type(lo * x + hi, 0.0f, 1.0f);                                   \
    default: return x;                                                                                       \
    }                                                                                                        \
  }
DEFINE_ACTIVATE(float)

/* --- The same without branches and calls, so that compilers for processors make vectors of loops over them --- */

/* e^(x + rest), |rest| far smaller than x. Reduction after Cody and Waite (1980). */
static inline float exp_plain(float x, float rest) {
  x = x > 100.0f ? 100.0f : x;
  x = x < -110.0f ? -110.0f : x;
  float shifted = fma(x, 1.44269504f, 12582912.0f); /* 1.5 * 2^23: the sum's last bits are the nearest integer */
  float n = shifted - 12582912.0f;
  int all = as_int(shifted) - 0x4b400000, half_of_it = all >> 1;
  float r = fma(n, -0.693359375f, x);
  r = fma(n, 2.12194440e-4f, r) + rest;
  float q = 1.381443115e-03f;
  q = fma(q, r, 8.368796669e-03f);
  q = fma(q, r, 4.166839644e-02f);
  q = fma(q, r, 1.666651964e-01f);
  q = fma(q, r, 4.999999404e-01f);
  float p = fma(r * r, q, r) + 1.0f;
  return p * as_float((half_of_it + 127) << 23) * as_float((all - half_of_it + 127) << 23);
}

static inline float tanh_plain(float x) {
  float a = fabs(x), z = x * x, q = 2.142288955e-03f;
  q = fma(q, z, -8.176686242e-03f);
  q = fma(q, z, 2.170042507e-02f);
  q = fma(q, z, -5.394671485e-02f);
  q = fma(q, z, 1.333320588e-01f);
  q = fma(q, z, -3.333333135e-01f);
  float near = fma(z * q, x, x);
  float far = 1.0f - 2.0f / (exp_plain(2.0f * a, 0.0f) + 1.0f);
  return a < 0.625f ? near : x < 0.0f ? -far : far;
}

/* x Phi(x), Phi the normal distribution: Phi(-y) = e^(-y^2/2) H(y) for y >= 0, so that the left tail keeps its relative
 * precision. */
static inline float gelu_plain(float x) {
  float y = fabs(x);
  y = y > 15.0f ? 15.0f : y;
  float t = (y - 3.0f) / (y + 3.0f), h = 5.368340499e-05f;
  h = fma(h, t, 1.155491118e-04f);
  h = fma(h, t, -3.395001695e-04f);
  h = fma(h, t, -9.837624384e-04f);
  h = fma(h, t, 2.904563211e-03f);
  h = fma(h, t, 6.132071372e-03f);
  h = fma(h, t, -4.621329159e-02f);
  h = fma(h, t, 1.232250333e-01f);
  h = fma(h, t, -2.064026147e-01f);
  h = fma(h, t, 1.215139478e-01f);
  float square = y * -0.5f * y;
  float tail = exp_plain(square, fma(y * -0.5f, y, -square)) * h;
  return x * (x < 0.0f ? tail : 1.0f - tail);
}

static inline float activate_plain(float x, int kind, float lo, float hi) {
  switch (kind) {
  case ACT_SIGMOID: return 1.0f / (1.0f + exp_plain(-x, 0.0f));
  case ACT_TANH: return tanh_plain(x);
  case ACT_GELU_ERF: return gelu_plain(x);
  case ACT_GELU_TANH: return x / (1.0f + exp_plain(-1.5957691216f * fma(0.044715f * x * x, x, x), 0.0f));
  case ACT_SILU: return x / (1.0f + exp_plain(-x, 0.0f));
  default: return activate_float(x, kind, lo, hi);
  }
}

/* --- Lines of n numbers that become one: -DLANES=work items of a group that do a line together, -DW=neighbours that
 * each takes at a time, -DT=type. An element is the same lane's in every loop over a line. --- */

#if defined(LANES) && defined(W) /* other files have lanes of their own */
#define E COMPUTE(T)
#if W == 1
#define V COMPUTE(T)
#define LOADV(pointer, at) LOAD(T, pointer, at)
#define STOREV(pointer, at, value) STORE(T, pointer, at, value)
#else
#define V VECTOR(W, T)
#define LOADV(pointer, at) LOADN(W, T, (pointer) + (at), 0)
#define STOREV(pointer, at, value) STOREN(W, T, (pointer) + (at), 0, value)
#endif

#if LANES == 1
#define LANE 0
#else
#define LANE ((int)get_local_id(0))
#endif
#define EACH_VECTOR(i, n) for (int i = LANE * W; i + W <= (n); i += LANES * W)
#define EACH_REST(i, n) for (int i = (n) / W * W + LANE; i < (n); i += LANES)

#define join_sum(a, b) ((a) + (b))
#define join_product(a, b) ((a) * (b))
#define join_max(a, b) ((a) > (b) || (a) != (a) ? (a) : (b))
#define join_min(a, b) ((a) < (b) || (a) != (a) ? (a) : (b))

/* The numbers of a vector joined. */
#define FOLD_1(join) return v;
#define FOLD_2(join) return join(v.lo, v.hi);
#define FOLD_4(join)                         \
  const VECTOR(2, T) two = join(v.lo, v.hi); \
  return join(two.lo, two.hi);
#define FOLD_8(join)                               \
  const VECTOR(4, T) four = join(v.lo, v.hi);      \
  const VECTOR(2, T) two = join(four.lo, four.hi); \
  return join(two.lo, two.hi);
#define FOLD_16(join)                                 \
  const VECTOR(8, T) eight = join(v.lo, v.hi);        \
  const VECTOR(4, T) four = join(eight.lo, eight.hi); \
  const VECTOR(2, T) two = join(four.lo, four.hi);    \
  return join(two.lo, two.hi);
#define DEFINE_FOLD(name, join) \
  static inline E name(V v) { PASTE(FOLD_, W)(join) }

/* Those of all lanes, for all of them; `lanes`: local memory, LANES of E. */
#if LANES == 1
#define DEFINE_ACROSS(name, join) \
  static inline E name(E value, __local E *lanes) { return value; }
#else
#define DEFINE_ACROSS(name, join)                                                       \
  static inline E name(E value, __local E *lanes) {                                     \
    lanes[LANE] = value;                                                                \
    barrier(CLK_LOCAL_MEM_FENCE);                                                       \
    for (int half_count = LANES / 2; half_count > 0; half_count /= 2) {                 \
      if (LANE < half_count) lanes[LANE] = join(lanes[LANE], lanes[LANE + half_count]); \
      barrier(CLK_LOCAL_MEM_FENCE);                                                     \
    }                                                                                   \
    const E all = lanes[0];                                                             \
    barrier(CLK_LOCAL_MEM_FENCE);                                                       \
    return all;                                                                         \
  }
#endif

/* The sum over a line of `whole`, a vector of neighbours from i on, and `single`, one element at i: in pieces, so that
 * long lines lose no more digits than short ones. */
#define SUM_PIECE 64
#define SUM_LINE(sum, i, n, whole, single)                                                \
  V sum##_vector = (V)(0);                                                                \
  for (int i = LANE * W; i + W <= (n);) {                                                 \
    V piece = (V)(0);                                                                     \
    for (int k = 0; k < SUM_PIECE && i + W <= (n); ++k, i += LANES * W) piece += (whole); \
    sum##_vector += piece;                                                                \
  }                                                                                       \
  E sum = fold_sum(sum##_vector);                                                         \
  EACH_REST(i, n) sum += (single);                                                        \
  sum = across_sum(sum, lanes);
DEFINE_FOLD(fold_sum, join_sum)
DEFINE_ACROSS(across_sum, join_sum)
#endif
