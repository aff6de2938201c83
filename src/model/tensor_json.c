#include "model/tensor_json.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/numbers.h"
#include "model/nesting.h"

static or_status_t read_shape(const or_json_value_t *value, or_shape_t *out);
static or_status_t fill_from_text(const or_json_value_t *data, or_tensor_data_t *out, uint64_t count);
static or_status_t read_strings(const or_allocator_t *allocator, const or_json_value_t *data, uint64_t count,
                                or_tensor_data_t *out);
static or_status_t fill(const or_json_value_t *data, or_tensor_data_t *out, uint64_t count);
static or_status_t set_element(or_tensor_data_t *out, uint64_t index, const or_json_value_t *item);
static bool is_non_finite(const or_json_value_t *item);
static or_status_t check_nesting(const or_json_value_t *data, const or_tensor_data_t *out);

or_status_t or_tensor_json_read_type(const or_json_value_t *value, or_tensor_data_t *out) {
  const char *dtype = or_json_get_string(or_json_get(value, "dtype"), "float32");
  uint64_t count = 0;
  *out = (or_tensor_data_t){.dtype = or_dtype_from_name(dtype)};
  if (or_json_kind(value) != OR_JSON_OBJECT)
    return or_error(OR_INVALID_ARGUMENT, "a tensor is an object {shape, dtype, data}");
  const or_json_value_t *named = or_json_get(value, "dtype");
  if (named != NULL && or_json_kind(named) != OR_JSON_STRING)
    return or_error(OR_INVALID_ARGUMENT, "\"dtype\" is not a string");
  if (out->dtype == OR_DTYPE_NONE) return or_error(OR_INVALID_ARGUMENT, "dtype \"%s\" is not one of tensors", dtype);
  or_status_t status = read_shape(or_json_get(value, "shape"), &out->shape);
  if (!or_ok(status)) return status;
  if (!or_shape_count(&out->shape, &count)) return or_error(OR_OUT_OF_RANGE, "the shape's product overflows");
  out->bytes = or_dtype_bytes(out->dtype, count);
  if (out->bytes > OR_TENSOR_JSON_MAX_BYTES)
    return or_error(OR_OUT_OF_RANGE, "the tensor takes %zu bytes; the limit is %zu", out->bytes,
                    OR_TENSOR_JSON_MAX_BYTES);
  return status;
}

or_status_t or_tensor_json_read(const or_allocator_t *allocator, const or_json_value_t *value, or_tensor_data_t *out) {
  const or_json_value_t *data = or_json_get(value, "data"), *base64 = or_json_get(value, "data_base64");
  uint64_t count = 0;
  or_status_t status = or_tensor_json_read_type(value, out);
  if (!or_ok(status)) return status;
  (void)or_shape_count(&out->shape, &count); /* it was counted */
  if ((data == NULL) == (base64 == NULL) || (base64 != NULL && or_json_kind(base64) != OR_JSON_STRING))
    return or_error(OR_INVALID_ARGUMENT, "a tensor needs either \"data\", an array, or \"data_base64\", a string");
  if (out->dtype == OR_STRING) return read_strings(allocator, data, count, out);
  status = or_alloc_zeroed(allocator, out->bytes + 3, &out->data); /* base64 decodes in threes */
  if (!or_ok(status)) return status;
  size_t length = 0, text_length = or_json_string_length(base64);
  if (data != NULL) {
    const bool text = or_json_kind(data) == OR_JSON_NUMBERS;
    status = text ? fill_from_text(data, out, count) : fill(data, out, count);
    if (or_ok(status)) status = check_nesting(data, out);
  } else if (text_length / 4 * 3 > out->bytes + 2 ||
             !or_base64_decode(or_json_get_string(base64, ""), text_length, out->data, &length) ||
             length != out->bytes) {
    status = or_error(OR_INVALID_ARGUMENT, "\"data_base64\" is not the base64 of %zu bytes", out->bytes);
  } else if (out->dtype == OR_BOOL) {
    status = or_truth_check(out->data, out->bytes);
  }
  if (!or_ok(status)) {
    or_free(allocator, out->data);
    out->data = NULL;
  }
  return status;
}

or_status_t or_truth_check(const void *data, size_t count) {
  const uint8_t *bytes = data;
  uint8_t any = 0;
  size_t first = 0;
  for (size_t i = 0; i < count; ++i) any |= bytes[i];
  if (any <= 1) return or_status_success();
  while (bytes[first] <= 1) ++first;
  return or_error(OR_INVALID_ARGUMENT, "element %zu is the byte %u; a truth value is 0 or 1", first, bytes[first]);
}

/* Its values are as many as the shape says: that they lie as it says too. */
static or_status_t check_nesting(const or_json_value_t *data, const or_tensor_data_t *out) {
  return or_nesting_check(data, &out->shape, out->dtype == OR_COMPLEX64 || out->dtype == OR_COMPLEX128);
}

static or_status_t read_shape(const or_json_value_t *value, or_shape_t *out) {
  size_t rank = or_json_count(value);
  if (or_json_kind(value) != OR_JSON_ARRAY || rank > OR_MAX_RANK)
    return or_error(OR_INVALID_ARGUMENT, "\"shape\" must be an array of at most %d whole numbers", OR_MAX_RANK);
  out->rank = (int32_t)rank;
  for (size_t d = 0; d < rank; ++d) {
    const or_json_value_t *dim = or_json_at(value, d);
    out->dims[d] = or_json_get_int(dim, -1);
    if (or_json_kind(dim) != OR_JSON_INTEGER || out->dims[d] < 0)
      return or_error(OR_INVALID_ARGUMENT, "\"shape\"[%zu] must be a whole number >= 0", d);
  }
  return or_status_success();
}

static or_status_t too_many(uint64_t count) {
  return or_error(OR_INVALID_ARGUMENT, "\"data\" has more than the shape's %llu values", (unsigned long long)count);
}

static or_status_t too_few(uint64_t filled, uint64_t count) {
  return or_error(OR_INVALID_ARGUMENT, "\"data\" has %llu values; the shape needs %llu", (unsigned long long)filled,
                  (unsigned long long)count);
}

static or_status_t not_a(or_dtype_t dtype, uint64_t index) {
  return or_error(OR_INVALID_ARGUMENT, "\"data\": value %llu is not a %s", (unsigned long long)index,
                  or_dtype_name(dtype));
}

static or_status_t not_held(or_dtype_t dtype, uint64_t index, int64_t value) {
  return or_error(OR_INVALID_ARGUMENT, "\"data\": value %llu is %lld, which %s can't hold", (unsigned long long)index,
                  (long long)value, or_dtype_name(dtype));
}

/* Why the number that begins at `at` is none of that dtype. */
static or_status_t not_filled(const char *at, const char *end, or_dtype_t dtype, uint64_t index) {
  uint64_t value = 0;
  bool negative = false;
  or_status_t status = or_number_scan_integer(&at, end, &value, &negative);
  if (or_ok(status) && (negative || value <= INT64_MAX)) return not_held(dtype, index, (int64_t)value);
  or_status_ignore(status); /* a number with a point, or a huge one */
  return not_a(dtype, index);
}

/* Numbers that the document kept as they stood in the text, which saves a value for each. */
static or_status_t fill_from_text(const or_json_value_t *data, or_tensor_data_t *out, uint64_t count) {
  size_t bytes = 0;
  const char *at = or_json_numbers_text(data, &bytes), *end = at + bytes;
  const size_t filled = or_number_fill(&at, end, out->dtype, out->data, (size_t)count);
  if (out->dtype == OR_COMPLEX64 || out->dtype == OR_COMPLEX128) count *= 2;
  if (at == end) return filled == count ? or_status_success() : too_few(filled, count);
  return filled == count ? too_many(count) : not_filled(at, end, out->dtype, filled);
}

/* The values of a flat or nested array, row-major: the positions in each nesting are kept, nothing recurses. */
typedef struct walk_t {
  const or_json_value_t *arrays[OR_MAX_RANK + 1];
  size_t positions[OR_MAX_RANK + 1], depth;
} walk_t;

/* The next value; NULL at the end. */
static or_status_t next_value(walk_t *walk, const or_json_value_t **out) {
  *out = NULL;
  while (walk->depth > 0) {
    const size_t top = walk->depth - 1;
    if (walk->positions[top] == or_json_count(walk->arrays[top])) {
      --walk->depth;
      continue;
    }
    const or_json_value_t *item = or_json_at(walk->arrays[top], walk->positions[top]++);
    if (or_json_kind(item) != OR_JSON_ARRAY) {
      *out = item;
      return or_status_success();
    }
    if (walk->depth > OR_MAX_RANK)
      return or_error(OR_INVALID_ARGUMENT, "\"data\" is nested deeper than %d", OR_MAX_RANK);
    walk->arrays[walk->depth] = item;
    walk->positions[walk->depth++] = 0;
  }
  return or_status_success();
}

/* Numbers that were kept as text beside others that were not, as a row without NaN is beside one that has some. */
static or_status_t fill_row(const or_json_value_t *row, or_tensor_data_t *out, uint64_t count, uint64_t *filled) {
  size_t bytes = 0;
  const char *at = or_json_numbers_text(row, &bytes), *end = at + bytes;
  const bool whole = or_dtype_is_integer(out->dtype) || out->dtype == OR_BOOL;
  while (true) {
    uint64_t element[2] = {0, 0}; /* of any dtype */
    if (or_number_fill(&at, end, out->dtype, element, 1) == 0) break;
    if (*filled == count) return too_many(count);
    const size_t index = (size_t)(*filled)++;
    if (whole) {
      or_element_set_int(out->dtype, out->data, index, or_element_get_int(out->dtype, element, 0));
    } else if (or_dtype_bits(out->dtype) % 8 != 0) { /* several share a byte */
      or_element_set(out->dtype, out->data, index, or_element_get(out->dtype, element, 0));
    } else {
      const size_t size = or_dtype_bytes(out->dtype, 1);
      memcpy((char *)out->data + index * size, element, size);
    }
  }
  if (at == end) return or_status_success();
  return *filled == count ? too_many(count) : not_filled(at, end, out->dtype, *filled);
}

static or_status_t fill(const or_json_value_t *data, or_tensor_data_t *whole, uint64_t count) {
  or_tensor_data_t parts = *whole, *out = &parts;
  if (whole->dtype == OR_COMPLEX64 || whole->dtype == OR_COMPLEX128) { /* a pair of values an element */
    parts.dtype = whole->dtype == OR_COMPLEX64 ? OR_FLOAT32 : OR_FLOAT64;
    count *= 2; /* its bytes fit: they are allocated */
  }
  walk_t walk = {.arrays = {data}, .depth = 1};
  const or_json_value_t *item = NULL;
  uint64_t filled = 0;
  if (or_json_kind(data) != OR_JSON_ARRAY) return or_error(OR_INVALID_ARGUMENT, "\"data\" is not an array");
  or_status_t status = next_value(&walk, &item);
  for (; or_ok(status) && item != NULL; status = next_value(&walk, &item)) {
    if (or_json_kind(item) == OR_JSON_NUMBERS) {
      status = fill_row(item, out, count, &filled);
    } else {
      if (filled == count) return too_many(count);
      status = set_element(out, filled++, item);
    }
    if (!or_ok(status)) return status;
  }
  if (!or_ok(status)) return status;
  return filled == count ? or_status_success() : too_few(filled, count);
}

/* Counts the values and their text; with `strings`, which have room for both, fills them. */
static or_status_t take_strings(const or_json_value_t *data, uint64_t count, or_string_t *strings, size_t *text_bytes) {
  walk_t walk = {.arrays = {data}, .depth = 1};
  const or_json_value_t *item = NULL;
  char *text = strings != NULL ? (char *)(strings + count) : NULL;
  uint64_t taken = 0;
  *text_bytes = 0; /* no more than the document has */
  or_status_t status = next_value(&walk, &item);
  for (; or_ok(status) && item != NULL; status = next_value(&walk, &item)) {
    const size_t length = or_json_string_length(item);
    if (taken == count) return too_many(count);
    if (or_json_kind(item) != OR_JSON_STRING) return not_a(OR_STRING, taken);
    if (strings != NULL) {
      strings[taken] = (or_string_t){.data = text + *text_bytes, .length = length};
      if (length > 0) memcpy(text + *text_bytes, or_json_get_string(item, ""), length);
    }
    *text_bytes += length;
    ++taken;
  }
  if (!or_ok(status)) return status;
  return taken == count ? or_status_success() : too_few(taken, count);
}

static or_status_t read_strings(const or_allocator_t *allocator, const or_json_value_t *data, uint64_t count,
                                or_tensor_data_t *out) {
  size_t text_bytes = 0;
  if (data == NULL)
    return or_error(OR_INVALID_ARGUMENT,
                    "strings have no bytes of their own: they are in \"data\", not \"data_base64\"");
  if (or_json_kind(data) == OR_JSON_NUMBERS) return count == 0 ? too_many(count) : not_a(OR_STRING, 0);
  if (or_json_kind(data) != OR_JSON_ARRAY) return or_error(OR_INVALID_ARGUMENT, "\"data\" is not an array");
  or_status_t status = take_strings(data, count, NULL, &text_bytes);
  if (or_ok(status)) status = or_alloc(allocator, out->bytes + text_bytes + 1, &out->data);
  if (or_ok(status)) status = take_strings(data, count, out->data, &text_bytes);
  if (or_ok(status)) status = check_nesting(data, out);
  if (or_ok(status)) return status;
  or_free(allocator, out->data);
  out->data = NULL;
  return status;
}

static or_status_t set_element(or_tensor_data_t *out, uint64_t index, const or_json_value_t *item) {
  or_json_kind_t kind = or_json_kind(item);
  bool whole = or_dtype_is_integer(out->dtype) || out->dtype == OR_BOOL;
  uint64_t large = 0;
  if (kind == OR_JSON_BOOL && out->dtype == OR_BOOL) {
    or_element_set_int(out->dtype, out->data, (size_t)index, or_json_get_bool(item, false));
  } else if (out->dtype == OR_UINT64 && kind == OR_JSON_REAL && or_json_get_uint(item, &large)) {
    ((uint64_t *)out->data)[index] = large;
  } else if (kind == OR_JSON_INTEGER && whole) {
    int64_t value = or_json_get_int(item, 0);
    or_element_set_int(out->dtype, out->data, (size_t)index, value);
    bool held =
        out->dtype == OR_UINT64 ? value >= 0 : or_element_get_int(out->dtype, out->data, (size_t)index) == value;
    if (!held) return not_held(out->dtype, index, value);
  } else if (!whole && (kind == OR_JSON_INTEGER || kind == OR_JSON_REAL || is_non_finite(item))) {
    if (out->dtype == OR_FLOAT32) {
      ((float *)out->data)[index] = or_json_get_float(item, 0);
    } else {
      or_element_set(out->dtype, out->data, (size_t)index, or_json_get_double(item, 0));
    }
  } else {
    return not_a(out->dtype, index);
  }
  return or_status_success();
}

/* The three strings that stand for numbers: they give the same whatever the fallback. */
static bool is_non_finite(const or_json_value_t *item) {
  return or_json_kind(item) == OR_JSON_STRING && !isfinite(or_json_get_double(item, 0));
}

static void write_strings(or_json_writer_t *json, const or_string_t *strings, size_t count) {
  or_json_array_begin(json);
  for (size_t i = 0; i < count; ++i) or_json_string_n(json, strings[i].data, strings[i].length);
  or_json_array_end(json);
}

void or_tensor_json_begin(or_json_writer_t *json, const or_tensor_t *tensor) {
  const or_shape_t *shape = or_tensor_shape(tensor);
  or_json_object_begin(json);
  or_json_key(json, "shape");
  or_json_array_begin(json);
  for (int32_t d = 0; d < shape->rank; ++d) or_json_int(json, shape->dims[d]);
  or_json_array_end(json);
  or_json_field_string(json, "dtype", or_dtype_name(or_tensor_dtype(tensor)));
}

or_status_t or_tensor_json_write(const or_allocator_t *allocator, const or_tensor_t *tensor, or_json_writer_t *json) {
  const void *data = or_tensor_data(tensor);
  void *copy = NULL;
  if (data == NULL) {
    or_status_t status = or_alloc(allocator, or_tensor_bytes(tensor), &copy);
    if (or_ok(status)) status = or_tensor_read(tensor, copy, or_tensor_bytes(tensor));
    if (!or_ok(status)) {
      or_json_null(json); /* what stands around it can be ended */
      or_free(allocator, copy);
      return status;
    }
    data = copy;
  }
  or_tensor_json_begin(json, tensor);
  or_json_key(json, "data");
  if (or_tensor_dtype(tensor) == OR_STRING) {
    write_strings(json, data, (size_t)or_tensor_count(tensor));
  } else {
    or_json_numbers(json, or_tensor_dtype(tensor), data, (size_t)or_tensor_count(tensor));
  }
  or_json_object_end(json);
  or_free(allocator, copy);
  return or_status_success();
}

static int base64_value(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  return c == '+' ? 62 : c == '/' ? 63 : -1;
}

bool or_base64_decode(const char *text, size_t length, uint8_t *out, size_t *out_length) {
  *out_length = 0;
  if (length % 4 != 0) return false;
  for (size_t i = 0; i < length; i += 4) {
    bool last = i + 4 == length;
    size_t padding = last && text[i + 3] == '=' ? (text[i + 2] == '=' ? 2 : 1) : 0;
    uint32_t group = 0;
    for (size_t j = 0; j < 4; ++j) {
      int value = j >= 4 - padding ? 0 : base64_value(text[i + j]);
      if (value < 0) return false;
      group = group << 6 | (uint32_t)value;
    }
    for (size_t j = 0; j < 3 - padding; ++j) out[(*out_length)++] = (uint8_t)(group >> (16 - 8 * j));
  }
  return true;
}
