/* Profiles: one at a time, a bounded number kept, each for its owner. */
#include "base/testing.h"

#include "base/clock.h"
#include "base/string.h"
#include "fake/fake.h"
#include "server/profiles.h"

static or_runtime_t *runtime;
static or_scheduler_t *scheduler;
static or_profiles_t *profiles;

static int setup(void **state) {
  static const or_backend_registration_t backends[] = {{"fake", or_fake_entry}};
  (void)state;
  or_fake_reset();
  or_fake_set_unified(0);
  expect_ok(or_runtime_create_with(NULL, backends, 1, &runtime));
  expect_ok(or_scheduler_create(&(or_scheduler_options_t){.runtime = runtime}, &scheduler));
  expect_ok(or_profiles_create(runtime, scheduler, &profiles));
  return 0;
}

static int teardown(void **state) {
  (void)state;
  or_scheduler_drain(scheduler, INT64_MAX / 4);
  or_profiles_free(profiles);
  or_scheduler_free(scheduler);
  or_runtime_release(runtime);
  assert_int_equal(or_status_live_count(), 0);
  return 0;
}

#define HOUR_NS INT64_C(3600000000000)

static or_status_t start(const char *owner, char id[OR_PROFILE_ID_BYTES]) {
  double left_s = 0;
  return or_profiles_start(profiles, owner, 3600, id, &left_s);
}

/* Whether the owner finds the profile; NULL: anyone. */
static bool finds(const char *id, const char *owner) {
  or_text_t text;
  double left_s = 0;
  or_text_init(&text, or_allocator_system());
  or_status_t status = or_profiles_write(profiles, id, owner, &text, &left_s);
  const or_status_code_t code = or_status_code(status);
  or_status_ignore(status); /* its code is looked at */
  if (code == OR_OK) assert_non_null(strstr(text.data, id));
  or_text_deinit(&text);
  assert_true(code == OR_OK || code == OR_NOT_FOUND);
  return code == OR_OK;
}

static void is_recorded_alone_until_its_time_is_over(void **state) {
  (void)state;
  char id[OR_PROFILE_ID_BYTES], other[OR_PROFILE_ID_BYTES];
  double left_s = 0;
  or_text_t text;
  or_text_init(&text, or_allocator_system());
  expect_ok(start("me", id));
  expect_failure(or_profiles_start(profiles, "me", 1, other, &left_s), OR_FAILED_PRECONDITION, "already");
  assert_true(left_s > 3500 && left_s <= 3600);
  expect_failure(or_profiles_write(profiles, id, "me", &text, &left_s), OR_UNAVAILABLE, "being recorded");
  expect_failure(or_profiles_write(profiles, id, "you", &text, &left_s), OR_NOT_FOUND, "no profile");
  or_profiles_tick(profiles, or_clock_ns());
  expect_failure(or_profiles_write(profiles, id, NULL, &text, &left_s), OR_UNAVAILABLE, "being recorded");
  or_profiles_tick(profiles, or_clock_ns() + HOUR_NS);
  assert_true(finds(id, "me") && finds(id, NULL));
  assert_false(finds(id, "you") || finds("none", NULL));
  expect_ok(start("me", other));
  or_text_deinit(&text);
}

static void of_many_the_owners_oldest_goes(void **state) {
  (void)state;
  static const char *const owners[] = {"you", "me", "me", "you", "me", "new"};
  char ids[6][OR_PROFILE_ID_BYTES];
  for (size_t i = 0; i < 6; ++i) {
    expect_ok(start(owners[i], ids[i]));
    or_profiles_tick(profiles, or_clock_ns() + HOUR_NS);
  }
  /* The fifth took the place of the second, the owner's own; the sixth, having none, that of the first. */
  assert_false(finds(ids[0], NULL) || finds(ids[1], NULL));
  for (size_t i = 2; i < 6; ++i) assert_true(finds(ids[i], owners[i]));
}

static or_job_t *submit(const char *task_id) {
  or_json_document_t *document = NULL;
  or_task_problems_t problems = {.count = 0};
  or_task_t *task = NULL;
  or_submission_result_t result;
  static const char body[] = "{\"operation\":\"compute\",\"data\":{\"size\":4,\"iterations\":1}}";
  expect_ok(or_json_parse(or_allocator_system(), body, strlen(body), &document));
  expect_ok(or_task_parse(or_allocator_system(), or_json_root(document), &problems, &task));
  or_json_document_free(document);
  const or_job_request_t request = {.task = task, .task_id = task_id, .owner = "me"};
  expect_ok(or_scheduler_submit(scheduler, &request, &result));
  return result.job;
}

static void holds_tasks_that_have_not_ended(void **state) {
  (void)state;
  char id[OR_PROFILE_ID_BYTES];
  or_text_t text;
  double left_s = 0;
  or_text_init(&text, or_allocator_system());
  or_scheduler_trace_active(scheduler); /* nobody records */
  or_fake_close_gate(OR_FAKE_RUN);
  or_job_t *job = submit("held");
  or_fake_wait_at_gate(OR_FAKE_RUN, 1);
  expect_ok(start("me", id));
  or_profiles_tick(profiles, or_clock_ns() + HOUR_NS);
  or_fake_open_gate(OR_FAKE_RUN);
  expect_ok(or_profiles_write(profiles, id, "me", &text, &left_s));
  assert_non_null(strstr(text.data, "\"task_id\":\"held\",\"status\":\"running\""));
  or_text_clear(&text);
  expect_ok(or_profiles_write(profiles, id, NULL, &text, &left_s));
  assert_non_null(strstr(text.data, "held"));
  or_text_deinit(&text);
  or_job_release(job);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {
      TEST(is_recorded_alone_until_its_time_is_over),
      TEST(of_many_the_owners_oldest_goes),
      TEST(holds_tasks_that_have_not_ended),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
