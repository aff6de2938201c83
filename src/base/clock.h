#ifndef OR_BASE_CLOCK_H
#define OR_BASE_CLOCK_H
#include <stddef.h>
#include <stdint.h>

/* Monotonic time since an arbitrary start, ns. */
int64_t or_clock_ns(void);
/* Wall-clock time since 1970-01-01 UTC, us. */
int64_t or_clock_wall_us(void);
/* "2026-01-31T12:00:00.123456+00:00", terminated; capacity >= 33. Returns `text`. */
char *or_clock_format(int64_t wall_us, char *text, size_t capacity);
#define OR_CLOCK_TEXT_BYTES 40

#endif
