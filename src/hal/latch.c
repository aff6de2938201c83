#include "hal/latch.h"

#include "hal/spin_internal.h"

#define LOOK_NS 50000      /* a few sleeps: a run of a small network */
#define LOOKERS_PER_CORE 8 /* they give the core to each other, which is cheaper than to be woken */
#define VAIN_LOOK_COST 15  /* waits that don't look after one that looked in vain */

enum { CLOSED, SLEEPER, OPEN };

/* Threads in or_latch_wait, of the process. */
static atomic_uint waiting;

void or_latch_init(or_latch_t *latch) {
  or_mutex_init(&latch->mutex);
  or_cond_init(&latch->cond);
  latch->vain = 0;
  or_latch_close(latch);
}

void or_latch_deinit(or_latch_t *latch) {
  or_cond_deinit(&latch->cond);
  or_mutex_deinit(&latch->mutex);
}

void or_latch_close(or_latch_t *latch) {
  latch->woken = false;
  atomic_store_explicit(&latch->state, CLOSED, memory_order_relaxed);
}

/* A latch without a sleeper is not touched after the exchange; one with a sleeper, who waits for `woken`, not after the
 * mutex is given back. */
void or_latch_open(or_latch_t *latch) {
  if (atomic_exchange_explicit(&latch->state, OPEN, memory_order_acq_rel) != SLEEPER) return;
  or_mutex_lock(&latch->mutex);
  latch->woken = true;
  or_cond_signal(&latch->cond);
  or_mutex_unlock(&latch->mutex);
}

static void sleep_on(or_latch_t *latch) {
  unsigned closed = CLOSED;
  if (!atomic_compare_exchange_strong_explicit(&latch->state, &closed, SLEEPER, memory_order_acq_rel,
                                               memory_order_acquire))
    return;
  or_mutex_lock(&latch->mutex);
  while (!latch->woken) or_cond_wait(&latch->cond, &latch->mutex);
  or_mutex_unlock(&latch->mutex);
}

void or_latch_wait(or_latch_t *latch) {
  unsigned before = atomic_fetch_add_explicit(&waiting, 1, memory_order_relaxed);
  bool open = false;
  if (latch->vain > 0) {
    --latch->vain;
  } else if (before < LOOKERS_PER_CORE * or_thread_cores()) {
    open = or_spin_while_equal(&latch->state, CLOSED, LOOK_NS);
    if (!open) latch->vain = VAIN_LOOK_COST;
  }
  if (!open) sleep_on(latch);
  atomic_fetch_sub_explicit(&waiting, 1, memory_order_relaxed);
}
