/* Lines of numbers that become one: -DT -DW -DLANES as in common.cl; -DMAP=map_… what is joined, -DJOIN_MAX,
 * -DJOIN_MIN, -DJOIN_PRODUCT, or else sums; -DFINISH=finish_… what becomes of that; -DU=type of y; -DSHIFTED: of
 * exponentials. */

#define map_same(v) (v)
#define map_abs(v) fabs(v)
#define map_square(v) ((v) * (v))
#define map_exp(v) exp((v)-shift)
#define finish_same(v) (v)
#define finish_mean(v) ((v) / (E)total)
#define finish_sqrt(v) sqrt(v)
#define finish_log(v) log(v)
#define finish_log_shifted(v) (log(v) + shift)

#if defined(JOIN_MAX)
#define JOIN(a, b) join_max(a, b)
#elif defined(JOIN_MIN)
#define JOIN(a, b) join_min(a, b)
#elif defined(JOIN_PRODUCT)
#define JOIN(a, b) join_product(a, b)
#else
#define JOIN(a, b) join_sum(a, b)
#endif
DEFINE_FOLD(fold, JOIN)
DEFINE_ACROSS(across, JOIN)
#ifdef SHIFTED
DEFINE_FOLD(fold_max, join_max)
DEFINE_ACROSS(across_max, join_max)
#define FINITE(v) ((v) - (v) == (E)0 ? (v) : (E)0)
#endif

#ifdef DOT
#define TERMS(i) (LOADV(from, i) * LOADV(second, i))
#define TERM(i) (LOAD(T, from, i) * LOAD(T, second, i))
#else
#define TERMS(i) MAP(LOADV(from, i))
#define TERM(i) MAP(LOAD(T, from, i))
#endif

/* Pieces of rows of `length` neighbours, `pieces` of each; a group does one, of `piece` elements but for the last ones.
 * `total`: what a mean divides by. -DDOT: products with the elements of `other` are summed. */
__kernel void reduce_rows(IN(x), IN(other), OUT(y), int rows, int length, int piece, int pieces, int total,
                          __local E *lanes) {
  int row = get_global_id(1);
  if (row >= rows) return;
  const int begin = row % pieces * piece, n = clamp(length - begin, 0, piece);
  const size_t first = (size_t)(row / pieces) * length + begin;
  __global const T *from = READ(T, x) + first;
#ifdef DOT
  __global const T *second = READ(T, other) + first;
#endif
  /* Every lane begins with an element, and Max and Min may join that one twice. */
#ifdef SHIFTED
  V most = (V)(LOAD(T, from, 0));
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
  const E shift = FINITE(top);
#endif
#if defined(JOIN_MAX) || defined(JOIN_MIN) || defined(JOIN_PRODUCT)
#ifdef JOIN_PRODUCT
  V whole = (V)(1);
#else
  V whole = (V)(LOAD(T, from, 0));
#endif
  EACH_VECTOR(i, n) {
    const V v = LOADV(from, i);
    whole = JOIN(v, whole);
  }
  E result = fold(whole);
  EACH_REST(i, n) {
    const E v = LOAD(T, from, i);
    result = JOIN(v, result);
  }
  result = across(result, lanes);
#else
  SUM_LINE(result, i, n, TERMS(i), TERM(i));
#endif
  if (LANE == 0) STORE(U, WRITE(U, y), row, FINISH(result));
}

/* [outer, n, columns] along n: a work item does W columns of one matrix, and W divides `columns`. n > 0. */
__kernel void reduce_columns(IN(x), OUT(y), int outer, int n, int columns) {
  const int total = n;
  int column = get_global_id(0) * W, matrix = get_global_id(1);
  if (matrix >= outer || column >= columns) return;
  __global const T *from = READ(T, x) + (size_t)matrix * n * columns + column;
#ifdef SHIFTED
  V top = LOADV(from, 0);
  for (int i = 1; i < n; ++i) {
    const V v = LOADV(from, (size_t)i * columns);
    top = join_max(v, top);
  }
  const V shift = (top - top == (V)(0)) ? top : (V)(0);
#endif
#if defined(JOIN_MAX) || defined(JOIN_MIN) || defined(JOIN_PRODUCT)
  V result = LOADV(from, 0);
  for (int i = 1; i < n; ++i) {
    const V v = LOADV(from, (size_t)i * columns);
    result = JOIN(v, result);
  }
#else
  V result = (V)(0);
  for (int i = 0; i < n;) {
    V piece = (V)(0);
    for (int k = 0; k < SUM_PIECE && i < n; ++k, ++i) piece += MAP(LOADV(from, (size_t)i * columns));
    result += piece;
  }
#endif
  STOREV(WRITE(T, y), (size_t)matrix * columns + column, FINISH(result));
}

/* Where the largest or smallest element of each line is: the first of equal ones, or the last (-DLAST); NaN is the most
 * extreme. A work item does a line of [outer, n, columns]. */
#ifdef JOIN_MIN
#define BEYOND(a, b) ((a) < (b))
#else
#define BEYOND(a, b) ((a) > (b))
#endif
#ifdef LAST
#define PREFERRED(v, best) (BEYOND(v, best) || (v) == (best) || (v) != (v))
#define KEEPS(v, best) ((best) != (best) && (v) == (v))
#else
#define PREFERRED(v, best) (BEYOND(v, best) || (v) != (v))
#define KEEPS(v, best) ((best) != (best))
#endif
__kernel void arg(IN(x), OUT(y), int outer, int n, int columns) {
  int column = get_global_id(0), matrix = get_global_id(1);
  if (matrix >= outer || column >= columns) return;
  __global const T *from = READ(T, x) + (size_t)matrix * n * columns + column;
  E best = LOAD(T, from, 0);
  int place = 0;
  for (int i = 1; i < n; ++i) {
    const E v = LOAD(T, from, (size_t)i * columns);
    if (KEEPS(v, best) || !PREFERRED(v, best)) continue;
    best = v;
    place = i;
  }
  WRITE(long, y)[(size_t)matrix * columns + column] = place;
}
