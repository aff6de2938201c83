/* Transposition in plain C, by blocks that fit the first-level cache. */
#include <string.h>

#include "backends/cpu/kernels/levels_internal.h"

enum { BLOCK = 32 };

#define DEFINE_BLOCK(T, NAME)                                                                                       \
  static void NAME(size_t rows, size_t columns, const void *src_any, size_t src_ld, void *dst_any, size_t dst_ld) { \
    const T *src = src_any;                                                                                         \
    T *dst = dst_any;                                                                                               \
    for (size_t c = 0; c < columns; ++c) {                                                                          \
      for (size_t r = 0; r < rows; ++r) dst[c * dst_ld + r] = src[r * src_ld + c];                                  \
    }                                                                                                               \
  }
DEFINE_BLOCK(uint8_t, block_1)
DEFINE_BLOCK(uint16_t, block_2)
DEFINE_BLOCK(uint32_t, block_4)
DEFINE_BLOCK(uint64_t, block_8)

/* Elements of any size, one row of dst. */
static void row_any(size_t bytes, size_t rows, const char *src, size_t src_row_bytes, char *dst) {
  for (size_t r = 0; r < rows; ++r) memcpy(dst + r * bytes, src + r * src_row_bytes, bytes);
}

void or_transpose_portable(size_t element_bytes, size_t rows, size_t columns, const void *src, size_t src_ld, void *dst,
                           size_t dst_ld) {
  for (size_t r = 0; r < rows; r += BLOCK) {
    const size_t high = rows - r < BLOCK ? rows - r : BLOCK;
    for (size_t c = 0; c < columns; c += BLOCK) {
      const size_t wide = columns - c < BLOCK ? columns - c : BLOCK;
      const char *from = (const char *)src + (r * src_ld + c) * element_bytes;
      char *to = (char *)dst + (c * dst_ld + r) * element_bytes;
      switch (element_bytes) {
      case 1: block_1(high, wide, from, src_ld, to, dst_ld); break;
      case 2: block_2(high, wide, from, src_ld, to, dst_ld); break;
      case 4: block_4(high, wide, from, src_ld, to, dst_ld); break;
      case 8: block_8(high, wide, from, src_ld, to, dst_ld); break;
      default:
        for (size_t i = 0; i < wide; ++i) {
          row_any(element_bytes, high, from + i * element_bytes, src_ld * element_bytes,
                  to + i * dst_ld * element_bytes);
        }
      }
    }
  }
}
