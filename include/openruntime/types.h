#ifndef OPENRUNTIME_TYPES_H
#define OPENRUNTIME_TYPES_H
/* Plain types that every other header uses: dtypes, shapes, the allocator, ownership of foreign memory. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(OR_BUILDING_LIBRARY) && (defined(__GNUC__) || defined(__clang__))
#define OR_API __attribute__((visibility("default")))
#else
#define OR_API
#endif

#if defined(__GNUC__) || defined(__clang__)
#define OR_MUST_USE __attribute__((warn_unused_result))
#define OR_PRINTF(format_index, first_index) __attribute__((format(printf, format_index, first_index)))
#else
#define OR_MUST_USE
#define OR_PRINTF(format_index, first_index)
#endif

/* Element types. The numbers are those of ONNX's TensorProto.DataType (onnx.proto, message TensorProto). */
typedef enum or_dtype_t {
  OR_DTYPE_NONE = 0,
  OR_FLOAT32 = 1,
  OR_UINT8 = 2,
  OR_INT8 = 3,
  OR_UINT16 = 4,
  OR_INT16 = 5,
  OR_INT32 = 6,
  OR_INT64 = 7,
  OR_STRING = 8, /* elements are or_string_t */
  OR_BOOL = 9,   /* one byte, 0 or 1 */
  OR_FLOAT16 = 10,
  OR_FLOAT64 = 11,
  OR_UINT32 = 12,
  OR_UINT64 = 13,
  OR_COMPLEX64 = 14,  /* two float32: real, imaginary */
  OR_COMPLEX128 = 15, /* two float64 */
  OR_BFLOAT16 = 16,
  OR_FLOAT8E4M3FN = 17,
  OR_FLOAT8E4M3FNUZ = 18,
  OR_FLOAT8E5M2 = 19,
  OR_FLOAT8E5M2FNUZ = 20,
  OR_UINT4 = 21, /* two a byte, first element in the low half */
  OR_INT4 = 22,
  OR_FLOAT4E2M1 = 23,
  OR_FLOAT8E8M0 = 24, /* a power of two, 2^-127 .. 2^127, or NaN: no sign, no zero */
  OR_UINT2 = 25,      /* four a byte, from the low bits up */
  OR_INT2 = 26,
  OR_FLOAT6E2M3 = 27, /* four in three bytes, from the low bits up */
  OR_FLOAT6E3M2 = 28,
} or_dtype_t;
#define OR_DTYPE_COUNT 29

/* One element of an OR_STRING tensor: UTF-8, not necessarily terminated; owned by the tensor's buffer. */
typedef struct or_string_t {
  const char *data;
  size_t length; /* bytes */
} or_string_t;

/* What a value of a model is. The elements of a sequence, and what an optional holds, are tensors of one dtype whose
 * shapes may differ. */
typedef enum or_value_form_t {
  OR_FORM_TENSOR,
  OR_FORM_SEQUENCE,
  OR_FORM_OPTIONAL_TENSOR,
  OR_FORM_OPTIONAL_SEQUENCE,
} or_value_form_t;

/* The most dimensions that a tensor may have. */
#define OR_MAX_RANK 16

/* Extents, outermost first; rank 0 is a scalar. In shapes that the library reports (model inputs, shape inference) an
 * extent may be unknown: -1 has no name, -(2 + s) is the symbol of index s of the graph or subgraph at hand. A tensor's
 * own extents are never negative. */
typedef struct or_shape_t {
  int32_t rank; /* 0..OR_MAX_RANK, or OR_RANK_UNKNOWN */
  int64_t dims[OR_MAX_RANK];
} or_shape_t;
#define OR_RANK_UNKNOWN (-1)
#define OR_DIM_UNKNOWN ((int64_t)-1)
#define OR_DIM_SYMBOL(s) (-(int64_t)(s)-2)
#define OR_DIM_SYMBOL_INDEX(dim) ((size_t)(-(dim)-2)) /* of a dim that is <= -2 */

/* The name of a dtype, "float32"-style; "invalid" for a number that is none. Never NULL. Any thread. */
OR_API const char *or_dtype_name(or_dtype_t dtype);
/* The dtype of a name; accepts "float32" and "fp32" styles, in any case; OR_DTYPE_NONE for others. `name` may be NULL.
 * Any thread. */
OR_API or_dtype_t or_dtype_from_name(const char *name);
/* Bytes that `count` elements take (types of less than 8 bits lie bit behind bit; rounded up). SIZE_MAX if it overflows
 * or the dtype is none. Any thread. */
OR_API size_t or_dtype_bytes(or_dtype_t dtype, uint64_t count);
/* Bits of one element; 0 if the dtype is none. Any thread. */
OR_API uint32_t or_dtype_bits(or_dtype_t dtype);

/* A shape of `rank` extents copied from `dims`; above OR_MAX_RANK its rank is OR_RANK_UNKNOWN. Any thread. */
OR_API or_shape_t or_shape_make(size_t rank, const int64_t *dims);
/* Number of elements; false (and *count untouched) if an extent is negative, the rank unknown, or the product exceeds
 * INT64_MAX. */
OR_API bool or_shape_count(const or_shape_t *shape, uint64_t *count);
OR_API bool or_shape_equal(const or_shape_t *a, const or_shape_t *b);
/* True if every extent is known. */
OR_API bool or_shape_is_static(const or_shape_t *shape);
/* Writes "[1,3,224,224]" (unknown: "?", symbols "s0") to `text`, always terminated; returns `text`. capacity > 0. */
OR_API char *or_shape_format(const or_shape_t *shape, char *text, size_t capacity);

/* Where memory comes from. The library takes all of its own heap memory from the allocator given to or_runtime_create;
 * the functions may be called from any thread at the same time and must not call back into the library. alloc   `bytes`
 * > 0 aligned to `alignment` (a power of two >= sizeof(void *)); NULL when there is none. release takes NULL. */
typedef struct or_allocator_t {
  void *self;
  void *(*alloc)(void *self, size_t bytes, size_t alignment);
  void (*release)(void *self, void *memory);
} or_allocator_t;

/* The C library's allocator (malloc and free). Lives forever. */
OR_API const or_allocator_t *or_allocator_system(void);

/* Ownership of memory that the library did not allocate: release(self) is called exactly once, from whichever thread
 * drops the last reference; it must not call back into the library. release may be NULL: nothing to do (the memory
 * outlives everything). */
typedef struct or_owner_t {
  void *self;
  void (*release)(void *self);
} or_owner_t;

#ifdef __cplusplus
}
#endif
#endif
