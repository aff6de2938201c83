/* Load: arrivals by chance, what the times of queries say, and loads carried out. */
#include "task/run_test_internal.h"

#include <math.h>

#include "task/load.h"

#define RATE 1000.0
#define MANY 20000

static or_load_query_t queries[MANY];
static double scratch[MANY];

/* Of a Poisson process the gaps have mean and standard deviation 1 / rate, and 1 - 1/e of them are shorter than that;
   the bounds are four standard errors of 10,000 gaps. */
static void arrivals_are_those_of_a_poisson_process(void **state) {
  (void)state;
  size_t count = or_load_arrivals(RATE, 10, 7, queries, MANY), shorter = 0;
  double sum = 0, squares = 0;
  assert_true(fabs((double)count - 10000) < 4 * 100);
  for (size_t i = 0; i < count; ++i) {
    double gap = (double)(queries[i].arrived_ns - (i > 0 ? queries[i - 1].arrived_ns : 0)) * 1e-9 * RATE;
    assert_true(gap >= 0);
    sum += gap;
    squares += gap * gap;
    shorter += gap < 1;
  }
  double mean = sum / (double)count;
  assert_true(fabs(mean - 1) < 0.04);
  assert_true(fabs(squares / (double)count - mean * mean - 1) < 0.12);
  assert_true(fabs((double)shorter / (double)count - 0.6321) < 0.02);
  assert_true(queries[count - 1].arrived_ns < INT64_C(10000000000));
}

static void the_same_seed_gives_the_same_arrivals(void **state) {
  (void)state;
  size_t count = or_load_arrivals(RATE, 1, 7, queries, MANY / 2);
  assert_int_equal(or_load_arrivals(RATE, 1, 7, queries + MANY / 2, MANY / 2), count);
  assert_memory_equal(queries, queries + MANY / 2, count * sizeof *queries);
  (void)or_load_arrivals(RATE, 1, 8, queries + MANY / 2, MANY / 2);
  assert_true(queries[0].arrived_ns != queries[MANY / 2].arrived_ns);
  assert_int_equal(or_load_arrivals(RATE, 1, 7, queries, 5), 5); /* no more than there is room for */
}

/* One query a millisecond, each answered `service` ns after the one before or after it came. */
static or_load_summary_t served(int64_t service_ns, size_t count, int64_t end_ns) {
  int64_t free_ns = 0;
  for (size_t i = 0; i < count; ++i) {
    int64_t arrived_ns = (int64_t)i * 1000000, start_ns = arrived_ns > free_ns ? arrived_ns : free_ns;
    free_ns = start_ns + service_ns;
    queries[i] = (or_load_query_t){arrived_ns, free_ns > end_ns ? INT64_MAX : free_ns};
  }
  return or_load_summarize(queries, count, (int64_t)count * 1000000, end_ns, scratch);
}

static void latency_counts_from_arrival(void **state) {
  (void)state;
  or_load_summary_t idle = served(400000, 1000, INT64_MAX);
  assert_int_equal(idle.answered, 1000);
  assert_true(fabs(idle.median_s - 400e-6) < 1e-12 && fabs(idle.p99_s - 400e-6) < 1e-12);
  assert_false(idle.growing);
  /* 2 ms for each that comes in 1 ms: query i waits i ms more, and half of them wait at the end */
  or_load_summary_t swamped = served(2000000, 1000, INT64_MAX);
  assert_true(fabs(swamped.median_s - (2e-3 + 499.5e-3)) < 1e-9);
  assert_true(fabs(swamped.p90_s - (2e-3 + 899e-3)) < 1e-9);
  assert_int_equal(swamped.waiting_half, 251); /* 501 have come by 0.5 s, the last one just then; 250 are answered */
  assert_int_equal(swamped.waiting_end, 500);
  assert_true(fabs(swamped.answered_per_s - 500) < 1e-6);
  assert_true(swamped.growing);
}

static void what_is_never_answered_has_waited_to_the_end(void **state) {
  (void)state;
  or_load_summary_t cut = served(4000000, 100, 200000000); /* 50 of 100 are answered in 200 ms */
  assert_int_equal(cut.answered, 50);
  assert_true(cut.growing);
  assert_true(fabs(cut.p99_s - 150e-3) < 1e-9);             /* query 50 came at 50 ms and still waits at 200 ms */
  or_load_summary_t brief = served(1100000, 20, INT64_MAX); /* a little too slow, for a moment: no sign of anything */
  assert_false(brief.growing);
}

static void a_steady_queue_does_not_grow(void **state) {
  (void)state;
  for (size_t i = 0; i < 1000; ++i) /* always 40 wait */
    queries[i] = (or_load_query_t){(int64_t)i * 1000000, (int64_t)(i + 40) * 1000000 + 1};
  or_load_summary_t steady = or_load_summarize(queries, 1000, INT64_C(1000000000), INT64_MAX, scratch);
  assert_true(steady.waiting_end >= 40 && steady.waiting_half >= 40);
  assert_false(steady.growing);
}

/* On the fake device. */
static or_runtime_t *runtime;
static or_session_t *session;
static or_binding_t input, output;

static int setup(void **state) {
  static const float x[] = {-1, 2};
  (void)state;
  or_device_t *device = NULL;
  expect_ok(open_fakes(NULL, true, &runtime));
  device = or_runtime_device(runtime, 0);
  or_tensor_t *tensor = NULL;
  expect_ok(or_tensor_create_from(device, OR_FLOAT32, or_shape_make(1, (int64_t[]){2}), x, sizeof x, &tensor));
  input = (or_binding_t){.tensor = tensor};
  output = (or_binding_t){.tensor = NULL};
  or_compute_call_t call = {.op = "Relu", .inputs = &tensor, .input_count = 1, .output_count = 1};
  expect_ok(or_compute_session(device, &call, &session));
  return 0;
}

static int teardown(void **state) {
  (void)state;
  or_session_release(session);
  or_tensor_release(input.tensor);
  or_runtime_release(runtime);
  assert_int_equal(or_fake_live_objects(), 0);
  return 0;
}

static or_status_t load(or_load_options_t options, size_t *count) {
  or_measure_bindings_t bindings = {&input, 1, &output, 1};
  return or_load_run(or_allocator_system(), session, &bindings, &options, queries, count);
}

static void every_arrival_is_answered_once_and_none_before_it_came(void **state) {
  (void)state;
  size_t count = or_load_arrivals(2000, 0.05, 1, queries, MANY), expected = count;
  uint64_t before = or_fake_calls(OR_FAKE_RUN);
  assert_true(count > 0);
  /* the last comes after 0.05 s; nothing is given up, however busy the machine is */
  expect_ok(load((or_load_options_t){.slots = 3, .duration_s = 600, .arriving = true}, &count));
  assert_int_equal(count, expected);
  assert_int_equal(or_fake_calls(OR_FAKE_RUN) - before, expected + 3); /* each slot runs once to have its outputs */
  for (size_t i = 0; i < count; ++i)
    assert_true(queries[i].done_ns != INT64_MAX && queries[i].done_ns >= queries[i].arrived_ns);
}

/* A thousand at once within a microsecond: most are given up when two have passed. */
static void gives_up_what_can_not_be_answered(void **state) {
  (void)state;
  size_t count = 1000;
  for (size_t i = 0; i < count; ++i) queries[i] = (or_load_query_t){0, INT64_MAX};
  expect_ok(load((or_load_options_t){.slots = 1, .duration_s = 1e-6, .arriving = true}, &count));
  or_load_summary_t summary = or_load_summarize(queries, count, 1000, 2000, scratch);
  assert_true(summary.answered < count && summary.growing);
}

static void comes_again_whenever_a_slot_is_free(void **state) {
  (void)state;
  size_t count = 50;
  expect_ok(load((or_load_options_t){.slots = 2, .duration_s = 600}, &count));
  assert_int_equal(count, 50); /* as many as there is room for, long before the time is over */
  for (size_t i = 0; i < count; ++i) assert_true(queries[i].done_ns >= queries[i].arrived_ns);
  count = 50;
  expect_ok(load((or_load_options_t){.slots = 1, .duration_s = 1e-9}, &count));
  assert_int_equal(count, OR_MEASURE_MIN_RUNS);
}

static void a_failing_run_ends_it(void **state) {
  (void)state;
  size_t count = 1000;
  or_fake_fail(OR_FAKE_RUN, 7, OR_INTERNAL);
  expect_failure(load((or_load_options_t){.slots = 2, .duration_s = 600}, &count), OR_INTERNAL, "told to fail");
  or_fake_fail(OR_FAKE_RUN, 1, OR_INTERNAL); /* of the slots' own */
  count = 10;
  expect_failure(load((or_load_options_t){.slots = 2, .duration_s = 600}, &count), OR_INTERNAL, "told to fail");
  or_cancel_t cancel;
  or_cancel_init(&cancel, 1);
  expect_failure(load((or_load_options_t){.slots = 2, .duration_s = 600, .cancel = &cancel}, &count),
                 OR_DEADLINE_EXCEEDED, "");
}

static void survives_every_failing_allocation(void **state) {
  (void)state;
  for (size_t n = 1;; ++n) {
    or_counting_allocator_t counting;
    or_measure_bindings_t bindings = {&input, 1, &output, 1};
    or_load_options_t options = {.slots = 3, .duration_s = 600};
    size_t count = 4;
    or_counting_allocator_init(&counting, or_allocator_system(), n);
    or_status_t status = or_load_run(&counting.base, session, &bindings, &options, queries, &count);
    assert_int_equal(counting.live_blocks, 0);
    if (!counting.triggered) {
      expect_ok(status);
      break;
    }
    expect_failure(status, OR_RESOURCE_EXHAUSTED, "");
  }
}

#define ON_FAKE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(arrivals_are_those_of_a_poisson_process),
      cmocka_unit_test(the_same_seed_gives_the_same_arrivals),
      cmocka_unit_test(latency_counts_from_arrival),
      cmocka_unit_test(what_is_never_answered_has_waited_to_the_end),
      cmocka_unit_test(a_steady_queue_does_not_grow),
      ON_FAKE(every_arrival_is_answered_once_and_none_before_it_came),
      ON_FAKE(gives_up_what_can_not_be_answered),
      ON_FAKE(comes_again_whenever_a_slot_is_free),
      ON_FAKE(a_failing_run_ends_it),
      ON_FAKE(survives_every_failing_allocation),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
