#ifndef OR_HAL_SPIN_INTERNAL_H
#define OR_HAL_SPIN_INTERNAL_H
/* How long a thread looks before it sleeps: a wake-up costs the sleeper and the waker several microseconds, so a
 * short look pays wherever the other side answers within about that time. */

#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/clock.h"
#include "base/thread.h"

#define OR_SPIN_NS 20000  /* of a waiter for an event or a submission */
#define OR_SPIN_PAUSES 32 /* between two looks at the clock */

static inline void or_spin_pause(void) {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

/* Looks until *word differs from `old`, at most for `bound_ns`. True if it differs. By turns with giving the core away:
 * the thread that is waited for may have been put on this very one. On a process's only core it must have been, and
 * looking would keep it from answering. */
static inline bool or_spin_while_equal(const atomic_uint *word, unsigned old, int64_t bound_ns) {
  int64_t end_ns = 0;
  if (or_thread_cores() == 1) return atomic_load_explicit(word, memory_order_acquire) != old;
  for (unsigned look = 0;; ++look) {
    if (atomic_load_explicit(word, memory_order_acquire) != old) return true;
    or_spin_pause();
    if (look % OR_SPIN_PAUSES != 0) continue;
    (void)sched_yield();
    int64_t now_ns = or_clock_ns();
    if (end_ns == 0) end_ns = now_ns + bound_ns;
    if (now_ns >= end_ns) return false;
  }
}

#endif
