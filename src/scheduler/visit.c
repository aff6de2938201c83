/* Work on a device that is no task: it holds a place on the hardware as a task does. */
#include <assert.h>

#include "base/clock.h"
#include "scheduler/scheduler_internal.h"

static bool has_room(const hardware_t *hardware, bool alone) {
  return !hardware->exclusive && hardware->running < (alone ? 1 : hardware->concurrency);
}

/* With the lock held; waits. While it does, the hardware begins nothing new. */
static or_status_t wait_for_room(place_t *place, const or_visit_t *visit) {
  hardware_t *hardware = place->hardware;
  or_scheduler_t *scheduler = hardware->scheduler;
  const int64_t deadline_ns = or_clock_ns() + visit->wait_ns;
  bool in_time = true;
  for (;;) {
    if (scheduler->draining) return or_error(OR_UNAVAILABLE, "the server is draining");
    if (!or_place_usable(place))
      return or_error(OR_FAILED_PRECONDITION, "device \"%s\" can't be had now", or_device_facts(place->device)->id);
    if (has_room(hardware, visit->alone)) return or_status_success();
    if (!in_time)
      return or_error(OR_UNAVAILABLE, "device \"%s\" is busy: nothing more could begin there within %lld s",
                      or_device_facts(place->device)->id, (long long)(visit->wait_ns / 1000000000));
    in_time = or_cond_wait_until(&scheduler->quiet, &scheduler->mutex, deadline_ns);
  }
}

or_status_t or_scheduler_visit(or_scheduler_t *scheduler, or_visit_t *visit) {
  or_mutex_lock(&scheduler->mutex);
  place_t *place = or_place_of(scheduler, visit->device);
  assert(place != NULL && "a device of another runtime");
  hardware_t *hardware = place->hardware;
  ++hardware->wanted;
  or_status_t status = wait_for_room(place, visit);
  --hardware->wanted;
  if (or_ok(status)) {
    if (hardware->running == 0) hardware->idle_used_bytes = or_device_memory_usage(visit->device).used_bytes;
    ++hardware->running;
    hardware->exclusive = visit->alone;
    visit->previous = NULL;
    visit->next = scheduler->visits;
    if (visit->next != NULL) visit->next->previous = visit;
    scheduler->visits = visit;
  }
  or_hardware_wake(hardware); /* what waited behind it */
  or_mutex_unlock(&scheduler->mutex);
  return status;
}

void or_scheduler_leave(or_scheduler_t *scheduler, or_visit_t *visit) {
  or_mutex_lock(&scheduler->mutex);
  hardware_t *hardware = or_place_of(scheduler, visit->device)->hardware;
  if (or_device_state(visit->device, NULL) != OR_DEVICE_AVAILABLE) or_waiting_look_elsewhere(scheduler);
  --hardware->running;
  hardware->exclusive = false;
  if (visit->next != NULL) visit->next->previous = visit->previous;
  if (visit->previous != NULL) {
    visit->previous->next = visit->next;
  } else {
    scheduler->visits = visit->next;
  }
  or_hardware_wake(hardware);
  or_cond_broadcast(&scheduler->quiet);
  or_mutex_unlock(&scheduler->mutex);
}
