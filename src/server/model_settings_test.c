/* Models that are loaded again: what is remembered, found, forgotten. */
#include "base/testing.h"

#include <stdio.h>

#include "base/string.h"
#include "fake/fake.h"
#include "server/model_settings.h"

static or_store_t *store;

static int setup(void **state) {
  (void)state;
  const or_store_options_t options = or_store_options(OR_STORE_MEMORY);
  expect_ok(or_store_open(&options, &store));
  return 0;
}

static int teardown(void **state) {
  (void)state;
  or_store_close(store);
  assert_int_equal(or_status_live_count(), 0);
  return 0;
}

static or_model_wish_t wish_of(const char *name, const char *fields) {
  or_json_document_t *document = NULL;
  or_model_wish_t wish;
  expect_ok(or_json_parse(or_allocator_system(), fields, strlen(fields), &document));
  or_model_wish_read(&wish, name, or_json_root(document));
  or_json_document_free(document);
  return wish;
}

static void remember(const or_model_wish_t *wish, bool expected) {
  bool known = !expected;
  expect_ok(or_model_settings_remember(store, wish, &known));
  assert_int_equal(known, expected);
}

typedef struct seen_t {
  or_model_wish_t wishes[8];
  size_t count;
} seen_t;

static void see(void *self, const or_model_wish_t *wish) {
  seen_t *seen = self;
  assert_true(seen->count < 8);
  seen->wishes[seen->count++] = *wish;
}

static seen_t visit(void) {
  seen_t seen = {.count = 0};
  or_store_waiter_t waiter;
  expect_ok(or_model_settings_visit(store, see, &seen));
  /* Reads are served in their order: this one comes after it. */
  or_store_waiter_init(&waiter);
  expect_ok(or_store_waiter_wait(&waiter, or_store_flush(store, or_store_waiter_done, &waiter)));
  bool known;
  const or_model_wish_t none = {.name = "none"};
  expect_ok(or_model_settings_remember(store, &none, &known));
  expect_ok(or_model_settings_forget_wish(store, &none));
  return seen;
}

static void reads_versions_as_numbers_and_digits(void **state) {
  (void)state;
  assert_int_equal(wish_of("a", "{\"version\":\"12\"}").version, 12);
  const or_model_wish_t wish = wish_of(
      "a", "{\"version\":3,\"device\":\"cpu_0\",\"precision\":\"bf16\",\"max_batch_size\":4,\"keep_alive_s\":-1}");
  assert_int_equal(wish.version, 3);
  assert_string_equal(wish.device, "cpu_0");
  assert_int_equal(wish.precision, OR_BFLOAT16);
  assert_int_equal(wish.max_batch_size, 4);
  assert_true(wish.keep_alive_s < 0);
  const or_model_wish_t plain = wish_of("a", "{\"version\":null}");
  assert_int_equal(plain.version, 0);
  assert_string_equal(plain.device, "auto");
  assert_int_equal(plain.precision, OR_DTYPE_NONE);
}

static void gives_back_what_it_was_told(void **state) {
  (void)state;
  const or_model_wish_t wish =
      wish_of("many", "{\"version\":2,\"precision\":\"bf16\",\"max_batch_size\":4,\"keep_alive_s\":2.5}");
  remember(&wish, false);
  remember(&wish, true);
  const seen_t seen = visit();
  assert_int_equal(seen.count, 1);
  const or_model_wish_t *back = &seen.wishes[0];
  assert_string_equal(back->name, "many");
  assert_string_equal(back->device, "auto");
  assert_int_equal(back->version, 2);
  assert_int_equal(back->precision, OR_BFLOAT16);
  assert_int_equal(back->max_batch_size, 4);
  assert_true(back->keep_alive_s == 2.5);
  expect_ok(or_model_settings_forget_wish(store, &wish));
  assert_int_equal(visit().count, 0);
}

static void forgets_a_model_or_a_version_of_it_and_no_other(void **state) {
  (void)state;
  const or_model_wish_t wishes[] = {wish_of("many", "{}"), wish_of("many", "{\"version\":1}"),
                                    wish_of("many", "{\"version\":12}"), wish_of("many", "{\"device\":\"cpu\"}"),
                                    wish_of("many-more", "{}")};
  for (size_t i = 0; i < 5; ++i) remember(&wishes[i], false);
  expect_ok(or_model_settings_forget(store, "many", 1));
  assert_int_equal(visit().count, 4);
  expect_ok(or_model_settings_forget(store, "many", OR_MODEL_NO_VERSION));
  const seen_t seen = visit();
  assert_int_equal(seen.count, 1);
  assert_string_equal(seen.wishes[0].name, "many-more");
  expect_ok(or_model_settings_forget(store, "many", OR_MODEL_NO_VERSION)); /* there is nothing to forget */
  expect_ok(or_model_settings_forget(store, "many-more", OR_MODEL_NO_VERSION));
}

static void passes_over_a_setting_that_is_no_json(void **state) {
  (void)state;
  or_store_waiter_t waiter;
  or_store_waiter_init(&waiter);
  expect_ok(or_store_waiter_wait(
      &waiter, or_store_put_setting(store, OR_STORE_MODEL, "odd", "{", or_store_waiter_done, &waiter)));
  assert_int_equal(visit().count, 0);
}

static void loads_where_it_is_wished(void **state) {
  (void)state;
  static const or_backend_registration_t backends[] = {{"fake", or_fake_entry}};
  or_services_t services = {.store = NULL};
  or_runtime_t *runtime = NULL;
  or_fake_reset();
  or_fake_set_unified(0);
  expect_ok(or_runtime_create_with(NULL, backends, 1, &runtime));
  expect_ok(or_model_pool_create(&(or_model_pool_options_t){.runtime = runtime}, &services.pool));
  or_model_wish_t wish = wish_of("none", "{\"device\":\"nine\"}");
  expect_failure(or_model_wish_load(&services, runtime, &wish), OR_NOT_FOUND, "nine");
  wish = wish_of("none", "{}");
  expect_failure(or_model_wish_load(&services, runtime, &wish), OR_NOT_FOUND, "no model \"none\"");
  or_model_pool_free(services.pool);
  or_runtime_release(runtime);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {
      TEST(reads_versions_as_numbers_and_digits),
      TEST(gives_back_what_it_was_told),
      TEST(forgets_a_model_or_a_version_of_it_and_no_other),
      TEST(passes_over_a_setting_that_is_no_json),
      TEST(loads_where_it_is_wished),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
