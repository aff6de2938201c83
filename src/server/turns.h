#ifndef OR_SERVER_TURNS_H
#define OR_SERVER_TURNS_H
/* Work that is handed to threads one piece of an owner at a time, so that whoever has much of it, or waits for himself,
 * keeps one thread and not those of the others. Every function from any thread. */

#include "server/workers.h"

typedef struct or_turns_t or_turns_t;

#define OR_TURNS_OWNER_BYTES 64u

/* `own`, `all`: pieces that wait at most, of one owner and in all. Borrows the workers, which have no other work and a
 * longer queue. RESOURCE_EXHAUSTED. *out is the caller's. */
or_status_t or_turns_create(or_workers_t *workers, const or_allocator_t *allocator, unsigned own, unsigned all,
                            or_turns_t **out);
/* As or_workers_submit, in that owner's order. UNAVAILABLE: too many wait; or it was stopped. RESOURCE_EXHAUSTED. */
or_status_t or_turns_submit(or_turns_t *turns, const char *owner, or_work_t work, void *self);
void or_turns_free(or_turns_t *turns); /* after the workers were stopped; takes NULL */

#endif
