/* Timing of repeated runs, comparison with a reference, generated inputs. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/numbers.h"
#include "base/thread.h"
#include "runtime/runtime.h"
#include "runtime/session.h"
#include "task/task_internal.h"

#define WARM_UP_RUNS 3 /* the first makes plan and outputs */
#define WARM_UP_S 0.05
#define SHORT_S 0.02 /* of a run: a few more don't matter, whatever the time */
#define QUICK_S 0.01 /* no further run begins after it */
#define PEAK_RETRIES 3
#define BEYOND_CACHES_BYTES 268435456.0 /* more than caches hold */
#define CANCEL_POLL_NS INT64_C(5000000)
#define FILL_PIECE ((size_t)1 << 22) /* elements between two looks at a cancel request; even, for types of 4 bits */

/* What the callback of a run tells its waiter. */
typedef struct waiter_t {
  or_mutex_t mutex;
  or_cond_t ended;
  bool done;
  or_status_t status;
} waiter_t;

static void run_ended(void *self, or_status_t status, or_binding_t *outputs, size_t output_count) {
  waiter_t *waiter = self;
  (void)outputs, (void)output_count;
  or_mutex_lock(&waiter->mutex);
  waiter->status = status;
  waiter->done = true;
  or_cond_signal(&waiter->ended);
  or_mutex_unlock(&waiter->mutex);
}

or_status_t or_task_run_session(or_session_t *session, const or_binding_t *inputs, size_t input_count,
                                or_binding_t *outputs, size_t output_count, or_cancel_t *cancel) {
  if (cancel == NULL) return or_session_run(session, inputs, input_count, outputs, output_count);
  or_status_t status = or_cancel_status(cancel);
  if (!or_ok(status)) return status;
  waiter_t waiter = {.done = false};
  or_run_t *run = NULL;
  bool ran = false;
  or_run_request_t request = {inputs, input_count, outputs, output_count, run_ended, &waiter};
  status = or_session_run_program(session, &request, cancel, &ran);
  if (ran || !or_ok(status)) return status;
  or_mutex_init(&waiter.mutex);
  or_cond_init(&waiter.ended);
  status = or_session_start(session, &request, cancel, &run);
  if (or_ok(status)) {
    or_mutex_lock(&waiter.mutex);
    while (!waiter.done) {
      (void)or_cond_wait_until(&waiter.ended, &waiter.mutex, or_clock_ns() + CANCEL_POLL_NS);
      if (or_cancel_requested(cancel)) or_run_cancel(run);
    }
    status = waiter.status;
    or_mutex_unlock(&waiter.mutex);
    if (or_status_code(status) == OR_CANCELLED && or_cancel_requested(cancel)) {
      or_status_ignore(status); /* the request knows whether it was a deadline */
      status = or_cancel_status(cancel);
    }
  }
  or_run_release(run);
  or_cond_deinit(&waiter.ended);
  or_mutex_deinit(&waiter.mutex);
  return status;
}

static int compare_doubles(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

double or_task_quantile(const double *sorted, size_t count, double q) {
  int64_t index = (int64_t)ceil(q * (double)count) - 1;
  return sorted[index < 0 ? 0 : index];
}

static or_status_t run_once(or_session_t *session, const or_measure_bindings_t *bindings, or_cancel_t *cancel) {
  or_task_renew_outputs(bindings->outputs, bindings->output_count);
  return or_task_run_session(session, bindings->inputs, bindings->input_count, bindings->outputs,
                             bindings->output_count, cancel);
}

/* Where it is the result that counts, without a hand-over if it is too small for one. */
static or_status_t run_timed(or_session_t *session, const or_measure_bindings_t *bindings,
                             const or_measure_options_t *options, bool *here) {
  or_status_t status = options->cancel != NULL ? or_cancel_status(options->cancel) : or_status_success();
  *here = false;
  if (or_ok(status) && options->quick)
    status = or_session_run_here(session, bindings->inputs, bindings->input_count, bindings->outputs,
                                 bindings->output_count, here);
  if (!or_ok(status) || *here) return status;
  if (options->here_only) return or_error(OR_UNAVAILABLE, "it can't be run at once on this thread");
  return run_once(session, bindings, options->cancel);
}

or_measure_options_t or_task_measure_options(const or_task_run_t *run, double budget_s, bool given) {
  const bool quick = run->context->quick;
  const int64_t asked = run->task->parameters.iterations;
  return (or_measure_options_t){.iterations = asked == 0 && quick && given ? 1 : asked,
                                .budget_s = quick ? QUICK_S : budget_s,
                                .cancel = run->context->cancel,
                                .quick = quick,
                                .here_only = run->context->here_only};
}

/* Whether what takes so long would end too late. */
static bool ends_after(double seconds, int64_t until_ns) { return or_clock_ns() + (int64_t)(seconds * 1e9) > until_ns; }

static bool is_enough(const or_measure_options_t *options, int64_t runs, int64_t begin_ns, double last_s) {
  if (options->iterations > 0) return runs >= options->iterations;
  if (options->until_ns != 0) {
    const double share_s = (double)(options->until_ns - begin_ns) * 1e-9;
    const bool fits = last_s < SHORT_S || last_s * OR_MEASURE_MIN_RUNS < 2 * share_s;
    return runs >= OR_MEASURE_MAX_RUNS ||
           (runs >= (fits ? OR_MEASURE_MIN_RUNS : 1) && ends_after(last_s, options->until_ns));
  }
  const int64_t most = options->quick ? OR_MEASURE_QUICK_RUNS : OR_MEASURE_MAX_RUNS;
  const int64_t least = options->quick ? 1 : OR_MEASURE_MIN_RUNS;
  return runs >= least && (runs >= most || (double)(or_clock_ns() - begin_ns) * 1e-9 >= options->budget_s);
}

/* The first run makes plan and outputs; a timed one must find its time as well. */
static bool is_warm(const or_measure_options_t *options, int runs, int64_t begin_ns, double last_s) {
  if (options->quick) return true;
  double warm_s = WARM_UP_S;
  if (options->until_ns != 0) {
    if (runs > 0 && ends_after(2 * last_s, options->until_ns)) return true;
    warm_s = fmin(warm_s, (double)(options->until_ns - begin_ns) * 0.25e-9);
  }
  return runs >= WARM_UP_RUNS && (double)(or_clock_ns() - begin_ns) * 1e-9 >= warm_s;
}

static void summarise(double *times, int64_t kept, or_measurement_t *out) {
  qsort(times, (size_t)kept, sizeof *times, compare_doubles);
  out->min_s = times[0];
  out->median_s = kept % 2 == 1 ? times[kept / 2] : 0.5 * (times[kept / 2 - 1] + times[kept / 2]);
  out->p90_s = or_task_quantile(times, (size_t)kept, 0.90);
  out->p99_s = or_task_quantile(times, (size_t)kept, 0.99);
}

or_status_t or_task_measure(or_session_t *session, const or_measure_bindings_t *bindings,
                            const or_measure_options_t *options, or_measurement_t *out) {
  double times[OR_MEASURE_MAX_RUNS]; /* 80 kB of stack; a longer series keeps its first runs */
  int64_t begin_ns = or_clock_ns(), kept = 0;
  double seconds = 0;
  or_status_t status = or_status_success();
  *out = (or_measurement_t){.here = true};
  for (int i = 0; or_ok(status) && !is_warm(options, i, begin_ns, seconds); ++i) {
    const int64_t start_ns = or_clock_ns();
    status = run_once(session, bindings, options->cancel);
    seconds = (double)(or_clock_ns() - start_ns) * 1e-9;
  }
  begin_ns = or_clock_ns();
  while (or_ok(status) && !is_enough(options, out->runs, begin_ns, seconds)) {
    int64_t start_ns = or_clock_ns();
    bool here;
    status = run_timed(session, bindings, options, &here);
    out->here = out->here && here;
    seconds = (double)(or_clock_ns() - start_ns) * 1e-9;
    out->put_off = options->here_only && !here && or_status_code(status) == OR_UNAVAILABLE;
    if (kept < OR_MEASURE_MAX_RUNS) times[kept++] = seconds;
    ++out->runs;
    out->total_s += seconds;
  }
  if (or_ok(status) && options->cancel != NULL) status = or_cancel_status(options->cancel); /* during the last run */
  if (!or_ok(status)) return status;
  const bool first_apart = options->quick && options->iterations == 0 && kept > 1;
  if (first_apart) {
    --out->runs;
    out->total_s -= times[0];
  }
  summarise(times + first_apart, kept - first_apart, out);
  return status;
}

static or_status_t fill(uint64_t seed, or_dtype_t dtype, char *data, size_t count, const or_cancel_t *cancel) {
  or_random_t random = {seed};
  or_status_t status = or_status_success();
  for (size_t first = 0; or_ok(status) && first < count; first += FILL_PIECE) {
    size_t piece = count - first < FILL_PIECE ? count - first : FILL_PIECE;
    or_random_fill(&random, dtype, data + or_dtype_bytes(dtype, first), piece);
    if (cancel != NULL) status = or_cancel_status(cancel);
  }
  return status;
}

or_status_t or_task_generate(or_device_t *device, or_dtype_t dtype, or_shape_t shape, uint64_t seed,
                             const or_cancel_t *cancel, or_tensor_t **out) {
  or_tensor_t *tensor = NULL;
  *out = NULL;
  or_status_t status = or_tensor_create(device, dtype, shape, &tensor);
  if (!or_ok(status)) return status;
  void *host = or_buffer_host_pointer(or_tensor_buffer(tensor));
  size_t count = (size_t)or_tensor_count(tensor);
  if (dtype == OR_COMPLEX64 || dtype == OR_COMPLEX128) { /* both parts are filled */
    dtype = dtype == OR_COMPLEX64 ? OR_FLOAT32 : OR_FLOAT64;
    count *= 2;
  }
  if (host != NULL) {
    status = fill(seed, dtype, (char *)host + or_tensor_offset(tensor), count, cancel);
  } else {
    const or_allocator_t *allocator = or_runtime_allocator(or_runtime_of_device(device));
    void *memory = NULL;
    status = or_alloc(allocator, or_tensor_bytes(tensor), &memory);
    if (or_ok(status)) status = fill(seed, dtype, memory, count, cancel);
    if (or_ok(status)) {
      status = or_buffer_write(or_tensor_buffer(tensor), or_tensor_offset(tensor), memory, or_tensor_bytes(tensor));
    }
    or_free(allocator, memory);
  }
  if (!or_ok(status)) {
    or_tensor_release(tensor);
    return status;
  }
  *out = tensor;
  return status;
}

or_status_t or_task_host_bytes(const or_allocator_t *allocator, const or_tensor_t *tensor, void **copy,
                               const void **out) {
  *copy = NULL;
  *out = or_tensor_data(tensor);
  if (*out != NULL) return or_status_success();
  or_status_t status = or_alloc(allocator, or_tensor_bytes(tensor), copy);
  if (or_ok(status)) status = or_tensor_read(tensor, *copy, or_tensor_bytes(tensor));
  *out = *copy;
  return status;
}

typedef or_status_t (*measure_fn)(or_device_t *device, or_device_peaks_t *out);

/* A device that can't measure its limits has unknown ones; the task itself is not the worse for it. */
static or_device_peaks_t peaks_by(measure_fn measure, or_device_t *device) {
  or_device_peaks_t peaks = {NAN, NAN, NAN, NAN, NAN, NAN};
  or_status_t status = measure(device, &peaks);
  if (!or_ok(status)) {
    or_status_ignore(status); /* shown as null */
    peaks = (or_device_peaks_t){NAN, NAN, NAN, NAN, NAN, NAN};
  }
  return peaks;
}

static double limit_of(const or_device_peaks_t *peaks, or_dtype_t dtype) {
  switch (dtype) {
  case OR_DTYPE_NONE: return peaks->read_bytes_per_second;
  case OR_FLOAT32: return peaks->fp32_flops;
  case OR_FLOAT64: return peaks->fp64_flops;
  case OR_BFLOAT16: return peaks->bf16_flops;
  case OR_INT8: return peaks->int8_ops;
  default: return NAN;
  }
}

static double share(or_device_t *device, or_dtype_t dtype, double rate, bool again) {
  or_device_peaks_t peaks = peaks_by(or_device_measure_peaks, device);
  for (int i = 0; again && i < PEAK_RETRIES && rate > limit_of(&peaks, dtype); ++i)
    peaks = peaks_by(or_device_measure_peaks_again, device);
  double limit = limit_of(&peaks, dtype);
  return limit > 0 ? 100.0 * rate / limit : NAN;
}

double or_task_share_of_peak(or_device_t *device, or_dtype_t dtype, double ops_per_second) {
  return share(device, dtype, ops_per_second, true);
}

double or_task_share_of_bandwidth(or_device_t *device, double bytes, double bytes_per_second) {
  return share(device, OR_DTYPE_NONE, bytes_per_second, bytes >= BEYOND_CACHES_BYTES);
}

double or_task_known_share(or_device_t *device, or_dtype_t dtype, double rate) {
  or_device_peaks_t peaks;
  if (!or_device_known_peaks(device, &peaks)) return NAN;
  const double limit = limit_of(&peaks, dtype);
  return limit > 0 ? 100.0 * rate / limit : NAN;
}

double or_task_tolerance(or_dtype_t dtype) {
  switch (dtype) {
  case OR_FLOAT16:
  case OR_BFLOAT16: return 2e-2;
  case OR_FLOAT32:
  case OR_COMPLEX64: return 1e-4;
  case OR_FLOAT64:
  case OR_COMPLEX128: return 1e-10;
  default: return 0;
  }
}

void or_task_write_share(or_json_writer_t *json, const char *key, double percent) {
  if (isfinite(percent)) {
    or_json_field_double(json, key, percent);
  } else {
    or_json_field_null(json, key);
  }
}

void or_task_write_times(or_json_writer_t *json, const or_measurement_t *time) {
  or_json_field_double(json, "execution_time", time->median_s);
  or_json_field_int(json, "iterations", time->runs);
  or_json_key(json, "spread");
  or_json_object_begin(json);
  or_json_field_double(json, "min", time->min_s);
  or_json_field_double(json, "p90", time->p90_s);
  or_json_field_double(json, "p99", time->p99_s);
  or_json_object_end(json);
}

void or_task_write_verification(or_json_writer_t *json, const or_difference_t *difference,
                                or_task_tolerance_t tolerance) {
  or_json_key(json, "verification");
  or_json_object_begin(json);
  or_json_field_string(json, "against", "reference");
  or_json_field_double(json, "max_abs_error", difference->max_abs);
  or_json_field_double(json, "max_rel_error", difference->max_rel);
  or_json_field_double(json, "mean_abs_error", difference->mean_abs);
  or_json_field_double(json, "tolerance_rel", tolerance.rel);
  or_json_field_double(json, "tolerance_abs", tolerance.abs);
  or_json_field_int(json, "elements", (int64_t)difference->count);
  or_json_field_int(json, "wrong", (int64_t)difference->wrong);
  or_json_field_bool(json, "passed", difference->wrong == 0);
  or_json_object_end(json);
}
