/* One micro-kernel: M_ROWS x M_VECTORS sums in registers. Included by gemm_strip_template.h once for each size, in its
 * terms. The sums are named variables, not an array, and G_FMA_INTO keeps each in one register: compilers then have
 * nothing to spill. */
#define M_PASTE_(a, b, c, d) a##b##d##c
#define M_PASTE(a, b, c, d) M_PASTE_(a, b, c, d)
#define M_NAME(prefix) M_PASTE(prefix, M_ROWS, M_VECTORS, x)
#define M_CAT_(a, b) a##b
#define M_CAT(a, b) M_CAT_(a, b)
#define M_EACH_ROW(OP) M_CAT(G_ROWS_, M_ROWS)(OP)
#define M_EACH_VECTOR(OP, i) M_CAT(G_VECTORS_, M_VECTORS)(OP, i)
#define M_EACH(OP) M_EACH_ROW(M_CAT(OP, _ROW))

/* Few sums don't fill the latency of the multiply-add units: two sets of them then take turns. */
#define M_TWO_SETS (M_ROWS * M_VECTORS < 8)

G_MICRO_ATTRIBUTES static void M_NAME(micro_)(const micro_t *micro) {
  const or_gemm_strip_t *strip = micro->strip;
#ifdef G_DIRECT_A
  const size_t a_row = micro->a_row;
#else
  const size_t a_row = 1;
#endif
  const size_t a_k = micro->a_k, b_k = strip->b_k;
  const G_T *a = micro->a, *b = micro->b;
  const size_t ldc = strip->ldc;
  G_T *const c = micro->c;

#define M_DECLARE(i, v) G_V c##i##v = G_ZERO();
#define M_DECLARE_ROW(i) M_EACH_VECTOR(M_DECLARE, i)
  M_EACH(M_DECLARE)
#if M_TWO_SETS
#define M_SECOND(i, v) G_V d##i##v = G_ZERO();
#define M_SECOND_ROW(i) M_EACH_VECTOR(M_SECOND, i)
  M_EACH(M_SECOND)
#endif
#define M_FETCH(i) __builtin_prefetch(c + i * ldc, 1);
  M_EACH_ROW(M_FETCH)

#define M_LOAD_B(i, v) const G_V b##v = G_LOAD(b + v * G_W);
#define M_ADD_C(i, v) G_FMA_INTO(c##i##v, x, b##v);
#define M_ADD_D(i, v) G_FMA_INTO(d##i##v, x, b##v);
#define M_STEP_C_ROW(i)                 \
  {                                     \
    const G_V x = G_SET1(a[i * a_row]); \
    M_EACH_VECTOR(M_ADD_C, i)           \
  }
#define M_STEP_D_ROW(i)                 \
  {                                     \
    const G_V x = G_SET1(a[i * a_row]); \
    M_EACH_VECTOR(M_ADD_D, i)           \
  }
#define M_STEP_C               \
  {                            \
    M_EACH_VECTOR(M_LOAD_B, 0) \
    M_EACH_ROW(M_STEP_C_ROW)   \
    a += a_k;                  \
    b += b_k;                  \
  }
#if M_TWO_SETS
#define M_STEP_D               \
  {                            \
    M_EACH_VECTOR(M_LOAD_B, 0) \
    M_EACH_ROW(M_STEP_D_ROW)   \
    a += a_k;                  \
    b += b_k;                  \
  }
#else
#define M_STEP_D M_STEP_C
#endif
  /* Low tiles wait for B, which comes from memory then: it is asked for well ahead, across the edge of a page too. High
   * ones wait for A, from the second-level cache. */
#if M_ROWS <= 4
#define M_AHEAD __builtin_prefetch((const char *)(b + 32 * b_k), 0, 3);
#else
#define M_AHEAD __builtin_prefetch((const char *)a + 256, 0, 3);
#endif
  size_t steps = strip->kc;
  for (; steps >= 4; steps -= 4) {
    M_AHEAD M_STEP_C M_AHEAD M_STEP_D M_AHEAD M_STEP_C M_AHEAD M_STEP_D
  }
  for (; steps > 0; --steps) M_STEP_C
#if M_TWO_SETS
#define M_JOIN(i, v) c##i##v = G_ADD(c##i##v, d##i##v);
#define M_JOIN_ROW(i) M_EACH_VECTOR(M_JOIN, i)
  M_EACH(M_JOIN)
#endif

  /* The end, stage by stage over the whole tile, so that a product pays only for the stages it has. */
  const size_t tail = micro->cols % G_W; /* lanes of the last vector, where it is partial */
#define M_FROM(p, v) (v == M_VECTORS - 1 && tail != 0 ? G_LOAD_N((p) + v * G_W, tail) : G_LOAD((p) + v * G_W))
#define M_ALPHA(i, v) c##i##v = G_MUL(c##i##v, alpha);
#define M_ALPHA_ROW(i) M_EACH_VECTOR(M_ALPHA, i)
  if (strip->alpha != 1.0) {
    const G_V alpha = G_SET1((G_T)strip->alpha);
    M_EACH(M_ALPHA)
  }
#define M_ACCUMULATE(i, v) c##i##v = G_ADD(c##i##v, M_FROM(c + i * ldc, v));
#define M_ACCUMULATE_ROW(i) M_EACH_VECTOR(M_ACCUMULATE, i)
#define M_BETA(i, v) c##i##v = G_FMA(M_FROM(c + i * ldc, v), beta, c##i##v);
#define M_BETA_ROW(i) M_EACH_VECTOR(M_BETA, i)
  if (strip->beta == 1.0) {
    M_EACH(M_ACCUMULATE)
  } else if (strip->beta != 0.0) {
    const G_V beta = G_SET1((G_T)strip->beta);
    M_EACH(M_BETA)
  }
#define M_BIAS_LOAD(i, v) const G_V bias##v = M_FROM(bias_col, v);
#define M_BIAS_COL(i, v) c##i##v = G_ADD(c##i##v, bias##v);
#define M_BIAS_COL_ROW(i) M_EACH_VECTOR(M_BIAS_COL, i)
  const G_T *bias_col = strip->bias_col;
  if (bias_col != NULL) {
    M_EACH_VECTOR(M_BIAS_LOAD, 0)
    M_EACH(M_BIAS_COL)
  }
#define M_BIAS(i, v) c##i##v = G_ADD(c##i##v, G_SET1(micro->bias_row[i]));
#define M_BIAS_ROW(i) M_EACH_VECTOR(M_BIAS, i)
  if (micro->bias_row != NULL) {
    M_EACH(M_BIAS)
  }
#define M_RESIDUAL(i, v) c##i##v = G_ADD(c##i##v, M_FROM(residual + i * residual_ld, v));
#define M_RESIDUAL_ROW(i) M_EACH_VECTOR(M_RESIDUAL, i)
  const G_T *residual = micro->residual;
  const size_t residual_ld = strip->residual_ld;
  if (residual != NULL) {
    M_EACH(M_RESIDUAL)
  }
#define M_CLIP(i, v) c##i##v = G_MIN_B(high, G_MAX_B(low, c##i##v));
#define M_CLIP_ROW(i) M_EACH_VECTOR(M_CLIP, i)
  if (strip->clip) {
    const G_V low = G_SET1((G_T)strip->lo), high = G_SET1((G_T)strip->hi);
    M_EACH(M_CLIP)
  }
#define M_STORE(i, v) G_STORE(c + i * ldc + v * G_W, c##i##v);
#define M_STORE_ROW(i) M_EACH_VECTOR(M_STORE, i)
#define M_STORE_TAIL(i, v)                           \
  if (v == M_VECTORS - 1) {                          \
    G_STORE_N(c + i * ldc + v * G_W, c##i##v, tail); \
  } else {                                           \
    G_STORE(c + i * ldc + v * G_W, c##i##v);         \
  }
#define M_STORE_TAIL_ROW(i) M_EACH_VECTOR(M_STORE_TAIL, i)
  if (tail == 0) {
    M_EACH(M_STORE)
  } else {
    M_EACH(M_STORE_TAIL)
  }
}

#undef M_PASTE_
#undef M_PASTE
#undef M_NAME
#undef M_CAT_
#undef M_CAT
#undef M_EACH_ROW
#undef M_EACH_VECTOR
#undef M_EACH
#undef M_TWO_SETS
#undef M_DECLARE
#undef M_DECLARE_ROW
#undef M_SECOND
#undef M_SECOND_ROW
#undef M_FETCH
#undef M_LOAD_B
#undef M_ADD_C
#undef M_ADD_D
#undef M_STEP_C_ROW
#undef M_STEP_D_ROW
#undef M_STEP_C
#undef M_STEP_D
#undef M_AHEAD
#undef M_JOIN
#undef M_JOIN_ROW
#undef M_FROM
#undef M_ALPHA
#undef M_ALPHA_ROW
#undef M_ACCUMULATE
#undef M_ACCUMULATE_ROW
#undef M_BETA
#undef M_BETA_ROW
#undef M_BIAS_LOAD
#undef M_BIAS_COL
#undef M_BIAS_COL_ROW
#undef M_BIAS
#undef M_BIAS_ROW
#undef M_RESIDUAL
#undef M_RESIDUAL_ROW
#undef M_CLIP
#undef M_CLIP_ROW
#undef M_STORE
#undef M_STORE_ROW
#undef M_STORE_TAIL
#undef M_STORE_TAIL_ROW
#undef M_ROWS
#undef M_VECTORS
