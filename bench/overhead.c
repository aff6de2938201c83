/* What the runtime adds to each node: the wall time of a run less the sum of its nodes' own times, over the nodes.
 * overhead MODEL THREADS ROUNDS prints a JSON object; each round is a plain run and a profiled one, in turns. */
#include <openruntime/openruntime.h>

#include "worker.h"

enum { WARM_UP = 20, BATCH = 20 };

typedef struct totals_t {
  double *wall, *nodes; /* seconds a run, one entry a round */
  size_t node_count;
} totals_t;

static int by_value(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static double quantile(double *values, size_t count, double q) {
  qsort(values, count, sizeof *values, by_value);
  return values[(size_t)(q * (double)(count - 1) + 0.5)];
}

static or_status_t prepare(or_runtime_t *runtime, const char *path, or_session_t **session, or_binding_t *input) {
  or_model_t *model = NULL;
  or_device_t *device = NULL;
  or_status_t status = or_runtime_find_device(runtime, "cpu", &device);
  if (or_ok(status)) status = or_model_load(runtime, path, NULL, &model);
  or_session_options_t options = {.device = device};
  if (or_ok(status)) status = or_session_create(model, &options, session);
  if (or_ok(status)) {
    or_shape_t shape = or_model_input(model, 0)->shape;
    for (int32_t d = 0; d < shape.rank; ++d) shape.dims[d] = shape.dims[d] < 0 ? 1 : shape.dims[d];
    status = or_tensor_create(device, OR_FLOAT32, shape, &input->tensor);
  }
  if (or_ok(status)) {
    float *data = or_buffer_host_pointer(or_tensor_buffer(input->tensor));
    for (size_t i = 0; i < or_tensor_count(input->tensor); ++i) data[i] = (float)bench_value(i, 0);
  }
  or_model_release(model);
  return status;
}

static or_status_t round_of(or_session_t *session, or_binding_t *input, or_binding_t *output, totals_t *totals,
                            size_t round) {
  or_status_t status = or_status_success();
  double start = bench_seconds();
  for (int i = 0; or_ok(status) && i < BATCH; ++i) status = or_session_run(session, input, 1, output, 1);
  totals->wall[round] = (bench_seconds() - start) / BATCH;
  totals->nodes[round] = 0;
  for (int i = 0; or_ok(status) && i < BATCH; ++i) {
    or_session_report_t *report = NULL;
    status = or_session_explain(session, input, 1, true, &report);
    if (!or_ok(status)) break;
    totals->node_count = report->node_count;
    for (size_t k = 0; k < report->node_count; ++k) totals->nodes[round] += report->nodes[k].seconds / BATCH;
    or_session_report_free(report);
  }
  return status;
}

static void print(totals_t *totals, size_t rounds) {
  double *overhead = calloc(rounds, sizeof *overhead);
  if (overhead == NULL) return;
  for (size_t i = 0; i < rounds; ++i) overhead[i] = (totals->wall[i] - totals->nodes[i]) / (double)totals->node_count;
  (void)printf("{\"nodes\": %zu, \"rounds\": %zu, \"overhead_us_per_node\": {\"median\": %.3f, \"p10\": %.3f, "
               "\"p90\": %.3f}, \"run_us\": %.3f, \"node_sum_us\": %.3f}\n",
               totals->node_count, rounds, quantile(overhead, rounds, 0.5) * 1e6, quantile(overhead, rounds, 0.1) * 1e6,
               quantile(overhead, rounds, 0.9) * 1e6, quantile(totals->wall, rounds, 0.5) * 1e6,
               quantile(totals->nodes, rounds, 0.5) * 1e6);
  free(overhead);
}

int main(int argc, char **argv) {
  or_runtime_options_t options = or_runtime_options_default();
  or_runtime_t *runtime = NULL;
  or_session_t *session = NULL;
  or_binding_t input = {0}, output = {0};
  size_t rounds = argc == 4 ? (size_t)strtoul(argv[3], NULL, 10) : 0;
  totals_t totals = {calloc(rounds + 1, sizeof(double)), calloc(rounds + 1, sizeof(double)), 0};
  if (rounds == 0 || totals.wall == NULL || totals.nodes == NULL) {
    (void)fprintf(stderr, "usage: overhead MODEL THREADS ROUNDS\n");
    return 2;
  }
  options.backends = "cpu";
  options.threads = (int32_t)strtol(argv[2], NULL, 10);
  or_status_t status = or_runtime_create(&options, &runtime);
  if (or_ok(status)) status = prepare(runtime, argv[1], &session, &input);
  for (int i = 0; or_ok(status) && i < WARM_UP; ++i) status = or_session_run(session, &input, 1, &output, 1);
  for (size_t i = 0; or_ok(status) && i < rounds; ++i) status = round_of(session, &input, &output, &totals, i);
  int code = or_ok(status) ? 0 : 1;
  if (code == 0) print(&totals, rounds);
  if (code != 0) (void)fprintf(stderr, "overhead: %s\n", or_status_message(status));
  or_status_ignore(status); /* printed */
  or_tensor_release(input.tensor);
  or_tensor_release(output.tensor);
  or_session_release(session);
  or_runtime_release(runtime);
  free(totals.wall);
  free(totals.nodes);
  return code;
}
