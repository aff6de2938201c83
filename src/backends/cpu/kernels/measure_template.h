/* Loops that measure the machine, in the terms of a simd_*.h. */

/* Twelve chains of multiply-adds in registers: more than two units of latency 4 or 5 need. V_FMA_INTO is an instruction
 * of its own, so that the compiler can neither drop nor combine them. */
uint64_t OR_LEVEL(or_peak_f32)(uint64_t iterations) {
  v_t a = v_set1(1.0f), b = a, c = a, d = a, e = a, f = a, g = a, h = a, i = a, j = a, k = a, l = a;
  const v_t x = v_set1(0.5f), y = v_set1(0.25f);
  for (uint64_t step = 0; step < iterations; ++step) {
    V_FMA_INTO(a, x, y);
    V_FMA_INTO(b, x, y);
    V_FMA_INTO(c, x, y);
    V_FMA_INTO(d, x, y);
    V_FMA_INTO(e, x, y);
    V_FMA_INTO(f, x, y);
    V_FMA_INTO(g, x, y);
    V_FMA_INTO(h, x, y);
    V_FMA_INTO(i, x, y);
    V_FMA_INTO(j, x, y);
    V_FMA_INTO(k, x, y);
    V_FMA_INTO(l, x, y);
  }
  const v_t sum =
      v_add(v_add(v_add(a, b), v_add(c, d)), v_add(v_add(v_add(e, f), v_add(g, h)), v_add(v_add(i, j), v_add(k, l))));
  /* Never taken; keeps the chains alive. */
  return v_reduce_add(sum) < 0.0f ? 0 : iterations * 12 * 2 * V_WIDTH;
}

uint64_t OR_LEVEL(or_peak_f64)(uint64_t iterations) {
  d_t a = d_set1(1.0), b = a, c = a, d = a, e = a, f = a, g = a, h = a, i = a, j = a, k = a, l = a;
  const d_t x = d_set1(0.5), y = d_set1(0.25);
  for (uint64_t step = 0; step < iterations; ++step) {
    D_FMA_INTO(a, x, y);
    D_FMA_INTO(b, x, y);
    D_FMA_INTO(c, x, y);
    D_FMA_INTO(d, x, y);
    D_FMA_INTO(e, x, y);
    D_FMA_INTO(f, x, y);
    D_FMA_INTO(g, x, y);
    D_FMA_INTO(h, x, y);
    D_FMA_INTO(i, x, y);
    D_FMA_INTO(j, x, y);
    D_FMA_INTO(k, x, y);
    D_FMA_INTO(l, x, y);
  }
  const d_t sum =
      d_add(d_add(d_add(a, b), d_add(c, d)), d_add(d_add(d_add(e, f), d_add(g, h)), d_add(d_add(i, j), d_add(k, l))));
  return d_reduce_add(sum) < 0.0 ? 0 : iterations * 12 * 2 * D_WIDTH;
}

/* Eight sums keep both load ports busy; the halves are two streams, which memory delivers faster than one. */
double OR_LEVEL(or_read_sum)(size_t n, const float *x) {
  v_t sum[8];
  OR_UNROLL
  for (int j = 0; j < 8; ++j) sum[j] = v_zero();
  const size_t half = n / (8 * V_WIDTH) * (4 * V_WIDTH);
  for (size_t i = 0; i < half; i += 4 * V_WIDTH) {
    OR_UNROLL
    for (size_t j = 0; j < 4; ++j) {
      sum[j] = v_add(sum[j], v_load(x + i + j * V_WIDTH));
      sum[j + 4] = v_add(sum[j + 4], v_load(x + half + i + j * V_WIDTH));
    }
  }
  double total = 0.0;
  for (int j = 0; j < 8; ++j) total += (double)v_reduce_add(sum[j]);
  for (size_t i = 2 * half; i < n; ++i) total += (double)x[i];
  return total;
}

/* Four vectors at a time; past the caches where `stream`, the source asked for ahead: across the edge of a page, where
 * the processor itself does not look. */
enum { COPY_AHEAD_BYTES = 4096 };
void OR_LEVEL(or_copy)(size_t bytes, const void *x, void *y, bool stream) {
  if (!stream) {
    if (bytes > 0) memmove(y, x, bytes);
    return;
  }
  const char *from = x;
  char *to = y;
  size_t head = (sizeof(v_t) - (uintptr_t)to % sizeof(v_t)) % sizeof(v_t);
  if (head > bytes) head = bytes;
  if (head > 0) memcpy(to, from, head);
  size_t i = head;
  for (; i + 4 * sizeof(v_t) <= bytes; i += 4 * sizeof(v_t)) {
    v_t part[4];
    OR_UNROLL
    for (size_t j = 0; j < 4; ++j) {
      const char *at = from + i + j * sizeof(v_t);
      __builtin_prefetch((const void *)((uintptr_t)at + COPY_AHEAD_BYTES), 0, 3);
      part[j] = v_load((const float *)(const void *)at);
    }
    OR_UNROLL
    for (size_t j = 0; j < 4; ++j) v_stream((float *)(void *)(to + i + j * sizeof(v_t)), part[j]);
  }
  if (i < bytes) memcpy(to + i, from + i, bytes - i);
  v_fence();
}
