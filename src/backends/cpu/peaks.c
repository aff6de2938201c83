/* The machine's limits, by loops that do nothing else: multiply-adds from registers, reading, copying. */
#include <string.h>

#include "backends/cpu/work_internal.h"
#include "base/clock.h"

#define ROUND_NS 25000000 /* of one loop */
#define ROUNDS 6          /* of each, in turns: the best counts, for other work on the machine only slows */
#define BUFFER_BYTES_LEAST ((size_t)64 << 20)
#define BUFFER_BYTES_MOST ((size_t)512 << 20)

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

/* Operations a second of the whole team; raises *best. Finds how many iterations fill a round in the first. */
static void measure_peak(or_cpu_queue_t *queue, peak_fn function, uint64_t *iterations, double *best) {
  if (function == NULL) return;
  size_t threads = (size_t)or_team_size(queue->team);
  for (;;) {
    peak_work_t work = {.function = function, .iterations = *iterations};
    int64_t start = or_clock_ns();
    or_parallel_for(queue->team, threads, 1, peak_body, &work);
    int64_t took = or_clock_ns() - start;
    if (took < ROUND_NS / 4 && *iterations < UINT64_MAX / 8) {
      *iterations *= took < ROUND_NS / 32 ? 8 : 2;
      continue;
    }
    double rate = (double)work.operations * 1e9 / (double)took;
    if (!(rate <= *best)) *best = rate;
    return;
  }
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
    uint64_t iterations[4] = {1000, 1000, 1000, 1000};
    for (int round = 0; round < ROUNDS; ++round) {
      measure_peak(queue, measure->peak_f32, &iterations[0], &best[0]);
      measure_peak(queue, measure->peak_f64, &iterations[1], &best[1]);
      measure_peak(queue, measure->peak_bf16, &iterations[2], &best[2]);
      measure_peak(queue, measure->peak_int8, &iterations[3], &best[3]);
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
