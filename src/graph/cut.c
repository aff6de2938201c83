#include "graph/cut.h"

#include <string.h>

#define NONE UINT32_MAX

static bool find_levels(or_cut_t *cut, uint64_t *steps);
static bool fill_levels(or_cut_t *cut, uint64_t *steps);
static uint32_t advance(or_cut_t *cut, uint32_t vertex, uint64_t *steps);
static uint32_t push(or_cut_t *cut, uint32_t length);
static void mark_sinks_side(or_cut_t *cut);

or_status_t or_cut_init(or_cut_t *cut, const or_allocator_t *allocator, uint32_t vertex_count) {
  *cut = (or_cut_t){.allocator = allocator, .vertex_count = vertex_count};
  uint32_t **const arrays[] = {&cut->first, &cut->current, &cut->levels, &cut->stack};
  or_status_t status = or_status_success();
  for (size_t i = 0; or_ok(status) && i < sizeof arrays / sizeof *arrays; ++i)
    status = or_alloc_array(allocator, vertex_count, sizeof(uint32_t), (void **)arrays[i]);
  if (or_ok(status)) memset(cut->first, 0xff, vertex_count * sizeof(uint32_t));
  return status;
}

void or_cut_deinit(or_cut_t *cut) {
  void *const arrays[] = {cut->edges, cut->first, cut->current, cut->levels, cut->stack};
  for (size_t i = 0; i < sizeof arrays / sizeof *arrays; ++i) or_free(cut->allocator, arrays[i]);
}

or_status_t or_cut_join(or_cut_t *cut, uint32_t from, uint32_t to, uint64_t capacity) {
  void *edges = cut->edges;
  if (cut->edge_count > NONE - 3)
    return or_error(OR_RESOURCE_EXHAUSTED, "a network of more than %zu edges", cut->edge_count);
  or_status_t status =
      or_grow_array(cut->allocator, cut->edge_count + 2, sizeof *cut->edges, &edges, &cut->edge_capacity);
  if (!or_ok(status)) return status;
  cut->edges = edges;
  const uint32_t edge = (uint32_t)cut->edge_count;
  cut->edges[edge] = (or_cut_edge_t){.to = to, .next = cut->first[from], .room = capacity};
  cut->edges[edge + 1] = (or_cut_edge_t){.to = from, .next = cut->first[to], .room = 0};
  cut->first[from] = edge;
  cut->first[to] = edge + 1;
  cut->edge_count += 2;
  return or_status_success();
}

bool or_cut_find(or_cut_t *cut, uint64_t steps) {
  while (find_levels(cut, &steps)) {
    if (!fill_levels(cut, &steps)) return false;
  }
  if (steps == 0) return false;
  mark_sinks_side(cut);
  return true;
}

bool or_cut_is_sinks(const or_cut_t *cut, uint32_t vertex) { return cut->levels[vertex] != NONE; }

/* One look at an edge; false: that was the last. */
static bool step(uint64_t *steps) {
  if (*steps > 0) --*steps;
  return *steps > 0;
}

/* How far each vertex is from the source by edges with room. False: the sink is not reached, or the steps are over. */
static bool find_levels(or_cut_t *cut, uint64_t *steps) {
  uint32_t *queue = cut->stack, head = 0, tail = 0;
  memset(cut->levels, 0xff, cut->vertex_count * sizeof(uint32_t));
  memcpy(cut->current, cut->first, cut->vertex_count * sizeof(uint32_t));
  cut->levels[OR_CUT_SOURCE] = 0;
  queue[tail++] = OR_CUT_SOURCE;
  while (head < tail && cut->levels[OR_CUT_SINK] == NONE) {
    const uint32_t vertex = queue[head++];
    for (uint32_t e = cut->first[vertex]; e != NONE; e = cut->edges[e].next) {
      const or_cut_edge_t *edge = &cut->edges[e];
      if (!step(steps)) return false;
      if (edge->room == 0 || cut->levels[edge->to] != NONE) continue;
      cut->levels[edge->to] = cut->levels[vertex] + 1;
      queue[tail++] = edge->to;
    }
  }
  return cut->levels[OR_CUT_SINK] != NONE;
}

/* Fills every way to the sink that leads one level on with each edge. The stack has the edges of the way so far.
 * False: the steps are over. */
static bool fill_levels(or_cut_t *cut, uint64_t *steps) {
  uint32_t length = 0, vertex = OR_CUT_SOURCE;
  for (;;) {
    if (vertex == OR_CUT_SINK) {
      *steps -= length < *steps ? length : *steps; /* it looks at each edge of the way */
      if (*steps == 0) return false;
      length = push(cut, length);
      vertex = cut->edges[cut->stack[length] ^ 1].to;
      continue;
    }
    const uint32_t edge = advance(cut, vertex, steps);
    if (*steps == 0) return false;
    if (edge != NONE) {
      cut->stack[length++] = edge;
      vertex = cut->edges[edge].to;
      continue;
    }
    if (length == 0) return true;
    cut->levels[vertex] = NONE; /* it leads nowhere */
    vertex = cut->edges[cut->stack[--length] ^ 1].to;
  }
}

static uint32_t advance(or_cut_t *cut, uint32_t vertex, uint64_t *steps) {
  for (uint32_t e = cut->current[vertex]; e != NONE; e = cut->edges[e].next) {
    const or_cut_edge_t *edge = &cut->edges[e];
    cut->current[vertex] = e;
    if (!step(steps)) return NONE;
    if (edge->room > 0 && cut->levels[edge->to] == cut->levels[vertex] + 1) return e;
  }
  cut->current[vertex] = NONE;
  return NONE;
}

/* As much as the way has room for. Returns how much of the way is left: what is before its first full edge. */
static uint32_t push(or_cut_t *cut, uint32_t length) {
  uint64_t least = UINT64_MAX;
  uint32_t full = 0;
  for (uint32_t i = 0; i < length; ++i) {
    if (cut->edges[cut->stack[i]].room >= least) continue;
    least = cut->edges[cut->stack[i]].room;
    full = i;
  }
  for (uint32_t i = 0; i < length; ++i) {
    cut->edges[cut->stack[i]].room -= least;
    cut->edges[cut->stack[i] ^ 1].room += least;
  }
  return full;
}

/* From now on `levels` says whether the sink is reached: from there against the edges with room. */
static void mark_sinks_side(or_cut_t *cut) {
  uint32_t *queue = cut->stack, head = 0, tail = 0;
  memset(cut->levels, 0xff, cut->vertex_count * sizeof(uint32_t));
  cut->levels[OR_CUT_SINK] = 0;
  queue[tail++] = OR_CUT_SINK;
  while (head < tail) {
    const uint32_t vertex = queue[head++];
    for (uint32_t e = cut->first[vertex]; e != NONE; e = cut->edges[e].next) {
      const uint32_t before = cut->edges[e].to;
      if (cut->edges[e ^ 1].room == 0 || cut->levels[before] != NONE) continue;
      cut->levels[before] = 0;
      queue[tail++] = before;
    }
  }
}
