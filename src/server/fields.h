#ifndef OR_SERVER_FIELDS_H
#define OR_SERVER_FIELDS_H
/* The small JSON body of a request, field by field: strict about names, and every field that is wrong is told at once
 * (422). In place, on a handler's stack. */

#include "server/http.h"
#include "task/task.h"

typedef struct or_fields_t {
  or_request_t *request;
  or_json_document_t *document;
  const or_json_value_t *root; /* of what came; NULL: no object */
  or_task_problems_t problems;
  or_status_t failure; /* there was no memory to read it */
} or_fields_t;

/* Reads the body, an object that has no other fields than `names` ("level modules"). */
void or_fields_begin(or_fields_t *fields, or_request_t *request, const char *names);
/* A field, NULL where it did not come. One of another type is a problem, and NULL. */
const or_json_value_t *or_fields_get(or_fields_t *fields, const char *name, or_json_kind_t kind);
/* The same of a whole number in [low, high]; *out is untouched, and false, where it did not come or is wrong. */
bool or_fields_integer(or_fields_t *fields, const char *name, int64_t low, int64_t high, int64_t *out);
/* "modules.server": what is wrong there. */
void or_fields_problem(or_fields_t *fields, const char *loc, const char *type, const char *format, ...) OR_PRINTF(4, 5);
/* True: nothing is wrong, and the values can be read until or_fields_end. False: the reply is filled. */
bool or_fields_good(or_fields_t *fields);
/* Once, however it went. */
void or_fields_end(or_fields_t *fields);

/* 422 with an entry for each. */
void or_reply_problems(or_request_t *request, const or_task_problems_t *problems);

#endif
