/* Executables: several nodes, several runs in flight, cancel, shared constants, release in any order. */
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/string.h"
#include "cts/graph_case.h"
#include "hal/packed.h"

#define ROWS 33
#define WIDTH 48

/* Two products with weights, an activation and a sum between; the last value and one in the middle are asked for. */
static or_status_t make_graph(cts_t *cts, uint64_t seed, cts_graph_t **out) {
  CTS_TRY(cts_graph_new(cts, seed, out));
  cts_graph_t *graph = *out;
  or_value_id_t x = cts_graph_input(graph, OR_FLOAT32, SHAPE(ROWS, WIDTH));
  graph->random.state = 99; /* the weights are the same whatever the seed */
  or_value_id_t w = cts_graph_constant(graph, OR_FLOAT32, SHAPE(WIDTH, WIDTH));
  or_value_id_t b = cts_graph_constant(graph, OR_FLOAT32, SHAPE(WIDTH));
  or_value_id_t product = cts_graph_node(graph, "MatMul", (or_value_id_t[]){x, w}, 2);
  or_value_id_t sum = cts_graph_node(graph, "Add", (or_value_id_t[]){product, b}, 2);
  or_value_id_t active = cts_graph_node(graph, "Relu", (or_value_id_t[]){sum}, 1);
  or_value_id_t back = cts_graph_node(graph, "Sub", (or_value_id_t[]){active, x}, 2);
  or_value_id_t last = cts_graph_node(graph, "MatMul", (or_value_id_t[]){back, w}, 2);
  cts_graph_output(graph, last);
  cts_graph_output(graph, active);
  return cts_graph_finish(graph);
}

typedef or_status_t (*with_executable_t)(cts_t *cts, cts_graph_t *graph, const or_executable_t *executable);

/* Compiles the graph, calls, releases; skips where the backend can't run it. */
static or_status_t with_executable(cts_t *cts, const void *data) {
  cts_graph_t *graph = NULL;
  or_support_t refused;
  or_executable_t executable;
  with_executable_t use;
  memcpy(&use, data, sizeof use);
  CTS_TRY(make_graph(cts, 1, &graph));
  cts_graph_supported(graph, &refused);
  if (!refused.supported) return cts_skip_unsupported(cts, refused.reason);
  CTS_TRY(cts_compile(cts, cts->queue, &graph->subgraph, &executable));
  or_status_t status = use(cts, graph, &executable);
  executable.release(executable.self);
  return status;
}

static or_status_t runs_several_nodes(cts_t *cts, cts_graph_t *graph, const or_executable_t *executable) {
  cts_graph_run_t *run = NULL;
  CTS_TRY(cts_graph_bind(graph, executable, &run));
  CTS_TRY(or_queue_run(cts->queue, cts_work, &run->call));
  return cts_graph_compare(run);
}

static or_status_t reports_kernels_and_times(cts_t *cts, cts_graph_t *graph, const or_executable_t *executable) {
  int64_t node_ns[CTS_GRAPH_NODES];
  cts_graph_run_t *run = NULL;
  CTS_TRY(cts_graph_bind(graph, executable, &run));
  for (int i = 0; i < CTS_GRAPH_NODES; ++i) node_ns[i] = -1;
  run->call.arguments.node_ns = node_ns;
  CTS_TRY(or_queue_run(cts->queue, cts_work, &run->call));
  int64_t sum = 0;
  for (uint32_t i = 0; i < graph->node_count; ++i) {
    or_executable_node_t report = {0};
    executable->node(executable->self, i, &report);
    CTS_CHECK(report.kernel != NULL && report.kernel[0] != '\0', "node %u names no kernel", i);
    CTS_CHECK(node_ns[i] >= 0, "node %u took %lld ns", i, (long long)node_ns[i]);
    sum += node_ns[i];
  }
  CTS_CHECK(sum > 0, "no node took any time");
  CTS_CHECK(node_ns[graph->node_count] == -1, "a time was written behind the last node");
  CTS_CHECK(executable->workspace_bytes_unplanned >= executable->workspace_bytes ||
                executable->workspace_bytes_unplanned == 0,
            "%zu bytes of workspace are more than the %zu without sharing", executable->workspace_bytes,
            executable->workspace_bytes_unplanned);
  return cts_graph_compare(run);
}

static or_status_t stops_when_cancelled(cts_t *cts, cts_graph_t *graph, const or_executable_t *executable) {
  cts_graph_run_t *run = NULL;
  or_cancel_t requested, late, quiet;
  CTS_TRY(cts_graph_bind(graph, executable, &run));
  or_cancel_init(&requested, INT64_MAX);
  or_cancel_request(&requested);
  run->call.arguments.cancel = &requested;
  CTS_TRY(cts_expect(or_queue_run(cts->queue, cts_work, &run->call), OR_CANCELLED, "a cancelled run"));
  or_cancel_init(&late, or_clock_ns() - 1);
  run->call.arguments.cancel = &late;
  or_status_t status = or_queue_run(cts->queue, cts_work, &run->call);
  or_status_code_t code = or_status_code(status);
  or_status_ignore(status); /* looked at below */
  CTS_CHECK(code == OR_CANCELLED || code == OR_DEADLINE_EXCEEDED, "past its deadline, a run ended with %s",
            or_status_mapping(code)->name);
  or_cancel_init(&quiet, INT64_MAX);
  run->call.arguments.cancel = &quiet;
  CTS_TRY(or_queue_run(cts->queue, cts_work, &run->call)); /* the executable is still whole */
  return cts_graph_compare(run);
}

#define FLIGHTS 6

/* One executable on two queues at once, each run with inputs and a workspace of its own. */
static or_status_t fly(cts_t *cts, or_queue_t *second, cts_graph_run_t *runs[FLIGHTS]) {
  or_event_t *events[FLIGHTS] = {NULL};
  or_status_t status = or_status_success();
  for (int round = 0; or_ok(status) && round < 10; ++round) {
    for (int i = 0; or_ok(status) && i < FLIGHTS; ++i) {
      status = or_event_create(cts->allocator, &events[i]);
      or_submission_t submission = {.work = cts_work, .self = &runs[i]->call, .signal = events[i]};
      if (or_ok(status)) status = or_queue_submit(i % 2 == 0 ? cts->queue : second, &submission);
      if (or_ok(status)) continue;
      or_event_release(events[i]);
      events[i] = NULL;
    }
    for (int i = 0; i < FLIGHTS; ++i) {
      if (events[i] == NULL) continue;
      status = or_status_first(status, or_event_wait(events[i], INT64_MAX));
      or_event_release(events[i]);
      events[i] = NULL;
    }
    for (int i = 0; or_ok(status) && i < FLIGHTS; ++i) {
      status = or_status_context(cts_graph_compare(runs[i]), "run %d of round %d", i, round);
    }
  }
  return status;
}

static or_status_t keeps_runs_in_flight_apart(cts_t *cts, cts_graph_t *graph, const or_executable_t *executable) {
  (void)graph;
  cts_graph_run_t *runs[FLIGHTS];
  or_queue_t *second = NULL;
  for (int i = 0; i < FLIGHTS; ++i) {
    cts_graph_t *own = NULL;
    CTS_TRY(make_graph(cts, (uint64_t)i + 10, &own));
    CTS_TRY(cts_graph_bind(own, executable, &runs[i]));
  }
  CTS_TRY(or_queue_create(cts->device, &second));
  or_status_t status = fly(cts, second, runs);
  or_queue_release(second);
  return status;
}

static or_status_t shares_packed_constants(cts_t *cts, cts_graph_t *graph, const or_executable_t *executable) {
  or_executable_t again;
  cts_graph_run_t *run = NULL;
  or_packed_counters_t before = or_packed_counters(cts->device);
  uint64_t used = or_device_memory_usage(cts->device).used_bytes;
  CTS_TRY(cts_compile(cts, cts->queue, &graph->subgraph, &again));
  or_packed_counters_t after = or_packed_counters(cts->device);
  uint64_t used_after = or_device_memory_usage(cts->device).used_bytes;
  again.release(again.self);
  CTS_CHECK(executable->packed_bytes == again.packed_bytes, "two compilations pack %llu and %llu bytes",
            (unsigned long long)executable->packed_bytes, (unsigned long long)again.packed_bytes);
  CTS_CHECK(after.entries == before.entries && used_after == used,
            "a second executable with the same constants packed them again: %llu bytes more",
            (unsigned long long)(used_after - used));
  CTS_TRY(cts_graph_bind(graph, executable, &run)); /* what they shared is still there for the first */
  CTS_TRY(or_queue_run(cts->queue, cts_work, &run->call));
  return cts_graph_compare(run);
}

/* Nothing of the subgraph but its constants may be needed after compile. */
static or_status_t keeps_nothing_borrowed(cts_t *cts, const void *data) {
  (void)data;
  cts_graph_t *graph = NULL, *scratch = NULL;
  or_support_t refused;
  or_executable_t executable;
  cts_graph_run_t *run = NULL;
  CTS_TRY(make_graph(cts, 3, &graph));
  CTS_TRY(make_graph(cts, 3, &scratch));
  cts_graph_supported(graph, &refused);
  if (!refused.supported) return cts_skip_unsupported(cts, refused.reason);
  for (uint32_t i = 0; i < scratch->value_count; ++i) {
    if (scratch->values[i].constant != NULL) scratch->values[i].constant = &graph->constants[i]; /* these live on */
  }
  CTS_TRY(cts_compile(cts, cts->queue, &scratch->subgraph, &executable));
  memset(scratch, 0xee, sizeof *scratch);
  or_status_t status = cts_graph_bind(graph, &executable, &run);
  if (or_ok(status)) status = or_queue_run(cts->queue, cts_work, &run->call);
  if (or_ok(status)) status = cts_graph_compare(run);
  executable.release(executable.self);
  return status;
}

static or_status_t releases_in_any_order(cts_t *cts, const void *data) {
  (void)data;
  static const int orders[3][3] = {{0, 1, 2}, {2, 1, 0}, {1, 2, 0}};
  cts_graph_t *graph = NULL;
  or_support_t refused;
  CTS_TRY(make_graph(cts, 4, &graph));
  cts_graph_supported(graph, &refused);
  if (!refused.supported) return cts_skip_unsupported(cts, refused.reason);
  for (int o = 0; o < 3; ++o) {
    or_executable_t executables[3];
    uint64_t used = or_device_memory_usage(cts->device).used_bytes;
    int compiled = 0;
    or_status_t status = or_status_success();
    while (or_ok(status) && compiled < 3) {
      status = cts_compile(cts, cts->queue, &graph->subgraph, &executables[compiled]);
      if (or_ok(status)) ++compiled;
    }
    cts_graph_run_t *run = NULL;
    size_t kept = cts->buffer_count;
    for (int i = 0; i < compiled; ++i) {
      or_executable_t *it = &executables[compiled == 3 ? orders[o][i] : i];
      if (or_ok(status)) status = cts_graph_bind(graph, it, &run);
      if (or_ok(status)) status = or_queue_run(cts->queue, cts_work, &run->call);
      if (or_ok(status)) status = cts_graph_compare(run);
      it->release(it->self);
    }
    while (cts->buffer_count > kept) or_buffer_release(cts->buffers[--cts->buffer_count]);
    CTS_TRY(status);
    CTS_CHECK(or_device_memory_usage(cts->device).used_bytes == used, "%llu bytes were not given back",
              (unsigned long long)(or_device_memory_usage(cts->device).used_bytes - used));
  }
  return or_status_success();
}

/* An executable may outlive the queue that it was compiled on, and run on another. */
static or_status_t outlives_its_queue(cts_t *cts, const void *data) {
  (void)data;
  cts_graph_t *graph = NULL;
  or_support_t refused;
  or_executable_t executable;
  or_queue_t *queue = NULL;
  cts_graph_run_t *run = NULL;
  CTS_TRY(make_graph(cts, 5, &graph));
  cts_graph_supported(graph, &refused);
  if (!refused.supported) return cts_skip_unsupported(cts, refused.reason);
  CTS_TRY(or_queue_create(cts->device, &queue));
  or_status_t status = cts_compile(cts, queue, &graph->subgraph, &executable);
  or_queue_release(queue);
  CTS_TRY(status);
  status = cts_graph_bind(graph, &executable, &run);
  if (or_ok(status)) status = or_queue_run(cts->queue, cts_work, &run->call);
  if (or_ok(status)) status = cts_graph_compare(run);
  executable.release(executable.self);
  return status;
}

static or_status_t read_nothing(const or_constant_t *constant, size_t offset, void *destination, size_t length) {
  (void)destination;
  return or_error(OR_DATA_LOSS, "the file of a constant of %zu bytes ends before offset %zu + %zu", constant->bytes,
                  offset, length);
}

static or_status_t reports_a_constant_that_can_not_be_read(cts_t *cts, const void *data) {
  (void)data;
  cts_graph_t *graph = NULL;
  or_support_t refused;
  CTS_TRY(make_graph(cts, 6, &graph));
  cts_graph_supported(graph, &refused);
  if (!refused.supported) return cts_skip_unsupported(cts, refused.reason);
  uint64_t used = or_device_memory_usage(cts->device).used_bytes;
  for (uint32_t i = 0; i < graph->value_count; ++i) {
    graph->constants[i].data = NULL;
    graph->constants[i].read = read_nothing;
    graph->constants[i].hash += 1; /* another content than any that is packed already */
  }
  or_executable_t executable;
  or_status_t status = cts_compile(cts, cts->queue, &graph->subgraph, &executable);
  if (or_ok(status)) executable.release(executable.self);
  CTS_TRY(cts_expect(status, OR_DATA_LOSS, "compile"));
  CTS_CHECK(or_device_memory_usage(cts->device).used_bytes == used, "the failed compilation kept memory");
  return or_status_success();
}

static or_status_t gives_all_back_when_memory_ends(cts_t *cts, const void *data) {
  (void)data;
  cts_graph_t *graph = NULL;
  or_support_t refused;
  CTS_TRY(make_graph(cts, 7, &graph));
  cts_graph_supported(graph, &refused);
  if (!refused.supported) return cts_skip_unsupported(cts, refused.reason);
  uint64_t used = or_device_memory_usage(cts->device).used_bytes;
  for (uint64_t more = 0; more <= 16384; more = more == 0 ? 64 : more * 4) {
    or_executable_t executable;
    or_device_set_memory_limit(cts->device, used + more);
    or_status_t status = cts_compile(cts, cts->queue, &graph->subgraph, &executable);
    or_device_set_memory_limit(cts->device, UINT64_MAX);
    if (or_ok(status)) {
      executable.release(executable.self);
    } else {
      status = cts_expect(status, OR_RESOURCE_EXHAUSTED, "compile with little memory");
    }
    CTS_TRY(status);
    CTS_CHECK(or_device_memory_usage(cts->device).used_bytes == used, "with %llu bytes, compile kept memory",
              (unsigned long long)more);
  }
  return or_status_success();
}

static or_status_t refuses_an_unknown_operator(cts_t *cts, const void *data) {
  (void)data;
  cts_graph_t *graph = NULL;
  or_support_t answer = {.supported = true};
  CTS_TRY(make_graph(cts, 8, &graph));
  graph->nodes[0].domain = "com.example";
  graph->nodes[0].op = "Nonsense";
  graph->nodes[0].definition = NULL;
  CTS_TRY(cts->opened->supports(cts->opened->self, &graph->subgraph, &graph->nodes[0], &answer));
  CTS_CHECK(!answer.supported && answer.reason[0] != '\0',
            "com.example:Nonsense counts as supported, or is refused without a reason");
  return or_status_success();
}

void cts_suite_run(cts_t *cts) {
  static const struct {
    const char *name;
    with_executable_t use;
  } rows[] = {
      {"run/runs_several_nodes", runs_several_nodes},
      {"run/reports_kernels_and_times", reports_kernels_and_times},
      {"run/stops_when_cancelled", stops_when_cancelled},
      {"run/keeps_runs_in_flight_apart", keeps_runs_in_flight_apart},
      {"run/shares_packed_constants", shares_packed_constants},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i) cts_case(cts, rows[i].name, with_executable, &rows[i].use);
  cts_case(cts, "run/keeps_nothing_borrowed", keeps_nothing_borrowed, NULL);
  cts_case(cts, "run/releases_in_any_order", releases_in_any_order, NULL);
  cts_case(cts, "run/outlives_its_queue", outlives_its_queue, NULL);
  cts_case(cts, "run/reports_a_constant_that_can_not_be_read", reports_a_constant_that_can_not_be_read, NULL);
  cts_case(cts, "run/gives_all_back_when_memory_ends", gives_all_back_when_memory_ends, NULL);
  cts_case(cts, "compile/refuses_an_unknown_operator", refuses_an_unknown_operator, NULL);
}
