/* Runs of plans. */
#include <math.h>

#include "fixtures/rigs.h"

#include "base/clock.h"

static const char *const all_but_tanh[] = {"Relu", "Neg", "Add", "Mul", NULL};
static or_plan_t *plan_of(or_graph_t *graph, or_device_t *device, or_device_t *fallback) {
  or_graph_t *special = NULL;
  or_plan_t *plan = NULL;
  finish_graph(graph);
  or_expect_ok(specialize_static(graph, true, &special));
  or_expect_ok(or_plan_create(special, &(or_plan_options_t){.device = device, .fallback = fallback}, &plan));
  or_graph_release(special);
  or_graph_release(graph);
  return plan;
}

/* y = -relu(x): four elements; Tanh in between sends it to the other device and back. */
static or_graph_t *chain(bool with_tanh) {
  or_graph_t *graph = new_graph(&memory.base);
  or_value_id_t v = apply(graph, "Relu", "relu", IDS(input(graph, "x", OR_FLOAT32, SHAPE(4))));
  if (with_tanh) v = apply(graph, "Tanh", "tanh", IDS(v));
  or_expect_ok(or_graph_add_output(graph, apply(graph, "Neg", "neg", IDS(v))));
  return graph;
}

static const float four[4] = {-1, 0.5f, 2, -3};
static const float negated[4] = {-0.0f, -0.5f, -2, -0.0f};

static void runs_in_one_submission_without_a_copy(void **state) {
  (void)state;
  or_plan_t *plan = plan_of(chain(false), fake.devices[0], plain.devices[0]);
  run_t run;
  begin_run(&run);
  run.inputs[0] = floats_on(fake.devices[0], SHAPE(4), four);
  or_device_counters_t before = or_device_counters(fake.devices[0]);
  or_expect_ok(run_plan(plan, &run));
  or_device_counters_t after = or_device_counters(fake.devices[0]);
  assert_int_equal(after.runs - before.runs, 1);
  assert_int_equal(after.copies - before.copies, 0);
  assert_int_equal(after.writes - before.writes, 0);
  assert_int_equal(after.reads - before.reads, 0);
  assert_ptr_equal(or_tensor_device(run.outputs[0]), fake.devices[0]);
  assert_int_equal(run.shapes[0].dims[0], 4);
  assert_floats(run.outputs[0], negated, 4);
  end_run(&run);
  or_plan_release(plan);
}

static void after_the_first_run_nothing_is_allocated_where_outputs_are_given(void **state) {
  (void)state;
  or_fake_set_supported(all_but_tanh);
  for (int segments = 1; segments <= 3; segments += 2) {
    or_plan_t *plan = plan_of(chain(segments == 3), fake.devices[0], plain.devices[0]);
    size_t allocated = 0;
    for (int round = 0; round < 3; ++round) {
      run_t run;
      begin_run(&run);
      run.inputs[0] = floats_on(fake.devices[0], SHAPE(4), four);
      run.outputs[0] = empty_on(fake.devices[0], SHAPE(4));
      size_t before = memory.alloc_count;
      uint64_t device_before = or_fake_calls(OR_FAKE_ALLOC);
      or_expect_ok(run_plan(plan, &run));
      allocated = memory.alloc_count - before;
      if (round > 0) {
        assert_int_equal(or_fake_calls(OR_FAKE_ALLOC), device_before);
        /* The fake's memory is out of the host's reach, so that a copy between devices goes through the host's: hal's,
         * not the plan's. */
        assert_int_equal(allocated, 0);
      }
      end_run(&run);
    }
    or_plan_release(plan);
  }
}

static void a_small_plan_runs_on_the_calling_thread_in_memory_of_its_own(void **state) {
  (void)state;
  for (int round = 0; round < 2; ++round) {
    or_fake_set_queue_optional(round > 0);
    or_plan_t *plan = plan_of(chain(false), fake.devices[0], plain.devices[0]);
    const uint64_t held = or_plan_held_bytes(plan), finished = or_fake_calls(OR_FAKE_QUEUE_FINISH);
    assert_int_equal(or_plan_is_small(plan), round > 0);
    run_t run;
    begin_run(&run);
    run.call.here = true;
    run.inputs[0] = floats_on(fake.devices[0], SHAPE(4), four);
    or_expect_ok(run_plan(plan, &run));
    assert_floats(run.outputs[0], negated, 4);
    assert_int_equal(or_fake_calls(OR_FAKE_QUEUE_FINISH) - finished, round > 0 ? 0 : 1);
    assert_int_equal(or_plan_held_bytes(plan) > held, round > 0);
    end_run(&run);
    or_plan_release(plan);
  }
}

static void a_plan_of_much_work_or_of_two_devices_is_not_small(void **state) {
  (void)state;
  or_fake_set_queue_optional(true);
  or_graph_t *large = new_graph(&memory.base);
  or_expect_ok(or_graph_add_output(
      large, apply(large, "Relu", "relu", IDS(input(large, "x", OR_FLOAT32, SHAPE((int64_t)OR_PLAN_SMALL_BYTES))))));
  or_plan_t *plan = plan_of(large, fake.devices[0], NULL);
  assert_false(or_plan_is_small(plan));
  or_plan_release(plan);
  or_fake_set_supported(all_but_tanh);
  plan = plan_of(chain(true), fake.devices[0], plain.devices[0]);
  assert_false(or_plan_is_small(plan));
  or_plan_release(plan);
}

static void writes_straight_into_the_tensor_given(void **state) {
  (void)state;
  or_plan_t *plan = plan_of(chain(false), plain.devices[0], NULL);
  run_t run;
  begin_run(&run);
  run.inputs[0] = floats_on(plain.devices[0], SHAPE(4), four);
  or_tensor_t *given = empty_on(plain.devices[0], SHAPE(8)); /* more capacity than needed */
  run.outputs[0] = given;
  or_device_counters_t before = or_device_counters(plain.devices[0]);
  or_expect_ok(run_plan(plan, &run));
  assert_int_equal(or_device_counters(plain.devices[0]).copies, before.copies);
  assert_ptr_equal(run.outputs[0], given);
  assert_int_equal(run.shapes[0].dims[0], 4);
  assert_floats(given, negated, 4);
  end_run(&run);
  or_plan_release(plan);
}

static void refuses_an_output_that_is_too_small_and_names_the_bytes(void **state) {
  (void)state;
  or_plan_t *plan = plan_of(chain(false), fake.devices[0], NULL);
  run_t run;
  begin_run(&run);
  run.inputs[0] = floats_on(fake.devices[0], SHAPE(4), four);
  run.outputs[0] = empty_on(fake.devices[0], SHAPE(3));
  or_expect_words(submit_run(plan, &run), OR_OUT_OF_RANGE,
                  "output \"neg\" needs 16 bytes, and the tensor given has 12");
  or_tensor_t *input_tensor = run.inputs[0];
  run.inputs[0] = NULL;
  or_expect_words(submit_run(plan, &run), OR_INVALID_ARGUMENT, "input \"x\" is missing");
  run.inputs[0] = run.outputs[0];
  run.outputs[0] = NULL;
  or_expect_words(submit_run(plan, &run), OR_INVALID_ARGUMENT, "input \"x\": expected float32 of 16 bytes");
  assert_null(run.outputs[0]);
  assert_int_equal(or_fake_calls(OR_FAKE_RUN), 0);
  or_tensor_release(input_tensor);
  end_run(&run);
  or_plan_release(plan);
}

static void inputs_and_outputs_on_another_device_are_copied(void **state) {
  (void)state;
  or_plan_t *plan = plan_of(chain(false), fake.devices[0], NULL);
  run_t run;
  begin_run(&run);
  run.inputs[0] = floats_on(plain.devices[0], SHAPE(4), four);
  run.outputs[0] = empty_on(plain.devices[0], SHAPE(4));
  or_device_counters_t before = or_device_counters(fake.devices[0]);
  or_expect_ok(run_plan(plan, &run));
  or_device_counters_t after = or_device_counters(fake.devices[0]);
  assert_int_equal(after.write_bytes - before.write_bytes, 16);
  assert_int_equal(after.read_bytes - before.read_bytes, 16);
  assert_floats(run.outputs[0], negated, 4);
  end_run(&run);
  or_plan_release(plan);
}

static void crosses_to_the_fallback_and_back(void **state) {
  (void)state;
  or_fake_set_supported(all_but_tanh);
  or_plan_t *plan = plan_of(chain(true), fake.devices[0], plain.devices[0]);
  run_t run;
  begin_run(&run);
  run.inputs[0] = floats_on(fake.devices[0], SHAPE(4), four);
  or_device_counters_t before = or_device_counters(fake.devices[0]);
  or_expect_ok(run_plan(plan, &run));
  or_device_counters_t after = or_device_counters(fake.devices[0]);
  assert_int_equal(after.reads - before.reads, 1); /* one value there, one back */
  assert_int_equal(after.writes - before.writes, 1);
  assert_int_equal(after.runs - before.runs, 2);
  const float expected[4] = {-0.0f, -(float)tanh(0.5), -(float)tanh(2), -0.0f};
  assert_floats(run.outputs[0], expected, 4);
  end_run(&run);
  or_plan_release(plan);
}

/* The first node's output is put where the second one's input still is. */
static void an_output_may_lie_where_an_input_lies(void **state) {
  (void)state;
  or_graph_t *graph = new_graph(&memory.base);
  or_value_id_t x = input(graph, "x", OR_FLOAT32, SHAPE(4));
  or_expect_ok(or_graph_add_output(graph, apply(graph, "Neg", "neg", IDS(x))));
  or_expect_ok(or_graph_add_output(graph, apply(graph, "Relu", "relu", IDS(x))));
  or_plan_t *plan = plan_of(graph, plain.devices[0], NULL);
  const float minus[4] = {1, -0.5f, -2, 3}, positive[4] = {0, 0.5f, 2, 0};
  run_t run;
  begin_run(&run);
  run.inputs[0] = floats_on(plain.devices[0], SHAPE(4), four);
  run.outputs[0] = run.inputs[0];
  or_tensor_retain(run.inputs[0]);
  or_expect_ok(run_plan(plan, &run));
  assert_floats(run.outputs[0], minus, 4);
  assert_floats(run.outputs[1], positive, 4);
  end_run(&run);
  or_plan_release(plan);
}

/* a waits on the fake, while c comes and goes there, until the plain device needs it at last. */
static void a_value_stays_until_it_has_crossed(void **state) {
  (void)state;
  or_fake_set_supported(all_but_tanh);
  or_graph_t *graph = new_graph(&memory.base);
  or_value_id_t x = input(graph, "x", OR_FLOAT32, SHAPE(4));
  or_value_id_t a = apply(graph, "Relu", "a", IDS(x));
  or_value_id_t there = apply(graph, "Sub", "there", IDS(apply(graph, "Neg", "b", IDS(x)), x));
  or_value_id_t c = apply(graph, "Neg", "c", IDS(there));
  or_expect_ok(or_graph_add_output(graph, apply(graph, "Sub", "y", IDS(c, a))));
  or_plan_t *plan = plan_of(graph, fake.devices[0], plain.devices[0]);
  const float expected[4] = {-2, 0.5f, 2, -6}; /* 2x - relu(x) */
  run_t run;
  begin_run(&run);
  run.inputs[0] = floats_on(fake.devices[0], SHAPE(4), four);
  or_expect_ok(run_plan(plan, &run));
  assert_floats(run.outputs[0], expected, 4);
  end_run(&run);
  or_plan_release(plan);
}

/* Outputs: a node's, the same again, an input, a constant, and one that another segment reads as well. */
static void gives_out_constants_inputs_and_values_twice(void **state) {
  (void)state;
  or_fake_set_supported(all_but_tanh);
  or_graph_t *graph = new_graph(&memory.base);
  or_value_id_t x = input(graph, "x", OR_FLOAT32, SHAPE(4));
  or_value_id_t relu = apply(graph, "Relu", "relu", IDS(x));
  or_value_id_t c = constant(graph, "c", OR_FLOAT32, SHAPE(4), four);
  or_value_id_t tanh_of = apply(graph, "Tanh", "tanh", IDS(relu));
  const or_value_id_t outputs[] = {relu, relu, x, c, tanh_of};
  for (size_t i = 0; i < 5; ++i) or_expect_ok(or_graph_add_output(graph, outputs[i]));
  or_plan_t *plan = plan_of(graph, fake.devices[0], plain.devices[0]);
  const float in[4] = {1, -2, 3, -4}, positive[4] = {1, 0, 3, 0};
  const float tanhs[4] = {(float)tanh(1), 0, (float)tanh(3), 0};
  const float *const expected[] = {positive, positive, in, four, tanhs};
  for (int round = 0; round < 2; ++round) {
    run_t run;
    begin_run(&run);
    run.wanted[0] = round == 0; /* its second name is wanted still */
    run.inputs[0] = floats_on(fake.devices[0], SHAPE(4), in);
    or_expect_ok(run_plan(plan, &run));
    for (size_t i = 0; i < 5; ++i) {
      if (!run.wanted[i]) {
        assert_null(run.outputs[i]);
      } else {
        assert_floats(run.outputs[i], expected[i], 4);
        assert_ptr_equal(or_tensor_device(run.outputs[i]), fake.devices[0]);
      }
    }
    end_run(&run);
  }
  or_plan_release(plan);
}

static void runs_a_graph_without_nodes(void **state) {
  (void)state;
  or_graph_t *graph = new_graph(&memory.base);
  or_value_id_t x = input(graph, "x", OR_FLOAT32, SHAPE(4));
  or_expect_ok(or_graph_add_output(graph, x));
  or_plan_t *plan = plan_of(graph, fake.devices[0], NULL);
  run_t run;
  begin_run(&run);
  run.inputs[0] = floats_on(plain.devices[0], SHAPE(4), four);
  or_expect_ok(run_plan(plan, &run));
  assert_floats(run.outputs[0], four, 4);
  end_run(&run);
  or_plan_release(plan);
}

static void runs_with_zero_elements(void **state) {
  (void)state;
  or_fake_set_supported(all_but_tanh);
  or_graph_t *graph = new_graph(&memory.base);
  or_value_id_t v =
      apply(graph, "Tanh", "tanh", IDS(apply(graph, "Relu", "relu", IDS(input(graph, "x", OR_FLOAT32, SHAPE(0, 3))))));
  or_expect_ok(or_graph_add_output(graph, apply(graph, "Neg", "neg", IDS(v))));
  or_plan_t *plan = plan_of(graph, fake.devices[0], plain.devices[0]);
  run_t run;
  begin_run(&run);
  run.inputs[0] = floats_on(fake.devices[0], SHAPE(0, 3), four);
  or_expect_ok(run_plan(plan, &run));
  assert_int_equal(or_tensor_bytes(run.outputs[0]), 0);
  assert_int_equal(run.shapes[0].rank, 2);
  end_run(&run);
  or_plan_release(plan);
}

static void cancels_between_nodes(void **state) {
  (void)state;
  or_plan_t *plan = plan_of(chain(false), fake.devices[0], NULL);
  or_cancel_t cancel;
  or_cancel_init(&cancel, INT64_MAX);
  run_t run;
  begin_run(&run);
  run.call.cancel = &cancel;
  run.inputs[0] = floats_on(fake.devices[0], SHAPE(4), four);
  or_fake_close_gate(OR_FAKE_NODE);
  or_expect_ok(submit_run(plan, &run));
  or_fake_wait_at_gate(OR_FAKE_NODE, 1);
  or_cancel_request(&cancel);
  or_fake_open_gate(OR_FAKE_NODE);
  or_expect(or_event_wait(run.event, INT64_MAX), OR_CANCELLED);
  assert_null(run.outputs[0]);
  end_run(&run);
  or_plan_release(plan);
}

static void cancels_between_segments(void **state) {
  (void)state;
  or_fake_set_supported(all_but_tanh);
  or_plan_t *plan = plan_of(chain(true), fake.devices[0], plain.devices[0]);
  or_cancel_t cancel;
  or_cancel_init(&cancel, INT64_MAX);
  run_t run;
  begin_run(&run);
  run.call.cancel = &cancel;
  run.inputs[0] = floats_on(fake.devices[0], SHAPE(4), four);
  or_fake_close_gate(OR_FAKE_QUEUE_FINISH); /* the first segment's nodes are over by then */
  or_expect_ok(submit_run(plan, &run));
  or_fake_wait_at_gate(OR_FAKE_QUEUE_FINISH, 1);
  or_cancel_request(&cancel);
  uint64_t plain_runs = or_device_counters(plain.devices[0]).runs;
  or_fake_open_gate(OR_FAKE_QUEUE_FINISH);
  or_expect(or_event_wait(run.event, INT64_MAX), OR_CANCELLED);
  assert_int_equal(or_fake_calls(OR_FAKE_RUN), 1);
  assert_int_equal(or_device_counters(plain.devices[0]).runs, plain_runs + 1);
  assert_null(run.outputs[0]);
  end_run(&run);
  or_plan_release(plan);
}

/* What each device has done by its own account, and what it works on. */
static or_device_sample_t account_of(or_device_t *device) {
  or_device_sample_t sample;
  or_expect_ok(or_device_sample(device, &sample));
  return sample;
}

static void adds_what_each_device_did_to_its_account(void **state) {
  (void)state;
  or_fake_set_supported(all_but_tanh);
  or_plan_t *plan = plan_of(chain(true), fake.devices[0], plain.devices[0]);
  const uint64_t fake_before = account_of(fake.devices[0]).flops_done,
                 plain_before = account_of(plain.devices[0]).flops_done;
  or_arena_t arena;
  or_session_report_t report;
  or_arena_init(&arena, or_allocator_system());
  or_expect_ok(or_plan_report(plan, &arena, &report));
  double on_fake = 0, on_plain = 0;
  for (size_t i = 0; i < report.node_count; ++i) {
    const bool there = strcmp(report.nodes[i].device_id, or_device_facts(fake.devices[0])->id) == 0;
    *(there ? &on_fake : &on_plain) += report.nodes[i].flops;
  }
  assert_true(on_fake > 0 && on_plain > 0);
  for (int round = 0; round < 2; ++round) {
    run_t run;
    begin_run(&run);
    run.inputs[0] = floats_on(fake.devices[0], SHAPE(4), four);
    or_expect_ok(run_plan(plan, &run));
    end_run(&run);
  }
  assert_int_equal(account_of(fake.devices[0]).flops_done - fake_before, (uint64_t)(2 * on_fake));
  assert_int_equal(account_of(plain.devices[0]).flops_done - plain_before, (uint64_t)(2 * on_plain));
  or_arena_deinit(&arena);
  or_plan_release(plan);
}

static void is_active_while_it_runs_and_adds_nothing_for_what_failed(void **state) {
  (void)state;
  or_plan_t *plan = plan_of(chain(false), fake.devices[0], NULL);
  const uint64_t before = account_of(fake.devices[0]).flops_done;
  run_t run;
  begin_run(&run);
  run.inputs[0] = floats_on(fake.devices[0], SHAPE(4), four);
  or_fake_close_gate(OR_FAKE_NODE);
  or_expect_ok(submit_run(plan, &run));
  or_fake_wait_at_gate(OR_FAKE_NODE, 1);
  assert_int_equal(account_of(fake.devices[0]).active_kernels, 1);
  or_fake_fail(OR_FAKE_NODE, 1, OR_INTERNAL);
  or_fake_open_gate(OR_FAKE_NODE);
  or_expect(or_event_wait(run.event, INT64_MAX), OR_INTERNAL);
  assert_int_equal(account_of(fake.devices[0]).active_kernels, 0);
  assert_int_equal(account_of(fake.devices[0]).flops_done, before);
  end_run(&run);
  or_plan_release(plan);
}

static void stops_at_a_deadline_that_has_passed(void **state) {
  (void)state;
  or_plan_t *plan = plan_of(chain(false), fake.devices[0], NULL);
  or_cancel_t cancel;
  or_cancel_init(&cancel, or_clock_ns() - 1);
  run_t run;
  begin_run(&run);
  run.call.cancel = &cancel;
  run.inputs[0] = floats_on(fake.devices[0], SHAPE(4), four);
  or_expect(run_plan(plan, &run), OR_DEADLINE_EXCEEDED);
  assert_int_equal(or_fake_calls(OR_FAKE_RUN), 0);
  end_run(&run);
  or_plan_release(plan);
}

/* Every call that a run makes to the device fails once: the error arrives, no output is left, and the next run is well.
 */
static void a_failing_call_ends_the_run_and_no_more(void **state) {
  (void)state;
  static const or_fake_call_t kinds[] = {OR_FAKE_ALLOC,        OR_FAKE_WRITE, OR_FAKE_READ,
                                         OR_FAKE_QUEUE_FINISH, OR_FAKE_RUN,   OR_FAKE_NODE};
  or_fake_set_supported(all_but_tanh);
  for (size_t k = 0; k < sizeof kinds / sizeof *kinds; ++k) {
    for (uint64_t nth = 1;; ++nth) {
      or_plan_t *plan = plan_of(chain(true), fake.devices[0], plain.devices[0]);
      run_t run;
      begin_run(&run);
      run.inputs[0] = floats_on(plain.devices[0], SHAPE(4), four);
      uint64_t before = or_fake_calls(kinds[k]);
      or_fake_fail(kinds[k], nth, OR_INTERNAL);
      or_status_t status = run_plan(plan, &run);
      bool reached = or_fake_calls(kinds[k]) - before >= nth;
      assert_int_equal(or_status_code(status), reached ? OR_INTERNAL : OR_OK);
      or_status_ignore(status); /* looked at */
      if (reached) assert_null(run.outputs[0]);
      or_event_release(run.event);
      or_tensor_release(run.outputs[0]);
      or_fake_fail(kinds[k], UINT64_MAX / 2, OR_INTERNAL); /* never */

      run.outputs[0] = NULL;
      or_expect_ok(or_event_create(or_allocator_system(), &run.event));
      run.call.self = run.event;
      or_expect_ok(run_plan(plan, &run));
      assert_non_null(run.outputs[0]);
      end_run(&run);
      or_plan_release(plan);
      if (!reached) {
        assert_true(nth > 1);
        break;
      }
    }
  }
}

static void a_lost_device_ends_its_runs_and_refuses_others(void **state) {
  (void)state;
  or_plan_t *plan = plan_of(chain(false), fake.devices[0], NULL);
  run_t first, second;
  begin_run(&first);
  begin_run(&second);
  first.inputs[0] = floats_on(fake.devices[0], SHAPE(4), four);
  second.inputs[0] = floats_on(fake.devices[0], SHAPE(4), four);
  or_fake_close_gate(OR_FAKE_NODE);
  or_expect_ok(submit_run(plan, &first));
  or_fake_wait_at_gate(OR_FAKE_NODE, 1);
  or_expect_ok(submit_run(plan, &second)); /* waits in the queue when the device goes */
  or_fake_fail(OR_FAKE_NODE, 1, OR_DEVICE_LOST);
  or_fake_open_gate(OR_FAKE_NODE);
  or_expect(or_event_wait(first.event, INT64_MAX), OR_DEVICE_LOST);
  or_expect(or_event_wait(second.event, INT64_MAX), OR_DEVICE_LOST);
  const char *reason = NULL;
  assert_int_equal(or_device_state(fake.devices[0], &reason), OR_DEVICE_STATE_LOST);
  or_expect(submit_run(plan, &second), OR_DEVICE_LOST);
  assert_null(second.outputs[0]);
  end_run(&first);
  end_run(&second);
  or_plan_release(plan);
}

static void a_profiled_run_has_times_of_nodes_and_copies(void **state) {
  (void)state;
  or_fake_set_supported(all_but_tanh);
  or_plan_t *plan = plan_of(chain(true), fake.devices[0], plain.devices[0]);
  run_t run;
  begin_run(&run);
  run.call.profile = true;
  run.inputs[0] = floats_on(fake.devices[0], SHAPE(4), four);
  or_expect_ok(run_plan(plan, &run));
  or_arena_t arena;
  or_session_report_t report;
  or_arena_init(&arena, or_allocator_system());
  or_expect_ok(or_plan_report(plan, &arena, &report));
  assert_int_equal(report.node_count, 5);
  double sum = 0;
  for (size_t i = 0; i < 5; ++i) {
    assert_true(report.nodes[i].seconds > 0);
    sum += report.nodes[i].seconds;
  }
  assert_true(report.seconds >= sum);
  or_arena_deinit(&arena);
  end_run(&run);
  or_plan_release(plan);
}

/* Specialise, plan, run on two devices with the n-th allocation failing, for every n. */
static void gives_back_every_byte_when_the_nth_allocation_fails(void **state) {
  (void)state;
  or_fake_set_supported(all_but_tanh);
  or_graph_t *graph = chain(true);
  finish_graph(graph);
  or_plan_release(plan_of(chain(true), fake.devices[0], plain.devices[0])); /* devices open, queues made */
  or_tensor_t *x = floats_on(plain.devices[0], SHAPE(4), four);
  size_t before = memory.live_bytes;
  for (size_t n = 1;; ++n) {
    or_graph_t *special = NULL;
    or_plan_t *plan = NULL;
    run_t run;
    begin_run(&run);
    run.inputs[0] = x;
    or_tensor_retain(x);
    memory.fail_at = memory.alloc_count + n;
    or_status_t status = specialize_static(graph, false, &special);
    if (or_ok(status))
      status =
          or_plan_create(special, &(or_plan_options_t){.device = fake.devices[0], .fallback = plain.devices[0]}, &plan);
    if (or_ok(status)) status = run_plan(plan, &run);
    memory.fail_at = 0;
    bool done = or_ok(status);
    if (!done) or_expect(status, OR_RESOURCE_EXHAUSTED);
    end_run(&run);
    or_plan_release(plan);
    or_graph_release(special);
    assert_int_equal(memory.live_bytes, before);
    if (done) break;
  }
  or_tensor_release(x);
  or_graph_release(graph);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(runs_in_one_submission_without_a_copy, set_up, tear_down),
      cmocka_unit_test_setup_teardown(after_the_first_run_nothing_is_allocated_where_outputs_are_given, set_up,
                                      tear_down),
      cmocka_unit_test_setup_teardown(a_small_plan_runs_on_the_calling_thread_in_memory_of_its_own, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_plan_of_much_work_or_of_two_devices_is_not_small, set_up, tear_down),
      cmocka_unit_test_setup_teardown(writes_straight_into_the_tensor_given, set_up, tear_down),
      cmocka_unit_test_setup_teardown(refuses_an_output_that_is_too_small_and_names_the_bytes, set_up, tear_down),
      cmocka_unit_test_setup_teardown(inputs_and_outputs_on_another_device_are_copied, set_up, tear_down),
      cmocka_unit_test_setup_teardown(crosses_to_the_fallback_and_back, set_up, tear_down),
      cmocka_unit_test_setup_teardown(an_output_may_lie_where_an_input_lies, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_value_stays_until_it_has_crossed, set_up, tear_down),
      cmocka_unit_test_setup_teardown(gives_out_constants_inputs_and_values_twice, set_up, tear_down),
      cmocka_unit_test_setup_teardown(runs_a_graph_without_nodes, set_up, tear_down),
      cmocka_unit_test_setup_teardown(runs_with_zero_elements, set_up, tear_down),
      cmocka_unit_test_setup_teardown(cancels_between_nodes, set_up, tear_down),
      cmocka_unit_test_setup_teardown(cancels_between_segments, set_up, tear_down),
      cmocka_unit_test_setup_teardown(adds_what_each_device_did_to_its_account, set_up, tear_down),
      cmocka_unit_test_setup_teardown(is_active_while_it_runs_and_adds_nothing_for_what_failed, set_up, tear_down),
      cmocka_unit_test_setup_teardown(stops_at_a_deadline_that_has_passed, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_failing_call_ends_the_run_and_no_more, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_lost_device_ends_its_runs_and_refuses_others, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_profiled_run_has_times_of_nodes_and_copies, set_up, tear_down),
      cmocka_unit_test_setup_teardown(gives_back_every_byte_when_the_nth_allocation_fails, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
