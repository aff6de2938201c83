/* Rows of plain numbers, as models' inputs are. Commas are looked for a block at a time, so that no number waits for
 * where the one before it ends; each is taken apart in one vector, without a branch for its length. What has no room
 * there, and everything on other processors, goes to or_scan_plain. */
#include <string.h>

#include "base/numbers_internal.h"

#define BLOCK 64 /* characters */
#define INLINE __attribute__((always_inline)) inline

/* 1 to 8 digits. */
static INLINE bool take_digits(const char *at, size_t length, uint64_t *out) {
  uint64_t digits = 0;
  memcpy(&digits, at, sizeof digits);
  digits = (digits ^ UINT64_C(0x3030303030303030)) << (64 - 8 * length);
  if (((digits | (digits + UINT64_C(0x0606060606060606))) & UINT64_C(0xF0F0F0F0F0F0F0F0)) != 0) return false;
  digits = digits * 10 + (digits >> 8);
  const uint64_t low = (digits & UINT64_C(0x000000FF000000FF)) * UINT64_C(0x000F424000000064);
  const uint64_t high = (digits >> 16 & UINT64_C(0x000000FF000000FF)) * UINT64_C(0x0000271000000001);
  *out = (low + high) >> 32;
  return true;
}

/* A whole number without its sign, at most 8 digits. */
static INLINE bool take_short(const char *at, size_t length, uint64_t *out) {
  return take_digits(at, length, out) && (*at != '0' || length == 1);
}

/* A digit, the point (which stands there), 1 to 7 digits: *fraction of them. */
static INLINE bool take_decimal(const char *at, size_t length, uint64_t *out, unsigned *fraction) {
  static const uint32_t tens[8] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000};
  const unsigned first = (unsigned char)(*at - '0');
  if (length - 3 >= 7 || first > 9 || !take_digits(at + 2, length - 2, out)) return false;
  *fraction = (unsigned)(length - 2);
  *out += (uint64_t)first * tens[*fraction];
  return true;
}

/* Digits and power of ten are both exact, so that dividing rounds correctly (Clinger, "How to read floating point
 * numbers accurately", 1990). False: the digits are not. */
static INLINE bool divide_single(uint64_t digits, unsigned fraction, bool negative, float *out) {
  static const float tens[8] = {1e0F, 1e1F, 1e2F, 1e3F, 1e4F, 1e5F, 1e6F, 1e7F};
  if (digits > UINT64_C(1) << 24) return false;
  const float value = (float)(int64_t)digits / tens[fraction];
  *out = negative ? -value : value;
  return true;
}

#if defined(__x86_64__) && !defined(OR_RUN_PORTABLE)
#include <immintrin.h>

#define VECTOR __attribute__((target("avx2,bmi,bmi2")))

/* Where what stands among a number's characters. */
typedef struct layout_t {
  unsigned point;    /* digits before the point */
  unsigned fraction; /* digits behind it */
  int exponent;      /* as written */
} layout_t;

/* One or two digits with a sign or without, to `end`; which of them is as good as random, so nothing here branches. */
static INLINE bool take_exponent(const char *at, const char *end, int *out) {
  const int down = *at == '-';
  at += down | (*at == '+');
  const int first = (unsigned char)(at[0] - '0'), second = (unsigned char)(at[1] - '0'), two = end - at == 2;
  const int value = first + (-two & (9 * first + second));
  *out = (value ^ -down) + down;
  return ((first <= 9) & ((second <= 9) | !two) & ((size_t)(end - at) - 1 < 2)) != 0;
}

/* A number without its sign, at most 16 characters. */
VECTOR static INLINE bool look_at(const char *at, const char *end, __m128i *digits, layout_t *out) {
  unsigned length = (unsigned)(end - at);
  const unsigned all = _bzhi_u32(UINT32_MAX, length);
  const __m128i text = _mm_loadu_si128((const __m128i *)(const void *)at);
  *digits = _mm_sub_epi8(text, _mm_set1_epi8('0'));
  const __m128i low = _mm_min_epu8(*digits, _mm_set1_epi8(9)), dots = _mm_cmpeq_epi8(text, _mm_set1_epi8('.'));
  const unsigned numerals = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(low, *digits));
  unsigned points = (unsigned)_mm_movemask_epi8(dots) & all;
  const unsigned others = ~(numerals | points) & all;
  out->exponent = 0;
  if (others != 0) {
    length = (unsigned)__builtin_ctz(others);
    points = _bzhi_u32(points, length);
    if ((at[length] | 32) != 'e' || !take_exponent(at + length + 1, end, &out->exponent)) return false;
  }
  out->point = (unsigned)__builtin_ctz(points | 1U << length);
  out->fraction = length - out->point - (points != 0);
  /* A digit first; no more after a leading 0; one point, with a digit behind it. */
  const unsigned leading = (unsigned)(*at == '0') & numerals >> 1 & (unsigned)(length > 1);
  return (((~numerals & 1) | (points & (points - 1)) | leading | (points << 1 >> length)) & all) == 0;
}

VECTOR static INLINE bool take_vector(const char *at, const char *end, or_plain_t *out) {
  const __m128i places = _mm_setr_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  __m128i digits;
  layout_t layout;
  if ((size_t)(end - at) - 1 >= 16 || !look_at(at, end, &digits, &layout)) return false;
  /* The digits without the point, at the vector's end, zeros before them; then they add up in pairs, fours, eights. */
  __m128i from = _mm_sub_epi8(places, _mm_set1_epi8((char)(16 - layout.point - layout.fraction)));
  from = _mm_sub_epi8(from, _mm_cmpgt_epi8(from, _mm_set1_epi8((char)(layout.point - 1))));
  digits = _mm_maddubs_epi16(_mm_shuffle_epi8(digits, from), _mm_set1_epi16(0x010A));
  digits = _mm_madd_epi16(digits, _mm_set1_epi32(0x00010064));
  digits = _mm_madd_epi16(_mm_packus_epi32(digits, digits), _mm_set1_epi32(0x00012710));
  const uint64_t halves = (uint64_t)_mm_cvtsi128_si64(digits);
  out->digits = (halves & UINT32_MAX) * 100000000 + (halves >> 32);
  out->exponent = layout.exponent - (int)layout.fraction;
  return true;
}

VECTOR static INLINE bool check_vector(const char *at, const char *end) {
  __m128i digits;
  layout_t layout;
  return (size_t)(end - at) - 1 < 16 && look_at(at, end, &digits, &layout);
}

/* A bit for each comma. */
VECTOR static INLINE uint64_t find_commas(const char *block) {
  uint64_t mask = 0;
  for (int i = 0; i < BLOCK; i += 16) {
    const __m128i text = _mm_loadu_si128((const __m128i *)(const void *)(block + i));
    mask |= (uint64_t)(uint16_t)_mm_movemask_epi8(_mm_cmpeq_epi8(text, _mm_set1_epi8(','))) << i;
  }
  return mask;
}

#define HAS_VECTOR (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2"))
#else
#define VECTOR
#define HAS_VECTOR false

static INLINE bool take_vector(const char *at, const char *end, or_plain_t *out) {
  return (void)at, (void)end, (void)out, false;
}
static INLINE bool check_vector(const char *at, const char *end) { return (void)at, (void)end, false; }
static INLINE uint64_t find_commas(const char *block) { return (void)block, 0; }
#endif

typedef enum wanted_t { SINGLES, DOUBLES, NOTHING } wanted_t;

/* digits * 10^exponent as float32, by the upper half of the power, which is off by less than one of its units: false
 * where that could matter to the rounding, and where the float would not be a normal one. */
static INLINE bool multiply_single(const or_plain_t *plain, float *out) {
  const int exponent = plain->exponent, leading = __builtin_clzll(plain->digits | 1);
  if (exponent < OR_POWER_FIRST || exponent > OR_POWER_LAST) return false;
  const or_uint128_t product = (or_uint128_t)(plain->digits << leading) * or_powers[exponent - OR_POWER_FIRST].high;
  const uint64_t high = (uint64_t)(product >> 64);
  const int upper = (int)(high >> 63), shift = upper + 39; /* 24 bits stay */
  const uint64_t half = UINT64_C(1) << (shift - 1);
  const int biased = or_floor_log2_pow10(exponent) + 63 + upper - leading + 127;
  if (((high + 4) & (half - 1)) <= 8 || biased < 1 || biased > 253) return false; /* near a float or half way, or 0 */
  /* The mantissa's highest bit adds one to the exponent, as does rounding up to the next power of two. */
  const uint32_t magnitude = ((uint32_t)(biased - 1) << 23) + (uint32_t)((high + half) >> shift);
  const uint32_t bits = magnitude | (uint32_t)plain->negative << 31;
  memcpy(out, &bits, sizeof bits);
  return true;
}

static INLINE bool convert(const or_plain_t *plain, wanted_t wanted, void *data, size_t index) {
  if (wanted == NOTHING) return true;
  if (wanted == DOUBLES) return or_plain_double(plain, (double *)data + index);
  float *single = (float *)data + index;
  return multiply_single(plain, single) || or_plain_single(plain, single);
}

/* The number at `at`, whose comma has been found. *decimals: those with a point have had few digits so far; where one
 * has more, others will, and which of them would be a guess. */
VECTOR static INLINE bool take(const char *at, const char *comma, wanted_t wanted, void *data, size_t index,
                               bool *decimals) {
  or_plain_t plain = {.negative = *at == '-'};
  const char *start = at + plain.negative;
  unsigned fraction = 0;
  if (wanted != DOUBLES && *decimals && start[1] == '.') {
    if (take_decimal(start, (size_t)(comma - start), &plain.digits, &fraction) &&
        (wanted == NOTHING || divide_single(plain.digits, fraction, plain.negative, (float *)data + index)))
      return true;
    *decimals = false;
  }
  if (wanted == NOTHING && check_vector(start, comma)) return true;
  if (wanted == SINGLES && start[1] != '.' && (size_t)(comma - start) - 1 < 8 &&
      take_short(start, (size_t)(comma - start), &plain.digits)) {
    const float whole = (float)(int64_t)plain.digits;
    ((float *)data)[index] = plain.negative ? -whole : whole;
    return true;
  }
  if (wanted != NOTHING && take_vector(start, comma, &plain)) return convert(&plain, wanted, data, index);
  return or_scan_plain(at, &plain) == comma && convert(&plain, wanted, data, index);
}

VECTOR static INLINE size_t run_blocks(const char **cursor, const char *end, wanted_t wanted, void *data,
                                       size_t count) {
  const char *at = *cursor;
  size_t taken = 0;
  bool decimals = true;
  while (taken < count && end - at >= BLOCK + OR_PLAIN_MARGIN) {
    const char *block = at;
    uint64_t commas = find_commas(block);
    if (commas == 0) break;
    for (; commas != 0 && taken < count; commas &= commas - 1) {
      const char *comma = block + __builtin_ctzll(commas);
      if (!take(at, comma, wanted, data, taken, &decimals)) {
        *cursor = at;
        return taken;
      }
      ++taken;
      at = comma + (comma[1] == ' ' ? 2 : 1);
    }
  }
  *cursor = at;
  return taken;
}

static INLINE size_t run_singly(const char **cursor, const char *end, wanted_t wanted, void *data, size_t count) {
  const char *at = *cursor;
  size_t taken = 0;
  for (; taken < count && end - at >= OR_PLAIN_MARGIN; ++taken) {
    or_plain_t plain;
    const char *behind = or_scan_plain(at, &plain);
    if (behind == NULL || *behind != ',' || !convert(&plain, wanted, data, taken)) break;
    at = behind + (behind[1] == ' ' ? 2 : 1);
  }
  *cursor = at;
  return taken;
}

/* Each way a function of its own: a compiler may use a target's instructions anywhere in a function that is for it. */
#define RUN(name, wanted)                                                                                         \
  VECTOR static size_t name##_by_block(const char **cursor, const char *end, void *data, size_t count) {          \
    return run_blocks(cursor, end, wanted, data, count);                                                          \
  }                                                                                                               \
  static size_t name(const char **cursor, const char *end, void *data, size_t count) {                            \
    return HAS_VECTOR ? name##_by_block(cursor, end, data, count) : run_singly(cursor, end, wanted, data, count); \
  }
RUN(singles, SINGLES)
RUN(doubles, DOUBLES)
RUN(nothing, NOTHING)

size_t or_run_singles(const char **cursor, const char *end, float *data, size_t count) {
  return singles(cursor, end, data, count);
}

size_t or_run_doubles(const char **cursor, const char *end, double *data, size_t count) {
  return doubles(cursor, end, data, count);
}

size_t or_run_over(const char **cursor, const char *end) { return nothing(cursor, end, NULL, SIZE_MAX); }
