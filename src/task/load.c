#include "task/load.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/numbers.h"
#include "base/thread.h"
#include "runtime/session.h"

#define POLL_NS INT64_C(5000000) /* between two looks at a cancel request */

typedef struct load_t load_t;

/* A place for one query in flight. The thread that submits owns it while it is not busy, the run's callback then. */
typedef struct slot_t {
  load_t *load;
  or_run_t *run; /* the submitting thread's alone */
  or_binding_t *outputs;
  size_t query;
  bool busy;
} slot_t;

struct load_t {
  or_session_t *session;
  const or_measure_bindings_t *bindings;
  const or_load_options_t *options;
  or_load_query_t *queries;
  size_t count;
  int64_t start_ns;
  slot_t slots[OR_LOAD_MAX_SLOTS];
  uint32_t slot_count;
  or_mutex_t mutex; /* all below, and the slots' `busy` */
  or_cond_t changed;
  uint32_t busy_count;
  or_status_t status; /* of the first run that failed */
};

static or_status_t make_slots(load_t *load, const or_allocator_t *allocator);
static or_status_t drive(load_t *load);
static void free_slots(load_t *load, const or_allocator_t *allocator);

size_t or_load_arrivals(double rate, double duration_s, uint64_t seed, or_load_query_t *queries, size_t capacity) {
  or_random_t random = {seed};
  double at_s = 0;
  size_t count = 0;
  for (; count < capacity; ++count) {
    at_s -= log(1.0 - or_random_uniform(&random)) / rate; /* gaps of a Poisson process are exponential */
    if (!(at_s < duration_s)) break;
    queries[count] = (or_load_query_t){(int64_t)(at_s * 1e9), INT64_MAX};
  }
  return count;
}

or_status_t or_load_run(const or_allocator_t *allocator, or_session_t *session, const or_measure_bindings_t *bindings,
                        const or_load_options_t *options, or_load_query_t *queries, size_t *count) {
  load_t load = {.session = session,
                 .bindings = bindings,
                 .options = options,
                 .queries = queries,
                 .count = *count,
                 .slot_count = options->slots};
  or_mutex_init(&load.mutex);
  or_cond_init(&load.changed);
  or_status_t status = make_slots(&load, allocator);
  if (or_ok(status)) status = drive(&load);
  *count = load.count;
  free_slots(&load, allocator);
  or_cond_deinit(&load.changed);
  or_mutex_deinit(&load.mutex);
  return status;
}

/* Each slot runs once, which gives it outputs of its own. */
static or_status_t make_slots(load_t *load, const or_allocator_t *allocator) {
  const or_measure_bindings_t *bindings = load->bindings;
  or_status_t status = or_status_success();
  for (uint32_t s = 0; or_ok(status) && s < load->slot_count; ++s) {
    slot_t *slot = &load->slots[s];
    slot->load = load;
    status = or_alloc_array(allocator, bindings->output_count + 1, sizeof *slot->outputs, (void **)&slot->outputs);
    if (!or_ok(status)) break;
    for (size_t i = 0; i < bindings->output_count; ++i)
      slot->outputs[i] = (or_binding_t){.name = bindings->outputs[i].name};
    status = or_task_run_session(load->session, bindings->inputs, bindings->input_count, slot->outputs,
                                 bindings->output_count, load->options->cancel);
  }
  return status;
}

static void free_slots(load_t *load, const or_allocator_t *allocator) {
  for (uint32_t s = 0; s < load->slot_count; ++s) {
    slot_t *slot = &load->slots[s];
    or_run_release(slot->run);
    if (slot->outputs != NULL) or_task_release_bindings(slot->outputs, load->bindings->output_count);
    or_free(allocator, slot->outputs);
  }
}

static void answered(void *self, or_status_t status, or_binding_t *outputs, size_t output_count) {
  slot_t *slot = self;
  load_t *load = slot->load;
  int64_t now_ns = or_clock_ns() - load->start_ns;
  (void)outputs, (void)output_count;
  or_mutex_lock(&load->mutex);
  if (or_ok(status)) load->queries[slot->query].done_ns = now_ns;
  load->status = or_status_first(load->status, status);
  slot->busy = false;
  --load->busy_count;
  or_cond_signal(&load->changed);
  or_mutex_unlock(&load->mutex);
}

static or_status_t submit(load_t *load, slot_t *slot, size_t query) {
  or_run_request_t request = {.inputs = load->bindings->inputs,
                              .input_count = load->bindings->input_count,
                              .outputs = slot->outputs,
                              .output_count = load->bindings->output_count,
                              .callback = answered,
                              .self = slot};
  or_run_release(slot->run);
  slot->run = NULL;
  slot->query = query;
  or_task_renew_outputs(slot->outputs, load->bindings->output_count);
  or_status_t status = or_session_start(load->session, &request, load->options->cancel, &slot->run);
  if (or_ok(status)) return status;
  or_mutex_lock(&load->mutex);
  slot->busy = false;
  --load->busy_count;
  or_mutex_unlock(&load->mutex);
  return status;
}

static slot_t *take_slot_locked(load_t *load) {
  for (uint32_t s = 0; s < load->slot_count; ++s) {
    if (load->slots[s].busy) continue;
    load->slots[s].busy = true;
    ++load->busy_count;
    return &load->slots[s];
  }
  return NULL;
}

/* Waits for every run in flight, which a cancel request or `give_up` ends early. */
static or_status_t settle(load_t *load, bool give_up) {
  or_mutex_lock(&load->mutex);
  while (load->busy_count > 0) {
    bool cancel = give_up || (load->options->cancel != NULL && or_cancel_requested(load->options->cancel));
    for (uint32_t s = 0; cancel && s < load->slot_count; ++s) {
      if (load->slots[s].busy && load->slots[s].run != NULL) or_run_cancel(load->slots[s].run);
    }
    (void)or_cond_wait_until(&load->changed, &load->mutex, or_clock_ns() + POLL_NS);
  }
  or_status_t status = load->status;
  load->status = or_status_success();
  or_mutex_unlock(&load->mutex);
  if (give_up && or_status_code(status) == OR_CANCELLED) {
    or_status_ignore(status); /* what was given up counts as not answered */
    status = or_status_success();
  }
  return status;
}

/* The state of the submitting thread between two submissions. */
typedef struct turn_t {
  bool ended;      /* nothing is left to submit */
  bool gave_up;    /* queries wait that are not worth waiting for */
  int64_t wake_ns; /* when there is nothing to submit now: the latest time to look again */
  slot_t *slot;    /* else: where the next query goes */
} turn_t;

static turn_t next_turn_locked(load_t *load, size_t next) {
  int64_t now_ns = or_clock_ns(), elapsed_ns = now_ns - load->start_ns;
  int64_t duration_ns = (int64_t)(load->options->duration_s * 1e9);
  turn_t turn = {.wake_ns = now_ns + POLL_NS, .ended = next == load->count};
  if (load->options->arriving) {
    turn.gave_up = !turn.ended && elapsed_ns > 2 * duration_ns;
    bool here = !turn.ended && load->queries[next].arrived_ns <= elapsed_ns;
    if (here && !turn.gave_up) {
      turn.slot = take_slot_locked(load);
    } else if (!turn.ended && !here && load->start_ns + load->queries[next].arrived_ns < turn.wake_ns) {
      turn.wake_ns = load->start_ns + load->queries[next].arrived_ns;
    }
  } else {
    turn.ended = turn.ended || (elapsed_ns >= duration_ns && next >= OR_MEASURE_MIN_RUNS);
    if (!turn.ended) turn.slot = take_slot_locked(load);
  }
  return turn;
}

static or_status_t drive(load_t *load) {
  or_status_t status = or_status_success();
  bool gave_up = false;
  size_t next = 0;
  load->start_ns = or_clock_ns();
  while (or_ok(status)) {
    or_mutex_lock(&load->mutex);
    turn_t turn = next_turn_locked(load, next);
    bool failed = !or_ok(load->status);
    if (turn.slot == NULL && !turn.ended && !turn.gave_up && !failed)
      (void)or_cond_wait_until(&load->changed, &load->mutex, turn.wake_ns);
    or_mutex_unlock(&load->mutex);
    gave_up = turn.gave_up;
    if (turn.slot != NULL) {
      if (!load->options->arriving) load->queries[next] = (or_load_query_t){or_clock_ns() - load->start_ns, INT64_MAX};
      status = submit(load, turn.slot, next);
      if (or_ok(status)) ++next;
    }
    if (turn.ended || turn.gave_up || failed) break;
    if (or_ok(status) && load->options->cancel != NULL) status = or_cancel_status(load->options->cancel);
  }
  or_status_t ended = settle(load, gave_up || !or_ok(status));
  if (!load->options->arriving) load->count = next;
  return or_status_first(status, ended);
}

static int compare_doubles(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static size_t waiting_at(const or_load_query_t *queries, size_t count, int64_t at_ns) {
  size_t waiting = 0;
  for (size_t i = 0; i < count; ++i) waiting += queries[i].arrived_ns <= at_ns && queries[i].done_ns > at_ns;
  return waiting;
}

or_load_summary_t or_load_summarize(const or_load_query_t *queries, size_t count, int64_t duration_ns, int64_t end_ns,
                                    double *scratch) {
  or_load_summary_t out = {.queries = count};
  int64_t last_ns = 0;
  for (size_t i = 0; i < count; ++i) {
    bool done = queries[i].done_ns != INT64_MAX;
    out.answered += done;
    if (done && queries[i].done_ns > last_ns) last_ns = queries[i].done_ns;
    scratch[i] = (double)((done ? queries[i].done_ns : end_ns) - queries[i].arrived_ns) * 1e-9;
  }
  qsort(scratch, count, sizeof *scratch, compare_doubles);
  out.min_s = scratch[0];
  out.median_s = count % 2 == 1 ? scratch[count / 2] : 0.5 * (scratch[count / 2 - 1] + scratch[count / 2]);
  out.p90_s = or_task_quantile(scratch, count, 0.90);
  out.p99_s = or_task_quantile(scratch, count, 0.99);
  out.answered_per_s = last_ns > 0 ? (double)out.answered / ((double)last_ns * 1e-9) : 0;
  out.waiting_half = waiting_at(queries, count, duration_ns / 2);
  out.waiting_end = waiting_at(queries, count, duration_ns);
  out.growing = out.answered < count ||
                (out.waiting_end > OR_LOAD_SHORT_QUEUE && out.waiting_end > out.waiting_half + out.waiting_half / 2);
  return out;
}
