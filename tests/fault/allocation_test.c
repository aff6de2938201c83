/* Memory that is not there: the n-th allocation of ours fails, for every n, in load and run of the digits network; none
 * of ours bypasses the allocator; a run after the first allocates nothing of ours. */
#include <dlfcn.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "openruntime/openruntime.h"

#define MODEL "data/digits"
#define PICTURE "data/digits/samples/7-1.png"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

/* Portable kernels of our own only: vendor libraries abort when memory runs out. One thread: the n-th allocation is the
   same in every run. */
static or_runtime_options_t options_with(const or_allocator_t *allocator) {
  or_runtime_options_t options = or_runtime_options_default();
  options.allocator = allocator;
  options.vendor_libraries = false;
  options.threads = 1;
  return options;
}

/* The picture, read with the C library so that reading it is no allocation of ours. */
static size_t read_picture(char *bytes, size_t capacity) {
  FILE *file = fopen(PICTURE, "rb");
  assert_non_null(file);
  size_t length = fread(bytes, 1, capacity, file);
  assert_int_equal(fclose(file), 0);
  return length;
}

static or_status_t load_and_run_digits(const or_allocator_t *allocator, float probabilities[10]) {
  static char picture[65536];
  or_runtime_options_t options = options_with(allocator);
  or_runtime_t *runtime = NULL;
  or_model_t *model = NULL;
  or_session_t *session = NULL;
  or_binding_t input = {.tensor = NULL}, output = {.tensor = NULL};
  size_t length = read_picture(picture, sizeof picture);
  or_status_t status = or_runtime_create(&options, &runtime);
  if (or_ok(status)) status = or_model_load(runtime, MODEL, NULL, &model);
  if (or_ok(status)) status = or_session_create(model, NULL, &session);
  if (or_ok(status)) status = or_model_read_image(model, 0, picture, length, &input.tensor);
  if (or_ok(status)) status = or_session_run(session, &input, 1, &output, 1);
  if (or_ok(status)) status = or_tensor_read(output.tensor, probabilities, 10 * sizeof(float));
  or_tensor_release(output.tensor);
  or_tensor_release(input.tensor);
  or_session_release(session);
  or_model_release(model);
  or_runtime_release(runtime);
  return status;
}

static void gives_back_every_byte_when_the_nth_allocation_fails(void **state) {
  (void)state;
  for (size_t n = 1;; ++n) {
    float probabilities[10] = {0};
    or_counting_allocator_t counting;
    or_counting_allocator_init(&counting, or_allocator_system(), n);
    or_status_t status = load_and_run_digits(&counting.base, probabilities);
    assert_int_equal(atomic_load(&counting.live_bytes), 0);
    assert_int_equal(atomic_load(&counting.live_blocks), 0);
    if (or_ok(status)) { /* the run that never reached n proves that every n was tried */
      if (atomic_load(&counting.triggered)) print_message("allocation %zu failed and nobody said so\n", n);
      assert_false(atomic_load(&counting.triggered));
      assert_true(probabilities[7] > 0.5f);
      print_message("every one of %zu allocations was made to fail\n", n - 1);
      assert_true(n > 50);
      break;
    }
    assert_true(atomic_load(&counting.triggered));
    assert_int_equal(or_status_code(status), OR_RESOURCE_EXHAUSTED);
    or_status_ignore(status); /* the expected failure */
    assert_int_equal(or_status_live_count(), 0);
  }
}

static void allocates_nothing_of_ours_after_the_first_run_of_a_shape(void **state) {
  (void)state;
  or_counting_allocator_t counting;
  or_counting_allocator_init(&counting, or_allocator_system(), 0);
  or_runtime_options_t options = or_runtime_options_default();
  options.allocator = &counting.base;
  or_runtime_t *runtime = NULL;
  or_model_t *model = NULL;
  or_session_t *session = NULL;
  or_device_t *device = NULL;
  or_binding_t input = {.tensor = NULL}, output = {.tensor = NULL};
  assert_true(or_ok(or_runtime_create(&options, &runtime)));
  assert_true(or_ok(or_runtime_find_device(runtime, "cpu", &device)));
  assert_true(or_ok(or_model_load(runtime, MODEL, NULL, &model)));
  assert_true(or_ok(or_session_create(model, NULL, &session)));
  assert_true(or_ok(or_tensor_create(device, OR_FLOAT32, or_shape_make(4, (int64_t[]){1, 1, 28, 28}), &input.tensor)));
  memset(or_buffer_host_pointer(or_tensor_buffer(input.tensor)), 0, or_tensor_bytes(input.tensor));
  for (int i = 0; i < 2; ++i)
    assert_true(or_ok(or_session_run(session, &input, 1, &output, 1))); /* the second writes into the first's output */
  size_t before = atomic_load(&counting.alloc_count);
  for (int i = 0; i < 100; ++i) assert_true(or_ok(or_session_run(session, &input, 1, &output, 1)));
  assert_int_equal(atomic_load(&counting.alloc_count), before);
  or_tensor_release(output.tensor);
  or_tensor_release(input.tensor);
  or_session_release(session);
  or_model_release(model);
  or_runtime_release(runtime);
  assert_int_equal(atomic_load(&counting.live_bytes), 0);
}

/* Memory that is not malloc's, so that every malloc during the run is someone's own. Bump only: the test is short. */
static _Alignas(64) char region[(size_t)256 << 20];
static atomic_size_t region_used;

static void *region_alloc(void *self, size_t bytes, size_t alignment) {
  (void)self;
  size_t rounded = (bytes + 63) & ~(size_t)63;
  if (alignment > 64) return NULL;
  size_t at = atomic_fetch_add(&region_used, rounded);
  return at + rounded <= sizeof region ? region + at : NULL;
}
static void region_release(void *self, void *memory) { (void)self, (void)memory; }

#define MAX_CALLERS 4096
static atomic_bool watching;
static atomic_size_t caller_count;
static void *callers[MAX_CALLERS];

#if !SANITIZED && defined(__GLIBC__)
/* Calls from any object come here first, for the program's symbols are looked up before the C library's. */
void *__libc_malloc(size_t bytes);
void *__libc_calloc(size_t count, size_t bytes);
void *__libc_realloc(void *memory, size_t bytes);

static void note_caller(void *caller) {
  if (!atomic_load_explicit(&watching, memory_order_relaxed)) return;
  size_t index = atomic_fetch_add(&caller_count, 1);
  if (index < MAX_CALLERS) callers[index] = caller;
}
__attribute__((noinline)) void *malloc(size_t bytes) {
  note_caller(__builtin_return_address(0));
  return __libc_malloc(bytes);
}
__attribute__((noinline)) void *calloc(size_t count, size_t bytes) {
  note_caller(__builtin_return_address(0));
  return __libc_calloc(count, bytes);
}
__attribute__((noinline)) void *realloc(void *memory, size_t bytes) {
  note_caller(__builtin_return_address(0));
  return __libc_realloc(memory, bytes);
}
#endif

static void takes_no_memory_past_the_allocator(void **state) {
  (void)state;
#if SANITIZED || !defined(__GLIBC__)
  print_message("skipped: malloc can't be interposed under a sanitizer or without glibc\n");
  skip();
#else
  const or_allocator_t allocator = {NULL, region_alloc, region_release};
  float probabilities[10] = {0};
  Dl_info self;
  size_t ours = 0, total;
  assert_int_not_equal(dladdr((void *)(uintptr_t)&load_and_run_digits, &self), 0);
  atomic_store(&watching, true);
  void *volatile probe = malloc(16); /* proves that the watch sees a call of this program's */
  or_status_t status = load_and_run_digits(&allocator, probabilities);
  atomic_store(&watching, false);
  free(probe);
  assert_true(or_ok(status));
  total = atomic_load(&caller_count);
  assert_true(total >= 1 && total <= MAX_CALLERS);
  for (size_t i = 0; i < total; ++i) {
    Dl_info info;
    if (dladdr(callers[i], &info) == 0 || info.dli_fbase != self.dli_fbase) continue;
    ++ours;
    if (ours > 1)
      print_message("malloc called by %s\n", info.dli_sname != NULL ? info.dli_sname : "a static function of ours");
  }
  print_message("%zu calls of malloc by libraries, %zu by this program (1 is the probe)\n", total - ours, ours);
  assert_int_equal(ours, 1);
#endif
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(gives_back_every_byte_when_the_nth_allocation_fails),
      cmocka_unit_test(allocates_nothing_of_ours_after_the_first_run_of_a_shape),
      cmocka_unit_test(takes_no_memory_past_the_allocator),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
