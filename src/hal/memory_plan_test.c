#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/numbers.h"
#include "fake/expect.h"
#include "hal/memory_plan.h"

static size_t plan(or_lifetime_t *items, size_t count, size_t alignment) {
  size_t total = 0;
  or_expect_ok(or_memory_plan(or_allocator_system(), items, count, alignment, &total));
  return total;
}

static void packs_nothing_into_nothing(void **state) {
  (void)state;
  assert_int_equal(plan(NULL, 0, 64), 0);
  or_lifetime_t empty[] = {{0, 0, 5, 77}, {0, 0, 5, 77}};
  assert_int_equal(plan(empty, 2, 64), 0);
  assert_int_equal(empty[0].offset, 0);
}

static void gives_a_chain_two_places(void **state) {
  (void)state;
  /* Each is read by the next step only: two of the largest neighbours' sizes do. */
  or_lifetime_t chain[] = {{100, 0, 1, 0}, {100, 1, 2, 0}, {100, 2, 3, 0}, {100, 3, 4, 0}};
  assert_int_equal(plan(chain, 4, 64), 2 * 128);
}

static void fills_the_gap_that_fits_best(void **state) {
  (void)state;
  /* By size: 1000 at 0, 900 at 1000, 800 at 1900, 700 at 2700. The last lives when the first and third are gone. */
  or_lifetime_t items[] = {{1000, 0, 1, 0}, {900, 0, 9, 0}, {800, 0, 1, 0}, {700, 0, 9, 0}, {600, 5, 6, 0}};
  assert_int_equal(plan(items, 5, 1), 3400);
  assert_int_equal(items[4].offset, 1900);
}

static void refuses_sizes_that_overflow(void **state) {
  (void)state;
  size_t total = 7;
  or_lifetime_t items[] = {{SIZE_MAX / 2, 0, 1, 0}, {SIZE_MAX / 2, 0, 1, 0}, {64, 3, 4, 0}};
  or_expect(or_memory_plan(or_allocator_system(), items, 3, 64, &total), OR_OUT_OF_RANGE);
  assert_int_equal(total, 0);
  or_lifetime_t one[] = {{SIZE_MAX, 0, 1, 0}};
  or_expect(or_memory_plan(or_allocator_system(), one, 1, 64, &total), OR_OUT_OF_RANGE);
}

static void says_so_when_there_is_no_memory(void **state) {
  (void)state;
  or_counting_allocator_t counting;
  or_counting_allocator_init(&counting, or_allocator_system(), 1);
  size_t total = 0;
  or_lifetime_t one[] = {{64, 0, 1, 0}};
  or_expect(or_memory_plan(&counting.base, one, 1, 64, &total), OR_RESOURCE_EXHAUSTED);
}

/* The most bytes that live at one step: no plan can take less. */
static size_t lower_bound(const or_lifetime_t *items, size_t count, uint32_t steps) {
  size_t most = 0;
  for (uint32_t step = 0; step < steps; ++step) {
    size_t sum = 0;
    for (size_t i = 0; i < count; ++i) {
      if (items[i].first <= step && step <= items[i].last) sum += or_align_up(items[i].bytes, 64);
    }
    if (sum > most) most = sum;
  }
  return most;
}

static void never_overlaps_what_lives_together(void **state) {
  (void)state;
  enum { COUNT = 60, STEPS = 40 };
  or_random_t random = {.state = 20};
  for (int round = 0; round < 300; ++round) {
    or_lifetime_t items[COUNT];
    size_t sum = 0, count = or_random_next(&random) % COUNT + 1;
    for (size_t i = 0; i < count; ++i) {
      uint32_t first = (uint32_t)(or_random_next(&random) % STEPS), span = (uint32_t)(or_random_next(&random) % 8);
      items[i] = (or_lifetime_t){.bytes = or_random_next(&random) % 5000, .first = first, .last = first + span};
      if (round % 3 == 0) items[i].bytes &= ~(size_t)1023; /* many of one size, some of none */
      sum += or_align_up(items[i].bytes, 64);
    }
    size_t total = plan(items, count, 64);
    assert_true(total <= sum);
    assert_true(total >= lower_bound(items, count, STEPS + 8));
    for (size_t i = 0; i < count; ++i) {
      assert_int_equal(items[i].offset % 64, 0);
      assert_true(items[i].offset + items[i].bytes <= total);
      for (size_t k = 0; k < i; ++k) {
        bool together = items[i].first <= items[k].last && items[k].first <= items[i].last;
        bool overlap =
            items[i].offset < items[k].offset + items[k].bytes && items[k].offset < items[i].offset + items[i].bytes;
        assert_false(together && overlap && items[i].bytes > 0 && items[k].bytes > 0);
      }
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(packs_nothing_into_nothing),      cmocka_unit_test(gives_a_chain_two_places),
      cmocka_unit_test(fills_the_gap_that_fits_best),    cmocka_unit_test(refuses_sizes_that_overflow),
      cmocka_unit_test(says_so_when_there_is_no_memory), cmocka_unit_test(never_overlaps_what_lives_together),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
