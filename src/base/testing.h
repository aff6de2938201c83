#ifndef OR_BASE_TESTING_H
#define OR_BASE_TESTING_H
/* For unit tests only: cmocka in the order of headers that it needs, and checks of a status. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"

/* The call succeeds; its message is printed if not. */
#define expect_ok(call) expect_ok_at((call), __FILE__, __LINE__)
static inline void expect_ok_at(or_status_t status, const char *file, int line) {
  if (or_ok(status)) return;
  print_error("%s: %s\n", or_status_place(status), or_status_message(status));
  or_status_ignore(status); /* the test ends here */
  _fail(file, line);
}

/* The call fails with this code and a message that holds `words`; both are printed if not. */
#define expect_failure(call, code, words) expect_failure_at((call), (code), (words), __FILE__, __LINE__)
static inline void expect_failure_at(or_status_t status, or_status_code_t code, const char *words, const char *file,
                                     int line) {
  bool as_expected = or_status_code(status) == code && strstr(or_status_message(status), words) != NULL;
  if (!as_expected) {
    print_error("expected %s: …%s…, got %s: %s\n", or_status_mapping(code)->name, words,
                or_status_mapping(or_status_code(status))->name, or_status_message(status));
  }
  or_status_ignore(status); /* the failure was the point */
  if (!as_expected) _fail(file, line);
}

/* Runs `use` with an allocator whose n-th allocation fails, for every n that is reached: each failure is
 * RESOURCE_EXHAUSTED, and every byte and every status is given back. */
#define expect_survives_every_failing_allocation(use) expect_survival_at((use), __FILE__, __LINE__)
static inline void expect_survival_at(or_status_t (*use)(const or_allocator_t *allocator), const char *file, int line) {
  size_t alive = or_status_live_count();
  for (size_t n = 1;; ++n) {
    or_counting_allocator_t counting;
    or_counting_allocator_init(&counting, or_allocator_system(), n);
    or_status_t status = use(&counting.base);
    bool triggered = counting.triggered;
    size_t live_bytes = counting.live_bytes, live_blocks = counting.live_blocks;
    or_status_code_t code = or_status_code(status);
    or_status_ignore(status); /* its code is checked below */
    if (live_blocks != 0 || triggered != (code != OR_OK) || (triggered && code != OR_RESOURCE_EXHAUSTED) ||
        or_status_live_count() != alive) {
      print_error("allocation %zu failing: status %s, %zu blocks of %zu bytes not given back\n", n,
                  or_status_mapping(code)->name, live_blocks, live_bytes);
      _fail(file, line);
    }
    if (!triggered) return; /* the run that never reached n proves that every n was tried */
  }
}

#endif
