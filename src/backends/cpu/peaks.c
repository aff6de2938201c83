/* The machine's limits, by loops that do nothing else: multiply-adds from registers, reading, copying. */
#include <string.h>

#include "backends/cpu/work_internal.h"
#include "base/clock.h"

/* In turns, and the best of each counts: other work on the machine only slows. Rounds are shorter than a time slice of
 * the system's, so that some of them run undisturbed. */
#define ROUND_NS 2000000
#define ROUNDS 48
#define ROUNDS_PER_STREAM 6 /* reading and copying take longer: in every sixth round */
#define BUFFER_BYTES_LEAST ((size_t)64 << 20)
#if defined(__OPTIMIZE__)
#define BUFFER_BYTES_MOST ((size_t)512 << 20)
#else /* slower than any memory: what is beyond the caches would only take long */
#define BUFFER_BYTES_MOST BUFFER_BYTES_LEAST
#endif

typedef uint64_t (*peak_fn)(uint64_t iterations);

typedef struct peak_work_t {
  peak_fn function;
  uint64_t iterations;
  _Atomic uint64_t operations;
} peak_work_t;

static void peak_body(void *self, size_t begin, size_t end, int thread) {
  peak_work_t *work = self;
  (void)thread;
  for (size_t i = begin; i < end; ++i) work->operations += work->function(work->iterations);
}

/* The shortest of a few tries on this thread alone: other work on the machine only lengthens. */
static int64_t shortest(peak_fn function, uint64_t iterations) {
  int64_t best = INT64_MAX;
  for (int i = 0; i < 3; ++i) {
    int64_t start = or_clock_ns();
    (void)function(iterations);
    int64_t took = or_clock_ns() - start;
    if (took < best) best = took;
  }
  return best;
}

/* As many iterations as fill a round. */
static uint64_t iterations_of(peak_fn function) {
  uint64_t iterations = 1000;
  if (function == NULL) return 0;
  while (shortest(function, iterations) < ROUND_NS / 8 && iterations < UINT64_MAX / 4) iterations *= 2;
  return iterations * 8;
}

/* Operations a second of the whole team; raises *best. */
static void measure_peak(or_cpu_queue_t *queue, peak_fn function, uint64_t iterations, double *best) {
  if (function == NULL) return;
  peak_work_t work = {.function = function, .iterations = iterations};
  int64_t start = or_clock_ns();
  or_parallel_for(queue->team, (size_t)or_team_size(queue->team), 1, peak_body, &work);
  double rate = (double)work.operations * 1e9 / (double)(or_clock_ns() - start);
  if (!(rate <= *best)) *best = rate;
}

typedef struct stream_work_t {
  const or_cpu_kernels_t *kernels;
  const char *from;
  char *to;        /* NULL: read only */
  double sums[64]; /* kept, so that nothing is left out as unused */
} stream_work_t;

static void stream_body(void *self, size_t begin, size_t end, int thread) {
  stream_work_t *work = self;
  if (work->to != NULL) {
    work->kernels->copy(end - begin, work->from + begin, work->to + begin, true);
  } else {
    const float *from = (const float *)(const void *)(work->from + begin);
    work->sums[thread % 64] += work->kernels->measure.read_sum((end - begin) / sizeof(float), from);
  }
}

static void measure_stream(or_cpu_queue_t *queue, const void *from, void *to, size_t bytes, double *best) {
  stream_work_t work = {.kernels = queue->device->kernels, .from = from, .to = to};
  int64_t start = or_clock_ns();
  or_parallel_for(queue->team, bytes, 1 << 20, stream_body, &work);
  double rate = (double)(to != NULL ? 2 * bytes : bytes) * 1e9 / (double)(or_clock_ns() - start);
  if (!(rate <= *best)) *best = rate;
}

or_status_t or_cpu_measure_peaks(void *self, void *queue, or_device_peaks_t *out) {
  or_cpu_device_t *device = self;
  or_buffer_t *from = NULL, *to = NULL;
  size_t bytes = or_cpu_min(or_cpu_max(4 * device->caches.l3_bytes, BUFFER_BYTES_LEAST), BUFFER_BYTES_MOST);
  or_status_t status = or_buffer_create(device->device, bytes, &from);
  if (or_ok(status)) status = or_buffer_create(device->device, bytes, &to);
  if (or_ok(status)) {
    const or_cpu_measure_t *measure = &device->kernels->measure;
    void *source = or_buffer_host_pointer(from), *destination = or_buffer_host_pointer(to);
    memset(source, 0, bytes); /* pages that were never written are all one page of zeros */
    memset(destination, 0, bytes);
    double best[6];
    for (int i = 0; i < 6; ++i) best[i] = OR_UNKNOWN_F;
    const peak_fn functions[4] = {measure->peak_f32, measure->peak_f64, measure->peak_bf16, measure->peak_int8};
    uint64_t iterations[4];
    for (int i = 0; i < 4; ++i) iterations[i] = iterations_of(functions[i]);
    for (int round = 0; round < ROUNDS; ++round) {
      for (int i = 0; i < 4; ++i) measure_peak(queue, functions[i], iterations[i], &best[i]);
      if (round % ROUNDS_PER_STREAM != 0) continue;
      measure_stream(queue, source, NULL, bytes, &best[4]);
      measure_stream(queue, source, destination, bytes, &best[5]);
    }
    *out = (or_device_peaks_t){.fp32_flops = best[0],
                               .fp64_flops = best[1],
                               .bf16_flops = best[2],
                               .int8_ops = best[3],
                               .read_bytes_per_second = best[4],
                               .copy_bytes_per_second = best[5]};
  }
  or_buffer_release(from);
  or_buffer_release(to);
  return status;
}
