#ifndef OR_SERVER_SCHEMAS_H
#define OR_SERVER_SCHEMAS_H
/* The documents of the interface, field by field (`schemas.c`), for /openapi.json. */

#include <stdbool.h>
#include <stddef.h>

typedef struct or_schema_field_t {
  const char *schema; /* fields of one schema stand together; in the order of the document */
  const char *name;
  /* "string", "integer", "number", "boolean", "object" (anything goes in it), "timestamp", "any", the name of a schema;
   * "[X]" is an array of X, "{X}" an object of X by name, "A|B" one of these words. */
  const char *type;
  enum {
    OR_FIELD_ALWAYS,
    OR_FIELD_NULLABLE /* there, perhaps null */,
    OR_FIELD_OPTIONAL /* perhaps not there */,
    OR_FIELD_OMITTED /* of a request: perhaps not there, or null, which is the same */
  } presence;
  const char *summary; /* NULL: the name says it */
} or_schema_field_t;
extern const or_schema_field_t or_schema_fields[];
extern const size_t or_schema_field_count;

#endif
