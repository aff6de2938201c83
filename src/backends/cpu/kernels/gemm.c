/* The driver of matrix products: packing tasks, and tiles that walk depth blocks, row blocks and strips. */
#include "backends/cpu/kernels/gemm_internal.h"

static void pack_a_block(const or_gemm_plan_t *plan, const or_gemm_args_t *args, const size_t rows[2],
                         const size_t depth[2], void *dst) {
  const or_gemm_ops_t *ops = plan->ops;
  bool trans = plan->shape.trans_a;
  size_t row_stride = trans ? 1 : args->lda, k_stride = trans ? args->lda : 1;
  const void *a = or_gemm_at(args->a, rows[0] * row_stride + depth[0] * k_stride, ops->a_bytes);
  ops->pack_a(rows[1] - rows[0], depth[1] - depth[0], a, row_stride, k_stride, dst);
}

static void pack_b_block(const or_gemm_plan_t *plan, const or_gemm_args_t *args, const size_t columns[2],
                         const size_t depth[2], void *dst) {
  const or_gemm_ops_t *ops = plan->ops;
  bool trans = plan->shape.trans_b;
  size_t column_stride = trans ? args->ldb : 1, k_stride = trans ? 1 : args->ldb;
  const void *b = or_gemm_at(args->b, columns[0] * column_stride + depth[0] * k_stride, ops->b_bytes);
  ops->pack_b(depth[1] - depth[0], columns[1] - columns[0], b, k_stride, column_stride, dst);
}

void or_gemm_pack(const or_gemm_plan_t *plan, const or_gemm_args_t *args, size_t task) {
  const or_gemm_ops_t *ops = plan->ops;
  const or_gemm_shape_t *shape = &plan->shape;
  bool is_a = task < plan->pack_a_tasks;
  size_t step = is_a ? plan->tile_m : (size_t)8 * ops->nr;
  size_t from = (is_a ? task : task - plan->pack_a_tasks) * step;
  size_t range[2] = {from, or_gemm_min(from + step, is_a ? shape->m : shape->n)};
  void *workspace = or_gemm_at_mut(args->workspace, is_a ? 0 : plan->workspace_b_offset, 1);
  for (size_t k0 = 0; k0 < shape->k; k0 += plan->kc) {
    size_t depth[2] = {k0, or_gemm_min(k0 + plan->kc, shape->k)};
    size_t kc = depth[1] - depth[0];
    if (is_a) {
      size_t offset = or_gemm_packed_a_offset(ops, shape->m, from, k0, kc);
      pack_a_block(plan, args, range, depth, or_gemm_at_mut(workspace, offset, ops->packed_a_bytes));
    } else {
      size_t offset = or_gemm_packed_b_offset(ops, shape->n, from, k0, kc);
      pack_b_block(plan, args, range, depth, or_gemm_at_mut(workspace, offset, ops->packed_b_bytes));
    }
  }
}

/* A tile under way: its ranges, and where the operands of the current block are. */
typedef struct walk_t {
  const or_gemm_plan_t *plan;
  const or_gemm_args_t *args;
  char *scratch_a, *scratch_b;
  size_t rows[2], columns[2]; /* of the tile */
  size_t block[2];            /* rows of the current block */
  size_t depth[2];
  or_gemm_strip_t strip; /* what all strips of the block share */
} walk_t;

static void start_block(walk_t *walk);
static void run_strips(walk_t *walk);
static void activate_block(const walk_t *walk);

void or_gemm_tile(const or_gemm_plan_t *plan, const or_gemm_args_t *args, size_t tile, void *scratch) {
  if (plan->vector) {
    or_gemv_tile(plan, args, tile, scratch);
    return;
  }
  const or_gemm_shape_t *shape = &plan->shape;
  size_t row = tile % plan->m_tiles * plan->tile_m, column = tile / plan->m_tiles * plan->tile_n;
  walk_t walk = {.plan = plan,
                 .args = args,
                 .scratch_a = scratch,
                 .scratch_b = scratch == NULL ? NULL : (char *)scratch + plan->scratch_b_offset,
                 .rows = {row, or_gemm_min(row + plan->tile_m, shape->m)},
                 .columns = {column, or_gemm_min(column + plan->tile_n, shape->n)}};
  size_t k0 = 0;
  do {
    walk.depth[0] = k0;
    walk.depth[1] = or_gemm_min(k0 + plan->kc, shape->k);
    for (size_t m0 = walk.rows[0]; m0 < walk.rows[1]; m0 += plan->mc) {
      if (or_gemm_is_stopped(args)) return;
      walk.block[0] = m0;
      walk.block[1] = or_gemm_min(m0 + plan->mc, walk.rows[1]);
      start_block(&walk);
      run_strips(&walk);
      if (walk.depth[1] == shape->k) activate_block(&walk);
    }
    k0 += plan->kc;
  } while (k0 < shape->k);
}

/* A residual that is C itself is gone once the first block of the depth has been written: it counts there, as C. */
static bool is_in_place(const or_gemm_args_t *args) { return args->residual != NULL && args->residual == args->c; }

/* Finds or packs the block's rows of A and fills in what its strips share. */
static void start_block(walk_t *walk) {
  const or_gemm_plan_t *plan = walk->plan;
  const or_gemm_args_t *args = walk->args;
  const or_gemm_ops_t *ops = plan->ops;
  const or_gemm_shape_t *shape = &plan->shape;
  size_t kc = walk->depth[1] - walk->depth[0], m0 = walk->block[0];
  bool last = walk->depth[1] == shape->k;
  or_gemm_strip_t *strip = &walk->strip;
  *strip = (or_gemm_strip_t){.rows = walk->block[1] - m0,
                             .kc = or_gemm_round_up(kc, ops->k_group),
                             .ldc = args->ldc,
                             .alpha = args->alpha,
                             .beta = walk->depth[0] == 0 && !is_in_place(args) ? args->beta : 1.0,
                             .a_packed = true};
  if (last) {
    strip->bias_row = or_gemm_at(args->bias_row, m0, ops->c_bytes);
    strip->residual_ld = args->residual_ld;
    strip->clip = args->act.kind == OR_ACT_RELU || args->act.kind == OR_ACT_CLIP;
    strip->lo = args->act.kind == OR_ACT_CLIP ? args->act.lo : 0.0f;
    strip->hi = args->act.kind == OR_ACT_CLIP ? args->act.hi : __builtin_inff();
  }
  bool one_row = shape->m == 1 && !shape->trans_a && ops->exact_rows && ops->a_bytes == ops->packed_a_bytes;
  if (plan->a_source == OR_GEMM_PACKED || plan->a_source == OR_GEMM_PACK_PHASE) {
    const void *packed = plan->a_source == OR_GEMM_PACKED ? args->a : args->workspace;
    size_t offset = or_gemm_packed_a_offset(ops, shape->m, m0, walk->depth[0], kc);
    strip->a = or_gemm_at(packed, offset, ops->packed_a_bytes);
  } else if (one_row) { /* packed or not, one row is the same bytes */
    strip->a = or_gemm_at(args->a, walk->depth[0], ops->a_bytes);
  } else if (plan->a_source == OR_GEMM_DIRECT) {
    strip->a_packed = false;
    strip->a_row = shape->trans_a ? 1 : args->lda;
    strip->a_k = shape->trans_a ? args->lda : 1;
    strip->a = or_gemm_at(args->a, m0 * strip->a_row + walk->depth[0] * strip->a_k, ops->a_bytes);
  } else {
    if (kc > 0) pack_a_block(plan, args, walk->block, walk->depth, walk->scratch_a);
    strip->a = walk->scratch_a;
  }
}

static void find_panel(walk_t *walk, size_t column, size_t cols);

static void run_strips(walk_t *walk) {
  const or_gemm_plan_t *plan = walk->plan;
  const or_gemm_args_t *args = walk->args;
  const or_gemm_ops_t *ops = plan->ops;
  bool last = walk->depth[1] == plan->shape.k;
  or_gemm_strip_t *strip = &walk->strip;
  size_t m0 = walk->block[0];
  for (size_t column = walk->columns[0]; column < walk->columns[1]; column += ops->nr) {
    strip->cols = or_gemm_min(ops->nr, walk->columns[1] - column);
    find_panel(walk, column, strip->cols);
    strip->c = or_gemm_at_mut(args->c, m0 * args->ldc + column, ops->c_bytes);
    if (last) {
      strip->bias_col = or_gemm_at(args->bias_col, column, ops->c_bytes);
      const void *residual = is_in_place(args) ? NULL : args->residual;
      strip->residual = or_gemm_at(residual, m0 * args->residual_ld + column, ops->c_bytes);
    }
    ops->strip(strip);
  }
}

static void read_virtual_panel(walk_t *walk, size_t column, size_t cols, char *dst);

static void find_panel(walk_t *walk, size_t column, size_t cols) {
  const or_gemm_plan_t *plan = walk->plan;
  const or_gemm_args_t *args = walk->args;
  const or_gemm_ops_t *ops = plan->ops;
  size_t kc = walk->depth[1] - walk->depth[0];
  or_gemm_strip_t *strip = &walk->strip;
  strip->b_k = ops->nr;
  if (plan->b_source == OR_GEMM_PACKED || plan->b_source == OR_GEMM_PACK_PHASE) {
    const char *packed =
        plan->b_source == OR_GEMM_PACKED ? args->b : (const char *)args->workspace + plan->workspace_b_offset;
    size_t offset = or_gemm_packed_b_offset(ops, plan->shape.n, column, walk->depth[0], kc);
    strip->b = or_gemm_at(packed, offset, ops->packed_b_bytes);
    return;
  }
  if (plan->b_source == OR_GEMM_DIRECT && cols == ops->nr) {
    strip->b = or_gemm_at(args->b, walk->depth[0] * args->ldb + column, ops->b_bytes);
    strip->b_k = args->ldb;
    return;
  }
  bool once = plan->b_source == OR_GEMM_DIRECT || plan->tile_m <= plan->mc;
  size_t offset = once ? 0 : (column - walk->columns[0]) * strip->kc * ops->packed_b_bytes;
  char *dst = walk->scratch_b + offset;
  strip->b = dst;
  bool packed_already = !once && walk->block[0] != walk->rows[0];
  if (packed_already || kc == 0) return;
  if (plan->shape.virtual_b) {
    read_virtual_panel(walk, column, cols, dst);
  } else {
    const size_t columns[2] = {column, column + cols};
    pack_b_block(plan, args, columns, walk->depth, dst);
  }
}

/* A full panel whose packed form is plain rows is written in place; others pass through the rest of the scratch. */
static void read_virtual_panel(walk_t *walk, size_t column, size_t cols, char *dst) {
  const or_gemm_plan_t *plan = walk->plan;
  const or_gemm_args_t *args = walk->args;
  const or_gemm_ops_t *ops = plan->ops;
  size_t kc = walk->depth[1] - walk->depth[0];
  if (ops->k_group == 1 && ops->b_bytes == ops->packed_b_bytes && cols == ops->nr) {
    args->read_b(args->read_b_context, walk->depth[0], kc, column, cols, dst, ops->nr);
    return;
  }
  bool once = plan->tile_m <= plan->mc;
  size_t panels_bytes = or_gemm_round_up(once ? ops->nr : plan->tile_n, ops->nr) *
                        or_gemm_round_up(plan->kc, ops->k_group) * ops->packed_b_bytes;
  void *rows = walk->scratch_b + panels_bytes;
  args->read_b(args->read_b_context, walk->depth[0], kc, column, cols, rows, cols);
  ops->pack_b(kc, cols, rows, cols, 1, dst);
}

/* Activations that are no clipping run over whole rows of the tile, which are still in the second-level cache. */
static void activate_block(const walk_t *walk) {
  const or_gemm_plan_t *plan = walk->plan;
  const or_gemm_args_t *args = walk->args;
  or_act_kind_t kind = args->act.kind;
  if (kind == OR_ACT_NONE || kind == OR_ACT_RELU || kind == OR_ACT_CLIP) return;
  if (plan->ops->activate == NULL) return;
  for (size_t row = walk->block[0]; row < walk->block[1]; ++row) {
    void *c = or_gemm_at_mut(args->c, row * args->ldc + walk->columns[0], plan->ops->c_bytes);
    plan->ops->activate(&args->act, walk->columns[1] - walk->columns[0], c);
  }
}

void or_gemm_run(const or_gemm_plan_t *plan, const or_gemm_args_t *args, void *scratch) {
  for (size_t task = 0; task < plan->pack_tasks && !or_gemm_is_stopped(args); ++task) or_gemm_pack(plan, args, task);
  for (size_t tile = 0; tile < plan->tiles && !or_gemm_is_stopped(args); ++tile)
    or_gemm_tile(plan, args, tile, scratch);
}
