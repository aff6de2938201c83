#include "server/profiles.h"

#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/string.h"
#include "runtime/trace_json.h"

/* Counted, since one may be written while it goes. */
typedef struct profile_t {
  or_ref_t ref;
  char id[OR_PROFILE_ID_BYTES], owner[OR_TASK_OWNER_BYTES];
  or_trace_recording_t *recording;
} profile_t;

/* All below the mutex is under it. */
struct or_profiles_t {
  const or_allocator_t *allocator;
  or_runtime_t *runtime;
  or_scheduler_t *scheduler;
  or_mutex_t mutex;
  profile_t *running; /* its recording is the trace's until it ends */
  int64_t end_ns;
  profile_t *kept[OR_PROFILES_KEPT]; /* the oldest first */
  size_t count;
};

static void release(or_profiles_t *profiles, profile_t *profile) {
  if (profile == NULL || !or_ref_release(&profile->ref)) return;
  or_trace_recording_free(profile->recording);
  or_free(profiles->allocator, profile);
}

or_status_t or_profiles_create(or_runtime_t *runtime, or_scheduler_t *scheduler, or_profiles_t **out) {
  void *memory = NULL;
  const or_allocator_t *allocator = or_runtime_allocator(runtime);
  *out = NULL;
  or_status_t status = or_alloc_zeroed(allocator, sizeof(or_profiles_t), &memory);
  if (!or_ok(status)) return status;
  *out = memory;
  **out = (or_profiles_t){.allocator = allocator, .runtime = runtime, .scheduler = scheduler};
  or_mutex_init(&(*out)->mutex);
  return status;
}

void or_profiles_free(or_profiles_t *profiles) {
  if (profiles == NULL) return;
  if (profiles->running != NULL) or_trace_recording_free(or_trace_stop(or_runtime_trace(profiles->runtime)));
  release(profiles, profiles->running);
  for (size_t i = 0; i < profiles->count; ++i) release(profiles, profiles->kept[i]);
  or_mutex_deinit(&profiles->mutex);
  or_free(profiles->allocator, profiles);
}

/* Takes the oldest one out, the owner's before another's. */
static profile_t *make_room_locked(or_profiles_t *profiles, const char *owner) {
  size_t at = 0;
  if (profiles->count < OR_PROFILES_KEPT) return NULL;
  for (size_t i = profiles->count; i-- > 0;) {
    if (strcmp(profiles->kept[i]->owner, owner) == 0) at = i;
  }
  profile_t *oldest = profiles->kept[at];
  --profiles->count;
  memmove(profiles->kept + at, profiles->kept + at + 1, (profiles->count - at) * sizeof(profile_t *));
  return oldest;
}

/* The recording that runs becomes a profile that is kept. Gives what had to go for it. Locks are taken in the order
 * profiles, scheduler, trace. */
static profile_t *end_locked(or_profiles_t *profiles) {
  profile_t *gone = make_room_locked(profiles, profiles->running->owner);
  or_scheduler_trace_active(profiles->scheduler);
  profiles->running->recording = or_trace_stop(or_runtime_trace(profiles->runtime));
  profiles->kept[profiles->count++] = profiles->running;
  profiles->running = NULL;
  return gone;
}

void or_profiles_tick(or_profiles_t *profiles, int64_t now_ns) {
  profile_t *gone = NULL;
  or_mutex_lock(&profiles->mutex);
  if (profiles->running != NULL && now_ns >= profiles->end_ns) gone = end_locked(profiles);
  or_mutex_unlock(&profiles->mutex);
  release(profiles, gone);
}

or_status_t or_profiles_start(or_profiles_t *profiles, const char *owner, double duration_s,
                              char id[OR_PROFILE_ID_BYTES], double *left_s) {
  void *memory = NULL;
  const int64_t now_ns = or_clock_ns(), end_ns = now_ns + (int64_t)(duration_s * 1e9);
  *left_s = 0;
  or_profiles_tick(profiles, now_ns);
  or_status_t status = or_alloc_zeroed(profiles->allocator, sizeof(profile_t), &memory);
  profile_t *profile = memory;
  if (or_ok(status)) status = or_task_id_make(profile->id);
  if (!or_ok(status)) {
    or_free(profiles->allocator, memory);
    return status;
  }
  or_ref_init(&profile->ref);
  or_format(profile->owner, sizeof profile->owner, "%s", owner);
  or_format(id, OR_PROFILE_ID_BYTES, "%s", profile->id);
  or_mutex_lock(&profiles->mutex);
  if (profiles->running != NULL) {
    *left_s = (double)(profiles->end_ns - now_ns) * 1e-9;
    status = or_error(OR_FAILED_PRECONDITION, "a profile is being recorded already, for %.1f s yet", *left_s);
  } else {
    status = or_trace_start(or_runtime_trace(profiles->runtime), end_ns, OR_TRACE_MAX_EVENTS);
  }
  if (or_ok(status)) {
    profiles->running = profile;
    profiles->end_ns = end_ns;
  }
  or_mutex_unlock(&profiles->mutex);
  if (!or_ok(status)) release(profiles, profile);
  return status;
}

static bool is_seen(const profile_t *profile, const char *id, const char *owner) {
  return strcmp(profile->id, id) == 0 && (owner == NULL || strcmp(profile->owner, owner) == 0);
}

or_status_t or_profiles_write(or_profiles_t *profiles, const char *id, const char *owner, or_text_t *text,
                              double *left_s) {
  profile_t *found = NULL;
  or_status_t status = or_error(OR_NOT_FOUND, "no profile \"%.64s\"", id);
  *left_s = 0;
  or_profiles_tick(profiles, or_clock_ns());
  or_mutex_lock(&profiles->mutex);
  for (size_t i = 0; i < profiles->count && found == NULL; ++i) {
    if (is_seen(profiles->kept[i], id, owner)) found = profiles->kept[i];
  }
  if (found != NULL) or_ref_retain(&found->ref);
  if (found == NULL && profiles->running != NULL && is_seen(profiles->running, id, owner)) {
    or_status_ignore(status); /* there is one */
    *left_s = (double)(profiles->end_ns - or_clock_ns()) * 1e-9;
    status = or_error(OR_UNAVAILABLE, "the profile is being recorded, for %.1f s yet", *left_s);
  }
  or_mutex_unlock(&profiles->mutex);
  if (found == NULL) return status;
  or_status_ignore(status); /* there is one */
  or_json_writer_t json;
  const or_trace_view_t view = {.recording = found->recording,
                                .id = found->id,
                                .all = owner == NULL,
                                .owner = or_trace_owner(owner != NULL ? owner : ""),
                                .runtime = profiles->runtime};
  or_json_begin(&json, text, 0);
  or_trace_write(&json, &view);
  release(profiles, found);
  return or_json_finish(&json);
}
