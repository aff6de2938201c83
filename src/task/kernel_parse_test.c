/* The data of a kernel's task, field by field. */
#include "base/testing.h"

#include "base/string.h"
#include "task/estimate.h"
#include "task/task_internal.h"

static or_status_t parse(const or_allocator_t *allocator, const char *data, or_task_problems_t *problems,
                         or_task_t **out) {
  char text[2048];
  or_json_document_t *document = NULL;
  *out = NULL;
  problems->count = 0;
  or_format(text, sizeof text, "{\"operation\":\"kernel\",\"data\":%s}", data);
  or_status_t status = or_json_parse_keeping_numbers(allocator, text, strlen(text), &document);
  if (or_ok(status)) status = or_task_parse(allocator, or_json_root(document), problems, out);
  or_json_document_free(document);
  return status;
}

#define ALL                                                                                                            \
  "{\"name\":\"f\",\"grid\":[2,3],\"block\":8,\"arguments\":[7,-0.5,true,{\"shape\":[2],\"dtype\":\"int32\",\"data\":" \
  "[1,2]},"                                                                                                            \
  "{\"local_bytes\":64},{\"shape\":[4,2],\"dtype\":\"float32\",\"zeros\":true},{\"shape\":[1],\"dtype\":\"uint8\","    \
  "\"data_base64\":\"BQ==\"}]}"

static void takes_every_kind_of_argument(void **state) {
  (void)state;
  or_task_problems_t problems;
  or_task_t *task = NULL;
  expect_ok(parse(or_allocator_system(), ALL, &problems, &task));
  const or_task_kernel_t *kernel = task->parameters.user_kernel;
  assert_string_equal(or_task_kernel(task), "f");
  assert_int_equal(kernel->grid.grid[0], 2);
  assert_int_equal(kernel->grid.grid[1], 3);
  assert_int_equal(kernel->grid.grid[2], 1);
  assert_int_equal(kernel->grid.block[0], 8);
  assert_int_equal(kernel->grid.block[1], 1);
  assert_int_equal(kernel->argument_count, 7);
  const or_task_argument_t *arguments = kernel->arguments;
  assert_true(arguments[0].kind == OR_ARGUMENT_NUMBER && arguments[0].is_integer && arguments[0].integer == 7);
  assert_true(arguments[1].kind == OR_ARGUMENT_NUMBER && !arguments[1].is_integer && arguments[1].real == -0.5);
  assert_true(arguments[2].is_integer && arguments[2].integer == 1);
  assert_true(arguments[3].kind == OR_ARGUMENT_TENSOR && arguments[3].operand == 0);
  assert_true(arguments[4].kind == OR_ARGUMENT_LOCAL && arguments[4].local_bytes == 64);
  assert_true(arguments[5].kind == OR_ARGUMENT_ZEROS && arguments[5].bytes == 32);
  assert_true(arguments[6].kind == OR_ARGUMENT_TENSOR && arguments[6].operand == 1);
  assert_string_equal(task->parameters.operands[0].name, "3");
  assert_string_equal(task->parameters.operands[1].name, "6");
  or_task_free(task);
}

static void numbers_are_exact_up_to_the_largest_unsigned_one(void **state) {
  (void)state;
  or_task_problems_t problems;
  or_task_t *task = NULL;
  expect_ok(parse(or_allocator_system(),
                  "{\"name\":\"f\",\"grid\":1,\"arguments\":[18446744073709551615,18446744073709551616,"
                  "9223372036854775807,-9223372036854775809,1e20]}",
                  &problems, &task));
  const or_task_argument_t *arguments = task->parameters.user_kernel->arguments;
  assert_true(arguments[0].is_integer && arguments[0].is_unsigned && (uint64_t)arguments[0].integer == UINT64_MAX);
  assert_true(!arguments[1].is_integer && arguments[1].is_rounded && arguments[1].real == 0x1p64);
  assert_true(arguments[2].is_integer && !arguments[2].is_unsigned && arguments[2].integer == INT64_MAX);
  assert_true(!arguments[3].is_integer && arguments[3].is_rounded && arguments[3].real == -0x1p63);
  assert_true(!arguments[4].is_integer && !arguments[4].is_rounded && arguments[4].real == 1e20);
  or_task_free(task);
}

static void is_isolated_work_that_a_restart_does_not_repeat(void **state) {
  (void)state;
  or_task_problems_t problems;
  or_task_estimate_t estimate;
  or_task_t *task = NULL;
  expect_ok(parse(or_allocator_system(), ALL, &problems, &task));
  or_task_estimate(task, &estimate);
  assert_true(estimate.isolated && estimate.shape == 0);
  assert_int_equal(estimate.memory_bytes, 9);
  assert_false(or_task_rerun_on_restart(task));
  or_task_free(task);
}

static void names_the_place_of_each_problem(void **state) {
  (void)state;
  static const struct {
    const char *data, *loc;
  } cases[] = {
      {"{\"grid\":[1]}", "data.name"},
      {"{\"name\":\"2x\",\"grid\":[1]}", "data.name"},
      {"{\"name\":7,\"grid\":[1]}", "data.name"},
      {"{\"name\":\"f\"}", "data.grid"},
      {"{\"name\":\"f\",\"grid\":[]}", "data.grid"},
      {"{\"name\":\"f\",\"grid\":[1,2,3,4]}", "data.grid"},
      {"{\"name\":\"f\",\"grid\":[1,0]}", "data.grid.1"},
      {"{\"name\":\"f\",\"grid\":[1,\"x\"]}", "data.grid.1"},
      {"{\"name\":\"f\",\"grid\":[1,1.5]}", "data.grid.1"},
      {"{\"name\":\"f\",\"grid\":0}", "data.grid"},
      {"{\"name\":\"f\",\"grid\":[1],\"block\":[1,1,4294967297]}", "data.block.2"},
      {"{\"name\":\"f\",\"grid\":[1],\"block\":-1}", "data.block"},
      {"{\"name\":\"f\",\"grid\":[1],\"arguments\":7}", "data.arguments"},
      {"{\"name\":\"f\",\"grid\":[1],\"arguments\":[1,\"x\"]}", "data.arguments.1"},
      {"{\"name\":\"f\",\"grid\":[1],\"arguments\":[[1]]}", "data.arguments.0"},
      {"{\"name\":\"f\",\"grid\":[1],\"arguments\":[{\"local_bytes\":0}]}", "data.arguments.0"},
      {"{\"name\":\"f\",\"grid\":[1],\"arguments\":[{\"local_bytes\":8,\"x\":1}]}", "data.arguments.0"},
      {"{\"name\":\"f\",\"grid\":[1],\"arguments\":[{\"shape\":[2],\"dtype\":\"int32\",\"data\":[1]}]}",
       "data.arguments.0"},
      {"{\"name\":\"f\",\"grid\":[1],\"arguments\":[{\"shape\":[2],\"dtype\":\"int32\",\"zeros\":false}]}",
       "data.arguments.0"},
      {"{\"name\":\"f\",\"grid\":[1],\"arguments\":[{\"shape\":[2],\"dtype\":\"int9\",\"zeros\":true}]}",
       "data.arguments.0"},
      {"{\"name\":\"f\",\"grid\":[1],\"arguments\":[{\"shape\":[2],\"dtype\":\"int32\",\"part\":\"p\"}]}",
       "data.arguments.0"},
      {"{\"name\":\"f\",\"grid\":[1],\"source\":\"x\"}", "data.source"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
    or_task_problems_t problems;
    or_task_t *task = NULL;
    expect_failure(parse(or_allocator_system(), cases[i].data, &problems, &task), OR_INVALID_ARGUMENT, "");
    if (problems.count != 1 || strcmp(problems.items[0].loc, cases[i].loc) != 0)
      print_error("%s: %zu, %s\n", cases[i].data, problems.count, problems.items[0].loc);
    assert_int_equal(problems.count, 1);
    assert_string_equal(problems.items[0].loc, cases[i].loc);
    if (strcmp(cases[i].loc, "data.source") == 0)
      assert_string_equal(problems.items[0].msg, "kernel has no such field; it has: name grid block arguments");
  }
}

static void has_a_bounded_number_of_arguments(void **state) {
  (void)state;
  char data[1024] = "{\"name\":\"f\",\"grid\":[1],\"arguments\":[1";
  or_task_problems_t problems;
  or_task_t *task = NULL;
  char *end = data + strlen(data);
  for (size_t i = 1; i < OR_KERNEL_MAX_PARAMETERS; ++i, end += 2) memcpy(end, ",1", 2);
  memcpy(end, "]}", 3);
  expect_ok(parse(or_allocator_system(), data, &problems, &task));
  or_task_free(task);
  memcpy(end, ",1]}", 5);
  expect_failure(parse(or_allocator_system(), data, &problems, &task), OR_INVALID_ARGUMENT, "at most 64 arguments");
}

static or_status_t parse_all(const or_allocator_t *allocator) {
  or_task_problems_t problems;
  or_task_t *task = NULL;
  or_status_t status = parse(allocator, ALL, &problems, &task);
  or_task_free(task);
  return status;
}

static void survives_every_failing_allocation(void **state) {
  (void)state;
  expect_survives_every_failing_allocation(parse_all);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(takes_every_kind_of_argument),
      cmocka_unit_test(numbers_are_exact_up_to_the_largest_unsigned_one),
      cmocka_unit_test(is_isolated_work_that_a_restart_does_not_repeat),
      cmocka_unit_test(names_the_place_of_each_problem),
      cmocka_unit_test(has_a_bounded_number_of_arguments),
      cmocka_unit_test(survives_every_failing_allocation),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
