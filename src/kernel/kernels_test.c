/* Kernels in workers of the fake device: this program is its own worker. */
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cancel.h"
#include "base/clock.h"
#include "fixtures/kernels.h"
#include "kernel/kernel_test_internal.h"
#include "kernel/pool_internal.h"
#include "openruntime/device.h"
#include "runtime/runtime.h"

static or_runtime_t *runtime;
static or_kernels_t *kernels;

static void open_with(or_kernels_options_t options) {
  or_kernels_release(kernels);
  if (options.program == NULL) options.program = program;
  expect_ok(or_kernels_create(runtime, &options, &kernels));
}

static int set_up(void **state) {
  (void)state;
  reset_fake_for_kernels();
  expect_ok(or_runtime_create_with(NULL, kernel_backends, KERNEL_BACKENDS, &runtime));
  kernels = NULL;
  open_with(or_kernels_options_default());
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  or_kernels_release(kernels);
  or_runtime_release(runtime);
  assert_int_equal(or_status_live_count(), 0);
  assert_int_equal(or_fake_live_objects(), 0);
  assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* no child is left, dead or alive */
  return 0;
}

/* --- Tools --- */

#define SAXPY "kernel saxpy saxpy a:float32 x:float32* y:float32!\n"

static or_status_t compile_for(const char *owner, const char *source, const char *entry, or_kernel_t **out) {
  const or_kernel_request_t request = {
      .source = source, .source_bytes = strlen(source), .entry = entry, .owner = owner, .device = "fake"};
  return or_kernel_compile(kernels, &request, NULL, out);
}

static or_status_t compile(const char *source, const char *entry, or_kernel_t **out) {
  return compile_for(NULL, source, entry, out);
}

static or_tensor_t *floats(size_t count, float first, float step) {
  or_tensor_t *tensor = NULL;
  float values[1024];
  assert_true(count <= 1024);
  for (size_t i = 0; i < count; ++i) values[i] = first + step * (float)i;
  const int64_t dims[] = {(int64_t)count};
  expect_ok(or_tensor_create_from(or_runtime_host_device(runtime), OR_FLOAT32, or_shape_make(1, dims), values,
                                  count * sizeof *values, &tensor));
  return tensor;
}

#define ONE_BLOCK(items)                         \
  {                                              \
    .grid = {1, 1, 1}, .block = {(items), 1, 1 } \
  }

/* a * x + y with x = 0, 1, 2 …, y = 10: the result is checked. */
static or_status_t run_saxpy(or_kernel_t *kernel) {
  or_tensor_t *x = floats(64, 0, 1), *y = floats(64, 10, 0);
  const or_kernel_argument_t arguments[] = {{.is_number = true, .real = 2}, {.tensor = x}, {.tensor = y}};
  const or_kernel_launch_t launch = {.grid = ONE_BLOCK(64), .arguments = arguments, .argument_count = 3};
  or_kernel_result_t result;
  or_status_t status = or_kernel_run(kernel, &launch, &result);
  if (or_ok(status)) {
    const float *got = or_tensor_data(result.outputs[2]);
    assert_null(result.outputs[0]);
    assert_null(result.outputs[1]);
    assert_true(or_shape_equal(or_tensor_shape(result.outputs[2]), or_tensor_shape(y)));
    for (int i = 0; i < 64; ++i) assert_true(got[i] == 10 + 2 * (float)i);
    assert_true(result.worker_seconds > 0);
  }
  or_kernel_result_free(&result);
  or_tensor_release(x);
  or_tensor_release(y);
  return status;
}

static or_status_t run_bare(or_kernel_t *kernel, uint32_t timeout_ms, const or_cancel_t *cancel) {
  const or_kernel_launch_t launch = {.grid = ONE_BLOCK(1), .timeout_ms = timeout_ms, .cancel = cancel};
  or_kernel_result_t result;
  or_status_t status = or_kernel_run(kernel, &launch, &result);
  or_kernel_result_free(&result);
  return status;
}

/* Of the one worker that there is; 0: there is none. */
static pid_t worker_pid(void) {
  pid_t pid = 0;
  or_mutex_lock(&kernels->mutex);
  for (uint32_t i = 0; i < kernels->options.workers; ++i) {
    if (kernels->slots[i].pid != 0) pid = kernels->slots[i].pid;
  }
  or_mutex_unlock(&kernels->mutex);
  return pid;
}

static bool is_alive(pid_t pid) { return kill(pid, 0) == 0; }

/* --- What works --- */

static void compiles_runs_and_tells_the_signature(void **state) {
  (void)state;
  or_kernel_t *kernel = NULL;
  expect_ok(compile(SAXPY, "saxpy", &kernel));
  const or_kernel_facts_t *facts = or_kernel_facts(kernel);
  assert_string_equal(facts->device_id, "fake_0");
  assert_string_equal(facts->language, "fake C");
  assert_string_equal(facts->entry, "saxpy");
  assert_int_equal(facts->parameter_count, 3);
  assert_string_equal(facts->parameters[2].name, "y");
  assert_true(facts->parameters[2].writable);
  assert_false(facts->parameters[1].writable);
  assert_int_equal(facts->max_block, 256);
  for (int i = 0; i < 3; ++i) expect_ok(run_saxpy(kernel));
  or_kernel_release(kernel);
}

static void picks_the_first_device_that_compiles(void **state) {
  (void)state;
  or_kernel_t *kernel = NULL;
  const or_kernel_request_t request = {.source = SAXPY, .source_bytes = strlen(SAXPY), .entry = "saxpy"};
  expect_ok(or_kernel_compile(kernels, &request, NULL, &kernel));
  assert_string_equal(or_kernel_facts(kernel)->device_id, "fake_0");
  or_kernel_release(kernel);
  const or_kernel_request_t other = {
      .source = SAXPY, .source_bytes = strlen(SAXPY), .entry = "saxpy", .device = "cpu_0"};
  expect_failure(or_kernel_compile(kernels, &other, NULL, &kernel), OR_UNAVAILABLE, "\"cpu_0\" compiles no kernels");
  assert_null(kernel);
}

static void tells_the_compilers_words(void **state) {
  (void)state;
  char log[OR_KERNEL_LOG_BYTES];
  or_kernel_t *kernel = NULL;
  const char *source = "\n\nerror expected ';'\n";
  const or_kernel_request_t request = {
      .source = source, .source_bytes = strlen(source), .entry = "f", .device = "fake"};
  expect_failure(or_kernel_compile(kernels, &request, log, &kernel), OR_INVALID_ARGUMENT, "line 3");
  assert_string_equal(log, "source:3: expected ';'");
  expect_failure(compile(SAXPY, "axpy", &kernel), OR_NOT_FOUND, "axpy");
}

static void refuses_sources_beyond_its_bounds(void **state) {
  (void)state;
  or_kernel_t *kernel = NULL;
  or_kernels_options_t options = or_kernels_options_default();
  options.source_bytes = 16;
  open_with(options);
  expect_failure(compile(SAXPY, "saxpy", &kernel), OR_OUT_OF_RANGE, "at most 16");
  expect_failure(compile("", "saxpy", &kernel), OR_INVALID_ARGUMENT, "empty");
  expect_failure(compile("x", "", &kernel), OR_INVALID_ARGUMENT, "name");
  const or_kernel_request_t request = {.source = "a\0b", .source_bytes = 3, .entry = "f", .device = "fake"};
  expect_failure(or_kernel_compile(kernels, &request, NULL, &kernel), OR_INVALID_ARGUMENT, "zero byte");
  assert_int_equal(worker_pid(), 0);
}

static void refuses_more_output_than_a_run_may_give(void **state) {
  (void)state;
  or_kernel_t *kernel = NULL;
  or_kernels_options_t options = or_kernels_options_default();
  options.output_bytes = 255;
  open_with(options);
  expect_ok(compile(SAXPY, "saxpy", &kernel));
  expect_failure(run_saxpy(kernel), OR_OUT_OF_RANGE, "256 bytes of writable buffers");
  or_kernel_release(kernel);
}

static void a_wrong_launch_does_not_reach_the_worker(void **state) {
  (void)state;
  or_kernel_t *kernel = NULL;
  expect_ok(compile("kernel f crash n:int32\n", "f", &kernel));
  expect_failure(run_bare(kernel, 0, NULL), OR_INVALID_ARGUMENT, "arguments: 0 were given");
  or_kernel_release(kernel);
}

/* --- What is killed --- */

static void an_endless_kernel_is_killed_and_the_next_run_is_served(void **state) {
  (void)state;
  or_kernel_t *endless = NULL, *good = NULL;
  expect_ok(compile(SAXPY, "saxpy", &good));
  expect_ok(compile("kernel f spin\n", "f", &endless));
  const pid_t pid = worker_pid();
  expect_failure(run_bare(endless, 50, NULL), OR_DEADLINE_EXCEEDED, "50 ms");
  assert_false(is_alive(pid));
  expect_ok(run_saxpy(good));
  assert_int_not_equal(worker_pid(), pid);
  or_kernel_release(endless);
  or_kernel_release(good);
}

static void a_kernel_that_crashes_is_an_error_of_its_run(void **state) {
  (void)state;
  or_kernel_t *kernel = NULL, *good = NULL;
  expect_ok(compile(SAXPY, "saxpy", &good));
  expect_ok(compile("kernel f crash\n", "f", &kernel));
  for (int i = 0; i < 2; ++i) {
    expect_failure(run_bare(kernel, 0, NULL), OR_RESOURCE_EXHAUSTED, "out of bounds");
    expect_ok(run_saxpy(good));
  }
  or_kernel_release(kernel);
  or_kernel_release(good);
}

static void a_lost_device_is_found_again_by_another_worker(void **state) {
  (void)state;
  or_kernel_t *kernel = NULL;
  expect_ok(compile("kernel f lost\n" SAXPY, "f", &kernel));
  expect_failure(run_bare(kernel, 0, NULL), OR_DEVICE_LOST, "told to be lost");
  assert_int_equal(or_device_state(or_runtime_device(runtime, 1), NULL), OR_DEVICE_AVAILABLE);
  or_kernel_release(kernel);
  expect_ok(compile(SAXPY, "saxpy", &kernel));
  expect_ok(run_saxpy(kernel));
  or_kernel_release(kernel);
}

static void a_compiler_that_does_not_end_is_killed(void **state) {
  (void)state;
  or_kernel_t *kernel = NULL;
  or_kernels_options_t options = or_kernels_options_default();
  options.compile_ms = 50;
  open_with(options);
  expect_failure(compile("compiler spin\n" SAXPY, "saxpy", &kernel), OR_DEADLINE_EXCEEDED, "50 ms");
  assert_int_equal(worker_pid(), 0);
}

static void a_compiler_that_crashes_is_an_error_of_its_compilation(void **state) {
  (void)state;
  or_kernel_t *kernel = NULL;
  expect_failure(compile("compiler crash\n" SAXPY, "saxpy", &kernel), OR_RESOURCE_EXHAUSTED, "signal 11");
  assert_int_equal(worker_pid(), 0);
}

static void what_takes_too_much_memory_is_killed(void **state) {
  (void)state;
  or_kernel_t *kernel = NULL;
  or_kernels_options_t options = or_kernels_options_default();
  options.memory_bytes = (uint64_t)256 << 20;
  open_with(options);
  expect_failure(compile("compiler hog\n" SAXPY, "saxpy", &kernel), OR_RESOURCE_EXHAUSTED, "MiB of memory");
  expect_ok(compile("kernel f hog\n", "f", &kernel));
  expect_failure(run_bare(kernel, 0, NULL), OR_RESOURCE_EXHAUSTED, "at most 256");
  or_kernel_release(kernel);
}

static void more_arguments_than_memory_are_refused(void **state) {
  (void)state;
  or_kernel_t *kernel = NULL;
  or_kernels_options_t options = or_kernels_options_default();
  options.memory_bytes = (uint64_t)64 << 20;
  open_with(options);
  expect_ok(compile("kernel f nothing x:uint8*\n", "f", &kernel));
  or_tensor_t *tensor = NULL;
  const int64_t dims[] = {(int64_t)65 << 20};
  expect_ok(or_tensor_create(or_runtime_host_device(runtime), OR_UINT8, or_shape_make(1, dims), &tensor));
  const or_kernel_argument_t arguments[] = {{.tensor = tensor}};
  or_kernel_result_t result;
  expect_failure(or_kernel_run(kernel,
                               &(or_kernel_launch_t){.grid = ONE_BLOCK(1), .arguments = arguments, .argument_count = 1},
                               &result),
                 OR_OUT_OF_RANGE, "take more than");
  or_tensor_release(tensor);
  or_kernel_release(kernel);
}

static void a_worker_killed_while_idle_is_replaced(void **state) {
  (void)state;
  or_kernel_t *kernel = NULL;
  expect_ok(compile(SAXPY, "saxpy", &kernel));
  siginfo_t info;
  const pid_t pid = worker_pid();
  assert_int_equal(kill(pid, SIGKILL), 0);
  (void)waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT); /* it has ended, and was perhaps collected already */
  expect_ok(run_saxpy(kernel));
  or_kernel_release(kernel);
}

/* Asks a worker that does not listen, and dies with the request before it. */
typedef struct visitor_t {
  or_kernel_t *kernel; /* NULL: it compiles */
  or_status_t status;
} visitor_t;

static void visit(void *argument) {
  visitor_t *visitor = argument;
  or_kernel_t *other = NULL;
  visitor->status = visitor->kernel != NULL ? run_saxpy(visitor->kernel) : compile(SAXPY, "saxpy", &other);
  or_kernel_release(other);
}

static void wait_until_leased(void) {
  or_mutex_lock(&kernels->mutex);
  while (kernels->slots[0].state != OR_WORKER_LEASED)
    (void)or_cond_wait_until(&kernels->changed, &kernels->mutex, or_clock_ns() + 1000000);
  or_mutex_unlock(&kernels->mutex);
}

static void a_worker_that_dies_before_it_reads_the_request_is_replaced(void **state) {
  (void)state;
  or_kernel_t *kernel = NULL;
  open_with(or_kernels_options_default());
  expect_ok(compile(SAXPY, "saxpy", &kernel));
  for (int i = 0; i < 2; ++i) {
    visitor_t visitor = {.kernel = i == 0 ? kernel : NULL};
    or_thread_t thread = {.started = false};
    const pid_t pid = worker_pid();
    assert_int_equal(kill(pid, SIGSTOP), 0);
    expect_ok(or_thread_start(&thread, "visitor", visit, &visitor));
    wait_until_leased();
    assert_int_equal(kill(pid, SIGKILL), 0);
    or_thread_join(&thread);
    expect_ok(visitor.status);
    assert_int_not_equal(worker_pid(), pid);
  }
  or_kernel_release(kernel);
}

static void wait_until_there_is_none(void) {
  or_mutex_lock(&kernels->mutex);
  while (kernels->slots[0].state != OR_WORKER_ABSENT) or_cond_wait(&kernels->changed, &kernels->mutex);
  or_mutex_unlock(&kernels->mutex);
}

static void a_worker_that_died_while_idle_is_collected_without_being_used(void **state) {
  (void)state;
  or_kernel_t *kernel = NULL;
  expect_ok(compile(SAXPY, "saxpy", &kernel));
  assert_int_equal(kill(worker_pid(), SIGKILL), 0);
  wait_until_there_is_none();
  assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
  or_kernel_release(kernel);
}

/* A thread that does something to the one worker, once that is at work. */
typedef struct meddler_t {
  or_cancel_t cancel;
  bool kills;
  or_thread_t thread;
} meddler_t;

/* Until the worker's processor time moves on, as it does in an endless loop, and does so again. */
static void wait_until_busy(void) {
  unsigned long long first = 0;
  for (int changes = 0; changes < 3;) {
    char path[64], text[1024], *behind = NULL;
    unsigned long long user = 0;
    const pid_t pid = worker_pid();
    (void)snprintf(path, sizeof path, "/proc/%ld/stat", (long)pid);
    FILE *file = pid != 0 ? fopen(path, "re") : NULL;
    if (file == NULL) continue;
    if (fgets(text, sizeof text, file) != NULL) behind = strrchr(text, ')');
    (void)fclose(file);
    if (behind == NULL || sscanf(behind, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu", &user) != 1 ||
        user == first)
      continue;
    first = user;
    ++changes;
  }
}

static void meddle(void *argument) {
  meddler_t *meddler = argument;
  wait_until_busy();
  if (meddler->kills) {
    (void)kill(worker_pid(), SIGKILL);
  } else {
    or_cancel_request(&meddler->cancel);
  }
}

static void start_meddling(meddler_t *meddler, bool kills) {
  meddler->kills = kills;
  or_cancel_init(&meddler->cancel, INT64_MAX);
  expect_ok(or_thread_start(&meddler->thread, "meddler", meddle, meddler));
}

static void a_worker_killed_during_a_run_or_a_compilation_is_an_error_of_that(void **state) {
  (void)state;
  or_kernel_t *kernel = NULL, *other = NULL;
  meddler_t meddler;
  expect_ok(compile("kernel f spin\n", "f", &kernel));
  start_meddling(&meddler, true);
  expect_failure(run_bare(kernel, 0, NULL), OR_RESOURCE_EXHAUSTED, "signal 9");
  or_thread_join(&meddler.thread);
  start_meddling(&meddler, true);
  expect_failure(compile("compiler spin\n", "f", &other), OR_RESOURCE_EXHAUSTED, "signal 9");
  or_thread_join(&meddler.thread);
  or_kernel_release(kernel);
}

static void a_cancelled_run_or_compilation_ends_with_its_worker(void **state) {
  (void)state;
  or_kernel_t *kernel = NULL, *other = NULL;
  meddler_t meddler;
  expect_ok(compile("kernel f spin\n", "f", &kernel));
  start_meddling(&meddler, false);
  expect_failure(run_bare(kernel, 0, &meddler.cancel), OR_CANCELLED, "was killed");
  or_thread_join(&meddler.thread);
  assert_int_equal(worker_pid(), 0);
  start_meddling(&meddler, false);
  const char *source = "compiler spin\n";
  const or_kernel_request_t request = {
      .source = source, .source_bytes = strlen(source), .entry = "f", .device = "fake", .cancel = &meddler.cancel};
  expect_failure(or_kernel_compile(kernels, &request, NULL, &other), OR_CANCELLED, "was killed");
  or_thread_join(&meddler.thread);
  or_kernel_release(kernel);
}

/* --- The pool --- */

static void owners_do_not_share_a_worker(void **state) {
  (void)state;
  or_kernel_t *mine = NULL, *yours = NULL;
  expect_ok(compile_for("me", SAXPY, "saxpy", &mine));
  expect_ok(compile_for("you", "kernel f crash\n", "f", &yours));
  const pid_t mine_pid = kernels->slots[0].pid;
  assert_int_not_equal(mine_pid, kernels->slots[1].pid);
  expect_failure(run_bare(yours, 0, NULL), OR_RESOURCE_EXHAUSTED, "signal 11");
  expect_ok(run_saxpy(mine));
  assert_int_equal(kernels->slots[0].pid, mine_pid);
  or_kernel_release(mine);
  or_kernel_release(yours);
}

static void the_worker_that_was_idle_longest_makes_room(void **state) {
  (void)state;
  or_kernel_t *all[3] = {NULL};
  static const char *const owners[] = {"a", "b", "c"};
  or_kernels_options_t options = or_kernels_options_default();
  options.workers = 2;
  open_with(options);
  for (int i = 0; i < 3; ++i) expect_ok(compile_for(owners[i], SAXPY, "saxpy", &all[i]));
  assert_string_equal(kernels->slots[0].owner, "c");
  assert_string_equal(kernels->slots[1].owner, "b");
  for (int i = 0; i < 3; ++i) expect_ok(run_saxpy(all[i]));
  for (int i = 0; i < 3; ++i) or_kernel_release(all[i]);
}

static void an_idle_worker_is_ended(void **state) {
  (void)state;
  or_kernel_t *kernel = NULL;
  or_kernels_options_t options = or_kernels_options_default();
  options.idle_ms = 1;
  open_with(options);
  expect_ok(compile(SAXPY, "saxpy", &kernel));
  wait_until_there_is_none();
  expect_ok(run_saxpy(kernel));
  or_kernel_release(kernel);
}

typedef struct caller_t {
  or_thread_t thread;
  or_kernel_t *kernel;
  size_t right;
} caller_t;

static void call(void *argument) {
  caller_t *caller = argument;
  for (int i = 0; i < 20; ++i) {
    or_status_t status = run_saxpy(caller->kernel);
    caller->right += or_ok(status);
    or_status_ignore(status); /* counted */
  }
}

static void callers_of_one_owner_take_turns(void **state) {
  (void)state;
  or_kernel_t *kernel = NULL;
  caller_t callers[4];
  expect_ok(compile(SAXPY, "saxpy", &kernel));
  for (int i = 0; i < 4; ++i) {
    callers[i] = (caller_t){.kernel = kernel};
    expect_ok(or_thread_start(&callers[i].thread, "caller", call, &callers[i]));
  }
  for (int i = 0; i < 4; ++i) {
    or_thread_join(&callers[i].thread);
    assert_int_equal(callers[i].right, 20);
  }
  or_kernel_release(kernel);
}

static void more_kernels_than_a_worker_holds_come_and_go(void **state) {
  (void)state;
  or_kernel_t *all[OR_WORKER_MAX_KERNELS + 4] = {NULL};
  for (uint32_t i = 0; i < OR_WORKER_MAX_KERNELS + 4; ++i) expect_ok(compile(SAXPY, "saxpy", &all[i]));
  for (uint32_t i = 0; i < OR_WORKER_MAX_KERNELS + 4; ++i) expect_ok(run_saxpy(all[i]));
  for (uint32_t i = 0; i < OR_WORKER_MAX_KERNELS + 4; ++i) or_kernel_release(all[i]);
}

static void a_hundred_rounds_leave_nothing(void **state) {
  (void)state;
  or_counting_allocator_t counting;
  or_kernels_release(kernels);
  kernels = NULL;
  or_runtime_release(runtime);
  or_counting_allocator_init(&counting, or_allocator_system(), 0);
  expect_ok(or_runtime_create_with(&(or_runtime_options_t){.allocator = &counting.base}, kernel_backends,
                                   KERNEL_BACKENDS, &runtime));
  open_with(or_kernels_options_default());
  size_t descriptors = 0, blocks = 0;
  for (int i = 0; i < 104; ++i) {
    or_kernel_t *kernel = NULL;
    expect_ok(compile(i % 10 == 3 ? "kernel saxpy crash\n" : SAXPY, "saxpy", &kernel));
    if (i % 10 == 3) {
      expect_failure(run_bare(kernel, 0, NULL), OR_RESOURCE_EXHAUSTED, "signal 11");
    } else {
      expect_ok(run_saxpy(kernel));
    }
    or_kernel_release(kernel);
    if (i != 0 && i != 100) continue;
    open_with(or_kernels_options_default()); /* the pool's own thread opens files now and then */
    if (i == 100) {
      assert_int_equal(open_descriptors(), descriptors);
      assert_int_equal(counting.live_blocks, blocks);
    }
    descriptors = open_descriptors();
    blocks = counting.live_blocks;
  }
  or_kernels_release(kernels);
  kernels = NULL;
  or_runtime_release(runtime);
  runtime = NULL;
  assert_int_equal(counting.live_blocks, 0);
}

static void spin_until_killed(void *argument) { or_status_ignore(run_bare(argument, 0, NULL)); /* it is killed */ }

static void who_waits_for_a_worker_can_be_cancelled(void **state) {
  (void)state;
  or_kernel_t *endless = NULL, *kernel = NULL;
  or_thread_t thread = {.started = false};
  or_cancel_t cancel;
  or_kernels_options_t options = or_kernels_options_default();
  options.workers = 1;
  open_with(options);
  expect_ok(compile_for("a", "kernel f spin\n", "f", &endless));
  expect_ok(or_thread_start(&thread, "spinner", spin_until_killed, endless));
  wait_until_busy();
  const pid_t pid = worker_pid();
  or_cancel_init(&cancel, or_clock_ns() + 1000000);
  const or_kernel_request_t request = {.source = SAXPY,
                                       .source_bytes = strlen(SAXPY),
                                       .entry = "saxpy",
                                       .owner = "b",
                                       .device = "fake",
                                       .cancel = &cancel};
  expect_failure(or_kernel_compile(kernels, &request, NULL, &kernel), OR_DEADLINE_EXCEEDED, "waiting for a worker");
  assert_true(is_alive(pid)); /* it was not the other's fault */
  assert_int_equal(kill(pid, SIGKILL), 0);
  or_thread_join(&thread);
  or_kernel_release(endless);
}

static or_status_t use_all(const or_allocator_t *allocator) {
  or_runtime_t *own = NULL;
  or_kernels_t *pool = NULL;
  or_kernel_t *kernel = NULL;
  or_kernel_result_t result = {.seconds = 0};
  or_tensor_t *x = NULL;
  const int64_t dims[] = {4};
  const float values[4] = {1, 2, 3, 4};
  or_kernels_options_t options = or_kernels_options_default();
  options.program = program;
  or_status_t status = or_runtime_create_with(&(or_runtime_options_t){.allocator = allocator, .threads = 1},
                                              kernel_backends, KERNEL_BACKENDS, &own);
  if (or_ok(status)) status = or_kernels_create(own, &options, &pool);
  const or_kernel_request_t request = {
      .source = SAXPY, .source_bytes = strlen(SAXPY), .entry = "saxpy", .device = "fake"};
  if (or_ok(status)) status = or_kernel_compile(pool, &request, NULL, &kernel);
  if (or_ok(status))
    status = or_tensor_create_from(or_runtime_host_device(own), OR_FLOAT32, or_shape_make(1, dims), values,
                                   sizeof values, &x);
  const or_kernel_argument_t arguments[] = {{.is_number = true, .real = 2}, {.tensor = x}, {.tensor = x}};
  if (or_ok(status))
    status = or_kernel_run(
        kernel, &(or_kernel_launch_t){.grid = ONE_BLOCK(4), .arguments = arguments, .argument_count = 3}, &result);
  or_kernel_result_free(&result);
  or_tensor_release(x);
  or_kernel_release(kernel);
  or_kernels_release(pool);
  or_runtime_release(own);
  return status;
}

static void every_failing_allocation_is_survived(void **state) {
  (void)state;
  expect_survives_every_failing_allocation(use_all);
}

static void a_program_that_is_not_there_is_said_with_the_cure(void **state) {
  (void)state;
  or_kernel_t *kernel = NULL;
  or_kernels_options_t options = or_kernels_options_default();
  options.program = "/nonexistent/openruntime";
  open_with(options);
  expect_failure(compile(SAXPY, "saxpy", &kernel), OR_UNAVAILABLE, "OPENRUNTIME_PROGRAM");
}

/* --- The end of a parent --- */

/* A process that starts a worker, tells its number, and is killed. */
static void parent_to_be_killed(int out) {
  or_kernel_t *kernel = NULL;
  assert_int_equal(set_up(NULL), 0);
  expect_ok(compile("kernel f spin\n", "f", &kernel));
  const pid_t pid = worker_pid();
  if (write(out, &pid, sizeof pid) != (ssize_t)sizeof pid) _exit(1);
  or_status_ignore(run_bare(kernel, 0, NULL)); /* killed in the middle */
  _exit(1);
}

static void a_worker_ends_with_its_parent(void **state) {
  (void)state;
  int pipes[2];
  pid_t worker = 0;
  char number[16];
  assert_int_equal(pipe(pipes), 0);
  (void)snprintf(number, sizeof number, "%d", pipes[1]);
  const pid_t parent = fork();
  if (parent == 0) {
    (void)execl(program, program, "parent", number, (char *)NULL);
    _exit(127);
  }
  (void)close(pipes[1]);
  assert_int_equal(read(pipes[0], &worker, sizeof worker), sizeof worker);
  (void)close(pipes[0]);
  assert_true(is_alive(worker));
  assert_int_equal(kill(parent, SIGKILL), 0);
  assert_int_equal(waitpid(parent, NULL, 0), parent);
  while (!has_ended(worker)) (void)sched_yield();
}

int main(int count, char **arguments) {
  const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
      TEST(compiles_runs_and_tells_the_signature),
      TEST(picks_the_first_device_that_compiles),
      TEST(tells_the_compilers_words),
      TEST(refuses_sources_beyond_its_bounds),
      TEST(refuses_more_output_than_a_run_may_give),
      TEST(a_wrong_launch_does_not_reach_the_worker),
      TEST(an_endless_kernel_is_killed_and_the_next_run_is_served),
      TEST(a_kernel_that_crashes_is_an_error_of_its_run),
      TEST(a_lost_device_is_found_again_by_another_worker),
      TEST(a_compiler_that_does_not_end_is_killed),
      TEST(a_compiler_that_crashes_is_an_error_of_its_compilation),
      TEST(what_takes_too_much_memory_is_killed),
      TEST(more_arguments_than_memory_are_refused),
      TEST(a_worker_killed_while_idle_is_replaced),
      TEST(a_worker_that_dies_before_it_reads_the_request_is_replaced),
      TEST(a_worker_that_died_while_idle_is_collected_without_being_used),
      TEST(a_worker_killed_during_a_run_or_a_compilation_is_an_error_of_that),
      TEST(a_cancelled_run_or_compilation_ends_with_its_worker),
      TEST(owners_do_not_share_a_worker),
      TEST(the_worker_that_was_idle_longest_makes_room),
      TEST(an_idle_worker_is_ended),
      TEST(callers_of_one_owner_take_turns),
      TEST(more_kernels_than_a_worker_holds_come_and_go),
      TEST(a_hundred_rounds_leave_nothing),
      TEST(who_waits_for_a_worker_can_be_cancelled),
      TEST(every_failing_allocation_is_survived),
      TEST(a_program_that_is_not_there_is_said_with_the_cure),
      TEST(a_worker_ends_with_its_parent),
  };
  int code = 0;
  if (was_worker(count, arguments, &code)) return code;
  if (count > 2 && strcmp(arguments[1], "parent") == 0) parent_to_be_killed((int)strtol(arguments[2], NULL, 10));
  return cmocka_run_group_tests(tests, NULL, NULL);
}
