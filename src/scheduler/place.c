/* Devices and their hardware: what may run where, how long it would take, what is free. */
#include <string.h>

#include "base/string.h"
#include "scheduler/scheduler_internal.h"

#define UNITS_PER_S 1e9 /* until a device was seen at work of a kind */
#define SMOOTHING 0.25  /* weight of the newest */

/* Isolated work has its memory in its own process, whose bounds are looked after there. */
static hardware_t *hardware_of(or_scheduler_t *scheduler, const or_device_t *device, bool isolated) {
  const or_device_facts_t *facts = or_device_facts(device);
  for (size_t i = 0; i < scheduler->hardware_count; ++i) {
    hardware_t *known = &scheduler->hardware[i];
    if (known->isolated == isolated && strcmp(known->id, facts->hardware_id) == 0) return known;
  }
  hardware_t *hardware = &scheduler->hardware[scheduler->hardware_count++];
  *hardware = (hardware_t){.scheduler = scheduler,
                           .id = facts->hardware_id,
                           .isolated = isolated,
                           .concurrency = isolated ? OR_SCHEDULER_ISOLATED : OR_SCHEDULER_CONCURRENCY,
                           .memory_limit = isolated ? UINT64_MAX : facts->memory_total_bytes};
  or_cond_init(&hardware->wake);
  return hardware;
}

or_status_t or_places_open(or_scheduler_t *scheduler) {
  const size_t count = or_runtime_device_count(scheduler->runtime);
  if (count > OR_SCHEDULER_MAX_DEVICES)
    return or_error(OR_OUT_OF_RANGE, "%zu devices; at most %u are scheduled", count, OR_SCHEDULER_MAX_DEVICES);
  const size_t place_count = scheduler->options.kernels != NULL ? 2 * count : count;
  for (size_t i = 0; i < place_count; ++i) {
    place_t *place = &scheduler->places[scheduler->place_count++];
    place->device = or_runtime_device(scheduler->runtime, i < count ? i : i - count);
    place->hardware = hardware_of(scheduler, place->device, i >= count);
    place->is_available = true;
  }
  return or_status_success();
}

place_t *or_place_of(or_scheduler_t *scheduler, const or_device_t *device) {
  for (size_t i = 0; i < scheduler->place_count; ++i) {
    if (scheduler->places[i].device == device) return &scheduler->places[i];
  }
  return NULL;
}

bool or_place_usable(const place_t *place) {
  return place->is_available && !place->stuck && or_device_state(place->device, NULL) == OR_DEVICE_AVAILABLE;
}

static bool is_meant(const or_task_t *task, const place_t *place) {
  const char *preference = or_task_device_preference(task);
  const or_device_facts_t *facts = or_device_facts(place->device);
  return strcmp(preference, facts->id) == 0 || strcmp(preference, facts->type) == 0;
}

/* The first device of each hardware is its fastest: `auto` considers only those. */
static bool is_first_of_hardware(const or_scheduler_t *scheduler, const place_t *place) {
  for (const place_t *other = scheduler->places; other != place; ++other) {
    if (other->hardware == place->hardware && or_place_usable(other)) return false;
  }
  return true;
}

/* Whether the place is of the job's kind, and the job is not another device's. */
static bool is_of(const or_job_t *job, const place_t *place) {
  if (place->hardware->isolated != job->estimate.isolated) return false;
  return job->only_device[0] == '\0' || strcmp(or_device_facts(place->device)->id, job->only_device) == 0;
}

bool or_place_allows(or_scheduler_t *scheduler, const or_job_t *job, const place_t *place, bool *preferred) {
  const bool automatic = strcmp(or_task_device_preference(job->task), "auto") == 0;
  *preferred = automatic || is_meant(job->task, place);
  if (!is_of(job, place) || !or_place_usable(place)) return false;
  if (job->only_device[0] != '\0') return *preferred || !or_task_strict_device(job->task);
  if (automatic) return is_first_of_hardware(scheduler, place);
  if (*preferred) return true;
  if (or_task_strict_device(job->task)) return false;
  for (size_t i = 0; i < scheduler->place_count; ++i) { /* elsewhere only where it can't be had */
    if (is_meant(job->task, &scheduler->places[i]) && or_place_usable(&scheduler->places[i])) return false;
  }
  return is_first_of_hardware(scheduler, place);
}

bool or_place_in_vain(const or_scheduler_t *scheduler, const or_job_t *job) {
  const bool anywhere = strcmp(or_task_device_preference(job->task), "auto") == 0 || !or_task_strict_device(job->task);
  bool any = false;
  for (size_t i = 0; i < scheduler->place_count; ++i) {
    const place_t *place = &scheduler->places[i];
    if (!is_of(job, place) || (!anywhere && !is_meant(job->task, place))) continue;
    if (or_device_state(place->device, NULL) == OR_DEVICE_AVAILABLE) return false;
    any = true;
  }
  return any;
}

const char *or_place_what_became(const or_scheduler_t *scheduler, const or_job_t *job, char *text, size_t capacity) {
  const char *preference = or_task_device_preference(job->task), *reason = "";
  const bool automatic = strcmp(preference, "auto") == 0;
  for (size_t i = 0; i < scheduler->place_count; ++i) {
    const place_t *place = &scheduler->places[i];
    if (!automatic && !is_meant(job->task, place)) continue;
    const char *id = or_device_facts(place->device)->id;
    if (job->only_device[0] != '\0' && strcmp(id, job->only_device) != 0)
      return or_format(text, capacity, "the kernel was compiled for \"%s\"", job->only_device);
    switch (or_device_state(place->device, &reason)) {
    case OR_DEVICE_STATE_LOST: return or_format(text, capacity, "device \"%s\" was lost: %s", id, reason);
    case OR_DEVICE_UNAVAILABLE: return or_format(text, capacity, "device \"%s\" can't be opened: %s", id, reason);
    case OR_DEVICE_AVAILABLE: break;
    }
  }
  return or_format(text, capacity, "device \"%s\" can't be had now", preference);
}

static double *rate_of(place_t *place, const or_task_t *task, bool add) {
  const char *operation = or_task_operation(task), *type = or_task_type(task);
  for (size_t i = 0; i < place->rate_count; ++i) {
    if (strcmp(place->rates[i].operation, operation) == 0 && strcmp(place->rates[i].type, type) == 0)
      return &place->rates[i].units_per_s;
  }
  if (!add || place->rate_count == OR_SCHEDULER_RATES) return NULL;
  (void)or_format(place->rates[place->rate_count].operation, OR_SCHEDULER_KIND_BYTES, "%s", operation);
  (void)or_format(place->rates[place->rate_count].type, OR_SCHEDULER_KIND_BYTES, "%s", type);
  return &place->rates[place->rate_count++].units_per_s;
}

double or_place_seconds(const place_t *place, const or_task_t *task, const or_task_estimate_t *estimate) {
  if (estimate->seconds > 0) return estimate->seconds;
  const double *rate = rate_of((place_t *)place, task, false);
  return estimate->units / (rate != NULL ? *rate : UNITS_PER_S);
}

double or_place_least_seconds(or_scheduler_t *scheduler, const or_job_t *job) {
  double least_s = -1;
  for (size_t i = 0; i < scheduler->place_count; ++i) {
    const place_t *place = &scheduler->places[i];
    bool preferred;
    if (!or_place_allows(scheduler, job, place, &preferred)) continue;
    const double seconds = or_place_seconds(place, job->task, &job->estimate);
    if (least_s < 0 || seconds < least_s) least_s = seconds;
  }
  return least_s > 0 ? least_s : 0;
}

void or_place_learn(place_t *place, const or_task_t *task, const or_task_estimate_t *estimate, double seconds) {
  if (estimate->seconds > 0 || estimate->units <= 0 || seconds <= 0) return;
  double *rate = rate_of(place, task, true);
  if (rate == NULL) return;
  const double seen = estimate->units / seconds;
  *rate = *rate == 0 ? seen : *rate + SMOOTHING * (seen - *rate);
}

double or_place_backlog(or_scheduler_t *scheduler) {
  double running_s = 0, slots = 0;
  for (size_t i = 0; i < scheduler->hardware_count; ++i) {
    if (scheduler->hardware[i].isolated) continue; /* nobody knows how long a kernel takes */
    running_s += scheduler->hardware[i].running_s;
    slots += scheduler->hardware[i].concurrency;
  }
  return slots > 0 ? (scheduler->waiting_s + running_s) / slots : 0;
}

bool or_place_fits(const hardware_t *hardware, uint64_t bytes) {
  if (hardware->running == 0) return true; /* whether it fits at all was asked when it came */
  if (hardware->memory_limit == UINT64_MAX) return true;
  const uint64_t used = hardware->idle_used_bytes + hardware->reserved_bytes;
  return used <= hardware->memory_limit && bytes <= hardware->memory_limit - used;
}
