#ifndef OR_SERVER_QUERY_H
#define OR_SERVER_QUERY_H
/* Percent-encoding (RFC 3986 section 2.1) and query strings as forms write them ('+' is a space). No memory of its own;
 * any thread. */

#include "server/http.h"

/* Decodes in place and terminates: text[0..*length] must have room for the terminator. False: a broken escape, an
 * encoded NUL, or no UTF-8. */
bool or_percent_decode(char *text, size_t *length, bool plus_is_space);

#define OR_QUERY_MAX_PARAMETERS 32
#define OR_QUERY_BYTES 4096 /* of a whole query string, decoded */
typedef struct or_query_t {
  struct {
    const char *name, *value; /* terminated, decoded; value is "" without '=' */
  } parameters[OR_QUERY_MAX_PARAMETERS];
  size_t count;
  char text[OR_QUERY_BYTES];
} or_query_t;

/* INVALID_ARGUMENT: a broken escape, a name twice, more than OR_QUERY_MAX_PARAMETERS, longer than OR_QUERY_BYTES. */
or_status_t or_query_parse(or_slice_t query, or_query_t *out);
const char *or_query_get(const or_query_t *query, const char *name); /* NULL if it is not there */
/* A whole number from `low` to `high`; `fallback` if it is not there. INVALID_ARGUMENT says what is wrong, without the
 * name. */
or_status_t or_query_integer(const or_query_t *query, const char *name, const int64_t range[2], int64_t fallback,
                             int64_t *out);
/* true, 1, yes, on, or false, 0, no, off, in any case; else as above. */
or_status_t or_query_bool(const or_query_t *query, const char *name, bool fallback, bool *out);

#endif
