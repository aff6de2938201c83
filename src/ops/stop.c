#include "ops/stop.h"

static void grant(or_stop_t *stop) {
  stop->granted = stop->budget != NULL && *stop->budget < OR_STOP_WORK ? *stop->budget : OR_STOP_WORK;
  if (stop->granted == 0) stop->granted = 1; /* the first that is done is looked at */
  stop->left = stop->granted;
}

or_stop_t or_stop_make(const or_cancel_t *cancel, uint64_t *budget) {
  or_stop_t stop = {.cancel = cancel, .budget = budget};
  grant(&stop);
  return stop;
}

bool or_stop_look(or_stop_t *stop, uint64_t work) {
  if (!or_ok(stop->status)) return true;
  const uint64_t done = stop->granted - stop->left, spent = work < UINT64_MAX - done ? done + work : UINT64_MAX;
  stop->status = or_cancel_status(stop->cancel);
  if (stop->budget != NULL && or_ok(stop->status)) {
    if (spent >= *stop->budget) {
      stop->status = or_error(OR_RESOURCE_EXHAUSTED, "it takes more work than the %llu that are left for it",
                              (unsigned long long)*stop->budget);
    }
    *stop->budget -= spent < *stop->budget ? spent : *stop->budget;
  }
  grant(stop);
  if (or_ok(stop->status)) return false;
  stop->left = 0;
  return true;
}

or_status_t or_stop_end(or_stop_t *stop, or_status_t status) {
  if (or_ok(stop->status)) {
    const uint64_t done = stop->granted - stop->left;
    if (stop->budget != NULL) *stop->budget -= done < *stop->budget ? done : *stop->budget;
    return status;
  }
  or_status_ignore(status); /* of work that was left */
  or_status_t stopped = stop->status;
  stop->status = or_status_success();
  return stopped;
}
