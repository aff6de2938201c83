/* What the kernels' tests share: the levels that this machine can run, buffers that end at a page nobody may touch,
 * numbers. */
#ifndef OR_BACKENDS_CPU_KERNELS_KERNELS_TEST_INTERNAL_H
#define OR_BACKENDS_CPU_KERNELS_KERNELS_TEST_INTERNAL_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "backends/cpu/kernels/kernels.h"

/* Each level that runs here, the portable one included. */
#define FOR_EACH_LEVEL(kernels)                                           \
  for (size_t level_ = 0; or_cpu_kernels_level(level_) != NULL; ++level_) \
    for (const or_cpu_kernels_t *kernels = test_level(level_); kernels != NULL; kernels = NULL)

static inline const or_cpu_kernels_t *test_level(size_t index) {
  const or_cpu_kernels_t *kernels = or_cpu_kernels_level(index);
  return (kernels->needs & ~or_cpu_features_detect()) == 0 ? kernels : NULL;
}

static const size_t test_lengths[] = {0,  1,  2,  3,  4,  5,  6,  7,  8,   9,   12,  15,  16,  17,  24,   31,
                                      32, 33, 48, 63, 64, 65, 66, 97, 100, 127, 128, 129, 255, 257, 1000, 4099};
enum { TEST_LENGTHS = sizeof test_lengths / sizeof test_lengths[0] };

enum { TEST_SLOTS = 12, TEST_SLOT_BYTES = 8 << 20, TEST_PAGE = 4096, TEST_CANARY = 64 };

/* Buffer number `slot` of `bytes`, which ends where a protected page begins: reading or writing past it ends the test.
 * What lies before it is set to a pattern that test_untouched checks. */
static inline void *test_buffer(size_t slot, size_t bytes) {
  static char *slots;
  if (slots == NULL) {
    slots = mmap(NULL, (size_t)TEST_SLOTS * (TEST_SLOT_BYTES + TEST_PAGE), PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(slots != MAP_FAILED);
    for (size_t i = 0; i < TEST_SLOTS; ++i) {
      mprotect(slots + i * (TEST_SLOT_BYTES + TEST_PAGE) + TEST_SLOT_BYTES, TEST_PAGE, PROT_NONE);
    }
  }
  assert_true(slot < TEST_SLOTS && bytes + TEST_CANARY <= TEST_SLOT_BYTES);
  char *buffer = slots + slot * (TEST_SLOT_BYTES + TEST_PAGE) + TEST_SLOT_BYTES - bytes;
  memset(buffer - TEST_CANARY, 0x5a, TEST_CANARY);
  return buffer;
}

static inline bool test_untouched(const void *buffer) {
  const unsigned char *before = (const unsigned char *)buffer - TEST_CANARY;
  for (size_t i = 0; i < TEST_CANARY; ++i) {
    if (before[i] != 0x5a) return false;
  }
  return true;
}

static inline void *test_aligned(size_t bytes) {
  void *memory = aligned_alloc(64, (bytes + 127) / 64 * 64);
  assert_non_null(memory);
  return memory;
}

static inline uint32_t test_random(uint32_t *state) {
  *state = *state * 1664525u + 1013904223u;
  return *state >> 8;
}

/* In [-1, 1). */
static inline float test_uniform(uint32_t *state) { return (float)test_random(state) * (2.0f / 16777216.0f) - 1.0f; }

static inline void test_fill(float *x, size_t n, uint32_t seed) {
  uint32_t state = seed * 2654435761u + 1;
  for (size_t i = 0; i < n; ++i) x[i] = test_uniform(&state);
}

static inline float test_float(uint32_t bits) {
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

static inline bool test_same_bits(float a, float b) { return memcmp(&a, &b, sizeof a) == 0; }

/* Distance from the exact value, in units of the last place that a float near it has (denormals' at least). */
static inline double test_ulp(float got, double exact) {
  if (isnan(exact)) return isnan(got) ? 0.0 : INFINITY;
  if (isinf(exact) || fabs(exact) >= 3.4028235677973366e38)
    return isinf(got) && (got > 0) == (exact > 0) ? 0.0 : INFINITY;
  if (isnan(got)) return INFINITY;
  int exponent;
  frexp(exact, &exponent);
  double unit = ldexp(1.0, (exact == 0.0 || exponent < -125 ? -125 : exponent) - 24);
  if (isinf(got)) return fabs(exact) >= 3.4028233e38 ? 1.0 : INFINITY;
  return fabs((double)got - exact) / unit;
}

#endif
