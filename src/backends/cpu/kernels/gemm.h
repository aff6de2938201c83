/* Matrix products on row-major matrices: C = act(alpha * op(A) * op(B) + beta * C + bias + residual).
 *
 * The caller owns all memory and all threads. Its order of work:
 *   1. or_gemm_plan_init: sizes, number of packing tasks, number of tiles. A plan is plain data, immutable afterwards,
 * shared by threads.
 *   2. or_gemm_pack for each task in [0, plan.pack_tasks), in any order, on any threads.          (often none)
 *   3. a barrier, only where pack_tasks > 0.
 *   4. or_gemm_tile for each tile in [0, plan.tiles), in any order, on any threads, each thread with scratch of its
 * own. Tiles write disjoint parts of C. Constant operands are packed once with or_gemm_pack_a_const /
 * or_gemm_pack_b_const and then serve any plan of the same ops, k and caches: the packed form depends on nothing else.
 *
 * After Goto, van de Geijn: Anatomy of High-Performance Matrix Multiplication (2008); Van Zee, van de Geijn: BLIS
 * (2015). */
#ifndef OR_BACKENDS_CPU_KERNELS_GEMM_H
#define OR_BACKENDS_CPU_KERNELS_GEMM_H

#include <stdbool.h>
#include <stddef.h>

#include "ops/epilogue.h"

/* Alignment in bytes that workspace, scratch and packed operands need. */
enum { OR_GEMM_ALIGNMENT_BYTES = 64 };

/* Data caches in bytes: l1 and l2 of one core, l3 as shared by the team. Zero means "not known": a usual size is taken.
 */
typedef struct or_cpu_caches_t {
  size_t l1_bytes;
  size_t l2_bytes;
  size_t l3_bytes;
} or_cpu_caches_t;

/* One element type's packing and micro-kernels at one instruction level; internal to this folder (gemm_internal.h). */
typedef struct or_gemm_ops_t or_gemm_ops_t;

typedef struct or_gemm_shape_t {
  size_t m, n, k; /* op(A) is [m,k], op(B) is [k,n], C is [m,n]; any may be 0 */
  bool trans_a;   /* A is stored [k,m] */
  bool trans_b;   /* B is stored [n,k] */
  bool packed_a;  /* args.a comes from or_gemm_pack_a_const */
  bool packed_b;  /* args.b comes from or_gemm_pack_b_const */
  bool virtual_b; /* B exists only through args.read_b */
} or_gemm_shape_t;

/* Writes rows [k0, k0 + kc) and columns [n0, n0 + nc) of a matrix that is computed on demand (an image unrolled for a
 * convolution) to dst, row-major with row stride dst_ld elements. Called on the thread that packs or runs the tile. */
typedef void (*or_gemm_read_b_fn)(const void *context, size_t k0, size_t kc, size_t n0, size_t nc, void *dst,
                                  size_t dst_ld);

typedef struct or_gemm_args_t {
  const void *a;
  size_t lda; /* row stride in elements of A as stored; not used when packed */
  const void *b;
  size_t ldb;
  void *c;
  size_t ldc;
  double alpha; /* integer products: 1 */
  double beta;  /* integer products: 0 or 1; at 0, C is not read */
  /* All of these may be NULL. Their type is C's (float, double or int32_t). */
  const void *bias_col; /* [n], added to each row */
  const void *bias_row; /* [m], added to each column */
  const void *residual; /* [m,n] with row stride residual_ld; may be C itself, with its stride, where beta is 0 */
  size_t residual_ld;
  or_act_t act; /* fp32 C: all; fp64 C: none, relu, clip; integer C: none */
  or_gemm_read_b_fn read_b;
  const void *read_b_context;
  void *workspace; /* plan.workspace_bytes, shared by the team; may be NULL where that is 0 */
  /* NULL, or asked before each block of a tile (a millisecond of work) and before each tile and packing task of
   * or_gemm_run, on the thread that works: true, and the rest is left out. Once true it must stay so; C is then worth
   * nothing. */
  bool (*stop)(const void *context);
  const void *stop_context;
} or_gemm_args_t;

typedef enum or_gemm_source_t {
  OR_GEMM_PACKED,     /* packed beforehand by the caller */
  OR_GEMM_PACK_PHASE, /* packed into the workspace by pack tasks */
  OR_GEMM_PACK_LOCAL, /* packed by the tile that uses it */
  OR_GEMM_DIRECT,     /* read where it is */
} or_gemm_source_t;

/* Read what you need; write nothing. */
typedef struct or_gemm_plan_t {
  const or_gemm_ops_t *ops;
  or_gemm_shape_t shape;
  size_t pack_tasks;
  size_t tiles;
  size_t workspace_bytes; /* one for the team */
  size_t scratch_bytes;   /* one for each thread */
  /* The rest is for or_gemm_*: */
  size_t kc, mc;         /* depth of a block; rows of A kept in the second-level cache */
  size_t tile_m, tile_n; /* extents of a tile */
  size_t m_tiles, n_tiles;
  size_t pack_a_tasks;
  size_t workspace_b_offset, scratch_b_offset;
  or_gemm_source_t a_source, b_source;
  bool vector; /* m == 1: matrix times vector */
} or_gemm_plan_t;

/* Fills *plan for a team of `threads` (>= 1). False only where a byte count overflows size_t; *plan is then unusable.
 */
bool or_gemm_plan_init(or_gemm_plan_t *plan, const or_gemm_ops_t *ops, const or_gemm_shape_t *shape,
                       const or_cpu_caches_t *caches, unsigned threads);

/* Packing task `task` < plan->pack_tasks, into args->workspace. */
void or_gemm_pack(const or_gemm_plan_t *plan, const or_gemm_args_t *args, size_t task);

/* Tile `tile` < plan->tiles. scratch: plan->scratch_bytes, aligned, this thread's own. */
void or_gemm_tile(const or_gemm_plan_t *plan, const or_gemm_args_t *args, size_t tile, void *scratch);

/* All of it on the calling thread: packing, then every tile. For small products and tests. */
void or_gemm_run(const or_gemm_plan_t *plan, const or_gemm_args_t *args, void *scratch);

/* A constant operand packed once. `extent` is m for A, n for B. */
typedef struct or_gemm_const_t {
  const or_gemm_ops_t *ops;
  size_t k;
  size_t extent;
  bool transposed;
  or_cpu_caches_t caches;
  const void *data;
  size_t ld;
} or_gemm_const_t;

/* Bytes of the packed form; SIZE_MAX where they overflow. */
size_t or_gemm_packed_a_bytes(const or_gemm_const_t *source);
size_t or_gemm_packed_b_bytes(const or_gemm_const_t *source);

/* Packs rows of A (columns of B) [begin, end) of [0, extent) into dst. `begin` must be 0 or a multiple of
 * or_gemm_panel_a (or_gemm_panel_b), `end` likewise or `extent`: so a team can share the work. */
void or_gemm_pack_a_const(const or_gemm_const_t *source, size_t begin, size_t end, void *dst);
void or_gemm_pack_b_const(const or_gemm_const_t *source, size_t begin, size_t end, void *dst);
size_t or_gemm_panel_a(const or_gemm_ops_t *ops);
size_t or_gemm_panel_b(const or_gemm_ops_t *ops);

/* Names a packed form: equal strings and equal or_gemm_depth_block mean interchangeable bytes. For the key of a cache
 * of packed weights. */
const char *or_gemm_layout(const or_gemm_ops_t *ops);
size_t or_gemm_depth_block(const or_gemm_ops_t *ops, size_t k, const or_cpu_caches_t *caches);

#endif
