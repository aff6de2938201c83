#ifndef OR_OPS_ELEMENTS_H
#define OR_OPS_ELEMENTS_H
/* Runs of packed elements as doubles or as 64-bit integers, and back: what the references compute in. One switch a run, not an element.
 * All functions are pure: any thread. The dtype is numeric or bool. */

#include "base/alloc.h"

/* Elements that a reference loads at a time, where its rows may be of any length. */
#define OR_ELEMENTS_CHUNK 256

/* out[i] = data[first + i] for i < count. */
void or_elements_load(or_dtype_t dtype, const void *data, uint64_t first, size_t count, double *out);
/* data[first + i] = values[i], rounded once to the dtype as or_element_set does. */
void or_elements_store(or_dtype_t dtype, void *data, uint64_t first, size_t count, const double *values);
/* The same for integer dtypes and bool, exactly: two's complement bits, signed types sign-extended; stores keep the low bits, so sums and
 * products modulo 2^64 wrap as the dtype does. */
void or_elements_load_int(or_dtype_t dtype, const void *data, uint64_t first, size_t count, uint64_t *out);
void or_elements_store_int(or_dtype_t dtype, void *data, uint64_t first, size_t count, const uint64_t *values);

#endif
