/* Elementary functions on one vector of floats, in the terms of a simd_*.h. Errors in units of the last place, measured
 * over all or a dense sample of the floats by math_test.c, stand in the README. Coefficients: least maximum error on
 * the stated interval, fitted by us, except that the reductions follow Cody and Waite (1980). NaN passes through;
 * infinities, zeros and denormals are treated exactly. */

/* 2^n p for integral-valued n in [-252, 252], in two factors so that denormal results round once. */
OR_INLINE v_t scale_2(v_t p, v_t n) {
  vi_t all = v_to_int(n), half = vi_shift_right_signed(all, 1);
  v_t first = v_from_bits(vi_shift_left(vi_add(half, vi_set1(127)), 23));
  v_t second = v_from_bits(vi_shift_left(vi_add(vi_sub(all, half), vi_set1(127)), 23));
  return v_mul(v_mul(p, first), second);
}

/* e^(x + rest), |rest| far smaller than x's last place times a few thousand. */
OR_INLINE v_t exp_sum(v_t x, v_t rest) {
  /* Beyond these the result is 0 or inf all the same. The order of operands keeps NaN. */
  v_t clamped = v_max_b(v_set1(-110.0f), v_min_b(v_set1(100.0f), x));
  v_t n = v_round(v_mul(clamped, v_set1(1.44269504f)));
  v_t r = v_fnma(n, v_set1(0.693359375f), clamped);
  r = v_add(v_fnma(n, v_set1(-2.12194440e-4f), r), rest);
  v_t q = v_set1(1.381443115e-03f);
  q = v_fma(q, r, v_set1(8.368796669e-03f));
  q = v_fma(q, r, v_set1(4.166839644e-02f));
  q = v_fma(q, r, v_set1(1.666651964e-01f));
  q = v_fma(q, r, v_set1(4.999999404e-01f));
  v_t p = v_add(v_fma(v_mul(r, r), q, r), v_set1(1.0f));
  return scale_2(p, n);
}

OR_INLINE v_t m_exp(v_t x) { return exp_sum(x, v_zero()); }

OR_INLINE v_t m_log(v_t x) {
  const vm_t tiny = v_less(x, v_set1(1.17549435e-38f));
  const v_t scaled = v_select(tiny, v_mul(x, v_set1(8388608.0f)), x);
  /* x = 2^e m, m in [sqrt(1/2), sqrt(2)). */
  const vi_t shifted = vi_sub(v_bits(scaled), vi_set1(0x3f3504f3));
  const v_t bias = v_select(tiny, v_set1(-23.0f), v_zero());
  const v_t e = v_add(v_from_int(vi_shift_right_signed(shifted, 23)), bias);
  const v_t m = v_from_bits(vi_add(vi_and(shifted, vi_set1(0x007fffff)), vi_set1(0x3f3504f3)));
  const v_t f = v_sub(m, v_set1(1.0f)), ff = v_mul(f, f);
  v_t q = v_set1(6.757530570e-02f);
  q = v_fma(q, f, v_set1(-1.169432476e-01f));
  q = v_fma(q, f, v_set1(1.189352497e-01f));
  q = v_fma(q, f, v_set1(-1.240308657e-01f));
  q = v_fma(q, f, v_set1(1.421855241e-01f));
  q = v_fma(q, f, v_set1(-1.666809022e-01f));
  q = v_fma(q, f, v_set1(2.000216693e-01f));
  q = v_fma(q, f, v_set1(-2.500000894e-01f));
  q = v_fma(q, f, v_set1(3.333331048e-01f));
  v_t tail = v_fma(v_mul(ff, f), q, v_mul(e, v_set1(-2.12194440e-4f)));
  tail = v_fma(ff, v_set1(-0.5f), tail);
  v_t y = v_fma(e, v_set1(0.693359375f), v_add(f, tail));
  const v_t infinity = v_set1(__builtin_inff());
  y = v_select(v_less(x, infinity), y, x); /* +inf and NaN are their own */
  y = v_select(v_less(x, v_zero()), v_set1(__builtin_nanf("")), y);
  return v_select(v_equal(x, v_zero()), v_sub(v_zero(), infinity), y);
}

/* x / (1 + e^-x) with x, or 1 / (1 + e^-x) with 1: both halves by e^-|x|, which cannot overflow. */
OR_INLINE v_t logistic(v_t x, v_t factor) {
  const v_t e = m_exp(v_or(v_abs(x), v_set1(-0.0f)));
  const v_t top = v_select(v_less(x, v_zero()), v_mul(e, factor), factor);
  return v_select_nan(x, v_div(top, v_add(v_set1(1.0f), e)));
}

OR_INLINE v_t m_sigmoid(v_t x) { return logistic(x, v_set1(1.0f)); }
OR_INLINE v_t m_silu(v_t x) { return logistic(x, x); }

/* The gate first: 6 times the nearest to 1/6 rounds to 1, and a large x does not overflow. */
OR_INLINE v_t m_hard_swish(v_t x) {
  const v_t gate = v_min_b(v_set1(6.0f), v_max_b(v_zero(), v_add(x, v_set1(3.0f))));
  return v_mul(x, v_mul(gate, v_set1(1.0f / 6.0f)));
}

OR_INLINE v_t m_tanh(v_t x) {
  const v_t a = v_abs(x), sign = v_and(x, v_set1(-0.0f)), z = v_mul(x, x);
  v_t q = v_set1(2.142288955e-03f);
  q = v_fma(q, z, v_set1(-8.176686242e-03f));
  q = v_fma(q, z, v_set1(2.170042507e-02f));
  q = v_fma(q, z, v_set1(-5.394671485e-02f));
  q = v_fma(q, z, v_set1(1.333320588e-01f));
  q = v_fma(q, z, v_set1(-3.333333135e-01f));
  const v_t near = v_or(v_fma(v_mul(z, q), x, x), sign); /* |x| < 0.625; the sum loses the sign of -0 */
  const v_t e = m_exp(v_min_b(v_set1(20.0f), v_add(a, a)));
  const v_t far = v_sub(v_set1(1.0f), v_div(v_set1(2.0f), v_add(e, v_set1(1.0f))));
  return v_select(v_less(a, v_set1(0.625f)), near, v_select_nan(x, v_or(far, sign)));
}

OR_INLINE v_t m_erf(v_t x) {
  const v_t a = v_abs(x), sign = v_and(x, v_set1(-0.0f)), z = v_mul(x, x);
  v_t q = v_set1(8.671696560e-05f);
  q = v_fma(q, z, v_set1(-8.210318629e-04f));
  q = v_fma(q, z, v_set1(5.206685048e-03f));
  q = v_fma(q, z, v_set1(-2.686156146e-02f));
  q = v_fma(q, z, v_set1(1.128373295e-01f));
  q = v_fma(q, z, v_set1(-3.761263490e-01f));
  q = v_fma(q, z, v_set1(1.283791661e-01f));
  const v_t near = v_fma(q, x, x); /* |x| < 0.875 */
  const v_t t = v_min_b(v_set1(4.0f), a);
  v_t p = v_set1(2.011064644e-04f); /* log(erfc(t)) */
  p = v_fma(p, t, v_set1(-3.093348816e-03f));
  p = v_fma(p, t, v_set1(2.242432721e-02f));
  p = v_fma(p, t, v_set1(-1.043358073e-01f));
  p = v_fma(p, t, v_set1(-6.367280483e-01f));
  p = v_fma(p, t, v_set1(-1.127941370e+00f));
  p = v_fma(p, t, v_set1(-1.323332690e-04f));
  const v_t far = v_sub(v_set1(1.0f), m_exp(p));
  return v_select(v_less(a, v_set1(0.875f)), near, v_select_nan(x, v_or(far, sign)));
}

/* x Phi(x), Phi the normal distribution: Phi(-y) = e^(-y^2/2) H(y) for y >= 0, so that the left tail keeps its relative
 * precision. The square is split in a rounded part and what the rounding lost. */
OR_INLINE v_t m_gelu_erf(v_t x) {
  const v_t y = v_min_b(v_set1(15.0f), v_abs(x));
  const v_t t = v_div(v_sub(y, v_set1(3.0f)), v_add(y, v_set1(3.0f)));
  v_t h = v_set1(5.368340499e-05f);
  h = v_fma(h, t, v_set1(1.155491118e-04f));
  h = v_fma(h, t, v_set1(-3.395001695e-04f));
  h = v_fma(h, t, v_set1(-9.837624384e-04f));
  h = v_fma(h, t, v_set1(2.904563211e-03f));
  h = v_fma(h, t, v_set1(6.132071372e-03f));
  h = v_fma(h, t, v_set1(-4.621329159e-02f));
  h = v_fma(h, t, v_set1(1.232250333e-01f));
  h = v_fma(h, t, v_set1(-2.064026147e-01f));
  h = v_fma(h, t, v_set1(1.215139478e-01f));
  const v_t half = v_mul(y, v_set1(-0.5f)), square = v_mul(half, y);
  const v_t e = exp_sum(square, v_product_error(half, y, square));
  const v_t tail = v_mul(e, h);
  const v_t phi = v_select(v_less(x, v_zero()), tail, v_sub(v_set1(1.0f), tail));
  return v_select_nan(x, v_mul(x, phi));
}

/* 0.5 x (1 + tanh(u)) = x / (1 + e^-2u), u = sqrt(2 / pi) (x + 0.044715 x^3). What rounding takes from 2u, and from its
 * coefficients, is carried along: e^-2u would multiply it by 2u. */
OR_INLINE v_t m_gelu_tanh(v_t x) {
  const v_t linear = v_set1(1.59576917f), cubic = v_set1(0.0713548139f);
  const v_t a = v_min_b(v_set1(12.0f), v_abs(x)), z = v_mul(a, a);
  const v_t p = v_mul(z, cubic), t = v_add(linear, p), double_u = v_mul(a, t);
  const v_t part = v_sub(t, linear); /* the sum's error after Knuth, exact whichever term is larger */
  v_t lost = v_add(v_sub(linear, v_sub(t, part)), v_sub(p, part));
  lost = v_add(lost, v_product_error(z, cubic, p));
  lost = v_fma(v_product_error(a, a, z), cubic, lost);
  lost = v_add(lost, v_fma(z, v_set1(2.39883247e-09f), v_set1(-4.53406805e-08f)));
  lost = v_fma(a, lost, v_product_error(a, t, double_u));
  const v_t e = exp_sum(v_sub(v_zero(), double_u), v_sub(v_zero(), lost));
  const v_t top = v_select(v_less(x, v_zero()), v_mul(e, x), x);
  return v_select_nan(x, v_div(top, v_add(v_set1(1.0f), e)));
}

OR_INLINE v_t m_relu(v_t x) { return v_max_b(v_zero(), x); } /* in this order NaN stays */
OR_INLINE v_t m_sqrt(v_t x) { return v_sqrt(x); }
OR_INLINE v_t m_reciprocal(v_t x) { return v_div(v_set1(1.0f), x); }
OR_INLINE v_t m_neg(v_t x) { return v_xor(x, v_set1(-0.0f)); }
OR_INLINE v_t m_abs(v_t x) { return v_abs(x); }
