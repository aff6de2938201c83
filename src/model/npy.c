#include "model/npy.h"

#include <ctype.h>
#include <string.h>

#include "base/string.h"

#define MAGIC_BYTES 6
#define MAX_HEADER_BYTES ((size_t)65536) /* of the text that describes the array */
#define ALIGNMENT 64                     /* of the data, as the format asks */

typedef struct descr_t {
  const char *descr;
  or_dtype_t dtype;
} descr_t;
static const descr_t descrs[] = {
    {"<f4", OR_FLOAT32}, {"<f8", OR_FLOAT64}, {"<f2", OR_FLOAT16},   {"<i8", OR_INT64},       {"<i4", OR_INT32},
    {"<i2", OR_INT16},   {"|i1", OR_INT8},    {"|u1", OR_UINT8},     {"<u2", OR_UINT16},      {"<u4", OR_UINT32},
    {"<u8", OR_UINT64},  {"|b1", OR_BOOL},    {"<c8", OR_COMPLEX64}, {"<c16", OR_COMPLEX128}, {"<i1", OR_INT8},
    {"<u1", OR_UINT8},   {"<b1", OR_BOOL},
};
#define DESCR_COUNT (sizeof descrs / sizeof *descrs)

/* The header's text is a Python literal: {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }. */
typedef struct text_t {
  const char *at, *end;
} text_t;

static void skip_spaces(text_t *text) {
  while (text->at < text->end && isspace((unsigned char)*text->at)) ++text->at;
}

static bool take(text_t *text, char c) {
  skip_spaces(text);
  if (text->at == text->end || *text->at != c) return false;
  ++text->at;
  return true;
}

static bool take_string(text_t *text, char *out, size_t capacity) {
  size_t length = 0;
  skip_spaces(text);
  if (text->at == text->end || (*text->at != '\'' && *text->at != '"')) return false;
  char quote = *text->at++;
  while (text->at < text->end && *text->at != quote) {
    if (length + 1 == capacity) return false;
    out[length++] = *text->at++;
  }
  out[length] = '\0';
  return take(text, quote);
}

static bool take_word(text_t *text, const char *word) {
  size_t length = strlen(word);
  skip_spaces(text);
  if ((size_t)(text->end - text->at) < length || memcmp(text->at, word, length) != 0) return false;
  text->at += length;
  return true;
}

static bool take_extent(text_t *text, int64_t *out) {
  skip_spaces(text);
  const char *begin = text->at;
  *out = 0;
  for (; text->at < text->end && isdigit((unsigned char)*text->at); ++text->at) {
    if (*out > (INT64_MAX - 9) / 10) return false;
    *out = *out * 10 + (*text->at - '0');
  }
  return text->at > begin;
}

static or_status_t take_shape(text_t *text, or_shape_t *out) {
  out->rank = 0;
  if (!take(text, '(')) return or_error(OR_DATA_LOSS, "npy: the header's shape is no tuple");
  while (!take(text, ')')) {
    if (out->rank == OR_MAX_RANK) return or_error(OR_OUT_OF_RANGE, "npy: more than %d dimensions", OR_MAX_RANK);
    if (!take_extent(text, &out->dims[out->rank])) return or_error(OR_DATA_LOSS, "npy: an extent is no number");
    ++out->rank;
    if (!take(text, ',') && (text->at == text->end || *text->at != ')'))
      return or_error(OR_DATA_LOSS, "npy: the shape does not end");
  }
  return or_status_success();
}

static or_status_t take_dtype(text_t *text, or_dtype_t *out) {
  char descr[16];
  if (!take_string(text, descr, sizeof descr))
    return or_error(OR_UNIMPLEMENTED, "npy: a structured dtype; save plain numbers");
  for (size_t i = 0; i < DESCR_COUNT; ++i) {
    if (strcmp(descrs[i].descr, descr) == 0) {
      *out = descrs[i].dtype;
      return or_status_success();
    }
  }
  if (descr[0] == '>')
    return or_error(OR_UNIMPLEMENTED, "npy: dtype \"%s\" is big-endian; save it as little-endian", descr);
  return or_error(OR_UNIMPLEMENTED, "npy: dtype \"%s\" is not one of numbers", descr);
}

static or_status_t parse_dictionary(text_t *text, or_npy_header_t *out) {
  int found = 0;
  if (!take(text, '{')) return or_error(OR_DATA_LOSS, "npy: the header is no dictionary");
  while (!take(text, '}')) {
    char key[16];
    or_status_t status = or_status_success();
    if (!take_string(text, key, sizeof key) || !take(text, ':'))
      return or_error(OR_DATA_LOSS, "npy: the header is damaged");
    if (strcmp(key, "descr") == 0) {
      status = take_dtype(text, &out->dtype);
      found |= 1;
    } else if (strcmp(key, "shape") == 0) {
      status = take_shape(text, &out->shape);
      found |= 2;
    } else if (strcmp(key, "fortran_order") == 0) {
      if (take_word(text, "True"))
        return or_error(OR_UNIMPLEMENTED, "npy: the array is in Fortran order; save numpy.ascontiguousarray of it");
      if (!take_word(text, "False")) return or_error(OR_DATA_LOSS, "npy: fortran_order is neither True nor False");
      found |= 4;
    } else {
      return or_error(OR_DATA_LOSS, "npy: unknown key \"%s\" in the header", key);
    }
    if (!or_ok(status)) return status;
    if (!take(text, ',') && (text->at == text->end || *text->at != '}'))
      return or_error(OR_DATA_LOSS, "npy: the header is damaged");
  }
  return found == 7 ? or_status_success()
                    : or_error(OR_DATA_LOSS, "npy: the header lacks descr, fortran_order or shape");
}

or_status_t or_npy_parse(const void *bytes, size_t length, or_npy_header_t *out) {
  const uint8_t *b = bytes;
  *out = (or_npy_header_t){0};
  if (length < MAGIC_BYTES + 4 || memcmp(b, "\x93NUMPY", MAGIC_BYTES) != 0)
    return or_error(OR_DATA_LOSS, "not an .npy file");
  if (b[6] < 1 || b[6] > 3) return or_error(OR_UNIMPLEMENTED, "npy: version %d.%d; 1 to 3 are read", b[6], b[7]);
  size_t prefix = b[6] == 1 ? 10 : 12;
  if (length < prefix) return or_error(OR_DATA_LOSS, "npy: the file ends in its header");
  size_t text_bytes = (size_t)b[8] | (size_t)b[9] << 8;
  if (b[6] > 1) text_bytes |= (size_t)b[10] << 16 | (size_t)b[11] << 24;
  if (text_bytes > MAX_HEADER_BYTES)
    return or_error(OR_OUT_OF_RANGE, "npy: a header of %zu bytes; the limit is %zu", text_bytes, MAX_HEADER_BYTES);
  if (text_bytes > length - prefix) return or_error(OR_DATA_LOSS, "npy: the file ends in its header");
  text_t text = {(const char *)b + prefix, (const char *)b + prefix + text_bytes};
  or_status_t status = parse_dictionary(&text, out);
  if (!or_ok(status)) return status;
  uint64_t count = 0;
  if (!or_shape_count(&out->shape, &count)) return or_error(OR_OUT_OF_RANGE, "npy: the shape's product overflows");
  out->data_offset = prefix + text_bytes;
  out->data_bytes = or_dtype_bytes(out->dtype, count);
  if (out->data_bytes != length - out->data_offset) {
    return or_error(OR_DATA_LOSS, "npy: %zu bytes of elements; shape and dtype need %zu", length - out->data_offset,
                    out->data_bytes);
  }
  return status;
}

or_status_t or_npy_header(or_dtype_t dtype, const or_shape_t *shape, char *out, size_t *length) {
  const char *descr = NULL;
  char text[OR_NPY_HEADER_BYTES];
  for (size_t i = DESCR_COUNT; i-- > 0;) {
    if (descrs[i].dtype == dtype) descr = descrs[i].descr;
  }
  if (descr == NULL) return or_error(OR_UNIMPLEMENTED, ".npy has no dtype for %s", or_dtype_name(dtype));
  or_format(text, sizeof text, "{'descr': '%s', 'fortran_order': False, 'shape': (", descr);
  for (int32_t d = 0; d < shape->rank; ++d) {
    size_t used = strlen(text);
    or_format(text + used, sizeof text - used, "%lld,%s", (long long)shape->dims[d], d + 1 < shape->rank ? " " : "");
  }
  size_t used = strlen(text);
  or_format(text + used, sizeof text - used, "), }");
  used = strlen(text);
  size_t total = (10 + used + 1 + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
  if (total > OR_NPY_HEADER_BYTES)
    return or_error(OR_OUT_OF_RANGE, "npy: the shape takes a header of %zu bytes", total);
  memset(out, ' ', total);
  memcpy(out, "\x93NUMPY\x01", 7);
  out[7] = 0;
  out[8] = (char)((total - 10) & 0xff);
  out[9] = (char)((total - 10) >> 8);
  memcpy(out + 10, text, used);
  out[total - 1] = '\n';
  *length = total;
  return or_status_success();
}
