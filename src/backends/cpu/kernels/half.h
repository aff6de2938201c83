/* One fp16 or bf16 value to fp32 and back, on the bits, in plain C. */
#ifndef OR_BACKENDS_CPU_KERNELS_HALF_H
#define OR_BACKENDS_CPU_KERNELS_HALF_H

#include <stdint.h>
#include <string.h>

static inline float or_half_from_bits(uint32_t bits) {
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

static inline uint32_t or_half_to_bits(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  return bits;
}

static inline float or_bf16_to_float(uint16_t x) { return or_half_from_bits((uint32_t)x << 16); }

static inline uint16_t or_bf16_from_float(float x) {
  const uint32_t bits = or_half_to_bits(x);
  if (x != x) return (uint16_t)(bits >> 16 | 0x40);
  return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

static inline float or_f16_to_float(uint16_t x) {
  const uint32_t sign = (uint32_t)(x & 0x8000) << 16, exponent = x >> 10 & 31, fraction = x & 1023;
  if (exponent == 31) return or_half_from_bits(sign | 0x7f800000 | fraction << 13 | (fraction ? 0x400000 : 0));
  if (exponent > 0) return or_half_from_bits(sign | (exponent + 112) << 23 | fraction << 13);
  const float small = (float)fraction * 5.9604644775390625e-8f; /* 2^-24 */
  return or_half_from_bits(sign | or_half_to_bits(small));
}

static inline uint16_t or_f16_from_float(float x) {
  const uint32_t bits = or_half_to_bits(x), sign = bits >> 16 & 0x8000, magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return (uint16_t)(sign | 0x7e00 | (magnitude >> 13 & 0x3ff));
  if (magnitude >= 0x477ff000) return (uint16_t)(sign | 0x7c00); /* rounds to 65536 or more */
  if (magnitude < 0x38800000) {
    /* The last place of a sum just over 1/2 is 2^-24, that of a denormal: the addition rounds to nearest even. */
    const float sum = or_half_from_bits(magnitude) + 0.5f;
    return (uint16_t)(sign | (or_half_to_bits(sum) - 0x3f000000));
  }
  return (uint16_t)(sign | ((magnitude - 0x38000000 + 0xfff + (magnitude >> 13 & 1)) >> 13));
}

#endif
