/* Runs: long launches go in pieces, a cancel is seen between two, an index out of range names its node; on memory that
 * is shared with the host and on memory that is not. */
#include "backends/opencl/build_internal.h"
#include "backends/opencl/opencl_test_internal.h"
#include "base/cancel.h"
#include "fake_opencl/fake_opencl.h"
#include "hal/buffer.h"
#include "hal/event.h"
#include "hal/queue.h"
#include "ops/op.h"

#define ITEMS 4096u
#define OPTIONS "-DT=float -DW=4"

static or_cl_device_t *device;
static or_queue_t *queue;

/* A program of one launch that computes for as long as `iterations` says and writes every element of its output. */
typedef struct single_t {
  or_cl_program_t program;
  or_cl_build_t build;
  or_buffer_t *output;
  or_memory_range_t range;
  or_run_arguments_t arguments;
  int32_t iterations;
  double flops;
  size_t group;
  uint32_t dimensions; /* all of the work is along the first */
} single_t;

static void open_all(void) {
  device = cl_open_device();
  expect_ok(or_queue_create(device->device, &queue));
}

static void close_all(void) {
  or_queue_release(queue);
  cl_close();
  if (fake_opencl_live(NULL) != 0) print_error("%d references are held\n", (int)fake_opencl_live(NULL));
  assert_int_equal(fake_opencl_live(NULL), 0);
}

static or_status_t build_work(void *self, const or_queue_context_t *context) {
  single_t *single = self;
  single->build.queue = context->backend_queue;
  or_slot_id_t slot = OR_NO_SLOT;
  or_slot_t output = {.place = OR_PLACE_OUTPUT, .index = 0, .bytes = ITEMS * 16};
  or_status_t status = or_lowering_slot(&single->build.lowering, output, &slot);
  const or_cl_argument_t arguments[] = {or_cl_slot(slot), or_cl_int(single->iterations)};
  const or_cl_launch_t launch = {.source = "peaks",
                                 .entry = "multiply_add",
                                 .options = OPTIONS,
                                 .arguments = arguments,
                                 .argument_count = 2,
                                 .dimensions = single->dimensions,
                                 .global = {ITEMS, 1, 1},
                                 .local = {single->group, 1, 1},
                                 .flops = single->flops};
  return or_ok(status) ? or_cl_build_launch(&single->build, &launch) : status;
}

static single_t *make_single_of(uint32_t dimensions, int32_t iterations, double flops) {
  void *memory = NULL;
  static const or_node_t node = {.name = "the node", .domain = "", .op = "Work"};
  static const or_subgraph_t subgraph = {.nodes = &node, .node_count = 1};
  expect_ok(or_alloc_zeroed(device->allocator, sizeof(single_t), &memory));
  single_t *single = memory;
  single->iterations = iterations;
  single->flops = flops;
  single->group = 4;
  single->dimensions = dimensions;
  single->program = (or_cl_program_t){.device = device, .faults = OR_NO_SLOT};
  or_mutex_init(&single->program.mutex);
  single->build = (or_cl_build_t){.device = device, .program = &single->program};
  or_lowering_t *lowering = &single->build.lowering;
  expect_ok(or_lowering_begin(lowering, &single->program.lowered, device->allocator, device->device, &subgraph));
  expect_ok(or_queue_run(queue, build_work, single));
  expect_ok(or_buffer_create(device->device, ITEMS * 16, &single->output));
  single->range = (or_memory_range_t){.memory = or_buffer_memory(single->output), .bytes = ITEMS * 16};
  single->arguments = (or_run_arguments_t){.outputs = &single->range};
  return single;
}

static single_t *make_single(int32_t iterations, double flops) { return make_single_of(1, iterations, flops); }

static void free_single(single_t *single) {
  or_buffer_release(single->output);
  assert_int_equal(device->cl->ReleaseKernel(single->program.steps[0].kernel), 0);
  or_mutex_deinit(&single->program.mutex);
  or_lowering_end(&single->build.lowering);
  or_lowered_deinit(&single->program.lowered);
  or_free(device->allocator, single->program.steps);
  or_free(device->allocator, single);
}

static or_status_t run_work(void *self, const or_queue_context_t *context) {
  single_t *single = self;
  return or_cl_program_run(&single->program, context->backend_queue, &single->arguments);
}

static uint64_t launches(void) { return fake_opencl_count("clEnqueueNDRangeKernel"); }

/* Every element was written: none is the pattern that was there before. */
static void expect_all_written(single_t *single) {
  static float got[ITEMS * 4];
  expect_ok(or_buffer_read(single->output, 0, got, sizeof got));
  for (size_t i = 0; i < ITEMS * 4; ++i) {
    if (!(got[i] > 0)) print_error("element %zu is %g\n", i, (double)got[i]);
    assert_true(got[i] > 0);
  }
}

static void clear(single_t *single) {
  static const float nothing[ITEMS * 4];
  expect_ok(or_buffer_write(single->output, 0, nothing, sizeof nothing));
}

static void expect_pieces(uint32_t dimensions) {
  open_all();
  const or_cl_traits_t *traits = &device->traits;
  const double second = (traits->is_cpu ? 4e9 : 20e9) * traits->compute_units; /* what is thought to take that long */
  single_t *single = make_single_of(dimensions, 8, second);
  clear(single);
  uint64_t before = launches();
  expect_ok(or_queue_run(queue, run_work, single));
  assert_int_equal(launches() - before, 49); /* 1 s in slices of 20 ms, in whole groups */
  expect_all_written(single);

  clear(single); /* it took microseconds, and that was learnt */
  before = launches();
  expect_ok(or_queue_run(queue, run_work, single));
  assert_int_equal(launches() - before, 1);
  expect_all_written(single);
  free_single(single);
  close_all();
}

static void long_launches_go_in_pieces(void **state) {
  (void)state;
  expect_pieces(1);
}

static void pieces_are_of_a_dimension_that_has_groups(void **state) {
  (void)state;
  expect_pieces(3); /* as a product, whose last dimension is its batch */
}

static void tells_how_long_a_node_took(void **state) {
  (void)state;
  open_all();
  single_t *single = make_single(1000, 1);
  int64_t node_ns[1] = {-1};
  single->arguments.node_ns = node_ns;
  expect_ok(or_queue_run(queue, run_work, single));
  assert_true(node_ns[0] > 0);
  free_single(single);
  close_all();
}

typedef struct canceller_t {
  or_cancel_t cancel;
  uint64_t from;
} canceller_t;

static void cancel_after_some_launches(void *self) {
  canceller_t *canceller = self;
  while (launches() < canceller->from + 3) continue;
  or_cancel_request(&canceller->cancel);
}

static void sees_a_cancel_between_two_pieces(void **state) {
  (void)state;
  open_all();
  const uint64_t pieces = ITEMS / 4;
  single_t *single = make_single(1 << 15, 1e15); /* seconds of work, thought to be more: a group a piece */
  canceller_t canceller = {.from = launches()};
  or_thread_t thread = {.started = false};
  or_cancel_init(&canceller.cancel, INT64_MAX);
  single->arguments.cancel = &canceller.cancel;
  expect_ok(or_thread_start(&thread, "canceller", cancel_after_some_launches, &canceller));
  expect_failure(or_queue_run(queue, run_work, single), OR_CANCELLED, "");
  or_thread_join(&thread);
  assert_true(launches() - canceller.from < pieces);
  free_single(single);
  single = make_single(8, 1); /* and the queue works on */
  clear(single);
  expect_ok(or_queue_run(queue, run_work, single));
  expect_all_written(single);
  free_single(single);
  close_all();
}

/* One of two runs of one program, on queues and outputs of their own. */
typedef struct twin_t {
  single_t *single;
  or_buffer_t *output;
  or_memory_range_t range;
  or_run_arguments_t arguments;
} twin_t;

static or_status_t run_twin(void *self, const or_queue_context_t *context) {
  const twin_t *twin = self;
  return or_cl_program_run(&twin->single->program, context->backend_queue, &twin->arguments);
}

static void two_runs_of_one_program_do_not_mix(void **state) {
  (void)state;
  enum { ROUNDS = 20 };
  static float got[ITEMS * 4];
  static const float nothing[ITEMS * 4];
  or_queue_t *queues[2] = {NULL};
  or_event_t *events[2] = {NULL};
  twin_t twins[2];
  open_all();
  single_t *single = make_single(8, 1);
  for (int i = 0; i < 2; ++i) {
    twins[i] = (twin_t){.single = single};
    expect_ok(or_queue_create(device->device, &queues[i]));
    expect_ok(or_buffer_create(device->device, sizeof got, &twins[i].output));
    twins[i].range = (or_memory_range_t){.memory = or_buffer_memory(twins[i].output), .bytes = sizeof got};
    twins[i].arguments = (or_run_arguments_t){.outputs = &twins[i].range};
  }
  for (int round = 0; round < ROUNDS; ++round) {
    for (int i = 0; i < 2; ++i) {
      expect_ok(or_buffer_write(twins[i].output, 0, nothing, sizeof nothing));
      expect_ok(or_event_create(device->allocator, &events[i]));
    }
    for (int i = 0; i < 2; ++i) {
      expect_ok(
          or_queue_submit(queues[i], &(or_submission_t){.work = run_twin, .self = &twins[i], .signal = events[i]}));
    }
    for (int i = 0; i < 2; ++i) {
      expect_ok(or_event_wait(events[i], INT64_MAX));
      or_event_release(events[i]);
      expect_ok(or_buffer_read(twins[i].output, 0, got, sizeof got));
      for (size_t e = 0; e < ITEMS * 4; ++e) assert_true(got[e] > 0);
    }
  }
  for (int i = 0; i < 2; ++i) {
    or_queue_release(queues[i]);
    or_buffer_release(twins[i].output);
  }
  free_single(single);
  close_all();
}

static or_status_t time_work(void *self, const or_queue_context_t *context) {
  single_t *single = self;
  int64_t ns = 0;
  const or_cl_argument_t arguments[] = {{.kind = OR_CL_SLOT, .slot = OR_NO_SLOT, .bytes = ITEMS * 16},
                                        or_cl_int(single->iterations)};
  const or_cl_launch_t launch = {.source = "peaks",
                                 .entry = "multiply_add",
                                 .options = OPTIONS,
                                 .arguments = arguments,
                                 .argument_count = 2,
                                 .dimensions = 1,
                                 .global = {ITEMS},
                                 .local = {single->group}};
  single->build.queue = context->backend_queue;
  or_status_t status = or_cl_build_time(&single->build, &launch, &ns);
  if (or_ok(status)) assert_true(ns > 0 && ns < INT64_MAX);
  return status;
}

static void times_a_launch_on_memory_of_its_own(void **state) {
  (void)state;
  open_all();
  single_t *single = make_single(64, 1);
  const uint64_t before = launches();
  expect_ok(or_queue_run(queue, time_work, single));
  assert_int_equal(launches() - before, 4); /* one to warm up, the best of three */
  fake_opencl_set("CODE", "-4");            /* drivers that allocate late say so with the first launch */
  fake_opencl_set("FAIL", "clEnqueueNDRangeKernel:2");
  expect_failure(or_queue_run(queue, time_work, single), OR_RESOURCE_EXHAUSTED, "no memory");
  fake_opencl_set("FAIL", NULL);
  assert_int_equal(or_device_state(device->device, NULL), OR_DEVICE_AVAILABLE);
  free_single(single);
  close_all();
}

static void a_lost_device_is_told(void **state) {
  (void)state;
  open_all();
  single_t *single = make_single(8, 1);
  fake_opencl_set("CODE", "-36");
  fake_opencl_set("FAIL", "clEnqueueNDRangeKernel:1");
  expect_failure(or_queue_run(queue, run_work, single), OR_DEVICE_LOST, "the node");
  fake_opencl_set("FAIL", NULL);
  assert_int_equal(or_device_state(device->device, NULL), OR_DEVICE_STATE_LOST);
  expect_failure(or_queue_run(queue, run_work, single), OR_DEVICE_LOST, "");
  free_single(single);
  close_all();
}

/* --- A whole subgraph: one Gather of given indices --- */

typedef struct gather_t {
  or_executable_t executable;
  or_subgraph_t subgraph;
  or_run_arguments_t arguments;
} gather_t;

static or_status_t compile_gather(void *self, const or_queue_context_t *context) {
  gather_t *gather = self;
  return context->backend->compile(context->backend->self, context->backend_queue, &gather->subgraph,
                                   &gather->executable);
}

static or_status_t run_gather(void *self, const or_queue_context_t *context) {
  const gather_t *gather = self;
  return gather->executable.run(gather->executable.self, context->backend_queue, &gather->arguments);
}

static or_memory_range_t buffer_of(or_buffer_t **buffer, const void *data, size_t bytes) {
  expect_ok(or_buffer_create(device->device, bytes, buffer));
  if (data != NULL) expect_ok(or_buffer_write(*buffer, 0, data, bytes));
  return (or_memory_range_t){.memory = or_buffer_memory(*buffer), .bytes = bytes};
}

static void names_the_node_of_an_index_that_is_out_of_range(void **state) {
  (void)state;
  static const int64_t four[] = {4}, two[] = {2}, good[] = {3, -1}, bad[] = {0, 4};
  static const float data[] = {1, 2, 3, 4};
  static const or_value_id_t inputs[] = {0, 1}, outputs[] = {2};
  const or_value_info_t values[] = {{.name = "x", .dtype = OR_FLOAT32, .shape = or_shape_make(1, four)},
                                    {.name = "i", .dtype = OR_INT64, .shape = or_shape_make(1, two)},
                                    {.name = "y", .dtype = OR_FLOAT32, .shape = or_shape_make(1, two)}};
  const or_node_t node = {.name = "picks",
                          .domain = "",
                          .op = "Gather",
                          .version = 13,
                          .inputs = inputs,
                          .input_count = 2,
                          .outputs = outputs,
                          .output_count = 1,
                          .definition = or_op_find("", "Gather")};
  gather_t gather = {.subgraph = {.values = values,
                                  .value_count = 3,
                                  .nodes = &node,
                                  .node_count = 1,
                                  .inputs = inputs,
                                  .input_count = 2,
                                  .outputs = outputs,
                                  .output_count = 1}};
  or_buffer_t *buffers[4] = {NULL};
  float got[2] = {0};
  open_all();
  expect_ok(or_queue_run(queue, compile_gather, &gather));
  or_memory_range_t ranges[2] = {buffer_of(&buffers[0], data, sizeof data), buffer_of(&buffers[1], bad, sizeof bad)};
  or_memory_range_t out = buffer_of(&buffers[2], NULL, sizeof got);
  gather.arguments = (or_run_arguments_t){.inputs = ranges, .outputs = &out};
  if (gather.executable.workspace_bytes > 0) {
    gather.arguments.workspace = buffer_of(&buffers[3], NULL, gather.executable.workspace_bytes);
  }
  expect_failure(or_queue_run(queue, run_gather, &gather), OR_INVALID_ARGUMENT, "node \"picks\"");
  expect_ok(or_buffer_write(buffers[1], 0, good, sizeof good)); /* a fault does not outlive its run */
  expect_ok(or_queue_run(queue, run_gather, &gather));
  expect_ok(or_buffer_read(buffers[2], 0, got, sizeof got));
  assert_true(got[0] == 4 && got[1] == 4);
  gather.executable.release(gather.executable.self);
  for (int i = 0; i < 4; ++i) or_buffer_release(buffers[i]);
  close_all();
}

static int use_shared_memory(void **state) {
  (void)state;
  (void)cl_each_file("opencl-", cl_unlink);
  fake_opencl_set("GPU", NULL);
  return 0;
}

/* A processor that says that it is a graphics processor: its memory is reached by copies only. */
static int use_memory_of_its_own(void **state) {
  (void)state;
  (void)cl_each_file("opencl-", cl_unlink);
  fake_opencl_set("GPU", "1");
  return 0;
}

static int open_fake(void **state) { return fake_opencl_open() ? cl_make_folder(state) : -1; }

int main(void) {
#define ON_BOTH(test) \
  cmocka_unit_test_setup(test, use_shared_memory), cmocka_unit_test_setup(test, use_memory_of_its_own)
  const struct CMUnitTest tests[] = {
      ON_BOTH(long_launches_go_in_pieces),
      ON_BOTH(pieces_are_of_a_dimension_that_has_groups),
      ON_BOTH(tells_how_long_a_node_took),
      ON_BOTH(sees_a_cancel_between_two_pieces),
      ON_BOTH(two_runs_of_one_program_do_not_mix),
      ON_BOTH(times_a_launch_on_memory_of_its_own),
      ON_BOTH(a_lost_device_is_told),
      ON_BOTH(names_the_node_of_an_index_that_is_out_of_range),
  };
  return cmocka_run_group_tests(tests, open_fake, cl_remove_folder);
}
