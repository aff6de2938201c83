#include "server/query.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/string.h"

static int hex(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  c = (char)(c | 0x20);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool or_percent_decode(char *text, size_t *length, bool plus_is_space) {
  size_t out = 0;
  for (size_t i = 0; i < *length; ++i) {
    char c = text[i];
    if (c == '%') {
      if (i + 2 >= *length) return false;
      int high = hex(text[i + 1]), low = hex(text[i + 2]);
      if (high < 0 || low < 0 || (high == 0 && low == 0)) return false;
      c = (char)(high * 16 + low);
      i += 2;
    } else if (c == '+' && plus_is_space) {
      c = ' ';
    }
    text[out++] = c;
  }
  text[out] = '\0';
  *length = out;
  return or_utf8_valid(text, out);
}

/* One "name=value" that lies terminated in the query's text. */
static or_status_t add(or_query_t *query, char *name, size_t length) {
  char *equals = memchr(name, '=', length);
  size_t name_length = equals != NULL ? (size_t)(equals - name) : length;
  size_t value_length = equals != NULL ? length - name_length - 1 : 0;
  if (equals != NULL && !or_percent_decode(equals + 1, &value_length, true))
    return or_error(OR_INVALID_ARGUMENT, "a value of the query string is no percent-encoded UTF-8");
  if (!or_percent_decode(name, &name_length, true))
    return or_error(OR_INVALID_ARGUMENT, "a name of the query string is no percent-encoded UTF-8");
  if (or_query_get(query, name) != NULL) return or_error(OR_INVALID_ARGUMENT, "the query string says %s twice", name);
  if (query->count == OR_QUERY_MAX_PARAMETERS)
    return or_error(OR_INVALID_ARGUMENT, "the query string has more than %d parameters", OR_QUERY_MAX_PARAMETERS);
  query->parameters[query->count].name = name;
  query->parameters[query->count++].value = equals != NULL ? equals + 1 : "";
  return or_status_success();
}

or_status_t or_query_parse(or_slice_t query, or_query_t *out) {
  or_status_t status = or_status_success();
  out->count = 0;
  if (query.data == NULL || query.length == 0) return status;
  if (query.length >= sizeof out->text)
    return or_error(OR_INVALID_ARGUMENT, "the query string has %zu bytes; the limit is %d", query.length,
                    OR_QUERY_BYTES - 1);
  memcpy(out->text, query.data, query.length);
  out->text[query.length] = '\0';
  for (char *at = out->text, *end = out->text + query.length; at < end && or_ok(status);) {
    char *ampersand = memchr(at, '&', (size_t)(end - at));
    char *stop = ampersand != NULL ? ampersand : end;
    *stop = '\0';
    if (stop > at) status = add(out, at, (size_t)(stop - at));
    at = stop + 1;
  }
  return status;
}

const char *or_query_get(const or_query_t *query, const char *name) {
  for (size_t i = 0; i < query->count; ++i) {
    if (strcmp(query->parameters[i].name, name) == 0) return query->parameters[i].value;
  }
  return NULL;
}

or_status_t or_query_bool(const or_query_t *query, const char *name, bool fallback, bool *out) {
  static const char *const words[2][4] = {{"false", "0", "no", "off"}, {"true", "1", "yes", "on"}};
  const char *text = or_query_get(query, name);
  *out = fallback;
  if (text == NULL) return or_status_success();
  for (int value = 0; value < 2; ++value) {
    for (int i = 0; i < 4; ++i) {
      if (strcasecmp(text, words[value][i]) != 0) continue;
      *out = value == 1;
      return or_status_success();
    }
  }
  return or_error(OR_INVALID_ARGUMENT, "is \"%.40s\"; it must be true or false", text);
}

or_status_t or_query_integer(const or_query_t *query, const char *name, const int64_t range[2], int64_t fallback,
                             int64_t *out) {
  const char *text = or_query_get(query, name);
  char *end = NULL;
  *out = fallback;
  if (text == NULL) return or_status_success();
  errno = 0;
  long long value = strtoll(text, &end, 10);
  if (errno != 0 || end == text || *end != '\0' || text[0] == ' ' || text[0] == '+')
    return or_error(OR_INVALID_ARGUMENT, "is \"%.40s\"; it must be a whole number", text);
  if (value < range[0] || value > range[1])
    return or_error(OR_INVALID_ARGUMENT, "is %lld; it must be from %lld to %lld", value, (long long)range[0],
                    (long long)range[1]);
  *out = value;
  return or_status_success();
}
