#include "server/hub_wish.h"

#include <string.h>

static or_status_t read_topics(const or_json_value_t *list, or_hub_wish_t *out) {
  static const char *const names[] = {"metrics", "tasks", "logs"};
  if (or_json_kind(list) != OR_JSON_ARRAY) return or_error(OR_INVALID_ARGUMENT, "subscribe: a list of topics");
  out->has_topics = true;
  for (size_t i = 0; i < or_json_count(list); ++i) {
    const char *name = or_json_get_string(or_json_at(list, i), NULL);
    size_t topic = 0;
    while (topic < 3 && (name == NULL || strcmp(name, names[topic]) != 0)) ++topic;
    if (topic == 3)
      return or_error(OR_INVALID_ARGUMENT, "subscribe: \"%.32s\" is no topic: metrics, tasks, logs",
                      name != NULL ? name : "");
    out->topics |= 1u << topic;
  }
  return or_status_success();
}

static or_status_t read_interval(const or_json_value_t *value, or_hub_wish_t *out) {
  const or_json_kind_t kind = or_json_kind(value);
  const double seconds = kind == OR_JSON_INTEGER || kind == OR_JSON_REAL ? or_json_get_double(value, 0) : 0;
  if (!(seconds >= (double)OR_HUB_MIN_INTERVAL_MS / 1e3 && seconds <= (double)OR_HUB_MAX_INTERVAL_MS / 1e3))
    return or_error(OR_INVALID_ARGUMENT, "interval: a number of seconds, 0.1 to 60");
  out->interval_ms = (int64_t)(seconds * 1e3 + 0.5);
  return or_status_success();
}

or_status_t or_hub_wish_parse(const or_allocator_t *allocator, or_slice_t message, or_hub_wish_t *out) {
  or_json_document_t *document = NULL;
  *out = (or_hub_wish_t){.interval_ms = 0};
  or_status_t status = or_json_parse(allocator, message.data, message.length, &document);
  if (!or_ok(status)) return status;
  const or_json_value_t *root = or_json_root(document);
  if (or_json_kind(root) != OR_JSON_OBJECT || or_json_count(root) == 0)
    status = or_error(OR_INVALID_ARGUMENT, "not an object with subscribe or interval");
  for (size_t i = 0; or_ok(status) && or_json_kind(root) == OR_JSON_OBJECT && i < or_json_count(root); ++i) {
    const or_json_value_t *value = NULL;
    const char *key = or_json_key_at(root, i, &value);
    if (strcmp(key, "subscribe") == 0) {
      status = read_topics(value, out);
    } else if (strcmp(key, "interval") == 0) {
      status = read_interval(value, out);
    } else {
      status = or_error(OR_INVALID_ARGUMENT, "\"%.32s\" is unknown here: subscribe, interval", key);
    }
  }
  or_json_document_free(document);
  return status;
}
