/* What the tests have asked for, and the counts: process-wide, under one mutex. */
#include <assert.h>
#include <string.h>

#include "base/thread.h"
#include "fake/fake_internal.h"

typedef struct call_state_t {
  uint64_t calls, fail_at; /* fail_at: the value of `calls` that fails; 0: none */
  or_status_code_t code;
  bool gate_closed;
  uint64_t at_gate;
} call_state_t;

static const char *const call_names[OR_FAKE_CALL_COUNT] = {
    "open", "alloc", "write", "read", "copy", "queue_open", "queue_finish", "compile", "run", "node",
};

static or_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static or_cond_t changed = PTHREAD_COND_INITIALIZER;
static struct {
  call_state_t calls[OR_FAKE_CALL_COUNT];
  uint32_t device_count;
  bool shared_hardware, fused, queue_optional, kernels;
  bool lost[OR_FAKE_MAX_DEVICES], unified[OR_FAKE_MAX_DEVICES];
  uint64_t capacity, live_bytes, live_objects;
  const char *const *supported;
  const char *wrong;
  float error;
} control = {.device_count = 1, .capacity = UINT64_MAX};

void or_fake_reset(void) {
  or_mutex_lock(&mutex);
  assert(control.live_bytes == 0 && control.live_objects == 0 && "the test before left something of the fake alive");
  memset(&control, 0, sizeof control);
  control.device_count = 1;
  control.capacity = UINT64_MAX;
  or_mutex_unlock(&mutex);
}

void or_fake_set_devices(uint32_t count, bool shared_hardware) {
  assert(count <= OR_FAKE_MAX_DEVICES);
  or_mutex_lock(&mutex);
  control.device_count = count;
  control.shared_hardware = shared_hardware;
  or_mutex_unlock(&mutex);
}

void or_fake_set_unified(uint32_t index) {
  assert(index < OR_FAKE_MAX_DEVICES);
  or_mutex_lock(&mutex);
  control.unified[index] = true;
  or_mutex_unlock(&mutex);
}

void or_fake_set_capacity(uint64_t bytes) {
  or_mutex_lock(&mutex);
  control.capacity = bytes;
  or_mutex_unlock(&mutex);
}

void or_fake_set_supported(const char *const *operators) {
  or_mutex_lock(&mutex);
  control.supported = operators;
  or_mutex_unlock(&mutex);
}

void or_fake_set_fused(bool supported) {
  or_mutex_lock(&mutex);
  control.fused = supported;
  or_mutex_unlock(&mutex);
}

void or_fake_set_queue_optional(bool optional) {
  or_mutex_lock(&mutex);
  control.queue_optional = optional;
  or_mutex_unlock(&mutex);
}

void or_fake_set_kernels(bool offered) {
  or_mutex_lock(&mutex);
  control.kernels = offered;
  or_mutex_unlock(&mutex);
}

void or_fake_set_wrong(const char *op, float error) {
  or_mutex_lock(&mutex);
  control.wrong = op;
  control.error = error;
  or_mutex_unlock(&mutex);
}

float fake_error_of(const char *op) {
  or_mutex_lock(&mutex);
  float error = control.wrong != NULL && strcmp(control.wrong, op) == 0 ? control.error : 0;
  or_mutex_unlock(&mutex);
  return error;
}

void or_fake_fail(or_fake_call_t call, uint64_t nth, or_status_code_t code) {
  or_mutex_lock(&mutex);
  control.calls[call].fail_at = control.calls[call].calls + nth;
  control.calls[call].code = code;
  or_mutex_unlock(&mutex);
}

void or_fake_close_gate(or_fake_call_t call) {
  or_mutex_lock(&mutex);
  control.calls[call].gate_closed = true;
  or_mutex_unlock(&mutex);
}

void or_fake_open_gate(or_fake_call_t call) {
  or_mutex_lock(&mutex);
  control.calls[call].gate_closed = false;
  or_cond_broadcast(&changed);
  or_mutex_unlock(&mutex);
}

void or_fake_wait_at_gate(or_fake_call_t call, uint64_t count) {
  or_mutex_lock(&mutex);
  while (control.calls[call].at_gate < count) or_cond_wait(&changed, &mutex);
  or_mutex_unlock(&mutex);
}

static uint64_t read_locked(const uint64_t *field) {
  or_mutex_lock(&mutex);
  uint64_t value = *field;
  or_mutex_unlock(&mutex);
  return value;
}

uint64_t or_fake_calls(or_fake_call_t call) { return read_locked(&control.calls[call].calls); }
uint64_t or_fake_live_bytes(void) { return read_locked(&control.live_bytes); }
uint64_t or_fake_live_objects(void) { return read_locked(&control.live_objects); }
uint64_t fake_capacity(void) { return read_locked(&control.capacity); }

or_status_t fake_arrive(const fake_device_t *device, or_fake_call_t call) {
  call_state_t *state = &control.calls[call];
  or_mutex_lock(&mutex);
  uint64_t number = ++state->calls;
  if (state->gate_closed) {
    ++state->at_gate;
    or_cond_broadcast(&changed);
    while (state->gate_closed) or_cond_wait(&changed, &mutex);
    --state->at_gate;
  }
  or_status_code_t code = number == state->fail_at ? state->code : OR_OK;
  if (code == OR_DEVICE_LOST) control.lost[device->index] = true;
  if (control.lost[device->index]) code = OR_DEVICE_LOST;
  or_mutex_unlock(&mutex);
  if (code == OR_OK) return or_status_success();
  return or_error(code, "the fake's %s number %llu was told to fail", call_names[call], (unsigned long long)number);
}

or_status_t fake_reserve(uint64_t bytes) {
  or_mutex_lock(&mutex);
  uint64_t used = control.live_bytes, capacity = control.capacity;
  bool fits = used <= capacity && bytes <= capacity - used;
  if (fits) control.live_bytes += bytes;
  or_mutex_unlock(&mutex);
  if (fits) return or_status_success();
  return or_error(OR_RESOURCE_EXHAUSTED, "asked %llu bytes with %llu used of the fake's %llu",
                  (unsigned long long)bytes, (unsigned long long)used, (unsigned long long)capacity);
}

void fake_unreserve(uint64_t bytes) {
  or_mutex_lock(&mutex);
  control.live_bytes -= bytes;
  or_mutex_unlock(&mutex);
}

void fake_object_made(void) {
  or_mutex_lock(&mutex);
  ++control.live_objects;
  or_mutex_unlock(&mutex);
}

void fake_object_gone(void) {
  or_mutex_lock(&mutex);
  --control.live_objects;
  or_mutex_unlock(&mutex);
}

uint32_t fake_device_count(bool *shared_hardware) {
  or_mutex_lock(&mutex);
  uint32_t count = control.device_count;
  *shared_hardware = control.shared_hardware;
  or_mutex_unlock(&mutex);
  return count;
}

bool fake_supports_operator(const char *op) {
  or_mutex_lock(&mutex);
  const char *const *list = control.supported;
  or_mutex_unlock(&mutex);
  bool found = list == NULL;
  for (; !found && *list != NULL; ++list) found = strcmp(*list, op) == 0;
  return found;
}

bool fake_is_unified(uint32_t index) {
  or_mutex_lock(&mutex);
  bool unified = control.unified[index];
  or_mutex_unlock(&mutex);
  return unified;
}

bool fake_supports_fused(void) {
  or_mutex_lock(&mutex);
  bool fused = control.fused;
  or_mutex_unlock(&mutex);
  return fused;
}

bool fake_queue_is_optional(void) {
  or_mutex_lock(&mutex);
  bool fused = control.queue_optional;
  or_mutex_unlock(&mutex);
  return fused;
}

bool fake_has_kernels(void) {
  or_mutex_lock(&mutex);
  const bool offered = control.kernels;
  or_mutex_unlock(&mutex);
  return offered;
}
