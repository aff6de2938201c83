/* Kernels of users on a device, through the library that fails when it is told to. */
#include "backends/opencl/user_kernel_internal.h"

#include "backends/opencl/opencl_test_internal.h"
#include "backends/opencl/programs.h"
#include "fake_opencl/fake_opencl.h"
#include "hal/queue.h"

static const char saxpy[] =
    "__kernel void saxpy(float a, __global const float *x, __global float *y, __local float *t) {\n"
    "  t[get_local_id(0)] = a;\n"
    "  y[get_global_id(0)] += t[get_local_id(0)] * x[get_global_id(0)];\n"
    "}\n";

#define COUNT 64

/* One use of a kernel on the queue's thread. */
typedef struct use_t {
  const char *source, *entry;
  char log[1024];
  bool cached, right;
  uint32_t block;
} use_t;

static or_status_t run(const or_queue_context_t *context, const or_backend_kernel_t *kernel, use_t *use) {
  const or_backend_device_t *backend = context->backend;
  float x[COUNT], y[COUNT];
  or_memory_t memories[2] = {{.handle = NULL}, {.handle = NULL}};
  const float a = 3;
  int64_t device_ns = -2;
  bool made[2] = {false, false};
  for (int i = 0; i < COUNT; ++i) x[i] = y[i] = (float)i;
  or_status_t status = or_status_success();
  for (int i = 0; i < 2 && or_ok(status); ++i) {
    status = backend->memory_alloc(backend->self, sizeof x, &memories[i]);
    made[i] = or_ok(status);
    if (or_ok(status)) status = backend->write(backend->self, &memories[i], 0, x, sizeof x);
  }
  const or_memory_range_t ranges[2] = {{&memories[0], 0, sizeof x}, {&memories[1], 0, sizeof y}};
  const or_kernel_value_t values[] = {{.scalar = &a, .bytes = sizeof a},
                                      {.range = &ranges[0], .bytes = sizeof x},
                                      {.range = &ranges[1], .bytes = sizeof y},
                                      {.bytes = use->block * sizeof(float)}};
  const or_kernel_grid_t grid = {.grid = {COUNT / use->block, 1, 1}, .block = {use->block, 1, 1}};
  if (or_ok(status)) status = kernel->run(kernel->self, context->backend_queue, &grid, values, &device_ns);
  if (or_ok(status)) status = backend->read(backend->self, &memories[1], 0, y, sizeof y);
  use->right = or_ok(status) && device_ns >= -1;
  for (int i = 0; i < COUNT; ++i) use->right = use->right && y[i] == 4 * (float)i;
  for (int i = 0; i < 2; ++i) {
    if (made[i]) backend->memory_release(backend->self, &memories[i]);
  }
  return status;
}

static or_status_t work(void *self, const or_queue_context_t *context) {
  use_t *use = self;
  or_backend_kernel_t kernel;
  const or_kernel_source_t source = {.source = use->source,
                                     .source_bytes = strlen(use->source),
                                     .entry = use->entry,
                                     .options = "",
                                     .log = use->log,
                                     .log_capacity = sizeof use->log};
  or_status_t status =
      context->backend->kernel_compile(context->backend->self, context->backend_queue, &source, &kernel);
  if (!or_ok(status)) return status;
  use->cached = kernel.cached;
  if (kernel.parameter_count == 4) status = run(context, &kernel, use);
  kernel.release(kernel.self);
  return status;
}

static or_status_t use_kernel(use_t *use) {
  or_queue_t *queue = NULL;
  use->right = false;
  or_status_t status = or_queue_create(cl_rig.devices[0], &queue);
  if (or_ok(status)) status = or_queue_run(queue, work, use);
  or_queue_release(queue);
  return status;
}

static void forget_programs(void) { (void)cl_each_file("", cl_unlink); }

static int set_up(void **state) {
  (void)state;
  if (!fake_opencl_open()) return -1;
  fake_opencl_set("FAIL", NULL);
  fake_opencl_set("CODE", "-5");
  return 0;
}

static void a_kernel_is_compiled_once_and_kept(void **state) {
  (void)state;
  use_t use = {.source = saxpy, .entry = "saxpy", .block = 16};
  (void)cl_open_device();
  forget_programs();
  expect_ok(use_kernel(&use));
  assert_true(use.right);
  assert_false(use.cached);
  expect_ok(use_kernel(&use));
  assert_true(use.right);
  assert_true(use.cached);
  cl_close();
}

static void a_binary_that_lost_its_parameters_is_compiled_again(void **state) {
  (void)state;
  use_t use = {.source = saxpy, .entry = "saxpy", .block = 16};
  (void)cl_open_device();
  forget_programs();
  expect_ok(use_kernel(&use));
  fake_opencl_set("CODE", "-19"); /* CL_KERNEL_ARG_INFO_NOT_AVAILABLE */
  fake_opencl_set("FAIL", "clGetKernelArgInfo:1");
  expect_ok(use_kernel(&use));
  assert_true(use.right);
  assert_false(use.cached);
  fake_opencl_set("FAIL", "clGetKernelArgInfo:1+");
  expect_failure(use_kernel(&use), OR_UNIMPLEMENTED, "does not tell the parameters of \"saxpy\"");
  cl_close();
}

static void a_block_that_does_not_suit_is_the_callers_mistake(void **state) {
  (void)state;
  use_t use = {.source = saxpy, .entry = "saxpy", .block = 16};
  (void)cl_open_device();
  fake_opencl_set("CODE", "-54"); /* CL_INVALID_WORK_GROUP_SIZE */
  fake_opencl_set("FAIL", "clEnqueueNDRangeKernel:1");
  expect_failure(use_kernel(&use), OR_INVALID_ARGUMENT, "16 x 1 x 1");
  cl_close();
}

static void mistakes_are_told_without_paths(void **state) {
  (void)state;
  use_t use = {.source = "__kernel void f(__global int *x) {\n  x[0] = y;\n}\n", .entry = "f", .block = 1};
  (void)cl_open_device();
  expect_failure(use_kernel(&use), OR_INVALID_ARGUMENT, "kernel.cl:2:");
  assert_non_null(strstr(use.log, "kernel.cl:2:"));
  use.source = "__kernel void f(__global int *x) { x[0] = 1; }\n";
  use.entry = "g";
  expect_failure(use_kernel(&use), OR_NOT_FOUND, "\"g\"");
  cl_close();
}

/* A failure, or a call whose failure is of no consequence; nothing stays, and the next use works. */
static void every_call_may_fail(void) {
  use_t use = {.source = saxpy, .entry = "saxpy", .block = 16};
  forget_programs();
  (void)cl_open_device();
  expect_ok(use_kernel(&use));
  for (unsigned pass = 0; pass < 2; ++pass) { /* by the compiler, then from the disk */
    for (unsigned n = 1;; ++n) {
      char which[16];
      if (pass == 0) forget_programs();
      const int64_t alive = fake_opencl_live(NULL);
      fake_opencl_set("FAIL", or_format(which, sizeof which, "%u", n));
      or_status_t status = use_kernel(&use);
      const bool failed = !or_ok(status), triggered = fake_opencl_failed() != NULL;
      or_status_ignore(status); /* that it is one is looked at */
      fake_opencl_set("FAIL", NULL);
      assert_int_equal(fake_opencl_live(NULL), alive);
      if (!failed) assert_true(use.right);
      if (!triggered) break;
    }
    expect_ok(use_kernel(&use));
    assert_true(use.right);
  }
  cl_close();
}

static void every_call_may_fail_where_memory_is_shared(void **state) {
  (void)state;
  every_call_may_fail();
}

static void every_call_may_fail_where_memory_is_the_devices(void **state) {
  (void)state;
  fake_opencl_set("GPU", "1");
  every_call_may_fail();
  fake_opencl_set("GPU", NULL);
}

static void every_allocation_may_fail(void **state) {
  (void)state;
  use_t use = {.source = saxpy, .entry = "saxpy", .block = 16};
  forget_programs();
  (void)cl_open_device();
  expect_ok(use_kernel(&use));
  const size_t alive = cl_memory.live_blocks;
  for (size_t n = 1;; ++n) {
    cl_memory.triggered = false;
    cl_memory.fail_at = cl_memory.alloc_count + n;
    or_status_t status = use_kernel(&use);
    const or_status_code_t code = or_status_code(status);
    or_status_ignore(status); /* its code is looked at */
    const bool triggered = cl_memory.triggered;
    cl_memory.fail_at = 0;
    assert_int_equal(cl_memory.live_blocks, alive);
    assert_true(code == OR_RESOURCE_EXHAUSTED || (code == OR_OK && use.right));
    if (!triggered) break;
  }
  cl_close();
}

int main(void) {
  const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup(name, set_up)
      TEST(a_kernel_is_compiled_once_and_kept),
      TEST(a_binary_that_lost_its_parameters_is_compiled_again),
      TEST(a_block_that_does_not_suit_is_the_callers_mistake),
      TEST(mistakes_are_told_without_paths),
      TEST(every_call_may_fail_where_memory_is_shared),
      TEST(every_call_may_fail_where_memory_is_the_devices),
      TEST(every_allocation_may_fail),
  };
  return cmocka_run_group_tests(tests, cl_make_folder, cl_remove_folder);
}
