/* Unary functions on ranges, from math_template.h. Two vectors at a time: their dependency chains overlap. */

#define DEFINE_UNARY(name)                                                          \
  void OR_LEVEL(or_unary_##name)(size_t n, const float *x, float *y) {              \
    size_t i = 0;                                                                   \
    for (; i + 2 * V_WIDTH <= n; i += 2 * V_WIDTH) {                                \
      const v_t a = m_##name(v_load(x + i)), b = m_##name(v_load(x + i + V_WIDTH)); \
      v_store(y + i, a);                                                            \
      v_store(y + i + V_WIDTH, b);                                                  \
    }                                                                               \
    if (i + V_WIDTH <= n) {                                                         \
      v_store(y + i, m_##name(v_load(x + i)));                                      \
      i += V_WIDTH;                                                                 \
    }                                                                               \
    if (i < n) v_store_n(y + i, m_##name(v_load_n(x + i, n - i)), n - i);           \
  }
DEFINE_UNARY(relu)
DEFINE_UNARY(exp)
DEFINE_UNARY(log)
DEFINE_UNARY(sigmoid)
DEFINE_UNARY(tanh)
DEFINE_UNARY(erf)
DEFINE_UNARY(gelu_erf)
DEFINE_UNARY(gelu_tanh)
DEFINE_UNARY(silu)
DEFINE_UNARY(hard_swish)
DEFINE_UNARY(sqrt)
DEFINE_UNARY(reciprocal)
DEFINE_UNARY(neg)
DEFINE_UNARY(abs)
#undef DEFINE_UNARY

void OR_LEVEL(or_clip)(size_t n, float lo, float hi, const float *x, float *y) {
  const v_t low = v_set1(lo), high = v_set1(hi);
  size_t i = 0;
  for (; i + V_WIDTH <= n; i += V_WIDTH) v_store(y + i, v_min_b(high, v_max_b(low, v_load(x + i))));
  if (i < n) v_store_n(y + i, v_min_b(high, v_max_b(low, v_load_n(x + i, n - i))), n - i);
}

OR_INLINE v_t leaky_relu(v_t slope, v_t x) { return v_fma(slope, v_min_b(v_zero(), x), v_max_b(v_zero(), x)); }

void OR_LEVEL(or_leaky_relu)(size_t n, float slope, const float *x, float *y) {
  const v_t factor = v_set1(slope);
  size_t i = 0;
  for (; i + V_WIDTH <= n; i += V_WIDTH) v_store(y + i, leaky_relu(factor, v_load(x + i)));
  if (i < n) v_store_n(y + i, leaky_relu(factor, v_load_n(x + i, n - i)), n - i);
}

OR_INLINE v_t hard_sigmoid(v_t alpha, v_t beta, v_t x) {
  return v_min_b(v_set1(1.0f), v_max_b(v_zero(), v_fma(alpha, x, beta)));
}

void OR_LEVEL(or_hard_sigmoid)(size_t n, float alpha, float beta, const float *x, float *y) {
  const v_t factor = v_set1(alpha), summand = v_set1(beta);
  size_t i = 0;
  for (; i + V_WIDTH <= n; i += V_WIDTH) v_store(y + i, hard_sigmoid(factor, summand, v_load(x + i)));
  if (i < n) v_store_n(y + i, hard_sigmoid(factor, summand, v_load_n(x + i, n - i)), n - i);
}

void OR_LEVEL(or_activate)(const or_act_t *act, size_t n, void *y) {
  switch (act->kind) {
  case OR_ACT_NONE: break;
  case OR_ACT_RELU: OR_LEVEL(or_unary_relu)(n, y, y); break;
  case OR_ACT_CLIP: OR_LEVEL(or_clip)(n, act->lo, act->hi, y, y); break;
  case OR_ACT_SIGMOID: OR_LEVEL(or_unary_sigmoid)(n, y, y); break;
  case OR_ACT_TANH: OR_LEVEL(or_unary_tanh)(n, y, y); break;
  case OR_ACT_GELU_ERF: OR_LEVEL(or_unary_gelu_erf)(n, y, y); break;
  case OR_ACT_GELU_TANH: OR_LEVEL(or_unary_gelu_tanh)(n, y, y); break;
  case OR_ACT_SILU: OR_LEVEL(or_unary_silu)(n, y, y); break;
  case OR_ACT_HARD_SWISH: OR_LEVEL(or_unary_hard_swish)(n, y, y); break;
  case OR_ACT_LEAKY_RELU: OR_LEVEL(or_leaky_relu)(n, act->lo, y, y); break;
  case OR_ACT_HARD_SIGMOID: OR_LEVEL(or_hard_sigmoid)(n, act->lo, act->hi, y, y); break;
  case OR_ACT_COUNT: break;
  }
}
