/* Least cuts, compared with all cuts of small networks; and what bounds them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/numbers.h"
#include "fake/expect.h"
#include "fixtures/counted.h"
#include "graph/cut.h"

#define VERTICES 9u
#define EDGES 24u
#define NETWORKS 400

typedef struct edge_t {
  uint32_t from, to;
  uint64_t capacity;
} edge_t;

/* The capacity of the cut whose sink's side is the set of bits. */
static uint64_t capacity_of(const edge_t *edges, size_t count, uint32_t sinks) {
  uint64_t sum = 0;
  for (size_t i = 0; i < count; ++i) {
    const bool from = (sinks >> edges[i].from & 1) != 0, to = (sinks >> edges[i].to & 1) != 0;
    if (!from && to) sum += edges[i].capacity;
  }
  return sum;
}

static void join_all(or_cut_t *cut, const edge_t *edges, size_t count) {
  or_expect_ok(or_cut_init(cut, &memory.base, VERTICES));
  for (size_t i = 0; i < count; ++i) or_expect_ok(or_cut_join(cut, edges[i].from, edges[i].to, edges[i].capacity));
}

/* Of all cuts none is less, and of those that are as little none has a smaller side. */
static void a_cut_is_the_least_of_all(void **state) {
  (void)state;
  or_random_t random = {.state = 7};
  for (int n = 0; n < NETWORKS; ++n) {
    edge_t edges[EDGES];
    or_cut_t cut;
    for (size_t i = 0; i < EDGES; ++i) {
      edges[i] = (edge_t){.from = (uint32_t)(or_random_next(&random) % VERTICES),
                          .to = (uint32_t)(or_random_next(&random) % VERTICES),
                          .capacity = or_random_next(&random) % 8};
    }
    join_all(&cut, edges, EDGES);
    assert_true(or_cut_find(&cut, UINT64_MAX));
    uint32_t found = 0;
    for (uint32_t v = 0; v < VERTICES; ++v) found |= (uint32_t)or_cut_is_sinks(&cut, v) << v;
    or_cut_deinit(&cut);
    assert_true((found >> OR_CUT_SINK & 1) == 1 && (found >> OR_CUT_SOURCE & 1) == 0);
    const uint64_t least = capacity_of(edges, EDGES, found);
    for (uint32_t sinks = 0; sinks < 1u << VERTICES; ++sinks) {
      if ((sinks >> OR_CUT_SINK & 1) == 0 || (sinks >> OR_CUT_SOURCE & 1) == 1) continue;
      const uint64_t other = capacity_of(edges, EDGES, sinks);
      assert_true(other >= least);
      assert_true(other > least || (sinks & found) == found);
    }
  }
}

static void an_edge_of_the_greatest_capacity_is_never_cut(void **state) {
  (void)state;
  const edge_t edges[] = {{OR_CUT_SOURCE, 2, 5}, {2, 3, OR_CUT_MAX}, {3, OR_CUT_SINK, 9}, {4, OR_CUT_SINK, 1}};
  or_cut_t cut;
  join_all(&cut, edges, 4);
  assert_true(or_cut_find(&cut, UINT64_MAX));
  assert_true(or_cut_is_sinks(&cut, 2) && or_cut_is_sinks(&cut, 3) && or_cut_is_sinks(&cut, 4));
  assert_false(or_cut_is_sinks(&cut, 5)); /* joined to nothing */
  or_cut_deinit(&cut);
}

static void what_takes_too_many_steps_is_given_up(void **state) {
  (void)state;
  const edge_t edges[] = {{OR_CUT_SOURCE, 2, 5}, {2, 3, 6}, {3, OR_CUT_SINK, 9}};
  uint64_t needed = 0;
  for (bool found = false; !found; ++needed) {
    or_cut_t cut;
    join_all(&cut, edges, 3);
    found = or_cut_find(&cut, needed);
    or_cut_deinit(&cut);
    assert_true(needed < 100);
  }
  assert_true(needed > 6);
}

#define WAY 1000u
#define ENDS 1000u

/* A long way that ends in many: each end is filled by the whole way, though few edges are looked for. */
static void a_way_that_is_filled_often_counts_each_time(void **state) {
  (void)state;
  for (int enough = 0; enough < 2; ++enough) {
    or_cut_t cut;
    uint32_t last = OR_CUT_SOURCE;
    or_expect_ok(or_cut_init(&cut, &memory.base, OR_CUT_FIRST + WAY + ENDS));
    for (uint32_t v = OR_CUT_FIRST; v < OR_CUT_FIRST + WAY; last = v++)
      or_expect_ok(or_cut_join(&cut, last, v, OR_CUT_MAX));
    for (uint32_t v = OR_CUT_FIRST + WAY; v < OR_CUT_FIRST + WAY + ENDS; ++v) {
      or_expect_ok(or_cut_join(&cut, last, v, 1));
      or_expect_ok(or_cut_join(&cut, v, OR_CUT_SINK, 1));
    }
    const bool found = or_cut_find(&cut, enough ? 2 * WAY * ENDS : WAY * ENDS / 2);
    or_cut_deinit(&cut);
    assert_int_equal(found, enough);
  }
}

static or_status_t make(const or_allocator_t *allocator) {
  or_cut_t cut;
  or_status_t status = or_cut_init(&cut, allocator, VERTICES);
  if (or_ok(status)) status = or_cut_join(&cut, OR_CUT_SOURCE, 2, 5);
  if (or_ok(status)) status = or_cut_join(&cut, 2, OR_CUT_SINK, 6);
  or_cut_deinit(&cut);
  return status;
}

static void survives_every_failing_allocation(void **state) {
  (void)state;
  expect_survives_every_failing_allocation(make);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(a_cut_is_the_least_of_all, set_up, tear_down),
      cmocka_unit_test_setup_teardown(an_edge_of_the_greatest_capacity_is_never_cut, set_up, tear_down),
      cmocka_unit_test_setup_teardown(what_takes_too_many_steps_is_given_up, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_way_that_is_filled_often_counts_each_time, set_up, tear_down),
      cmocka_unit_test_setup_teardown(survives_every_failing_allocation, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
