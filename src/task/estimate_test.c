/* What tasks will take, against the arithmetic of their shapes. */
#include "task/estimate.h"

#include "base/testing.h"

static or_task_estimate_t estimate_of(const char *request) {
  or_json_document_t *document = NULL;
  or_task_problems_t problems = {.count = 0};
  or_task_t *task = NULL;
  or_task_estimate_t estimate;
  expect_ok(or_json_parse(or_allocator_system(), request, strlen(request), &document));
  expect_ok(or_task_parse(or_allocator_system(), or_json_root(document), &problems, &task));
  or_json_document_free(document);
  or_task_estimate(task, &estimate);
  or_task_free(task);
  return estimate;
}

static void a_product_takes_its_multiply_adds_and_three_matrices(void **state) {
  (void)state;
  or_task_estimate_t e = estimate_of(
      "{\"operation\":\"compute\",\"data\":{\"m\":2,\"n\":3,\"k\":5,\"iterations\":7,\"dtype\":\"float64\"}}");
  assert_true(e.units == 2.0 * 2 * 3 * 5 * 7);
  assert_int_equal(e.memory_bytes, (2 * 5 + 5 * 3 + 2 * 3) * 8);
  assert_true(e.seconds == 0);
  assert_false(e.exclusive);
}

static void given_operands_run_once_and_count_as_they_are(void **state) {
  (void)state;
  or_task_estimate_t e = estimate_of(
      "{\"operation\":\"compute\",\"data\":{\"a\":{\"shape\":[2,3],\"dtype\":\"float32\",\"data\":[1,2,3,4,5,6]},"
      "\"b\":{\"shape\":[3,4],\"dtype\":\"float32\",\"data\":[1,2,3,4,5,6,7,8,9,10,11,12]}}}");
  assert_true(e.units == 2.0 * 2 * 3 * 4);
  assert_int_equal(e.memory_bytes, (6 + 12 + 8) * 4);
  assert_true(e.seconds == 0);
}

static void generated_input_is_timed_for_as_long_as_tasks_time_it(void **state) {
  (void)state;
  or_task_estimate_t e =
      estimate_of("{\"operation\":\"compute\",\"data\":{\"type\":\"vector_operations\",\"size\":100}}");
  assert_true(e.seconds > 0.5 && e.seconds < 1.5);
  assert_int_equal(e.memory_bytes, 3 * 100 * 4);
  e = estimate_of("{\"operation\":\"compute\",\"data\":{\"type\":\"transpose\",\"m\":3,\"n\":4,\"iterations\":2}}");
  assert_true(e.units == 3 * 4 * 2);
}

#define TASK_OF(fields) "{\"operation\":\"compute\",\"data\":{" fields "}}"
#define OPERAND(numbers) "{\"shape\":[2],\"dtype\":\"float32\",\"data\":" numbers "}"

static void tasks_that_do_the_same_on_other_numbers_have_one_shape(void **state) {
  (void)state;
  const uint64_t product = estimate_of(TASK_OF("\"size\":16,\"iterations\":1")).shape;
  assert_true(product != 0);
  assert_true(estimate_of(TASK_OF("\"size\":16,\"iterations\":1,\"seed\":5")).shape == product);
  assert_true(estimate_of(TASK_OF("\"size\":17,\"iterations\":1")).shape != product);
  assert_true(estimate_of(TASK_OF("\"size\":16,\"iterations\":2")).shape != product);
  assert_true(estimate_of(TASK_OF("\"size\":16,\"iterations\":1,\"dtype\":\"float64\"")).shape != product);
  assert_true(estimate_of(TASK_OF("\"type\":\"softmax\",\"size\":16,\"iterations\":1")).shape != product);
#define RELU(numbers) TASK_OF("\"type\":\"elementwise\",\"function\":\"relu\",\"a\":" OPERAND(numbers))
  const uint64_t relu = estimate_of(RELU("[1,2]")).shape;
  assert_true(estimate_of(RELU("[3,4]")).shape == relu);
  assert_true(estimate_of(TASK_OF("\"type\":\"elementwise\",\"function\":\"exp\",\"a\":" OPERAND("[1,2]"))).shape !=
              relu);
  assert_true(estimate_of(TASK_OF("\"type\":\"elementwise\",\"function\":\"relu\",\"a\":"
                                  "{\"shape\":[1],\"dtype\":\"float32\",\"data\":[1]}"))
                  .shape != relu);
  assert_true(estimate_of("{\"operation\":\"inference\",\"data\":{\"model\":\"resnet50\"}}").shape == 0);
#define INFERENCE(model, numbers) \
  "{\"operation\":\"inference\",\"data\":{\"model\":\"" model "\",\"inputs\":{\"x\":" OPERAND(numbers) "}}}"
  const uint64_t one = estimate_of(INFERENCE("one", "[1,2]")).shape;
  assert_true(one != 0);
  assert_true(estimate_of(INFERENCE("one", "[3,4]")).shape == one);
  assert_true(estimate_of(INFERENCE("two", "[1,2]")).shape != one);
}

static void a_network_takes_its_weights_and_its_rows(void **state) {
  (void)state;
  or_task_estimate_t e =
      estimate_of("{\"operation\":\"compute\",\"data\":{\"type\":\"neural_network\",\"input_size\":10,"
                  "\"hidden_size\":20,\"output_size\":30,\"batch_size\":2,\"iterations\":1}}");
  assert_true(e.units == 2.0 * 2 * 20 * (10 + 30));
  assert_int_equal(e.memory_bytes, 4 * (20 * 40 + 2 * (20 + 10 + 30)));
}

static void sizes_that_overflow_are_more_than_any_memory(void **state) {
  (void)state;
  or_task_estimate_t e =
      estimate_of("{\"operation\":\"compute\",\"data\":{\"size\":4294967296,\"dtype\":\"float64\",\"iterations\":1}}");
  assert_true(e.memory_bytes == UINT64_MAX);
  assert_true(e.units > 1e28);
}

static void a_benchmark_wants_its_hardware_alone_for_its_duration(void **state) {
  (void)state;
  or_task_estimate_t e = estimate_of("{\"operation\":\"benchmark\",\"data\":{\"type\":\"memory\",\"duration\":3}}");
  assert_true(e.exclusive);
  assert_true(e.seconds == 3);
}

static void an_inference_counts_its_items(void **state) {
  (void)state;
  or_task_estimate_t e =
      estimate_of("{\"operation\":\"inference\",\"data\":{\"model\":\"resnet50\",\"batch_size\":4}}");
  assert_true(e.units == 4);
  assert_true(e.seconds > 0);
  e = estimate_of("{\"operation\":\"inference\",\"data\":{\"model\":\"bert-base\",\"text\":\"hello\"}}");
  assert_true(e.units == 1);
  assert_true(e.seconds == 0);
  assert_int_equal(e.memory_bytes, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_product_takes_its_multiply_adds_and_three_matrices),
      cmocka_unit_test(given_operands_run_once_and_count_as_they_are),
      cmocka_unit_test(generated_input_is_timed_for_as_long_as_tasks_time_it),
      cmocka_unit_test(tasks_that_do_the_same_on_other_numbers_have_one_shape),
      cmocka_unit_test(a_network_takes_its_weights_and_its_rows),
      cmocka_unit_test(sizes_that_overflow_are_more_than_any_memory),
      cmocka_unit_test(a_benchmark_wants_its_hardware_alone_for_its_duration),
      cmocka_unit_test(an_inference_counts_its_items),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
