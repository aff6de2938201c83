/* Queues: order, waits, signals, status. */
#include <string.h>

#include "base/alloc.h"
#include "base/string.h"
#include "cts/cts.h"

#define COUNT 100

/* Work that notes its number. */
typedef struct note_t {
  int *notes, *count, number;
  or_status_code_t code;
} note_t;

static or_status_t take_note(void *self, const or_queue_context_t *context) {
  const note_t *note = self;
  if (context->backend_queue == NULL && context->backend->queue_open == NULL) return or_error(OR_INTERNAL, "no queue");
  note->notes[(*note->count)++] = note->number;
  return note->code == OR_OK ? or_status_success() : or_error(note->code, "as told");
}

static or_status_t keeps_the_order(cts_t *cts, const void *data) {
  (void)data;
  int notes[COUNT] = {0}, count = 0;
  note_t work[COUNT];
  or_event_t *last = NULL;
  CTS_TRY(or_event_create(cts->allocator, &last));
  or_status_t status = or_status_success();
  for (int i = 0; or_ok(status) && i < COUNT; ++i) {
    work[i] = (note_t){notes, &count, i, OR_OK};
    or_submission_t submission = {.work = take_note, .self = &work[i], .signal = i + 1 == COUNT ? last : NULL};
    status = or_queue_submit(cts->queue, &submission);
  }
  if (or_ok(status)) status = or_event_wait(last, INT64_MAX);
  or_event_release(last);
  CTS_TRY(status);
  CTS_CHECK(count == COUNT, "%d of %d pieces of work ran", count, COUNT);
  for (int i = 0; i < COUNT; ++i) CTS_CHECK(notes[i] == i, "work %d ran as number %d", notes[i], i);
  return or_status_success();
}

static or_status_t passes_a_failure_to_who_waits(cts_t *cts, const void *data) {
  (void)data;
  int notes[4], count = 0;
  note_t failing = {notes, &count, 0, OR_DATA_LOSS}, after = {notes, &count, 1, OR_OK};
  or_event_t *first = NULL, *second = NULL;
  CTS_TRY(or_event_create(cts->allocator, &first));
  or_status_t status = or_event_create(cts->allocator, &second);
  or_submission_t a = {.work = take_note, .self = &failing, .signal = first};
  or_submission_t b = {.work = take_note, .self = &after, .waits = &first, .wait_count = 1, .signal = second};
  if (or_ok(status)) status = or_queue_submit(cts->queue, &a);
  if (or_ok(status)) status = or_queue_submit(cts->queue, &b);
  if (or_ok(status)) status = cts_expect(or_event_wait(second, INT64_MAX), OR_DATA_LOSS, "waiting work");
  or_event_release(first);
  or_event_release(second);
  CTS_TRY(status);
  CTS_CHECK(count == 1, "work ran whose wait had failed");
  return or_queue_run(cts->queue, take_note, &after); /* the queue goes on */
}

/* Two copies, one on each queue: the bytes arrive only if the wait is kept. */
typedef struct step_t {
  or_buffer_t *from, *to;
} step_t;

static or_status_t copy_step(void *self, const or_queue_context_t *context) {
  const step_t *step = self;
  (void)context;
  return or_buffer_copy(step->from, 0, step->to, 0, or_buffer_bytes(step->to));
}

/* The second queue's step is submitted before the first queue's: nothing but the wait keeps the order. */
static or_status_t submit_chain(or_queue_t *queues[2], step_t *steps, or_event_t **events, int count) {
  for (int i = count; i-- > 0;) {
    or_submission_t submission = {
        .work = copy_step, .self = &steps[i], .waits = &events[i], .wait_count = 1, .signal = events[i + 1]};
    CTS_TRY(or_queue_submit(queues[i], &submission));
  }
  or_event_signal(events[0], or_status_success());
  return or_event_wait(events[count], INT64_MAX);
}

static or_status_t waits_across_queues(cts_t *cts, const void *data) {
  (void)data;
  enum { STEPS = 2, BYTES = 300000 };
  or_queue_t *queues[2] = {cts->queue, NULL};
  or_event_t *events[STEPS + 1] = {NULL};
  step_t steps[STEPS];
  or_buffer_t *buffers[STEPS + 1];
  char out[16] = {0};
  for (int i = 0; i <= STEPS; ++i) CTS_TRY(cts_buffer(cts, cts->device, BYTES, &buffers[i]));
  for (int i = 0; i < STEPS; ++i) steps[i] = (step_t){buffers[i], buffers[i + 1]};
  CTS_TRY(or_buffer_write(buffers[0], BYTES - 16, "through it all..", 16));
  CTS_TRY(or_queue_create(cts->device, &queues[1]));
  or_status_t status = or_status_success();
  for (int i = 0; or_ok(status) && i <= STEPS; ++i) status = or_event_create(cts->allocator, &events[i]);
  if (or_ok(status)) status = submit_chain(queues, steps, events, STEPS);
  for (int i = 0; i <= STEPS; ++i) or_event_release(events[i]);
  or_queue_release(queues[1]);
  CTS_TRY(status);
  CTS_TRY(or_buffer_read(buffers[STEPS], BYTES - 16, out, 16));
  CTS_CHECK(memcmp(out, "through it all..", 16) == 0, "the last buffer does not have the bytes of the first");
  return or_status_success();
}

static or_status_t drains_when_released(cts_t *cts, const void *data) {
  (void)data;
  int notes[COUNT], count = 0;
  note_t work = {notes, &count, 0, OR_OK};
  or_queue_t *queue = NULL;
  CTS_TRY(or_queue_create(cts->device, &queue));
  or_status_t status = or_status_success();
  for (int i = 0; or_ok(status) && i < COUNT; ++i) {
    or_submission_t submission = {.work = take_note, .self = &work};
    status = or_queue_submit(queue, &submission);
  }
  or_queue_release(queue);
  CTS_TRY(status);
  CTS_CHECK(count == COUNT, "%d of %d pieces of work ran", count, COUNT);
  return or_status_success();
}

static or_status_t opens_and_closes_many(cts_t *cts, const void *data) {
  (void)data;
  for (int round = 0; round < 5; ++round) {
    or_queue_t *queues[4] = {NULL};
    int notes[4], count = 0;
    note_t work = {notes, &count, 0, OR_OK};
    or_status_t status = or_status_success();
    for (int i = 0; or_ok(status) && i < 4; ++i) {
      status = or_queue_create(cts->device, &queues[i]);
      if (or_ok(status)) status = or_queue_run(queues[i], take_note, &work);
    }
    for (int i = 4; i-- > 0;) or_queue_release(queues[(i + round) % 4]);
    CTS_TRY(status);
  }
  return or_status_success();
}

void cts_suite_queue(cts_t *cts) {
  cts_case(cts, "queue/keeps_the_order", keeps_the_order, NULL);
  cts_case(cts, "queue/passes_a_failure_to_who_waits", passes_a_failure_to_who_waits, NULL);
  cts_case(cts, "queue/waits_across_queues", waits_across_queues, NULL);
  cts_case(cts, "queue/drains_when_released", drains_when_released, NULL);
  cts_case(cts, "queue/opens_and_closes_many", opens_and_closes_many, NULL);
}
