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
#define op_gelu_tanh(type, x) \
  (K(0.5) * (x) * (K(1) + tanh(K(0.79788456080286535588) * ((x) + K(0.044715) * (x) * (x) * (x)))))
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
#define op_sin(type, x) sin(x)
#define op_cos(type, x) cos(x)
#define op_tan(type, x) tan(x)
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
