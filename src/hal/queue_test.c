#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "fake/expect.h"
#include "fake/fake.h"
#include "fake/rig.h"
#include "hal/queue.h"

static or_rig_t rig;
static or_device_t *device;

static int set_up(void **state) {
  (void)state;
  or_fake_reset();
  or_fake_set_devices(2, false);
  or_expect_ok(or_rig_open(&rig, or_allocator_system(), or_fake_entry, NULL));
  device = rig.devices[0];
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  or_rig_close(&rig);
  assert_int_equal(or_fake_live_objects(), 0);
  assert_int_equal(or_status_live_count(), 0);
  return 0;
}

static or_queue_t *new_queue(or_device_t *on) {
  or_queue_t *queue = NULL;
  or_expect_ok(or_queue_create(on, &queue));
  return queue;
}

static or_event_t *new_event(void) {
  or_event_t *event = NULL;
  or_expect_ok(or_event_create(or_allocator_system(), &event));
  return event;
}

/* Work that writes down its number, or fails. */
typedef struct note_t {
  int *notes;
  atomic_int *count;
  int number;
  or_status_code_t code;
} note_t;

static or_status_t take_note(void *self, const or_queue_context_t *context) {
  const note_t *note = self;
  (void)context;
  note->notes[atomic_fetch_add(note->count, 1)] = note->number;
  return note->code == OR_OK ? or_status_success() : or_error(note->code, "note %d", note->number);
}

static or_status_t look_at_context(void *self, const or_queue_context_t *context) {
  pthread_t *thread = self;
  *thread = pthread_self();
  bool whole = context->device == device && context->backend != NULL && context->backend_queue != NULL;
  return whole ? or_status_success() : or_error(OR_INTERNAL, "the context is not whole");
}

static void runs_all_work_on_one_thread_of_its_own(void **state) {
  (void)state;
  or_queue_t *queue = new_queue(device);
  pthread_t first, second;
  or_expect_ok(or_queue_run(queue, look_at_context, &first));
  or_expect_ok(or_queue_run(queue, look_at_context, &second));
  assert_true(pthread_equal(first, second));
  assert_false(pthread_equal(first, pthread_self()));
  assert_int_equal(or_fake_calls(OR_FAKE_QUEUE_FINISH), 2);
  assert_int_equal(or_device_counters(device).runs, 2);
  or_queue_retain(queue);
  or_queue_release(queue);
  or_expect_ok(or_queue_run(queue, look_at_context, &first));
  or_queue_release(queue);
  or_queue_release(NULL);
}

static void keeps_the_order_and_drains_when_released(void **state) {
  (void)state;
  enum { COUNT = 500 };
  int notes[COUNT];
  note_t work[COUNT];
  atomic_int count = 0;
  or_queue_t *queue = new_queue(device);
  for (int i = 0; i < COUNT; ++i) {
    work[i] = (note_t){.notes = notes, .count = &count, .number = i};
    or_submission_t submission = {.work = take_note, .self = &work[i]};
    or_expect_ok(or_queue_submit(queue, &submission));
  }
  or_queue_release(queue);
  assert_int_equal(atomic_load(&count), COUNT);
  for (int i = 0; i < COUNT; ++i) assert_int_equal(notes[i], i);
}

static void gives_the_status_of_the_work(void **state) {
  (void)state;
  int notes[4];
  atomic_int count = 0;
  or_queue_t *queue = new_queue(device);
  note_t work = {.notes = notes, .count = &count, .number = 7, .code = OR_DATA_LOSS};
  or_expect_words(or_queue_run(queue, take_note, &work), OR_DATA_LOSS, "note 7");
  or_event_t *signal = new_event();
  or_submission_t submission = {.work = take_note, .self = &work, .signal = signal};
  or_expect_ok(or_queue_submit(queue, &submission));
  or_expect_words(or_event_wait(signal, INT64_MAX), OR_DATA_LOSS, "note 7");
  or_event_release(signal);
  submission.signal = NULL; /* nobody asks: nothing is lost */
  or_expect_ok(or_queue_submit(queue, &submission));
  or_queue_release(queue);
  assert_int_equal(atomic_load(&count), 3);
}

static void reports_a_failure_of_finishing(void **state) {
  (void)state;
  int notes[1];
  atomic_int count = 0;
  or_queue_t *queue = new_queue(device);
  note_t work = {.notes = notes, .count = &count};
  or_fake_fail(OR_FAKE_QUEUE_FINISH, 1, OR_INTERNAL);
  or_expect_words(or_queue_run(queue, take_note, &work), OR_INTERNAL, "queue_finish number 1");
  or_queue_release(queue);
}

static void waits_for_events_of_another_queue(void **state) {
  (void)state;
  int notes[2];
  atomic_int count = 0;
  or_queue_t *first = new_queue(device), *second = new_queue(rig.devices[1]);
  or_event_t *gate = new_event(), *middle = new_event(), *end = new_event();
  note_t producer = {.notes = notes, .count = &count, .number = 1}, consumer = producer;
  consumer.number = 2;
  /* The consumer is submitted first, and the producer itself waits for the host. */
  or_submission_t consuming = {.work = take_note, .self = &consumer, .waits = &middle, .wait_count = 1, .signal = end};
  or_submission_t producing = {.work = take_note, .self = &producer, .waits = &gate, .wait_count = 1, .signal = middle};
  or_expect_ok(or_queue_submit(second, &consuming));
  or_expect_ok(or_queue_submit(first, &producing));
  assert_false(or_event_is_signalled(end));
  or_event_signal(gate, or_status_success());
  or_expect_ok(or_event_wait(end, INT64_MAX));
  assert_int_equal(notes[0], 1);
  assert_int_equal(notes[1], 2);
  or_event_release(gate);
  or_event_release(middle);
  or_event_release(end);
  or_queue_release(first);
  or_queue_release(second);
}

static void does_not_run_what_waits_for_failed_work(void **state) {
  (void)state;
  int notes[2];
  atomic_int count = 0;
  or_queue_t *queue = new_queue(device);
  or_event_t *waits[2] = {new_event(), new_event()}, *signal = new_event();
  note_t work = {.notes = notes, .count = &count};
  or_submission_t submission = {.work = take_note, .self = &work, .waits = waits, .wait_count = 2, .signal = signal};
  or_expect_ok(or_queue_submit(queue, &submission));
  or_event_signal(waits[1], or_error(OR_CANCELLED, "no longer wanted"));
  or_event_signal(waits[0], or_status_success());
  or_expect_words(or_event_wait(signal, INT64_MAX), OR_CANCELLED, "no longer wanted");
  assert_int_equal(atomic_load(&count), 0);
  for (int i = 0; i < 2; ++i) or_event_release(waits[i]);
  or_event_release(signal);
  or_queue_release(queue);
}

static or_status_t stand_at_the_gate(void *self, const or_queue_context_t *context) {
  char byte = 0;
  (void)context;
  return or_buffer_read(self, 0, &byte, 1);
}

static void refuses_more_than_it_has_room_for(void **state) {
  (void)state;
  static int notes[OR_QUEUE_CAPACITY + 1];
  atomic_int count = 0;
  or_queue_t *queue = new_queue(device);
  or_buffer_t *buffer = NULL;
  or_expect_ok(or_buffer_create(device, 1, &buffer));
  or_fake_close_gate(OR_FAKE_READ);
  or_submission_t blocking = {.work = stand_at_the_gate, .self = buffer};
  or_expect_ok(or_queue_submit(queue, &blocking));
  or_fake_wait_at_gate(OR_FAKE_READ, 1);
  note_t work = {.notes = notes, .count = &count};
  or_submission_t submission = {.work = take_note, .self = &work};
  for (unsigned i = 0; i < OR_QUEUE_CAPACITY; ++i) or_expect_ok(or_queue_submit(queue, &submission));
  or_expect_words(or_queue_submit(queue, &submission), OR_RESOURCE_EXHAUSTED, "1024 submissions");
  or_expect(or_queue_run(queue, take_note, &work), OR_RESOURCE_EXHAUSTED);
  or_event_t *waits[OR_QUEUE_MAX_WAITS + 1] = {0};
  submission.waits = waits;
  submission.wait_count = OR_QUEUE_MAX_WAITS + 1;
  or_expect(or_queue_submit(queue, &submission), OR_INVALID_ARGUMENT);
  or_fake_open_gate(OR_FAKE_READ);
  or_queue_release(queue);
  assert_int_equal(atomic_load(&count), OR_QUEUE_CAPACITY);
  or_buffer_release(buffer);
}

static void fails_what_is_queued_when_the_device_is_lost(void **state) {
  (void)state;
  enum { COUNT = 20 };
  int notes[COUNT];
  atomic_int count = 0;
  or_queue_t *queue = new_queue(device), *other = new_queue(rig.devices[1]);
  or_buffer_t *buffer = NULL;
  or_event_t *lost = new_event(), *events[COUNT], *across = new_event();
  note_t work = {.notes = notes, .count = &count};
  or_expect_ok(or_buffer_create(device, 1, &buffer));
  or_fake_close_gate(OR_FAKE_READ);
  or_fake_fail(OR_FAKE_READ, 1, OR_DEVICE_LOST);
  or_submission_t losing = {.work = stand_at_the_gate, .self = buffer, .signal = lost};
  or_expect_ok(or_queue_submit(queue, &losing));
  for (int i = 0; i < COUNT; ++i) {
    events[i] = new_event();
    or_submission_t submission = {.work = take_note, .self = &work, .signal = events[i]};
    or_expect_ok(or_queue_submit(queue, &submission));
  }
  or_submission_t dependent = {
      .work = take_note, .self = &work, .waits = &events[0], .wait_count = 1, .signal = across};
  or_expect_ok(or_queue_submit(other, &dependent));
  or_fake_open_gate(OR_FAKE_READ);
  or_expect(or_event_wait(lost, INT64_MAX), OR_DEVICE_LOST);
  for (int i = 0; i < COUNT; ++i) {
    or_expect_words(or_event_wait(events[i], INT64_MAX), OR_DEVICE_LOST, "read number 1");
    or_event_release(events[i]);
  }
  or_expect(or_event_wait(across, INT64_MAX), OR_DEVICE_LOST);
  assert_int_equal(atomic_load(&count), 0);
  or_submission_t late = {.work = take_note, .self = &work};
  or_expect(or_queue_submit(queue, &late), OR_DEVICE_LOST);
  or_expect(or_queue_run(queue, take_note, &work), OR_DEVICE_LOST);
  or_expect_ok(or_queue_run(other, take_note, &work)); /* the other device goes on */
  or_event_release(lost);
  or_event_release(across);
  or_buffer_release(buffer);
  or_queue_release(queue);
  or_queue_release(other);
}

static void says_so_when_the_backend_has_no_queue(void **state) {
  (void)state;
  or_queue_t *queue = NULL;
  or_fake_fail(OR_FAKE_QUEUE_OPEN, 1, OR_RESOURCE_EXHAUSTED);
  or_expect_words(or_queue_create(device, &queue), OR_RESOURCE_EXHAUSTED, "queue of device \"fake_0\"");
  assert_null(queue);
  or_expect_ok(or_device_queue(device, &queue));
  or_queue_t *again = NULL;
  or_expect_ok(or_device_queue(device, &again));
  assert_ptr_equal(queue, again);
}

#define SUBMITTERS 4
#define EACH 250
typedef struct submitter_t {
  or_queue_t *queues[2];
  int index;
  atomic_long *sum;
  atomic_int *failures;
} submitter_t;

static or_status_t add(void *self, const or_queue_context_t *context) {
  (void)context;
  atomic_long *sum = self;
  /* Read, then written: only right if the queue runs one after the other. */
  atomic_store_explicit(sum, atomic_load_explicit(sum, memory_order_relaxed) + 1, memory_order_relaxed);
  return or_status_success();
}

static void submit_many(void *argument) {
  submitter_t *own = argument;
  for (int i = 0; i < EACH; ++i) {
    int which = (i + own->index) % 2;
    or_status_t status;
    if (i % 3 == 0) {
      status = or_queue_run(own->queues[which], add, &own->sum[which]);
    } else {
      /* Two steps, the second on the other queue after the first. */
      or_event_t *first = NULL, *second = NULL;
      status = or_event_create(or_allocator_system(), &first);
      if (or_ok(status)) status = or_event_create(or_allocator_system(), &second);
      or_submission_t a = {.work = add, .self = &own->sum[which], .signal = first};
      or_submission_t b = {
          .work = add, .self = &own->sum[1 - which], .waits = &first, .wait_count = 1, .signal = second};
      if (or_ok(status)) status = or_queue_submit(own->queues[which], &a);
      if (or_ok(status)) status = or_queue_submit(own->queues[1 - which], &b);
      if (or_ok(status)) status = or_event_wait(second, INT64_MAX);
      or_event_release(first);
      or_event_release(second);
    }
    if (!or_ok(status)) atomic_fetch_add(own->failures, 1);
    or_status_ignore(status); /* counted */
  }
}

static void serves_many_threads_and_two_queues(void **state) {
  (void)state;
  or_queue_t *queues[2] = {new_queue(device), new_queue(rig.devices[1])};
  atomic_long sum[2] = {0, 0};
  atomic_int failures = 0;
  or_thread_t threads[SUBMITTERS] = {{0}};
  submitter_t submitters[SUBMITTERS];
  for (int i = 0; i < SUBMITTERS; ++i) {
    submitters[i] = (submitter_t){{queues[0], queues[1]}, i, sum, &failures};
    or_expect_ok(or_thread_start(&threads[i], "submitter", submit_many, &submitters[i]));
  }
  for (int i = 0; i < SUBMITTERS; ++i) or_thread_join(&threads[i]);
  for (int i = 0; i < 2; ++i) or_queue_release(queues[i]);
  assert_int_equal(atomic_load(&failures), 0);
  long expected = 0;
  for (int i = 0; i < EACH; ++i) expected += i % 3 == 0 ? 1 : 2;
  assert_int_equal(atomic_load(&sum[0]) + atomic_load(&sum[1]), SUBMITTERS * expected);
}

static or_queue_t *found_queues[SUBMITTERS];
static pthread_barrier_t start;

static void find_queue(void *argument) {
  or_queue_t **out = argument;
  pthread_barrier_wait(&start);
  or_status_t status = or_device_queue(device, out);
  or_status_ignore(status); /* *out is NULL then */
}

static void gives_all_threads_the_same_shared_queue(void **state) {
  (void)state;
  or_thread_t threads[SUBMITTERS] = {{0}};
  pthread_barrier_init(&start, NULL, SUBMITTERS);
  for (int i = 0; i < SUBMITTERS; ++i)
    or_expect_ok(or_thread_start(&threads[i], "finder", find_queue, &found_queues[i]));
  for (int i = 0; i < SUBMITTERS; ++i) or_thread_join(&threads[i]);
  pthread_barrier_destroy(&start);
  assert_non_null(found_queues[0]);
  for (int i = 1; i < SUBMITTERS; ++i) assert_ptr_equal(found_queues[i], found_queues[0]);
}

static or_status_t ask_where(void *self, const or_queue_context_t *context) {
  (void)context;
  *(bool *)self = or_queue_on_thread();
  return or_status_success();
}

static void knows_its_own_thread(void **state) {
  (void)state;
  bool inside = false;
  or_queue_t *queue = new_queue(device);
  or_expect_ok(or_queue_run(queue, ask_where, &inside));
  assert_true(inside);
  assert_false(or_queue_on_thread());
  or_queue_release(queue);
}

static or_status_t look_at_the_short_context(void *self, const or_queue_context_t *context) {
  pthread_t *thread = self;
  *thread = pthread_self();
  bool good = context->device == device && context->backend != NULL && context->backend_queue == NULL;
  return good ? or_status_success() : or_error(OR_INTERNAL, "the context is not that of a caller's thread");
}

static void short_work_may_go_beside_the_queue_on_the_calling_thread(void **state) {
  (void)state;
  int notes[1];
  atomic_int count = 0;
  pthread_t thread;
  or_queue_t *queue = new_queue(device);
  or_expect_ok(or_queue_run_here(queue, look_at_the_short_context, &thread));
  assert_true(pthread_equal(thread, pthread_self()));
  assert_int_equal(or_device_counters(device).runs, 1);
  note_t work = {.notes = notes, .count = &count, .number = 7, .code = OR_DATA_LOSS};
  or_expect_words(or_queue_run_here(queue, take_note, &work), OR_DATA_LOSS, "note 7");
  work = (note_t){.notes = notes, .count = &count, .code = OR_DEVICE_LOST};
  atomic_store(&count, 0);
  or_expect_words(or_queue_run_here(queue, take_note, &work), OR_DEVICE_LOST, "note 0");
  or_expect_words(or_queue_run_here(queue, take_note, &work), OR_DEVICE_LOST, "note 0");
  assert_int_equal(atomic_load(&count), 1); /* lost: nothing is tried */
  or_queue_release(queue);
}

static void runs_without_allocating(void **state) {
  (void)state;
  or_rig_t counted;
  or_counting_allocator_t counting;
  or_counting_allocator_init(&counting, or_allocator_system(), 0);
  or_expect_ok(or_rig_open(&counted, &counting.base, or_fake_entry, NULL));
  or_queue_t *queue = new_queue(counted.devices[0]);
  int notes[100];
  atomic_int count = 0;
  note_t work = {.notes = notes, .count = &count};
  size_t allocations = counting.alloc_count;
  for (int i = 0; i < 100; ++i) or_expect_ok(or_queue_run(queue, take_note, &work));
  assert_int_equal(counting.alloc_count, allocations);
  or_queue_release(queue);
  or_rig_close(&counted);
  assert_int_equal(counting.live_bytes, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(runs_all_work_on_one_thread_of_its_own),
      TEST(keeps_the_order_and_drains_when_released),
      TEST(gives_the_status_of_the_work),
      TEST(reports_a_failure_of_finishing),
      TEST(waits_for_events_of_another_queue),
      TEST(does_not_run_what_waits_for_failed_work),
      TEST(refuses_more_than_it_has_room_for),
      TEST(fails_what_is_queued_when_the_device_is_lost),
      TEST(says_so_when_the_backend_has_no_queue),
      TEST(serves_many_threads_and_two_queues),
      TEST(gives_all_threads_the_same_shared_queue),
      TEST(knows_its_own_thread),
      TEST(short_work_may_go_beside_the_queue_on_the_calling_thread),
      TEST(runs_without_allocating),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
