#include "server/config.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

#define AT(field) offsetof(or_server_config_t, field)
#define DAY_MS INT64_C(86400000)

/* The order is that of the template. */
const or_config_key_t or_config_keys[] = {
    {"host", OR_CONFIG_TEXT, AT(host), "127.0.0.1", 0, 0,
     "address or name to listen at; other than loopback needs keys, or insecure = true"},
    {"port", OR_CONFIG_INTEGER, AT(port), "8000", 0, 65535, "TCP port; 0 takes one that is free"},
    {"unix", OR_CONFIG_TEXT, AT(unix_path), "", 0, 0, "path of a Unix socket to listen at as well"},
    {"models", OR_CONFIG_TEXT, AT(models), "", 0, 0, "folder of models; empty: ./models, else the installed ones"},
    {"data", OR_CONFIG_TEXT, AT(data), ":memory:", 0, 0, "folder of the database and results; :memory: keeps nothing"},
    {"backends", OR_CONFIG_TEXT, AT(backends), "", 0, 0,
     "kinds of devices to look for, separated by commas: cpu, opencl; empty: all"},
    {"cache", OR_CONFIG_TEXT, AT(cache), "", 0, 0,
     "folder of compiled kernels and measured choices; empty: ~/.cache/openruntime; off: none is kept"},
    {"insecure", OR_CONFIG_BOOL, AT(insecure), "false", 0, 0, "listen beyond loopback although there are no keys"},
    {"tls_cert", OR_CONFIG_TEXT, AT(tls_cert), "", 0, 0,
     "PEM file of the certificate with its chain; read again at SIGHUP"},
    {"tls_key", OR_CONFIG_TEXT, AT(tls_key), "", 0, 0, "PEM file of its key"},
    {"hosts", OR_CONFIG_TEXT, AT(hosts), "", 0, 0,
     "names besides loopback that a Host header may have, separated by commas; *: any; others get 421"},
    {"origins", OR_CONFIG_TEXT, AT(origins), "", 0, 0,
     "origins of pages elsewhere that may ask, separated by commas; others get 403"},
    {"metrics_open", OR_CONFIG_BOOL, AT(metrics_open), "false", 0, 0, "/metrics needs no key"},
    {"kernels", OR_CONFIG_BOOL, AT(kernels), "false", 0, 0,
     "on: keys of the scope kernels may compile and run source code, in processes of their own; off: 403"},
    {"kernel_source_size", OR_CONFIG_BYTES, AT(kernel_source_bytes), "1M", 1, 1 << 20,
     "bytes of a kernel's source; more gets 422"},
    {"kernel_compile_timeout", OR_CONFIG_SECONDS, AT(kernel_compile_ms), "30", 1, 600000,
     "seconds for one compilation; then it is killed and gets 400"},
    {"kernel_run_timeout", OR_CONFIG_SECONDS, AT(kernel_run_ms), "60", 1, 3600000,
     "seconds for one run, at most; then it is killed and the task's status is timeout"},
    {"kernel_memory", OR_CONFIG_BYTES, AT(kernel_memory_bytes), "4G", INT64_C(256) << 20, INT64_C(1) << 40,
     "bytes that a process for kernels may have in all; with more it dies and the task fails"},
    {"kernel_output_size", OR_CONFIG_BYTES, AT(kernel_output_bytes), "256M", 1024, INT64_C(1) << 40,
     "bytes of one run's results; more gets 422"},
    {"kernel_workers", OR_CONFIG_INTEGER, AT(kernel_workers), "8", 1, 64,
     "processes for kernels at once; the one that was idle longest is ended for another"},
    {"log_level", OR_CONFIG_TEXT, AT(log_level), "info", 0, 0,
     "off, error, warning, info, debug; module=level behind commas"},
    {"loops", OR_CONFIG_INTEGER, AT(loops), "1", 1, 64, "threads that own connections"},
    {"drain_timeout", OR_CONFIG_SECONDS, AT(drain_ms), "30", 0, DAY_MS,
     "seconds that requests at work have after SIGTERM; then they are cut off"},
    {"max_connections", OR_CONFIG_INTEGER, AT(connections), "16384", 1, 1000000, "open at once; further ones get 503"},
    {"max_header_size", OR_CONFIG_BYTES, AT(head_bytes), "16K", 1024, 32 << 10,
     "bytes of a request line and its headers; more gets 431"},
    {"max_target_size", OR_CONFIG_BYTES, AT(target_bytes), "8K", 256, 16 << 10,
     "bytes of path and query; more gets 414"},
    {"max_headers", OR_CONFIG_INTEGER, AT(header_count), "64", 8, 1024, "headers of a request; more gets 431"},
    {"max_body_size", OR_CONFIG_BYTES, AT(body_bytes), "256M", 1024, INT64_C(1) << 40,
     "bytes of a body; more gets 413"},
    {"max_message_size", OR_CONFIG_BYTES, AT(ws_message_bytes), "64K", 125, INT64_C(1) << 30,
     "bytes of a WebSocket message; more closes with 1009"},
    {"header_timeout", OR_CONFIG_SECONDS, AT(header_timeout_ms), "10", 1, DAY_MS,
     "seconds from the first byte of a request to the end of its headers; then 408"},
    {"body_timeout", OR_CONFIG_SECONDS, AT(body_timeout_ms), "30", 1, DAY_MS,
     "seconds in which 16 KiB or the rest of a body must come; then 408"},
    {"idle_timeout", OR_CONFIG_SECONDS, AT(idle_timeout_ms), "75", 1, DAY_MS,
     "seconds that a connection may wait between requests; then it is closed"},
    {"write_timeout", OR_CONFIG_SECONDS, AT(write_timeout_ms), "60", 1, DAY_MS,
     "seconds in which a client must take some of what waits for it; then it is closed"},
    {"ws_ping", OR_CONFIG_SECONDS, AT(ws_ping_ms), "30", 1, DAY_MS,
     "seconds of silence after which a WebSocket is asked; without an answer in as many it is closed"},
};
const size_t or_config_key_count = sizeof or_config_keys / sizeof *or_config_keys;

static or_status_t set(or_server_config_t *config, const or_config_key_t *key, const char *value);
static or_status_t walk_log_levels(const char *words, bool apply);

static const or_config_key_t *find(const char *name) {
  for (size_t i = 0; i < or_config_key_count; ++i) {
    if (strcmp(or_config_keys[i].name, name) == 0) return &or_config_keys[i];
  }
  return NULL;
}

void or_config_default(or_server_config_t *config) {
  memset(config, 0, sizeof *config);
  for (size_t i = 0; i < or_config_key_count; ++i)
    or_status_ignore(
        set(config, &or_config_keys[i], or_config_keys[i].fallback)); /* the table's own are good: tested */
}

static or_status_t unknown_key(const char *name) {
  const char *names[64];
  size_t count = or_config_key_count < 64 ? or_config_key_count : 64;
  for (size_t i = 0; i < count; ++i) names[i] = or_config_keys[i].name;
  const char *nearest = or_string_nearest(name, names, count);
  if (nearest == NULL) return or_error(OR_INVALID_ARGUMENT, "%.64s: no such setting", name);
  return or_error(OR_INVALID_ARGUMENT, "%.64s: no such setting; did you mean %s?", name, nearest);
}

or_status_t or_config_set(or_server_config_t *config, const char *key, const char *value) {
  const or_config_key_t *row = find(key);
  return row != NULL ? set(config, row, value) : unknown_key(key);
}

static or_status_t set_number(int64_t *out, const or_config_key_t *key, const char *value) {
  char *end = NULL;
  errno = 0;
  double number = strtod(value, &end);
  double scale = key->type == OR_CONFIG_SECONDS ? 1000 : 1;
  if (key->type == OR_CONFIG_BYTES && end != value && *end != '\0' && end[1] == '\0') {
    static const char units[] = "KMG";
    const char *unit = strchr(units, *end);
    if (unit != NULL) {
      scale = ldexp(1, 10 * (int)(unit - units + 1));
      ++end;
    }
  }
  static const char *const forms[] = {[OR_CONFIG_INTEGER] = "a whole number",
                                      [OR_CONFIG_BYTES] = "a number of bytes, as 1048576, 1024K, 1M",
                                      [OR_CONFIG_SECONDS] = "a number of seconds"};
  bool digits = value[0] >= '0' && value[0] <= '9' && strchr(value, 'x') == NULL && strchr(value, 'X') == NULL;
  double kept = number * scale;
  if (end == value || *end != '\0' || !digits || !isfinite(kept) ||
      (key->type != OR_CONFIG_SECONDS && kept != floor(kept)))
    return or_error(OR_INVALID_ARGUMENT, "%s: \"%.64s\" is not %s", key->name, value, forms[key->type]);
  if (kept < (double)key->low || kept > (double)key->high)
    return or_error(OR_INVALID_ARGUMENT, "%s: %.64s is outside; it must be from %g to %g", key->name, value,
                    (double)key->low / (key->type == OR_CONFIG_SECONDS ? 1000 : 1),
                    (double)key->high / (key->type == OR_CONFIG_SECONDS ? 1000 : 1));
  *out = (int64_t)kept;
  return or_status_success();
}

static bool is_module(const char *name) {
  for (int i = 0; i < OR_LOG_MODULE_COUNT; ++i) {
    if (strcmp(or_log_module_name((or_log_module_t)i), name) == 0) return true;
  }
  return false;
}

static or_status_t no_module(const char *name) {
  char known[128] = "";
  for (int i = 0; i < OR_LOG_MODULE_COUNT; ++i) {
    const size_t used = strlen(known);
    (void)or_format(known + used, sizeof known - used, "%s%s", i > 0 ? ", " : "",
                    or_log_module_name((or_log_module_t)i));
  }
  return or_error(OR_INVALID_ARGUMENT, "log_level: \"%s\" is no module; there are %s", name, known);
}

/* Each word is checked, and with `apply` obeyed. */
static or_status_t walk_log_levels(const char *words, bool apply) {
  or_status_t status = or_status_success();
  for (const char *at = words; or_ok(status) && *at != '\0';) {
    char word[64];
    or_log_level_t level = OR_LOG_INFO;
    const size_t length = strcspn(at, ",");
    (void)or_format(word, sizeof word, "%.*s", (int)(length < sizeof word ? length : sizeof word), at);
    char *equals = strchr(word, '=');
    const char *name = equals != NULL ? equals + 1 : word;
    if (equals != NULL) *equals = '\0';
    if (!or_log_level_from_name(name, &level))
      return or_error(OR_INVALID_ARGUMENT, "log_level: \"%s\" is not off, error, warning, info or debug", name);
    if (equals != NULL && !is_module(word)) return no_module(word);
    if (apply && equals == NULL) or_log_set_level(level);
    if (apply && equals != NULL) status = or_log_set_module_level(word, level);
    at += length + (at[length] == ',');
  }
  return status;
}

or_status_t or_config_set_log_levels(const char *words) {
  or_status_t status = walk_log_levels(words, false);
  return or_ok(status) ? walk_log_levels(words, true) : status;
}

static or_status_t set(or_server_config_t *config, const or_config_key_t *key, const char *value) {
  char *place = (char *)config + key->offset;
  if (key->type == OR_CONFIG_TEXT) {
    if (strlen(value) >= OR_CONFIG_TEXT_BYTES)
      return or_error(OR_INVALID_ARGUMENT, "%s: a value of %zu bytes; the limit is %d", key->name, strlen(value),
                      OR_CONFIG_TEXT_BYTES - 1);
    or_status_t status = key->offset == AT(log_level) ? walk_log_levels(value, false) : or_status_success();
    if (or_ok(status)) (void)or_format(place, OR_CONFIG_TEXT_BYTES, "%s", value);
    return status;
  }
  if (key->type != OR_CONFIG_BOOL) return set_number((int64_t *)(void *)place, key, value);
  static const char *const words[2][4] = {{"false", "0", "no", "off"}, {"true", "1", "yes", "on"}};
  bool no = false, yes = false;
  for (int i = 0; i < 4; ++i) {
    no = no || strcmp(value, words[0][i]) == 0;
    yes = yes || strcmp(value, words[1][i]) == 0;
  }
  if (!yes && !no) return or_error(OR_INVALID_ARGUMENT, "%s: \"%.64s\" is neither true nor false", key->name, value);
  *(bool *)place = yes;
  return or_status_success();
}

static bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r'; }

/* Cuts "key = value" in place. False with what is wrong; *key is "" on a line that says nothing. */
static bool cut_line(char *line, char **key, char **value, const char **why) {
  while (is_space(*line)) ++line;
  *key = line;
  *value = line;
  if (*line == '\0' || *line == '#') {
    *key = *value = line + strlen(line);
    return true;
  }
  char *equals = strchr(line, '=');
  *why = "it is not key = value";
  if (equals == NULL || equals == line) return false;
  char *end = equals;
  while (end > line && is_space(end[-1])) --end;
  *end = '\0';
  char *at = equals + 1;
  while (is_space(*at)) ++at;
  bool quoted = *at == '"';
  *value = quoted ? at + 1 : at;
  end = quoted ? strchr(at + 1, '"') : at + strcspn(at, "#");
  *why = "the quote is not closed";
  if (end == NULL) return false;
  for (const char *rest = end + 1; quoted && *rest != '\0' && *rest != '#'; ++rest) {
    *why = "something stands behind the closing quote";
    if (!is_space(*rest)) return false;
  }
  while (!quoted && end > *value && is_space(end[-1])) --end;
  *end = '\0';
  return true;
}

static or_status_t read_line(or_server_config_t *config, char *line) {
  char *key = NULL, *value = NULL;
  const char *why = "";
  if (!cut_line(line, &key, &value, &why)) return or_error(OR_INVALID_ARGUMENT, "%s", why);
  return *key == '\0' ? or_status_success() : or_config_set(config, key, value);
}

size_t or_config_read(or_server_config_t *config, const char *name, const char *text, size_t length,
                      or_config_problem_t problem, void *self) {
  char line[OR_CONFIG_TEXT_BYTES + 128], words[OR_STATUS_MESSAGE_BYTES];
  size_t problems = 0, number = 0;
  for (const char *at = text, *end = text + length; at < end;) {
    const char *newline = memchr(at, '\n', (size_t)(end - at));
    size_t bytes = (size_t)((newline != NULL ? newline : end) - at);
    or_status_t status;
    ++number;
    if (bytes >= sizeof line || memchr(at, '\0', bytes) != NULL || !or_utf8_valid(at, bytes)) {
      status = or_error(OR_INVALID_ARGUMENT, "the line is too long, or no text");
    } else {
      memcpy(line, at, bytes);
      line[bytes] = '\0';
      status = read_line(config, line);
    }
    if (!or_ok(status)) {
      ++problems;
      problem(self, or_format(words, sizeof words, "%s:%zu: %s", name, number, or_status_message(status)));
    }
    or_status_ignore(status); /* told */
    at = newline != NULL ? newline + 1 : end;
  }
  return problems;
}

static char *environment_name(const or_config_key_t *key, char *name, size_t capacity) {
  (void)or_format(name, capacity, "OPENRUNTIME_%s", key->name);
  for (char *c = name; *c != '\0'; ++c) {
    if (*c >= 'a' && *c <= 'z') *c = (char)(*c - 32);
  }
  return name;
}

size_t or_config_read_environment(or_server_config_t *config, const char *(*get)(const char *name),
                                  or_config_problem_t problem, void *self) {
  char name[96], words[OR_STATUS_MESSAGE_BYTES];
  size_t problems = 0;
  for (size_t i = 0; i < or_config_key_count; ++i) {
    const char *value = get(environment_name(&or_config_keys[i], name, sizeof name));
    if (value == NULL) continue;
    or_status_t status = set(config, &or_config_keys[i], value);
    if (!or_ok(status)) {
      ++problems;
      problem(self, or_format(words, sizeof words, "%s: %s", name, or_status_message(status)));
    }
    or_status_ignore(status); /* told */
  }
  return problems;
}

/* A value as a file has it, a text without its quotes. */
static const char *value_of(const or_server_config_t *config, const or_config_key_t *key, char *text, size_t capacity) {
  const char *place = (const char *)config + key->offset;
  if (key->type == OR_CONFIG_TEXT) return place;
  if (key->type == OR_CONFIG_BOOL) return *(const bool *)place ? "true" : "false";
  const int64_t number = *(const int64_t *)(const void *)place;
  if (key->type == OR_CONFIG_SECONDS) return or_format(text, capacity, "%.10g", (double)number * 1e-3);
  return or_format(text, capacity, "%lld", (long long)number);
}

or_status_t or_config_write(const or_server_config_t *config, or_text_t *text) {
  or_status_t status = or_status_success();
  for (size_t i = 0; i < or_config_key_count && or_ok(status); ++i) {
    const or_config_key_t *key = &or_config_keys[i];
    const char *quote = key->type == OR_CONFIG_TEXT ? "\"" : "";
    char number[32];
    status =
        or_text_printf(text, "%s = %s%s%s\n", key->name, quote, value_of(config, key, number, sizeof number), quote);
  }
  return status;
}

void or_config_write_json(const or_server_config_t *config, or_json_writer_t *json) {
  or_json_object_begin(json);
  for (size_t i = 0; i < or_config_key_count; ++i) {
    const or_config_key_t *key = &or_config_keys[i];
    char number[32];
    const char *value = value_of(config, key, number, sizeof number);
    or_json_key(json, key->name);
    if (key->type == OR_CONFIG_TEXT) or_json_string(json, value);
    if (key->type != OR_CONFIG_TEXT) or_json_raw(json, value, strlen(value));
  }
  or_json_object_end(json);
}

or_status_t or_config_write_template(or_text_t *text) {
  char name[96];
  or_status_t status = or_text_append_string(
      text,
      "# openruntime.conf: what `openruntime server` reads. Each line shows the default; the environment's variable\n"
      "# goes over the line, a flag over both. `openruntime server --check-config` says what is wrong.\n");
  for (size_t i = 0; i < or_config_key_count && or_ok(status); ++i) {
    const or_config_key_t *key = &or_config_keys[i];
    status = or_text_printf(text, "\n# %s (%s)\n#%s = %s\n", key->summary, environment_name(key, name, sizeof name),
                            key->name, key->fallback[0] != '\0' ? key->fallback : "\"\"");
  }
  return status;
}
