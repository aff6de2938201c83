/* Systems that have no such bounds, or none that we know. */
#if !defined(__linux__)
#include <unistd.h>

#include "kernel/sandbox.h"
#include "kernel/sandbox_internal.h"

void or_sandbox_tie_to_parent(void) {} /* the end of its connection tells a worker */

void or_sandbox_close_above(int last_descriptor) {
  for (long i = last_descriptor + 1, end = sysconf(_SC_OPEN_MAX); i < end; ++i) (void)close((int)i);
}

bool or_sandbox_files(const char *cache, const char *scratch) {
  (void)cache, (void)scratch;
  return false;
}
#else
typedef int or_sandbox_other_is_empty_t;
#endif
