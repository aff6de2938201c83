#include "backends/cpu/work_internal.h"

#include "backends/cpu/half_internal.h"

typedef struct copy_t {
  const or_cpu_kernels_t *kernels;
  const char *from;
  char *to;
  bool stream;
} copy_t;

static void copy_body(void *self, size_t begin, size_t end, int thread) {
  const copy_t *copy = self;
  (void)thread;
  copy->kernels->copy(end - begin, copy->from + begin, copy->to + begin, copy->stream);
}

or_status_t or_cpu_copy_bytes(const or_cpu_run_t *run, const void *from, void *to, size_t bytes) {
  copy_t copy = {run->kernels, from, to, bytes >= or_cpu_stream_bytes(run->device)};
  return or_cpu_parallel_elements(run, bytes, 2, copy_body, &copy);
}

typedef struct group_t {
  or_parallel_body_t body;
  void *self;
  size_t first;
} group_t;

static void group_body(void *self, size_t begin, size_t end, int thread) {
  const group_t *group = self;
  group->body(group->self, group->first + begin, group->first + end, thread);
}

/* Memory traffic between two looks at the cancel token. */
#define BYTES_BETWEEN_LOOKS ((size_t)256 << 20)

/* In pieces of `piece` units. */
static or_status_t in_pieces(const or_cpu_run_t *run, size_t count, size_t piece, size_t grain, group_t group) {
  if (count <= piece) {
    or_parallel_for(run->team, count, grain, group.body, group.self);
    return or_status_success();
  }
  for (; group.first < count; group.first += piece) {
    if (group.first > 0 && or_cancel_requested(run->cancel)) return or_cancel_status(run->cancel);
    or_parallel_for(run->team, or_cpu_min(piece, count - group.first), grain, group_body, &group);
  }
  return or_status_success();
}

or_status_t or_cpu_parallel_elements(const or_cpu_run_t *run, size_t count, size_t bytes, or_parallel_body_t body,
                                     void *self) {
  size_t piece = BYTES_BETWEEN_LOOKS / (bytes > 0 ? bytes : 1) / 64 * 64;
  return in_pieces(run, count, piece > 0 ? piece : 64, or_cpu_grain(bytes), (group_t){body, self, 0});
}

or_status_t or_cpu_parallel_units(const or_cpu_run_t *run, size_t count, size_t grain, size_t unit_bytes,
                                  or_parallel_body_t body, void *self) {
  size_t piece = BYTES_BETWEEN_LOOKS / (unit_bytes > 0 ? unit_bytes : 1);
  return in_pieces(run, count, piece > 0 ? piece : 1, grain, (group_t){body, self, 0});
}

or_status_t or_cpu_parallel_groups(const or_cpu_run_t *run, size_t count, size_t group, or_parallel_body_t body,
                                   void *self) {
  if (group == 0) group = 1;
  for (size_t first = 0; first < count; first += group) {
    if (first > 0 && or_cancel_requested(run->cancel)) return or_cancel_status(run->cancel);
    group_t piece = {body, self, first};
    or_parallel_for(run->team, or_cpu_min(group, count - first), 1, group_body, &piece);
  }
  return or_status_success();
}

typedef struct halves_t {
  or_cpu_half_t half;
  const uint16_t *narrow_x;
  const float *wide_x;
  float *wide_y;
  uint16_t *narrow_y;
} halves_t;

static void widen_body(void *self, size_t begin, size_t end, int thread) {
  const halves_t *work = self;
  (void)thread;
  work->half.widen(end - begin, work->narrow_x + begin, work->wide_y + begin);
}

static void narrow_body(void *self, size_t begin, size_t end, int thread) {
  const halves_t *work = self;
  (void)thread;
  work->half.narrow(end - begin, work->wide_x + begin, work->narrow_y + begin);
}

or_status_t or_cpu_widen(const or_cpu_run_t *run, or_dtype_t dtype, size_t count, const void *x, float *y) {
  halves_t work = {.half = or_cpu_half(run->kernels, dtype), .narrow_x = x, .wide_y = y};
  return or_cpu_parallel_elements(run, count, 6, widen_body, &work);
}

or_status_t or_cpu_narrow(const or_cpu_run_t *run, or_dtype_t dtype, size_t count, const float *x, void *y) {
  halves_t work = {.half = or_cpu_half(run->kernels, dtype), .wide_x = x, .narrow_y = y};
  return or_cpu_parallel_elements(run, count, 6, narrow_body, &work);
}
