/* Sums of rows of tables. -DT=type -DW=elements of a work item. One launch a table: the first (-DFIRST) writes, the
 * others add. */

#define E COMPUTE(T)
#if W == 1
#define V E
#else
#define V VECTOR(W, T)
#endif

/* Place number i of the result takes the row that its index says; operand 0 of `places` are the indices. */
__kernel void embedding(IN(table), IN(indices), IN_PLACE(y), strides_t places, int place_count, int table_rows,
                        int hidden, int wide, __global int *fault) {
  int column = get_global_id(0) * W, place = get_global_id(1);
  if (place >= place_count || column >= hidden) return;
  const size_t at = strides_at(&places, 0, place);
  long index = wide ? READ(long, indices)[at] : READ(int, indices)[at];
  if (index < 0) index += table_rows;
  if (index < 0 || index >= table_rows) {
    *fault = 1 + (int)at;
    return;
  }
  __global const T *from = READ(T, table) + (size_t)index * hidden;
  __global T *to = WRITE(T, y) + (size_t)place * hidden;
#if W > 1
  if (column + W <= hidden) {
    V sum = LOADN(W, T, from + column, 0);
#ifndef FIRST
    sum += LOADN(W, T, to + column, 0);
#endif
    STOREN(W, T, to + column, 0, sum);
    return;
  }
#endif
  int end = min(column + W, hidden);
  for (; column < end; ++column) {
    E sum = LOAD(T, from, column);
#ifndef FIRST
    sum += LOAD(T, to, column);
#endif
    STORE(T, to, column, sum);
  }
}
