#ifndef OR_HAL_LATCH_H
#define OR_HAL_LATCH_H
/* One thread waits for one end that another declares; in place, so that a wait allocates nothing. The waiter looks for
 * a bound before it sleeps, by turns with giving its core away, unless that was in vain not long ago or very many wait.
 * Nobody is woken who is not asleep. */

#include "base/thread.h"

typedef struct or_latch_t {
  atomic_uint state; /* closed, closed and its waiter asleep, open */
  or_mutex_t mutex;  /* `woken` */
  or_cond_t cond;
  bool woken;    /* the opener is through with a sleeper's latch */
  uint32_t vain; /* the waiter's: waits that won't look first */
} or_latch_t;
void or_latch_init(or_latch_t *latch);
void or_latch_deinit(or_latch_t *latch);
void or_latch_close(or_latch_t *latch); /* again; neither waited for nor about to be opened */
/* Once after it was closed, from any thread. What was written before is seen by the waiter, which may deinit or close
 * the latch as soon as it returns, even before this does. */
void or_latch_open(or_latch_t *latch);
void or_latch_wait(or_latch_t *latch); /* one thread */

#endif
