/* Attention of one query after another over its keys, block by block, with the largest score so far and the sum of
 * exponentials carried along (Milakov, Gimelshein 2018, "Online normalizer calculation for softmax"). -DT=type
 * -DW=neighbours of a row at a time; W divides both head sizes. -DLANES=work items of a query; -DMASK=type of the mask,
 * where there is one; -DBOOLEAN: of a mask that says which keys are attended; -DCACHED: lengths[0] rows were there
 * before; -DLENGTHS: of each batch so many rows count; -DTILED: many queries. */

#define MAX_HEAD 256
#define BLOCK 16 /* keys between two looks at the largest score */

typedef struct rows_t {
  long batch, head, row;
} rows_t;

typedef struct attention_t { /* shape_t of kernel_attention.c */
  rows_t q, k, v, y;
  long mask_batch, mask_head, mask_row, mask_column, mask_length;
  int q_heads, sharing, q_length, head, value_head;
  int before, rows, added; /* static past, all rows, new rows */
  int causal, left, right;
  float scale, softcap;
} attention_t;

/* The keys of a query, [*begin, *end): or_attention_range. */
static inline void range_of(const attention_t *a, int query, int offset, int total, int *begin, int *end) {
  const int position = query + offset, right = a->causal ? 0 : a->right;
  *begin = 0;
  *end = total;
  if (right >= 0 && position < total && position + 1 <= total - right) *end = position + 1 + right;
  if (a->left >= 0 && position > a->left) *begin = position - a->left;
  *end = max(*end, 0);
  *begin = min(*begin, *end);
}

static inline bool find_keys(const attention_t *a, __global const long *lengths, int batch, int query, int *begin,
                             int *end) {
  int offset = a->before, total = a->rows;
#if defined(CACHED)
  const long past = lengths[0];
  if (past < 0 || past > a->rows - a->added) return false;
  offset = (int)past;
  total = offset + a->added;
#elif defined(LENGTHS)
  const long own = lengths[batch];
  offset = (int)clamp(own - a->q_length, (long)-a->q_length, (long)INT_MAX / 2);
  total = (int)clamp(own, 0l, (long)a->rows);
#endif
  range_of(a, query, offset, total, begin, end);
  return true;
}

/* What becomes of a score; -infinity: not attended. */
static inline E finished(const attention_t *a, E score, __global const uchar *mask, long mask_first, int key) {
  score *= (E)a->scale;
  if (a->softcap > 0) score = (E)a->softcap * tanh(score / (E)a->softcap);
#ifdef MASK
  if (key >= a->mask_length) return -INFINITY;
  const size_t at = mask_first + key * a->mask_column;
#ifdef BOOLEAN
  if (mask[at] == 0) return -INFINITY;
#else
  const E bias = LOAD(MASK, (__global const MASK *)mask, at);
  score = bias == -INFINITY ? bias : score + bias;
#endif
#endif
  return score;
}

static inline E dot_of(__global const T *key, const E *query, int head) {
  V sum = (V)(0);
  for (int d = 0; d < head; d += W) {
#if W == 1
    sum += query[d] * LOAD(T, key, d);
#else
    sum += PASTE(vload, W)(0, query + d) * LOADN(W, T, key + d, 0);
#endif
  }
  return fold_sum(sum);
}

/* Vectors in private memory. */
#if W == 1
#define LOADP(pointer) (*(pointer))
#define STOREP(pointer, value) (*(pointer) = (value))
#else
#define LOADP(pointer) PASTE(vload, W)(0, pointer)
#define STOREP(pointer, value) PASTE(vstore, W)(value, 0, pointer)
#endif

/* A work item does a query. */
__kernel void attention_items(IN(q), IN(k), IN(v), IN(mask), IN(lengths), OUT(y), attention_t a, int heads) {
  const int i = get_global_id(1), h = get_global_id(2);
  if (i >= a.q_length || h >= heads) return;
  const int batch = h / a.q_heads, head = h % a.q_heads, key_head = head / a.sharing;
  E query[MAX_HEAD], sums[MAX_HEAD], weights[BLOCK];
  __global const T *from = READ(T, q) + (batch * a.q.batch + head * a.q.head + i * a.q.row);
  __global const T *keys = READ(T, k) + (batch * a.k.batch + key_head * a.k.head);
  __global const T *values = READ(T, v) + (batch * a.v.batch + key_head * a.v.head);
  __global T *to = WRITE(T, y) + (batch * a.y.batch + head * a.y.head + i * a.y.row);
  const long mask_first = batch * a.mask_batch + head * a.mask_head + i * a.mask_row;
  int begin, end;
  if (!find_keys(&a, READ(long, lengths), batch, i, &begin, &end)) return;
  for (int d = 0; d < a.head; ++d) query[d] = LOAD(T, from, d);
  for (int d = 0; d < a.value_head; ++d) sums[d] = 0;
  E top = -INFINITY, total = 0;
  for (int first = begin; first < end; first += BLOCK) {
    const int count = min(BLOCK, end - first);
    E most = top;
    for (int j = 0; j < count; ++j) {
      const E s = dot_of(keys + (first + j) * a.k.row, query, a.head);
      weights[j] = finished(&a, s, mask_memory + mask_offset, mask_first, first + j);
      most = weights[j] > most || weights[j] != weights[j] ? weights[j] : most;
    }
    if (most == -INFINITY) continue;
    const E shrink = exp(top - most);
    top = most;
    total *= shrink;
    for (int j = 0; j < count; ++j) {
      weights[j] = exp(weights[j] - most);
      total += weights[j];
    }
    for (int d = 0; d < a.value_head; d += W) {
#if W == 1
      E sum = sums[d] * shrink;
      for (int j = 0; j < count; ++j) sum += weights[j] * LOAD(T, values, (first + j) * a.v.row + d);
      sums[d] = sum;
#else
      V sum = PASTE(vload, W)(0, sums + d) * shrink;
      for (int j = 0; j < count; ++j) sum += weights[j] * LOADN(W, T, values + ((first + j) * a.v.row + d), 0);
      PASTE(vstore, W)(sum, 0, sums + d);
#endif
    }
  }
  const E factor = total > 0 || total != total ? (E)1 / total : (E)0;
  for (int d = 0; d < a.value_head; ++d) STORE(T, to, d, sums[d] * factor);
}

/* A work item does TILE queries of a head, QUERIES at a time: scores are vectors over a block of keys, whose rows are
 * turned into columns once for all queries. float only: -DT=float, half or bf16. */
#ifdef TILED
#define TILE 32
#define QUERIES 4
typedef VECTOR(16, T) scores_t;
static inline E fold_scores_max(scores_t v) { FOLD_16(join_max) }
static inline E fold_scores_sum(scores_t v) { FOLD_16(join_sum) }

/* What becomes of the scores of one query; those of keys outside [begin, end) are -infinity. */
static inline scores_t finished_block(const attention_t *a, scores_t scores, __global const uchar *mask,
                                      long mask_first, int first, int begin, int end) {
  if (a->softcap > 0) scores = a->softcap * tanh(scores / a->softcap);
#ifndef MASK
  if (first >= begin && first + BLOCK <= end) return scores;
#endif
  E single[BLOCK];
  vstore16(scores, 0, single);
  for (int j = 0; j < BLOCK; ++j) {
    const int key = first + j;
    if (key < begin || key >= end) {
      single[j] = -INFINITY;
      continue;
    }
#ifdef MASK
    if (key >= a->mask_length) {
      single[j] = -INFINITY;
      continue;
    }
    const size_t at = mask_first + key * a->mask_column;
#ifdef BOOLEAN
    single[j] = mask[at] == 0 ? -INFINITY : single[j];
#else
    const E bias = LOAD(MASK, (__global const MASK *)mask, at);
    single[j] = bias == -INFINITY ? bias : single[j] + bias;
#endif
#endif
  }
  return vload16(0, single);
}

__kernel void attention_tiles(IN(q), IN(k), IN(v), IN(mask), IN(lengths), OUT(y), attention_t a, int heads) {
  const int tile = get_global_id(1) * TILE, h = get_global_id(2);
  if (tile >= a.q_length || h >= heads) return;
  const int batch = h / a.q_heads, head = h % a.q_heads, key_head = head / a.sharing;
  E query[TILE * MAX_HEAD], sums[TILE * MAX_HEAD], columns[BLOCK * MAX_HEAD], weights[QUERIES * BLOCK];
  E top[TILE], total[TILE];
  int begin[TILE], end[TILE], first_key = INT_MAX, last_key = 0;
  __global const T *keys = READ(T, k) + (batch * a.k.batch + key_head * a.k.head);
  __global const T *values = READ(T, v) + (batch * a.v.batch + key_head * a.v.head);
  for (int i = 0; i < TILE; ++i) { /* those behind the last query are like it, and not stored */
    const int row = min(tile + i, a.q_length - 1);
    __global const T *from = READ(T, q) + (batch * a.q.batch + head * a.q.head + row * a.q.row);
    for (int d = 0; d < a.head; ++d) query[i * a.head + d] = LOAD(T, from, d) * a.scale;
    for (int d = 0; d < a.value_head; ++d) sums[i * a.value_head + d] = 0;
    top[i] = -INFINITY;
    total[i] = 0;
    begin[i] = end[i] = 0;
    (void)find_keys(&a, READ(long, lengths), batch, row, &begin[i], &end[i]);
    first_key = min(first_key, begin[i]);
    last_key = max(last_key, end[i]);
  }
  for (int first = first_key; first < last_key; first += BLOCK) {
    const int count = min(BLOCK, last_key - first);
    for (int j = 0; j < BLOCK; ++j) {
      __global const T *key = keys + (first + min(j, count - 1)) * a.k.row;
      for (int d = 0; d < a.head; ++d) columns[d * BLOCK + j] = LOAD(T, key, d);
    }
    for (int i = 0; i < TILE && tile + i < a.q_length; i += QUERIES) {
      scores_t scores[QUERIES];
      E shrink[QUERIES];
      const E *rows = query + i * a.head;
      for (int n = 0; n < QUERIES; ++n) scores[n] = (scores_t)(0);
      for (int d = 0; d < a.head; ++d) {
        const scores_t column = vload16(d, columns);
        for (int n = 0; n < QUERIES; ++n) scores[n] += rows[n * a.head + d] * column;
      }
      for (int n = 0; n < QUERIES; ++n) {
        const int row = min(tile + i + n, a.q_length - 1);
        const long mask_first = batch * a.mask_batch + head * a.mask_head + row * a.mask_row;
        const scores_t s = finished_block(&a, scores[n], mask_memory + mask_offset, mask_first, first, begin[i + n],
                                          min(end[i + n], first + count));
        const E most = join_max(top[i + n], fold_scores_max(s)), base = most == -INFINITY ? (E)0 : most;
        const scores_t w = exp(s - base);
        shrink[n] = exp(top[i + n] - base);
        top[i + n] = most;
        total[i + n] = total[i + n] * shrink[n] + fold_scores_sum(w);
        vstore16(w, n, weights);
      }
      for (int d = 0; d < a.value_head; d += W) {
        V sum[QUERIES];
        for (int n = 0; n < QUERIES; ++n) sum[n] = LOADP(sums + (i + n) * a.value_head + d) * shrink[n];
        for (int j = 0; j < count; ++j) {
          const V value = LOADV(values, (first + j) * a.v.row + d);
          for (int n = 0; n < QUERIES; ++n) sum[n] += weights[n * BLOCK + j] * value;
        }
        for (int n = 0; n < QUERIES; ++n) STOREP(sums + (i + n) * a.value_head + d, sum[n]);
      }
    }
  }
  for (int i = 0; i < TILE && tile + i < a.q_length; ++i) {
    __global T *to = WRITE(T, y) + (batch * a.y.batch + head * a.y.head + (tile + i) * a.y.row);
    const E factor = total[i] > 0 || total[i] != total[i] ? (E)1 / total[i] : (E)0;
    for (int d = 0; d < a.value_head; ++d) STORE(T, to, d, sums[i * a.value_head + d] * factor);
  }
}
#endif

/* A group does a query: each lane a key of a block of LANES, and then some columns of the values. */
#if LANES > 1
DEFINE_ACROSS(across_max, join_max)
#define COLUMNS ((MAX_HEAD + LANES - 1) / LANES)
__kernel void attention_groups(IN(q), IN(k), IN(v), IN(mask), IN(lengths), OUT(y), attention_t a, int heads,
                               __local E *query, __local E *weights, __local E *lanes) {
  const int i = get_global_id(1), h = get_global_id(2);
  const int batch = h / a.q_heads, head = h % a.q_heads, key_head = head / a.sharing;
  __global const T *from = READ(T, q) + (batch * a.q.batch + head * a.q.head + i * a.q.row);
  __global const T *keys = READ(T, k) + (batch * a.k.batch + key_head * a.k.head);
  __global const T *values = READ(T, v) + (batch * a.v.batch + key_head * a.v.head);
  __global T *to = WRITE(T, y) + (batch * a.y.batch + head * a.y.head + i * a.y.row);
  const long mask_first = batch * a.mask_batch + head * a.mask_head + i * a.mask_row;
  int begin, end;
  if (!find_keys(&a, READ(long, lengths), batch, i, &begin, &end)) return;
  for (int d = LANE; d < a.head; d += LANES) query[d] = LOAD(T, from, d);
  barrier(CLK_LOCAL_MEM_FENCE);
  E sums[COLUMNS];
  for (int c = 0; c < COLUMNS; ++c) sums[c] = 0;
  E top = -INFINITY, total = 0;
  for (int first = begin; first < end; first += LANES) {
    const int count = min(LANES, end - first), key = first + LANE;
    E score = -INFINITY;
    if (key < end) {
      E dot_product = 0;
      for (int d = 0; d < a.head; ++d) dot_product += query[d] * LOAD(T, keys, key * a.k.row + d);
      score = finished(&a, dot_product, mask_memory + mask_offset, mask_first, key);
    }
    const E most = join_max(top, across_max(score, lanes));
    if (most == -INFINITY) continue; /* in all lanes */
    const E shrink = exp(top - most), weight = exp(score - most);
    top = most;
    weights[LANE] = weight;
    total = total * shrink + across_sum(weight, lanes); /* with a barrier in it: all weights are there */
    for (int c = 0; c < COLUMNS; ++c) {
      const int d = c * LANES + LANE;
      if (d >= a.value_head) break;
      E sum = sums[c] * shrink;
      for (int j = 0; j < count; ++j) sum += weights[j] * LOAD(T, values, (first + j) * a.v.row + d);
      sums[c] = sum;
    }
    barrier(CLK_LOCAL_MEM_FENCE);
  }
  const E factor = total > 0 || total != total ? (E)1 / total : (E)0;
  for (int c = 0; c < COLUMNS; ++c) {
    const int d = c * LANES + LANE;
    if (d < a.value_head) STORE(T, to, d, sums[c] * factor);
  }
}
#endif

/* New rows behind those of a cache of `capacity` rows a head. A fault: they don't fit. */
__kernel void append(IN(x), IN(lengths), IN_PLACE(cache), rows_t from, int heads, int head_count, int rows, int width,
                     int capacity, __global int *fault) {
  const int d = get_global_id(0), i = get_global_id(1), h = get_global_id(2);
  if (d >= width || i >= rows || h >= heads) return;
  const long past = READ(long, lengths)[0];
  if (past < 0 || past > capacity - rows) {
    *fault = 1;
    return;
  }
  const size_t at = (h / head_count) * from.batch + (h % head_count) * from.head + i * from.row + d;
  STORE(T, WRITE(T, cache), ((size_t)h * capacity + past + i) * width + d, LOAD(T, READ(T, x), at));
}
