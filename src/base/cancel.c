#include "base/cancel.h"

#include "base/clock.h"

void or_cancel_init(or_cancel_t *cancel, int64_t deadline_ns) {
  atomic_init(&cancel->requested, false);
  atomic_init(&cancel->deadline_ns, deadline_ns);
}

void or_cancel_request(or_cancel_t *cancel) { atomic_store_explicit(&cancel->requested, true, memory_order_release); }

bool or_cancel_requested(const or_cancel_t *cancel) {
  if (cancel == NULL) return false;
  if (atomic_load_explicit(&cancel->requested, memory_order_acquire)) return true;
  int64_t deadline_ns = atomic_load_explicit(&cancel->deadline_ns, memory_order_relaxed);
  return deadline_ns != INT64_MAX && or_clock_ns() >= deadline_ns;
}

or_status_t or_cancel_status(const or_cancel_t *cancel) {
  if (!or_cancel_requested(cancel)) return or_status_success();
  if (atomic_load_explicit(&cancel->requested, memory_order_acquire))
    return or_error(OR_CANCELLED, "cancelled by the caller");
  return or_error(OR_DEADLINE_EXCEEDED, "the deadline passed before the work was done");
}
