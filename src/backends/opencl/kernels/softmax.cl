/* Softmax and its logarithm. -DT -DW -DLANES as in common.cl; -DLOGARITHM for the second. y may be x's place. */

#define LARGEST_BELOW (-INFINITY)
DEFINE_FOLD(fold_max, join_max)
DEFINE_ACROSS(across_max, join_max)

/* Rows of n neighbours; a group does one. */
__kernel void softmax_rows(IN_PLACE(x), IN_PLACE(y), int rows, int n, __local E *lanes) {
  int row = get_global_id(1);
  if (row >= rows) return;
  __global const T *from = READ(T, x) + (size_t)row * n;
  __global T *to = WRITE(T, y) + (size_t)row * n;
  V most = (V)(LARGEST_BELOW);
  EACH_VECTOR(i, n) {
    const V v = LOADV(from, i);
    most = join_max(v, most);
  }
  E top = fold_max(most);
  EACH_REST(i, n) {
    const E v = LOAD(T, from, i);
    top = join_max(v, top);
  }
  top = across_max(top, lanes);
  SUM_LINE(sum, i, n, exp(LOADV(from, i) - top), exp(LOAD(T, from, i) - top));
#ifdef LOGARITHM
  const E shift = log(sum);
  EACH_VECTOR(i, n) STOREV(to, i, LOADV(from, i) - top - shift);
  EACH_REST(i, n) STORE(T, to, i, LOAD(T, from, i) - top - shift);
#else
  const E factor = (E)1 / sum;
  EACH_VECTOR(i, n) STOREV(to, i, exp(LOADV(from, i) - top) * factor);
  EACH_REST(i, n) STORE(T, to, i, exp(LOAD(T, from, i) - top) * factor);
#endif
}

/* [outer, n, columns] along n: a work item does W columns of one matrix, and W divides `columns`. */
__kernel void softmax_columns(IN_PLACE(x), IN_PLACE(y), int outer, int n, int columns) {
  int column = get_global_id(0) * W, matrix = get_global_id(1);
  if (matrix >= outer || column >= columns) return;
  size_t first = (size_t)matrix * n * columns + column;
  __global const T *from = READ(T, x) + first;
  __global T *to = WRITE(T, y) + first;
  V top = (V)(LARGEST_BELOW), sum = (V)(0);
  for (int i = 0; i < n; ++i) {
    const V v = LOADV(from, (size_t)i * columns);
    top = join_max(v, top);
  }
  for (int i = 0; i < n;) {
    V piece = (V)(0);
    for (int k = 0; k < SUM_PIECE && i < n; ++k, ++i) piece += exp(LOADV(from, (size_t)i * columns) - top);
    sum += piece;
  }
  const V shift = log(sum), factor = (V)(1) / sum;
  for (int i = 0; i < n; ++i) {
    const V v = LOADV(from, (size_t)i * columns) - top;
#ifdef LOGARITHM
    STOREV(to, (size_t)i * columns, v - shift);
#else
    STOREV(to, (size_t)i * columns, exp(v) * factor);
#endif
  }
}
