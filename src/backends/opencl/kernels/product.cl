/* Matrix products, batches of them: C = act(alpha A B + bias + residual), where B may be the pixels of an image under a
 * window. Options: FORM, S (elements in memory), T (sums: float, double, int, long), ACT (or_act_kind_t).
 *
 * PANELS is for processors with caches: a work item keeps MR rows of NV vectors of VN columns, B lies in panels of as
 * many columns or in rows of them. TILES is for GPUs: a group of work items shares tiles in local memory, each keeps
 * TM x TN sums. COLUMNS and ROWS are for products of at most MR rows, that read a large B once. */
#define PANELS 1
#define TILES 2
#define COLUMNS 3
#define ROWS 4
#define FINISH 5
#define PACK 6

#define MAX_BATCH_RANK 4
enum { BIAS_NONE, BIAS_COLUMNS, BIAS_ROWS, BIAS_SINGLE };

/* or_cl_product_args_t. Strides are in elements. */
typedef struct product_t {
  int m, n, k;
  int lda, ldb, ldc; /* between rows as they lie in memory */
  int rank;          /* of the batch */
  int extents[MAX_BATCH_RANK];
  int bias_kind, has_residual;
  int width, used;     /* columns are pixels of rows of `width`, of which `used` are kept and written */
  int last_start;      /* no panel starts behind it: one that would begins there, and leaves out what is not its own */
  int splits, split_k; /* parts of k that are summed apart, and their length */
  int in_h, in_w, stride_h, stride_w, pad_top, pad_left; /* of an image */
  float alpha, bias_scale, residual_scale, lo, hi;
  long b_panel; /* between panels of B */
  long c_item;  /* between products of the batch in C and in the residual */
  long a_strides[MAX_BATCH_RANK], b_strides[MAX_BATCH_RANK], bias_strides[MAX_BATCH_RANK];
} product_t;

typedef PASTE(T, 4) quad_t;
#ifdef PLAIN /* S is T */
#define LOAD_S(pointer, index) ((T)(pointer)[index])
#define LOAD_QUAD(pointer) vload4(0, pointer)
#define STORE_S(pointer, index, value) ((pointer)[index] = (value))
#else
#define LOAD_S(pointer, index) LOAD(S, pointer, index)
#define LOAD_QUAD(pointer) LOADN(4, S, pointer, 0)
#define STORE_S(pointer, index, value) STORE(S, pointer, index, value)
#endif
#ifdef INTEGER
#define MULTIPLY_ADD(a, b, c) ((a) * (b) + (c))
#else
#define MULTIPLY_ADD(a, b, c) fma(a, b, c)
#endif

static inline T act(T x, const product_t *p) {
#if ACT == 0
  return x;
#elif ACT == 1
  return x < (T)0 ? (T)0 : x;
#else
  return activate_plain(x, ACT, p->lo, p->hi);
#endif
}

/* Unrolled: with an index that is known, parameters need no copy in memory. */
static inline long batch_at(const product_t *p, const long *strides, int item) {
  long at = 0;
#pragma unroll
  for (int i = MAX_BATCH_RANK - 1; i >= 0; --i) {
    if (i < p->rank) {
      int rest = item / p->extents[i];
      at += (item - rest * p->extents[i]) * strides[i];
      item = rest;
    }
  }
  return at;
}

/* The place of a sum in C. */
typedef struct place_t {
  __global const S *bias, *residual; /* of the product */
  __global S *c;
} place_t;

static inline T finish(const product_t *p, const place_t *place, T sum, int row, int column, long at) {
  sum *= (T)p->alpha;
  if (p->bias_kind != BIAS_NONE) {
    int i = p->bias_kind == BIAS_COLUMNS ? column : p->bias_kind == BIAS_ROWS ? row : 0;
    sum += LOAD_S(place->bias, i) * (T)p->bias_scale;
  }
  if (p->has_residual) sum += LOAD_S(place->residual, at) * (T)p->residual_scale;
  return act(sum, p);
}

#define PRODUCT_PARAMETERS                                                                                      \
  IN(a), IN(b), IN(table), IN(bias), __global const uchar *residual_memory, ulong residual_offset, IN_PLACE(c), \
      product_t p
#define PLACE(item)                                                                          \
  {                                                                                          \
    READ(S, bias) + batch_at(&p, p.bias_strides, item), READ(S, residual) + (item)*p.c_item, \
        WRITE(S, c) + (item)*p.c_item                                                        \
  }

/* Four neighbours, of which `valid` are there; the others are 0. */
static inline quad_t load_quad(__global const S *from, int valid, bool aligned) {
  if (valid >= 4) {
#ifdef PLAIN
    if (aligned) return *(__global const quad_t *)from;
#endif
    return LOAD_QUAD(from);
  }
  quad_t quad = (quad_t)((T)0);
  if (valid > 0) quad.x = LOAD_S(from, 0);
  if (valid > 1) quad.y = LOAD_S(from, 1);
  if (valid > 2) quad.z = LOAD_S(from, 2);
  return quad;
}

static inline bool is_aligned(__global const S *data, int ld) {
  return ((ulong)data & (4 * sizeof(S) - 1)) == 0 && (ld & 3) == 0;
}

#if FORM == PANELS

#define NR (NV * VN)
typedef PASTE(T, VN) vector_t;
#define LOAD_VECTOR PASTE(vload, VN)
#define STORE_VECTOR PASTE(vstore, VN)

/* Columns first .. NR - 1 of a row of sums, as far as they are in C. */
static inline void store_row(const product_t *p, const place_t *place, T *sums, int row, int start, int first) {
  int end = min(NR, p->n - start);
  if (p->bias_kind == BIAS_COLUMNS) {
    for (int j = first; j < end; ++j)
      sums[j] = sums[j] * (T)p->alpha + LOAD_S(place->bias, start + j) * (T)p->bias_scale;
  } else {
    T bias = p->bias_kind == BIAS_NONE ? (T)0 : LOAD_S(place->bias, p->bias_kind == BIAS_ROWS ? row : 0);
    bias *= (T)p->bias_scale;
    for (int j = 0; j < NR; ++j) sums[j] = sums[j] * (T)p->alpha + bias;
  }
  if (!p->has_residual) {
    for (int j = 0; j < NR; ++j) sums[j] = act(sums[j], p);
  }
  for (int j = first; j < end;) { /* neighbours in C are written in one go */
    int line = (start + j) / p->width, x = start + j - line * p->width;
    int count = min(p->used - x, end - j);
    long at = (long)row * p->ldc + (long)line * p->used + x;
    if (p->has_residual) {
      for (int i = 0; i < count; ++i) {
        STORE_S(place->c, at + i, act(sums[j + i] + LOAD_S(place->residual, at + i) * (T)p->residual_scale, p));
      }
    } else {
      for (int i = 0; i < count; ++i) STORE_S(place->c, at + i, sums[j + i]);
    }
    j += p->width - x;
  }
}

/* B's rows are `ldb` apart, or where the table says. A is MR rows `lda` apart, or with A_PACKED lies in blocks of MR
 * rows whose columns stand one behind the other. */
__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void panels(PRODUCT_PARAMETERS) {
  int block = get_global_id(0), panel = get_global_id(1), item = get_global_id(2);
  int start = min(panel * NR, p.last_start);
  __global const T *a = READ(T, a) + batch_at(&p, p.a_strides, item);
  __global const T *b = READ(T, b) + batch_at(&p, p.b_strides, item) + panel * p.b_panel - (panel * NR - start);
#ifdef TABLE
  __global const int *offsets = READ(int, table);
#endif
  vector_t sums[MR][NV];
#pragma unroll
  for (int r = 0; r < MR; ++r) {
#pragma unroll
    for (int v = 0; v < NV; ++v) sums[r][v] = (vector_t)((T)0);
  }
#ifdef A_PACKED
  a += (long)block * MR * p.k;
#else
  __global const T *rows[MR];
#pragma unroll
  for (int r = 0; r < MR; ++r) rows[r] = a + (long)min(block * MR + r, p.m - 1) * p.lda;
#endif
  for (int k = 0; k < p.k; ++k) {
#ifdef TABLE
    __global const T *line = b + offsets[k];
#else
    __global const T *line = b;
    b += p.ldb;
#endif
    vector_t columns[NV];
#pragma unroll
    for (int v = 0; v < NV; ++v) columns[v] = LOAD_VECTOR(v, line);
#pragma unroll
    for (int r = 0; r < MR; ++r) {
#ifdef A_PACKED
      vector_t x = (vector_t)(a[r]);
#else
      vector_t x = (vector_t)(rows[r][k]);
#endif
#pragma unroll
      for (int v = 0; v < NV; ++v) sums[r][v] = MULTIPLY_ADD(x, columns[v], sums[r][v]);
    }
#ifdef A_PACKED
    a += MR;
#endif
  }
  T kept[MR * NR];
#pragma unroll
  for (int r = 0; r < MR; ++r) {
#pragma unroll
    for (int v = 0; v < NV; ++v) STORE_VECTOR(sums[r][v], r * NV + v, kept);
  }
  place_t place = PLACE(item);
  int count = min(MR, p.m - block * MR);
  for (int r = 0; r < count; ++r) store_row(&p, &place, kept + r * NR, block * MR + r, start, panel * NR - start);
}

#elif FORM == PACK

/* Matrices in panels of NR columns, as float for short ones: from rows of B, or with B_TRANSPOSED from columns. A work
 * item takes up to 64 rows of a panel. Behind the last column stand zeros. */
#ifndef NR
#define NR 1 /* for lay_rows, which has none */
#endif
__kernel void pack(IN(b), OUT(packed), int k, int n, int ldb, long item_stride) {
  int first = get_global_id(0) * 64, panel = get_global_id(1), item = get_global_id(2);
  int panels = (n + NR - 1) / NR, end = min(first + 64, k);
  int count = min(NR, n - panel * NR);
  __global const S *b = READ(S, b) + item * item_stride;
  __global T *to = WRITE(T, packed) + ((long)item * panels + panel) * k * NR;
#ifdef B_TRANSPOSED
  for (int j = 0; j < NR; ++j) {
    for (int i = first; i < end; ++i) {
      to[(long)i * NR + j] = j < count ? LOAD_S(b, (long)(panel * NR + j) * ldb + i) : (T)0;
    }
  }
#else
  for (int i = first; i < end; ++i) {
    for (int j = 0; j < NR; ++j) to[(long)i * NR + j] = j < count ? LOAD_S(b, (long)i * ldb + panel * NR + j) : (T)0;
  }
#endif
}

/* Rows of A as T, A given by columns with A_TRANSPOSED. A work item takes up to 64 elements of a row. */
__kernel void lay_rows(IN(a), OUT(rows), int m, int k, int lda) {
  int first = get_global_id(0) * 64, row = get_global_id(1), item = get_global_id(2);
  __global const S *a = READ(S, a) + (long)item * m * k;
  __global T *to = WRITE(T, rows) + ((long)item * m + row) * k;
  int end = min(first + 64, k);
  for (int i = first; i < end; ++i) {
#ifdef A_TRANSPOSED
    to[i] = LOAD_S(a, (long)i * lda + row);
#else
    to[i] = LOAD_S(a, (long)row * lda + i);
#endif
  }
}

#elif FORM == TILES

#define ROWS_OF_ITEMS (BM / TM)
#define COLUMNS_OF_ITEMS (BN / TN)
#define ITEMS (ROWS_OF_ITEMS * COLUMNS_OF_ITEMS)
#define HM (TM / 4) /* quads of rows and of columns that an item keeps, BM / HM and BN / HN apart */
#define HN (TN / 4)
#define A_QUADS (BM * BK / 4 / ITEMS)
#define B_QUADS (BN * BK / 4 / ITEMS)
#define A_PITCH (BM + 4)
#define B_PITCH (BN + 4)

/* A part of an operand in rows of `extent` columns of the product: `across` for one whose memory runs along k. */
typedef struct operand_t {
  __global const S *data;
  int ld, start, extent; /* the tile's first row or column of the product, and how many there are */
  bool aligned;
} operand_t;

/* Quad `index` of a tile: along k, or along the rows or columns of the product. */
static inline quad_t fetch_along(const operand_t *x, int index, int k, int k_end) {
  int at = x->start + index / (BK / 4), inner = k + index % (BK / 4) * 4;
  if (at >= x->extent) return (quad_t)((T)0);
  return load_quad(x->data + (long)at * x->ld + inner, k_end - inner, x->aligned);
}
static inline quad_t fetch_across(const operand_t *x, int index, int k, int k_end, int quads) {
  int at = x->start + index % quads * 4, inner = k + index / quads;
  if (inner >= k_end) return (quad_t)((T)0);
  return load_quad(x->data + (long)inner * x->ld + at, x->extent - at, x->aligned);
}
static inline void keep_along(__local T *tile, int index, int pitch, quad_t quad) {
  tile += index % (BK / 4) * 4 * pitch + index / (BK / 4);
  tile[0] = quad.x;
  tile[pitch] = quad.y;
  tile[2 * pitch] = quad.z;
  tile[3 * pitch] = quad.w;
}
static inline void keep_across(__local T *tile, int index, int pitch, int quads, quad_t quad) {
  vstore4(quad, 0, tile + index / quads * pitch + index % quads * 4);
}

#ifdef IMAGE
#define PIXEL_STEP (ITEMS / BN)
#define PIXELS (BK / PIXEL_STEP)
/* The column that a work item fetches: where its window starts. */
typedef struct pixel_t {
  __global const S *data;
  __global const int4 *table; /* offset, row and column in the window */
  long base;
  int y, x;
} pixel_t;

static inline pixel_t pixel_of(const product_t *p, __global const S *data, __global const int4 *table, int column) {
  int line = column / p->width, x = column - line * p->width;
  pixel_t pixel = {data, table, 0, line * p->stride_h - p->pad_top, x * p->stride_w - p->pad_left};
  if (column >= p->n) pixel.y = INT_MIN / 2;
  pixel.base = (long)pixel.y * p->in_w + pixel.x;
  return pixel;
}
static inline T fetch_pixel(const product_t *p, const pixel_t *pixel, int k, int k_end) {
  if (k >= k_end) return (T)0;
  int4 tap = pixel->table[k];
  bool inside = (uint)(pixel->y + tap.y) < (uint)p->in_h && (uint)(pixel->x + tap.z) < (uint)p->in_w;
  return inside ? LOAD_S(pixel->data, pixel->base + tap.x) : (T)0;
}
#endif

__kernel __attribute__((reqd_work_group_size(ITEMS, 1, 1))) void tiles(PRODUCT_PARAMETERS) {
  __local T a_tiles[2][BK * A_PITCH] __attribute__((aligned(32)));
  __local T b_tiles[2][BK * B_PITCH] __attribute__((aligned(32)));
  int t = get_local_id(0), part = get_global_id(2);
  int item = part / p.splits, split = part - item * p.splits;
  int row_start = get_global_id(1) * BM, column_start = get_global_id(0) / ITEMS * BN;
  int row = t / COLUMNS_OF_ITEMS * 4, column = t % COLUMNS_OF_ITEMS * 4;
  int k_start = split * p.split_k, k_end = min(p.k, k_start + p.split_k);
  operand_t a = {READ(S, a) + batch_at(&p, p.a_strides, item), p.lda, row_start, p.m, false};
  a.aligned = is_aligned(a.data, a.ld);
#ifdef IMAGE
  pixel_t pixel = pixel_of(&p, READ(S, b) + batch_at(&p, p.b_strides, item), READ(int4, table), column_start + t % BN);
  T b_next[PIXELS];
#else
  operand_t b = {READ(S, b) + batch_at(&p, p.b_strides, item), p.ldb, column_start, p.n, false};
  b.aligned = is_aligned(b.data, b.ld);
  quad_t b_next[B_QUADS];
#endif
  quad_t a_next[A_QUADS];
  quad_t sums[TM][HN];
#pragma unroll
  for (int r = 0; r < TM; ++r) {
#pragma unroll
    for (int h = 0; h < HN; ++h) sums[r][h] = (quad_t)((T)0);
  }

#ifdef A_TRANSPOSED
#define FETCH_A(i, k) fetch_across(&a, t + (i)*ITEMS, k, k_end, BM / 4)
#define KEEP_A(i, tile) keep_across(tile, t + (i)*ITEMS, A_PITCH, BM / 4, a_next[i])
#else
#define FETCH_A(i, k) fetch_along(&a, t + (i)*ITEMS, k, k_end)
#define KEEP_A(i, tile) keep_along(tile, t + (i)*ITEMS, A_PITCH, a_next[i])
#endif
#if defined(IMAGE)
#define B_COUNT PIXELS
#define FETCH_B(i, k) fetch_pixel(&p, &pixel, (k) + t / BN + (i)*PIXEL_STEP, k_end)
#define KEEP_B(i, tile) ((tile)[(t / BN + (i)*PIXEL_STEP) * B_PITCH + t % BN] = b_next[i])
#elif defined(B_TRANSPOSED)
#define B_COUNT B_QUADS
#define FETCH_B(i, k) fetch_along(&b, t + (i)*ITEMS, k, k_end)
#define KEEP_B(i, tile) keep_along(tile, t + (i)*ITEMS, B_PITCH, b_next[i])
#else
#define B_COUNT B_QUADS
#define FETCH_B(i, k) fetch_across(&b, t + (i)*ITEMS, k, k_end, BN / 4)
#define KEEP_B(i, tile) keep_across(tile, t + (i)*ITEMS, B_PITCH, BN / 4, b_next[i])
#endif
#define FETCH(k)                                                                 \
  _Pragma("unroll") for (int i = 0; i < A_QUADS; ++i) a_next[i] = FETCH_A(i, k); \
  _Pragma("unroll") for (int i = 0; i < B_COUNT; ++i) b_next[i] = FETCH_B(i, k)
#define KEEP(which)                                                              \
  _Pragma("unroll") for (int i = 0; i < A_QUADS; ++i) KEEP_A(i, a_tiles[which]); \
  _Pragma("unroll") for (int i = 0; i < B_COUNT; ++i) KEEP_B(i, b_tiles[which])

  FETCH(k_start);
  KEEP(0);
  barrier(CLK_LOCAL_MEM_FENCE);
  int which = 0;
  for (int k = k_start; k < k_end; k += BK) {
    bool more = k + BK < k_end;
    if (more) {
      FETCH(k + BK);
    }
#pragma unroll
    for (int i = 0; i < BK; ++i) {
      quad_t rows[HM], columns[HN];
#pragma unroll
      for (int h = 0; h < HM; ++h) rows[h] = *(__local quad_t *)(a_tiles[which] + i * A_PITCH + h * (BM / HM) + row);
#pragma unroll
      for (int h = 0; h < HN; ++h) {
        columns[h] = *(__local quad_t *)(b_tiles[which] + i * B_PITCH + h * (BN / HN) + column);
      }
#pragma unroll
      for (int h = 0; h < HM; ++h) {
#pragma unroll
        for (int g = 0; g < HN; ++g) {
          sums[h * 4][g] = MULTIPLY_ADD((quad_t)(rows[h].x), columns[g], sums[h * 4][g]);
          sums[h * 4 + 1][g] = MULTIPLY_ADD((quad_t)(rows[h].y), columns[g], sums[h * 4 + 1][g]);
          sums[h * 4 + 2][g] = MULTIPLY_ADD((quad_t)(rows[h].z), columns[g], sums[h * 4 + 2][g]);
          sums[h * 4 + 3][g] = MULTIPLY_ADD((quad_t)(rows[h].w), columns[g], sums[h * 4 + 3][g]);
        }
      }
    }
    if (more) {
      KEEP(1 - which);
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    which = 1 - which;
  }

  place_t place = PLACE(item);
#pragma unroll
  for (int r = 0; r < TM; ++r) {
    int i = row_start + r / 4 * (BM / HM) + row + r % 4;
#pragma unroll
    for (int h = 0; h < HN; ++h) {
      int j = column_start + h * (BN / HN) + column;
      T four[4] = {sums[r][h].x, sums[r][h].y, sums[r][h].z, sums[r][h].w};
#pragma unroll
      for (int q = 0; q < 4; ++q) {
        if (i < p.m && j + q < p.n) {
          long at = (long)i * p.ldc + j + q;
#ifdef SPLIT
          WRITE(T, c)[((long)part * p.m + i) * p.n + j + q] = four[q];
#else
          STORE_S(place.c, at, finish(&p, &place, four[q], i, j + q, at));
#endif
        }
      }
    }
  }
}

#elif FORM == COLUMNS || FORM == ROWS

/* At most MR rows. Local size ROW_LANES x SLICES. What is left in C are sums of parts of k: FINISH follows. */
#define ITEMS (ROW_LANES * SLICES)

/* Adds up `count` neighbours `stride` apart, of each row; the first one has the sum. */
static inline void add_up(__local quad_t *shared, int at, int position, int count, int stride) {
  barrier(CLK_LOCAL_MEM_FENCE);
  for (int by = count / 2; by > 0; by /= 2) {
    if (position < by) {
#pragma unroll
      for (int r = 0; r < MR; ++r) shared[r * ITEMS + at] += shared[r * ITEMS + at + by * stride];
    }
    barrier(CLK_LOCAL_MEM_FENCE);
  }
}

#if FORM == COLUMNS
/* B in rows. A work item takes four columns, and of a part of k each row whose number is its own modulo SLICES. */
__kernel __attribute__((reqd_work_group_size(ROW_LANES, SLICES, 1))) void columns(PRODUCT_PARAMETERS) {
  __local quad_t shared[MR * ITEMS];
  int lane = get_local_id(0), slice = get_local_id(1), part = get_global_id(2), at = slice * ROW_LANES + lane;
  int item = part / p.splits, split = part - item * p.splits;
  int k_start = split * p.split_k, k_end = min(p.k, k_start + p.split_k);
  int column = (int)get_global_id(0) * 4, valid = p.n - column;
  __global const S *a = READ(S, a) + batch_at(&p, p.a_strides, item);
  __global const S *b = READ(S, b) + batch_at(&p, p.b_strides, item);
  bool aligned = is_aligned(b, p.ldb);
  quad_t sums[MR];
#pragma unroll
  for (int r = 0; r < MR; ++r) sums[r] = (quad_t)((T)0);
#pragma unroll 4
  for (int k = k_start + slice; k < k_end; k += SLICES) {
    quad_t four = load_quad(b + (long)k * p.ldb + column, valid, aligned);
#pragma unroll
    for (int r = 0; r < MR; ++r) {
      sums[r] = MULTIPLY_ADD((quad_t)(LOAD_S(a, (long)min(r, p.m - 1) * p.lda + k)), four, sums[r]);
    }
  }
#pragma unroll
  for (int r = 0; r < MR; ++r) shared[r * ITEMS + at] = sums[r];
  add_up(shared, at, slice, SLICES, ROW_LANES);
  if (slice != 0) return;
  for (int r = 0; r < min(MR, p.m); ++r) {
    quad_t four = shared[r * ITEMS + at];
    __global T *c = WRITE(T, c) + ((long)part * p.m + r) * p.n + column;
    if (valid > 0) c[0] = four.x;
    if (valid > 1) c[1] = four.y;
    if (valid > 2) c[2] = four.z;
    if (valid > 3) c[3] = four.w;
  }
}
#else
/* B in columns. ROW_LANES work items share a column. */
__kernel __attribute__((reqd_work_group_size(ROW_LANES, SLICES, 1))) void rows(PRODUCT_PARAMETERS) {
  __local quad_t shared[MR * ITEMS];
  int lane = get_local_id(0), part = get_global_id(2), at = (int)get_local_id(1) * ROW_LANES + lane;
  int item = part / p.splits, split = part - item * p.splits;
  int k_start = split * p.split_k, k_end = min(p.k, k_start + p.split_k);
  int column = get_global_id(1);
  __global const S *a = READ(S, a) + batch_at(&p, p.a_strides, item);
  __global const S *b = READ(S, b) + batch_at(&p, p.b_strides, item) + (long)min(column, p.n - 1) * p.ldb;
  bool b_aligned = is_aligned(b, 0), a_aligned = is_aligned(a, p.lda);
  quad_t sums[MR];
#pragma unroll
  for (int r = 0; r < MR; ++r) sums[r] = (quad_t)((T)0);
#pragma unroll 4
  for (int k = k_start + lane * 4; k < k_end; k += ROW_LANES * 4) {
    quad_t four = load_quad(b + k, k_end - k, b_aligned);
#pragma unroll
    for (int r = 0; r < MR; ++r) {
      quad_t x = load_quad(a + (long)min(r, p.m - 1) * p.lda + k, k_end - k, a_aligned);
      sums[r] = MULTIPLY_ADD(x, four, sums[r]);
    }
  }
#pragma unroll
  for (int r = 0; r < MR; ++r) shared[r * ITEMS + at] = sums[r];
  add_up(shared, at, lane, ROW_LANES, 1);
  if (lane != 0 || column >= p.n) return;
  for (int r = 0; r < min(MR, p.m); ++r) {
    quad_t four = shared[r * ITEMS + at];
    WRITE(T, c)[((long)part * p.m + r) * p.n + column] = four.x + four.y + four.z + four.w;
  }
}
#endif

#elif FORM == FINISH

/* Adds up what the parts of k left. A work item an element of C. */
__kernel void add_parts(IN(parts), IN(bias), __global const uchar *residual_memory, ulong residual_offset, IN_PLACE(c),
                        product_t p) {
  int column = get_global_id(0), row = get_global_id(1), item = get_global_id(2);
  if (column >= p.n) return;
  long matrix = (long)p.m * p.n;
  __global const T *parts = READ(T, parts) + item * p.splits * matrix + (long)row * p.n + column;
  T sum = (T)0;
  for (int i = 0; i < p.splits; ++i) sum += parts[i * matrix];
  place_t place = PLACE(item);
  long at = (long)row * p.ldc + column;
  STORE_S(place.c, at, finish(&p, &place, sum, row, column, at));
}

#endif
