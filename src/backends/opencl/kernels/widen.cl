/* Bytes less their zero points, as int. -DT=char or uchar; -DZERO: `zero` is there, one number, one for each row
 * (row_step 1) or for each column (column_step 1) of matrices [rows, columns]. */

__kernel void widen(IN(x), IN(zero), OUT(y), ulong count, int rows, int columns, int row_step, int column_step) {
  const size_t i = get_global_id(0);
  if (i >= count) return;
  int value = READ(T, x)[i];
#ifdef ZERO
  const size_t row = i / columns;
  value -= READ(T, zero)[(row % rows) * row_step + (i - row * columns) * column_step];
#endif
  WRITE(int, y)[i] = value;
}
