/* The program as a whole: global flags, environment, devices, exit codes. */
#include "cli/cli_test_internal.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>

#include "base/thread.h"
#include "or_config.h"

static int setup(void **state) {
  (void)state;
  or_fake_reset();
  (void)unsetenv("OPENRUNTIME_URL");
  (void)unsetenv("OPENRUNTIME_MODELS");
  (void)setenv("OPENRUNTIME_BACKENDS", "cpu", 1); /* whatever else this machine has */
  (void)setenv("OPENRUNTIME_CACHE", "off", 1);
  return 0;
}

static void without_a_command_it_shows_help_or_asks_for_one(void **state) {
  (void)state;
  cli = (or_cli_t){.allocator = or_allocator_system()};
  assert_int_equal(run_prepared((const char *const[]){NULL}), OR_EXIT_OK);
  expect_out("Usage: openruntime [FLAGS] COMMAND");
  assert_int_equal(RUN("--help"), OR_EXIT_OK);
  expect_out("Usage: openruntime [FLAGS] COMMAND");
  assert_int_equal(RUN("--version"), OR_EXIT_OK);
  expect_out("openruntime 0.1.0");
  expect_exit(OR_EXIT_USAGE, "unknown flag \"--version\"", "devices", "--version");
  expect_exit(OR_EXIT_USAGE, "no command is given", "--json");
  expect_json();
  assert_int_equal(RUN("devices", "--help"), OR_EXIT_OK);
  expect_out("--peaks");
  assert_int_equal(RUN("generate", "--help"), OR_EXIT_OK);
  expect_out("this command belongs to it");
  expect_exit(OR_EXIT_USAGE, "helping", "help", "helping");
}

static void says_where_each_command_works(void **state) {
  (void)state;
  expect_exit(OR_EXIT_FAILED, "generate: this version does not have it yet", "generate", "gpt2");
  expect_exit(OR_EXIT_USAGE, "tasks is of a running server", "tasks");
  expect_exit(OR_EXIT_USAGE, "models load is of a running server", "models", "load", "x");
  expect_exit(OR_EXIT_USAGE, "models remove is of a running server", "models", "remove", "x");
  expect_exit(OR_EXIT_USAGE, "verify works in process only", "--url", "http://x", "verify", "x");
  expect_exit(OR_EXIT_USAGE, "--threads is for work in process", "--url", "http://x", "--threads", "2", "devices");
  expect_exit(OR_EXIT_USAGE, "--peaks is for work in process", "--url", "http://x", "devices", "cpu_0", "--peaks");
  expect_exit(OR_EXIT_USAGE, "there are http://HOST:PORT", "--url", "ftp://x", "devices");
#if OR_HAVE_SERVER
  expect_exit(OR_EXIT_USAGE, "this command is one", "--url", "http://x", "server", "--check-config");
#endif
  assert_int_equal(RUN("--url", "http://x", "version"), OR_EXIT_OK); /* the same everywhere */
  assert_int_equal(RUN("--url", "http://x", "help"), OR_EXIT_OK);
  assert_int_equal(RUN("--url", "http://x", "completion", "zsh"), OR_EXIT_OK);
  (void)setenv("OPENRUNTIME_URL", "http://y", 1);
  expect_exit(OR_EXIT_USAGE, "leave out --url and OPENRUNTIME_URL", "verify", "x");
  (void)setenv("OPENRUNTIME_URL", "", 1);
  assert_int_equal(RUN("devices"), OR_EXIT_OK);
}

static void lists_devices_as_a_table_and_as_a_document(void **state) {
  (void)state;
  or_fake_set_devices(2, false);
  assert_int_equal(RUN("devices"), OR_EXIT_OK);
  expect_out("ID ");
  expect_out("fake_1  Fake device");
  expect_out("cpu_0");
  assert_int_equal(RUN("--json", "devices"), OR_EXIT_OK);
  or_json_document_t *document = printed();
  const or_json_value_t *devices = or_json_get(or_json_root(document), "devices");
  assert_int_equal(or_json_count(devices), 3);
  const or_json_value_t *fake = or_json_at(devices, 0);
  assert_string_equal(or_json_get_string(or_json_get(fake, "id"), ""), "fake_0");
  assert_true(or_json_get_bool(or_json_get(fake, "is_available"), false));
  assert_int_equal(or_json_get_int(or_json_get(fake, "memory_total"), -1), 0); /* it does not say */
  assert_int_equal(or_json_kind(or_json_get(fake, "memory_available")), OR_JSON_NULL);
  assert_int_equal(or_json_kind(or_json_get(fake, "driver_version")), OR_JSON_NULL);
  or_json_document_free(document);
  assert_int_equal(RUN("status"), OR_EXIT_OK);
  expect_out("backend fake: a device for tests");
  expect_out("device fake_1: Fake device");
  assert_int_equal(RUN("--json", "status"), OR_EXIT_OK);
  expect_json();
}

static void shows_all_that_is_known_of_one_device(void **state) {
  (void)state;
  or_fake_set_capacity(4096);
  assert_int_equal(RUN("devices", "fake_0"), OR_EXIT_OK);
  expect_out("memory               4.0 KiB");
  expect_out("state                available");
  assert_null(strstr(out, "clock")); /* what is not known has no line */
  assert_int_equal(RUN("devices", "cpu_0"), OR_EXIT_OK);
  expect_out("compute units");
  assert_int_equal(RUN("--json", "devices", "fake_0"), OR_EXIT_OK);
  or_json_document_t *document = printed();
  assert_int_equal(or_json_get_int(or_json_get(or_json_root(document), "memory_available"), -1), 4096);
  or_json_document_free(document);
  expect_exit(OR_EXIT_FAILED, "did you mean \"fake_0\"", "devices", "fake_9");
  assert_int_not_equal(RUN("devices", "fake_0", "--peaks"), OR_EXIT_OK); /* it can't measure them */
  or_fake_fail(OR_FAKE_OPEN, 1, OR_DEVICE_LOST);
  assert_int_equal(RUN("--json", "devices"), OR_EXIT_OK); /* a list opens no device */
  document = printed();
  const or_json_value_t *fake = or_json_at(or_json_get(or_json_root(document), "devices"), 0);
  assert_true(or_json_get_bool(or_json_get(fake, "is_available"), false));
  or_json_document_free(document);
  or_fake_fail(OR_FAKE_OPEN, 1, OR_DEVICE_LOST);
  assert_int_equal(RUN("--json", "devices", "fake_0"), OR_EXIT_OK); /* it is shown all the same */
  document = printed();
  fake = or_json_root(document);
  assert_false(or_json_get_bool(or_json_get(fake, "is_available"), true));
  assert_int_equal(or_json_kind(or_json_get(fake, "current_metrics")), OR_JSON_NULL);
  or_json_document_free(document);
  or_fake_fail(OR_FAKE_OPEN, 1, OR_UNAVAILABLE);
  assert_int_equal(RUN("devices", "fake_0"), OR_EXIT_FAILED);
}

static void shows_what_devices_report_now(void **state) {
  (void)state;
  or_fake_set_capacity(4096);
  assert_int_equal(RUN("metrics"), OR_EXIT_OK);
  expect_out("DEVICE");
  expect_out("fake_0");
  expect_out("0.0 %"); /* of its memory */
  assert_int_equal(RUN("--json", "metrics"), OR_EXIT_OK);
  or_json_document_t *document = printed();
  const or_json_value_t *summary = or_json_get(or_json_get(or_json_root(document), "summary"), "fake_0");
  assert_int_equal(or_json_kind(summary), OR_JSON_OBJECT);
  assert_null(or_json_get(summary, "avg_temperature")); /* nobody reports it */
  or_json_document_free(document);
  assert_int_equal(RUN("metrics", "--prometheus"), OR_EXIT_OK);
  expect_out("openruntime_device_available{device=\"fake_0\"} 1\n");
  expect_exit(OR_EXIT_USAGE, "leave out --json", "--json", "metrics", "--prometheus");
  or_fake_fail(OR_FAKE_OPEN, 1, OR_DEVICE_LOST);
  assert_int_equal(RUN("metrics", "--prometheus"), OR_EXIT_OK); /* the others are shown all the same */
  expect_out("openruntime_device_available{device=\"fake_0\"} 0\n");
  or_fake_fail(OR_FAKE_OPEN, 1, OR_DEVICE_LOST);
  assert_int_equal(RUN("metrics"), OR_EXIT_OK);
}

/* Figures of recorded machines: what sensors say is shown with its unit. */
static void shows_what_the_sensors_say(void **state) {
  (void)state;
  static const char *const trees[] = {"hwmon_amd", "hwmon_intel", "rapl", "cgroup_v2", "none", "arm64", "garbage"};
  bool temperature = false;
  for (size_t i = 0; i < sizeof trees / sizeof *trees; ++i) {
    char root[96];
    (void)setenv("OPENRUNTIME_SYSTEM_ROOT", or_format(root, sizeof root, "tests/data/system_trees/%s", trees[i]), 1);
    cli = (or_cli_t){.allocator = or_allocator_system()};
    assert_int_equal(run_prepared((const char *const[]){"--no-vendor", "--threads", "1", "devices", "cpu_0", NULL}),
                     OR_EXIT_OK);
    temperature = temperature || strstr(out, "\xc2\xb0"
                                             "C\n") != NULL;
    cli = (or_cli_t){.allocator = or_allocator_system()};
    assert_int_equal(run_prepared((const char *const[]){"--no-vendor", "--json", "devices", NULL}), OR_EXIT_OK);
    expect_json();
    (void)unsetenv("OPENRUNTIME_SYSTEM_ROOT");
  }
  assert_true(temperature);
}

static void takes_global_flags(void **state) {
  (void)state;
  expect_exit(OR_EXIT_USAGE, "--threads 0: must be a whole number from 1 to 4096", "--threads", "0", "devices");
  cli = (or_cli_t){.allocator = or_allocator_system()};
  assert_int_equal(run_prepared((const char *const[]){"--isa", "sse9", "devices", NULL}), OR_EXIT_USAGE);
  expect_err("unknown instruction set \"sse9\"");
  cli = (or_cli_t){.allocator = or_allocator_system()};
  assert_int_equal(run_prepared((const char *const[]){"--isa", "sse9", "-d", "x", "explain", "y", NULL}),
                   OR_EXIT_USAGE);
  expect_exit(OR_EXIT_FAILED, "no device \"nowhere\"", "-d", "nowhere", "explain", "data/digits");
  expect_exit(OR_EXIT_FAILED, "openruntime: at ", "-vv", "devices", "fake_9");
  or_log_set_sink(NULL, NULL);
  assert_int_equal(RUN("-v", "devices"), OR_EXIT_OK);
  or_log_set_sink(NULL, NULL);
  or_log_set_level(OR_LOG_INFO);
  assert_int_equal(RUN("-q", "models", "--models", "tests"), OR_EXIT_OK);
  assert_string_equal(err, "");
}

static void takes_backends_and_cache_by_flag_over_environment(void **state) {
  static char path[OR_FILE_PATH_BYTES];
  (void)state;
  cli = (or_cli_t){.allocator = or_allocator_system()};
  assert_int_equal(run_prepared((const char *const[]){"--backends", "cpu,none", "devices", NULL}), OR_EXIT_USAGE);
  expect_err("unknown backend \"none\"; there are: cpu");
  (void)setenv("OPENRUNTIME_BACKENDS", "none", 1);
  cli = (or_cli_t){.allocator = or_allocator_system()};
  assert_int_equal(run_prepared((const char *const[]){"devices", NULL}), OR_EXIT_USAGE);
  assert_int_equal(RUN("devices"), OR_EXIT_OK);
  assert_null(or_cli_cache_folder(&cli, path)); /* off */
  assert_int_equal(RUN("devices", "--cache", "/here"), OR_EXIT_OK);
  assert_string_equal(or_cli_cache_folder(&cli, path), "/here");
  (void)setenv("OPENRUNTIME_CACHE", "", 1);
  (void)setenv("XDG_CACHE_HOME", "/there", 1);
  assert_int_equal(RUN("devices"), OR_EXIT_OK);
  assert_string_equal(or_cli_cache_folder(&cli, path), "/there/openruntime");
  (void)unsetenv("XDG_CACHE_HOME");
}

static void writes_completion_for_the_shells_it_knows(void **state) {
  (void)state;
  assert_int_equal(RUN("completion", "zsh"), OR_EXIT_OK);
  expect_out("#compdef openruntime");
  expect_out("'*--set=[any other field of the task'\\''s data; VALUE is JSON or text]:KEY=VALUE:_files'");
  expect_out("'--json[one JSON document on stdout");
  assert_int_equal(RUN("completion", "bash"), OR_EXIT_OK);
  expect_out("complete -o filenames -F _openruntime openruntime");
  assert_int_equal(RUN("completion", "man"), OR_EXIT_OK);
  expect_out(".B \\-d, \\-\\-device \\fIID|TYPE\\fR");
  expect_exit(OR_EXIT_USAGE, "completion for \"fish\"? There are: bash, zsh, man", "completion", "fish");
}

/* /dev/full takes nothing. */
static void what_can_not_be_written_is_a_failure(void **state) {
  (void)state;
  static const char *const commands[][3] = {{"version", NULL}, {"--json", "version", NULL}, {"devices", NULL}};
  FILE *full = fopen("/dev/full", "w");
  if (full == NULL) {
    print_message("skipped: no /dev/full\n");
    skip();
  }
  for (size_t i = 0; i < 3; ++i) {
    cli = (or_cli_t){.allocator = or_allocator_system()};
    expect_ok(open_runtime(NULL, &cli.runtime));
    int kept = redirect(stdout, full);
    int code = or_cli_execute(&cli, i == 1 ? 2 : 1, (char **)(uintptr_t)commands[i]);
    (void)fflush(stdout);
    clearerr(stdout);
    assert_true(dup2(kept, fileno(stdout)) >= 0);
    (void)close(kept);
    assert_int_equal(code, OR_EXIT_FAILED);
  }
  (void)fclose(full);
}

/* Ends the process's command once its handler stands and its work is at the gate. */
static void interrupt_at_the_gate(void *unused) {
  (void)unused;
  or_fake_wait_at_gate(OR_FAKE_NODE, 1);
  (void)kill(getpid(), SIGINT);
  while (!atomic_load(&cli.cancel.requested)) (void)sched_yield();
  or_fake_open_gate(OR_FAKE_NODE);
}
static void an_interrupt_ends_the_work_with_its_own_exit_code(void **state) {
  (void)state;
  or_thread_t thread = {0};
  or_fake_close_gate(OR_FAKE_NODE);
  expect_ok(or_thread_start(&thread, "interrupt", interrupt_at_the_gate, NULL));
  assert_int_equal(RUN("--json", "run", "-s", "4", "--iterations", "1"), OR_EXIT_INTERRUPTED);
  or_thread_join(&thread);
  or_json_document_t *document = printed();
  assert_string_equal(or_json_get_string(or_json_get(or_json_root(document), "status"), ""), "cancelled");
  or_json_document_free(document);
}

static void survives_every_failing_allocation(void **state) {
  (void)state;
  SURVIVES("devices");
  SURVIVES("--json", "devices");
  SURVIVES("--json", "devices", "fake_0");
  SURVIVES("--json", "status");
  SURVIVES("--json", "version");
  SURVIVES("--json", "help", "run");
  SURVIVES("--json", "completion", "bash");
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(without_a_command_it_shows_help_or_asks_for_one),
      TEST(says_where_each_command_works),
      TEST(lists_devices_as_a_table_and_as_a_document),
      TEST(shows_all_that_is_known_of_one_device),
      TEST(shows_what_devices_report_now),
      TEST(shows_what_the_sensors_say),
      TEST(takes_global_flags),
      TEST(takes_backends_and_cache_by_flag_over_environment),
      TEST(writes_completion_for_the_shells_it_knows),
      TEST(what_can_not_be_written_is_a_failure),
      TEST(an_interrupt_ends_the_work_with_its_own_exit_code),
      TEST(survives_every_failing_allocation),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
