#include "base/multipart.h"

#include <string.h>

#include "base/string.h"

static or_status_t find_boundary(or_slice_t content_type, or_multipart_t *out);
static or_status_t cut(or_multipart_t *out, const char *body, size_t bytes);
static or_status_t add_part(or_multipart_t *out, const char *data, size_t length);

or_status_t or_multipart_parse(const or_allocator_t *allocator, or_slice_t content_type, const char *body, size_t bytes,
                               or_multipart_t *out) {
  *out = (or_multipart_t){.allocator = allocator};
  or_status_t status = find_boundary(content_type, out);
  if (or_ok(status)) status = cut(out, body, bytes);
  if (!or_ok(status)) or_multipart_deinit(out);
  return status;
}

void or_multipart_deinit(or_multipart_t *multipart) {
  for (size_t i = 0; i < multipart->count; ++i) or_free(multipart->allocator, multipart->aligned[i]);
  or_free(multipart->allocator, multipart->parts);
  *multipart = (or_multipart_t){.allocator = multipart->allocator};
}

or_multipart_part_t *or_multipart_find(or_multipart_t *multipart, const char *name) {
  for (size_t i = 0; i < multipart->count; ++i) {
    if (strcmp(multipart->parts[i].name, name) == 0) return &multipart->parts[i];
  }
  return NULL;
}

or_status_t or_multipart_align(or_multipart_t *multipart, or_multipart_part_t *part) {
  size_t index = (size_t)(part - multipart->parts);
  if ((uintptr_t)part->data % OR_DEFAULT_ALIGNMENT == 0 || part->bytes == 0) return or_status_success();
  or_status_t status = or_alloc(multipart->allocator, part->bytes, &multipart->aligned[index]);
  if (!or_ok(status)) return status;
  memcpy(multipart->aligned[index], part->data, part->bytes);
  part->data = multipart->aligned[index];
  return status;
}

static bool is_space(char c) { return c == ' ' || c == '\t'; }

/* The next "; name=value" of a header value, the value with or without quotes; false at the end or where it is broken.
 * `value` gets at most `capacity` - 1 bytes; longer ones are broken. */
static bool next_parameter(or_slice_t *rest, or_slice_t *name, char *value, size_t capacity) {
  const char *at = rest->data, *end = rest->data + rest->length;
  size_t length = 0;
  while (at < end && (is_space(*at) || *at == ';')) ++at;
  const char *equals = memchr(at, '=', (size_t)(end - at));
  if (equals == NULL) return false;
  *name = (or_slice_t){at, (size_t)(equals - at)};
  at = equals + 1;
  bool quoted = at < end && *at == '"';
  if (quoted) ++at;
  for (; at < end && (quoted ? *at != '"' : *at != ';' && !is_space(*at)); ++at) {
    if (quoted && *at == '\\' && at + 1 < end && (at[1] == '"' || at[1] == '\\')) ++at;
    if (length + 1 >= capacity) return false;
    value[length++] = *at;
  }
  if (quoted && at == end) return false;
  if (quoted) ++at;
  value[length] = '\0';
  *rest = (or_slice_t){at, (size_t)(end - at)};
  return true;
}

/* The main value of a header ("form-data"), *rest being its parameters. */
static or_slice_t main_value(or_slice_t header, or_slice_t *rest) {
  const char *semicolon = header.length > 0 ? memchr(header.data, ';', header.length) : NULL;
  size_t length = semicolon != NULL ? (size_t)(semicolon - header.data) : header.length;
  *rest = (or_slice_t){header.data + length, header.length - length};
  while (length > 0 && is_space(header.data[length - 1])) --length;
  return (or_slice_t){header.data, length};
}

static or_status_t find_boundary(or_slice_t content_type, or_multipart_t *out) {
  or_slice_t rest = {NULL, 0}, name;
  char value[OR_MULTIPART_BOUNDARY_BYTES + 1];
  if (content_type.data == NULL || !or_slice_is_nocase(main_value(content_type, &rest), "multipart/form-data"))
    return or_error(OR_INVALID_ARGUMENT, "the body is not multipart/form-data");
  while (next_parameter(&rest, &name, value, sizeof value)) {
    if (!or_slice_is_nocase(name, "boundary")) continue;
    if (value[0] == '\0') break;
    (void)or_format(out->boundary, sizeof out->boundary, "\r\n--%s", value);
    out->boundary_length = strlen(out->boundary);
    return or_status_success();
  }
  return or_error(OR_INVALID_ARGUMENT, "multipart/form-data needs a boundary of 1 to %d bytes",
                  OR_MULTIPART_BOUNDARY_BYTES);
}

/* Where the next "\r\n--BOUNDARY" starts at or behind `from`; NULL if there is none. */
static const char *next_boundary(const or_multipart_t *multipart, const char *from, const char *end) {
  return memmem(from, (size_t)(end - from), multipart->boundary, multipart->boundary_length);
}

/* Behind a boundary: "--" ends the body, spaces and a line end begin a part. */
static or_status_t cut(or_multipart_t *out, const char *body, size_t bytes) {
  const char *at = NULL;
  or_status_t status = or_status_success();
  if (body == NULL) body = "", bytes = 0;
  const char *end = body + bytes;
  if (bytes >= out->boundary_length - 2 && memcmp(body, out->boundary + 2, out->boundary_length - 2) == 0) {
    at = body + out->boundary_length - 2;
  } else if (bytes > 0) {
    at = next_boundary(out, body, end); /* what stands before it is passed over */
    if (at != NULL) at += out->boundary_length;
  }
  while (or_ok(status) && at != NULL) {
    if (end - at >= 2 && at[0] == '-' && at[1] == '-') return status;
    while (at < end && is_space(*at)) ++at;
    if (end - at < 2 || at[0] != '\r' || at[1] != '\n') break;
    const char *next = next_boundary(out, at, end); /* the line end may be the boundary's own: an empty part */
    if (next == NULL) break;
    status = add_part(out, at + 2, next > at + 2 ? (size_t)(next - at - 2) : 0);
    at = next + out->boundary_length;
  }
  if (!or_ok(status)) return status;
  return or_error(OR_INVALID_ARGUMENT, "multipart/form-data: the body ends before its last boundary");
}

/* One header line of a part. */
static or_status_t read_header(or_multipart_part_t *part, or_slice_t line) {
  const char *colon = memchr(line.data, ':', line.length);
  if (colon == NULL) return or_error(OR_INVALID_ARGUMENT, "multipart/form-data: a header line of a part has no name");
  or_slice_t field = {line.data, (size_t)(colon - line.data)};
  or_slice_t value = {colon + 1, line.length - field.length - 1}, rest, name;
  char text[OR_MULTIPART_NAME_BYTES];
  while (value.length > 0 && is_space(value.data[0])) ++value.data, --value.length;
  if (or_slice_is_nocase(field, "content-type")) part->content_type = value;
  if (!or_slice_is_nocase(field, "content-disposition")) return or_status_success();
  if (!or_slice_is_nocase(main_value(value, &rest), "form-data"))
    return or_error(OR_INVALID_ARGUMENT, "multipart/form-data: a part is no form-data");
  while (next_parameter(&rest, &name, text, sizeof text)) {
    if (or_slice_is_nocase(name, "name")) (void)or_format(part->name, sizeof part->name, "%s", text);
  }
  return or_status_success();
}

static or_status_t add_part(or_multipart_t *out, const char *data, size_t length) {
  or_multipart_part_t part = {0};
  const char *at = data, *end = data + length;
  if (out->count == OR_MULTIPART_MAX_PARTS)
    return or_error(OR_OUT_OF_RANGE, "multipart/form-data: more than %d parts", OR_MULTIPART_MAX_PARTS);
  for (;;) { /* header lines up to an empty one */
    const char *line_end = memmem(at, (size_t)(end - at), "\r\n", 2);
    if ((line_end != NULL ? line_end : end) - data > OR_MULTIPART_HEADER_BYTES)
      return or_error(OR_OUT_OF_RANGE, "multipart/form-data: the header of a part exceeds %d bytes",
                      OR_MULTIPART_HEADER_BYTES);
    if (line_end == NULL) return or_error(OR_INVALID_ARGUMENT, "multipart/form-data: a part has no end of its header");
    or_slice_t line = {at, (size_t)(line_end - at)};
    at = line_end + 2;
    if (line.length == 0) break;
    or_status_t status = read_header(&part, line);
    if (!or_ok(status)) return status;
  }
  if (part.name[0] == '\0' || !or_utf8_valid(part.name, strlen(part.name)))
    return or_error(OR_INVALID_ARGUMENT, "multipart/form-data: part %zu has no name", out->count + 1);
  if (or_multipart_find(out, part.name) != NULL)
    return or_error(OR_INVALID_ARGUMENT, "multipart/form-data: part \"%s\" comes twice", part.name);
  part.data = at;
  part.bytes = (size_t)(end - at);
  or_status_t status = or_grow_array(out->allocator, out->count + 1, sizeof part, (void **)&out->parts, &out->capacity);
  if (or_ok(status)) out->parts[out->count++] = part;
  return status;
}
