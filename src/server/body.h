#ifndef OR_SERVER_BODY_H
#define OR_SERVER_BODY_H
/* JSON bodies that are an object of a few fields, checked by a table: every field that is wrong is named in one 422. */

#include "server/http.h"

typedef struct or_body_field_t {
  const char *name;
  unsigned kinds; /* bits of OR_BODY_KIND: what the value may be; a field that is not required may be null too */
  bool required;
  double low, high; /* of numbers their value, of strings their bytes; of others not looked at */
} or_body_field_t;
#define OR_BODY_KIND(kind) (1u << (kind)) /* of an or_json_kind_t; OR_JSON_REAL: any number */

/* The body as a document, the caller's (or_json_document_free), whose root has these fields alone. No body is the empty
 * object. False: the reply says what is wrong, and *out is NULL. */
bool or_body_read(or_request_t *request, const or_body_field_t *fields, size_t count, or_json_document_t **out);

#endif
