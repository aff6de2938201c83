/* How a product is cut: depth blocks from the caches, tiles from a small model of what packing, tiles and barriers
 * cost. */
#include "backends/cpu/kernels/gemm_internal.h"

/* Usual sizes, where the caller knows none. */
enum { USUAL_L1_BYTES = 32 << 10, USUAL_L2_BYTES = 512 << 10, USUAL_L3_BYTES = 8 << 20 };

/* Costs in the time of one multiply-add step of a register tile, per element or each. */
#define COST_PACKED_ELEMENT 0.12
#define COST_STREAMED_ELEMENT 0.04 /* of B, once for each block of rows */
#define COST_TILE 40.0
#define COST_BARRIER 400.0

/* A tile's size in multiply-adds, at most: about 20 ms on a slow core, so that a cancelled product ends soon. */
#define TILE_STEPS_MAX 5e8

enum { CANDIDATES_MAX = 24 };

typedef struct cut_t {
  size_t tile_m, tile_n, m_tiles, n_tiles;
  bool a_phase, b_phase;
  double cost;
} cut_t;

static bool plan_vector(or_gemm_plan_t *plan, unsigned threads);
static void choose_direct(or_gemm_plan_t *plan);
static void choose_cut(or_gemm_plan_t *plan, const or_cpu_caches_t *caches, unsigned threads);
static bool lay_out_memory(or_gemm_plan_t *plan);

bool or_gemm_plan_init(or_gemm_plan_t *plan, const or_gemm_ops_t *ops, const or_gemm_shape_t *shape,
                       const or_cpu_caches_t *caches, unsigned threads) {
  *plan = (or_gemm_plan_t){.ops = ops, .shape = *shape};
  plan->kc = or_gemm_depth_block(ops, shape->k, caches);
  if (threads == 0) threads = 1;
  if (shape->m == 0 || shape->n == 0) return true;
  if (plan_vector(plan, threads)) return plan->scratch_bytes != SIZE_MAX;

  size_t l2_bytes = caches->l2_bytes ? caches->l2_bytes : USUAL_L2_BYTES;
  size_t rows = l2_bytes / 4 * 3 / (or_gemm_round_up(plan->kc, ops->k_group) * ops->packed_a_bytes + 1);
  plan->mc = rows / ops->mr > 1 ? rows / ops->mr * ops->mr : ops->mr;
  plan->a_source = shape->packed_a ? OR_GEMM_PACKED : OR_GEMM_PACK_LOCAL;
  plan->b_source = shape->packed_b ? OR_GEMM_PACKED : OR_GEMM_PACK_LOCAL;
  choose_direct(plan);
  choose_cut(plan, caches, threads);
  return lay_out_memory(plan);
}

size_t or_gemm_depth_block(const or_gemm_ops_t *ops, size_t k, const or_cpu_caches_t *caches) {
  size_t wanted = ops->l1_depth;
  if (caches->l1_bytes > 0 && caches->l1_bytes < USUAL_L1_BYTES) wanted = wanted * caches->l1_bytes / USUAL_L1_BYTES;
  if (wanted < ops->k_group) wanted = ops->k_group;
  size_t blocks = (k + wanted / 2) / wanted;
  if (blocks <= 1) return or_gemm_round_up(k ? k : 1, ops->k_group);
  size_t unit = ops->k_group > 8 ? ops->k_group : 8;
  return or_gemm_round_up(or_gemm_divide_up(k, blocks), unit);
}

/* One row or one column: memory-bound, so it is cut along the result only. */
static bool plan_vector(or_gemm_plan_t *plan, unsigned threads) {
  const or_gemm_shape_t *shape = &plan->shape;
  const or_gemm_ops_t *ops = plan->ops;
  bool row = shape->m == 1 && !shape->virtual_b;
  bool column = !row && shape->n == 1 && !shape->packed_a && !shape->packed_b && !shape->virtual_b;
  bool panels = row && shape->packed_b;
  if (shape->packed_a && ops->packed_a_bytes != ops->a_bytes) return false; /* a packed row is no vector then */
  if (!(row || column) || (panels ? ops->gemv_panels == NULL : ops->gemv_rows == NULL)) return false;
  size_t length = row ? shape->n : shape->m;
  bool dots = row ? shape->trans_b && !shape->packed_b : !shape->trans_a;
  /* Rows want long runs, dots only enough of them. Work below a few microseconds is not shared. */
  size_t shortest = dots ? 16 : 256;
  size_t pieces = threads == 1 ? 1 : (size_t)threads * 2;
  size_t length_max = (size_t)TILE_STEPS_MAX / (shape->k + 1) + 1;
  size_t tile = or_gemm_divide_up(length, pieces);
  while (tile < length && (double)tile * (double)shape->k < 30000.0) tile *= 2;
  if (tile > length_max) tile = length_max;
  if (!dots && tile > 4096) tile = 4096; /* its part of the result stays in the first-level cache */
  size_t unit = ops->nr > 16 ? ops->nr : 16;
  tile = or_gemm_round_up(tile < shortest ? shortest : tile, unit);
  plan->vector = true;
  plan->tile_n = tile;
  plan->tiles = or_gemm_divide_up(length, tile);
  size_t elements = or_gemm_add(or_gemm_round_up(shape->k, 16), tile);
  plan->scratch_bytes = or_gemm_mul(elements, ops->c_bytes);
  return true;
}

/* Reading an operand where it is saves packing it where few steps use each element. */
static void choose_direct(or_gemm_plan_t *plan) {
  const or_gemm_shape_t *shape = &plan->shape;
  const or_gemm_ops_t *ops = plan->ops;
  if (ops->direct_a && !shape->packed_a && shape->n <= (size_t)4 * ops->nr) plan->a_source = OR_GEMM_DIRECT;
  if (!ops->direct_b || shape->packed_b || shape->virtual_b || shape->trans_b) return;
  bool fits_l1 = or_gemm_mul(shape->n, shape->k) <= (24u << 10) / ops->b_bytes && shape->n >= ops->nr;
  if (shape->m <= ops->mr || (fits_l1 && shape->m <= (size_t)16 * ops->mr)) plan->b_source = OR_GEMM_DIRECT;
}

static size_t list_counts(size_t *counts, size_t from, size_t units, unsigned threads);
static void weigh(cut_t *cut, const or_gemm_plan_t *plan, unsigned threads);

static void choose_cut(or_gemm_plan_t *plan, const or_cpu_caches_t *caches, unsigned threads) {
  const or_gemm_shape_t *shape = &plan->shape;
  const or_gemm_ops_t *ops = plan->ops;
  size_t l3_bytes = caches->l3_bytes ? caches->l3_bytes : USUAL_L3_BYTES;
  size_t columns_max = l3_bytes / 2 / threads / (plan->kc * ops->packed_b_bytes + 1);
  if (columns_max < (size_t)8 * ops->nr) columns_max = (size_t)8 * ops->nr;
  size_t m_units = or_gemm_divide_up(shape->m, ops->mr), n_units = or_gemm_divide_up(shape->n, ops->nr);
  size_t m_counts[CANDIDATES_MAX], n_counts[CANDIDATES_MAX];
  size_t m_count = list_counts(m_counts, 1, m_units, threads);
  size_t n_count = list_counts(n_counts, or_gemm_divide_up(shape->n, columns_max), n_units, threads);
  cut_t best = {.cost = -1.0};
  for (size_t i = 0; i < m_count; ++i) {
    for (size_t j = 0; j < n_count; ++j) {
      cut_t cut = {.tile_m = or_gemm_divide_up(m_units, m_counts[i]) * ops->mr,
                   .tile_n = or_gemm_divide_up(n_units, n_counts[j]) * ops->nr};
      weigh(&cut, plan, threads);
      if (best.cost < 0.0 || cut.cost < best.cost) best = cut;
    }
  }
  /* Narrower before lower: the rows of a block share what is read of B. */
  double steps = (double)best.tile_m * (double)best.tile_n * (double)shape->k;
  while (steps > TILE_STEPS_MAX && (best.tile_m > plan->mc || best.tile_n > (size_t)16 * ops->nr)) {
    bool lower = best.tile_n <= (size_t)16 * ops->nr || best.tile_m >= 2 * plan->mc;
    size_t *extent = lower ? &best.tile_m : &best.tile_n;
    *extent = or_gemm_round_up(or_gemm_divide_up(*extent, 2), lower ? ops->mr : ops->nr);
    steps /= 2.0;
    weigh(&best, plan, threads);
  }
  plan->tile_m = best.tile_m;
  plan->tile_n = best.tile_n;
  plan->m_tiles = best.m_tiles;
  plan->n_tiles = best.n_tiles;
  plan->tiles = or_gemm_mul(plan->m_tiles, plan->n_tiles);
  if (plan->a_source == OR_GEMM_PACK_LOCAL && best.a_phase) plan->a_source = OR_GEMM_PACK_PHASE;
  if (plan->b_source == OR_GEMM_PACK_LOCAL && best.b_phase) plan->b_source = OR_GEMM_PACK_PHASE;
}

/* How often one extent may be cut: each small number, then ever larger steps. */
static size_t list_counts(size_t *counts, size_t from, size_t units, unsigned threads) {
  size_t count = 0;
  size_t most = from + (size_t)threads * 4 + 4;
  for (size_t pieces = from; count < CANDIDATES_MAX && pieces <= units; pieces += 1 + (pieces - from) / 6) {
    if (count > 0 && pieces > most) break;
    counts[count++] = pieces;
  }
  if (count == 0) counts[count++] = units;
  return count;
}

/* Estimates the time of a cut, and decides whether its operands are packed beforehand or by each tile. */
static void weigh(cut_t *cut, const or_gemm_plan_t *plan, unsigned threads) {
  const or_gemm_shape_t *shape = &plan->shape;
  cut->m_tiles = or_gemm_divide_up(shape->m, cut->tile_m);
  cut->n_tiles = or_gemm_divide_up(shape->n, cut->tile_n);
  double m = (double)shape->m, n = (double)shape->n, k = (double)shape->k + 1.0, team = (double)threads;
  double tile_m = (double)cut->tile_m, tile_n = (double)cut->tile_n;
  double rounds = (double)or_gemm_divide_up(or_gemm_mul(cut->m_tiles, cut->n_tiles), threads);
  double register_tile = (double)plan->ops->mr * (double)plan->ops->nr;
  double row_blocks = (double)or_gemm_divide_up(cut->tile_m, plan->mc);
  double tile = tile_m * tile_n * k / register_tile + row_blocks * tile_n * k * COST_STREAMED_ELEMENT + COST_TILE;
  double a_local = plan->a_source == OR_GEMM_PACK_LOCAL ? rounds * tile_m * k * COST_PACKED_ELEMENT : 0.0;
  double b_local = plan->b_source == OR_GEMM_PACK_LOCAL ? rounds * tile_n * k * COST_PACKED_ELEMENT : 0.0;
  double a_phase = m * k * COST_PACKED_ELEMENT / team, b_phase = n * k * COST_PACKED_ELEMENT / team;
  /* A virtual operand costs more to read than the model says, and a workspace for it would be far larger than the
   * image: never in a phase. */
  cut->a_phase = cut->n_tiles > 1 && a_phase + COST_BARRIER < a_local;
  cut->b_phase = cut->m_tiles > 1 && !shape->virtual_b && b_phase + COST_BARRIER < b_local;
  if (cut->a_phase) a_local = a_phase;
  if (cut->b_phase) b_local = b_phase;
  if (shape->virtual_b) b_local *= 4.0;
  cut->cost = rounds * tile + a_local + b_local + (cut->a_phase || cut->b_phase ? COST_BARRIER : 0.0);
}

static bool lay_out_memory(or_gemm_plan_t *plan) {
  const or_gemm_shape_t *shape = &plan->shape;
  const or_gemm_ops_t *ops = plan->ops;
  size_t depth = or_gemm_round_up(shape->k, ops->k_group);
  size_t kc = or_gemm_round_up(plan->kc, ops->k_group);
  size_t a_bytes = 0, b_bytes = 0, a_scratch = 0, b_scratch = 0;
  if (plan->a_source == OR_GEMM_PACK_PHASE) {
    a_bytes = or_gemm_mul(or_gemm_mul(or_gemm_round_up(shape->m, ops->mr), depth), ops->packed_a_bytes);
    plan->pack_a_tasks = plan->m_tiles;
  }
  if (plan->b_source == OR_GEMM_PACK_PHASE) {
    b_bytes = or_gemm_mul(or_gemm_mul(or_gemm_round_up(shape->n, ops->nr), depth), ops->packed_b_bytes);
  }
  plan->pack_tasks = plan->pack_a_tasks + (b_bytes ? or_gemm_divide_up(shape->n, (size_t)8 * ops->nr) : 0);
  if (plan->a_source == OR_GEMM_PACK_LOCAL) {
    size_t rows = or_gemm_round_up(or_gemm_min(plan->mc, plan->tile_m), ops->mr);
    a_scratch = or_gemm_mul(or_gemm_mul(rows, kc), ops->packed_a_bytes);
  }
  if (plan->b_source == OR_GEMM_PACK_LOCAL || plan->b_source == OR_GEMM_DIRECT) {
    /* One panel is enough where nothing is read twice. */
    bool once = plan->b_source == OR_GEMM_DIRECT || plan->tile_m <= plan->mc;
    size_t columns = or_gemm_round_up(once ? ops->nr : plan->tile_n, ops->nr);
    b_scratch = or_gemm_mul(or_gemm_mul(columns, kc), ops->packed_b_bytes);
    if (shape->virtual_b) b_scratch = or_gemm_add(b_scratch, or_gemm_mul(or_gemm_mul(ops->nr, kc), ops->b_bytes));
  }
  plan->workspace_b_offset = or_gemm_round_up(a_bytes, OR_GEMM_ALIGNMENT_BYTES);
  plan->scratch_b_offset = or_gemm_round_up(a_scratch, OR_GEMM_ALIGNMENT_BYTES);
  plan->workspace_bytes = or_gemm_add(plan->workspace_b_offset, b_bytes);
  plan->scratch_bytes = or_gemm_add(plan->scratch_b_offset, b_scratch);
  return plan->workspace_bytes != SIZE_MAX && plan->scratch_bytes != SIZE_MAX && plan->tiles != SIZE_MAX;
}
