/* A run: launches are enqueued in order, long ones in pieces. At most two slices of work are under way, so that a
 * cancel is seen soon and the device has always something to do. */
#include <assert.h>
#include <string.h>

#include "backends/opencl/build_internal.h"
#include "base/cancel.h"

/* A slice of work between two looks at the cancel token. */
#define SLICE_NS 20000000
/* Events that are under way; the oldest is waited for when there is no room for one more. */
#define EVENTS 64u
#define FAULTS_READ_AT_ONCE 64u

typedef struct under_way_t {
  or_cl_event_ref_t event;
  or_cl_step_t *step;
  size_t done, all; /* the piece's share of the launch */
  bool ends_slice;
} under_way_t;

/* On the stack of the queue's thread. */
typedef struct run_t {
  or_cl_program_t *program;
  const or_cl_device_t *device;
  const or_cl_queue_t *queue;
  const or_run_arguments_t *arguments;
  under_way_t events[EVENTS];
  uint32_t first, count, slices; /* of events; of those that end a slice */
  int64_t slice_ns;              /* estimated, of what was enqueued since the last slice ended */
  const or_cl_step_t *timed;     /* whose pieces have ended, one after the other: */
  double timed_ns, timed_part;   /* how long those took, and their share of the launch */
} run_t;

static or_status_t clear_faults(run_t *run);
static or_status_t run_step(run_t *run, or_cl_step_t *step);
static or_status_t wait_for_all(run_t *run);
static or_status_t read_faults(run_t *run);
static void give_up(run_t *run);

or_status_t or_cl_program_run(void *self, void *queue, const or_run_arguments_t *arguments) {
  or_cl_program_t *program = self;
  run_t run = {.program = program, .device = program->device, .queue = queue, .arguments = arguments};
  if (arguments->node_ns != NULL)
    memset(arguments->node_ns, 0, program->lowered.node_count * sizeof *arguments->node_ns);
  or_status_t status = clear_faults(&run);
  for (size_t i = 0; or_ok(status) && i < program->step_count; ++i) {
    or_cl_step_t *step = &program->steps[i];
    status = or_cancel_status(arguments->cancel);
    if (!or_ok(status)) break;
    status = run_step(&run, step);
    bool told = or_status_code(status) == OR_CANCELLED || or_status_code(status) == OR_DEADLINE_EXCEEDED;
    if (!or_ok(status) && !told) status = or_status_context(status, "node \"%s\"", program->lowered.names[step->node]);
  }
  if (or_ok(status)) status = wait_for_all(&run);
  if (or_ok(status)) status = read_faults(&run);
  if (!or_ok(status)) give_up(&run);
  return status;
}

/* Where a slot lies in this run. */
static or_memory_t *place_of(const run_t *run, or_slot_id_t id, uint64_t *offset) {
  const or_slot_t *slot = &run->program->lowered.slots[id];
  const or_memory_range_t *range = NULL;
  *offset = 0;
  if (slot->place == OR_PLACE_ALIAS) {
    *offset = slot->offset;
    slot = &run->program->lowered.slots[slot->index];
  }
  switch (slot->place) {
  case OR_PLACE_CONSTANT: return slot->memory;
  case OR_PLACE_INPUT: range = &run->arguments->inputs[slot->index]; break;
  case OR_PLACE_OUTPUT: range = &run->arguments->outputs[slot->index]; break;
  case OR_PLACE_WORKSPACE:
    range = &run->arguments->workspace;
    *offset += slot->offset;
    break;
  case OR_PLACE_NONE:
  case OR_PLACE_ALIAS: break; /* an alias's slot is none itself */
  }
  if (range == NULL) return NULL;
  *offset += range->offset;
  return range->memory;
}

static or_status_t clear_faults(run_t *run) {
  static const int32_t none = 0;
  uint64_t offset = 0;
  if (run->program->fault_count == 0) return or_status_success();
  or_memory_t *memory = place_of(run, run->program->faults, &offset);
  size_t bytes = run->program->fault_count * sizeof none;
  if (memory->host != NULL) {
    memset((char *)memory->host + offset, 0, bytes);
    return or_status_success();
  }
  return or_cl_check(run->device->cl->EnqueueFillBuffer(run->queue->ref, memory->handle, &none, sizeof none,
                                                        (size_t)offset, bytes, 0, NULL, NULL),
                     "clEnqueueFillBuffer");
}

/* Under the program's mutex: the kernel's arguments are its own, not the run's. */
static or_status_t set_arguments_locked(const run_t *run, const or_cl_step_t *step) {
  const or_cl_library_t *cl = run->device->cl;
  or_status_t status = or_status_success();
  uint64_t offset = 0;
  for (uint32_t i = 0; or_ok(status) && i < step->bound_count; ++i) {
    const or_cl_bound_t *bound = &step->bound[i];
    or_memory_t *memory = place_of(run, bound->slot, &offset);
    status = or_cl_set_memory(run->device, step->kernel, bound->parameter, memory);
    if (or_ok(status)) {
      status =
          or_cl_check(cl->SetKernelArg(step->kernel, bound->parameter + 1, sizeof offset, &offset), "clSetKernelArg");
    }
  }
  if (!or_ok(status) || step->fault == OR_CL_NO_FAULT) return status;
  or_memory_t *memory = place_of(run, run->program->faults, &offset);
  return or_cl_set_memory(run->device, step->kernel, step->fault_parameter, memory);
}

static or_status_t enqueue_copy(const run_t *run, const or_cl_step_t *step, or_cl_event_ref_t *event) {
  const or_cl_library_t *cl = run->device->cl;
  uint64_t from = 0, to = 0;
  or_memory_t *source = place_of(run, step->source, &from), *destination = place_of(run, step->destination, &to);
  from += step->source_offset;
  to += step->destination_offset;
  if (source->host != NULL && destination->host != NULL) {
    return or_cl_check(cl->EnqueueSVMMemcpy(run->queue->ref, false, (char *)destination->host + to,
                                            (const char *)source->host + from, step->bytes, 0, NULL, event),
                       "clEnqueueSVMMemcpy");
  }
  return or_cl_check(cl->EnqueueCopyBuffer(run->queue->ref, source->handle, destination->handle, (size_t)from,
                                           (size_t)to, step->bytes, 0, NULL, event),
                     "clEnqueueCopyBuffer");
}

/* A piece of a launch along one of its dimensions, or all of a copy. */
typedef struct piece_t {
  uint32_t dimension;
  size_t begin, length, extent; /* extent: of the whole */
} piece_t;

static or_status_t enqueue_launch(run_t *run, const or_cl_step_t *step, const piece_t *piece,
                                  or_cl_event_ref_t *event) {
  size_t offset[3] = {0}, global[3] = {0};
  memcpy(global, step->global, sizeof global);
  bool whole = piece->length == piece->extent;
  offset[piece->dimension] = piece->begin;
  global[piece->dimension] = piece->length;
  or_mutex_lock(&run->program->mutex);
  or_status_t status = set_arguments_locked(run, step);
  if (or_ok(status)) {
    status = or_cl_check(run->device->cl->EnqueueNDRangeKernel(run->queue->ref, step->kernel, step->dimensions,
                                                               whole ? NULL : offset, global,
                                                               step->local[0] > 0 ? step->local : NULL, 0, NULL, event),
                         "clEnqueueNDRangeKernel");
  }
  or_mutex_unlock(&run->program->mutex);
  return status;
}

static or_status_t wait_for_oldest(run_t *run);

static or_status_t remember(run_t *run, under_way_t entry) {
  or_status_t status = or_status_success();
  if (run->count == EVENTS) status = wait_for_oldest(run);
  run->events[(run->first + run->count) % EVENTS] = entry;
  ++run->count;
  run->slices += entry.ends_slice;
  return status;
}

static size_t group_of(const or_cl_step_t *step, uint32_t dimension) {
  return step->local[dimension] > 0 ? step->local[dimension] : 1;
}

/* How a launch is cut: along its last dimension that has groups for all pieces, or the one that has most. */
static piece_t piece_of(const or_cl_step_t *step) {
  const size_t pieces = (size_t)(atomic_load_explicit(&step->estimate_ns, memory_order_relaxed) / SLICE_NS) + 1;
  size_t most = 0;
  uint32_t dimension = 0;
  assert(pieces > 0);
  for (uint32_t d = step->dimensions; d-- > 0 && most < pieces;) {
    const size_t groups = step->global[d] / group_of(step, d);
    if (groups <= most) continue;
    most = groups;
    dimension = d;
  }
  const size_t length = (most / pieces + (most % pieces != 0)) * group_of(step, dimension);
  return (piece_t){.dimension = dimension, .length = length, .extent = step->global[dimension]};
}

/* Enqueues one piece; an event goes with it if anyone wants to know when it is over. */
static or_status_t run_piece(run_t *run, or_cl_step_t *step, const piece_t *piece) {
  const or_cl_library_t *cl = run->device->cl;
  const int64_t estimate = atomic_load_explicit(&step->estimate_ns, memory_order_relaxed);
  run->slice_ns += (int64_t)((double)estimate * (double)piece->length / (double)piece->extent);
  const bool ends = run->slice_ns >= SLICE_NS;
  const bool wanted =
      ends || run->arguments->node_ns != NULL || !atomic_load_explicit(&step->measured, memory_order_relaxed);
  or_cl_event_ref_t event = NULL;
  or_status_t status = step->kernel != NULL ? enqueue_launch(run, step, piece, wanted ? &event : NULL)
                                            : enqueue_copy(run, step, wanted ? &event : NULL);
  if (!or_ok(status)) return status;
  if (event != NULL) {
    status = remember(run, (under_way_t){event, step, piece->length, piece->extent, ends});
    if (!or_ok(status)) return status;
  }
  if (!ends) return status;
  run->slice_ns = 0;
  status = or_cl_check(cl->Flush(run->queue->ref), "clFlush");
  while (or_ok(status) && run->slices > 1) status = wait_for_oldest(run);
  return or_ok(status) ? or_cancel_status(run->arguments->cancel) : status;
}

static or_status_t run_step(run_t *run, or_cl_step_t *step) {
  or_status_t status = or_status_success();
  if (step->kernel == NULL) return step->bytes > 0 ? run_piece(run, step, &(piece_t){0, 0, 1, 1}) : status;
  const piece_t first = piece_of(step);
  for (piece_t piece = first; or_ok(status) && piece.begin < piece.extent; piece.begin += first.length) {
    const size_t left = piece.extent - piece.begin;
    piece.length = left < first.length ? left : first.length;
    status = run_piece(run, step, &piece);
  }
  return status;
}

/* How long the pieces took by the device's clock teaches what the whole takes; one that was held up says little. */
static void learn(run_t *run, const under_way_t *entry) {
  const or_cl_library_t *cl = run->device->cl;
  uint64_t start = 0, end = 0;
  int32_t code = cl->GetEventProfilingInfo(entry->event, OR_CL_PROFILING_COMMAND_START, sizeof start, &start, NULL);
  if (code != OR_CL_SUCCESS) return;
  code = cl->GetEventProfilingInfo(entry->event, OR_CL_PROFILING_COMMAND_END, sizeof end, &end, NULL);
  if (code != OR_CL_SUCCESS || end < start || end - start > INT64_MAX / 2) return;
  if (run->timed != entry->step) run->timed_ns = run->timed_part = 0;
  run->timed = entry->step;
  run->timed_ns += (double)(end - start);
  run->timed_part += (double)entry->done / (double)entry->all;
  const double whole = run->timed_ns / run->timed_part;
  atomic_store_explicit(&entry->step->estimate_ns, whole < 1e15 ? (int64_t)whole : (int64_t)1e15, memory_order_relaxed);
  atomic_store_explicit(&entry->step->measured, true, memory_order_relaxed);
  if (run->arguments->node_ns != NULL && entry->step->node < run->program->lowered.node_count) {
    run->arguments->node_ns[entry->step->node] += (int64_t)(end - start);
  }
}

static or_status_t wait_for_oldest(run_t *run) {
  const under_way_t entry = run->events[run->first];
  run->first = (run->first + 1) % EVENTS;
  --run->count;
  run->slices -= entry.ends_slice;
  or_status_t status = or_cl_wait(run->device->cl, entry.event);
  if (or_ok(status)) learn(run, &entry);
  (void)run->device->cl->ReleaseEvent(entry.event); /* fails for a wrong handle only */
  return status;
}

/* Without anything to read back the work goes on after the run has returned, and the queue's end is waited for by
 * queue_finish. */
static or_status_t wait_for_all(run_t *run) {
  or_status_t status = or_status_success();
  while (or_ok(status) && run->count > 0) status = wait_for_oldest(run);
  if (or_ok(status) && run->program->fault_count > 0) {
    status = or_cl_check(run->device->cl->Finish(run->queue->ref), "clFinish");
  } else if (or_ok(status)) {
    status = or_cl_check(run->device->cl->Flush(run->queue->ref), "clFlush");
  }
  return status;
}

static or_status_t name_fault(const run_t *run, uint32_t fault, int32_t value) {
  for (size_t i = 0; i < run->program->step_count; ++i) {
    const or_cl_step_t *step = &run->program->steps[i];
    if (step->kernel == NULL || step->fault != fault) continue;
    return or_error(OR_INVALID_ARGUMENT, "node \"%s\": the index at position %d is out of range",
                    run->program->lowered.names[step->node], value - 1);
  }
  return or_error(OR_INTERNAL, "fault %u of a program belongs to no node", fault);
}

static or_status_t read_faults(run_t *run) {
  uint64_t offset = 0;
  int32_t values[FAULTS_READ_AT_ONCE];
  const uint32_t count = run->program->fault_count;
  if (count == 0) return or_status_success();
  const or_memory_t *memory = place_of(run, run->program->faults, &offset);
  for (uint32_t begin = 0; begin < count; begin += FAULTS_READ_AT_ONCE) {
    const uint32_t piece = count - begin < FAULTS_READ_AT_ONCE ? count - begin : FAULTS_READ_AT_ONCE;
    const size_t at = (size_t)offset + begin * sizeof *values, bytes = piece * sizeof *values;
    or_status_t status = or_status_success();
    if (memory->host != NULL) {
      memcpy(values, (const char *)memory->host + at, bytes);
    } else {
      status = or_cl_check(
          run->device->cl->EnqueueReadBuffer(run->queue->ref, memory->handle, true, at, bytes, values, 0, NULL, NULL),
          "clEnqueueReadBuffer");
    }
    for (uint32_t i = 0; or_ok(status) && i < piece; ++i) {
      if (values[i] != 0) status = name_fault(run, begin + i, values[i]);
    }
    if (!or_ok(status)) return status;
  }
  return or_status_success();
}

/* Nothing of a run that failed may be under way when its caller is told. */
static void give_up(run_t *run) {
  const or_cl_library_t *cl = run->device->cl;
  (void)cl->Finish(run->queue->ref); /* the run has a failure to report already */
  for (; run->count > 0; --run->count) {
    (void)cl->ReleaseEvent(run->events[run->first].event); /* fails for a wrong handle only */
    run->first = (run->first + 1) % EVENTS;
  }
}
