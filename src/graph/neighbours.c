/* Nodes that go along with their neighbours. The device that was asked for carries out what it takes; but where a node
 * has to run on the fallback, carrying data there and back for the sake of a cheap node beside it may take longer than
 * that node does on the fallback. Which nodes go along is a least cut: a node that goes costs the time that it takes
 * longer there, a value whose producer and consumers are apart costs its copy, and the sum is to be the least. Of
 * several such sums the one is taken that moves the fewest. */
#include <math.h>
#include <string.h>

#include "base/string.h"
#include "graph/cut.h"
#include "graph/plan_internal.h"
#include "ops/attention.h"

#define NONE UINT32_MAX
/* What a node is expected to reach on the fallback: the share of its measured limits, since few nodes reach those;
 * where they are not known, what one core of any machine of today reaches. Low figures move less. */
#define SHARE_OF_PEAK 0.25
#define FLOPS_PER_S 2e9
#define BYTES_PER_S 4e9
/* A copy between the devices: of a bus of 16 lanes of PCI Express 3.0, and about what a core copies; and the hand-over
 * from one queue to the other. High figures and short times move less. */
#define COPY_BYTES_PER_S 16e9
#define COPY_S 12e-6
/* Looks at an edge, at most: a second at worst. Tangles of 10,000 nodes are cut in less than a tenth of one. */
#define CUT_STEPS UINT64_C(50000000)
#define UNITS_PER_S 1e12        /* the cut counts picoseconds */
#define MOST_UNITS (1ULL << 46) /* of one node or copy: 70 s, so that all of a graph stay below OR_CUT_MAX */
#define ROUNDS 4                /* ever lighter nodes, for those that move to stay within what `strict` allows */

typedef struct mover_t {
  or_plan_t *plan;
  const or_subgraph_t *view;
  uint32_t *producers;  /* node of each value; NONE: none */
  double *copy_s;       /* of each value between the devices */
  bool *in_place;       /* per value: lies where both devices reach it, unless the caller gives or gets it */
  bool *read, *crosses; /* per value: by a node or as an output of the graph; between devices, as placed first */
  double *extra_s;      /* of each node on the fallback; NAN: it can't go there, or is there already */
  bool *moves;          /* per node */
  uint32_t *groups;     /* per node: the first node of those that move with it */
  double peak_flops, peak_bytes; /* of the fallback */
  double crossings_s;            /* of all copies as placed first */
} mover_t;

static or_status_t begin(mover_t *mover);
static void measure_values(mover_t *mover);
static or_status_t find_movable(mover_t *mover);
static or_status_t choose(mover_t *mover, double most_flops, bool *found);
static or_status_t join_values(const mover_t *mover, or_cut_t *cut, double most_flops);
static bool stays_strict(const mover_t *mover, double *allowance);
static void group(mover_t *mover);
static or_status_t move(mover_t *mover);

or_status_t or_plan_move_neighbours(or_plan_t *plan, const or_subgraph_t *view) {
  mover_t mover = {.plan = plan, .view = view};
  bool any = false;
  for (uint32_t n = 0; n < plan->node_count; ++n) any = any || plan->placed[n].device != 0;
  if (!any) return or_status_success();
  or_status_t status = begin(&mover);
  if (or_ok(status)) measure_values(&mover);
  if (or_ok(status)) status = find_movable(&mover);
  double most_flops = INFINITY;
  for (int round = 0; or_ok(status) && round < ROUNDS; ++round) {
    bool found = false;
    status = choose(&mover, most_flops, &found);
    if (!or_ok(status) || !found) break;
    double allowance = 0;
    if (stays_strict(&mover, &allowance)) {
      status = move(&mover);
      break;
    }
    most_flops = isfinite(most_flops) ? most_flops / 8 : allowance / 8;
  }
  void *const arrays[] = {mover.producers, mover.copy_s,  mover.in_place, mover.read,
                          mover.crosses,   mover.extra_s, mover.moves,    mover.groups};
  for (size_t i = 0; i < sizeof arrays / sizeof *arrays; ++i) or_free(plan->allocator, arrays[i]);
  return status;
}

static or_status_t begin(mover_t *mover) {
  const or_plan_t *plan = mover->plan;
  const size_t values = plan->graph->value_count, nodes = plan->node_count;
  or_device_peaks_t peaks;
  const bool known = or_device_known_peaks(plan->devices[1].device, &peaks);
  mover->peak_flops = known && isfinite(peaks.fp32_flops) ? SHARE_OF_PEAK * peaks.fp32_flops : FLOPS_PER_S;
  mover->peak_bytes =
      known && isfinite(peaks.read_bytes_per_second) ? SHARE_OF_PEAK * peaks.read_bytes_per_second : BYTES_PER_S;
  or_status_t status = or_alloc_array(plan->allocator, values, sizeof(uint32_t), (void **)&mover->producers);
  if (or_ok(status)) status = or_alloc_array(plan->allocator, values, sizeof(double), (void **)&mover->copy_s);
  if (or_ok(status)) status = or_alloc_array(plan->allocator, values, sizeof(bool), (void **)&mover->in_place);
  if (or_ok(status)) status = or_alloc_array(plan->allocator, values, sizeof(bool), (void **)&mover->read);
  if (or_ok(status)) status = or_alloc_array(plan->allocator, values, sizeof(bool), (void **)&mover->crosses);
  if (or_ok(status)) status = or_alloc_array(plan->allocator, nodes, sizeof(double), (void **)&mover->extra_s);
  if (or_ok(status)) status = or_alloc_array(plan->allocator, nodes, sizeof(bool), (void **)&mover->moves);
  if (or_ok(status)) status = or_alloc_array(plan->allocator, nodes, sizeof(uint32_t), (void **)&mover->groups);
  return status;
}

static uint64_t bytes_of(const or_value_info_t *value) {
  uint64_t count = 0;
  return or_shape_count(&value->shape, &count) ? or_dtype_bytes(value->dtype, count) : 0;
}

static bool is_constant(const mover_t *mover, or_value_id_t v) {
  return v == OR_NO_VALUE || mover->plan->graph->values[v].constant != NULL;
}

static bool is_away(const mover_t *mover, uint32_t node) {
  return node != NONE && (mover->plan->placed[node].device != 0 || mover->moves[node]);
}

/* Sets crosses[] for the placement at hand. What the caller gives and gets lies on the device that was asked for. */
static void find_crossings(const mover_t *mover, bool *crosses) {
  const or_plan_t *plan = mover->plan;
  memset(crosses, 0, plan->graph->value_count * sizeof *crosses);
  for (uint32_t n = 0; n < plan->node_count; ++n) {
    for (uint32_t i = 0; i < plan->nodes[n].input_count; ++i) {
      const or_value_id_t v = plan->nodes[n].inputs[i];
      if (!is_constant(mover, v) && is_away(mover, n) != is_away(mover, mover->producers[v])) crosses[v] = true;
    }
  }
  for (size_t i = 0; i < plan->graph->output_count; ++i) {
    const or_value_id_t v = plan->graph->outputs[i];
    if (!is_constant(mover, v) && is_away(mover, mover->producers[v])) crosses[v] = true;
  }
}

static void measure_values(mover_t *mover) {
  const or_plan_t *plan = mover->plan;
  memset(mover->producers, 0xff, plan->graph->value_count * sizeof(uint32_t));
  for (uint32_t n = 0; n < plan->node_count; ++n) {
    for (uint32_t i = 0; i < plan->nodes[n].output_count; ++i) {
      const or_value_id_t v = plan->nodes[n].outputs[i];
      if (v == OR_NO_VALUE) continue;
      mover->producers[v] = n;
      mover->in_place[v] = plan->shared != OR_PLAN_DEVICES;
    }
  }
  find_crossings(mover, mover->crosses);
  for (size_t i = 0; i < plan->graph->output_count; ++i) mover->in_place[plan->graph->outputs[i]] = false;
  for (size_t v = 0; v < plan->graph->value_count; ++v) {
    mover->copy_s[v] = COPY_S;
    if (!mover->in_place[v]) mover->copy_s[v] += (double)bytes_of(&plan->graph->values[v]) / COPY_BYTES_PER_S;
    if (mover->crosses[v]) mover->crossings_s += mover->copy_s[v];
  }
}

/* A node that would take longer than all the copies that there are never goes along, and need not be asked for. How
 * long the device would take for it is not known before it has run: nothing is taken off. The operator that writes to
 * its inputs stays where these are: elsewhere it would write to a copy. */
static or_status_t find_movable(mover_t *mover) {
  const or_plan_t *plan = mover->plan;
  const or_backend_device_t *backend = plan->devices[1].backend;
  or_status_t status = or_status_success();
  for (uint32_t n = 0; or_ok(status) && n < plan->node_count; ++n) {
    const or_cost_t *cost = &plan->placed[n].cost;
    const double seconds =
        fmax(cost->flops / mover->peak_flops, (cost->bytes_read + cost->bytes_written) / mover->peak_bytes);
    or_support_t answer = {.supported = false};
    mover->extra_s[n] = (double)NAN;
    if (plan->placed[n].device != 0 || !(seconds < mover->crossings_s)) continue;
    if (plan->nodes[n].definition == &or_op_cached_attention) continue;
    status = backend->supports(backend->self, mover->view, &plan->nodes[n], &answer);
    if (or_ok(status) && answer.supported) mover->extra_s[n] = seconds;
  }
  return status;
}

static uint64_t units(double seconds) {
  const double count = seconds * UNITS_PER_S;
  return count < 1 ? 1 : count < (double)MOST_UNITS ? (uint64_t)count : MOST_UNITS;
}

/* The source's side is the device that was asked for. */
static uint32_t vertex_of(const mover_t *mover, uint32_t node, double most_flops) {
  if (node == NONE) return OR_CUT_SOURCE;
  if (mover->plan->placed[node].device != 0) return OR_CUT_SINK;
  const bool may = !isnan(mover->extra_s[node]) && mover->plan->placed[node].cost.flops <= most_flops;
  return may ? OR_CUT_FIRST + node : OR_CUT_SOURCE;
}

/* Behind the vertices of the nodes each value has two: of its copy there, and of its copy back. */
static uint32_t copy_vertex(const mover_t *mover, or_value_id_t v, bool back) {
  return OR_CUT_FIRST + mover->plan->node_count + 2 * v + back;
}

/* *found: some nodes move, and it is said which. */
static or_status_t choose(mover_t *mover, double most_flops, bool *found) {
  const or_plan_t *plan = mover->plan;
  const uint64_t vertices = OR_CUT_FIRST + plan->node_count + 2 * (uint64_t)plan->graph->value_count;
  or_cut_t cut = {.allocator = plan->allocator};
  *found = false;
  if (vertices >= NONE) return or_status_success();
  or_status_t status = or_cut_init(&cut, plan->allocator, (uint32_t)vertices);
  for (uint32_t n = 0; or_ok(status) && n < plan->node_count; ++n) {
    const uint32_t vertex = vertex_of(mover, n, most_flops);
    if (vertex >= OR_CUT_FIRST) status = or_cut_join(&cut, OR_CUT_SOURCE, vertex, units(mover->extra_s[n]));
  }
  if (or_ok(status)) status = join_values(mover, &cut, most_flops);
  if (or_ok(status) && or_cut_find(&cut, CUT_STEPS)) {
    for (uint32_t n = 0; n < plan->node_count; ++n) {
      const uint32_t vertex = vertex_of(mover, n, most_flops);
      mover->moves[n] = vertex >= OR_CUT_FIRST && or_cut_is_sinks(&cut, vertex);
      *found = *found || mover->moves[n];
    }
  }
  or_cut_deinit(&cut);
  return status;
}

static or_status_t join_consumer(const mover_t *mover, or_cut_t *cut, or_value_id_t v, uint32_t vertex) {
  or_status_t status = or_status_success();
  if (is_constant(mover, v)) return status; /* a copy of it lies wherever it is read */
  if (vertex != OR_CUT_SOURCE) status = or_cut_join(cut, copy_vertex(mover, v, false), vertex, OR_CUT_MAX);
  if (or_ok(status) && vertex != OR_CUT_SINK)
    status = or_cut_join(cut, vertex, copy_vertex(mover, v, true), OR_CUT_MAX);
  if (or_ok(status)) mover->read[v] = true;
  return status;
}

/* One copy serves all who read a value on the other device. */
static or_status_t join_values(const mover_t *mover, or_cut_t *cut, double most_flops) {
  const or_plan_t *plan = mover->plan;
  or_status_t status = or_status_success();
  memset(mover->read, 0, plan->graph->value_count * sizeof *mover->read);
  for (uint32_t n = 0; n < plan->node_count; ++n) {
    const uint32_t vertex = vertex_of(mover, n, most_flops);
    for (uint32_t i = 0; or_ok(status) && i < plan->nodes[n].input_count; ++i)
      status = join_consumer(mover, cut, plan->nodes[n].inputs[i], vertex);
  }
  for (size_t i = 0; or_ok(status) && i < plan->graph->output_count; ++i)
    status = join_consumer(mover, cut, plan->graph->outputs[i], OR_CUT_SOURCE);
  for (or_value_id_t v = 0; or_ok(status) && v < plan->graph->value_count; ++v) {
    if (!mover->read[v]) continue;
    const uint32_t vertex = vertex_of(mover, mover->producers[v], most_flops);
    const uint64_t capacity = units(mover->copy_s[v]);
    if (vertex != OR_CUT_SINK) status = or_cut_join(cut, vertex, copy_vertex(mover, v, false), capacity);
    if (or_ok(status) && vertex != OR_CUT_SOURCE)
      status = or_cut_join(cut, copy_vertex(mover, v, true), vertex, capacity);
  }
  return status;
}

/* Whether a plan that is strict enough stays so. *allowance: the flops that may go. */
static bool stays_strict(const mover_t *mover, double *allowance) {
  const or_plan_t *plan = mover->plan;
  double all = 0, here = 0, moved = 0;
  for (uint32_t n = 0; n < plan->node_count; ++n) {
    const double flops = plan->placed[n].cost.flops;
    all += flops;
    here += plan->placed[n].device == 0 ? flops : 0;
    moved += mover->moves[n] ? flops : 0;
  }
  *allowance = here - OR_PLAN_STRICT_SHARE * all;
  return *allowance < 0 || moved <= *allowance;
}

static uint32_t group_of(mover_t *mover, uint32_t node) {
  while (mover->groups[node] != node) node = mover->groups[node] = mover->groups[mover->groups[node]];
  return node;
}

/* Nodes that move and meet at a value are of one group. */
static void group(mover_t *mover) {
  const or_plan_t *plan = mover->plan;
  uint32_t *met = mover->producers; /* per value: a node that moves and meets it; no longer needed as it was */
  for (size_t v = 0; v < plan->graph->value_count; ++v) {
    if (met[v] != NONE && !mover->moves[met[v]]) met[v] = NONE;
  }
  for (uint32_t n = 0; n < plan->node_count; ++n) mover->groups[n] = n;
  for (uint32_t n = 0; n < plan->node_count; ++n) {
    for (uint32_t i = 0; mover->moves[n] && i < plan->nodes[n].input_count; ++i) {
      const or_value_id_t v = plan->nodes[n].inputs[i];
      if (is_constant(mover, v)) continue;
      if (met[v] == NONE) met[v] = n;
      const uint32_t one = group_of(mover, met[v]), other = group_of(mover, n);
      mover->groups[one > other ? one : other] = one > other ? other : one;
    }
  }
}

typedef struct saving_t {
  int64_t copies, bytes; /* a run */
  const char *words;
} saving_t;

static or_status_t write_words(const mover_t *mover, saving_t *saving) {
  char text[160], size[32];
  const bool shared = mover->plan->shared != OR_PLAN_DEVICES;
  const char *const nouns[] = {shared ? "hand-over" : "copy", shared ? "hand-overs" : "copies"};
  const char *id = or_device_facts(mover->plan->devices[1].device)->id;
  or_format_bytes(saving->bytes > 0 ? (uint64_t)saving->bytes : 0, size, sizeof size);
  if (saving->copies <= 0) {
    or_format(text, sizeof text, "next to nodes that run on %s: %s of copies saved", id, size);
  } else {
    or_format(text, sizeof text, "next to nodes that run on %s: %lld %s%s%s saved", id, (long long)saving->copies,
              nouns[saving->copies != 1], saving->bytes > 0 ? " of " : "", saving->bytes > 0 ? size : "");
  }
  return or_arena_strndup(&mover->plan->arena, text, strlen(text), &saving->words);
}

/* Moves them, each with what its group saves as the reason. */
static or_status_t move(mover_t *mover) {
  or_plan_t *plan = mover->plan;
  void *memory = NULL;
  or_status_t status = or_alloc_array(plan->allocator, plan->node_count, sizeof(saving_t), &memory);
  if (!or_ok(status)) return status;
  saving_t *savings = memory;
  find_crossings(mover, mover->read);
  group(mover);
  for (or_value_id_t v = 0; v < plan->graph->value_count; ++v) {
    if (mover->producers[v] == NONE) continue;
    saving_t *saving = &savings[group_of(mover, mover->producers[v])];
    const int64_t sign = (int64_t)mover->crosses[v] - (int64_t)mover->read[v];
    saving->copies += sign;
    if (!mover->in_place[v]) saving->bytes += sign * (int64_t)bytes_of(&plan->graph->values[v]);
  }
  for (uint32_t n = 0; or_ok(status) && n < plan->node_count; ++n) {
    if (!mover->moves[n]) continue;
    saving_t *saving = &savings[group_of(mover, n)];
    if (saving->words == NULL) status = write_words(mover, saving);
    plan->placed[n].device = 1;
    plan->placed[n].reason = saving->words;
  }
  or_free(plan->allocator, memory);
  return status;
}
