#ifndef OR_OPS_ELEMENTS_H
#define OR_OPS_ELEMENTS_H
/* Neighbouring elements, any number of them, as doubles or as 64-bit integers, and back: lanes.h for arrays that the
 * caller lays out. The dtype is numeric or bool. All functions are pure: any thread. */

#include "ops/lanes.h"
#include "ops/stop.h"

/* out[i] = data[first + i] for i < count. */
void or_elements_load(or_dtype_t dtype, const void *data, uint64_t first, size_t count, double *out);
/* The same for very many: the call may stop midway, and then the rest of `out` is not written. */
void or_elements_load_long(or_stop_t *stop, or_dtype_t dtype, const void *data, uint64_t first, size_t count,
                           double *out);
/* data[first + i] = values[i], rounded once. */
void or_elements_store(or_dtype_t dtype, void *data, uint64_t first, size_t count, const double *values);
/* The same for integer dtypes and bool: two's complement bits, signed types sign-extended; stores keep the low bits, so
 * that sums and products modulo 2^64 wrap as the dtype does. */
void or_elements_load_int(or_dtype_t dtype, const void *data, uint64_t first, size_t count, uint64_t *out);
void or_elements_store_int(or_dtype_t dtype, void *data, uint64_t first, size_t count, const uint64_t *values);

/* to[at + i] = from[first + i] for i < count, as bits of any dtype of fixed width; elements beside them in a byte stay.
 * Copies front to back. */
void or_elements_copy(or_dtype_t dtype, const void *from, uint64_t first, void *to, uint64_t at, uint64_t count);

#endif
