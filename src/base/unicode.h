#ifndef OR_BASE_UNICODE_H
#define OR_BASE_UNICODE_H
/* What tokenizers and operators on text ask of the Unicode character database (16.0; lower and upper case are those of
 * 14.0): two table look-ups a question. No state; any thread. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One bit a general category, in the order of tools/make_unicode.py; then two properties beside it. */
enum {
  OR_UNICODE_LETTER = 0x1Fu,            /* Lu Ll Lt Lm Lo */
  OR_UNICODE_NONSPACING = 1u << 5,      /* Mn */
  OR_UNICODE_MARK = 7u << 5,            /* Mn Mc Me */
  OR_UNICODE_NUMBER = 7u << 8,          /* Nd Nl No */
  OR_UNICODE_PUNCTUATION = 0x7Fu << 11, /* Pc Pd Ps Pe Pi Pf Po */
  OR_UNICODE_OTHER = 0xFu << 25,        /* Cc Cf Cs Co: not the unassigned */
  OR_UNICODE_SPACE = 1u << 30,          /* White_Space */
};
#define OR_UNICODE_WORD (UINT32_C(1) << 31) /* \w of UTS 18: Alphabetic, M, Nd, Pc, Join_Control */

typedef struct or_unicode_record_t {
  uint32_t bits;
  int32_t lower, upper;    /* distance to the simple lower and upper case */
  uint8_t combining_class; /* canonical */
} or_unicode_record_t;

/* Of a code point up to 0x10FFFF. */
const or_unicode_record_t *or_unicode_record(uint32_t code);
static inline bool or_unicode_is(uint32_t code, uint32_t bits) { return (or_unicode_record(code)->bits & bits) != 0; }

/* The code point at `at`, which is valid UTF-8; its bytes go to *length. */
static inline uint32_t or_unicode_read(const char *at, size_t *length) {
  const unsigned char *b = (const unsigned char *)at;
  if (b[0] < 0x80) {
    *length = 1;
    return b[0];
  }
  if (b[0] < 0xE0) {
    *length = 2;
    return (b[0] & 0x1Fu) << 6 | (b[1] & 0x3Fu);
  }
  if (b[0] < 0xF0) {
    *length = 3;
    return (b[0] & 0xFu) << 12 | (b[1] & 0x3Fu) << 6 | (b[2] & 0x3Fu);
  }
  *length = 4;
  return (b[0] & 7u) << 18 | (b[1] & 0x3Fu) << 12 | (b[2] & 0x3Fu) << 6 | (b[3] & 0x3Fu);
}

/* Bytes of the character whose first byte this is, in valid UTF-8. */
static inline size_t or_unicode_width(char first) {
  unsigned char b = (unsigned char)first;
  return b < 0x80 ? 1 : b < 0xE0 ? 2 : b < 0xF0 ? 3 : 4;
}

/* Writes a code point as UTF-8; returns its bytes, 1 to 4. */
size_t or_unicode_write(uint32_t code, char out[4]);

#define OR_UNICODE_DECOMPOSED_MAX 18 /* code points; U+FDFA has them */
/* The full decomposition, canonical or also by compatibility, in canonical order; returns the code points, 0 where the
 * character stands for itself. Section 3.7 of the Unicode standard; Hangul by section 3.12. */
size_t or_unicode_decompose(uint32_t code, bool compatible, uint32_t out[OR_UNICODE_DECOMPOSED_MAX]);
/* The character that canonical composition makes of two, 0 if none. */
uint32_t or_unicode_compose(uint32_t first, uint32_t second);

#endif
