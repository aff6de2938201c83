/* Workers that lie: shell scripts that answer whatever they like at descriptor 3. */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/testing.h"
#include "kernel/kernel_test_internal.h"
#include "kernel/worker_client.h"

static char folder[64], script[96];
static or_worker_environment_t environment;
static or_worker_process_t process;
static or_text_t request, reply;

static int set_up(void **state) {
  (void)state;
  (void)snprintf(folder, sizeof folder, "/tmp/openruntime-test-XXXXXX");
  assert_non_null(mkdtemp(folder));
  (void)snprintf(script, sizeof script, "%s/liar", folder);
  expect_ok(or_worker_environment_init(or_allocator_system(), &environment));
  or_text_init(&request, or_allocator_system());
  or_text_init(&reply, or_allocator_system());
  expect_ok(or_worker_write_forget(1, &request));
  process = (or_worker_process_t){.socket = -1};
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  or_worker_end(&process, NULL);
  or_worker_tidy(&process, NULL);
  or_text_deinit(&request);
  or_text_deinit(&reply);
  or_worker_environment_deinit(or_allocator_system(), &environment);
  (void)unlink(script);
  (void)rmdir(folder);
  assert_int_equal(or_status_live_count(), 0);
  assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
  assert_int_equal(errno, ECHILD);
  return 0;
}

static void start(const char *body) {
  FILE *file = fopen(script, "w");
  assert_non_null(file);
  assert_true(fprintf(file, "#!/bin/sh\n%s\n", body) > 0);
  assert_int_equal(fclose(file), 0);
  assert_int_equal(chmod(script, 0700), 0);
  or_worker_tidy(&process, NULL); /* of the one before it, which has ended */
  expect_ok(or_worker_start(&(or_worker_start_t){script, "fake_0", "", &environment}, &process));
}

static or_status_t ask_within(uint32_t ms) {
  return or_worker_exchange(
      &process, &(or_worker_exchange_t){.request = &request,
                                        .descriptor = -1,
                                        .answer = OR_WORKER_RAN,
                                        .bounds = {or_clock_ns() + ms * (int64_t)1000000, ms, NULL, UINT64_MAX},
                                        .reply = &reply});
}

#define LONG_ENOUGH_MS 60000u
#define HEADER "printf 'ORWK\\001\\000\\006\\000"

/* A worker that does this costs the exchange, and is gone. */
static void expect_ended(const char *body, uint32_t ms, or_status_code_t code, const char *words) {
  start(body);
  expect_failure(ask_within(ms), code, words);
  assert_int_equal(process.pid, 0);
  assert_int_equal(process.socket, -1);
  assert_string_not_equal(process.scratch, ""); /* whoever ended it has no time for that */
}

static void a_right_answer_is_taken(void **state) {
  (void)state;
  start(HEADER "\\003\\000\\000\\000abc' >&3; cat <&3 >/dev/null");
  expect_ok(ask_within(LONG_ENOUGH_MS));
  assert_int_equal(reply.length, 3);
  assert_memory_equal(reply.data, "abc", 3);
  assert_true(or_worker_is_sound(&process));
}

static void garbage_is_an_error(void **state) {
  (void)state;
  expect_ended("printf 'HTTP/1.1 200 OK and so on' >&3; cat <&3 >/dev/null", LONG_ENOUGH_MS, OR_DATA_LOSS,
               "not our protocol");
}

static void another_version_is_an_error(void **state) {
  (void)state;
  expect_ended("printf 'ORWK\\002\\000\\006\\000\\000\\000\\000\\000' >&3; cat <&3 >/dev/null", LONG_ENOUGH_MS,
               OR_DATA_LOSS, "version");
}

static void a_huge_length_is_not_read(void **state) {
  (void)state;
  expect_ended(HEADER "\\377\\377\\377\\377' >&3; cat /dev/zero >&3", LONG_ENOUGH_MS, OR_DATA_LOSS, "4294967295 bytes");
}

static void another_answer_is_an_error(void **state) {
  (void)state;
  expect_ended("printf 'ORWK\\001\\000\\004\\000\\000\\000\\000\\000' >&3; cat <&3 >/dev/null", LONG_ENOUGH_MS,
               OR_DATA_LOSS, "message 4");
}

static void half_a_message_and_an_end_is_an_error(void **state) {
  (void)state;
  expect_ended(HEADER "\\012\\000\\000\\000abc' >&3; exit 7", LONG_ENOUGH_MS, OR_RESOURCE_EXHAUSTED,
               "ended with code 7");
}

static void an_end_without_a_word_is_an_error(void **state) {
  (void)state;
  expect_ended("kill -ILL $$", LONG_ENOUGH_MS, OR_RESOURCE_EXHAUSTED, "signal 4 (an illegal instruction)");
}

static void silence_ends_when_the_time_is_up(void **state) {
  (void)state;
  expect_ended("exec sleep 1000", 20, OR_DEADLINE_EXCEEDED, "20 ms");
}

static void half_a_message_and_silence_end_when_the_time_is_up(void **state) {
  (void)state;
  expect_ended(HEADER "\\012\\000\\000\\000abc' >&3; exec sleep 1000", 50, OR_DEADLINE_EXCEEDED, "50 ms");
}

static void a_closed_connection_of_a_process_that_stays_is_an_error(void **state) {
  (void)state;
  expect_ended("exec 3>&-; exec sleep 1000", LONG_ENOUGH_MS, OR_RESOURCE_EXHAUSTED, "signal 9");
}

static void an_end_is_seen_though_what_it_started_has_its_connection(void **state) {
  (void)state;
  siginfo_t info;
  expect_ended("sleep 1000 & kill -ILL $$", LONG_ENOUGH_MS, OR_RESOURCE_EXHAUSTED, "signal 4 (an illegal instruction)");
  start("sleep 1000 &");
  assert_int_equal(waitid(P_PID, (id_t)process.pid, &info, WEXITED | WNOWAIT), 0);
  assert_false(or_worker_is_sound(&process));
}

static void what_was_not_read_is_said_so(void **state) {
  (void)state;
  start(HEADER "\\012\\000\\000\\000abc' >&3; exec sleep 1000");
  expect_failure(ask_within(50), OR_DEADLINE_EXCEEDED, "50 ms");
  assert_false(process.unread); /* it would have had the time */
  start("kill -ILL $$");
  expect_failure(ask_within(LONG_ENOUGH_MS), OR_RESOURCE_EXHAUSTED, "signal 4");
  assert_true(process.unread);
  start("head -c 12 <&3 >/dev/null; kill -ILL $$");
  expect_failure(ask_within(LONG_ENOUGH_MS), OR_RESOURCE_EXHAUSTED, "signal 4");
  assert_true(process.unread); /* of its body */
  start("head -c 16 <&3 >/dev/null; kill -ILL $$");
  expect_failure(ask_within(LONG_ENOUGH_MS), OR_RESOURCE_EXHAUSTED, "signal 4");
  assert_false(process.unread);
}

static void a_request_that_finds_no_room_with_a_dead_worker_was_not_read(void **state) {
  (void)state;
  expect_ok(or_text_reserve(&request, (size_t)16 << 20));
  request.length = (size_t)16 << 20;
  memset(request.data, 0, request.length);
  start("sleep 1000 & kill -ILL $$");
  expect_failure(ask_within(LONG_ENOUGH_MS), OR_RESOURCE_EXHAUSTED, "signal 4");
  assert_true(process.unread);
}

static void what_a_worker_started_is_killed_with_it(void **state) {
  (void)state;
  pid_t child = 0;
  start("sleep 1000 3>&- & " HEADER "\\010\\000\\000\\000%08d' $! >&3; wait");
  expect_ok(ask_within(LONG_ENOUGH_MS));
  char number[9] = "";
  memcpy(number, reply.data, 8);
  child = (pid_t)strtol(number, NULL, 10);
  assert_int_equal(kill(child, 0), 0);
  or_worker_end(&process, NULL);
  /* Killed already, though its new parent may not have looked yet. */
  while (!has_ended(child)) (void)sched_yield();
}

static void it_inherits_no_secret(void **state) {
  (void)state;
  start(HEADER "\\001\\000\\000\\000%d' $(env | grep -c '^OPENRUNTIME_\\|^SECRET') >&3; cat <&3 >/dev/null");
  expect_ok(ask_within(LONG_ENOUGH_MS));
  assert_memory_equal(reply.data, "0", 1);
}

static void its_folder_is_removed_with_what_lies_in_it(void **state) {
  (void)state;
  struct stat facts;
  char scratch[OR_FILE_PATH_BYTES];
  start("mkdir -p $TMPDIR/a/b; echo x >$TMPDIR/a/b/c; ln -s / $TMPDIR/a/root; ln -s /etc/passwd $TMPDIR/l; " HEADER
        "\\000\\000\\000\\000' >&3; cat <&3 >/dev/null");
  expect_ok(ask_within(LONG_ENOUGH_MS));
  (void)snprintf(scratch, sizeof scratch, "%s", process.scratch);
  assert_int_equal(stat(scratch, &facts), 0);
  assert_int_equal(facts.st_mode & 0777, 0700);
  or_worker_end(&process, NULL);
  assert_int_equal(stat(scratch, &facts), 0);
  or_worker_tidy(&process, NULL);
  assert_int_equal(stat(scratch, &facts), -1);
  assert_int_equal(stat("/etc/passwd", &facts), 0);
}

static void shared_memory_keeps_its_size(void **state) {
  (void)state;
  int memory = -1;
  char bytes[4] = "";
  expect_ok(or_worker_memory_create(8192, &memory));
  expect_ok(or_worker_memory_write(memory, 8188, "abcd", 4));
  expect_ok(or_worker_memory_read(memory, 8188, bytes, 4));
  assert_memory_equal(bytes, "abcd", 4);
#if defined(__linux__)
  assert_int_equal(ftruncate(memory, 0), -1);
  assert_int_equal(ftruncate(memory, 16384), -1);
#endif
  expect_failure(or_worker_memory_read(memory, 8190, bytes, 4), OR_DATA_LOSS, "");
  assert_int_equal(close(memory), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
      TEST(a_right_answer_is_taken),
      TEST(garbage_is_an_error),
      TEST(another_version_is_an_error),
      TEST(a_huge_length_is_not_read),
      TEST(another_answer_is_an_error),
      TEST(half_a_message_and_an_end_is_an_error),
      TEST(an_end_without_a_word_is_an_error),
      TEST(silence_ends_when_the_time_is_up),
      TEST(half_a_message_and_silence_end_when_the_time_is_up),
      TEST(a_closed_connection_of_a_process_that_stays_is_an_error),
      TEST(an_end_is_seen_though_what_it_started_has_its_connection),
      TEST(what_was_not_read_is_said_so),
      TEST(a_request_that_finds_no_room_with_a_dead_worker_was_not_read),
      TEST(what_a_worker_started_is_killed_with_it),
      TEST(it_inherits_no_secret),
      TEST(its_folder_is_removed_with_what_lies_in_it),
      TEST(shared_memory_keeps_its_size),
  };
  (void)setenv("OPENRUNTIME_API_KEY", "SECRET", 1);
  (void)setenv("SECRET", "1", 1);
  return cmocka_run_group_tests(tests, NULL, NULL);
}
