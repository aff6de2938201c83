#include "base/clock.h"

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

char *or_clock_format(int64_t wall_us, char *text, size_t capacity) {
  int64_t fraction = wall_us % 1000000;
  time_t seconds = (time_t)(wall_us / 1000000);
  if (fraction < 0) { /* before 1970 too the fraction counts upwards */
    fraction += 1000000;
    --seconds;
  }
  struct tm parts = {0};
  (void)gmtime_r(&seconds, &parts);
  return or_format(text, capacity, "%04d-%02d-%02dT%02d:%02d:%02d.%06d+00:00", parts.tm_year + 1900, parts.tm_mon + 1,
                   parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec, (int)fraction);
}
