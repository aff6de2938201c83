/* The OpenAPI 3.1 document of a table of routes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/string.h"
#include "server/schemas.h"
#include "server/server.h"

static void write_paths(or_json_writer_t *json, const or_route_t *routes, size_t count);
static void write_schemas(or_json_writer_t *json);
static void write_schema_of(or_json_writer_t *json, const char *type, size_t length, bool nullable);
static void write_schema_inside(or_json_writer_t *json, const char *type, size_t length, bool nullable);

or_status_t or_openapi_write(const or_route_t *routes, size_t count, or_text_t *text) {
  or_json_writer_t json;
  or_json_begin(&json, text, 0);
  or_json_object_begin(&json);
  or_json_field_string(&json, "openapi", "3.1.0");
  or_json_key(&json, "info");
  or_json_object_begin(&json);
  or_json_field_string(&json, "title", "OpenRuntime");
  or_json_field_string(&json, "version", or_version());
  or_json_field_string(&json, "description",
                       "The compute devices of a machine as a service. Numbers that nobody measured are null.");
  or_json_object_end(&json);
  or_json_key(&json, "security");
  or_json_array_begin(&json);
  or_json_object_begin(&json); /* none is needed where the server has no keys */
  or_json_object_end(&json);
  static const char *const schemes[] = {"bearer", "key"};
  for (size_t i = 0; i < 2; ++i) {
    or_json_object_begin(&json);
    or_json_key(&json, schemes[i]);
    or_json_array_begin(&json);
    or_json_array_end(&json);
    or_json_object_end(&json);
  }
  or_json_array_end(&json);
  write_paths(&json, routes, count);
  or_json_key(&json, "components");
  or_json_object_begin(&json);
  or_json_key(&json, "securitySchemes");
  static const char scheme_text[] = "{\"bearer\":{\"type\":\"http\",\"scheme\":\"bearer\"},"
                                    "\"key\":{\"type\":\"apiKey\",\"in\":\"header\",\"name\":\"X-API-Key\"}}";
  or_json_raw(&json, scheme_text, sizeof scheme_text - 1);
  write_schemas(&json);
  or_json_object_end(&json);
  or_json_object_end(&json);
  return or_json_finish(&json);
}

/* "A|B": a document of either schema. */
static void write_either(or_json_writer_t *json, const char *schemas) {
  if (strchr(schemas, '|') == NULL) {
    write_schema_of(json, schemas, strlen(schemas), false);
    return;
  }
  or_json_object_begin(json);
  or_json_key(json, "anyOf");
  or_json_array_begin(json);
  for (const char *at = schemas; *at != '\0';) {
    const size_t length = strcspn(at, "|");
    write_schema_of(json, at, length, false);
    at += length + (at[length] == '|');
  }
  or_json_array_end(json);
  or_json_object_end(json);
}

static void write_media(or_json_writer_t *json, const char *media_type, const char *schema) {
  or_json_key(json, media_type);
  or_json_object_begin(json);
  or_json_key(json, "schema");
  write_either(json, schema);
  or_json_object_end(json);
}

/* Headers that a status comes with, whatever the route. */
static void write_headers(or_json_writer_t *json, int status) {
  static const struct {
    int status;
    bool always;
    const char *name, *type, *description;
  } headers[] = {{202, true, "Location", "string", "the path of the task"},
                 {401, true, "WWW-Authenticate", "string", "Bearer"},
                 {405, true, "Allow", "string", "the methods of the path"},
                 {429, false, "Retry-After", "integer", "seconds"},
                 {503, false, "Retry-After", "integer", "seconds"}};
  for (size_t i = 0; i < sizeof headers / sizeof *headers; ++i) {
    if (headers[i].status != status) continue;
    or_json_key(json, "headers");
    or_json_object_begin(json);
    or_json_key(json, headers[i].name);
    or_json_object_begin(json);
    or_json_field_string(json, "description", headers[i].description);
    or_json_field_bool(json, "required", headers[i].always);
    or_json_key(json, "schema");
    write_schema_of(json, headers[i].type, strlen(headers[i].type), false);
    or_json_object_end(json);
    or_json_object_end(json);
  }
}

/* "text/html" is text of that media type, "A|B" a document of either schema, "text/plain|A" the one or the other. */
static void write_response(or_json_writer_t *json, int status, const char *schema) {
  char key[8], media[64];
  or_json_key(json, or_format(key, sizeof key, "%d", status));
  or_json_object_begin(json);
  or_json_field_string(json, "description", or_http_reason(status));
  write_headers(json, status);
  if (schema != NULL) {
    const size_t length = strcspn(schema, "|");
    const bool text = memchr(schema, '/', length) != NULL;
    const char *document = text ? schema + length + (schema[length] == '|') : schema;
    or_json_key(json, "content");
    or_json_object_begin(json);
    if (text) write_media(json, or_format(media, sizeof media, "%.*s", (int)length, schema), "string");
    if (document[0] != '\0') write_media(json, "application/json", document);
    or_json_object_end(json);
  }
  or_json_object_end(json);
}

/* What any request may get, and what the route says besides. */
static void write_responses(or_json_writer_t *json, const or_route_t *route) {
  static const int everywhere[] = {400, 403, 405, 408, 413, 414, 421, 431, 503, 507};
  const char *more = route->statuses != NULL ? route->statuses : "";
  bool probe = route->when == OR_WHEN_LISTENING && route->scope == OR_SCOPE_OPEN;
  or_json_key(json, "responses");
  or_json_object_begin(json);
  if (route->websocket != NULL) {
    write_response(json, 101, NULL);
    write_response(json, 426, "Error");
  } else {
    write_response(json, 200, route->response);
  }
  for (const char *at = more; *at != '\0';) {
    int status = (int)strtol(at, NULL, 10);
    const char *schema = status == 422   ? "Problems"
                         : status >= 400 ? "Error"
                         : status == 202 ? "ActiveTask"
                         : status == 206 ? "application/octet-stream"
                                         : route->response;
    write_response(json, status, schema);
    at += strcspn(at, " ");
    at += strspn(at, " ");
  }
  if (route->scope != OR_SCOPE_OPEN) write_response(json, 401, "Error");
  if (route->body == OR_BODY_JSON || route->body == OR_BODY_MULTIPART) write_response(json, 415, "Error");
  for (size_t i = 0; i < sizeof everywhere / sizeof *everywhere; ++i) {
    /* The probes say in their own form that the server is not ready. */
    bool own = everywhere[i] == 503 && probe;
    char word[8];
    if (strstr(more, or_format(word, sizeof word, "%d", everywhere[i])) == NULL)
      write_response(json, everywhere[i], own ? route->response : "Error");
  }
  or_json_object_end(json);
}

static void write_parameter(or_json_writer_t *json, const char *where, or_slice_t name, or_slice_t type) {
  or_json_object_begin(json);
  or_json_key(json, "name");
  or_json_string_n(json, name.data, name.length);
  or_json_field_string(json, "in", where);
  or_json_field_bool(json, "required", strcmp(where, "path") == 0);
  or_json_key(json, "schema");
  or_json_object_begin(json);
  const char *colon = memchr(type.data, ':', type.length);
  write_schema_inside(json, type.data, colon != NULL ? (size_t)(colon - type.data) : type.length, false);
  if (colon != NULL) {
    char *end = NULL;
    or_json_field_double(json, "minimum", strtod(colon + 1, &end));
    if (*end == ':') or_json_field_double(json, "maximum", strtod(end + 1, NULL));
  }
  or_json_object_end(json);
  or_json_object_end(json);
}

/* Those of a list, "name:type name:type:low:high"; NULL: none. */
static void write_listed(or_json_writer_t *json, const char *where, const char *list) {
  for (const char *at = list != NULL ? list : ""; *at != '\0';) {
    const size_t length = strcspn(at, " "), name = strcspn(at, ":");
    write_parameter(json, where, (or_slice_t){at, name}, (or_slice_t){at + name + 1, length - name - 1});
    at += length;
    at += strspn(at, " ");
  }
}

static void write_parameters(or_json_writer_t *json, const or_route_t *route) {
  or_json_key(json, "parameters");
  or_json_array_begin(json);
  for (const char *open = strchr(route->pattern, '{'); open != NULL; open = strchr(open + 1, '{')) {
    const char *close = strchr(open, '}');
    write_parameter(json, "path", (or_slice_t){open + 1, (size_t)(close - open - 1)}, (or_slice_t){"string", 6});
  }
  write_listed(json, "query", route->parameters);
  write_listed(json, "header", route->headers);
  or_json_array_end(json);
}

/* The JSON as it is, or as the part "request" before those that it names. */
static void write_request(or_json_writer_t *json, const or_route_t *route) {
  static const char rest[] = "},\"required\":[\"request\"],\"additionalProperties\":{\"type\":\"string\","
                             "\"contentMediaType\":\"application/octet-stream\"}},"
                             "\"encoding\":{\"request\":{\"contentType\":\"application/json\"}}}";
  or_json_key(json, "requestBody");
  or_json_object_begin(json);
  or_json_field_bool(json, "required", !route->may_lack_body);
  or_json_key(json, "content");
  or_json_object_begin(json);
  write_media(json, "application/json", route->request);
  if (route->body == OR_BODY_MULTIPART) {
    char parts[512];
    const int length = snprintf(parts, sizeof parts,
                                "{\"schema\":{\"type\":\"object\",\"properties\":{\"request\":"
                                "{\"$ref\":\"#/components/schemas/%s\"}%s",
                                route->request, rest);
    or_json_key(json, "multipart/form-data");
    or_json_raw(json, parts, (size_t)length); /* the table's names are short: tested */
  }
  or_json_object_end(json);
  or_json_object_end(json);
}

static const char *const scope_names[] = {
    [OR_SCOPE_OPEN] = "none",       [OR_SCOPE_READ] = "read",
    [OR_SCOPE_RUN] = "run",         [OR_SCOPE_RUN | OR_SCOPE_KERNELS] = "run, or kernels",
    [OR_SCOPE_KERNELS] = "kernels", [OR_SCOPE_ADMIN] = "admin"};

static void write_operation(or_json_writer_t *json, const or_route_t *route) {
  char id[160];
  size_t used = 0;
  (void)or_format(id, sizeof id, "%s%s", or_http_method_name(route->method), route->pattern);
  for (char *c = id; *c != '\0'; ++c) { /* "GET/devices/{id}" becomes get_devices_id */
    char lower = *c >= 'A' && *c <= 'Z' ? (char)(*c + 32) : *c;
    bool letter = (lower >= 'a' && lower <= 'z') || (lower >= '0' && lower <= '9');
    if (letter) id[used++] = lower;
    if (!letter && used > 0 && id[used - 1] != '_' && c[1] != '\0') id[used++] = '_';
  }
  id[used] = '\0';
  static const char *const keys[] = {"get", "head", "post", "put", "patch", "delete", "options", "other"};
  or_json_key(json, keys[route->method]);
  or_json_object_begin(json);
  or_json_field_string(json, "operationId", id);
  or_json_field_string(json, "summary", route->summary);
  or_json_key(json, "tags");
  or_json_array_begin(json);
  or_json_string(json, route->tag);
  or_json_array_end(json);
  or_json_field_string(json, "x-scope", scope_names[route->scope]);
  write_parameters(json, route);
  if (route->request != NULL) {
    write_request(json, route);
  }
  write_responses(json, route);
  or_json_object_end(json);
}

static void write_paths(or_json_writer_t *json, const or_route_t *routes, size_t count) {
  or_json_key(json, "paths");
  or_json_object_begin(json);
  for (size_t i = 0; i < count; ++i) {
    bool first = true; /* rows of one path need not stand together */
    for (size_t j = 0; j < i; ++j) first = first && strcmp(routes[j].pattern, routes[i].pattern) != 0;
    if (!first) continue;
    or_json_key(json, routes[i].pattern);
    or_json_object_begin(json);
    for (size_t j = i; j < count; ++j) {
      if (strcmp(routes[j].pattern, routes[i].pattern) == 0) write_operation(json, &routes[j]);
    }
    or_json_object_end(json);
  }
  or_json_object_end(json);
}

/* Writes ,"type":T, or with null where the field may be that. */
static void write_type(or_json_writer_t *json, const char *type, bool nullable) {
  or_json_key(json, "type");
  if (!nullable) {
    or_json_string(json, type);
    return;
  }
  or_json_array_begin(json);
  or_json_string(json, type);
  or_json_string(json, "null");
  or_json_array_end(json);
}

static bool is(const char *type, size_t length, const char *word) {
  return or_slice_is((or_slice_t){type, length}, word);
}

static void write_words(or_json_writer_t *json, const char *type, size_t length, bool nullable) {
  write_type(json, "string", nullable);
  or_json_key(json, "enum");
  or_json_array_begin(json);
  for (const char *at = type, *end = type + length; at < end;) {
    const char *bar = memchr(at, '|', (size_t)(end - at));
    size_t word = (size_t)((bar != NULL ? bar : end) - at);
    or_json_string_n(json, at, word);
    at += bar != NULL ? word + 1 : word;
  }
  if (nullable) or_json_null(json);
  or_json_array_end(json);
}

static void write_reference(or_json_writer_t *json, const char *type, size_t length) {
  char reference[96];
  or_json_field_string(json, "$ref",
                       or_format(reference, sizeof reference, "#/components/schemas/%.*s", (int)length, type));
}

/* A schema of one type, as or_schema_field_t says it: an object of its own. */
static void write_schema_of(or_json_writer_t *json, const char *type, size_t length, bool nullable) {
  or_json_object_begin(json);
  write_schema_inside(json, type, length, nullable);
  or_json_object_end(json);
}

static void write_schema_inside(or_json_writer_t *json, const char *type, size_t length, bool nullable) {
  static const char *const plain[] = {"string", "integer", "number", "boolean", "object"};
  bool done = false;
  for (size_t i = 0; i < sizeof plain / sizeof *plain && !done; ++i) {
    done = is(type, length, plain[i]);
    if (done) write_type(json, plain[i], nullable);
  }
  if (done) {
  } else if (is(type, length, "timestamp")) {
    write_type(json, "string", nullable);
    or_json_field_string(json, "format", "date-time");
  } else if (type[0] == '[') {
    write_type(json, "array", nullable);
    or_json_key(json, "items");
    write_schema_of(json, type + 1, length - 2, false);
  } else if (type[0] == '{') {
    write_type(json, "object", nullable);
    or_json_key(json, "additionalProperties");
    write_schema_of(json, type + 1, length - 2, false);
  } else if (type[0] >= 'A' && type[0] <= 'Z' && nullable) {
    or_json_key(json, "anyOf");
    or_json_array_begin(json);
    write_schema_of(json, type, length, false);
    or_json_raw(json, "{\"type\":\"null\"}", sizeof "{\"type\":\"null\"}" - 1);
    or_json_array_end(json);
  } else if (type[0] >= 'A' && type[0] <= 'Z') {
    write_reference(json, type, length);
  } else if (!is(type, length, "any")) {
    write_words(json, type, length, nullable);
  }
}

/* One schema: the fields from `first` on that have its name. Returns the index behind them. */
static size_t write_schema(or_json_writer_t *json, size_t first) {
  const or_schema_field_t *fields = or_schema_fields;
  size_t end = first;
  while (end < or_schema_field_count && strcmp(fields[end].schema, fields[first].schema) == 0) ++end;
  or_json_key(json, fields[first].schema);
  or_json_object_begin(json);
  or_json_field_string(json, "type", "object");
  or_json_field_bool(json, "additionalProperties", false);
  or_json_key(json, "properties");
  or_json_object_begin(json);
  for (size_t i = first; i < end; ++i) {
    or_json_key(json, fields[i].name);
    or_json_object_begin(json);
    const bool nullable = fields[i].presence == OR_FIELD_NULLABLE || fields[i].presence == OR_FIELD_OMITTED;
    write_schema_inside(json, fields[i].type, strlen(fields[i].type), nullable);
    if (fields[i].summary != NULL) or_json_field_string(json, "description", fields[i].summary);
    or_json_object_end(json);
  }
  or_json_object_end(json);
  or_json_key(json, "required");
  or_json_array_begin(json);
  for (size_t i = first; i < end; ++i) {
    if (fields[i].presence == OR_FIELD_ALWAYS || fields[i].presence == OR_FIELD_NULLABLE)
      or_json_string(json, fields[i].name);
  }
  or_json_array_end(json);
  or_json_object_end(json);
  return end;
}

static void write_schemas(or_json_writer_t *json) {
  or_json_key(json, "schemas");
  or_json_object_begin(json);
  for (size_t at = 0; at < or_schema_field_count;) at = write_schema(json, at);
  or_json_object_end(json);
}
