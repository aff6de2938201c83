/* Matrix times vector, in the terms of gemm_strip_template.h plus G_REDUCE_ADD. Static functions gemv_rows and
 * gemv_dots, as or_gemm_ops_t wants them. Both are bound by memory: each row of the matrix is read once, four at a time
 * to keep several streams in flight. */

static void gemv_rows(size_t k, size_t n, const void *x_any, size_t x_stride, const void *b_any, size_t ldb,
                      void *y_any) {
  const G_T *x = x_any, *b = b_any;
  G_T *y = y_any;
  for (size_t row = 0; row < k; row += 4) {
    const size_t rows = k - row < 4 ? k - row : 4;

    const G_T *line[4];
    G_V factor[4];
    for (size_t i = 0; i < 4; ++i) {
      const size_t at = i < rows ? row + i : row;
      line[i] = b + at * ldb;
      factor[i] = G_SET1(x[at * x_stride]);
    }
    size_t j = 0;
    if (rows == 4) {
      for (; j + G_W <= n; j += G_W) {
        G_V sum = G_FMA(factor[0], G_LOAD(line[0] + j), G_LOAD(y + j));
        G_V other = G_MUL(factor[1], G_LOAD(line[1] + j));
        sum = G_FMA(factor[2], G_LOAD(line[2] + j), sum);
        other = G_FMA(factor[3], G_LOAD(line[3] + j), other);
        G_STORE(y + j, G_ADD(sum, other));
      }
    }
    for (; j < n; j += G_W) {
      const size_t lanes = n - j < G_W ? n - j : G_W;
      const bool partial = lanes < G_W;
      G_V sum = partial ? G_LOAD_N(y + j, lanes) : G_LOAD(y + j);
      for (size_t i = 0; i < rows; ++i) {
        sum = G_FMA(factor[i], partial ? G_LOAD_N(line[i] + j, lanes) : G_LOAD(line[i] + j), sum);
      }
      if (partial) {
        G_STORE_N(y + j, sum, lanes);
      } else {
        G_STORE(y + j, sum);
      }
    }
  }
}

static void gemv_dots(size_t k, size_t n, const void *x_any, const void *b_any, size_t ldb, void *y_any) {
  const G_T *x = x_any, *b = b_any;
  G_T *y = y_any;
  size_t column = 0;
  for (; column + 4 <= n; column += 4) {
    const G_T *line[4];
    G_V sums[4][2];
    for (size_t i = 0; i < 4; ++i) {
      line[i] = b + (column + i) * ldb;
      sums[i][0] = sums[i][1] = G_ZERO();
    }
    size_t at = 0;
    for (; at + 2 * G_W <= k; at += 2 * G_W) {
      const G_V x0 = G_LOAD(x + at), x1 = G_LOAD(x + at + G_W);
      OR_UNROLL for (size_t i = 0; i < 4; ++i) {
        sums[i][0] = G_FMA(x0, G_LOAD(line[i] + at), sums[i][0]);
        sums[i][1] = G_FMA(x1, G_LOAD(line[i] + at + G_W), sums[i][1]);
      }
    }
    for (; at < k; at += G_W) {
      const size_t lanes = k - at < G_W ? k - at : G_W;
      if (lanes < G_W) {
        const G_V part = G_LOAD_N(x + at, lanes);
        for (size_t i = 0; i < 4; ++i) sums[i][0] = G_FMA(part, G_LOAD_N(line[i] + at, lanes), sums[i][0]);
      } else {
        for (size_t i = 0; i < 4; ++i) sums[i][0] = G_FMA(G_LOAD(x + at), G_LOAD(line[i] + at), sums[i][0]);
      }
    }
    for (size_t i = 0; i < 4; ++i) y[column + i] += G_REDUCE_ADD(G_ADD(sums[i][0], sums[i][1]));
  }
  for (; column < n; ++column) {
    const G_T *line = b + column * ldb;
    G_V sum = G_ZERO();
    size_t at = 0;
    for (; at + G_W <= k; at += G_W) sum = G_FMA(G_LOAD(x + at), G_LOAD(line + at), sum);
    if (at < k) sum = G_FMA(G_LOAD_N(x + at, k - at), G_LOAD_N(line + at, k - at), sum);
    y[column] += G_REDUCE_ADD(sum);
  }
}

/* `count` panels side by side: each is a stream of its own. */
OR_INLINE void gemv_panel_group(const size_t count, size_t kc, const G_T *x, size_t x_stride, const G_T *b, G_T *y) {
  G_V sums[4][G_NV];
  OR_UNROLL
  for (size_t p = 0; p < count; ++p) {
    OR_UNROLL
    for (size_t v = 0; v < G_NV; ++v) sums[p][v] = G_LOAD(y + (p * G_NV + v) * G_W);
  }
  const size_t panel = kc * G_NV * G_W;
  for (size_t k = 0; k < kc; ++k) {
    const G_V factor = G_SET1(x[k * x_stride]);
    OR_UNROLL
    for (size_t p = 0; p < count; ++p) {
      OR_UNROLL
      for (size_t v = 0; v < G_NV; ++v) sums[p][v] = G_FMA(factor, G_LOAD(b + p * panel + v * G_W), sums[p][v]);
    }
    b += G_NV * G_W;
  }
  OR_UNROLL
  for (size_t p = 0; p < count; ++p) {
    OR_UNROLL
    for (size_t v = 0; v < G_NV; ++v) G_STORE(y + (p * G_NV + v) * G_W, sums[p][v]);
  }
}

static void gemv_panels(size_t kc, size_t panels, const void *x_any, size_t x_stride, const void *b_any, void *y_any) {
  const G_T *x = x_any, *b = b_any;
  G_T *y = y_any;
  for (; panels >= 4; panels -= 4) {
    gemv_panel_group(4, kc, x, x_stride, b, y);
    b += 4 * kc * G_NV * G_W;
    y += 4 * G_NV * G_W;
  }
  for (; panels > 0; --panels) {
    gemv_panel_group(1, kc, x, x_stride, b, y);
    b += kc * G_NV * G_W;
    y += G_NV * G_W;
  }
}
