#include "base/clock.h"

#include <string.h>
#include <time.h>

#include "base/string.h"

int64_t or_clock_ns(void) {
  struct timespec now;
  (void)clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t or_clock_wall_us(void) {
  struct timespec now;
  (void)clock_gettime(CLOCK_REALTIME, &now);
  return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

#define US_PER_S INT64_C(1000000)
#define S_PER_DAY INT64_C(86400)
#define FIRST_S_OF_10000 INT64_C(253402300800)
#define TEXT_LENGTH ((size_t)32)

/* Years, months and days of a moment that has four digits of a year. By eras of 400 years that begin in March, so that
 * a leap day ends one: H. Hinnant, "chrono-Compatible Low-Level Date Algorithms", 2013. */
static void split_days(unsigned days, unsigned *year, unsigned *month, unsigned *day) {
  const unsigned since = days + 719468; /* 0000-03-01 */
  const unsigned era = since / 146097, of_era = since % 146097;
  const unsigned year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
  const unsigned of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const unsigned from_march = (5 * of_year + 2) / 153;
  *day = of_year - (153 * from_march + 2) / 5 + 1;
  *month = from_march < 10 ? from_march + 3 : from_march - 9;
  *year = 400 * era + year_of_era + (*month <= 2);
}

static void put_digits(char *text, unsigned value, int count) {
  while (count > 0) {
    text[--count] = (char)('0' + value % 10);
    value /= 10;
  }
}

/* From 1970 to 9999: most are, and this is many times as fast as the C library's way. */
static void format_usual(int64_t seconds, unsigned fraction, char *text) {
  unsigned year, month, day;
  const unsigned of_day = (unsigned)(seconds % S_PER_DAY);
  split_days((unsigned)(seconds / S_PER_DAY), &year, &month, &day);
  memcpy(text, "0000-00-00T00:00:00.000000+00:00", TEXT_LENGTH + 1);
  put_digits(text, year, 4);
  put_digits(text + 5, month, 2);
  put_digits(text + 8, day, 2);
  put_digits(text + 11, of_day / 3600, 2);
  put_digits(text + 14, of_day / 60 % 60, 2);
  put_digits(text + 17, of_day % 60, 2);
  put_digits(text + 20, fraction, 6);
}

char *or_clock_format(int64_t wall_us, char *text, size_t capacity) {
  int64_t fraction = wall_us % US_PER_S;
  time_t seconds = (time_t)(wall_us / US_PER_S);
  if (fraction < 0) { /* before 1970 too the fraction counts upwards */
    fraction += US_PER_S;
    --seconds;
  }
  if (seconds >= 0 && seconds < FIRST_S_OF_10000 && capacity > TEXT_LENGTH) {
    format_usual(seconds, (unsigned)fraction, text);
    return text;
  }
  struct tm parts = {0};
  (void)gmtime_r(&seconds, &parts);
  return or_format(text, capacity, "%04d-%02d-%02dT%02d:%02d:%02d.%06d+00:00", parts.tm_year + 1900, parts.tm_mon + 1,
                   parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec, (int)fraction);
}
