#include "server/http.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

const char *or_http_method_name(or_http_method_t method) {
  static const char *const names[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "OTHER"};
  return names[method];
}

/* The next piece of a comma-separated list, without the spaces around it; false at the end. */
static bool next_item(or_slice_t *list, or_slice_t *item) {
  if (list->data == NULL || list->length == 0) return false;
  const char *comma = memchr(list->data, ',', list->length);
  size_t length = comma != NULL ? (size_t)(comma - list->data) : list->length;
  size_t taken = comma != NULL ? length + 1 : length;
  *item = (or_slice_t){list->data, length};
  while (item->length > 0 && (item->data[0] == ' ' || item->data[0] == '\t')) ++item->data, --item->length;
  while (item->length > 0 && (item->data[item->length - 1] == ' ' || item->data[item->length - 1] == '\t'))
    --item->length;
  *list = (or_slice_t){list->data + taken, list->length - taken};
  return true;
}

bool or_slice_has_token(or_slice_t list, const char *token) {
  or_slice_t item;
  while (next_item(&list, &item)) {
    if (or_slice_is_nocase(item, token)) return true;
  }
  return false;
}

bool or_slice_accepts(or_slice_t accept, const char *media_type) {
  or_slice_t item;
  while (next_item(&accept, &item)) {
    const char *semicolon = memchr(item.data, ';', item.length);
    if (semicolon != NULL) item.length = (size_t)(semicolon - item.data);
    while (item.length > 0 && item.data[item.length - 1] == ' ') --item.length;
    if (or_slice_is_nocase(item, media_type)) return true;
  }
  return false;
}

void or_reply_json_begin(or_request_t *request, or_json_writer_t *json) {
  or_text_clear(&request->reply.text);
  request->reply.content_type = "application/json";
  or_json_begin(json, &request->reply.text, 0);
}

/* A body that could not be written for want of memory; it lies in the program. */
static void out_of_memory(or_request_t *request) {
  static const char body[] =
      "{\"detail\":\"the server has no memory for the reply\",\"error_code\":\"resource_exhausted\"}";
  request->reply.status = 507;
  request->reply.content_type = "application/json";
  request->reply.data = body;
  request->reply.bytes = sizeof body - 1;
  request->reply.owner = (or_owner_t){NULL, NULL};
}

void or_reply_json_end(or_request_t *request, or_json_writer_t *json) {
  or_status_t status = or_json_finish(json);
  if (!or_ok(status)) out_of_memory(request);
  or_status_ignore(status); /* the reply says it */
}

void or_reply_text(or_request_t *request, const char *content_type, const char *text, size_t length) {
  or_text_clear(&request->reply.text);
  request->reply.content_type = content_type;
  or_status_t status = or_text_append(&request->reply.text, text, length);
  if (!or_ok(status)) out_of_memory(request);
  or_status_ignore(status); /* the reply says it */
}

void or_reply_bytes(or_request_t *request, const char *content_type, const void *data, size_t bytes, or_owner_t owner) {
  request->reply.content_type = content_type;
  request->reply.data = data;
  request->reply.bytes = bytes;
  request->reply.owner = owner;
}

void or_reply_header(or_request_t *request, const char *name, const char *format, ...) {
  or_reply_t *reply = &request->reply;
  size_t room = sizeof reply->headers - reply->headers_length;
  char *start = reply->headers + reply->headers_length;
  va_list arguments;
  int head = snprintf(start, room, "%s: ", name);
  if (head < 0 || (size_t)head >= room) return;
  char *value = start + head;
  va_start(arguments, format);
  int length = vsnprintf(value, room - (size_t)head, format, arguments);
  va_end(arguments);
  if (length < 0 || (size_t)head + (size_t)length + 3 > room) return;
  for (char *c = value; c < value + length; ++c) {
    if ((unsigned char)*c < ' ' || *c == 0x7f) *c = ' ';
  }
  memcpy(value + length, "\r\n", 3);
  reply->headers_length += (size_t)head + (size_t)length + 2;
}

void or_reply_error(or_request_t *request, int http, const char *error_code, const char *format, ...) {
  char words[OR_STATUS_MESSAGE_BYTES];
  or_json_writer_t json;
  va_list arguments;
  va_start(arguments, format);
  (void)vsnprintf(words, sizeof words, format, arguments);
  va_end(arguments);
  request->reply.status = http;
  or_reply_json_begin(request, &json);
  or_json_object_begin(&json);
  or_json_field_string(&json, "detail", words);
  or_json_field_string(&json, "error_code", error_code);
  or_json_object_end(&json);
  or_reply_json_end(request, &json);
}

void or_reply_failure(or_request_t *request, or_status_t status) {
  const or_status_mapping_t *mapping = or_status_mapping(or_status_code(status));
  or_reply_error(request, mapping->http, mapping->name, "%s", or_status_message(status));
  or_status_ignore(status); /* the reply says it */
}

/* An item of an array by its number: "arguments.1" is "arguments", 1. False: it is none. */
static bool write_item(or_json_writer_t *json, const char *field) {
  static const char *const arrays[] = {"arguments.", "grid.", "block.", "parameters."};
  for (size_t i = 0; i < sizeof arrays / sizeof *arrays; ++i) {
    const size_t length = strlen(arrays[i]);
    if (strncmp(field, arrays[i], length) != 0 || field[length] == '\0') continue;
    const char *item = field + length;
    const bool number = strspn(item, "0123456789") == strlen(item) && strlen(item) < 10;
    or_json_string_n(json, field, length - 1);
    if (number) or_json_int(json, strtol(item, NULL, 10));
    if (!number) or_json_string(json, item);
    return true;
  }
  return false;
}

void or_reply_write_loc(or_json_writer_t *json, const char *where, const char *field) {
  static const char *const containers[] = {"data.", "inputs.", "modules."};
  bool named = false; /* what follows is a name of the caller's */
  or_json_key(json, "loc");
  or_json_array_begin(json);
  or_json_string(json, where);
  for (size_t i = 0; i < sizeof containers / sizeof *containers; ++i) {
    const size_t length = strlen(containers[i]);
    if (strncmp(field, containers[i], length) != 0) continue;
    or_json_string_n(json, field, length - 1);
    field += length;
    named = i > 0;
  }
  if (field[0] != '\0' && (named || !write_item(json, field))) or_json_string(json, field);
  or_json_array_end(json);
}

void or_reply_problem(or_request_t *request, const char *where, const char *field, const char *type, const char *format,
                      ...) {
  char words[OR_STATUS_MESSAGE_BYTES];
  or_json_writer_t json;
  va_list arguments;
  va_start(arguments, format);
  (void)vsnprintf(words, sizeof words, format, arguments);
  va_end(arguments);
  request->reply.status = 422;
  or_reply_json_begin(request, &json);
  or_json_object_begin(&json);
  or_json_key(&json, "detail");
  or_json_array_begin(&json);
  or_json_object_begin(&json);
  or_reply_write_loc(&json, where, field);
  or_json_field_string(&json, "msg", words);
  or_json_field_string(&json, "type", type);
  or_json_object_end(&json);
  or_json_array_end(&json);
  or_json_object_end(&json);
  or_reply_json_end(request, &json);
}

const char *or_http_reason(int status) {
  static const struct {
    int status;
    const char *reason;
  } table[] = {
      {200, "OK"},
      {101, "Switching Protocols"},
      {201, "Created"},
      {202, "Accepted"},
      {204, "No Content"},
      {206, "Partial Content"},
      {304, "Not Modified"},
      {400, "Bad Request"},
      {401, "Unauthorized"},
      {403, "Forbidden"},
      {404, "Not Found"},
      {405, "Method Not Allowed"},
      {408, "Request Timeout"},
      {409, "Conflict"},
      {413, "Content Too Large"},
      {414, "URI Too Long"},
      {415, "Unsupported Media Type"},
      {416, "Range Not Satisfiable"},
      {417, "Expectation Failed"},
      {421, "Misdirected Request"},
      {422, "Unprocessable Content"},
      {426, "Upgrade Required"},
      {429, "Too Many Requests"},
      {431, "Request Header Fields Too Large"},
      {499, "Client Closed Request"},
      {500, "Internal Server Error"},
      {501, "Not Implemented"},
      {503, "Service Unavailable"},
      {504, "Gateway Timeout"},
      {505, "HTTP Version Not Supported"},
      {507, "Insufficient Storage"},
  };
  for (size_t i = 0; i < sizeof table / sizeof *table; ++i) {
    if (table[i].status == status) return table[i].reason;
  }
  return "";
}
