#include "base/thread.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#if defined(__linux__)
#include <sched.h>
#endif

#include "base/clock.h"
#include "base/string.h"

#define NAME_BYTES 16 /* with the terminator: the kernel's limit */

/* Lies on the starter's stack until the new thread has read it. */
typedef struct start_t {
  void (*main)(void *);
  void *argument;
  char name[NAME_BYTES];
  or_mutex_t mutex;
  or_cond_t cond;
  bool taken; /* under mutex */
} start_t;

static void *thread_main(void *opaque) {
  start_t *start = opaque;
  void (*function)(void *) = start->main;
  void *argument = start->argument;
#if defined(__APPLE__)
  (void)pthread_setname_np(start->name);
#else
  (void)pthread_setname_np(pthread_self(), start->name);
#endif
  or_mutex_lock(&start->mutex);
  start->taken = true;
  or_cond_signal(&start->cond);
  or_mutex_unlock(&start->mutex); /* `start` is gone from here on */
  function(argument);
  return NULL;
}

or_status_t or_thread_start(or_thread_t *thread, const char *name, void (*main)(void *), void *argument) {
  start_t start = {.main = main, .argument = argument};
  (void)or_format(start.name, sizeof start.name, "%s", name);
  or_mutex_init(&start.mutex);
  or_cond_init(&start.cond);

  sigset_t all, before;
  (void)sigfillset(&all);
  (void)pthread_sigmask(SIG_SETMASK, &all, &before);
  int error = pthread_create(&thread->handle, NULL, thread_main, &start);
  (void)pthread_sigmask(SIG_SETMASK, &before, NULL);

  thread->started = error == 0;
  if (thread->started) {
    or_mutex_lock(&start.mutex);
    while (!start.taken) or_cond_wait(&start.cond, &start.mutex);
    or_mutex_unlock(&start.mutex);
  }
  or_cond_deinit(&start.cond);
  or_mutex_deinit(&start.mutex);
  if (thread->started) return or_status_success();
  char words[128];
  return or_error(OR_RESOURCE_EXHAUSTED,
                  "thread \"%s\" can't be started: %s; see ulimit -u and the container's pids limit", name,
                  or_errno_text(error, words, sizeof words));
}

void or_thread_join(or_thread_t *thread) {
  if (!thread->started) return;
  (void)pthread_join(thread->handle, NULL);
  thread->started = false;
}

void or_thread_let_others_finish(void) {
#if defined(__linux__)
  const struct sched_param parameters = {.sched_priority = 0};
  (void)sched_setscheduler(0, SCHED_BATCH, &parameters); /* of this thread; a matter of speed alone */
#endif
}

unsigned or_thread_cores(void) {
  static atomic_uint known;
  unsigned cores = atomic_load_explicit(&known, memory_order_relaxed);
  if (cores > 0) return cores;
  long count = sysconf(_SC_NPROCESSORS_ONLN);
#if defined(__linux__)
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) count = CPU_COUNT(&set);
#endif
  cores = count > 0 ? (unsigned)count : 1;
  atomic_store_explicit(&known, cores, memory_order_relaxed);
  return cores;
}

/* These fail only when misused (a mutex that is not one, a lock not held). */
static void must(int error) {
  assert(error == 0);
  (void)error;
}

void or_mutex_init(or_mutex_t *mutex) { must(pthread_mutex_init(mutex, NULL)); }
void or_mutex_deinit(or_mutex_t *mutex) { must(pthread_mutex_destroy(mutex)); }
void or_mutex_lock(or_mutex_t *mutex) { must(pthread_mutex_lock(mutex)); }
void or_mutex_unlock(or_mutex_t *mutex) { must(pthread_mutex_unlock(mutex)); }

void or_cond_init(or_cond_t *cond) {
#if defined(__APPLE__)
  must(pthread_cond_init(cond, NULL));
#else
  pthread_condattr_t attributes;
  must(pthread_condattr_init(&attributes));
  must(pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC));
  must(pthread_cond_init(cond, &attributes));
  must(pthread_condattr_destroy(&attributes));
#endif
}

void or_cond_deinit(or_cond_t *cond) { must(pthread_cond_destroy(cond)); }
void or_cond_wait(or_cond_t *cond, or_mutex_t *mutex) { must(pthread_cond_wait(cond, mutex)); }

bool or_cond_wait_until(or_cond_t *cond, or_mutex_t *mutex, int64_t deadline_ns) {
  if (deadline_ns == INT64_MAX) {
    or_cond_wait(cond, mutex);
    return true;
  }
#if defined(__APPLE__)
  int64_t left = deadline_ns - or_clock_ns();
  if (left <= 0) return false;
  struct timespec wait = {.tv_sec = (time_t)(left / 1000000000), .tv_nsec = (long)(left % 1000000000)};
  return pthread_cond_timedwait_relative_np(cond, mutex, &wait) != ETIMEDOUT;
#else
  if (deadline_ns < 0) deadline_ns = 0;
  struct timespec until = {.tv_sec = (time_t)(deadline_ns / 1000000000), .tv_nsec = (long)(deadline_ns % 1000000000)};
  return pthread_cond_timedwait(cond, mutex, &until) != ETIMEDOUT;
#endif
}

void or_cond_signal(or_cond_t *cond) { must(pthread_cond_signal(cond)); }
void or_cond_broadcast(or_cond_t *cond) { must(pthread_cond_broadcast(cond)); }
