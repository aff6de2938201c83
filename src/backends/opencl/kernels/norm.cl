/* Rows shifted and scaled to mean 0 and variance 1. -DT -DW -DLANES as in common.cl; -DS=type of scale and y (-DT's, or
 * one that is computed as it is); -DRMS: scaled only, to mean square 1; -DADD: of a + b; -DBIAS; -DCHANNELS: one scale
 * and bias a row, not one an element; -DKEEP: a + b is a result too; -DSTATISTICS=type of mean and deviation, where
 * they are. */

#if W == 1
#define LOADS(pointer, at) LOAD(S, pointer, at)
#define STORES(pointer, at, value) STORE(S, pointer, at, value)
#else
#define LOADS(pointer, at) LOADN(W, S, (pointer) + (at), 0)
#define STORES(pointer, at, value) STOREN(W, S, (pointer) + (at), 0, value)
#endif

/* a and b begin anew after a_rows and b_rows; y may be a's place, and so may `kept`. `given`: 1 mean, 2 deviation. */
__kernel void norm(IN_PLACE(a), IN(b), IN(scale), IN(bias), IN_PLACE(y), IN_PLACE(kept), OUT(mean), OUT(deviation),
                   int rows, int n, int a_rows, int b_rows, int channels, float epsilon, int given, __local E *lanes) {
  int row = get_global_id(1);
  if (row >= rows) return;
  __global S *to = WRITE(S, y) + (size_t)row * n;
#ifdef ADD
  __global const T *left = READ(T, a) + (size_t)(row % a_rows) * n;
  __global const T *right = READ(T, b) + (size_t)(row % b_rows) * n;
#ifdef KEEP
  __global T *x = WRITE(T, kept) + (size_t)row * n;
#else
  __global T *x = to;
#endif
  EACH_VECTOR(i, n) STOREV(x, i, LOADV(left, i) + LOADV(right, i));
  EACH_REST(i, n) STORE(T, x, i, LOAD(T, left, i) + LOAD(T, right, i));
#else
  __global const T *x = READ(T, a) + (size_t)row * n;
#endif
#ifdef RMS
  const E middle = 0;
#else
  SUM_LINE(total, i, n, LOADV(x, i), LOAD(T, x, i));
  const E middle = total / (E)n;
#endif
#define SQUARE(v) ((v) * (v))
  SUM_LINE(squares, i, n, SQUARE(LOADV(x, i) - middle), SQUARE(LOAD(T, x, i) - middle));
  const E factor = (E)1 / sqrt(squares / (E)n + (E)epsilon);
#ifdef STATISTICS
  if (LANE == 0) {
    if (given & 1) STORE(STATISTICS, WRITE(STATISTICS, mean), row, middle);
    if (given & 2) STORE(STATISTICS, WRITE(STATISTICS, deviation), row, factor);
  }
#endif
#ifdef CHANNELS
  const E channel_factor = factor * LOAD(S, READ(S, scale), row % channels);
  const E shift = LOAD(S, READ(S, bias), row % channels) - middle * channel_factor;
  EACH_VECTOR(i, n) STORES(to, i, LOADV(x, i) * channel_factor + shift);
  EACH_REST(i, n) STORE(S, to, i, LOAD(T, x, i) * channel_factor + shift);
#else
  __global const S *factors = READ(S, scale);
#ifdef BIAS
  __global const S *shifts = READ(S, bias);
#define SHIFTS(i) +LOADS(shifts, i)
#define SHIFT(i) +LOAD(S, shifts, i)
#else
#define SHIFTS(i)
#define SHIFT(i)
#endif
  EACH_VECTOR(i, n) STORES(to, i, (LOADV(x, i) - middle) * factor * LOADS(factors, i) SHIFTS(i));
  EACH_REST(i, n) STORE(S, to, i, (LOAD(T, x, i) - middle) * factor * LOAD(S, factors, i) SHIFT(i));
#endif
}
