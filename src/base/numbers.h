#ifndef OR_BASE_NUMBERS_H
#define OR_BASE_NUMBERS_H
/* Numbers as text, fast and exact: a scanner for JSON number arrays and a writer of the shortest decimal that reads
 * back the same. And conversions between dtypes, element by element. */

#include "openruntime/status.h"

/* Scans one JSON number (or, where allowed by JSON tensors, the strings "NaN", "Infinity", "-Infinity" with their
 * quotes, true, false) at *cursor, before `end`. Correctly rounded. On success *cursor is behind it. INVALID_ARGUMENT
 * otherwise, cursor unchanged. */
or_status_t or_number_scan_double(const char **cursor, const char *end, double *out);
/* An integer in [INT64_MIN, UINT64_MAX]; *negative says how to read *out. OUT_OF_RANGE beyond. */
or_status_t or_number_scan_integer(const char **cursor, const char *end, uint64_t *out, bool *negative);
/* Scans a (nested or flat) JSON array of numbers at *cursor into packed elements; exactly `count` of them, nesting at
 * most OR_MAX_RANK, values checked against the dtype's range. INVALID_ARGUMENT names the element. */
or_status_t or_number_scan_array(const char **cursor, const char *end, or_dtype_t dtype, void *data, size_t count);
/* Reads the numbers in the text of an array, nested or not, that is known to be valid JSON, into packed elements: until
 * `count` are read, the text ends, or one comes that the dtype can't hold. For whole numbers and bool that is one with
 * a point or an exponent or out of range; floats take all, infinity beyond their range, float8 as ONNX Cast. Complex:
 * twice as many numbers as elements. Returns how many; *cursor is at the next, or `end`. */
size_t or_number_fill(const char **cursor, const char *end, or_dtype_t dtype, void *data, size_t count);
/* Shortest decimal; returns the length (at most 32), not terminated. Finite values only. */
size_t or_number_write_double(double value, char *text);
size_t or_number_write_float(float value, char *text);

/* Conversions, round to nearest even, NaN kept, overflow to infinity. */
float or_float16_to_float(uint16_t bits);
uint16_t or_float_to_float16(float value);
float or_bfloat16_to_float(uint16_t bits);
uint16_t or_float_to_bfloat16(float value);
/* The power of two that a float8e8m0 becomes of the magnitude of a number: the next one `up` or `down`, or the nearest
 * (half way goes up). What no code stands for (0, infinity, numbers beyond 2^-127 .. 2^127) becomes the nearest end
 * where `saturate` says so, else NaN. ONNX, Cast 24. */
typedef enum or_e8m0_rounding_t { OR_E8M0_UP, OR_E8M0_DOWN, OR_E8M0_NEAREST } or_e8m0_rounding_t;
uint8_t or_double_to_float8e8m0(double value, or_e8m0_rounding_t rounding, bool saturate);
/* Element `index` of data in which elements of 2, 4 or 6 bits follow each other bit by bit, from the low bits of a byte
 * up. */
uint32_t or_bits_get(uint32_t bits, const void *data, uint64_t index);
/* Overwrites that element only. */
void or_bits_set(uint32_t bits, void *data, uint64_t index, uint32_t code);
/* The same, and what is behind it in its last byte becomes 0: for elements written in order to fresh memory. */
void or_bits_append(uint32_t bits, void *data, uint64_t index, uint32_t code);
/* to[at + i] = from[first + i] for i < count, of elements of `bits`: fewer than 8, or a multiple of them. What lies
 * beside them in a byte stays. Copies front to back. */
void or_bits_copy(uint32_t bits, const void *from, uint64_t first, void *to, uint64_t at, uint64_t count);
/* Element `index` of packed data as double / int64 (types of less than 8 bits and float8 too; complex: the real part),
 * and back with the dtype's rounding and saturation as ONNX Cast has it for float to float8, C conversion for the rest.
 * The dtype is numeric or bool. */
double or_element_get(or_dtype_t dtype, const void *data, size_t index);
int64_t or_element_get_int(or_dtype_t dtype, const void *data, size_t index);
void or_element_set(or_dtype_t dtype, void *data, size_t index, double value);
void or_element_set_int(or_dtype_t dtype, void *data, size_t index, int64_t value);
bool or_dtype_is_float(or_dtype_t dtype);   /* float64, 32, 16, bfloat16, float8, float6, float4 */
bool or_dtype_is_integer(or_dtype_t dtype); /* signed and unsigned, 2 to 64 bits; not bool */
bool or_dtype_is_signed(or_dtype_t dtype);
/* The largest finite value of a numeric dtype (65504 for float16, 127 for int8; 2^63, 2^64 for 64-bit integers). */
double or_dtype_largest(or_dtype_t dtype);

/* A 64-bit hash of bytes (seeded), for caches and content identity, not for security. */
uint64_t or_hash_bytes(const void *bytes, size_t length, uint64_t seed);

/* A small seeded generator (splitmix64) for synthetic inputs: the same on every machine. */
typedef struct or_random_t {
  uint64_t state;
} or_random_t;
uint64_t or_random_next(or_random_t *random);
double or_random_uniform(or_random_t *random); /* [0, 1) */
/* Fills `count` elements: floats uniform in [-1, 1), integers uniform in [-8, 8) (unsigned [0, 16)) or, of
 * 2 bits, over all values, bool fair, float8e8m0 one of 2^-4 .. 2^3. */
void or_random_fill(or_random_t *random, or_dtype_t dtype, void *data, size_t count);

#endif
