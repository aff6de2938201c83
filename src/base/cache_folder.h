#ifndef OR_BASE_CACHE_FOLDER_H
#define OR_BASE_CACHE_FOLDER_H
/* The folder of what can be made again: compiled kernels, measured choices, facts of devices. What lies in it is
 * believed and run, so it is its user's alone. */

#include "openruntime/status.h"

#define OR_CACHE_FOLDER_OFF "off" /* in place of a path: there is none */

/* The user's own: XDG_CACHE_HOME/openruntime, else HOME/.cache/openruntime (XDG Base Directory Specification 0.8;
 * values that are no absolute paths count as unset). `get` is getenv or its like. False: neither is set, or it is
 * longer than `capacity`. */
bool or_cache_folder_default(const char *(*get)(const char *name), char *path, size_t capacity);

/* Makes the folder, and those above it, for their owner alone (0700) where they are missing; `absolute` is its path
 * without links. PERMISSION_DENIED: it is another user's, or others may write to it, or this process may not;
 * FAILED_PRECONDITION: something else is there; RESOURCE_EXHAUSTED: no room; INVALID_ARGUMENT: too long. Any thread. */
or_status_t or_cache_folder_open(const char *path, char *absolute, size_t capacity);

#endif
