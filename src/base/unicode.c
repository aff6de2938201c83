#include "base/unicode.h"

#include "base/unicode_internal.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* Hangul syllables, section 3.12 of the Unicode standard. */
enum { S_BASE = 0xAC00, L_BASE = 0x1100, V_BASE = 0x1161, T_BASE = 0x11A7, L_COUNT = 19, V_COUNT = 21, T_COUNT = 28 };
#define S_COUNT (L_COUNT * V_COUNT * T_COUNT)

const or_unicode_record_t *or_unicode_record(uint32_t code) {
  static const or_unicode_record_t unassigned = {.bits = 1u << 29}, private_use = {.bits = 1u << 28};
  if (code >= OR_UNICODE_END) {
    if (code - OR_UNICODE_TAIL >= OR_UNICODE_TAIL_COUNT)
      return code >= 0xF0000 && (code & 0xFFFFu) < 0xFFFE ? &private_use : &unassigned;
    code = OR_UNICODE_END + (code - OR_UNICODE_TAIL);
  }
  size_t block = or_unicode_record_blocks[code / OR_UNICODE_BLOCK];
  return &or_unicode_records[or_unicode_record_indices[block * OR_UNICODE_BLOCK + code % OR_UNICODE_BLOCK]];
}

size_t or_unicode_write(uint32_t code, char out[4]) {
  if (code < 0x80) {
    out[0] = (char)code;
    return 1;
  }
  if (code < 0x800) {
    out[0] = (char)(0xC0 | code >> 6);
    out[1] = (char)(0x80 | (code & 0x3F));
    return 2;
  }
  if (code < 0x10000) {
    out[0] = (char)(0xE0 | code >> 12);
    out[1] = (char)(0x80 | (code >> 6 & 0x3F));
    out[2] = (char)(0x80 | (code & 0x3F));
    return 3;
  }
  out[0] = (char)(0xF0 | code >> 18);
  out[1] = (char)(0x80 | (code >> 12 & 0x3F));
  out[2] = (char)(0x80 | (code >> 6 & 0x3F));
  out[3] = (char)(0x80 | (code & 0x3F));
  return 4;
}

static size_t decompose_hangul(uint32_t code, uint32_t *out) {
  uint32_t place = code - S_BASE, tail = place % T_COUNT;
  out[0] = L_BASE + place / (V_COUNT * T_COUNT);
  out[1] = V_BASE + place % (V_COUNT * T_COUNT) / T_COUNT;
  out[2] = T_BASE + tail;
  return tail != 0 ? 3 : 2;
}

/* A text of the pool: its number of UTF-16 units, then they. */
static size_t expand(const uint16_t *text, uint32_t *out) {
  size_t units = text[0], count = 0;
  for (size_t i = 1; i <= units; ++i) {
    uint32_t unit = text[i];
    if (unit >= 0xD800 && unit < 0xDC00) unit = 0x10000 + ((unit - 0xD800) << 10) + (text[++i] - 0xDC00u);
    out[count++] = unit;
  }
  return count;
}

size_t or_unicode_decompose(uint32_t code, bool compatible, uint32_t out[OR_UNICODE_DECOMPOSED_MAX]) {
  if (code - S_BASE < S_COUNT) return decompose_hangul(code, out);
  size_t block = code / OR_UNICODE_BLOCK, within = code % OR_UNICODE_BLOCK, place = 0;
  if (compatible && block < COUNT(or_unicode_compatible_blocks)) {
    place = or_unicode_compatible_indices[(size_t)or_unicode_compatible_blocks[block] * OR_UNICODE_BLOCK + within];
    if (place != 0) return expand(&or_unicode_compatible_pool[place], out);
  }
  if (block < COUNT(or_unicode_canonical_blocks))
    place = or_unicode_canonical_indices[(size_t)or_unicode_canonical_blocks[block] * OR_UNICODE_BLOCK + within];
  return place != 0 ? expand(&or_unicode_canonical_pool[place], out) : 0;
}

uint32_t or_unicode_compose(uint32_t first, uint32_t second) {
  if (first - L_BASE < L_COUNT && second - V_BASE < V_COUNT)
    return S_BASE + ((first - L_BASE) * V_COUNT + (second - V_BASE)) * T_COUNT;
  if (first - S_BASE < S_COUNT && (first - S_BASE) % T_COUNT == 0 && second - T_BASE - 1 < T_COUNT - 1)
    return first + (second - T_BASE);
  size_t low = 0, high = OR_UNICODE_PAIRS;
  while (low < high) {
    size_t middle = (low + high) / 2;
    const or_unicode_pair_t *pair = &or_unicode_pairs[middle];
    if (pair->first == first && pair->second == second) return pair->composed;
    if (pair->first < first || (pair->first == first && pair->second < second)) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return 0;
}
