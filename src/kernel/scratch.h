#ifndef OR_KERNEL_SCRATCH_H
#define OR_KERNEL_SCRATCH_H
/* Folders that workers write to. What lies in them may be anything, so that removing it may take long: `end`, or NULL,
 * ends that early. */

#include "base/cancel.h"

/* A new folder for temporary files, of this user alone. It is taken as long as the descriptor *taken is open.
 * RESOURCE_EXHAUSTED (no room, too), UNAVAILABLE. */
or_status_t or_scratch_create(char *path, size_t capacity, int *taken);
/* Removes such folders that nobody has taken any more: of programs that were killed. */
void or_scratch_sweep(const or_cancel_t *end);
/* Removes a folder and what is in it, however deep; links are removed, never followed, also where somebody swaps them
 * in meanwhile. What can't be removed stays. */
void or_scratch_remove(const char *path, const or_cancel_t *end);
/* The folder where a worker of this owner may keep what it compiled, made if it is not there: owners do not reach each
 * other's, nor what the runtime itself keeps. "" where `cache_directory` is "", and where the folder can't be made or
 * has no room. One that grew above OR_SCRATCH_CACHE_BYTES, or has folders or files without end, is put aside for
 * or_scratch_sweep_cache, and another takes its place. */
void or_scratch_cache(const char *cache_directory, const char *owner, char *path, size_t capacity);
#define OR_SCRATCH_CACHE_BYTES ((uint64_t)1 << 30)
/* Removes what was put aside. */
void or_scratch_sweep_cache(const char *cache_directory, const or_cancel_t *end);
/* Compilers end their process when they can't write. Is so much free where that folder is? True where the system does
 * not tell. */
bool or_scratch_has_room(const char *folder, uint64_t bytes);
#define OR_SCRATCH_FREE_BYTES ((uint64_t)16 << 20) /* what a worker needs at least */

#endif
