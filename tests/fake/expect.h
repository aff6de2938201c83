#ifndef OR_TESTS_FAKE_EXPECT_H
#define OR_TESTS_FAKE_EXPECT_H
/* Statuses in cmocka tests. Each ends the status. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "openruntime/status.h"

static inline void or_expect_at(or_status_t status, or_status_code_t code, const char *file, int line) {
  or_status_code_t got = or_status_code(status);
  if (got != code) print_error("%s: \"%s\"\n", or_status_place(status), or_status_message(status));
  or_status_ignore(status); /* looked at */
  _assert_int_equal((LargestIntegralType)got, (LargestIntegralType)code, file, line);
}
/* The status has this code, OR_OK included. */
#define or_expect(status, code) or_expect_at((status), (code), __FILE__, __LINE__)
#define or_expect_ok(status) or_expect((status), OR_OK)

static inline void or_expect_words_at(or_status_t status, or_status_code_t code, const char *words, const char *file,
                                      int line) {
  bool there = strstr(or_status_message(status), words) != NULL;
  if (!there) print_error("\"%s\" lacks \"%s\"\n", or_status_message(status), words);
  or_expect_at(status, code, file, line);
  if (!there) _fail(file, line);
}
/* The status has this code, and these words in its message. */
#define or_expect_words(status, code, words) or_expect_words_at((status), (code), (words), __FILE__, __LINE__)

#endif
