#ifndef OR_BACKENDS_CPU_BYTES_INTERNAL_H
#define OR_BACKENDS_CPU_BYTES_INTERNAL_H
/* Quantised bytes, signed or not, for products that take a signed second operand, and int32 that wraps. */

#include <string.h>

#include "openruntime/types.h"

static inline bool or_cpu_is_byte(or_dtype_t dtype) { return dtype == OR_INT8 || dtype == OR_UINT8; }

/* Less 128 each. */
static inline void or_cpu_to_signed(size_t count, const uint8_t *from, int8_t *to) {
  size_t i = 0;
  for (uint64_t eight = 0; i + sizeof eight <= count; i += sizeof eight) {
    memcpy(&eight, from + i, sizeof eight);
    eight ^= UINT64_C(0x8080808080808080);
    memcpy(to + i, &eight, sizeof eight);
  }
  for (; i < count; ++i) to[i] = (int8_t)(from[i] ^ 0x80U);
}

/* 0 where `data` is NULL. */
static inline int32_t or_cpu_byte_at(const void *data, bool is_signed, size_t index) {
  if (data == NULL) return 0;
  return is_signed ? ((const int8_t *)data)[index] : ((const uint8_t *)data)[index];
}

static inline uint32_t or_cpu_times(int32_t a, int32_t b) { return (uint32_t)a * (uint32_t)b; }

#endif
