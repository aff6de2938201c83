/* What a runtime makes of its options and of backends that work, fail or say nothing; devices by name; its end. */
#include "base/testing.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/string.h"
#include "fake/fake.h"
#include "openruntime/compute.h"
#include "runtime/runtime.h"

/* A backend of devices that are named but can't be opened. */
static const char *const *closed_types; /* of its devices, NULL-terminated; "cpu" is the host */

static char closed_cache[64]; /* as its settings had it */

static or_status_t closed_open(void *self, uint32_t index, or_device_t *device, or_backend_device_t *out) {
  (void)self, (void)index, (void)device, (void)out;
  return or_error(OR_UNAVAILABLE, "closed for good");
}
static or_status_t closed_enumerate(void *self, or_device_found_t found, void *context) {
  (void)self;
  or_status_t status = or_status_success();
  for (uint32_t i = 0; or_ok(status) && closed_types[i] != NULL; ++i) {
    or_device_facts_t facts = {.name = "Closed device"};
    or_format(facts.type, sizeof facts.type, "%s", closed_types[i]);
    or_format(facts.id, sizeof facts.id, "%s_0", closed_types[i]);
    or_format(facts.hardware_id, sizeof facts.hardware_id, "hw-%u", i);
    if (strcmp(closed_types[i], "cpu") == 0) or_format(facts.hardware_id, sizeof facts.hardware_id, "host");
    status = found(context, i, &facts);
  }
  return status;
}
static or_status_t closed_entry(const or_host_t *host, or_backend_t *out) {
  host->log(OR_LOG_INFO, "closed_entered", "threads=%d isa=%s", (int)host->settings.threads, host->settings.cpu_isa);
  or_format(closed_cache, sizeof closed_cache, "%s", host->settings.cache_directory);
  host->log(OR_LOG_DEBUG, "closed_detail", "unseen=%d", 1);
  *out = (or_backend_t){.abi_version = OR_BACKEND_ABI_VERSION,
                        .struct_size = sizeof *out,
                        .name = "closed",
                        .enumerate = closed_enumerate,
                        .open = closed_open};
  return or_status_success();
}

static or_status_t absent_entry(const or_host_t *host, or_backend_t *out) {
  (void)host, (void)out;
  return or_error(OR_UNAVAILABLE, "no driver; install one");
}

static const char *advice; /* of a backend that finds nothing */

static void barren_describe(void *self, const char **detail, const char **out) {
  (void)self;
  *detail = "nothing at /a/path";
  *out = advice;
}
static or_status_t barren_enumerate(void *self, or_device_found_t found, void *context) {
  (void)self, (void)found, (void)context;
  return or_status_success();
}
static or_status_t barren_entry(const or_host_t *host, or_backend_t *out) {
  (void)host;
  *out = (or_backend_t){.abi_version = OR_BACKEND_ABI_VERSION,
                        .struct_size = sizeof *out,
                        .name = "barren",
                        .enumerate = barren_enumerate,
                        .describe = barren_describe};
  return or_status_success();
}

static or_status_t broken_enumerate(void *self, or_device_found_t found, void *context) {
  (void)self, (void)found, (void)context;
  return or_error(OR_INTERNAL, "the driver answered 7");
}
static or_status_t broken_entry(const or_host_t *host, or_backend_t *out) {
  (void)host;
  *out = (or_backend_t){.abi_version = OR_BACKEND_ABI_VERSION,
                        .struct_size = sizeof *out,
                        .name = "broken",
                        .enumerate = broken_enumerate};
  return or_status_success();
}

static const or_backend_registration_t all[] = {
    {"fake", or_fake_entry}, {"closed", closed_entry}, {"absent", absent_entry}, {"broken", broken_entry}};
#define ALL (sizeof all / sizeof *all)

static or_counting_allocator_t counting;

static int setup(void **state) {
  static const char *const one[] = {"closed", NULL};
  (void)state;
  closed_types = one;
  or_fake_reset();
  or_counting_allocator_init(&counting, or_allocator_system(), 0);
  return 0;
}
static int teardown(void **state) {
  (void)state;
  assert_int_equal(counting.live_bytes, 0);
  assert_int_equal(or_fake_live_objects(), 0);
  assert_int_equal(or_status_live_count(), 0);
  return 0;
}

static or_status_t create(const or_runtime_options_t *given, or_runtime_t **out) {
  or_runtime_options_t options = given != NULL ? *given : or_runtime_options_default();
  options.allocator = &counting.base;
  return or_runtime_create_with(&options, all, ALL, out);
}

static void tells_which_backends_work_and_why_others_do_not(void **state) {
  (void)state;
  static const struct {
    const char *name;
    bool usable;
    const char *detail;
  } expected[] = {{"fake", true, "a device for tests"},
                  {"closed", true, ""},
                  {"absent", false, "no driver; install one"},
                  {"broken", false, "the driver answered 7"}};
  or_runtime_t *runtime = NULL;
  or_backend_info_t info;
  expect_ok(create(NULL, &runtime));
  assert_int_equal(or_runtime_backend_count(runtime), ALL);
  for (size_t i = 0; i < ALL; ++i) {
    assert_true(or_runtime_backend(runtime, i, &info));
    assert_string_equal(info.name, expected[i].name);
    assert_int_equal(info.usable, expected[i].usable);
    assert_string_equal(info.detail, expected[i].detail);
    assert_null(info.advice);
  }
  assert_false(or_runtime_backend(runtime, ALL, &info));
  assert_int_equal(or_runtime_device_count(runtime), 2);
  assert_null(or_runtime_device(runtime, 2));
  or_runtime_release(runtime);
}

static void enters_the_backends_that_are_named_in_their_order(void **state) {
  (void)state;
  or_runtime_t *runtime = NULL;
  expect_ok(create(&(or_runtime_options_t){.backends = "closed,fake"}, &runtime));
  assert_int_equal(or_runtime_device_count(runtime), 2);
  assert_string_equal(or_device_facts(or_runtime_device(runtime, 0))->id, "closed_0");
  or_runtime_release(runtime);
  expect_ok(create(&(or_runtime_options_t){.backends = ""}, &runtime));
  assert_int_equal(or_runtime_device_count(runtime), 0);
  or_runtime_release(runtime);
}

static void refuses_options_that_it_does_not_know(void **state) {
  (void)state;
  static const struct {
    or_runtime_options_t options;
    const char *words;
  } cases[] = {
      {{.backends = "fake,fak"}, "unknown backend \"fak\"; there are: fake, closed, absent, broken"},
      {{.backends = "fake,closed,fake"}, "a name is given twice"},
      {{.threads = -1}, "threads is -1"},
      {{.cpu_isa = "sse9"}, "unknown instruction set \"sse9\"; there are: portable"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
    or_runtime_t *runtime = NULL;
    expect_failure(create(&cases[i].options, &runtime), OR_INVALID_ARGUMENT, cases[i].words);
    assert_null(runtime);
  }
  or_runtime_t *runtime = NULL;
  expect_ok(create(&(or_runtime_options_t){.cpu_isa = "neon", .threads = 3}, &runtime));
  or_runtime_release(runtime);
}

typedef struct kept_t {
  char lines[8][256];
  size_t count;
} kept_t;
static void keep_line(void *self, or_log_level_t level, const char *line) {
  kept_t *kept = self;
  (void)level;
  if (kept->count < 8) or_format(kept->lines[kept->count++], sizeof kept->lines[0], "%s", line);
}

static void hands_settings_to_backends_and_their_words_to_the_log(void **state) {
  (void)state;
  kept_t kept = {.count = 0};
  or_runtime_t *runtime = NULL;
  or_log_set_sink(keep_line, &kept);
  expect_ok(create(&(or_runtime_options_t){.cpu_isa = "avx2", .threads = 3, .backends = "closed,absent"}, &runtime));
  or_log_set_sink(NULL, NULL);
  assert_int_equal(kept.count, 2);
  assert_non_null(strstr(kept.lines[0], "event=closed_entered threads=3 isa=avx2"));
  assert_non_null(strstr(kept.lines[1], "event=backend_unavailable backend=absent code=unavailable"));
  or_runtime_release(runtime);
}

static void gives_backends_a_cache_that_can_be_used_or_none(void **state) {
  (void)state;
  char root[] = "/tmp/or_runtime_test_XXXXXX", folder[64];
  kept_t kept = {.count = 0};
  or_runtime_t *runtime = NULL;
  assert_non_null(mkdtemp(root));
  or_format(folder, sizeof folder, "%s/made", root);
  expect_ok(create(&(or_runtime_options_t){.cache_directory = folder, .backends = "closed"}, &runtime));
  assert_string_equal(closed_cache, folder);
  or_runtime_release(runtime);
  assert_int_equal(chmod(folder, 0777), 0);
  or_log_set_sink(keep_line, &kept);
  or_log_set_level(OR_LOG_WARNING);
  expect_ok(create(&(or_runtime_options_t){.cache_directory = folder, .backends = "closed"}, &runtime));
  or_log_set_level(OR_LOG_INFO);
  or_log_set_sink(NULL, NULL);
  assert_string_equal(closed_cache, "");
  assert_non_null(strstr(kept.lines[0], "event=no_cache reason=\"cache folder"));
  or_runtime_release(runtime);
  assert_int_equal(rmdir(folder), 0);
  assert_int_equal(rmdir(root), 0);
}

static void counts_memory_once_for_devices_of_one_hardware(void **state) {
  (void)state;
  for (int shared = 0; shared < 2; ++shared) {
    or_runtime_t *runtime = NULL;
    or_buffer_t *buffer = NULL;
    or_fake_reset();
    or_fake_set_devices(2, shared == 1);
    expect_ok(create(&(or_runtime_options_t){.backends = "fake"}, &runtime));
    expect_ok(or_buffer_create(or_runtime_device(runtime, 0), 4096, &buffer));
    assert_int_equal(or_device_memory_usage(or_runtime_device(runtime, 1)).used_bytes, shared == 1 ? 4096 : 0);
    or_buffer_release(buffer);
    or_runtime_release(runtime);
  }
}

static const char *found(const or_runtime_t *runtime, const char *preference) {
  or_device_t *device = NULL;
  expect_ok(or_runtime_find_device(runtime, preference, &device));
  return or_device_facts(device)->id;
}

static void finds_devices_by_id_type_and_family(void **state) {
  (void)state;
  static const char *const types[] = {"opencl", "torch", NULL};
  or_runtime_t *runtime = NULL;
  or_device_t *device = NULL;
  closed_types = types;
  expect_ok(create(NULL, &runtime));
  assert_string_equal(found(runtime, "torch_0"), "torch_0");
  assert_string_equal(found(runtime, "opencl"), "opencl_0");
  assert_string_equal(found(runtime, "metal"), "torch_0"); /* mlx, torch, opencl: the first that is here */
  assert_string_equal(found(runtime, "vulkan"), "opencl_0");
  assert_string_equal(found(runtime, "auto"), "fake_0");
  assert_string_equal(found(runtime, NULL), "fake_0");
  assert_string_equal(found(runtime, ""), "fake_0");
  expect_failure(or_runtime_find_device(runtime, "torch_1", &device), OR_NOT_FOUND,
                 "there are: fake_0, opencl_0, torch_0; did you mean \"torch_0\"?");
  expect_failure(or_runtime_find_device(runtime, "quantum", &device), OR_NOT_FOUND, "torch_0");
  or_runtime_release(runtime);
  expect_ok(create(&(or_runtime_options_t){.backends = "fake"}, &runtime));
  expect_failure(or_runtime_find_device(runtime, "metal", &device), OR_NOT_FOUND, "there are: fake_0");
  or_runtime_release(runtime);
}

static void who_asks_for_what_a_backend_did_not_find_is_told_the_cure(void **state) {
  (void)state;
  static const or_backend_registration_t two[] = {{"fake", or_fake_entry}, {"barren", barren_entry}};
  static const char *const names[] = {"barren", "barren_0"};
  const or_runtime_options_t options = {.allocator = &counting.base};
  or_runtime_t *runtime = NULL;
  or_device_t *device = NULL;
  expect_ok(or_runtime_create_with(&options, two, 2, &runtime));
  advice = "plant something";
  for (size_t i = 0; i < 2; ++i)
    expect_failure(or_runtime_find_device(runtime, names[i], &device), OR_NOT_FOUND,
                   "there are: fake_0; plant something");
  or_status_t status = or_runtime_find_device(runtime, "barrens", &device);
  assert_null(strstr(or_status_message(status), "plant"));
  or_status_ignore(status);
  advice = NULL;
  expect_failure(or_runtime_find_device(runtime, "barren", &device), OR_NOT_FOUND, "there are: fake_0");
  or_runtime_release(runtime);
}

static void auto_takes_what_is_there_beside_the_host(void **state) {
  (void)state;
  static const char *const types[] = {"cpu", "opencl", NULL}, *const host[] = {"cpu", NULL};
  or_runtime_t *runtime = NULL;
  closed_types = types;
  expect_ok(create(&(or_runtime_options_t){.backends = "closed"}, &runtime));
  assert_string_equal(found(runtime, "auto"), "opencl_0");
  or_runtime_release(runtime);
  closed_types = host;
  expect_ok(create(&(or_runtime_options_t){.backends = "closed"}, &runtime));
  assert_string_equal(found(runtime, "auto"), "cpu_0");
  or_runtime_release(runtime);
}

static void auto_passes_over_devices_that_do_not_open(void **state) {
  (void)state;
  or_runtime_t *runtime = NULL;
  or_device_t *device = NULL;
  or_buffer_t *buffer = NULL;
  expect_ok(create(&(or_runtime_options_t){.backends = "closed,fake"}, &runtime));
  assert_string_equal(found(runtime, "auto"), "closed_0");
  expect_failure(or_buffer_create(or_runtime_device(runtime, 0), 1, &buffer), OR_UNAVAILABLE, "closed for good");
  assert_string_equal(found(runtime, "auto"), "fake_0");
  or_runtime_release(runtime);
  expect_ok(create(&(or_runtime_options_t){.backends = "absent"}, &runtime));
  expect_failure(or_runtime_find_device(runtime, NULL, &device), OR_NOT_FOUND, "this machine has none");
  assert_null(device);
  or_runtime_release(runtime);
}

static void a_type_stands_for_its_first_device_that_is_not_lost(void **state) {
  (void)state;
  or_runtime_t *runtime = NULL;
  or_fake_reset();
  or_fake_set_devices(2, false);
  expect_ok(create(&(or_runtime_options_t){.backends = "fake"}, &runtime));
  assert_string_equal(found(runtime, "fake"), "fake_0");
  or_device_mark_lost(or_runtime_device(runtime, 0), "it is gone");
  assert_string_equal(found(runtime, "fake"), "fake_1");
  assert_string_equal(found(runtime, "fake_0"), "fake_0"); /* by its name, to be told why not */
  or_device_mark_lost(or_runtime_device(runtime, 1), "it too");
  assert_string_equal(found(runtime, "fake"), "fake_0");
  or_runtime_release(runtime);
}

static void tensors_of_the_host_need_a_device_with_its_memory(void **state) {
  (void)state;
  float data[1] = {3};
  or_runtime_t *runtime = NULL;
  or_tensor_t *tensor = NULL;
  or_owner_t nobody = {NULL, NULL};
  expect_ok(create(NULL, &runtime));
  assert_null(or_runtime_host_device(runtime));
  expect_failure(or_tensor_wrap(runtime, OR_FLOAT32, or_shape_make(0, NULL), data, nobody, &tensor), OR_UNAVAILABLE,
                 "memory is the host's");
  or_runtime_release(runtime);
  or_fake_set_unified(0);
  expect_ok(create(NULL, &runtime));
  expect_ok(or_tensor_wrap(runtime, OR_FLOAT32, or_shape_make(0, NULL), data, nobody, &tensor));
  assert_ptr_equal(or_tensor_data(tensor), data);
  or_tensor_release(tensor);
  or_runtime_release(runtime);
}

static void release_output(void *self, or_status_t status, or_binding_t *outputs, size_t output_count) {
  (void)self, (void)output_count;
  or_status_ignore(status); /* only the end of it counts here */
  or_tensor_release(outputs[0].tensor);
}

/* Blocks that are not given back yet, counted down only when nobody touches the allocator for them any more: the thread
   that ends a runtime is nobody's to join. */
static atomic_size_t lasting_blocks;

static void *lasting_alloc(void *self, size_t bytes, size_t alignment) {
  const or_allocator_t *system = self;
  void *memory = system->alloc(system->self, bytes, alignment);
  if (memory != NULL) atomic_fetch_add(&lasting_blocks, 1);
  return memory;
}
static void lasting_release(void *self, void *memory) {
  const or_allocator_t *system = self;
  system->release(system->self, memory);
  atomic_fetch_sub(&lasting_blocks, 1);
}

/* The output is the last thing alive, and it goes on the queue's own thread, which can't wait for itself. */
static void ends_when_a_callback_lets_the_last_tensor_go(void **state) {
  (void)state;
  static or_allocator_t lasting;
  static or_binding_t output;
  const float one = 1;
  or_runtime_t *runtime = NULL;
  or_session_t *session = NULL;
  or_binding_t input = {.name = NULL};
  lasting = (or_allocator_t){(void *)(uintptr_t)or_allocator_system(), lasting_alloc, lasting_release};
  expect_ok(or_runtime_create_with(&(or_runtime_options_t){.allocator = &lasting}, all, 1, &runtime));
  or_device_t *device = or_runtime_device(runtime, 0);
  expect_ok(or_tensor_create_from(device, OR_FLOAT32, or_shape_make(0, NULL), &one, sizeof one, &input.tensor));
  or_compute_call_t call = {.op = "Relu", .inputs = &input.tensor, .input_count = 1, .output_count = 1};
  expect_ok(or_compute_session(device, &call, &session));
  or_fake_close_gate(OR_FAKE_NODE);
  output = (or_binding_t){.name = NULL};
  or_run_request_t request = {&input, 1, &output, 1, release_output, NULL};
  expect_ok(or_session_run_async(session, &request, NULL));
  or_session_release(session);
  or_tensor_release(input.tensor);
  or_runtime_release(runtime);
  or_fake_open_gate(OR_FAKE_NODE);
  while (atomic_load(&lasting_blocks) != 0) (void)sched_yield();
}

static or_status_t create_with(const or_allocator_t *allocator) {
  static const char *const types[] = {"opencl", "torch", "mlx", NULL};
  or_runtime_options_t options = {.allocator = allocator, .backends = "fake,closed,broken,absent"};
  or_runtime_t *runtime = NULL;
  closed_types = types;
  or_status_t status = or_runtime_create_with(&options, all, ALL, &runtime);
  or_runtime_release(runtime);
  return status;
}
static void survives_every_failing_allocation(void **state) {
  (void)state;
  expect_survives_every_failing_allocation(create_with);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(tells_which_backends_work_and_why_others_do_not),
      TEST(enters_the_backends_that_are_named_in_their_order),
      TEST(refuses_options_that_it_does_not_know),
      TEST(hands_settings_to_backends_and_their_words_to_the_log),
      TEST(gives_backends_a_cache_that_can_be_used_or_none),
      TEST(counts_memory_once_for_devices_of_one_hardware),
      TEST(finds_devices_by_id_type_and_family),
      TEST(who_asks_for_what_a_backend_did_not_find_is_told_the_cure),
      TEST(auto_takes_what_is_there_beside_the_host),
      TEST(auto_passes_over_devices_that_do_not_open),
      TEST(a_type_stands_for_its_first_device_that_is_not_lost),
      TEST(tensors_of_the_host_need_a_device_with_its_memory),
      TEST(ends_when_a_callback_lets_the_last_tensor_go),
      TEST(survives_every_failing_allocation),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
