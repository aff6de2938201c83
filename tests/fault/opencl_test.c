/* OpenCL on bad days, through tests/fake_opencl: there is none, builds are refused, memory is out, the n-th call fails
 * for every n, the device is lost for good from the n-th on. Each time the caller is told or it went well, nothing is
 * left behind, and a new device works. And what is kept on disk: compiled once, whatever befalls the files. */
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/testing.h"
#include "fake_opencl/fake_opencl.h"
#include "openruntime/openruntime.h"

#define ROWS 3
#define COLUMNS 48
#define COUNT (ROWS * COLUMNS)
#define WIDTH 16                           /* of the matrix that x is multiplied by */
#define RESULTS (2 * COUNT + ROWS * WIDTH) /* numbers that a small run gives */

/* Compiled programs and facts of all tests but those that want a folder of their own: of the device as it is, and as a
 * graphics processor. */
static char cache[64], gpu_cache[64];
static or_counting_allocator_t memory;

/* ---- a small run: open, allocate, compile, run, read back, close ---- */

static or_status_t tensor_of(or_device_t *device, or_dtype_t dtype, int64_t rows, int64_t columns, const void *data,
                             or_tensor_t **out) {
  or_status_t status = or_tensor_create(device, dtype, or_shape_make(2, (const int64_t[]){rows, columns}), out);
  if (!or_ok(status)) return status;
  return or_buffer_write(or_tensor_buffer(*out), 0, data, or_tensor_bytes(*out));
}

static or_status_t call(or_device_t *device, const char *op, or_tensor_t *const *inputs, size_t count,
                        or_tensor_t **out) {
  const or_compute_call_t it = {.op = op, .inputs = inputs, .input_count = count, .outputs = out, .output_count = 1};
  return or_compute(device, &it);
}

/* Rows of x by index, their spectra, what is positive in x, and its product with a matrix: launches with an argument
 * for faults, of several passes, over tables and scratch, of forms that are timed. */
static or_status_t compute_on(or_device_t *device, float out[RESULTS]) {
  static const int64_t order[ROWS] = {2, 0, 1};
  float x[COUNT], matrix[COLUMNS * WIDTH], spectra[2 * ROWS * (COLUMNS / 2 + 1)];
  or_tensor_t *made[7] = {NULL};
  for (int i = 0; i < COUNT; ++i) x[i] = (float)(i % 7) - 2.5F;
  for (int i = 0; i < COLUMNS * WIDTH; ++i) matrix[i] = (float)(i % 5) - 1.5F;
  or_status_t status = tensor_of(device, OR_FLOAT32, ROWS, COLUMNS, x, &made[0]);
  if (or_ok(status)) status = tensor_of(device, OR_INT64, 1, ROWS, order, &made[1]);
  if (or_ok(status)) status = tensor_of(device, OR_FLOAT32, COLUMNS, WIDTH, matrix, &made[2]);
  if (or_ok(status)) status = call(device, "Gather", made, 2, &made[3]);
  if (or_ok(status)) status = call(device, "openruntime:Fft", &made[3], 1, &made[4]);
  if (or_ok(status)) status = call(device, "Relu", &made[0], 1, &made[5]);
  if (or_ok(status)) status = call(device, "MatMul", (or_tensor_t *const[]){made[0], made[2]}, 2, &made[6]);
  if (or_ok(status)) status = or_tensor_read(made[5], out, sizeof x);
  if (or_ok(status)) status = or_tensor_read(made[4], spectra, sizeof spectra);
  if (or_ok(status)) memcpy(out + COUNT, spectra, sizeof x);
  if (or_ok(status)) status = or_tensor_read(made[6], out + 2 * COUNT, ROWS * WIDTH * sizeof(float));
  for (size_t i = 0; i < sizeof made / sizeof *made; ++i) or_tensor_release(made[i]);
  return status;
}

typedef struct plan_t {
  const char *device, *cache;
  bool forgets; /* what was measured: it is measured anew */
} plan_t;

static void forget_choices(const char *folder) {
  DIR *open = opendir(folder);
  struct dirent *entry;
  assert_non_null(open);
  while ((entry = readdir(open)) != NULL) {
    char path[400];
    if (strstr(entry->d_name, "choices") == NULL) continue;
    (void)snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
    assert_int_equal(unlink(path), 0);
  }
  assert_int_equal(closedir(open), 0);
}

static or_status_t small_run(const plan_t *plan, float out[RESULTS]) {
  or_runtime_options_t options = or_runtime_options_default();
  or_runtime_t *runtime = NULL;
  or_device_t *device = NULL;
  options.allocator = &memory.base;
  options.threads = 1;
  options.cache_directory = plan->cache;
  if (plan->forgets) forget_choices(plan->cache);
  or_status_t status = or_runtime_create(&options, &runtime);
  if (or_ok(status)) status = or_runtime_find_device(runtime, plan->device, &device);
  if (or_ok(status)) status = compute_on(device, out);
  or_runtime_release(runtime);
  return status;
}

static void expect_nothing_left(void) {
  assert_int_equal(memory.live_bytes, 0);
  assert_int_equal(or_status_live_count(), 0);
  if (fake_opencl_live(NULL) == 0) return;
  static const char *const objects[] = {"context", "queue", "memory", "program", "kernel", "event", "svm"};
  for (size_t i = 0; i < sizeof objects / sizeof *objects; ++i) {
    int64_t live = fake_opencl_live(objects[i]);
    if (live != 0) print_error("%lld left: %s\n", (long long)live, objects[i]);
  }
  fail();
}

/* What the processor computes. */
static float expected[RESULTS];

static void expect_right(const float *got) {
  for (int i = 0; i < RESULTS; ++i) assert_true(fabsf(got[i] - expected[i]) <= 1e-4F * (1 + fabsf(expected[i])));
}

static void expect_works(const plan_t *plan) {
  float out[RESULTS];
  expect_ok(small_run(plan, out));
  expect_right(out);
  expect_nothing_left();
}

static const plan_t as_it_is = {"opencl_0", cache, false}, as_gpu = {"opencl_0", gpu_cache, false};
static const plan_t without_choices = {"opencl_0", gpu_cache, true};

/* ---- set-up ---- */

static void remove_files(const char *folder) {
  DIR *open = opendir(folder);
  struct dirent *entry;
  if (open == NULL) return;
  while ((entry = readdir(open)) != NULL) {
    char path[512];
    if (entry->d_name[0] == '.') continue;
    (void)snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
    if (unlink(path) != 0) {
      remove_files(path);
      (void)rmdir(path);
    }
  }
  (void)closedir(open);
}

static int begin(void **state) {
  (void)state;
  static const char *const rules[] = {"FAIL", "CODE", "GPU", "DRIVER", "HIDE"};
  for (size_t i = 0; i < sizeof rules / sizeof *rules; ++i) fake_opencl_set(rules[i], NULL);
  or_counting_allocator_init(&memory, or_allocator_system(), 0);
  return 0;
}

static bool there_is_a_device(void) {
  float out[RESULTS];
  (void)begin(NULL);
  expect_ok(small_run(&(plan_t){.device = "cpu_0"}, expected));
  or_status_t status = small_run(&as_it_is, out);
  bool there = or_status_code(status) != OR_NOT_FOUND;
  if (!there) (void)printf("skipped: %s\n", or_status_message(status));
  if (there) expect_ok(status);
  if (!there) or_status_ignore(status); /* said above */
  return there;
}

/* ---- every call ---- */

/* Or it failed while devices were looked for, and then there are none, or others than before. */
static bool is_told(or_status_t status, or_status_code_t told) {
  or_status_code_t code = or_status_code(status);
  return code == told || code == OR_UNAVAILABLE || code == OR_NOT_FOUND;
}

/* Fails call n with the code, or all from n on, for every n until a run reaches none. */
static void fail_every_call(const plan_t *plan, const char *code, bool forever, or_status_code_t told) {
  float out[RESULTS];
  int failures = 0, n = 1;
  fake_opencl_set("CODE", code);
  expect_works(plan); /* what can be kept on disk is there */
  uint64_t before = fake_opencl_count(NULL);
  expect_works(plan);
  int calls = (int)(fake_opencl_count(NULL) - before);
  for (; n <= calls; ++n) {
    char rule[32];
    (void)snprintf(rule, sizeof rule, "%d%s", n, forever ? "+" : "");
    fake_opencl_set("FAIL", rule);
    or_status_t status = small_run(plan, out);
    const char *failed = fake_opencl_failed();
    fake_opencl_set("FAIL", NULL);
    if (memory.live_bytes != 0 || fake_opencl_live(NULL) != 0)
      print_error("call %d, %s: %s\n", n, failed, or_status_message(status));
    if (or_ok(status)) {
      expect_right(out);
    } else {
      ++failures;
      if (!is_told(status, told)) print_error("call %d: %s\n", n, or_status_message(status));
      assert_true(is_told(status, told));
      or_status_ignore(status); /* the failure was the point */
    }
    expect_nothing_left();
    if (n % 16 == 0) expect_works(plan);
  }
  print_message("%d calls, %d of which cost the run\n", calls, failures);
  assert_true(failures > 20);
  expect_works(plan);
}

static void a_call_that_fails_costs_that_run_alone(void **state) {
  (void)state;
  fail_every_call(&as_it_is, "-5", false, OR_RESOURCE_EXHAUSTED);
}

static void a_call_that_fails_on_a_device_with_memory_of_its_own_costs_that_run_alone(void **state) {
  (void)state;
  fake_opencl_set("GPU", "1");
  fail_every_call(&without_choices, "-36", false, OR_DEVICE_LOST);
}

static void a_device_that_is_lost_at_any_call_costs_that_run_alone(void **state) {
  (void)state;
  fail_every_call(&as_it_is, "-9999", true, OR_DEVICE_LOST);
}

static void a_device_with_memory_of_its_own_that_is_lost_at_any_call_costs_that_run_alone(void **state) {
  (void)state;
  fake_opencl_set("GPU", "1");
  fail_every_call(&as_gpu, "-2", true, OR_DEVICE_LOST);
}

/* ---- named failures ---- */

static void expect_told(const plan_t *plan, const char *rule, const char *code, or_status_code_t told,
                        const char *words) {
  float out[RESULTS];
  fake_opencl_set("CODE", code);
  fake_opencl_set("FAIL", rule);
  expect_failure(small_run(plan, out), told, words);
  fake_opencl_set("FAIL", NULL);
  expect_nothing_left();
  expect_works(plan);
}

static void a_build_that_is_refused_says_what_the_compiler_said(void **state) {
  (void)state;
  expect_told(&(plan_t){.device = "opencl_0"}, "clBuildProgram:1+", "-11", OR_INTERNAL,
              "3:1: error: refused by tests/fake_opencl");
}

static void memory_that_is_out_is_told_as_such(void **state) {
  (void)state;
  expect_told(&as_it_is, "clSVMAlloc:1+", "-4", OR_RESOURCE_EXHAUSTED, "clSVMAlloc");
  fake_opencl_set("GPU", "1");
  expect_works(&as_gpu);
  expect_told(&as_gpu, "clCreateBuffer:2+", "-4", OR_RESOURCE_EXHAUSTED, "clCreateBuffer");
  /* Drivers that promise more than there is fail at the first use. */
  expect_told(&as_gpu, "clEnqueueNDRangeKernel:1+", "-4", OR_RESOURCE_EXHAUSTED, "clEnqueueNDRangeKernel");
}

static void a_platform_without_devices_is_no_error(void **state) {
  (void)state;
  expect_told(&(plan_t){.device = "opencl_0"}, "clGetDeviceIDs:1+", "-1", OR_NOT_FOUND, "opencl_0");
  expect_told(&(plan_t){.device = "opencl_0"}, "clGetPlatformIDs:1+", "-1001", OR_NOT_FOUND, "opencl_0");
  expect_told(&(plan_t){.device = "opencl_0"}, "clGetPlatformIDs:1+", "-6", OR_NOT_FOUND, "opencl_0");
}

/* ---- a lost device ---- */

static void a_lost_device_is_shown_as_lost_and_others_go_on(void **state) {
  (void)state;
  float out[RESULTS];
  or_runtime_options_t options = or_runtime_options_default();
  or_runtime_t *runtime = NULL;
  or_device_t *device = NULL, *other = NULL;
  const char *reason = NULL;
  options.allocator = &memory.base;
  options.cache_directory = cache;
  expect_ok(or_runtime_create(&options, &runtime));
  expect_ok(or_runtime_find_device(runtime, "opencl_0", &device));
  expect_ok(or_runtime_find_device(runtime, "cpu_0", &other));
  expect_ok(compute_on(device, out));
  fake_opencl_set("CODE", "-9999");
  fake_opencl_set("FAIL", "clEnqueueNDRangeKernel:2+");
  expect_failure(compute_on(device, out), OR_DEVICE_LOST, "clEnqueueNDRangeKernel");
  fake_opencl_set("FAIL", NULL);
  assert_int_equal(or_device_state(device, &reason), OR_DEVICE_STATE_LOST);
  assert_string_not_equal(reason, "");
  expect_failure(compute_on(device, out), OR_DEVICE_LOST, "");
  expect_ok(compute_on(other, out));
  expect_right(out);
  or_runtime_release(runtime);
  expect_nothing_left();
  expect_works(&as_it_is);
}

/* ---- what is kept on disk ---- */

static uint64_t builds_of(const plan_t *plan) {
  uint64_t before = fake_opencl_count("clCreateProgramWithSource");
  expect_works(plan);
  return fake_opencl_count("clCreateProgramWithSource") - before;
}

typedef struct files_t {
  char paths[64][400];
  size_t count;
} files_t;

static void list_files(const char *folder, files_t *out) {
  DIR *open = opendir(folder);
  struct dirent *entry;
  struct stat about;
  assert_non_null(open);
  while ((entry = readdir(open)) != NULL) {
    char path[400];
    if (entry->d_name[0] == '.') continue;
    assert_true(snprintf(path, sizeof path, "%s/%s", folder, entry->d_name) < (int)sizeof path);
    assert_int_equal(stat(path, &about), 0);
    if (S_ISDIR(about.st_mode)) {
      list_files(path, out);
    } else if (strstr(entry->d_name, ".bin") != NULL) {
      assert_true(out->count < 64);
      memcpy(out->paths[out->count++], path, sizeof path);
    }
  }
  assert_int_equal(closedir(open), 0);
}

static void change_a_byte(const char *path) {
  FILE *file = fopen(path, "r+b");
  assert_non_null(file);
  assert_int_equal(fseek(file, -100, SEEK_END), 0);
  int byte = fgetc(file);
  assert_true(byte != EOF && fseek(file, -1, SEEK_CUR) == 0);
  assert_true(fputc(byte ^ 0xFF, file) != EOF);
  assert_int_equal(fclose(file), 0);
}

static void programs_are_built_once_whatever_befalls_the_files(void **state) {
  (void)state;
  char folder[] = "/tmp/openruntime_opencl_XXXXXX";
  assert_non_null(mkdtemp(folder));
  const plan_t plan = {.device = "opencl_0", .cache = folder};
  files_t files = {.count = 0};
  uint64_t programs = builds_of(&plan), loads = fake_opencl_count("clCreateProgramWithBinary"), built = 0;
  size_t used = 0, other = 0; /* files whose programs are used again; others were measured only */
  assert_true(programs >= 3);
  assert_int_equal(builds_of(&plan), 0);
  loads = fake_opencl_count("clCreateProgramWithBinary") - loads;
  list_files(folder, &files);
  assert_int_equal(files.count, programs);
  for (size_t i = 0; i < files.count; ++i) {
    change_a_byte(files.paths[i]);
    uint64_t builds = builds_of(&plan);
    assert_true(builds <= 1);
    if (builds == 1) {
      other = used;
      used = i;
    }
    built += builds;
  }
  assert_int_equal(built, loads);
  assert_int_equal(builds_of(&plan), 0);
  assert_int_equal(truncate(files.paths[used], 10), 0);
  assert_int_equal(builds_of(&plan), 1);
  /* Whole, but not this program's. */
  assert_int_equal(unlink(files.paths[used]), 0);
  assert_int_equal(link(files.paths[other], files.paths[used]), 0);
  assert_int_equal(builds_of(&plan), 1);
  assert_int_equal(builds_of(&plan), 0);
  /* A binary that the driver no longer takes. */
  fake_opencl_set("CODE", "-42");
  fake_opencl_set("FAIL", "clCreateProgramWithBinary:1");
  assert_int_equal(builds_of(&plan), 1);
  fake_opencl_set("FAIL", NULL);
  remove_files(folder);
  assert_int_equal(rmdir(folder), 0);
}

static void programs_of_another_driver_are_built_anew(void **state) {
  (void)state;
  char folder[] = "/tmp/openruntime_opencl_XXXXXX";
  float out[RESULTS];
  assert_non_null(mkdtemp(folder));
  const plan_t plan = {.device = "opencl_0", .cache = folder};
  uint64_t programs = builds_of(&plan);
  fake_opencl_set("DRIVER", "99.1");
  /* A driver that changes while the facts that are kept stay is told once, then looked at anew. */
  expect_failure(small_run(&plan, out), OR_UNAVAILABLE, "run");
  expect_nothing_left();
  assert_int_equal(builds_of(&plan), programs);
  assert_int_equal(builds_of(&plan), 0);
  remove_files(folder);
  assert_int_equal(rmdir(folder), 0);
}

int main(int argc, char **argv) {
  if (argc > 1) cmocka_set_test_filter(argv[1]);
  if (!fake_opencl_open()) return 1;
  (void)snprintf(cache, sizeof cache, "/tmp/openruntime_opencl_XXXXXX");
  (void)snprintf(gpu_cache, sizeof gpu_cache, "/tmp/openruntime_opencl_XXXXXX");
  if (mkdtemp(cache) == NULL || mkdtemp(gpu_cache) == NULL) return 1;
#define TEST(name) cmocka_unit_test_setup(name, begin)
  const struct CMUnitTest tests[] = {
      TEST(programs_are_built_once_whatever_befalls_the_files),
      TEST(programs_of_another_driver_are_built_anew),
      TEST(a_build_that_is_refused_says_what_the_compiler_said),
      TEST(memory_that_is_out_is_told_as_such),
      TEST(a_platform_without_devices_is_no_error),
      TEST(a_lost_device_is_shown_as_lost_and_others_go_on),
      TEST(a_call_that_fails_costs_that_run_alone),
      TEST(a_call_that_fails_on_a_device_with_memory_of_its_own_costs_that_run_alone),
      TEST(a_device_that_is_lost_at_any_call_costs_that_run_alone),
      TEST(a_device_with_memory_of_its_own_that_is_lost_at_any_call_costs_that_run_alone),
  };
  int failed = there_is_a_device() ? cmocka_run_group_tests(tests, NULL, NULL) : 0;
  remove_files(cache);
  remove_files(gpu_cache);
  (void)rmdir(cache);
  (void)rmdir(gpu_cache);
  return failed;
}
