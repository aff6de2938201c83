#include "openruntime/types.h"

#include <string.h>

#include "base/string.h"

static const struct {
  const char *name;
  uint32_t bits;
} dtypes[OR_DTYPE_COUNT] = {
    [OR_DTYPE_NONE] = {"invalid", 0},
    [OR_FLOAT32] = {"float32", 32},
    [OR_UINT8] = {"uint8", 8},
    [OR_INT8] = {"int8", 8},
    [OR_UINT16] = {"uint16", 16},
    [OR_INT16] = {"int16", 16},
    [OR_INT32] = {"int32", 32},
    [OR_INT64] = {"int64", 64},
    [OR_STRING] = {"string", 8 * sizeof(or_string_t)},
    [OR_BOOL] = {"bool", 8},
    [OR_FLOAT16] = {"float16", 16},
    [OR_FLOAT64] = {"float64", 64},
    [OR_UINT32] = {"uint32", 32},
    [OR_UINT64] = {"uint64", 64},
    [OR_COMPLEX64] = {"complex64", 64},
    [OR_COMPLEX128] = {"complex128", 128},
    [OR_BFLOAT16] = {"bfloat16", 16},
    [OR_FLOAT8E4M3FN] = {"float8e4m3fn", 8},
    [OR_FLOAT8E4M3FNUZ] = {"float8e4m3fnuz", 8},
    [OR_FLOAT8E5M2] = {"float8e5m2", 8},
    [OR_FLOAT8E5M2FNUZ] = {"float8e5m2fnuz", 8},
    [OR_UINT4] = {"uint4", 4},
    [OR_INT4] = {"int4", 4},
    [OR_FLOAT4E2M1] = {"float4e2m1", 4},
    [OR_FLOAT8E8M0] = {"float8e8m0", 8},
    [OR_UINT2] = {"uint2", 2},
    [OR_INT2] = {"int2", 2},
    [OR_FLOAT6E2M3] = {"float6e2m3", 6},
    [OR_FLOAT6E3M2] = {"float6e3m2", 6},
};

static bool is_dtype(or_dtype_t dtype) { return (int)dtype > (int)OR_DTYPE_NONE && (int)dtype < OR_DTYPE_COUNT; }

const char *or_dtype_name(or_dtype_t dtype) { return dtypes[is_dtype(dtype) ? dtype : OR_DTYPE_NONE].name; }

uint32_t or_dtype_bits(or_dtype_t dtype) { return dtypes[is_dtype(dtype) ? dtype : OR_DTYPE_NONE].bits; }

or_dtype_t or_dtype_from_name(const char *name) {
  static const char *const prefixes[][2] = {{"fp", "float"}, {"bf", "bfloat"}};
  char full[32] = "";
  if (name == NULL || strlen(name) >= sizeof full - strlen("bfloat")) return OR_DTYPE_NONE;
  (void)or_format(full, sizeof full, "%s", name);
  for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; ++i) {
    size_t length = strlen(prefixes[i][0]);
    char start[3] = {name[0], length > 0 && name[0] != '\0' ? name[1] : '\0', '\0'};
    if (or_string_equal_nocase(start, prefixes[i][0]) && name[length] >= '0' && name[length] <= '9') {
      (void)or_format(full, sizeof full, "%s%s", prefixes[i][1], name + length);
    }
  }
  for (int dtype = OR_DTYPE_NONE + 1; dtype < OR_DTYPE_COUNT; ++dtype) {
    if (or_string_equal_nocase(full, dtypes[dtype].name)) return (or_dtype_t)dtype;
  }
  return OR_DTYPE_NONE;
}

size_t or_dtype_bytes(or_dtype_t dtype, uint64_t count) {
  uint64_t bits = or_dtype_bits(dtype);
  if (bits == 0) return SIZE_MAX;
  uint64_t bytes = count / 8 * bits + (count % 8 * bits + 7) / 8; /* of a type of less than 8 bits */
  if (bits >= 8 && __builtin_mul_overflow(count, bits / 8, &bytes)) return SIZE_MAX;
  return bytes <= SIZE_MAX ? (size_t)bytes : SIZE_MAX;
}

or_shape_t or_shape_make(size_t rank, const int64_t *dims) {
  or_shape_t shape = {.rank = OR_RANK_UNKNOWN};
  if (rank > OR_MAX_RANK) return shape;
  shape.rank = (int32_t)rank;
  if (rank > 0) memcpy(shape.dims, dims, rank * sizeof dims[0]);
  return shape;
}

bool or_shape_count(const or_shape_t *shape, uint64_t *count) {
  if (!or_shape_is_static(shape)) return false;
  int64_t product = 1;
  bool overflow = false, zero = false;
  for (int32_t i = 0; i < shape->rank; ++i) {
    zero = zero || shape->dims[i] == 0;
    overflow = overflow || __builtin_mul_overflow(product, shape->dims[i], &product);
  }
  /* A zero extent makes the product zero, however large the others are. */
  if (overflow && !zero) return false;
  *count = zero ? 0 : (uint64_t)product;
  return true;
}

bool or_shape_equal(const or_shape_t *a, const or_shape_t *b) {
  if (a->rank != b->rank) return false;
  return a->rank <= 0 || memcmp(a->dims, b->dims, (size_t)a->rank * sizeof a->dims[0]) == 0;
}

bool or_shape_is_static(const or_shape_t *shape) {
  if (shape->rank < 0 || shape->rank > OR_MAX_RANK) return false;
  for (int32_t i = 0; i < shape->rank; ++i) {
    if (shape->dims[i] < 0) return false;
  }
  return true;
}

char *or_shape_format(const or_shape_t *shape, char *text, size_t capacity) {
  if (shape->rank < 0 || shape->rank > OR_MAX_RANK) return or_format(text, capacity, "[...]");
  size_t length = strlen(or_format(text, capacity, "["));
  for (int32_t i = 0; i < shape->rank; ++i) {
    const char *comma = i > 0 ? "," : "";
    char *end = text + length;
    size_t room = capacity - length;
    int64_t dim = shape->dims[i];
    if (dim >= 0) {
      (void)or_format(end, room, "%s%lld", comma, (long long)dim);
    } else if (dim == OR_DIM_UNKNOWN) {
      (void)or_format(end, room, "%s?", comma);
    } else {
      (void)or_format(end, room, "%ss%zu", comma, OR_DIM_SYMBOL_INDEX(dim));
    }
    length += strlen(end);
  }
  (void)or_format(text + length, capacity - length, "]");
  return text;
}
