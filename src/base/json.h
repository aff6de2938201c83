#ifndef OR_BASE_JSON_H
#define OR_BASE_JSON_H
/* JSON: a writer that streams, a bounded reader for documents, and number arrays without a DOM. */

#include "base/string.h"

/* Writer. Commas, quoting and indentation are its work; a misuse (value without key in an object) is asserted. Doubles
 * are written in the shortest form that reads back the same; non-finite ones as the strings "NaN", "Infinity",
 * "-Infinity". The first failure (no memory) is kept and every later call does nothing: check or_json_finish once. */
typedef struct or_json_writer_t {
  or_text_t *text;
  or_status_t status;
  int depth;
  int indent;        /* spaces a level; 0 writes one line */
  uint8_t state[80]; /* per level; depth is bounded by it: room for a document at the limit inside something else */
} or_json_writer_t;
void or_json_begin(or_json_writer_t *json, or_text_t *text, int indent);
or_status_t or_json_finish(or_json_writer_t *json); /* gives the first failure; everything opened must be closed */
void or_json_object_begin(or_json_writer_t *json);
void or_json_object_end(or_json_writer_t *json);
void or_json_array_begin(or_json_writer_t *json);
void or_json_array_end(or_json_writer_t *json);
void or_json_key(or_json_writer_t *json, const char *key);
void or_json_string(or_json_writer_t *json, const char *value); /* NULL writes null; invalid UTF-8 becomes U+FFFD */
void or_json_string_n(or_json_writer_t *json, const char *value, size_t length);
void or_json_int(or_json_writer_t *json, int64_t value);
void or_json_uint(or_json_writer_t *json, uint64_t value);
void or_json_double(or_json_writer_t *json, double value);
void or_json_float(or_json_writer_t *json, float value); /* shortest for float32 */
void or_json_bool(or_json_writer_t *json, bool value);
void or_json_null(or_json_writer_t *json);
/* Key and value in one call. */
void or_json_field_string(or_json_writer_t *json, const char *key, const char *value);
void or_json_field_int(or_json_writer_t *json, const char *key, int64_t value);
void or_json_field_double(or_json_writer_t *json, const char *key, double value);
void or_json_field_bool(or_json_writer_t *json, const char *key, bool value);
void or_json_field_null(or_json_writer_t *json, const char *key);
/* An array of numbers from packed elements of any numeric dtype or bool (true, false); complex ones are pairs. */
void or_json_numbers(or_json_writer_t *json, or_dtype_t dtype, const void *data, size_t count);
/* Inserts a piece of JSON text as it is (already valid). */
void or_json_raw(or_json_writer_t *json, const char *text, size_t length);

/* Reader (RFC 8259): an immutable document. Bounds: OR_JSON_MAX_BYTES of text, nesting OR_JSON_MAX_DEPTH; duplicate
 * keys, numbers beyond float64 and \u0000 are errors. INVALID_ARGUMENT names line and column;
 * RESOURCE_EXHAUSTED. Any thread may read a document. */
#define OR_JSON_MAX_BYTES ((size_t)256 << 20)
#define OR_JSON_MAX_DEPTH 64
typedef struct or_json_document_t or_json_document_t; /* owns all values */
typedef struct or_json_value_t or_json_value_t;       /* borrowed from the document */
typedef enum or_json_kind_t {
  OR_JSON_NULL,
  OR_JSON_BOOL,
  OR_JSON_INTEGER,
  OR_JSON_REAL, /* also integers outside of -2^63..2^63-1 */
  OR_JSON_STRING,
  OR_JSON_ARRAY,
  OR_JSON_OBJECT,
  OR_JSON_NUMBERS /* an array that was kept as text; only from or_json_parse_keeping_numbers */
} or_json_kind_t;
or_status_t or_json_parse(const or_allocator_t *allocator, const char *text, size_t length, or_json_document_t **out);
/* The same, but an array, nested at most OR_MAX_RANK, of nothing but numbers, OR_JSON_KEPT_NUMBERS of them or more, is
 * checked and kept as a piece of text: OR_JSON_NUMBERS, which has no elements. For tensors (or_number_fill); what else
 * such a document holds must be happy with lists that are shorter. */
#define OR_JSON_KEPT_NUMBERS 65
or_status_t or_json_parse_keeping_numbers(const or_allocator_t *allocator, const char *text, size_t length,
                                          or_json_document_t **out);
void or_json_document_free(or_json_document_t *document);                           /* takes NULL */
const or_json_value_t *or_json_root(const or_json_document_t *document);            /* NULL of none */
or_json_kind_t or_json_kind(const or_json_value_t *value);                          /* OR_JSON_NULL for NULL */
size_t or_json_count(const or_json_value_t *value);                                 /* of an array or object; else 0 */
const or_json_value_t *or_json_at(const or_json_value_t *array, size_t index);      /* NULL outside */
const or_json_value_t *or_json_get(const or_json_value_t *object, const char *key); /* NULL if absent */
const char *or_json_key_at(const or_json_value_t *object, size_t index,
                           const or_json_value_t **value); /* in file order */
const char *or_json_get_string(const or_json_value_t *value, const char *fallback);
size_t or_json_string_length(const or_json_value_t *value);
int64_t or_json_get_int(const or_json_value_t *value, int64_t fallback);
bool or_json_is_whole(const or_json_value_t *value); /* it is written as an integer, however large */
/* Of what is written as an integer from 0 to 2^64 - 1; else false. */
bool or_json_get_uint(const or_json_value_t *value, uint64_t *out);
double or_json_get_double(const or_json_value_t *value, double fallback); /* accepts "NaN", "Infinity", "-Infinity" */
float or_json_get_float(const or_json_value_t *value, float fallback);    /* rounded once, from the text */
/* The text of OR_JSON_NUMBERS, valid, from bracket to bracket; else NULL and 0 bytes. */
const char *or_json_numbers_text(const or_json_value_t *value, size_t *bytes);
bool or_json_get_bool(const or_json_value_t *value, bool fallback);
/* Writes a value of a document back as JSON. */
void or_json_copy(or_json_writer_t *json, const or_json_value_t *value);

#endif
