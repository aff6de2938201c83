/* Limits that every Unix has. */
#include "kernel/sandbox.h"

#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "kernel/sandbox_internal.h"

#define MAX_FILE_BYTES ((rlim_t)1 << 28) /* of one file that is written: what compilers leave */
#define MAX_DESCRIPTORS 512
#define NICENESS 5                            /* answers go before kernels */
#define ADDRESS_SLACK_BYTES ((rlim_t)1 << 30) /* stacks and arenas that are reserved, not used */

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SHADOWED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SHADOWED 1
#endif

/* A bound of one's own, within that which is there. */
static struct rlimit within(struct rlimit now, rlim_t value) {
  const rlim_t bound = now.rlim_max == RLIM_INFINITY || value < now.rlim_max ? value : now.rlim_max;
  return (struct rlimit){bound, bound};
}

/* The type of a resource's name is not the same everywhere. */
#define LIMIT(resource, value)               \
  do {                                       \
    struct rlimit now_;                      \
    if (getrlimit((resource), &now_) == 0) { \
      now_ = within(now_, (value));          \
      (void)setrlimit((resource), &now_);    \
    }                                        \
  } while (0)

/* What ends the process is its parent's to see; a sanitizer would end it in its own way. */
static void drop_handlers(void) {
  static const int deadly[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
  for (size_t i = 0; i < sizeof deadly / sizeof *deadly; ++i) (void)signal(deadly[i], SIG_DFL);
}

void or_sandbox_begin(int last_descriptor) {
  drop_handlers();
  or_sandbox_tie_to_parent();
  or_sandbox_close_above(last_descriptor);
  LIMIT(RLIMIT_CORE, 0);
  LIMIT(RLIMIT_FSIZE, MAX_FILE_BYTES);
  LIMIT(RLIMIT_NOFILE, MAX_DESCRIPTORS);
  (void)setpriority(PRIO_PROCESS, 0, NICENESS);
  (void)!chdir("/"); /* else it stays where it was; what it can do there is bounded by other steps */
}

bool or_sandbox_addresses(uint64_t bytes) {
#if defined(SHADOWED) /* a sanitizer reserves terabytes */
  (void)bytes;
  return false;
#else
  unsigned long long pages = 0;
  FILE *file = fopen("/proc/self/statm", "re");
  if (file == NULL) return false;
  const bool known = fscanf(file, "%llu", &pages) == 1;
  (void)fclose(file);
  if (!known || bytes > (uint64_t)1 << 60) return false;
  const rlim_t used = (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE);
  LIMIT(RLIMIT_AS, used + (rlim_t)bytes + ADDRESS_SLACK_BYTES);
  return true;
#endif
}

void or_sandbox_processor(uint32_t seconds) {
  struct rusage used;
  struct rlimit now;
  if (getrusage(RUSAGE_SELF, &used) != 0 || getrlimit(RLIMIT_CPU, &now) != 0) return;
  now.rlim_cur = (rlim_t)used.ru_utime.tv_sec + (rlim_t)used.ru_stime.tv_sec + 2 + seconds; /* both were cut */
  if (now.rlim_max != RLIM_INFINITY && now.rlim_cur > now.rlim_max) now.rlim_cur = now.rlim_max;
  (void)setrlimit(RLIMIT_CPU, &now);
}
