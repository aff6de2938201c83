#ifndef OR_BASE_NUMBERS_INTERNAL_H
#define OR_BASE_NUMBERS_INTERNAL_H
/* What the number scanner and the number writer share. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The 128 leading bits of a power of ten, rounded up (exact for 10^0..10^55): 2^127 <= high * 2^64 + low < 2^128. */
typedef struct or_power_t {
  uint64_t high, low;
} or_power_t;
#define OR_POWER_FIRST (-342)
#define OR_POWER_LAST 324
#define OR_POWER_LAST_EXACT 55
extern const or_power_t or_powers[OR_POWER_LAST - OR_POWER_FIRST + 1];

/* floor(value / 2^bits) of values that are small beside 2^62, without the shift of a negative number that C leaves
 * open. */
static inline int or_floor_shift(int64_t value, int bits) {
  const int64_t lift = INT64_C(1) << 20;
  return (int)((int64_t)((uint64_t)(value + (lift << bits)) >> bits) - lift);
}

/* floor(log2(10^e)), exact for |e| <= 1233. */
static inline int or_floor_log2_pow10(int e) { return or_floor_shift((int64_t)e * 1741647, 19); }

/* A JSON number as it stands in the text. value = digits * 10^exponent, if `more` a little above. */
typedef struct or_scanned_t {
  uint64_t digits; /* the first 19 that count */
  int64_t exponent;
  bool negative, more;         /* more: digits other than 0 follow the 19 */
  bool integer;                /* neither point nor exponent */
  const char *text, *text_end; /* digits and point, without sign and exponent */
  int64_t written_exponent;
} or_scanned_t;
/* True and *cursor behind the number, if one stands there. */
bool or_scan_decimal(const char **cursor, const char *end, or_scanned_t *out);
/* Correctly rounded to nearest even; infinity beyond the range. */
double or_scanned_double(const or_scanned_t *scanned);
float or_scanned_float(const or_scanned_t *scanned);
/* Of an integer: false beyond 64 bits, signed. */
bool or_scanned_integer(const or_scanned_t *scanned, int64_t *out);
/* Of an integer: false below 0 and beyond 64 bits, unsigned. */
bool or_scanned_unsigned(const or_scanned_t *scanned, uint64_t *out);
/* True if an array stands at *cursor that holds nothing but numbers that a document can hold and such arrays, nested at
 * most `depth`; *cursor is behind it then, else where something different was found. *count: the numbers. */
bool or_skip_numbers(const char **cursor, const char *end, size_t depth, size_t *count);
/* A number of at most 18 digits, its exponent written with two at most: nearly all there are.
 * value = digits * 10^exponent, with its sign */
typedef struct or_plain_t {
  uint64_t digits;
  int exponent;
  bool negative;
} or_plain_t;
/* Returns the character behind the number; NULL if it is another one (or none). OR_PLAIN_MARGIN bytes from its start on
 * can be read. */
const char *or_scan_plain(const char *at, or_plain_t *out);
#define OR_PLAIN_MARGIN 80
/* Correctly rounded; false for those that need a closer look (or_scanned_double). Single: for all but those whose
 * digits and power of ten are exact as float64. */
bool or_plain_double(const or_plain_t *plain, double *out);
bool or_plain_single(const or_plain_t *plain, float *out);

/* Rows of numbers that are each followed by a comma (and perhaps one space), as float32 or float64, at most `count`, or
 * only looked at; they stop, without an error, before the first one that needs a closer look. Return how many; *cursor
 * stands at the next value. */
size_t or_run_singles(const char **cursor, const char *end, float *data, size_t count);
size_t or_run_doubles(const char **cursor, const char *end, double *data, size_t count);
size_t or_run_over(const char **cursor, const char *end);

__extension__ typedef unsigned __int128 or_uint128_t;

#endif
