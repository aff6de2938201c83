/* What a runtime's devices do, recorded and written as a trace. */
#include "base/testing.h"

#include "base/clock.h"
#include "base/string.h"
#include "fake/fake.h"
#include "openruntime/compute.h"
#include "runtime/trace_json.h"

static or_runtime_t *runtime;
static or_device_t *host, *device; /* whose memory the host does not reach */
static or_counting_allocator_t counting;

static int setup(void **state) {
  static const or_backend_registration_t backends[] = {{"fake", or_fake_entry}, {"cpu", or_backend_cpu_entry}};
  (void)state;
  or_fake_reset();
  or_counting_allocator_init(&counting, or_allocator_system(), 0);
  const or_runtime_options_t options = {.allocator = &counting.base, .threads = 1};
  expect_ok(or_runtime_create_with(&options, backends, 2, &runtime));
  device = or_runtime_device(runtime, 0);
  expect_ok(or_runtime_find_device(runtime, "cpu", &host));
  return 0;
}

static int teardown(void **state) {
  (void)state;
  or_runtime_release(runtime);
  assert_int_equal(counting.live_bytes, 0);
  assert_int_equal(or_status_live_count(), 0);
  return 0;
}

/* A Relu on the device of a tensor that lies on the host. */
static or_status_t compute(void) {
  const float values[] = {-1, 2};
  or_tensor_t *input = NULL, *output = NULL;
  expect_ok(or_tensor_create_from(host, OR_FLOAT32, or_shape_make(1, (int64_t[]){2}), values, sizeof values, &input));
  const or_compute_call_t call = {
      .op = "Relu", .inputs = &input, .input_count = 1, .outputs = &output, .output_count = 1};
  or_status_t status = or_compute(device, &call);
  or_tensor_release(input);
  or_tensor_release(output);
  return status;
}

static or_trace_recording_t *record(or_status_code_t code) {
  expect_ok(compute()); /* compiled before */
  expect_ok(or_trace_start(or_runtime_trace(runtime), INT64_MAX, 64));
  const or_trace_scope_t before = or_trace_enter((or_trace_scope_t){7, or_trace_owner("me")});
  if (code != OR_OK) or_fake_fail(OR_FAKE_RUN, 1, code);
  or_status_t status = compute();
  assert_int_equal(or_status_code(status), code);
  or_status_ignore(status); /* looked at */
  (void)or_trace_enter(before);
  or_trace_recording_t *recording = or_trace_stop(or_runtime_trace(runtime));
  assert_non_null(recording);
  return recording;
}

static size_t count_of(const or_trace_recording_t *recording, or_trace_kind_t kind) {
  size_t count = 0;
  for (size_t i = 0; i < recording->count; ++i) count += recording->events[i].kind == kind;
  return count;
}

static void records_submissions_nodes_and_copies_of_a_task(void **state) {
  (void)state;
  or_trace_recording_t *recording = record(OR_OK);
  assert_int_equal(count_of(recording, OR_TRACE_SUBMISSION), 1);
  assert_int_equal(count_of(recording, OR_TRACE_NODE), 1);
  assert_int_equal(count_of(recording, OR_TRACE_COPY), 1);
  for (size_t i = 0; i < recording->count; ++i) {
    const or_trace_event_t *event = &recording->events[i];
    assert_int_equal(event->scope.task, 7);
    assert_string_equal(event->device, or_device_facts(device)->id);
    assert_true(event->begin_ns <= event->end_ns && event->begin_ns >= recording->start_ns);
    if (event->kind == OR_TRACE_COPY) {
      assert_string_equal(event->label, or_device_facts(host)->id);
      assert_int_equal((int)event->bytes, 8);
    } else if (event->kind == OR_TRACE_NODE) {
      assert_string_equal(event->label, "Relu");
    } else {
      assert_int_equal(event->submitter, or_trace_thread());
      assert_int_not_equal(event->thread, event->submitter);
      assert_true(event->submitted_ns <= event->begin_ns);
    }
  }
  or_trace_recording_free(recording);
}

static void leaves_out_nodes_that_a_failed_run_did_not_reach(void **state) {
  (void)state;
  or_trace_recording_t *recording = record(OR_INTERNAL);
  assert_int_equal(count_of(recording, OR_TRACE_SUBMISSION), 1);
  assert_int_equal(count_of(recording, OR_TRACE_NODE), 0);
  or_trace_recording_free(recording);
}

static void records_nothing_where_nobody_asks(void **state) {
  (void)state;
  expect_ok(compute());
  assert_null(or_trace_stop(or_runtime_trace(runtime)));
}

static or_json_document_t *write_view(const or_trace_view_t *view) {
  or_text_t text;
  or_json_writer_t json;
  or_json_document_t *document = NULL;
  or_text_init(&text, or_allocator_system());
  or_json_begin(&json, &text, 0);
  or_trace_write(&json, view);
  expect_ok(or_json_finish(&json));
  expect_ok(or_json_parse(or_allocator_system(), text.data, text.length, &document));
  or_text_deinit(&text);
  return document;
}

static const char *member(const or_json_value_t *event, const char *name) {
  return or_json_get_string(or_json_get(event, name), "");
}

/* Events of that phase and category; with that name, unless it is NULL. */
static size_t written(const or_json_document_t *document, const char *phase, const char *category, const char *name) {
  const or_json_value_t *events = or_json_get(or_json_root(document), "traceEvents");
  size_t count = 0;
  for (size_t i = 0; i < or_json_count(events); ++i) {
    const or_json_value_t *event = or_json_at(events, i);
    count += strcmp(member(event, "ph"), phase) == 0 && strcmp(member(event, "cat"), category) == 0 &&
             (name == NULL || strcmp(member(event, "name"), name) == 0);
  }
  return count;
}

/* What a task does besides, as a scheduler records it. */
static void add_task(or_trace_recording_t *recording, or_trace_event_t *events) {
  const int64_t at_ns = recording->start_ns;
  memcpy(events, recording->events, recording->count * sizeof *events);
  events[recording->count] = (or_trace_event_t){.kind = OR_TRACE_TASK,
                                                .scope = recording->events[0].scope,
                                                .submitted_ns = at_ns,
                                                .begin_ns = at_ns + 1000,
                                                .end_ns = at_ns + 3500,
                                                .name = "compute relu",
                                                .label = "t1",
                                                .kernel = "completed"};
  events[recording->count + 1] = events[recording->count];
  events[recording->count + 1].begin_ns = 0; /* another one, that never began */
  events[recording->count + 1].scope.task = 8;
  events[recording->count + 2] = events[recording->count];
  events[recording->count + 2].kind = OR_TRACE_WORK;
  events[recording->count + 2].thread = events[0].thread; /* one that has a name */
}

static void writes_what_perfetto_opens(void **state) {
  (void)state;
  or_trace_event_t events[64];
  or_trace_recording_t *recording = record(OR_OK);
  add_task(recording, events);
  or_trace_recording_t whole = *recording;
  whole.events = events;
  whole.count += 3;
  whole.dropped = 5;
  const or_trace_view_t view = {&whole, "p1", true, 0, runtime};
  or_json_document_t *document = write_view(&view);
  const or_json_value_t *facts = or_json_get(or_json_root(document), "otherData");
  assert_string_equal(member(facts, "profile_id"), "p1");
  assert_int_equal(or_json_get_int(or_json_get(facts, "dropped_events"), 0), 5);
  assert_int_equal(or_json_get_int(or_json_get(facts, "recorded_events"), 0), whole.count);
  assert_int_equal(written(document, "b", "task", "compute relu"), 2);
  assert_int_equal(written(document, "b", "task", "wait"), 2);
  assert_int_equal(written(document, "b", "task", "run"), 1);
  assert_int_equal(written(document, "e", "task", NULL), 5);
  assert_int_equal(written(document, "X", "work", "compute relu"), 1);
  assert_int_equal(written(document, "X", "submission", "segment 1 of 1"), 1);
  assert_int_equal(written(document, "X", "node", NULL), 1);
  assert_int_equal(written(document, "X", "kernel", NULL), 1);
  assert_int_equal(written(document, "X", "copy", NULL), 1);
  assert_int_equal(written(document, "b", "queue", "queue wait"), 1);
  assert_int_equal(written(document, "s", "flow", NULL), 1);
  assert_int_equal(written(document, "f", "flow", NULL), 1);
  assert_int_equal(written(document, "M", "__metadata", "process_name"), 4);
  assert_int_equal(written(document, "M", "__metadata", "thread_name"), 2);
  or_json_document_free(document);
  or_trace_recording_free(recording);
}

static void hides_the_names_of_what_was_done_for_others(void **state) {
  (void)state;
  or_trace_event_t events[64];
  or_trace_recording_t *recording = record(OR_OK);
  add_task(recording, events);
  or_trace_recording_t whole = *recording;
  whole.events = events;
  whole.count += 3;
  const uint64_t owners[] = {or_trace_owner("you"), or_trace_owner("me")};
  for (size_t i = 0; i < 2; ++i) {
    const or_trace_view_t view = {&whole, "p1", false, owners[i], runtime};
    or_json_document_t *document = write_view(&view);
    assert_int_equal(written(document, "b", "task", "other"), i == 0 ? 2 : 0);
    assert_int_equal(written(document, "X", "node", "other"), i == 0 ? 1 : 0);
    assert_int_equal(written(document, "X", "kernel", "other"), i == 0 ? 1 : 0);
    assert_int_equal(written(document, "X", "copy", "other"), i == 0 ? 1 : 0);
    assert_int_equal(written(document, "X", "work", "other"), i == 0 ? 1 : 0);
    or_json_document_free(document);
  }
  or_trace_recording_free(recording);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {
      TEST(records_submissions_nodes_and_copies_of_a_task),
      TEST(leaves_out_nodes_that_a_failed_run_did_not_reach),
      TEST(records_nothing_where_nobody_asks),
      TEST(writes_what_perfetto_opens),
      TEST(hides_the_names_of_what_was_done_for_others),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
