/* Kernels' tasks in workers of the fake device: this program is its own worker. */
#include "base/testing.h"

#include "base/clock.h"
#include "base/string.h"
#include "fixtures/kernels.h"
#include "runtime/runtime.h"
#include "task/kernel_launch.h"
#include "task/task_internal.h"

static or_runtime_t *runtime;
static or_kernel_registry_t *registry;

#define SOURCE                                                                                                      \
  "kernel saxpy saxpy a:float32 x:float32* y:float32!\nkernel spin spin\nkernel crash crash\nkernel twice nothing " \
  "n:int32 s:float32@\n"

static int set_up(void **state) {
  (void)state;
  reset_fake_for_kernels();
  expect_ok(or_runtime_create_with(NULL, kernel_backends, KERNEL_BACKENDS, &runtime));
  or_kernels_options_t limits = or_kernels_options_default();
  limits.program = program;
  limits.output_bytes = 4096;
  const or_kernel_registry_options_t options = {.runtime = runtime, .limits = &limits};
  expect_ok(or_kernel_registry_create(&options, &registry));
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  or_kernel_registry_free(registry);
  or_runtime_release(runtime);
  assert_int_equal(or_status_live_count(), 0);
  return 0;
}

static or_kernel_record_t a_record(const char *name, const char *source) {
  return (or_kernel_record_t){.owner = "k",
                              .name = name,
                              .entry = name,
                              .target = "fake",
                              .source = source,
                              .source_bytes = strlen(source),
                              .parameters = "null",
                              .options = ""};
}

static or_status_t try_compile(const char *name, const char *source, char *log) {
  const or_kernel_record_t record = a_record(name, source);
  or_kernel_entry_t *entry = NULL;
  or_status_t status = or_kernel_registry_compile(registry, &record, NULL, log, &entry);
  or_kernel_entry_release(entry);
  return status;
}

static void compile(const char *name) {
  char log[OR_KERNEL_LOG_BYTES];
  expect_ok(try_compile(name, SOURCE, log));
}

static or_task_t *parsed(const char *text) {
  or_json_document_t *document = NULL;
  or_task_problems_t problems;
  or_task_t *task = NULL;
  expect_ok(or_json_parse(or_allocator_system(), text, strlen(text), &document));
  expect_ok(or_task_parse(or_allocator_system(), or_json_root(document), &problems, &task));
  or_json_document_free(document);
  return task;
}

/* The task's data and more fields of the request. */
static or_status_t run_with(const char *data, const char *fields, or_cancel_t *cancel, or_task_problems_t *problems,
                            or_task_result_t *result) {
  char text[1024];
  or_format(text, sizeof text, "{\"operation\":\"kernel\",\"data\":%s%s}", data, fields);
  or_task_t *task = parsed(text);
  const or_task_context_t context = {
      .runtime = runtime, .kernels = registry, .owner = "k", .cancel = cancel, .problems = problems};
  or_task_result_init(result, or_allocator_system());
  or_status_t status = or_task_execute(task, &context, result);
  or_task_free(task);
  return status;
}

#define TENSOR(data) "{\"shape\":[3],\"dtype\":\"float32\",\"data\":" data "}"
#define SAXPY \
  "{\"name\":\"saxpy\",\"grid\":[1],\"block\":[3],\"arguments\":[2," TENSOR("[1,2,3]") "," TENSOR("[10,20,30]") "]}"

static void gives_back_what_the_kernel_wrote_under_its_number(void **state) {
  (void)state;
  or_task_result_t result;
  compile("saxpy");
  expect_ok(run_with(SAXPY, "", NULL, NULL, &result));
  const char *json = or_text_string(&result.json);
  assert_non_null(
      strstr(json, "{\"operation\":\"kernel\",\"name\":\"saxpy\",\"device\":\"fake_0\",\"execution_time\":"));
  assert_non_null(strstr(json, "\"grid\":[1,1,1],\"block\":[3,1,1],\"outputs\":{\"2\":{"));
  assert_non_null(strstr(json, "\"data\":[12,24,36]"));
  assert_string_equal(result.device_used, "fake_0");
  assert_int_equal(result.output_count, 1);
  assert_string_equal(result.outputs[0].name, "2");
  const float *values = or_tensor_data(result.outputs[0].tensor);
  assert_true(values[0] == 12 && values[1] == 24 && values[2] == 36);
  or_task_result_deinit(&result);
}

static void runs_where_it_was_compiled_for(void **state) {
  (void)state;
  or_task_result_t result;
  compile("saxpy");
  expect_ok(run_with(SAXPY, ",\"device_preference\":\"cpu_0\"", NULL, NULL, &result));
  assert_string_equal(result.device_used, "fake_0");
  assert_non_null(strstr(result.fallback_reason, "fake_0 is what the kernel was compiled for"));
  or_task_result_deinit(&result);
  expect_failure(run_with(SAXPY, ",\"device_preference\":\"cpu_0\",\"strict_device\":true", NULL, NULL, &result),
                 OR_FAILED_PRECONDITION, "strict_device wants cpu_0");
  or_task_result_deinit(&result);
  expect_ok(run_with(SAXPY, ",\"device_preference\":\"fake\",\"strict_device\":true", NULL, NULL, &result));
  assert_string_equal(result.fallback_reason, "");
  or_task_result_deinit(&result);
}

static void zeros_need_not_be_sent(void **state) {
  (void)state;
  or_task_result_t result;
  compile("saxpy");
  expect_ok(run_with("{\"name\":\"saxpy\",\"grid\":[1],\"block\":[3],\"arguments\":[2," TENSOR(
                         "[1,2,3]") ",{\"shape\":[3],\"dtype\":\"float32\",\"zeros\":true}]}",
                     "", NULL, NULL, &result));
  assert_non_null(strstr(or_text_string(&result.json), "\"data\":[2,4,6]"));
  or_task_result_deinit(&result);
}

static void every_argument_that_does_not_fit_is_named(void **state) {
  (void)state;
  static const struct {
    const char *data, *loc;
  } cases[] = {
      {"{\"name\":\"twice\",\"grid\":[1]}", "data.arguments"},
      {"{\"name\":\"twice\",\"grid\":[1],\"arguments\":[1,{\"local_bytes\":4},3]}", "data.arguments"},
      {"{\"name\":\"twice\",\"grid\":[1],\"arguments\":[0.5,{\"local_bytes\":4}]}", "data.arguments.0"},
      {"{\"name\":\"twice\",\"grid\":[1],\"arguments\":[4294967296,{\"local_bytes\":4}]}", "data.arguments.0"},
      {"{\"name\":\"twice\",\"grid\":[1],\"arguments\":[1,1]}", "data.arguments.1"},
      {"{\"name\":\"twice\",\"grid\":[1],\"block\":[1048576],\"arguments\":[1,{\"local_bytes\":4}]}", "data.block"},
      {"{\"name\":\"saxpy\",\"grid\":[1],\"arguments\":[2,{\"shape\":[1],\"dtype\":\"int8\",\"data\":[1]}," TENSOR(
           "[1,2,3]") "]}",
       "data.arguments.1"},
      {"{\"name\":\"saxpy\",\"grid\":[1],\"arguments\":[2," TENSOR(
           "[1,2,3]") ",{\"shape\":[1025],\"dtype\":\"float32\",\"zeros\":true}]}",
       "data.arguments.2"},
  };
  compile("saxpy");
  compile("twice");
  for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
    or_task_problems_t problems = {.count = 0};
    or_task_result_t result;
    expect_failure(run_with(cases[i].data, "", NULL, &problems, &result), OR_INVALID_ARGUMENT, cases[i].loc);
    assert_true(problems.count >= 1);
    if (strncmp(problems.items[0].loc, cases[i].loc, strlen(cases[i].loc)) != 0)
      print_error("%s: %s: %s\n", cases[i].data, problems.items[0].loc, problems.items[0].msg);
    assert_true(strncmp(problems.items[0].loc, cases[i].loc, strlen(cases[i].loc)) == 0);
    or_task_result_deinit(&result);
  }
}

static void an_unknown_kernel_and_anothers_are_not_there(void **state) {
  (void)state;
  or_task_result_t result;
  expect_failure(run_with(SAXPY, "", NULL, NULL, &result), OR_NOT_FOUND, "no kernel \"saxpy\"");
  or_task_result_deinit(&result);
}

static void counts_what_ended_how(void **state) {
  (void)state;
  char log[OR_KERNEL_LOG_BYTES];
  or_kernel_registry_stats_t stats;
  or_task_result_t result;
  or_cancel_t cancel;
  compile("spin");
  compile("crash");
  compile("saxpy");
  expect_failure(try_compile("saxpy", "error it is wrong\n", log), OR_INVALID_ARGUMENT, "");
  assert_non_null(strstr(log, "it is wrong"));
  expect_ok(run_with(SAXPY, "", NULL, NULL, &result)); /* the old one */
  or_task_result_deinit(&result);
  or_cancel_init(&cancel, or_clock_ns() + 200000000);
  expect_failure(run_with("{\"name\":\"spin\",\"grid\":[1]}", "", &cancel, NULL, &result), OR_DEADLINE_EXCEEDED, "");
  or_task_result_deinit(&result);
  expect_failure(run_with("{\"name\":\"crash\",\"grid\":[1]}", "", NULL, NULL, &result), OR_RESOURCE_EXHAUSTED, "");
  or_task_result_deinit(&result);
  or_kernel_registry_stats(registry, &stats);
  assert_int_equal(stats.compiles[OR_KERNEL_DONE], 3);
  assert_int_equal(stats.compiles[OR_KERNEL_FAILED], 1);
  assert_int_equal(stats.runs[OR_KERNEL_DONE], 1);
  assert_int_equal(stats.runs[OR_KERNEL_KILLED_TIME], 1);
  assert_int_equal(stats.runs[OR_KERNEL_KILLED_DIED], 1);
  assert_int_equal(stats.workers, 0); /* the last one died */
}

static void one_that_was_kept_is_compiled_at_first_use(void **state) {
  (void)state;
  or_kernel_registry_stats_t stats;
  or_task_result_t result;
  const or_kernel_record_t record = a_record("saxpy", SOURCE);
  expect_ok(or_kernel_registry_recall(registry, &record));
  or_kernel_registry_stats(registry, &stats);
  assert_int_equal(stats.compiles[OR_KERNEL_DONE], 0);
  for (int i = 0; i < 2; ++i) {
    expect_ok(run_with(SAXPY, "", NULL, NULL, &result));
    or_task_result_deinit(&result);
  }
  or_kernel_registry_stats(registry, &stats);
  assert_int_equal(stats.compiles[OR_KERNEL_DONE], 1);
  assert_int_equal(stats.runs[OR_KERNEL_DONE], 2);
  assert_int_equal(stats.workers, 1);
}

static void says_what_it_compiled(void **state) {
  (void)state;
  or_kernel_entry_t *entry = NULL;
  compile("saxpy");
  expect_ok(or_kernel_registry_find(registry, "k", "saxpy", &entry));
  const char *facts = or_kernel_entry_record(entry)->facts;
  assert_non_null(strstr(facts, "\"name\":\"saxpy\",\"entry_point\":\"saxpy\",\"compiled_at\":\"2"));
  assert_non_null(strstr(facts, "\"target_device\":\"fake_0\""));
  assert_non_null(strstr(facts, "{\"index\":2,\"name\":\"y\""));
  assert_non_null(strstr(facts, "\"role\":\"buffer\",\"dtype\":\"float32\",\"width\":1,\"writable\":true}]"));
  or_kernel_entry_release(entry);
}

/* From the source to the outputs, all with an allocator of its own. */
static or_status_t compile_and_run(const or_allocator_t *allocator) {
  const or_runtime_options_t options = {.allocator = allocator};
  or_kernels_options_t limits = or_kernels_options_default();
  or_runtime_t *own = NULL;
  or_kernel_registry_t *made = NULL;
  or_kernel_entry_t *entry = NULL;
  or_task_result_t result;
  char log[OR_KERNEL_LOG_BYTES];
  limits.program = program;
  or_task_t *task = parsed("{\"operation\":\"kernel\",\"data\":" SAXPY "}");
  or_task_result_init(&result, allocator);
  or_status_t status = or_runtime_create_with(&options, kernel_backends, KERNEL_BACKENDS, &own);
  const or_kernel_registry_options_t wanted = {.runtime = own, .limits = &limits};
  const or_kernel_record_t record = a_record("saxpy", SOURCE);
  if (or_ok(status)) status = or_kernel_registry_create(&wanted, &made);
  if (or_ok(status)) status = or_kernel_registry_compile(made, &record, NULL, log, &entry);
  or_kernel_entry_release(entry);
  const or_task_context_t context = {.runtime = own, .kernels = made, .owner = "k"};
  if (or_ok(status)) status = or_task_execute(task, &context, &result);
  or_task_result_deinit(&result);
  or_task_free(task);
  or_kernel_registry_free(made);
  or_runtime_release(own);
  return status;
}

static void survives_every_failing_allocation(void **state) {
  (void)state;
  or_kernel_registry_free(registry); /* so that what lives is what was tried */
  or_runtime_release(runtime);
  registry = NULL;
  runtime = NULL;
  expect_survives_every_failing_allocation(compile_and_run);
}

int main(int count, char **arguments) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
  const struct CMUnitTest tests[] = {
      TEST(gives_back_what_the_kernel_wrote_under_its_number),
      TEST(runs_where_it_was_compiled_for),
      TEST(zeros_need_not_be_sent),
      TEST(every_argument_that_does_not_fit_is_named),
      TEST(an_unknown_kernel_and_anothers_are_not_there),
      TEST(counts_what_ended_how),
      TEST(one_that_was_kept_is_compiled_at_first_use),
      TEST(says_what_it_compiled),
      TEST(survives_every_failing_allocation),
  };
  int code = 0;
  return was_worker(count, arguments, &code) ? code : cmocka_run_group_tests(tests, NULL, NULL);
}
