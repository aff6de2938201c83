#include <string.h>

#include "base/numbers.h"
#include "base/numbers_internal.h"

/* splitmix64: G. Steele, D. Lea, C. Flood, "Fast splittable pseudorandom number generators", 2014. */
#define STEP UINT64_C(0x9E3779B97F4A7C15)
#define FACTOR_1 UINT64_C(0xBF58476D1CE4E5B9)
#define FACTOR_2 UINT64_C(0x94D049BB133111EB)
uint64_t or_random_next(or_random_t *random) {
  uint64_t z = random->state += STEP;
  z = (z ^ z >> 30) * FACTOR_1;
  z = (z ^ z >> 27) * FACTOR_2;
  return z ^ z >> 31;
}

double or_random_uniform(or_random_t *random) { return (double)(or_random_next(random) >> 11) * 0x1p-53; }

/* Bits of a significand: so many random bits make a number in [-1, 1) that the type holds exactly, so that rounding
 * never gives 1. */
static int significand_bits(or_dtype_t dtype) {
  switch (dtype) {
  case OR_FLOAT64:
  case OR_COMPLEX128: return 53;
  case OR_FLOAT32:
  case OR_COMPLEX64: return 24;
  case OR_FLOAT16: return 11;
  case OR_BFLOAT16: return 8;
  case OR_FLOAT8E4M3FN:
  case OR_FLOAT8E4M3FNUZ: return 4;
  case OR_FLOAT8E5M2:
  case OR_FLOAT8E5M2FNUZ:
  case OR_FLOAT6E3M2: return 3;
  case OR_FLOAT6E2M3: return 4;
  default: return 2;
  }
}

static double random_real(or_random_t *random, int bits) {
  return (double)(or_random_next(random) >> (64 - bits)) * (2.0 / (double)(UINT64_C(1) << bits)) - 1.0;
}

static void fill_floats(or_random_t *random, float *to, size_t count) {
  for (size_t i = 0; i < count; ++i) to[i] = (float)(or_random_next(random) >> 40) * 0x1p-23F - 1.0F;
}

#if defined(__x86_64__)
#include <immintrin.h>

#define WIDE __attribute__((target("avx512f,avx512dq,avx512vl")))
#define HAS_WIDE \
  (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))

/* The same numbers, eight at a time: the n-th state is the first one and n steps. Returns how many there were. */
WIDE static size_t fill_floats_wide(or_random_t *random, float *to, size_t count) {
  const __m512i first = _mm512_set1_epi64((int64_t)STEP), numbers = _mm512_setr_epi64(1, 2, 3, 4, 5, 6, 7, 8);
  const __m512i factor_1 = _mm512_set1_epi64((int64_t)FACTOR_1), factor_2 = _mm512_set1_epi64((int64_t)FACTOR_2);
  const __m512i eight_steps = _mm512_set1_epi64((int64_t)(8 * STEP));
  __m512i states = _mm512_set1_epi64((int64_t)random->state);
  states = _mm512_add_epi64(states, _mm512_mullo_epi64(first, numbers));
  size_t done = 0;
  for (; count - done >= 8; done += 8) {
    __m512i z = states;
    states = _mm512_add_epi64(states, eight_steps);
    z = _mm512_mullo_epi64(_mm512_xor_si512(z, _mm512_srli_epi64(z, 30)), factor_1);
    z = _mm512_mullo_epi64(_mm512_xor_si512(z, _mm512_srli_epi64(z, 27)), factor_2);
    z = _mm512_srli_epi64(_mm512_xor_si512(z, _mm512_srli_epi64(z, 31)), 40);
    const __m256 whole = _mm256_cvtepi32_ps(_mm512_cvtepi64_epi32(z));
    _mm256_storeu_ps(to + done, _mm256_sub_ps(_mm256_mul_ps(whole, _mm256_set1_ps(0x1p-23F)), _mm256_set1_ps(1.0F)));
  }
  random->state += done * STEP;
  return done;
}
#else
#define HAS_WIDE false
static size_t fill_floats_wide(or_random_t *random, float *to, size_t count) {
  (void)random, (void)to, (void)count;
  return 0;
}
#endif

void or_random_fill(or_random_t *random, or_dtype_t dtype, void *data, size_t count) {
  int bits = significand_bits(dtype);
  if (dtype == OR_COMPLEX64 || dtype == OR_COMPLEX128) {
    count *= 2;
    dtype = dtype == OR_COMPLEX64 ? OR_FLOAT32 : OR_FLOAT64;
  }
  if (dtype == OR_FLOAT32) { /* the usual one, and large */
    const size_t done = HAS_WIDE ? fill_floats_wide(random, data, count) : 0;
    fill_floats(random, (float *)data + done, count - done);
  } else if (dtype == OR_FLOAT8E8M0) { /* 2^-4 .. 2^3 */
    for (size_t i = 0; i < count; ++i) ((uint8_t *)data)[i] = (uint8_t)(123 + (or_random_next(random) >> 61));
  } else if (or_dtype_is_float(dtype)) {
    for (size_t i = 0; i < count; ++i) or_element_set(dtype, data, i, random_real(random, bits));
  } else if (dtype == OR_BOOL) {
    for (size_t i = 0; i < count; ++i) or_element_set_int(dtype, data, i, (int64_t)(or_random_next(random) >> 63));
  } else {
    int64_t lowest = or_dtype_is_signed(dtype) ? -8 : 0;
    for (size_t i = 0; i < count; ++i)
      or_element_set_int(dtype, data, i, (int64_t)(or_random_next(random) >> 60) + lowest);
  }
}

/* Two words in, one out: both halves of their product. */
static uint64_t mix(uint64_t a, uint64_t b) {
  or_uint128_t product = (or_uint128_t)a * b;
  return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* Folds sixteen bytes into a lane; the lane itself stays in the sum, for a factor may be 0. */
static uint64_t fold(uint64_t lane, uint64_t a, uint64_t b) { return mix(a, b ^ lane) + (lane << 23 | lane >> 41); }

static uint64_t read_word(const unsigned char *bytes) {
  uint64_t word = 0;
  memcpy(&word, bytes, sizeof word);
  return word;
}

/* Odd constants from the fractional part of the square roots of 2, 3, 5, 7. */
#define KEY_0 UINT64_C(0x6A09E667F3BCC909)
#define KEY_1 UINT64_C(0xBB67AE8584CAA73B)
#define KEY_2 UINT64_C(0x3C6EF372FE94F82B)
#define KEY_3 UINT64_C(0xA54FF53A5F1D36F1)

uint64_t or_hash_bytes(const void *bytes, size_t length, uint64_t seed) {
  const unsigned char *at = bytes;
  size_t left = length;
  uint64_t lane_0 = mix(seed ^ KEY_0, KEY_1), lane_1 = lane_0 ^ KEY_2;
  for (; left > 32; left -= 32, at += 32) { /* two products that don't wait for each other */
    lane_0 = fold(lane_0, read_word(at) ^ KEY_1, read_word(at + 8));
    lane_1 = fold(lane_1, read_word(at + 16) ^ KEY_2, read_word(at + 24));
  }
  unsigned char tail[32] = {0};
  if (left > 0) memcpy(tail, at, left);
  lane_0 = fold(lane_0, read_word(tail) ^ KEY_1, read_word(tail + 8));
  lane_1 = fold(lane_1, read_word(tail + 16) ^ KEY_2, read_word(tail + 24));
  return mix(mix(lane_0 ^ KEY_3, lane_1 ^ (uint64_t)length), KEY_0 ^ lane_0);
}
