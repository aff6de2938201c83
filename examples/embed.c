/* A program that embeds the library: its own allocator, its own log, an asynchronous run with a callback. */
#include <openruntime/openruntime.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

/* Counts what the library holds; the library calls it from several threads. */
static atomic_long live_blocks;

static void *counted_alloc(void *self, size_t bytes, size_t alignment) {
  (void)self;
  void *memory = aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
  if (memory != NULL) atomic_fetch_add(&live_blocks, 1);
  return memory;
}

static void counted_release(void *self, void *memory) {
  (void)self;
  if (memory != NULL) atomic_fetch_sub(&live_blocks, 1);
  free(memory);
}

static void log_line(void *self, or_log_level_t level, const char *line) {
  (void)level;
  (void)fprintf(self, "library: %s\n", line);
}

/* What the callback of a run leaves for main. */
typedef struct done_t {
  pthread_mutex_t mutex;
  pthread_cond_t condition;
  bool ended;
  or_status_t status;
} done_t;

static void run_ended(void *self, or_status_t status, or_binding_t *outputs, size_t output_count) {
  done_t *done = self;
  (void)outputs, (void)output_count;
  (void)pthread_mutex_lock(&done->mutex);
  done->status = status;
  done->ended = true;
  (void)pthread_cond_signal(&done->condition);
  (void)pthread_mutex_unlock(&done->mutex);
}

static or_status_t run_and_wait(or_session_t *session, or_tensor_t *input, or_tensor_t **output) {
  done_t done = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false, or_status_success()};
  or_binding_t in = {.tensor = input}, out = {.tensor = NULL};
  or_run_request_t request = {&in, 1, &out, 1, run_ended, &done};
  or_status_t status = or_session_run_async(session, &request, NULL);
  if (!or_ok(status)) return status;
  (void)pthread_mutex_lock(&done.mutex);
  while (!done.ended) (void)pthread_cond_wait(&done.condition, &done.mutex);
  (void)pthread_mutex_unlock(&done.mutex);
  *output = out.tensor;
  return done.status;
}

static or_status_t softmax(or_runtime_t *runtime, float sums[1]) {
  float logits[4] = {1, 2, 3, 4}, result[4] = {0};
  or_device_t *device = NULL;
  or_tensor_t *input = NULL, *output = NULL;
  or_session_t *session = NULL;
  or_owner_t nobody = {NULL, NULL}; /* `logits` outlives the tensor */
  or_status_t status = or_runtime_find_device(runtime, "cpu", &device);
  if (or_ok(status))
    status = or_tensor_wrap(runtime, OR_FLOAT32, or_shape_make(2, (int64_t[]){1, 4}), logits, nobody, &input);
  or_compute_call_t call = {.op = "Softmax", .inputs = &input, .input_count = 1, .output_count = 1};
  if (or_ok(status)) status = or_compute_session(device, &call, &session);
  if (or_ok(status)) status = run_and_wait(session, input, &output);
  if (or_ok(status)) status = or_tensor_read(output, result, sizeof result);
  for (int i = 0; i < 4; ++i) sums[0] += result[i];
  or_tensor_release(output);
  or_tensor_release(input);
  or_session_release(session);
  return status;
}

int main(void) {
  const or_allocator_t allocator = {NULL, counted_alloc, counted_release};
  or_runtime_options_t options = or_runtime_options_default();
  or_runtime_t *runtime = NULL;
  float sums[1] = {0};
  options.allocator = &allocator;
  options.threads = 1;
  or_log_set_sink(log_line, stderr);
  or_log_set_level(OR_LOG_WARNING);
  or_status_t status = or_runtime_create(&options, &runtime);
  if (or_ok(status)) status = softmax(runtime, sums);
  or_runtime_release(runtime);
  if (!or_ok(status)) {
    (void)fprintf(stderr, "embed: %s\n", or_status_message(status));
    or_status_ignore(status); /* printed */
    return 1;
  }
  (void)printf("the probabilities sum to %.6f; blocks not given back: %ld\n", (double)sums[0],
               atomic_load(&live_blocks));
  return atomic_load(&live_blocks) == 0 && sums[0] > 0.999999f && sums[0] < 1.000001f ? 0 : 1;
}
