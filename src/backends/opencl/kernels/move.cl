/* Elements that move as they are. -DT=an unsigned type of their size. */

#ifndef W
#define W 1
#endif

/* Rows of `inner` elements; operand 0 of `rows` is y, operand 1 is x. */
__kernel void move(IN(x), OUT(y), strides_t rows, int row_count, int inner, int y_step, int x_step, long y_first,
                   long x_first) {
  int column = get_global_id(0) * W, row = get_global_id(1);
  if (row >= row_count || column >= inner) return;
  size_t at[3];
  strides_all(&rows, 2, row, at);
  __global const T *from = READ(T, x) + (x_first + (long)at[1]);
  __global T *to = WRITE(T, y) + (y_first + (long)at[0]);
#if W > 1
  if (y_step == 1 && column + W <= inner) {
    if (x_step == 1) {
      STOREN(W, T, to + column, 0, LOADN(W, T, from + column, 0));
      return;
    }
    if (x_step == 0) {
      STOREN(W, T, to + column, 0, (VECTOR(W, T))(from[0]));
      return;
    }
  }
#endif
  int end = min(column + W, inner);
  for (; column < end; ++column) to[(long)column * y_step] = from[(long)column * x_step];
}

/* Planes whose rows become columns: `fast` neighbours of x, which lie y_step apart in y, and `slow` neighbours of y,
 * x_step apart in x. Operand 0 of `planes` is y, operand 1 is x. */
#define TILE 32
#define TILE_ROWS 8
__kernel void transpose_tiles(IN(x), OUT(y), strides_t planes, int fast, int slow, int y_step, int x_step,
                              __local T *tile) {
  size_t at[3];
  strides_all(&planes, 2, get_global_id(2), at);
  const int i = get_local_id(0), j = get_local_id(1);
  const int fast_first = get_global_id(0) - i, slow_first = (get_global_id(1) - j) * (TILE / TILE_ROWS);
  __global const T *from = READ(T, x) + at[1];
  __global T *to = WRITE(T, y) + at[0];
  for (int k = j; k < TILE; k += TILE_ROWS) {
    if (fast_first + i < fast && slow_first + k < slow) {
      tile[k * (TILE + 1) + i] = from[(size_t)(slow_first + k) * x_step + (fast_first + i)];
    }
  }
  barrier(CLK_LOCAL_MEM_FENCE);
  for (int k = j; k < TILE; k += TILE_ROWS) {
    if (fast_first + k < fast && slow_first + i < slow) {
      to[(size_t)(fast_first + k) * y_step + (slow_first + i)] = tile[i * (TILE + 1) + k];
    }
  }
}

/* The same with a block for each work item, for devices whose cache does what local memory does elsewhere. */
#define BLOCK 16
__kernel void transpose_blocks(IN(x), OUT(y), strides_t planes, int fast, int slow, int y_step, int x_step) {
  size_t at[3];
  strides_all(&planes, 2, get_global_id(2), at);
  const int fast_first = get_global_id(0) * BLOCK, slow_first = get_global_id(1) * BLOCK;
  const int fast_end = min(fast_first + BLOCK, fast), slow_end = min(slow_first + BLOCK, slow);
  __global const T *from = READ(T, x) + at[1];
  __global T *to = WRITE(T, y) + at[0];
  for (int j = fast_first; j < fast_end; ++j) {
    for (int i = slow_first; i < slow_end; ++i) to[(size_t)j * y_step + i] = from[(size_t)i * x_step + j];
  }
}

/* y = one value, or zeros. */
__kernel void fill(IN(value), OUT(y), ulong count, int given) {
  size_t i = get_global_id(0);
  if (i < count) WRITE(T, y)[i] = given ? READ(T, value)[0] : (T)0;
}

/* Index number i, from the end if negative; -1 and a fault if it is outside. */
static inline long pick(__global const uchar *indices, int wide, size_t i, long extent, __global int *fault) {
  long index = wide ? ((__global const long *)indices)[i] : ((__global const int *)indices)[i];
  if (index < 0) index += extent;
  if (index >= 0 && index < extent) return index;
  *fault = 1 + (int)i;
  return -1;
}

/* Rows of `inner` elements of [outer, extent, inner], picked by `count` indices. */
__kernel void gather(IN(x), IN(indices), OUT(y), int wide, int count, int extent, int rows, int inner,
                     __global int *fault) {
  int column = get_global_id(0) * W, row = get_global_id(1);
  if (row >= rows || column >= inner) return;
  int outer = row / count;
  long index = pick(indices_memory + indices_offset, wide, row - outer * count, extent, fault);
  if (index < 0) return;
  __global const T *from = READ(T, x) + ((size_t)outer * extent + index) * inner;
  __global T *to = WRITE(T, y) + (size_t)row * inner;
#if W > 1
  if (column + W <= inner) {
    STOREN(W, T, to + column, 0, LOADN(W, T, from + column, 0));
    return;
  }
#endif
  int end = min(column + W, inner);
  for (; column < end; ++column) to[column] = from[column];
}

/* y[i] = condition[i] ? a[i] : b[i], rows of `inner`; operands 0 to 2 of `rows` are condition, a, b. */
__kernel void where(IN(condition), IN(a), IN(b), OUT(y), strides_t rows, int row_count, int inner, int c_step,
                    int a_step, int b_step) {
  int column = get_global_id(0) * W, row = get_global_id(1);
  if (row >= row_count || column >= inner) return;
  size_t at[3];
  strides_all(&rows, 3, row, at);
  __global const uchar *c = READ(uchar, condition) + at[0];
  __global const T *x = READ(T, a) + at[1];
  __global const T *z = READ(T, b) + at[2];
  __global T *to = WRITE(T, y) + (size_t)row * inner;
  int end = min(column + W, inner);
  for (; column < end; ++column) {
    const T left = x[(long)column * a_step], right = z[(long)column * b_step];
    to[column] = c[(long)column * c_step] ? left : right;
  }
}

__kernel void fill_bits(OUT(y), ulong count, ulong bits) {
  size_t i = get_global_id(0);
  if (i < count) WRITE(T, y)[i] = (T)(bits);
}
