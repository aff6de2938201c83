#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/thread.h"
#include "fake/expect.h"
#include "hal/parallel.h"

#define MOST 4096

typedef struct counts_t {
  unsigned char seen[MOST];
  atomic_int slices;
  atomic_uint threads; /* a bit each */
  size_t count, grain;
  int size;
} counts_t;

static void count_each(void *self, size_t begin, size_t end, int thread) {
  counts_t *counts = self;
  atomic_fetch_add(&counts->slices, 1);
  assert_true(thread >= 0 && thread < counts->size);
  assert_true(begin < end && end <= counts->count);
  assert_true(end - begin >= counts->grain || counts->count < counts->grain);
  assert_int_equal(begin % counts->grain, 0);
  atomic_fetch_or(&counts->threads, 1u << thread);
  for (size_t i = begin; i < end; ++i) ++counts->seen[i];
}

static void check_once(or_team_t *team, size_t count, size_t grain) {
  static counts_t counts;
  memset(&counts, 0, sizeof counts);
  counts.count = count;
  counts.grain = grain;
  counts.size = or_team_size(team);
  or_parallel_for(team, count, grain, count_each, &counts);
  for (size_t i = 0; i < MOST; ++i) assert_int_equal(counts.seen[i], i < count);
  assert_true(atomic_load(&counts.slices) <= counts.size);
}

static void runs_every_index_exactly_once(void **state) {
  (void)state;
  static const size_t grains[] = {1, 2, 3, 7, 16, 64, 1000, 5000};
  for (int size = 1; size <= 5; ++size) {
    or_team_t *team = NULL;
    or_expect_ok(or_team_create(or_allocator_system(), size, &team));
    assert_int_equal(or_team_size(team), size);
    for (size_t count = 0; count < 70; ++count) {
      for (size_t g = 0; g < sizeof grains / sizeof *grains; ++g) check_once(team, count, grains[g]);
    }
    check_once(team, MOST, 1);
    check_once(team, MOST - 1, 16);
    or_team_free(team);
  }
}

static void runs_all_on_the_caller_without_a_team(void **state) {
  (void)state;
  assert_int_equal(or_team_size(NULL), 1);
  check_once(NULL, 1000, 1);
  or_team_free(NULL);
}

static void uses_the_whole_team(void **state) {
  (void)state;
  or_team_t *team = NULL;
  static counts_t counts;
  or_expect_ok(or_team_create(or_allocator_system(), 3, &team));
  memset(&counts, 0, sizeof counts);
  counts.count = 300;
  counts.grain = 1;
  counts.size = 3;
  or_parallel_for(team, 300, 1, count_each, &counts);
  assert_int_equal(atomic_load(&counts.threads), 7);
  assert_int_equal(atomic_load(&counts.slices), 3);
  or_team_free(team);
}

typedef struct sum_t {
  long partial[8][8];
  const int *values;
} sum_t;

static void add_up(void *self, size_t begin, size_t end, int thread) {
  sum_t *sum = self;
  for (size_t i = begin; i < end; ++i) sum->partial[thread][0] += sum->values[i];
}

/* Writes of one loop are seen by the next, whoever runs it. */
static void add_one(void *self, size_t begin, size_t end, int thread) {
  int *values = self;
  (void)thread;
  for (size_t i = begin; i < end; ++i) ++values[i];
}

static void orders_one_loop_before_the_next(void **state) {
  (void)state;
  enum { COUNT = 97, ROUNDS = 2000 };
  static int values[COUNT];
  or_team_t *team = NULL;
  memset(values, 0, sizeof values);
  or_expect_ok(or_team_create(or_allocator_system(), 3, &team));
  for (int round = 1; round <= ROUNDS; ++round) {
    or_parallel_for(team, COUNT, (size_t)(round % 5 + 1), add_one, values);
    if (round % 50 != 0) continue;
    sum_t sum = {.values = values};
    or_parallel_for(team, COUNT, 1, add_up, &sum);
    long all = 0;
    for (int i = 0; i < 8; ++i) all += sum.partial[i][0];
    assert_int_equal(all, (long)round * COUNT);
  }
  or_team_free(team);
}

static atomic_int led;

static void lead(void *argument) {
  (void)argument;
  or_team_t *team = NULL;
  or_status_t status = or_team_create(or_allocator_system(), 2, &team);
  static _Thread_local int values[64];
  for (int i = 0; or_ok(status) && i < 200; ++i) or_parallel_for(team, 64, 1, add_one, values);
  bool right = or_ok(status);
  for (int i = 0; i < 64; ++i) right = right && values[i] == 200;
  or_status_ignore(status); /* looked at */
  or_team_free(team);
  if (right) atomic_fetch_add(&led, 1);
}

static void lets_several_threads_lead_teams_of_their_own(void **state) {
  (void)state;
  or_thread_t threads[3] = {{0}};
  for (int i = 0; i < 3; ++i) or_expect_ok(or_thread_start(&threads[i], "leader", lead, NULL));
  for (int i = 0; i < 3; ++i) or_thread_join(&threads[i]);
  assert_int_equal(atomic_load(&led), 3);
}

static void gives_everything_back_when_the_nth_allocation_fails(void **state) {
  (void)state;
  for (size_t n = 1;; ++n) {
    or_counting_allocator_t counting;
    or_counting_allocator_init(&counting, or_allocator_system(), n);
    or_team_t *team = NULL;
    or_status_t status = or_team_create(&counting.base, 3, &team);
    bool done = or_ok(status);
    or_expect(status, done ? OR_OK : OR_RESOURCE_EXHAUSTED);
    or_team_free(team);
    assert_int_equal(counting.live_bytes, 0);
    if (done) break;
    assert_true(counting.triggered);
  }
}

static void tells_idle_threads_to_sleep_soon_unless_the_environment_speaks(void **state) {
  (void)state;
  assert_int_equal(unsetenv("GOMP_SPINCOUNT"), 0);
  assert_int_equal(setenv("OMP_WAIT_POLICY", "active", 1), 0);
  or_parallel_prepare_process();
  assert_null(getenv("GOMP_SPINCOUNT"));
  assert_int_equal(unsetenv("OMP_WAIT_POLICY"), 0);
  or_parallel_prepare_process();
  assert_non_null(getenv("GOMP_SPINCOUNT"));
  assert_int_equal(setenv("GOMP_SPINCOUNT", "7", 1), 0);
  or_parallel_prepare_process();
  assert_string_equal(getenv("GOMP_SPINCOUNT"), "7");
}

static void a_vendor_library_is_alone_until_it_is_not(void **state) {
  (void)state;
  or_team_t *team = NULL;
  or_expect_ok(or_team_create(or_allocator_system(), 3, &team));
  const bool limits = or_parallel_limits_vendor();
  const int outer = or_vendor_alone_begin();
  assert_int_equal(outer, limits ? 3 : 0);
  const int inner = or_vendor_alone_begin();
  assert_int_equal(inner, limits ? 1 : 0);
  or_vendor_alone_end(inner);
  or_vendor_alone_end(outer);
  assert_int_equal(or_vendor_alone_begin(), outer);
  or_vendor_alone_end(outer);
  or_team_free(team);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(tells_idle_threads_to_sleep_soon_unless_the_environment_speaks),
      cmocka_unit_test(runs_every_index_exactly_once),
      cmocka_unit_test(runs_all_on_the_caller_without_a_team),
      cmocka_unit_test(uses_the_whole_team),
      cmocka_unit_test(orders_one_loop_before_the_next),
      cmocka_unit_test(lets_several_threads_lead_teams_of_their_own),
      cmocka_unit_test(a_vendor_library_is_alone_until_it_is_not),
      cmocka_unit_test(gives_everything_back_when_the_nth_allocation_fails),
  };
  print_message("team: %s\n", or_parallel_kind());
  return cmocka_run_group_tests(tests, NULL, NULL);
}
