/* Kernels of users on a real device: OpenCL's, where there is one. This program is its own worker. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/string.h"
#include "base/testing.h"
#include "kernel/kernel_test_internal.h"
#include "kernel/scratch.h"
#include "kernel/worker.h"
#include "openruntime/kernel.h"
#include "runtime/runtime.h"

static or_runtime_t *runtime;
static or_kernels_t *kernels;
static char program[OR_FILE_PATH_BYTES], cache[64];
static or_kernels_options_t options;
static char log_text[OR_KERNEL_LOG_BYTES];

static bool have_device(void) {
  or_device_t *device = NULL;
  or_status_t status = or_runtime_find_device(runtime, "opencl", &device);
  const bool have = or_ok(status);
  if (!have) print_message("skipped: %s\n", or_status_message(status));
  or_status_ignore(status); /* said */
  return have;
}

static int set_up(void **state) {
  (void)state;
  or_runtime_options_t how = or_runtime_options_default();
  (void)snprintf(cache, sizeof cache, "/tmp/openruntime-test-XXXXXX");
  assert_non_null(mkdtemp(cache));
  how.cache_directory = cache;
  expect_ok(or_runtime_create(&how, &runtime));
  options = or_kernels_options_default();
  options.program = program;
  expect_ok(or_kernels_create(runtime, &options, &kernels));
  return 0;
}

static void open_again(void) {
  or_kernels_release(kernels);
  expect_ok(or_kernels_create(runtime, &options, &kernels));
}

static int tear_down(void **state) {
  (void)state;
  or_kernels_release(kernels);
  or_runtime_release(runtime);
  or_scratch_remove(cache, NULL);
  assert_int_equal(or_status_live_count(), 0);
  assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
  return 0;
}

#define NEEDS_DEVICE()          \
  do {                          \
    (void)state;                \
    if (!have_device()) skip(); \
  } while (0)

/* --- Tools --- */

static or_status_t compile(const char *source, const char *entry, or_kernel_t **out) {
  const or_kernel_request_t request = {
      .source = source, .source_bytes = strlen(source), .entry = entry, .device = "opencl"};
  return or_kernel_compile(kernels, &request, log_text, out);
}

static void expect_in_log(const char *words) {
  if (strstr(log_text, words) == NULL) fail_msg("the log lacks \"%s\":\n%s", words, log_text);
}

static or_tensor_t *tensor_of(or_dtype_t dtype, size_t count, const void *values) {
  or_tensor_t *tensor = NULL;
  const int64_t dims[] = {(int64_t)count};
  expect_ok(or_tensor_create_from(or_runtime_host_device(runtime), dtype, or_shape_make(1, dims), values,
                                  or_dtype_bytes(dtype, count), &tensor));
  return tensor;
}

/* One launch; the outputs are the caller's to free. */
static or_status_t run(or_kernel_t *kernel, uint64_t blocks, uint32_t block, const or_kernel_argument_t *arguments,
                       or_kernel_result_t *out) {
  const or_kernel_launch_t launch = {.grid = {.grid = {blocks, 1, 1}, .block = {block, 1, 1}},
                                     .arguments = arguments,
                                     .argument_count = or_kernel_facts(kernel)->parameter_count};
  return or_kernel_run(kernel, &launch, out);
}

#define N 1000u
static const char saxpy_source[] =
    "__kernel void saxpy(float a, __global const float *x, __global float *y, uint n) {\n"
    "  size_t i = get_global_id(0);\n"
    "  if (i < n) y[i] = a * x[i] + y[i];\n"
    "}\n";

static or_status_t run_saxpy(or_kernel_t *kernel) {
  float x[N], y[N];
  for (unsigned i = 0; i < N; ++i) {
    x[i] = (float)i;
    y[i] = 1;
  }
  or_tensor_t *x_tensor = tensor_of(OR_FLOAT32, N, x), *y_tensor = tensor_of(OR_FLOAT32, N, y);
  const or_kernel_argument_t arguments[] = {{.is_number = true, .real = 0.5},
                                            {.tensor = x_tensor},
                                            {.tensor = y_tensor},
                                            {.is_number = true, .is_integer = true, .integer = N}};
  or_kernel_result_t result;
  or_status_t status = run(kernel, 16, 64, arguments, &result);
  if (or_ok(status)) {
    const float *got = or_tensor_data(result.outputs[2]);
    assert_null(result.outputs[1]);
    for (unsigned i = 0; i < N; ++i) assert_true(got[i] == 0.5f * (float)i + 1);
  }
  or_kernel_result_free(&result);
  or_tensor_release(x_tensor);
  or_tensor_release(y_tensor);
  return status;
}

static or_status_t run_one(or_kernel_t *kernel) {
  const int32_t zeros[64] = {0};
  or_tensor_t *tensor = tensor_of(OR_INT32, 64, zeros);
  const or_kernel_argument_t arguments[] = {{.tensor = tensor}};
  or_kernel_result_t result;
  or_status_t status = run(kernel, 1, 1, arguments, &result);
  or_kernel_result_free(&result);
  or_tensor_release(tensor);
  return status;
}

/* --- Signature and results --- */

static void saxpy_is_right_and_tells_its_signature(void **state) {
  NEEDS_DEVICE();
  or_kernel_t *kernel = NULL;
  expect_ok(compile(saxpy_source, "saxpy", &kernel));
  const or_kernel_facts_t *facts = or_kernel_facts(kernel);
  static const struct {
    const char *name;
    or_kernel_role_t role;
    or_dtype_t dtype;
    bool writable;
  } expected[] = {{"a", OR_KERNEL_SCALAR, OR_FLOAT32, false},
                  {"x", OR_KERNEL_BUFFER, OR_FLOAT32, false},
                  {"y", OR_KERNEL_BUFFER, OR_FLOAT32, true},
                  {"n", OR_KERNEL_SCALAR, OR_UINT32, false}};
  assert_int_equal(facts->parameter_count, 4);
  for (int i = 0; i < 4; ++i) {
    assert_string_equal(facts->parameters[i].name, expected[i].name);
    assert_int_equal(facts->parameters[i].role, expected[i].role);
    assert_int_equal(facts->parameters[i].dtype, expected[i].dtype);
    assert_int_equal(facts->parameters[i].writable, expected[i].writable);
  }
  assert_string_equal(facts->language, "OpenCL C");
  assert_true(facts->max_block >= 64);
  assert_true(facts->local_bytes > 0);
  expect_ok(run_saxpy(kernel));
  expect_ok(run_saxpy(kernel));
  or_kernel_release(kernel);
}

static void vectors_local_memory_and_constants_are_offered(void **state) {
  NEEDS_DEVICE();
  or_kernel_t *kernel = NULL;
  expect_ok(compile("__kernel void f(float4 v, uchar3 w, __constant const short *table, __local int *scratch,\n"
                    "                __global int *out) {\n"
                    "  size_t i = get_local_id(0);\n"
                    "  scratch[i] = table[i] + (int)v.w + w.z;\n"
                    "  barrier(CLK_LOCAL_MEM_FENCE);\n"
                    "  out[get_global_id(0)] = scratch[get_local_size(0) - 1 - i];\n"
                    "}\n",
                    "f", &kernel));
  const or_kernel_facts_t *facts = or_kernel_facts(kernel);
  assert_int_equal(facts->parameters[0].width, 4);
  assert_int_equal(facts->parameters[1].width, 3);
  assert_int_equal(facts->parameters[1].dtype, OR_UINT8);
  assert_int_equal(facts->parameters[2].role, OR_KERNEL_BUFFER);
  assert_false(facts->parameters[2].writable);
  assert_int_equal(facts->parameters[3].role, OR_KERNEL_LOCAL);
  const float v[4] = {1, 2, 3, 1000};
  const uint8_t w[3] = {1, 2, 200};
  const int16_t table[8] = {0, 1, 2, 3, 4, 5, 6, 7};
  const int32_t zeros[16] = {0};
  or_tensor_t *v_tensor = tensor_of(OR_FLOAT32, 4, v), *w_tensor = tensor_of(OR_UINT8, 3, w);
  or_tensor_t *t_tensor = tensor_of(OR_INT16, 8, table), *out = tensor_of(OR_INT32, 16, zeros);
  const or_kernel_argument_t arguments[] = {
      {.tensor = v_tensor}, {.tensor = w_tensor}, {.tensor = t_tensor}, {.local_bytes = 32}, {.tensor = out}};
  or_kernel_result_t result;
  expect_ok(run(kernel, 2, 8, arguments, &result));
  const int32_t *got = or_tensor_data(result.outputs[4]);
  for (int i = 0; i < 16; ++i) assert_int_equal(got[i], 1200 + 7 - i % 8);
  assert_true(result.seconds >= 0);
  or_kernel_result_free(&result);
  or_tensor_release(v_tensor);
  or_tensor_release(w_tensor);
  or_tensor_release(t_tensor);
  or_tensor_release(out);
  or_kernel_release(kernel);
}

static void what_is_no_buffer_or_number_is_refused_by_name(void **state) {
  NEEDS_DEVICE();
  or_kernel_t *kernel = NULL;
  expect_failure(compile("__kernel void f(__global int *x, read_only image2d_t picture) { x[0] = 1; }\n", "f", &kernel),
                 OR_UNIMPLEMENTED, "\"picture\"");
  expect_failure(compile("typedef struct { int a; } s_t;\n__kernel void f(__global int *x, s_t s) { x[0] = s.a; }\n",
                         "f", &kernel),
                 OR_UNIMPLEMENTED, "\"s\"");
  expect_failure(compile("__kernel void f(sampler_t how, __global int *x) { x[0] = 1; }\n", "f", &kernel),
                 OR_UNIMPLEMENTED, "\"how\"");
}

static void a_mistake_is_told_with_its_line_and_no_path(void **state) {
  NEEDS_DEVICE();
  or_kernel_t *kernel = NULL;
  expect_failure(compile("__kernel void f(__global int *x) {\n  x[0] = 1;\n  x[1] = y;\n}\n", "f", &kernel),
                 OR_INVALID_ARGUMENT, "");
  expect_in_log("kernel.cl:3:");
  assert_null(strstr(log_text, "/tmp"));
  expect_failure(compile(saxpy_source, "axpy", &kernel), OR_NOT_FOUND, "axpy");
}

static void options_reach_the_compiler(void **state) {
  NEEDS_DEVICE();
  or_kernel_t *kernel = NULL;
  const char *source = "__kernel void f(__global int *x) { x[0] = VALUE; }\n";
  or_kernel_request_t request = {
      .source = source, .source_bytes = strlen(source), .entry = "f", .device = "opencl", .options = "-DVALUE=42"};
  expect_ok(or_kernel_compile(kernels, &request, NULL, &kernel));
  expect_ok(run_one(kernel));
  or_kernel_release(kernel);
  request.options = NULL;
  expect_failure(or_kernel_compile(kernels, &request, NULL, &kernel), OR_INVALID_ARGUMENT, "VALUE");
}

static void what_was_compiled_is_kept_for_its_owner(void **state) {
  NEEDS_DEVICE();
  or_kernel_t *kernel = NULL;
  expect_ok(compile(saxpy_source, "saxpy", &kernel));
  assert_false(or_kernel_facts(kernel)->cached);
  or_kernel_release(kernel);
  open_again(); /* another worker */
  expect_ok(compile(saxpy_source, "saxpy", &kernel));
  assert_true(or_kernel_facts(kernel)->cached);
  expect_ok(run_saxpy(kernel));
  or_kernel_release(kernel);
  const or_kernel_request_t other = {.source = saxpy_source,
                                     .source_bytes = sizeof saxpy_source - 1,
                                     .entry = "saxpy",
                                     .device = "opencl",
                                     .owner = "someone else"};
  expect_ok(or_kernel_compile(kernels, &other, NULL, &kernel));
  assert_false(or_kernel_facts(kernel)->cached);
  or_kernel_release(kernel);
}

/* --- What must not harm --- */

static void an_endless_kernel_is_killed(void **state) {
  NEEDS_DEVICE();
  or_kernel_t *kernel = NULL, *good = NULL;
  options.run_ms = 300;
  open_again();
  expect_ok(compile(saxpy_source, "saxpy", &good));
  expect_ok(compile("__kernel void f(__global volatile int *x) { while (x[0] == 0) { } }\n", "f", &kernel));
  expect_failure(run_one(kernel), OR_DEADLINE_EXCEEDED, "300 ms");
  options.run_ms = or_kernels_options_default().run_ms;
  or_kernel_release(kernel);
  or_kernel_release(good);
  open_again();
  expect_ok(compile(saxpy_source, "saxpy", &good));
  expect_ok(run_saxpy(good));
  or_kernel_release(good);
}

static void a_write_far_out_of_bounds_ends_the_worker_alone(void **state) {
  NEEDS_DEVICE();
  or_kernel_t *kernel = NULL, *good = NULL;
  expect_ok(compile(saxpy_source, "saxpy", &good));
  expect_ok(compile("__kernel void f(__global int *x) { x[(size_t)1 << 40] = 1; }\n", "f", &kernel));
  or_status_t status = run_one(kernel);
  const or_status_code_t code = or_status_code(status);
  const bool said = code != OR_RESOURCE_EXHAUSTED || strstr(or_status_message(status), "out of bounds") != NULL;
  or_status_ignore(status); /* a processor's process dies, a GPU's driver gives the device up */
  assert_true((code == OR_RESOURCE_EXHAUSTED && said) || code == OR_DEVICE_LOST);
  expect_ok(run_saxpy(good));
  or_kernel_release(kernel);
  or_kernel_release(good);
}

/* Quietly, or to the ruin of what lies behind it: what is the caller's stays as it is. */
static void a_write_that_strays_changes_nothing_of_the_caller(void **state) {
  NEEDS_DEVICE();
  or_kernel_t *kernel = NULL, *good = NULL;
  expect_ok(compile(saxpy_source, "saxpy", &good));
  expect_ok(compile("__kernel void f(__global const int *x, __global int *y) {\n"
                    "  for (int i = 0; i < 1024; ++i) ((__global int *)x)[i] = 77;\n"
                    "}\n",
                    "f", &kernel));
  const int32_t zeros[64] = {0};
  or_tensor_t *x = tensor_of(OR_INT32, 64, zeros), *y = tensor_of(OR_INT32, 64, zeros);
  const or_kernel_argument_t arguments[] = {{.tensor = x}, {.tensor = y}};
  or_kernel_result_t result;
  or_status_t status = run(kernel, 1, 1, arguments, &result);
  const or_status_code_t code = or_status_code(status);
  or_status_ignore(status); /* either is right */
  assert_true(code == OR_OK || code == OR_RESOURCE_EXHAUSTED);
  for (int i = 0; i < 64; ++i) {
    assert_int_equal(((const int32_t *)or_tensor_data(x))[i], 0);
    assert_int_equal(((const int32_t *)or_tensor_data(y))[i], 0);
  }
  assert_null(result.outputs[0]);
  or_kernel_result_free(&result);
  expect_ok(run_saxpy(good));
  or_tensor_release(x);
  or_tensor_release(y);
  or_kernel_release(kernel);
  or_kernel_release(good);
}

static void a_compiler_bomb_is_killed(void **state) {
  NEEDS_DEVICE();
  or_kernel_t *kernel = NULL, *good = NULL;
  or_text_t source;
  options.compile_ms = 2000;
  options.memory_bytes = (uint64_t)1 << 30;
  open_again();
  or_text_init(&source, or_allocator_system());
  expect_ok(or_text_append_string(&source, "#define M0(x) x x x x x x x x x x\n"));
  for (int i = 1; i < 9; ++i) expect_ok(or_text_printf(&source, "#define M%d(x) M%d(M%d(x))\n", i, i - 1, i - 1));
  expect_ok(or_text_append_string(&source, "__kernel void f(__global int *x) { M8(x[0] += 1;) }\n"));
  or_status_t status = compile(or_text_string(&source), "f", &kernel);
  const or_status_code_t code = or_status_code(status);
  or_status_ignore(status); /* by time or by memory */
  assert_true(code == OR_DEADLINE_EXCEEDED || code == OR_RESOURCE_EXHAUSTED);
  or_text_deinit(&source);
  options = or_kernels_options_default();
  options.program = program;
  open_again();
  expect_ok(compile(saxpy_source, "saxpy", &good));
  expect_ok(run_saxpy(good));
  or_kernel_release(good);
}

/* A file of the host's that a compiler could read, and would quote in its log. */
static void files_of_the_host_are_not_there_for_a_source(void **state) {
  NEEDS_DEVICE();
  or_kernel_t *kernel = NULL;
  char path[96], source[256];
  (void)snprintf(path, sizeof path, "%s/secret", cache);
  expect_ok(or_file_write(path, "int the_secret_is_out;\n", 23));
  (void)snprintf(source, sizeof source, "#include \"%s\"\n__kernel void f(__global int *x) { x[0] = 1; }\n", path);
  or_status_t status = compile(source, "f", &kernel);
  const bool compiled = or_ok(status);
  or_status_ignore(status); /* what matters is whether the file was read */
  or_kernel_release(kernel);
  if (compiled) {
    print_message("skipped: this system does not bound files (no Landlock)\n");
    skip();
  }
  expect_in_log("kernel.cl:1:");
  assert_null(strstr(log_text, "the_secret"));
}

static void a_hundred_rounds_leave_no_descriptor_and_no_process(void **state) {
  NEEDS_DEVICE();
  size_t before = 0;
  for (int i = 0; i < 101; ++i) {
    or_kernel_t *kernel = NULL;
    expect_ok(compile(saxpy_source, "saxpy", &kernel));
    expect_ok(run_saxpy(kernel));
    or_kernel_release(kernel);
    if (i != 0 && i != 100) continue;
    open_again(); /* the pool's own thread opens files now and then */
    if (i == 0) before = open_descriptors();
    assert_int_equal(open_descriptors(), before);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
  }
}

int main(int count, char **arguments) {
  const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
      TEST(saxpy_is_right_and_tells_its_signature),
      TEST(vectors_local_memory_and_constants_are_offered),
      TEST(what_is_no_buffer_or_number_is_refused_by_name),
      TEST(a_mistake_is_told_with_its_line_and_no_path),
      TEST(options_reach_the_compiler),
      TEST(what_was_compiled_is_kept_for_its_owner),
      TEST(an_endless_kernel_is_killed),
      TEST(a_write_far_out_of_bounds_ends_the_worker_alone),
      TEST(a_write_that_strays_changes_nothing_of_the_caller),
      TEST(a_compiler_bomb_is_killed),
      TEST(files_of_the_host_are_not_there_for_a_source),
      TEST(a_hundred_rounds_leave_no_descriptor_and_no_process),
  };
  if (count > 1 && strcmp(arguments[1], "worker") == 0) return or_kernel_worker_main();
  if (!or_file_program(program, sizeof program)) return 1;
  return cmocka_run_group_tests(tests, NULL, NULL);
}
