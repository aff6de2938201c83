/* Models that stay loaded: sharing, versions, bounds, failures, and threads that take and drop them. */
#include "base/testing.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/string.h"
#include "base/thread.h"
#include "fake/fake.h"
#include "graph/onnx/testing.h"
#include "model/pool.h"
#include "runtime/runtime.h"

static char root[64];

static const char *in_root(const char *path) {
  static char full[256];
  return or_format(full, sizeof full, "%s/%s", root, path);
}

static void put_model(const char *path) {
  pb_t proto = model_proto(relu_graph(), 17);
  expect_ok(or_file_write(in_root(path), proto.data, proto.length));
  pb_free(&proto);
}

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *place) {
  (void)info, (void)kind, (void)place;
  return remove(path);
}

static int setup(void **state) {
  (void)state;
  or_format(root, sizeof root, "/tmp/model_pool_test_XXXXXX");
  assert_non_null(mkdtemp(root));
  put_model("one.onnx");
  put_model("two.onnx");
  assert_int_equal(mkdir(in_root("many"), 0777), 0);
  assert_int_equal(mkdir(in_root("many/2"), 0777), 0);
  put_model("many/2/model.onnx");
  return 0;
}

static int teardown(void **state) {
  (void)state;
  return nftw(root, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

static or_runtime_t *runtime;
static or_model_pool_t *pool;

static void open_pool(uint32_t max_models, double keep_alive_s) {
  const or_model_pool_options_t options = {
      .runtime = runtime, .directory = root, .max_models = max_models, .keep_alive_s = keep_alive_s};
  or_model_pool_free(pool);
  expect_ok(or_model_pool_create(&options, &pool));
}

static int begin(void **state) {
  static const or_backend_registration_t backends[] = {{"fake", or_fake_entry}};
  (void)state;
  or_fake_reset();
  expect_ok(or_runtime_create_with(NULL, backends, 1, &runtime));
  open_pool(0, 0);
  return 0;
}

static int end(void **state) {
  (void)state;
  or_model_pool_free(pool);
  or_runtime_release(runtime);
  pool = NULL;
  runtime = NULL;
  assert_int_equal(or_fake_live_objects(), 0);
  return 0;
}

static or_model_lease_t take(const char *name) {
  or_model_lease_t lease;
  expect_ok(or_model_pool_acquire(pool, &(or_model_request_t){.name = name}, &lease));
  return lease;
}

/* The Model object of a name, until the next call. */
static const char *described(const char *name) {
  static char copy[4096];
  or_text_t text;
  or_json_writer_t json;
  or_text_init(&text, or_allocator_system());
  or_json_begin(&json, &text, 0);
  expect_ok(or_model_pool_describe(pool, name, &json));
  expect_ok(or_json_finish(&json));
  assert_true(text.length < sizeof copy);
  or_format(copy, sizeof copy, "%s", or_text_string(&text));
  or_text_deinit(&text);
  return copy;
}

static void what_was_loaded_on_a_lost_device_goes_with_its_last_lease(void **state) {
  (void)state;
  or_model_lease_t one = take("one"), two = take("two");
  or_model_pool_release(pool, &two);
  or_device_mark_lost(or_runtime_device(runtime, 0), "it is gone");
  or_model_pool_sweep(pool, or_clock_ns());
  assert_int_equal(or_model_pool_counts(pool).models, 1); /* `one`, which is in use */
  or_model_pool_release(pool, &one);
  assert_int_equal(or_model_pool_counts(pool).models, 0);
  assert_int_equal(or_model_pool_counts(pool).bytes, 0);
  or_model_lease_t lease;
  expect_failure(or_model_pool_acquire(
                     pool, &(or_model_request_t){.name = "one", .device = or_runtime_device(runtime, 0)}, &lease),
                 OR_DEVICE_LOST, "it is gone");
}

static void loads_once_what_two_share(void **state) {
  (void)state;
  or_model_lease_t a = take("one"), b = take("one");
  assert_ptr_equal(a.session, b.session);
  assert_int_equal(or_model_pool_counts(pool).loads, 1);
  assert_int_equal(or_model_pool_counts(pool).leases, 2);
  or_model_pool_release(pool, &a);
  or_model_pool_release(pool, &a); /* empty by now */
  or_model_pool_release(pool, &b);
  b = take("one");
  or_model_pool_release(pool, &b);
  assert_int_equal(or_model_pool_counts(pool).loads, 1);
}

static void names_the_nearest_of_an_unknown_name_and_keeps_no_trace(void **state) {
  (void)state;
  or_model_lease_t lease;
  expect_failure(or_model_pool_acquire(pool, &(or_model_request_t){.name = "mony"}, &lease), OR_NOT_FOUND, "\"many\"");
  expect_failure(or_model_pool_acquire(pool, &(or_model_request_t){.name = "a/b"}, &lease), OR_INVALID_ARGUMENT,
                 "name");
  expect_failure(or_model_pool_acquire(pool, &(or_model_request_t){.name = "many:x"}, &lease), OR_INVALID_ARGUMENT,
                 "not a number");
  expect_failure(or_model_pool_acquire(pool, &(or_model_request_t){.name = "many:2", .version = 2}, &lease),
                 OR_INVALID_ARGUMENT, "second");
  expect_failure(or_model_pool_unload(pool, "one"), OR_NOT_FOUND, "not loaded");
  assert_int_equal(or_model_pool_counts(pool).models, 0);
}

static void drains_the_leases_of_what_is_unloaded(void **state) {
  (void)state;
  or_model_lease_t old = take("one");
  expect_ok(or_model_pool_unload(pool, "one"));
  assert_int_equal(or_model_pool_counts(pool).models, 1); /* still in use */
  assert_string_equal(or_model_name(old.model), "one");
  or_model_lease_t young = take("one");
  assert_int_equal(or_model_pool_counts(pool).loads, 2);
  or_model_pool_release(pool, &old);
  assert_int_equal(or_model_pool_counts(pool).models, 1);
  or_model_pool_release(pool, &young);
}

static void a_lease_that_may_not_wait_is_of_what_is_ready(void **state) {
  (void)state;
  const or_model_request_t one = {.name = "one"}, nameless = {.name = "../one"};
  or_model_lease_t lease;
  assert_false(or_model_pool_try(pool, &one, &lease));
  assert_null(lease.entry);
  assert_false(or_model_pool_try(pool, &nameless, &lease));
  assert_int_equal(or_model_pool_counts(pool).loads, 0);
  or_model_lease_t loader = take("one");
  assert_true(or_model_pool_try(pool, &one, &lease));
  assert_ptr_equal(lease.session, loader.session);
  or_model_pool_release(pool, &loader);
  expect_ok(or_model_pool_unload(pool, "one"));
  or_model_lease_t late;
  assert_false(or_model_pool_try(pool, &one, &late));
  or_model_pool_release(pool, &lease);
  assert_int_equal(or_model_pool_counts(pool).leases, 0);
  assert_int_equal(or_model_pool_counts(pool).models, 1); /* giving it back took no longer than a lock */
  or_model_pool_sweep(pool, or_clock_ns());
  assert_int_equal(or_model_pool_counts(pool).models, 0);
}

static void switches_to_a_new_version_when_it_is_loaded(void **state) {
  (void)state;
  or_model_lease_t old = take("many");
  assert_int_equal(mkdir(in_root("many/10"), 0777), 0);
  put_model("many/10/model.onnx");
  or_model_lease_t same = take("many"); /* nobody asked for the new one yet */
  assert_ptr_equal(same.session, old.session);
  or_model_pool_release(pool, &same);
  expect_ok(or_model_pool_load(pool, &(or_model_request_t){.name = "many"}));
  or_model_lease_t young = take("many");
  assert_non_null(strstr(or_model_path(young.model), "/10/model.onnx"));
  assert_non_null(strstr(or_model_path(old.model), "/2/model.onnx"));
  assert_int_equal(or_model_pool_counts(pool).models, 2);
  or_model_pool_release(pool, &old);
  assert_int_equal(or_model_pool_counts(pool).models, 1);
  or_model_lease_t named = take("many:2");
  assert_non_null(strstr(or_model_path(named.model), "/2/model.onnx"));
  or_model_pool_release(pool, &named);
  or_model_pool_release(pool, &young);
}

static void tries_a_failed_load_again(void **state) {
  (void)state;
  or_model_lease_t lease;
  expect_ok(or_file_write(in_root("late.onnx"), "not one", 7));
  expect_failure(or_model_pool_load(pool, &(or_model_request_t){.name = "late"}), OR_DATA_LOSS, "late");
  assert_non_null(strstr(described("late"), "\"state\":\"failed\""));
  assert_null(strstr(described("late"), "\"reason\":null"));
  put_model("late.onnx");
  lease = take("late");
  assert_int_equal(or_model_pool_counts(pool).failed_loads, 1);
  or_model_pool_release(pool, &lease);
}

static void lets_the_least_recently_used_go_for_room(void **state) {
  (void)state;
  open_pool(2, 0);
  or_model_lease_t one = take("one"), two = take("two"), lease;
  expect_failure(or_model_pool_acquire(pool, &(or_model_request_t){.name = "many"}, &lease), OR_RESOURCE_EXHAUSTED,
                 "2 models");
  or_model_pool_release(pool, &two);
  or_model_pool_release(pool, &one);
  lease = take("many"); /* "two" was used before "one" */
  or_model_pool_release(pool, &lease);
  one = take("one");
  assert_int_equal(or_model_pool_counts(pool).loads, 3);
  assert_int_equal(or_model_pool_counts(pool).evictions, 1);
  or_model_pool_release(pool, &one);
}

static void sweeps_what_was_idle_for_its_time(void **state) {
  (void)state;
  open_pool(0, 1000);
  or_model_lease_t one = take("one");
  expect_ok(or_model_pool_load(pool, &(or_model_request_t){.name = "two", .keep_alive_s = -1}));
  or_model_pool_sweep(pool, or_clock_ns() + INT64_C(2000000000000));
  assert_int_equal(or_model_pool_counts(pool).models, 2); /* in use; never */
  or_model_pool_release(pool, &one);
  or_model_pool_sweep(pool, or_clock_ns() + INT64_C(900000000000));
  assert_int_equal(or_model_pool_counts(pool).models, 2);
  or_model_pool_sweep(pool, or_clock_ns() + INT64_C(2000000000000));
  assert_int_equal(or_model_pool_counts(pool).models, 1);
}

static void describes_models_whether_loaded_or_not(void **state) {
  (void)state;
  or_text_t text;
  or_json_writer_t json;
  uint64_t bytes = 0;
  bool known = false;
  or_model_lease_t one = take("one");
  or_text_init(&text, or_allocator_system());
  or_json_begin(&json, &text, 0);
  expect_ok(or_model_pool_list(pool, &json));
  expect_ok(or_json_finish(&json));
  const char *row =
      strstr(or_text_string(&text), "{\"name\":\"one\",\"version\":null,\"versions\":[],\"state\":\"ready\"");
  assert_non_null(row);
  assert_non_null(
      strstr(or_text_string(&text), "\"name\":\"two\",\"version\":null,\"versions\":[],\"state\":\"available\""));
  assert_non_null(strstr(or_text_string(&text), "\"name\":\"many\",\"version\":\"10\",\"versions\":[\"2\",\"10\"]"));
  assert_non_null(strstr(or_text_string(&text), "\"name\":\"bert-base\""));
  or_text_deinit(&text);
  expect_ok(or_model_pool_estimate(pool, "two", &bytes, &known));
  assert_true(known && bytes > 0);
  expect_ok(or_model_pool_estimate(pool, "bert", &bytes, &known));
  assert_false(known);
  or_model_pool_release(pool, &one);
}

#define THREADS 8
#define ROUNDS 40

typedef struct worker_t {
  size_t index;
  uint32_t failures;
} worker_t;

static void work(void *argument) {
  worker_t *worker = argument;
  for (size_t i = 0; i < ROUNDS; ++i) {
    const char *name = (worker->index + i) % 2 == 0 ? "one" : "two";
    or_model_lease_t lease;
    or_status_t status = or_model_pool_acquire(pool, &(or_model_request_t){.name = name}, &lease);
    if (or_ok(status)) worker->failures += strcmp(or_model_name(lease.model), name) != 0;
    worker->failures += !or_ok(status);
    or_status_ignore(status);                                           /* counted */
    if (i % 5 == 1) or_status_ignore(or_model_pool_unload(pool, name)); /* another may have been faster */
    or_model_pool_release(pool, &lease);
    if (i % 7 == 3) {
      status = or_model_pool_load(pool, &(or_model_request_t){.name = name});
      worker->failures += !or_ok(status);
      or_status_ignore(status); /* counted */
    }
    or_model_pool_sweep(pool, or_clock_ns());
  }
}

static void serves_eight_threads_that_take_and_drop_two_models(void **state) {
  (void)state;
  or_thread_t threads[THREADS] = {0};
  worker_t workers[THREADS];
  for (size_t i = 0; i < THREADS; ++i) {
    workers[i] = (worker_t){.index = i};
    expect_ok(or_thread_start(&threads[i], "worker", work, &workers[i]));
  }
  for (size_t i = 0; i < THREADS; ++i) or_thread_join(&threads[i]);
  for (size_t i = 0; i < THREADS; ++i) assert_int_equal(workers[i].failures, 0);
  assert_int_equal(or_model_pool_counts(pool).leases, 0);
}

static bool is_there(const char *path) { return access(in_root(path), F_OK) == 0; }

static void removes_a_model_and_lets_it_go_with_its_last_lease(void **state) {
  (void)state;
  put_model("gone.onnx");
  assert_int_equal(mkdir(in_root("many/5"), 0777), 0);
  put_model("many/5/model.onnx");
  or_model_lease_t lease = take("gone");
  expect_ok(or_model_pool_remove(pool, "gone"));
  assert_false(is_there("gone.onnx"));
  assert_int_equal(or_model_pool_counts(pool).models, 1);
  or_model_pool_release(pool, &lease);
  assert_int_equal(or_model_pool_counts(pool).models, 0);
  expect_failure(or_model_pool_remove(pool, "gone"), OR_NOT_FOUND, "gone");
  expect_ok(or_model_pool_remove(pool, "many:5")); /* it was not loaded */
  assert_true(is_there("many/2/model.onnx") && !is_there("many/5"));
  expect_failure(or_model_pool_remove(pool, "resnet50"), OR_FAILED_PRECONDITION, "built in");
  expect_failure(or_model_pool_remove(pool, "a/b"), OR_INVALID_ARGUMENT, "name");
}

static void names_files_without_the_folder_they_lie_in(void **state) {
  (void)state;
  or_model_lease_t lease;
  expect_ok(or_file_write(in_root("bad.onnx"), "\x08\x07x", 3));
  or_status_t status = or_model_pool_acquire(pool, &(or_model_request_t){.name = "bad"}, &lease);
  assert_null(strstr(or_status_message(status), root));
  expect_failure(status, OR_DATA_LOSS, "bad.onnx");
  status = or_model_pool_acquire(pool, &(or_model_request_t){.name = "many:9"}, &lease);
  assert_null(strstr(or_status_message(status), root));
  expect_failure(status, OR_NOT_FOUND, "many");
  assert_non_null(strstr(described("bad"), "\"failed\""));
  assert_null(strstr(described("bad"), root));
  assert_int_equal(unlink(in_root("bad.onnx")), 0);
}

static void tells_float32_from_the_models_own_types_no_more_than_a_session_does(void **state) {
  (void)state;
  or_model_lease_t own = take("one"), same;
  expect_ok(or_model_pool_acquire(pool, &(or_model_request_t){.name = "one", .precision = OR_FLOAT32}, &same));
  assert_ptr_equal(own.session, same.session);
  or_model_pool_release(pool, &own);
  or_model_pool_release(pool, &same);
}

/* Paths of the folder lose it once, at their beginning; others, and words that end alike, stay whole. */
static void what_is_hidden_is_the_beginning_of_a_path(void **state) {
  static const struct {
    const char *given, *told;
  } cases[] = {
      {"models/one/w.bin", "one/w.bin"},
      {"file \"models/one/w.bin\" and 'models/two'", "file \"one/w.bin\" and 'two'"},
      {"models/models/w.bin", "models/w.bin"},
      {"\"/srv/models/one/w.bin\"", "\"/srv/models/one/w.bin\""},
      {"mymodels/one, my-models/one, models", "mymodels/one, my-models/one, models"},
  };
  (void)state;
  or_model_pool_t *other = NULL;
  const or_model_pool_options_t options = {.runtime = runtime, .directory = "models/"};
  expect_ok(or_model_pool_create(&options, &other));
  for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
    or_status_t status = or_model_pool_hide(other, or_error(OR_DATA_LOSS, "%s", cases[i].given));
    assert_string_equal(or_status_message(status), cases[i].told);
    expect_failure(status, OR_DATA_LOSS, cases[i].told);
  }
  or_model_pool_free(other);
}

static void tells_what_a_model_takes_without_loading_it(void **state) {
  (void)state;
  or_model_t *model = NULL;
  assert_null(or_model_pool_loaded(pool, "one"));
  assert_null(or_model_pool_loaded(pool, "../one"));
  expect_ok(or_model_pool_read(pool, "one", &model));
  assert_true(or_model_input_count(model) > 0);
  or_model_release(model);
  assert_int_equal(or_model_pool_counts(pool).loads, 0);
  expect_failure(or_model_pool_read(pool, "../one", &model), OR_INVALID_ARGUMENT, "a name is letters");
  expect_failure(or_model_pool_read(pool, "one:9", &model), OR_NOT_FOUND, "no model");
  assert_null(model);
  or_model_lease_t lease = take("one");
  or_model_t *loaded = or_model_pool_loaded(pool, "one");
  assert_ptr_equal(loaded, lease.model);
  expect_ok(or_model_pool_read(pool, "one", &model));
  assert_ptr_equal(model, lease.model);
  or_model_release(model);
  or_model_release(loaded);
  or_model_pool_release(pool, &lease);
}

static or_status_t use_pool(const or_allocator_t *allocator) {
  static const or_backend_registration_t backends[] = {{"fake", or_fake_entry}};
  or_runtime_t *own_runtime = NULL;
  or_model_pool_t *own = NULL;
  or_model_lease_t lease = {0};
  or_fake_reset();
  or_status_t status =
      or_runtime_create_with(&(or_runtime_options_t){.allocator = allocator}, backends, 1, &own_runtime);
  if (or_ok(status))
    status = or_model_pool_create(&(or_model_pool_options_t){.runtime = own_runtime, .directory = root}, &own);
  if (or_ok(status)) status = or_model_pool_acquire(own, &(or_model_request_t){.name = "one"}, &lease);
  if (or_ok(status)) or_model_pool_release(own, &lease);
  or_model_pool_free(own);
  or_runtime_release(own_runtime);
  return status;
}

static void gives_back_every_byte_when_the_nth_allocation_fails(void **state) {
  (void)state;
  expect_survives_every_failing_allocation(use_pool);
}

int main(void) {
#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)
  const struct CMUnitTest tests[] = {
      CASE(loads_once_what_two_share),
      CASE(what_was_loaded_on_a_lost_device_goes_with_its_last_lease),
      CASE(names_the_nearest_of_an_unknown_name_and_keeps_no_trace),
      CASE(drains_the_leases_of_what_is_unloaded),
      CASE(a_lease_that_may_not_wait_is_of_what_is_ready),
      CASE(switches_to_a_new_version_when_it_is_loaded),
      CASE(tries_a_failed_load_again),
      CASE(lets_the_least_recently_used_go_for_room),
      CASE(sweeps_what_was_idle_for_its_time),
      CASE(describes_models_whether_loaded_or_not),
      CASE(serves_eight_threads_that_take_and_drop_two_models),
      CASE(removes_a_model_and_lets_it_go_with_its_last_lease),
      CASE(names_files_without_the_folder_they_lie_in),
      CASE(what_is_hidden_is_the_beginning_of_a_path),
      CASE(tells_what_a_model_takes_without_loading_it),
      CASE(tells_float32_from_the_models_own_types_no_more_than_a_session_does),
      cmocka_unit_test(gives_back_every_byte_when_the_nth_allocation_fails),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}
