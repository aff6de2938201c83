/* Functions of one element. -DT=type -DW=elements of a work item -DOP=op_name. */

#if W == 1
#define V COMPUTE(T)
#else
#define V VECTOR(W, T)
#endif
#define E COMPUTE(T)
#define K(x) ((E)(x))

/* Each for one element or a vector of them: `type` is E or V. NaN stays NaN, but where the operator says otherwise. */
#define op_relu(type, x) ((x) < (type)(0) ? (type)(0) : (x))
#define op_sigmoid(type, x) (K(1) / (K(1) + exp(-(x))))
#define op_tanh(type, x) tanh(x)
#define op_exp(type, x) exp(x)
#define op_log(type, x) log(x)
#define op_sqrt(type, x) sqrt(x)
#define op_abs(type, x) fabs(x)
#define op_abs_integer(type, x) ((x) < (type)(0) ? (type)(0) - (x) : (x))
#define op_neg(type, x) (-(x))
#define op_neg_integer(type, x) ((type)(0) - (x))
#define op_reciprocal(type, x) (K(1) / (x))
#define op_erf(type, x) erf(x)
#define op_gelu_erf(type, x) (K(0.5) * (x) * (K(1) + erf((x)*K(0.70710678118654752440))))
/* (1 + tanh(u)) / 2 = 1 / (1 + exp(-2 u)). */
#define op_gelu_tanh(type, x) ((x) / (K(1) + exp(K(-1.59576912160573071176) * ((x) + K(0.044715) * (x) * (x) * (x)))))
#define bounded(type, x, low, high) ((x) < (type)(low) ? (type)(low) : (x) > (type)(high) ? (type)(high) : (x))
#define op_clip(type, x) bounded(type, bounded_below(type, x), -INFINITY, beta)
#define bounded_below(type, x) ((x) < (type)(alpha) ? (type)(alpha) : (x))
#define op_hard_sigmoid(type, x) bounded(type, alpha *(x) + beta, 0, 1)
#define op_hard_swish(type, x) (bounded(type, (x) / K(6) + K(0.5), 0, 1) * (x))
#define op_elu(type, x) ((x) < (type)(0) ? alpha * expm1(x) : (x))
#define op_celu(type, x) ((x) < (type)(0) ? alpha * expm1((x) / alpha) : (x))
#define op_selu(type, x) (beta * ((x) < (type)(0) ? alpha * expm1(x) : (x)))
#define op_leaky_relu(type, x) ((x) < (type)(0) ? alpha * (x) : (x))
#define op_thresholded_relu(type, x) ((x) > (type)(alpha) ? (x) : (type)(0))
#define op_softplus(type, x) (((x) < (type)(0) ? (type)(0) : (x)) + log1p(exp(-fabs(x))))
#define op_softsign(type, x) ((x) / (K(1) + fabs(x)))
#define op_mish(type, x) ((x)*tanh(op_softplus(type, x)))
#define op_swish(type, x) ((x) / (K(1) + exp(-alpha * (x))))
/* Some drivers' functions take subnormal numbers for large ones. */
#define is_tiny(x) (fabs(x) < K(1e-30))
#define op_sin(type, x) (is_tiny(x) ? (x) : sin(x))
#define op_cos(type, x) (is_tiny(x) ? (type)(1) : cos(x))
#define op_tan(type, x) (is_tiny(x) ? (x) : tan(x))
#define op_asin(type, x) asin(x)
#define op_acos(type, x) acos(x)
#define op_atan(type, x) atan(x)
#define op_sinh(type, x) sinh(x)
#define op_cosh(type, x) cosh(x)
#define op_asinh(type, x) asinh(x)
#define op_acosh(type, x) acosh(x)
#define op_atanh(type, x) atanh(x)
#define op_shrink(type, x) ((x) < (type)(-alpha) ? (x) + beta : (x) > (type)(alpha) ? (x)-beta : (type)(0))
#define op_floor(type, x) floor(x)
#define op_ceil(type, x) ceil(x)
#define op_round(type, x) rint(x)
#define op_sign(type, x) ((x) > (type)(0) ? (type)(1) : (x) < (type)(0) ? (type)(-1) : (x))
#define op_not(type, x) ((type)(1) - (x))
#define op_square(type, x) ((x) * (x))
#define op_scale(type, x) (alpha * (x))

#define APPLY(type, x) OP(type, x)

/* -DPLAIN: without the library's erf, which processors compute one by one; of float. */
#ifdef PLAIN
/* Phi(-y) of y >= 0, Phi the normal distribution: e^(-y^2/2) H(y), as gelu_plain of common.cl has it. */
#define DEFINE_TAIL(type)                                                                    \
  static inline type tail_##type(type y) {                                                   \
    y = y > (type)(15.0f) ? (type)(15.0f) : y;                                               \
    const type t = (y - 3.0f) / (y + 3.0f);                                                  \
    type h = (type)(5.368340499e-05f);                                                       \
    h = fma(h, t, (type)(1.155491118e-04f));                                                 \
    h = fma(h, t, (type)(-3.395001695e-04f));                                                \
    h = fma(h, t, (type)(-9.837624384e-04f));                                                \
    h = fma(h, t, (type)(2.904563211e-03f));                                                 \
    h = fma(h, t, (type)(6.132071372e-03f));                                                 \
    h = fma(h, t, (type)(-4.621329159e-02f));                                                \
    h = fma(h, t, (type)(1.232250333e-01f));                                                 \
    h = fma(h, t, (type)(-2.064026147e-01f));                                                \
    h = fma(h, t, (type)(1.215139478e-01f));                                                 \
    const type square = -0.5f * y * y;                                                       \
    return exp(square) * h * (1.0f + fma(-0.5f * y, y, -square)); /* what y^2 rounded off */ \
  }
DEFINE_TAIL(float)
DEFINE_TAIL(float16)
#undef op_gelu_erf
#undef op_erf
#define DEFINE_BY_TAIL(type)                                                  \
  static inline type gelu_##type(type x) {                                    \
    const type tail = tail_##type(fabs(x));                                   \
    return x * (x < (type)(0.0f) ? tail : 1.0f - tail);                       \
  }                                                                           \
  static inline type erf_##type(type x) {                                     \
    const type r = 1.0f - 2.0f * tail_##type(fabs(x) * 1.41421356237309505f); \
    return x < (type)(0.0f) ? -r : r;                                         \
  }
DEFINE_BY_TAIL(float)
DEFINE_BY_TAIL(float16)
#define op_gelu_erf(type, x) PASTE(gelu_, TYPE_##type)(x)
#define op_erf(type, x) PASTE(erf_, TYPE_##type)(x)
#define TYPE_compute_float float
#define TYPE_compute_half float
#define TYPE_compute_bf16 float
#define TYPE_compute_float16 float16
#define TYPE_compute_half16 float16
#define TYPE_compute_bf1616 float16
#endif

/* y may be x's place. */
__kernel void unary(IN_PLACE(x), IN_PLACE(y), ulong count, float first_parameter, float second_parameter) {
  const E alpha = (E)first_parameter, beta = (E)second_parameter;
  size_t i = get_global_id(0), at = i * W;
  if (at >= count) return;
#if W > 1
  if (at + W <= count) {
    const V x = LOADN(W, T, READ(T, x), i);
    STOREN(W, T, WRITE(T, y), i, APPLY(V, x));
    return;
  }
#endif
  for (; at < count; ++at) {
    const E x = LOAD(T, READ(T, x), at);
    STORE(T, WRITE(T, y), at, APPLY(E, x));
  }
}

/* y = min(max(x, low), high) by bounds that lie on the device; `given`: 1 there is a low one, 2 a high one. */
__kernel void clip(IN_PLACE(x), IN(low), IN(high), IN_PLACE(y), ulong count, int given) {
  size_t at = get_global_id(0);
  if (at >= count) return;
  E x = LOAD(T, READ(T, x), at);
  if (given & 1) {
    const E low = LOAD(T, READ(T, low), 0);
    x = x < low ? low : x;
  }
  if (given & 2) {
    const E high = LOAD(T, READ(T, high), 0);
    x = x > high ? high : x;
  }
  STORE(T, WRITE(T, y), at, x);
}
