/* The device's limits: multiply-adds from registers, reading, copying. T is float or double, W the lanes of a
 * vector. */
#define V PASTE(T, W)

/* Twelve chains that do not wait for each other: more than two units of four cycles' latency have in flight, no more
 * than stay in registers. The factor 1 - small keeps them finite. */
__kernel void multiply_add(__global uchar *y_memory, ulong y_offset, int iterations) {
  const size_t id = get_global_id(0);
  V x = (V)((T)1 / (T)(id + 3)), a0 = x, a1 = x * (T)2, a2 = x * (T)3, a3 = x * (T)4, a4 = x * (T)5, a5 = x * (T)6;
  V a6 = x * (T)7, a7 = x * (T)8, a8 = x * (T)9, a9 = x * (T)10, b0 = x * (T)11, b1 = x * (T)12, f = (V)((T)0.999);
  for (int i = 0; i < iterations; ++i) {
    a0 = fma(a0, f, x), a1 = fma(a1, f, x), a2 = fma(a2, f, x), a3 = fma(a3, f, x);
    a4 = fma(a4, f, x), a5 = fma(a5, f, x), a6 = fma(a6, f, x), a7 = fma(a7, f, x);
    a8 = fma(a8, f, x), a9 = fma(a9, f, x), b0 = fma(b0, f, x), b1 = fma(b1, f, x);
  }
  WRITE(V, y)[id] = ((a0 + a1) + (a2 + a3)) + ((a4 + a5) + (a6 + a7)) + ((a8 + a9) + (b0 + b1));
}

/* `count` vectors an item, `step` apart; an item's first is `item_step` from its neighbour's. Results are few. */
__kernel void read_sum(IN(x), __global uchar *y_memory, ulong y_offset, long item_step, long step, int count) {
  const size_t id = get_global_id(0);
  __global const V *x = READ(V, x) + id * item_step;
  V a = (V)((T)0), b = a, c = a, d = a;
  for (int i = 0; i < count; i += 4) {
    a += x[i * step], b += x[(i + 1) * step], c += x[(i + 2) * step], d += x[(i + 3) * step];
  }
  WRITE(V, y)[id] = (a + b) + (c + d);
}

__kernel void copy(IN(x), __global uchar *y_memory, ulong y_offset, long item_step, long step, int count) {
  const size_t id = get_global_id(0);
  __global const V *x = READ(V, x) + id * item_step;
  __global V *y = WRITE(V, y) + id * item_step;
  for (int i = 0; i < count; ++i) y[i * step] = x[i * step];
}
