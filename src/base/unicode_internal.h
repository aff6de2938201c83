#ifndef OR_BASE_UNICODE_INTERNAL_H
#define OR_BASE_UNICODE_INTERNAL_H
/* The tables that tools/make_unicode.py writes. Two stages: indices[blocks[place / BLOCK] * BLOCK + place % BLOCK],
 * where the place is the code point, or for the tail OR_UNICODE_END and on. */

#include "base/unicode.h"

#define OR_UNICODE_BLOCK 32
#define OR_UNICODE_END 0x32400u
#define OR_UNICODE_TAIL 0xE0000u
#define OR_UNICODE_TAIL_COUNT 0x200u
#define OR_UNICODE_PAIRS 961

typedef struct or_unicode_pair_t {
  uint32_t first, second, composed;
} or_unicode_pair_t;

extern const or_unicode_record_t or_unicode_records[267];
extern const uint16_t or_unicode_record_blocks[6448];
extern const uint16_t or_unicode_record_indices[20064];
extern const uint16_t or_unicode_canonical_pool[5489];
extern const uint8_t or_unicode_canonical_blocks[6097];
extern const uint16_t or_unicode_canonical_indices[4256];
extern const uint16_t or_unicode_compatible_pool[5371];
extern const uint8_t or_unicode_compatible_blocks[4064];
extern const uint16_t or_unicode_compatible_indices[5760];
extern const or_unicode_pair_t or_unicode_pairs[OR_UNICODE_PAIRS]; /* by first, then second */

#endif
