#include "ops/elements.h"

#include <string.h>

#include "base/numbers.h"

#define LOAD(ctype, wide)                                      \
  do {                                                         \
    const ctype *from = (const ctype *)data + first;           \
    for (size_t i = 0; i < count; ++i) out[i] = (wide)from[i]; \
  } while (0)
#define STORE(ctype)                                             \
  do {                                                           \
    ctype *to = (ctype *)data + first;                           \
    for (size_t i = 0; i < count; ++i) to[i] = (ctype)values[i]; \
  } while (0)

void or_elements_load(or_dtype_t dtype, const void *data, uint64_t first, size_t count, double *out) {
  if (count == 0) return;
  switch (dtype) {
  case OR_FLOAT32: LOAD(float, double); break;
  case OR_FLOAT64: LOAD(double, double); break;
  case OR_BFLOAT16: {
    const uint16_t *from = (const uint16_t *)data + first;
    for (size_t i = 0; i < count; ++i) out[i] = (double)or_bfloat16_to_float(from[i]);
    break;
  }
  case OR_FLOAT16: {
    const uint16_t *from = (const uint16_t *)data + first;
    for (size_t i = 0; i < count; ++i) out[i] = (double)or_float16_to_float(from[i]);
    break;
  }
  default:
    for (size_t i = 0; i < count; ++i) out[i] = or_element_get(dtype, data, first + i);
  }
}

void or_elements_store(or_dtype_t dtype, void *data, uint64_t first, size_t count, const double *values) {
  if (count == 0) return;
  switch (dtype) {
  case OR_FLOAT32: STORE(float); break;
  case OR_FLOAT64: STORE(double); break;
  default:
    for (size_t i = 0; i < count; ++i) or_element_set(dtype, data, first + i, values[i]);
  }
}

void or_elements_load_int(or_dtype_t dtype, const void *data, uint64_t first, size_t count, uint64_t *out) {
  if (count == 0) return;
  switch (dtype) {
  case OR_INT8: LOAD(int8_t, uint64_t); break;
  case OR_BOOL:
  case OR_UINT8: LOAD(uint8_t, uint64_t); break;
  case OR_INT16: LOAD(int16_t, uint64_t); break;
  case OR_UINT16: LOAD(uint16_t, uint64_t); break;
  case OR_INT32: LOAD(int32_t, uint64_t); break;
  case OR_UINT32: LOAD(uint32_t, uint64_t); break;
  case OR_INT64: LOAD(int64_t, uint64_t); break;
  case OR_UINT64: LOAD(uint64_t, uint64_t); break;
  default:
    for (size_t i = 0; i < count; ++i) out[i] = (uint64_t)or_element_get_int(dtype, data, first + i);
  }
}

void or_elements_store_int(or_dtype_t dtype, void *data, uint64_t first, size_t count, const uint64_t *values) {
  if (count == 0) return;
  switch (dtype) {
  case OR_INT8:
  case OR_UINT8: STORE(uint8_t); break;
  case OR_INT16:
  case OR_UINT16: STORE(uint16_t); break;
  case OR_INT32:
  case OR_UINT32: STORE(uint32_t); break;
  case OR_INT64:
  case OR_UINT64: STORE(uint64_t); break;
  default:
    for (size_t i = 0; i < count; ++i) or_element_set_int(dtype, data, first + i, (int64_t)values[i]);
  }
}
