/* How long a small task takes through a session: MatMul of 16 x 16, output given, from several threads at once.
 * submit DEVICE_THREADS CALLERS SECONDS [GAP_US] prints a JSON object. With a gap each caller waits that long, asleep,
 * between two runs: what a task costs on a machine that is idle. */
#include <openruntime/openruntime.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/resource.h>

#include "worker.h"

enum { MAX_CALLERS = 64, SIDE = 16, WARM_UP = 200, MAX_SAMPLES = 1 << 18 };

typedef struct caller_t {
  or_session_t *session;
  or_binding_t inputs[2], output;
  double *samples, length; /* seconds */
  size_t count;
  long gap_us;
  int failed;
  pthread_t thread;
  pthread_barrier_t *start;
} caller_t;

static int by_value(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static int once(caller_t *caller) {
  or_status_t status = or_session_run(caller->session, caller->inputs, 2, &caller->output, 1);
  int good = or_ok(status);
  if (!good) (void)fprintf(stderr, "submit: %s\n", or_status_message(status));
  or_status_ignore(status); /* printed */
  return good;
}

static void *call(void *self) {
  caller_t *caller = self;
  for (int i = 0; i < WARM_UP; ++i) caller->failed |= !once(caller);
  (void)pthread_barrier_wait(caller->start);
  for (double now = bench_seconds(), end = now + caller->length; now < end && !caller->failed;) {
    if (caller->gap_us > 0) {
      struct timespec gap = {caller->gap_us / 1000000, caller->gap_us % 1000000 * 1000};
      (void)nanosleep(&gap, NULL);
      now = bench_seconds();
    }
    caller->failed |= !once(caller);
    double after = bench_seconds();
    if (caller->count < MAX_SAMPLES) caller->samples[caller->count] = after - now;
    ++caller->count;
    now = after;
  }
  return NULL;
}

static or_status_t prepare(or_device_t *device, caller_t *callers, size_t count) {
  or_shape_t shape = or_shape_make(2, (int64_t[]){SIDE, SIDE});
  or_status_t status = or_status_success();
  for (size_t c = 0; or_ok(status) && c < count; ++c) {
    or_tensor_t *operands[3] = {NULL, NULL, NULL};
    for (int k = 0; or_ok(status) && k < 3; ++k) {
      status = or_tensor_create(device, OR_FLOAT32, shape, &operands[k]);
      if (!or_ok(status)) break;
      float *data = or_buffer_host_pointer(or_tensor_buffer(operands[k]));
      for (size_t i = 0; i < SIDE * SIDE; ++i) data[i] = (float)bench_value(i, (size_t)k);
    }
    for (int k = 0; k < 2; ++k) callers[c].inputs[k].tensor = operands[k];
    callers[c].output.tensor = operands[2];
    or_compute_call_t call = {.op = "MatMul", .inputs = operands, .input_count = 2, .output_count = 1};
    if (or_ok(status) && c == 0) status = or_compute_session(device, &call, &callers[0].session);
    callers[c].session = callers[0].session;
  }
  return status;
}

static double cpu_of(const struct rusage *usage) {
  return (double)(usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) * 1e6 +
         (double)(usage->ru_utime.tv_usec + usage->ru_stime.tv_usec);
}

static void print(caller_t *callers, size_t count, double seconds, const struct rusage *before) {
  double *all = malloc(count * MAX_SAMPLES * sizeof *all);
  size_t kept = 0, runs = 0;
  struct rusage after;
  (void)getrusage(RUSAGE_SELF, &after);
  for (size_t c = 0; all != NULL && c < count; ++c) {
    size_t own = callers[c].count < MAX_SAMPLES ? callers[c].count : MAX_SAMPLES;
    memcpy(all + kept, callers[c].samples, own * sizeof *all);
    kept += own;
    runs += callers[c].count;
  }
  if (all == NULL || kept == 0) return;
  qsort(all, kept, sizeof *all, by_value);
  double cpu_us = cpu_of(&after) - cpu_of(before);
  (void)printf("{\"callers\": %zu, \"runs_per_s\": %.0f, \"latency_us\": {"
               "\"p10\": %.2f, \"median\": %.2f, \"p90\": %.2f, "
               "\"p99\": %.2f}, \"cpu_us_per_run\": %.2f, \"sleeps_per_run\": %.3f}\n",
               count, (double)runs / seconds, all[kept / 10] * 1e6, all[kept / 2] * 1e6, all[kept * 9 / 10] * 1e6,
               all[kept * 99 / 100] * 1e6, cpu_us / (double)runs,
               (double)(after.ru_nvcsw - before->ru_nvcsw) / (double)runs);
  free(all);
}

int main(int argc, char **argv) {
  static caller_t callers[MAX_CALLERS];
  or_runtime_options_t options = or_runtime_options_default();
  or_runtime_t *runtime = NULL;
  or_device_t *device = NULL;
  pthread_barrier_t start;
  struct rusage before;
  size_t count = argc >= 4 ? (size_t)strtoul(argv[2], NULL, 10) : 0;
  double seconds = argc >= 4 ? strtod(argv[3], NULL) : 0;
  if (count == 0 || count > MAX_CALLERS || seconds <= 0) {
    (void)fprintf(stderr, "usage: submit DEVICE_THREADS CALLERS SECONDS [GAP_US]\n");
    return 2;
  }
  options.backends = "cpu";
  options.threads = (int32_t)strtol(argv[1], NULL, 10);
  or_status_t status = or_runtime_create(&options, &runtime);
  if (or_ok(status)) status = or_runtime_find_device(runtime, "cpu", &device);
  if (or_ok(status)) status = prepare(device, callers, count);
  if (!or_ok(status)) {
    (void)fprintf(stderr, "submit: %s\n", or_status_message(status));
    or_status_ignore(status); /* printed */
    return 1;
  }
  (void)pthread_barrier_init(&start, NULL, (unsigned)count + 1);
  for (size_t c = 0; c < count; ++c) {
    callers[c].samples = calloc(MAX_SAMPLES, sizeof(double));
    callers[c].length = seconds;
    callers[c].gap_us = argc > 4 ? strtol(argv[4], NULL, 10) : 0;
    callers[c].start = &start;
    if (callers[c].samples == NULL || pthread_create(&callers[c].thread, NULL, call, &callers[c]) != 0) return 1;
  }
  (void)pthread_barrier_wait(&start);
  (void)getrusage(RUSAGE_SELF, &before);
  for (size_t c = 0; c < count; ++c) (void)pthread_join(callers[c].thread, NULL);
  print(callers, count, seconds, &before);
  int failed = 0;
  for (size_t c = 0; c < count; ++c) {
    failed |= callers[c].failed;
    for (int k = 0; k < 2; ++k) or_tensor_release(callers[c].inputs[k].tensor);
    or_tensor_release(callers[c].output.tensor);
    free(callers[c].samples);
  }
  or_session_release(callers[0].session);
  or_runtime_release(runtime);
  return failed;
}
