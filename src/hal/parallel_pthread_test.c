#include <string.h>

#include "base/alloc.h"
#include "fake/expect.h"
#include "hal/parallel_internal.h"

/* The team of our own, also where builds take libgomp's. */

#define MOST 1000
#define SIZE 4

typedef struct marks_t {
  int seen[MOST];
  int thread[MOST];
} marks_t;

static void mark(void *self, size_t begin, size_t end, int thread) {
  marks_t *marks = self;
  for (size_t i = begin; i < end; ++i) {
    ++marks->seen[i];
    marks->thread[i] = thread;
  }
}

static or_loop_t loop_of(marks_t *marks, size_t count, size_t grain, int slices) {
  return (or_loop_t){
      .body = mark, .self = marks, .count = count, .grain = grain, .units = count / grain, .slices = slices};
}

static or_pthread_team_t *new_team(void) {
  or_pthread_team_t *team = NULL;
  or_expect_ok(or_pthread_team_create(or_allocator_system(), SIZE, &team));
  return team;
}

static void runs_each_slice_once_on_its_own_thread(void **state) {
  (void)state;
  static marks_t marks;
  or_pthread_team_t *team = new_team();
  for (int slices = 1; slices <= SIZE; ++slices) {
    memset(&marks, 0, sizeof marks);
    or_loop_t loop = loop_of(&marks, 997, 10, slices);
    or_pthread_team_run(team, &loop);
    for (size_t i = 0; i < MOST; ++i) assert_int_equal(marks.seen[i], i < 997);
    assert_int_equal(marks.thread[0], 0);
    assert_int_equal(marks.thread[996], slices - 1);
  }
  or_pthread_team_free(team);
}

static void runs_thousands_of_loops_with_and_without_rest(void **state) {
  (void)state;
  static marks_t marks;
  or_pthread_team_t *team = new_team();
  memset(&marks, 0, sizeof marks);
  enum { ROUNDS = 3000 };
  for (int round = 0; round < ROUNDS; ++round) {
    or_loop_t loop = loop_of(&marks, 64, 1, SIZE);
    or_pthread_team_run(team, &loop);
    if (round % 500 != 0) continue;
    /* Long enough for the workers to fall asleep: the leader alone works. */
    static marks_t alone;
    or_loop_t own = loop_of(&alone, MOST, 1, 1);
    for (int i = 0; i < 300; ++i) or_loop_run_slice(&own, 0, 0);
  }
  for (size_t i = 0; i < 64; ++i) assert_int_equal(marks.seen[i], ROUNDS);
  or_pthread_team_free(team);
}

static void ends_without_having_run(void **state) {
  (void)state;
  for (int i = 0; i < 20; ++i) or_pthread_team_free(new_team());
  or_pthread_team_free(NULL);
}

static void says_so_when_there_is_no_memory(void **state) {
  (void)state;
  or_counting_allocator_t counting;
  or_counting_allocator_init(&counting, or_allocator_system(), 1);
  or_pthread_team_t *team = NULL;
  or_expect(or_pthread_team_create(&counting.base, SIZE, &team), OR_RESOURCE_EXHAUSTED);
  assert_null(team);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(runs_each_slice_once_on_its_own_thread),
      cmocka_unit_test(runs_thousands_of_loops_with_and_without_rest),
      cmocka_unit_test(ends_without_having_run),
      cmocka_unit_test(says_so_when_there_is_no_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
