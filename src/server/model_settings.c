#include "server/model_settings.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/string.h"

static const char *name_of(const char *name, int64_t version, char *text, size_t capacity) {
  if (version <= 0) return name;
  return or_format(text, capacity, "%s:%lld", name, (long long)version);
}

/* "resnet50:2 cpu_0 bfloat16": each place and type in which a model was wanted is a setting of its own. */
static char *key_of(const or_model_wish_t *wish, char key[OR_STORE_NAME_BYTES]) {
  char name[sizeof wish->name + 24];
  return or_format(key, OR_STORE_NAME_BYTES, "%s %s %s", name_of(wish->name, wish->version, name, sizeof name),
                   wish->device, wish->precision != OR_DTYPE_NONE ? or_dtype_name(wish->precision) : "own");
}

void or_model_wish_read(or_model_wish_t *wish, const char *name, const or_json_value_t *fields) {
  const or_json_value_t *version = or_json_get(fields, "version");
  const char *precision = or_json_get_string(or_json_get(fields, "precision"), NULL);
  *wish = (or_model_wish_t){.version = or_json_kind(version) == OR_JSON_STRING
                                           ? strtoll(or_json_get_string(version, "0"), NULL, 10)
                                           : or_json_get_int(version, 0),
                            .precision = precision != NULL ? or_dtype_from_name(precision) : OR_DTYPE_NONE,
                            .max_batch_size = or_json_get_int(or_json_get(fields, "max_batch_size"), 0),
                            .keep_alive_s = or_json_get_double(or_json_get(fields, "keep_alive_s"), 0)};
  or_format(wish->name, sizeof wish->name, "%s", name);
  or_format(wish->device, sizeof wish->device, "%s", or_json_get_string(or_json_get(fields, "device"), "auto"));
}

or_status_t or_model_wish_load(const or_services_t *services, const or_runtime_t *runtime,
                               const or_model_wish_t *wish) {
  or_model_request_t request = {.name = wish->name,
                                .version = wish->version,
                                .precision = wish->precision,
                                .max_batch_size = wish->max_batch_size,
                                .keep_alive_s = wish->keep_alive_s};
  or_status_t status = or_runtime_find_device(runtime, wish->device, &request.device);
  return or_ok(status) ? or_model_pool_load(services->pool, &request) : status;
}

static or_status_t write(const or_model_wish_t *wish, or_text_t *text) {
  or_json_writer_t json;
  or_json_begin(&json, text, 0);
  or_json_object_begin(&json);
  or_json_field_string(&json, "name", wish->name);
  or_json_field_int(&json, "version", wish->version);
  or_json_field_string(&json, "device", wish->device);
  or_json_field_string(&json, "precision", wish->precision != OR_DTYPE_NONE ? or_dtype_name(wish->precision) : NULL);
  or_json_field_int(&json, "max_batch_size", wish->max_batch_size);
  or_json_field_double(&json, "keep_alive_s", wish->keep_alive_s);
  or_json_object_end(&json);
  return or_json_finish(&json);
}

static or_status_t put(or_store_t *store, const char *key, const char *value) {
  or_store_waiter_t waiter;
  or_store_waiter_init(&waiter);
  return or_store_waiter_wait(&waiter,
                              or_store_put_setting(store, OR_STORE_MODEL, key, value, or_store_waiter_done, &waiter));
}

/* A walk over the settings, on the store's thread, that its caller waits for. */
typedef struct walk_t {
  or_store_t *store;
  const char *name; /* a key, or the name of a model */
  bool forget, found;
  or_status_t status;
  or_store_waiter_t waiter;
} walk_t;

/* Of "NAME:2 cpu_0 own": NAME, NAME:2, and the whole. */
static bool is_of(const char *key, const char *name) {
  const size_t length = strlen(name);
  if (strncmp(key, name, length) != 0) return false;
  return key[length] == '\0' || key[length] == ' ' || key[length] == ':';
}

static void look(void *self, const char *key, const char *value) {
  walk_t *walk = self;
  (void)value;
  if (!is_of(key, walk->name)) return;
  walk->found = true;
  if (!walk->forget) return;
  walk->status =
      or_status_first(walk->status, or_store_put_setting(walk->store, OR_STORE_MODEL, key, NULL, NULL, NULL));
}

static void end_walk(void *self, or_status_t status) {
  walk_t *walk = self;
  or_store_waiter_done(&walk->waiter, status);
}

static or_status_t walk_over(walk_t *walk) {
  const or_store_settings_t settings = {walk, look, end_walk};
  walk->status = or_status_success();
  or_store_waiter_init(&walk->waiter);
  or_status_t status =
      or_store_waiter_wait(&walk->waiter, or_store_get_settings(walk->store, OR_STORE_MODEL, &settings));
  return or_status_first(status, walk->status);
}

or_status_t or_model_settings_remember(or_store_t *store, const or_model_wish_t *wish, bool *known) {
  char key[OR_STORE_NAME_BYTES];
  or_text_t text;
  walk_t walk = {.store = store, .name = key_of(wish, key)};
  or_text_init(&text, or_allocator_system());
  or_status_t status = walk_over(&walk);
  *known = walk.found;
  if (or_ok(status)) status = write(wish, &text);
  if (or_ok(status)) status = put(store, key, or_text_string(&text));
  or_text_deinit(&text);
  return status;
}

or_status_t or_model_settings_forget_wish(or_store_t *store, const or_model_wish_t *wish) {
  char key[OR_STORE_NAME_BYTES];
  return put(store, key_of(wish, key), NULL);
}

or_status_t or_model_settings_forget(or_store_t *store, const char *name, int64_t version) {
  or_store_waiter_t waiter;
  char full[OR_REPOSITORY_NAME_BYTES + 24];
  walk_t walk = {.store = store, .name = name_of(name, version, full, sizeof full), .forget = true};
  or_status_t status = walk_over(&walk);
  if (!or_ok(status) || !walk.found) return status;
  or_store_waiter_init(&waiter);
  return or_store_waiter_wait(&waiter, or_store_flush(store, or_store_waiter_done, &waiter));
}

/* A visit that outlives its caller. */
typedef struct visit_t {
  void (*visit)(void *self, const or_model_wish_t *wish);
  void *self;
} visit_t;

static void visit_one(void *self, const char *key, const char *value) {
  const visit_t *visit = self;
  or_json_document_t *document = NULL;
  or_model_wish_t wish;
  or_status_t status = or_json_parse(or_allocator_system(), value, strlen(value), &document);
  if (or_ok(status)) {
    const or_json_value_t *root = or_json_root(document);
    or_model_wish_read(&wish, or_json_get_string(or_json_get(root, "name"), ""), root);
    visit->visit(visit->self, &wish);
  } else {
    or_log(OR_LOG_SERVER, OR_LOG_ERROR, "model_setting_unreadable", "setting=\"%s\"", key);
  }
  or_status_ignore(status); /* told; the others are read */
  or_json_document_free(document);
}

static void end_visit(void *self, or_status_t status) {
  if (!or_ok(status))
    or_log(OR_LOG_SERVER, OR_LOG_ERROR, "model_settings_unread", "error=%s",
           or_status_mapping(or_status_code(status))->name);
  or_status_ignore(status); /* told; models are loaded at first use */
  or_free(or_allocator_system(), self);
}

or_status_t or_model_settings_visit(or_store_t *store, void (*visit)(void *self, const or_model_wish_t *wish),
                                    void *self) {
  void *memory = NULL;
  or_status_t begun = or_alloc(or_allocator_system(), sizeof(visit_t), &memory);
  if (!or_ok(begun)) return begun;
  visit_t *kept = memory;
  *kept = (visit_t){visit, self};
  const or_store_settings_t settings = {kept, visit_one, end_visit};
  or_status_t status = or_store_get_settings(store, OR_STORE_MODEL, &settings);
  if (!or_ok(status)) or_free(or_allocator_system(), kept);
  return status;
}
