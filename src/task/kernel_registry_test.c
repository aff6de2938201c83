/* The registry of kernels: names by owner, bounds, the keeper; on devices that compile none. */
#include "base/testing.h"

#include "fake/fake.h"
#include "runtime/runtime.h"
#include "task/kernel_registry.h"

static or_runtime_t *runtime;
static or_kernel_registry_t *registry;

/* What the keeper was told last. */
static struct {
  char key[128];
  int kept, forgotten;
  bool fails;
} told;

static or_status_t keep(void *self, const or_kernel_record_t *record) {
  (void)self, (void)record;
  ++told.kept;
  return or_status_success();
}

static or_status_t forget(void *self, const char *owner, const char *name) {
  (void)self;
  if (told.fails) return or_error(OR_RESOURCE_EXHAUSTED, "the disk is full");
  ++told.forgotten;
  or_format(told.key, sizeof told.key, "%s/%s", owner, name);
  return or_status_success();
}

static void open_with(or_kernel_registry_options_t options) {
  static const or_backend_registration_t backends[] = {{"fake", or_fake_entry}};
  static const or_kernel_keeper_t keeper = {NULL, keep, forget};
  memset(&told, 0, sizeof told);
  or_fake_reset();
  or_fake_set_devices(1, false);
  expect_ok(or_runtime_create_with(NULL, backends, 1, &runtime));
  options.runtime = runtime;
  options.keeper = &keeper;
  expect_ok(or_kernel_registry_create(&options, &registry));
}

static int close_all(void **state) {
  (void)state;
  or_kernel_registry_free(registry);
  or_runtime_release(runtime);
  registry = NULL;
  runtime = NULL;
  return 0;
}

static or_kernel_record_t a_record(const char *owner, const char *name) {
  return (or_kernel_record_t){.owner = owner,
                              .name = name,
                              .entry = "f",
                              .target = "auto",
                              .source = "source",
                              .source_bytes = 6,
                              .parameters = "null",
                              .options = "",
                              .facts = "{}"};
}

static or_status_t recall(const char *owner, const char *name) {
  const or_kernel_record_t record = a_record(owner, name);
  return or_kernel_registry_recall(registry, &record);
}

static bool has(const char *owner, const char *name) {
  or_kernel_entry_t *entry = NULL;
  or_status_t status = or_kernel_registry_find(registry, owner, name, &entry);
  const bool found = or_ok(status);
  if (found) assert_string_equal(or_kernel_entry_record(entry)->name, name);
  or_status_ignore(status); /* the answer is whether */
  or_kernel_entry_release(entry);
  return found;
}

static void append(void *self, const or_kernel_record_t *record) {
  char *text = self;
  or_format(text + strlen(text), 64, "%s/%s ", record->owner, record->name);
}

static void a_name_is_of_its_owner(void **state) {
  (void)state;
  char all[256] = "", own[256] = "";
  open_with((or_kernel_registry_options_t){0});
  expect_ok(recall("b", "g"));
  expect_ok(recall("a", "g"));
  expect_ok(recall("a", "f"));
  assert_true(has("a", "f") && has("a", "g") && has("b", "g"));
  assert_false(has("b", "f"));
  assert_true(has(NULL, "f"));
  assert_false(has(NULL, "h"));
  or_kernel_registry_list(registry, "a", append, own);
  or_kernel_registry_list(registry, NULL, append, all);
  assert_string_equal(own, "a/f a/g ");
  assert_string_equal(all, "a/f a/g b/g ");
}

static void a_name_that_is_taken_again_stands_for_the_new_one(void **state) {
  (void)state;
  or_kernel_entry_t *old = NULL, *new = NULL;
  or_kernel_registry_stats_t before, after;
  open_with((or_kernel_registry_options_t){0});
  expect_ok(recall("a", "f"));
  expect_ok(or_kernel_registry_find(registry, "a", "f", &old));
  or_kernel_registry_stats(registry, &before);
  or_kernel_record_t other = a_record("a", "f");
  other.source = "longer source";
  other.source_bytes = 13;
  expect_ok(or_kernel_registry_recall(registry, &other));
  expect_ok(or_kernel_registry_find(registry, "a", "f", &new));
  or_kernel_registry_stats(registry, &after);
  assert_ptr_not_equal(old, new);
  assert_string_equal(or_kernel_entry_record(old)->source, "source");
  assert_string_equal(or_kernel_entry_record(new)->source, "longer source");
  assert_int_equal(after.kernels, 1);
  assert_int_equal(after.bytes, before.bytes + 7);
  or_kernel_entry_release(old);
  or_kernel_entry_release(new);
}

static void a_removed_one_is_forgotten_by_the_keeper_first(void **state) {
  (void)state;
  or_kernel_registry_stats_t stats;
  open_with((or_kernel_registry_options_t){0});
  expect_ok(recall("a", "f"));
  expect_failure(or_kernel_registry_remove(registry, "b", "f"), OR_NOT_FOUND, "no kernel \"f\"");
  told.fails = true;
  expect_failure(or_kernel_registry_remove(registry, "a", "f"), OR_RESOURCE_EXHAUSTED, "the disk is full");
  assert_true(has("a", "f"));
  told.fails = false;
  expect_ok(or_kernel_registry_remove(registry, "a", "f"));
  assert_string_equal(told.key, "a/f");
  assert_false(has("a", "f"));
  or_kernel_registry_stats(registry, &stats);
  assert_int_equal(stats.kernels, 0);
  assert_int_equal(stats.bytes, 0);
}

static void there_are_no_more_than_the_bounds_say(void **state) {
  (void)state;
  open_with((or_kernel_registry_options_t){.count = 3, .owner_count = 2});
  expect_ok(recall("a", "f"));
  expect_ok(recall("a", "g"));
  expect_failure(recall("a", "h"), OR_RESOURCE_EXHAUSTED, "2 kernels of this key");
  expect_ok(recall("a", "g")); /* in place of itself */
  expect_ok(recall("b", "f"));
  expect_failure(recall("c", "f"), OR_RESOURCE_EXHAUSTED, "there are 3 kernels");
  assert_int_equal(close_all(state), 0);
  open_with((or_kernel_registry_options_t){.bytes = 4096});
  static char source[4096];
  memset(source, 'x', sizeof source);
  or_kernel_record_t large = a_record("a", "f");
  large.source = source;
  large.source_bytes = sizeof source;
  expect_failure(or_kernel_registry_recall(registry, &large), OR_RESOURCE_EXHAUSTED, "would exceed 4096");
}

static void what_does_not_compile_leaves_the_old_one(void **state) {
  (void)state;
  char log[OR_KERNEL_LOG_BYTES] = "x";
  or_kernel_entry_t *entry = NULL;
  or_kernel_registry_stats_t stats;
  open_with((or_kernel_registry_options_t){0});
  expect_ok(recall("a", "f"));
  const or_kernel_record_t record = a_record("a", "f");
  or_status_t status = or_kernel_registry_compile(registry, &record, NULL, log, &entry);
  assert_false(or_ok(status)); /* a device that compiles none */
  or_status_ignore(status);    /* looked at */
  assert_null(entry);
  assert_true(has("a", "f"));
  assert_int_equal(told.kept, 0);
  or_kernel_registry_stats(registry, &stats);
  assert_int_equal(stats.compiles[OR_KERNEL_FAILED], 1);
  assert_int_equal(stats.compiles[OR_KERNEL_DONE], 0);
}

static or_status_t use(const or_allocator_t *allocator) {
  static const or_backend_registration_t backends[] = {{"fake", or_fake_entry}};
  const or_runtime_options_t options = {.allocator = allocator};
  or_runtime_t *own = NULL;
  or_kernel_registry_t *made = NULL;
  or_status_t status = or_runtime_create_with(&options, backends, 1, &own);
  const or_kernel_registry_options_t wanted = {.runtime = own};
  if (or_ok(status)) status = or_kernel_registry_create(&wanted, &made);
  for (int i = 0; or_ok(status) && i < 9; ++i) {
    char name[8];
    const or_kernel_record_t record = a_record("a", or_format(name, sizeof name, "f%d", i));
    status = or_kernel_registry_recall(made, &record);
  }
  or_kernel_registry_free(made);
  or_runtime_release(own);
  return status;
}

static void survives_every_failing_allocation(void **state) {
  (void)state;
  or_fake_reset();
  expect_survives_every_failing_allocation(use);
}

#define TEST(name) cmocka_unit_test_teardown(name, close_all)
int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(a_name_is_of_its_owner),
      TEST(a_name_that_is_taken_again_stands_for_the_new_one),
      TEST(a_removed_one_is_forgotten_by_the_keeper_first),
      TEST(there_are_no_more_than_the_bounds_say),
      TEST(what_does_not_compile_leaves_the_old_one),
      TEST(survives_every_failing_allocation),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
