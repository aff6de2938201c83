/* What is written into the log: a line for each request, and the levels, which may be changed while the server runs. */
#include <string.h>

#include "base/log.h"
#include "base/string.h"
#include "server/fields.h"
#include "server/server.h"

/* What fails by our mistake is an error; who is kept out, and what changes the server itself, is always told. */
static or_log_level_t level_of(const or_request_t *request) {
  const int status = request->reply.status;
  if (status == 500) return OR_LOG_ERROR;
  if (status == 401 || status == 403) return OR_LOG_INFO;
  const bool reads = request->method == OR_HTTP_GET || request->method == OR_HTTP_HEAD;
  const bool rules = request->route != NULL && (request->route->scope & OR_SCOPE_ADMIN) != 0 && !reads;
  return rules ? OR_LOG_INFO : OR_LOG_DEBUG;
}

void or_request_log(void *self, const or_request_t *request, int64_t took_ns) {
  (void)self;
  or_log(OR_LOG_SERVER, level_of(request), "request", "request=%s method=%s route=%s status=%d ms=%.3f key=%s",
         request->request_id, or_http_method_name(request->method),
         request->route != NULL ? request->route->pattern : "-", request->reply.status, (double)took_ns / 1e6,
         request->key.id[0] != '\0' ? request->key.id : "-");
}

static void reply_levels(or_request_t *request) {
  or_json_writer_t json;
  or_reply_json_begin(request, &json);
  or_json_object_begin(&json);
  or_json_key(&json, "modules");
  or_json_object_begin(&json);
  for (int i = 0; i < OR_LOG_MODULE_COUNT; ++i) {
    const or_log_module_t module = (or_log_module_t)i;
    or_json_field_string(&json, or_log_module_name(module), or_log_level_name(or_log_module_level(module)));
  }
  or_json_object_end(&json);
  or_json_object_end(&json);
  or_reply_json_end(request, &json);
}

void or_handle_log(or_request_t *request) { reply_levels(request); }

static bool read_level(or_fields_t *fields, const char *loc, const or_json_value_t *value, or_log_level_t *out) {
  if (or_json_kind(value) == OR_JSON_STRING && or_log_level_from_name(or_json_get_string(value, ""), out)) return true;
  or_fields_problem(fields, loc, "value_error.enum", "must be \"off\", \"error\", \"warning\", \"info\" or \"debug\"");
  return false;
}

static bool is_module(const char *name) {
  for (int i = 0; i < OR_LOG_MODULE_COUNT; ++i) {
    if (strcmp(or_log_module_name((or_log_module_t)i), name) == 0) return true;
  }
  return false;
}

/* Looks at each module's level; with `set`, which comes once all are good, sets it. */
static void each_module(or_fields_t *fields, const or_json_value_t *modules, bool set) {
  for (size_t i = 0; i < or_json_count(modules); ++i) {
    const or_json_value_t *value;
    const char *name = or_json_key_at(modules, i, &value);
    char loc[96];
    or_log_level_t level;
    (void)or_format(loc, sizeof loc, "modules.%s", name);
    if (!is_module(name)) {
      or_fields_problem(fields, loc, "value_error.extra", "there is no such module; GET /log lists them");
    } else if (read_level(fields, loc, value, &level) && set) {
      or_status_ignore(or_log_set_module_level(name, level)); /* it is one: see above */
    }
  }
}

void or_handle_log_change(or_request_t *request) {
  or_fields_t fields;
  or_log_level_t level = OR_LOG_INFO;
  or_fields_begin(&fields, request, "level modules");
  const or_json_value_t *all = or_fields_get(&fields, "level", OR_JSON_STRING);
  const or_json_value_t *modules = or_fields_get(&fields, "modules", OR_JSON_OBJECT);
  if (all != NULL) (void)read_level(&fields, "level", all, &level);
  each_module(&fields, modules, false);
  if (or_fields_good(&fields)) {
    if (all != NULL) or_log_set_level(level);
    each_module(&fields, modules, true);
    reply_levels(request);
  }
  or_fields_end(&fields);
}
