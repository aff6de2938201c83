#ifndef OR_SERVER_PROFILES_H
#define OR_SERVER_PROFILES_H
/* Profiles: what tasks, devices and threads did for a while, kept until newer ones need the room. Every function from
 * any thread. */

#include "base/json.h"
#include "runtime/runtime.h"
#include "scheduler/scheduler.h"

#define OR_PROFILES_KEPT 4u /* finished ones; each of at most OR_TRACE_MAX_EVENTS events */
#define OR_PROFILE_MAX_S 3600
#define OR_PROFILE_ID_BYTES OR_TASK_ID_BYTES

typedef struct or_profiles_t or_profiles_t;

/* `runtime` and `scheduler` outlive it. */
or_status_t or_profiles_create(or_runtime_t *runtime, or_scheduler_t *scheduler, or_profiles_t **out);
void or_profiles_free(or_profiles_t *profiles); /* takes NULL */

/* Records from now on, for `duration_s`. Of finished ones beyond OR_PROFILES_KEPT the oldest goes, the owner's own
 * before another's. FAILED_PRECONDITION: one is being recorded; *left_s: for how long yet. RESOURCE_EXHAUSTED. */
or_status_t or_profiles_start(or_profiles_t *profiles, const char *owner, double duration_s,
                              char id[OR_PROFILE_ID_BYTES], double *left_s);
/* Ends the recording if its time is over at `now_ns` (or_clock_ns). Call it now and then. */
void or_profiles_tick(or_profiles_t *profiles, int64_t now_ns);

/* A finished profile as a trace, into `text`. `owner` NULL: anyone's, with all names. NOT_FOUND; UNAVAILABLE: it is
 * being recorded, *left_s; RESOURCE_EXHAUSTED. Takes long. */
or_status_t or_profiles_write(or_profiles_t *profiles, const char *id, const char *owner, or_text_t *text,
                              double *left_s);

#endif
