#include "base/cancel.h"

#include "base/clock.h"

void or_cancel_init(or_cancel_t *cancel, int64_t deadline_ns) { or_cancel_init_within(cancel, deadline_ns, NULL); }

void or_cancel_init_within(or_cancel_t *cancel, int64_t deadline_ns, const or_cancel_t *outer) {
  atomic_init(&cancel->requested, false);
  atomic_init(&cancel->deadline_ns, deadline_ns);
  cancel->outer = outer;
}

void or_cancel_request(or_cancel_t *cancel) { atomic_store_explicit(&cancel->requested, true, memory_order_release); }

static bool is_asked(const or_cancel_t *cancel) {
  return atomic_load_explicit(&cancel->requested, memory_order_acquire);
}

static bool is_late(const or_cancel_t *cancel) {
  int64_t deadline_ns = atomic_load_explicit(&cancel->deadline_ns, memory_order_relaxed);
  return deadline_ns != INT64_MAX && or_clock_ns() >= deadline_ns;
}

bool or_cancel_requested(const or_cancel_t *cancel) {
  for (; cancel != NULL; cancel = cancel->outer) {
    if (is_asked(cancel) || is_late(cancel)) return true;
  }
  return false;
}

or_status_t or_cancel_status(const or_cancel_t *cancel) {
  bool late = false;
  for (; cancel != NULL; cancel = cancel->outer) {
    if (is_asked(cancel)) return or_error(OR_CANCELLED, "cancelled by the caller");
    late = late || is_late(cancel);
  }
  if (!late) return or_status_success();
  return or_error(OR_DEADLINE_EXCEEDED, "the deadline passed before the work was done");
}
