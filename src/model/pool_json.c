/* What the pool says of models, as JSON. */
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/string.h"
#include "model/builtin/builtin.h"
#include "model/find.h"
#include "model/model_json.h"
#include "model/pool_internal.h"
#include "runtime/session.h"

/* A model as it stood: a copy, with a reference to what is loaded, for `done_looking`. */
static or_model_entry_t look(or_model_pool_t *pool, const char *base, int64_t version) {
  static const int rank[] = {[OR_MODEL_AVAILABLE] = 0,
                             [OR_MODEL_FAILED] = 1,
                             [OR_MODEL_UNLOADING] = 2,
                             [OR_MODEL_LOADING] = 3,
                             [OR_MODEL_READY] = 4};
  or_model_entry_t best = {.state = OR_MODEL_AVAILABLE, .version = OR_MODEL_NO_VERSION};
  or_mutex_lock(&pool->mutex);
  for (const or_model_entry_t *entry = pool->entries; entry != NULL; entry = entry->next) {
    if (strcmp(entry->name, base) != 0 || (version != OR_MODEL_NO_VERSION && entry->version != version)) continue;
    const int gain = rank[entry->state] - rank[best.state];
    if (gain > 0 || (gain == 0 && entry->is_default && !best.is_default)) best = *entry;
  }
  if (best.model != NULL) {
    or_model_retain(best.model);
    or_session_retain(best.session);
  }
  or_mutex_unlock(&pool->mutex);
  return best;
}

static void done_looking(const or_model_entry_t *entry) {
  or_session_release(entry->session);
  or_model_release(entry->model);
}

or_status_t or_model_pool_estimate(or_model_pool_t *pool, const char *name, uint64_t *bytes, bool *known) {
  char base[OR_REPOSITORY_NAME_BYTES], *file = NULL;
  int64_t version = OR_MODEL_NO_VERSION, found = OR_MODEL_NO_VERSION;
  *bytes = 0;
  *known = false;
  or_status_t status = or_model_pool_split(name, base, &version);
  if (!or_ok(status)) return status;
  const or_model_entry_t entry = look(pool, base, version);
  if (entry.model != NULL) {
    *bytes = entry.bytes;
    *known = true;
    done_looking(&entry);
    return status;
  }
  status = or_model_pool_locate(pool, base, version, &file, &found);
  struct stat info;
  if (or_ok(status) && file != NULL && stat(file, &info) == 0 && S_ISREG(info.st_mode)) {
    *bytes = (uint64_t)info.st_size;
    *known = true;
  }
  or_free(pool->allocator, file);
  return status;
}

or_model_t *or_model_pool_loaded(or_model_pool_t *pool, const char *name) {
  char base[OR_REPOSITORY_NAME_BYTES];
  int64_t version = OR_MODEL_NO_VERSION;
  or_status_t status = or_model_pool_split(name, base, &version);
  if (!or_ok(status)) {
    or_status_ignore(status); /* no model has such a name */
    return NULL;
  }
  const or_model_entry_t entry = look(pool, base, version);
  or_session_release(entry.session);
  return entry.model;
}

or_status_t or_model_pool_read(or_model_pool_t *pool, const char *name, or_model_t **out) {
  char full[OR_REPOSITORY_NAME_BYTES + 24], base[OR_REPOSITORY_NAME_BYTES];
  int64_t version = OR_MODEL_NO_VERSION;
  const or_model_search_t search = {.directory = pool->directory};
  *out = or_model_pool_loaded(pool, name);
  if (*out != NULL) return or_status_success();
  or_status_t status = or_model_pool_split(name, base, &version);
  if (!or_ok(status)) return status;
  or_format(full, sizeof full, "%s", base);
  if (version != OR_MODEL_NO_VERSION) or_format(full, sizeof full, "%s:%lld", base, (long long)version);
  return or_model_pool_hide(pool, or_model_find(pool->runtime, &search, full, out));
}

static const char *state_name(or_model_state_t state) {
  static const char *const names[] = {[OR_MODEL_AVAILABLE] = "available",
                                      [OR_MODEL_LOADING] = "loading",
                                      [OR_MODEL_READY] = "ready",
                                      [OR_MODEL_FAILED] = "failed",
                                      [OR_MODEL_UNLOADING] = "unloading"};
  return names[state];
}

static void write_version(or_json_writer_t *json, int64_t version) {
  char text[24];
  or_json_field_string(json, "version", version < 0 ? NULL : or_format(text, sizeof text, "%lld", (long long)version));
}

static void write_time(or_json_writer_t *json, const char *key, int64_t wall_us) {
  char text[40];
  or_json_field_string(json, key, wall_us == 0 ? NULL : or_clock_format(wall_us, text, sizeof text));
}

static void write_number(void *self, int64_t version) {
  char text[24];
  or_json_string(self, or_format(text, sizeof text, "%lld", (long long)version));
}

static void write_count(or_json_writer_t *json, const char *key, bool known, uint64_t count) {
  or_json_key(json, key);
  if (known) {
    or_json_uint(json, count);
  } else {
    or_json_null(json);
  }
}

/* Memory, as it is now; null where nothing is loaded, and of states that change while one looks. */
static void write_bytes(or_json_writer_t *json, const or_model_entry_t *entry) {
  or_session_memory_t memory = {0};
  const bool loaded = entry->model != NULL;
  if (loaded) memory = or_session_memory(entry->session);
  or_json_key(json, "bytes");
  or_json_object_begin(json);
  write_count(json, "weights", loaded, entry->bytes);
  write_count(json, "arena", loaded, memory.arena_bytes);
  write_count(json, "state", loaded && memory.state_known, memory.state_bytes);
  or_json_object_end(json);
}

static void write_model(or_model_pool_t *pool, const char *base, int64_t version, const char *file,
                        const or_model_entry_t *entry, or_json_writer_t *json) {
  const or_model_t *model = entry->model;
  or_json_object_begin(json);
  or_json_field_string(json, "name", base);
  write_version(json, entry->state != OR_MODEL_AVAILABLE ? entry->version : version);
  or_json_key(json, "versions");
  or_json_array_begin(json);
  if (pool->directory != NULL) or_repository_versions(pool->directory, base, write_number, json);
  or_json_array_end(json);
  or_json_field_string(json, "state", state_name(entry->state));
  or_json_field_string(json, "reason", entry->reason[0] != '\0' ? entry->reason : NULL);
  or_model_json_values(json, model, true);
  or_model_json_values(json, model, false);
  or_json_field_string(json, "device", entry->device != NULL ? or_device_facts(entry->device)->id : NULL);
  or_json_field_string(json, "precision", entry->precision != OR_DTYPE_NONE ? or_dtype_name(entry->precision) : NULL);
  or_json_field_string(json, "weights", model != NULL ? or_model_weights(model) : file != NULL ? "file" : "synthetic");
  write_bytes(json, entry);
  write_time(json, "loaded_at", entry->loaded_at_us);
  write_time(json, "last_used", entry->last_used_us);
  or_json_object_end(json);
}

or_status_t or_model_pool_describe(or_model_pool_t *pool, const char *name, or_json_writer_t *json) {
  char base[OR_REPOSITORY_NAME_BYTES], *file = NULL;
  int64_t version = OR_MODEL_NO_VERSION, found = OR_MODEL_NO_VERSION;
  or_status_t status = or_model_pool_split(name, base, &version);
  if (or_ok(status)) status = or_model_pool_locate(pool, base, version, &file, &found);
  if (!or_ok(status)) return status;
  const or_model_entry_t entry = look(pool, base, version);
  write_model(pool, base, found, file, &entry, json);
  done_looking(&entry);
  or_free(pool->allocator, file);
  return status;
}

typedef struct listing_t {
  or_model_pool_t *pool;
  or_json_writer_t *json;
  uint64_t shadowed; /* bits: networks whose name a model of the folder has */
} listing_t;

static or_status_t list_one(void *self, const char *name, const char *file) {
  listing_t *listing = self;
  for (uint32_t i = 0; or_builtin_at(i) != NULL; ++i) {
    if (strcmp(or_builtin_at(i)->name, name) == 0) listing->shadowed |= UINT64_C(1) << i;
  }
  const or_model_entry_t entry = look(listing->pool, name, OR_MODEL_NO_VERSION);
  write_model(listing->pool, name, or_repository_version_of(file), file, &entry, listing->json);
  done_looking(&entry);
  return or_status_success();
}

or_status_t or_model_pool_list(or_model_pool_t *pool, or_json_writer_t *json) {
  listing_t listing = {.pool = pool, .json = json};
  or_status_t status = or_status_success();
  or_json_array_begin(json);
  if (pool->directory != NULL) status = or_repository_list(pool->allocator, pool->directory, list_one, &listing);
  if (or_status_code(status) == OR_NOT_FOUND) {
    or_status_ignore(status); /* a folder that is not there holds no models */
    status = or_status_success();
  }
  for (uint32_t i = 0; or_ok(status) && or_builtin_at(i) != NULL; ++i) {
    const char *name = or_builtin_at(i)->name;
    if ((listing.shadowed >> i & 1) != 0) continue;
    const or_model_entry_t entry = look(pool, name, OR_MODEL_NO_VERSION);
    write_model(pool, name, OR_MODEL_NO_VERSION, NULL, &entry, json);
    done_looking(&entry);
  }
  or_json_array_end(json);
  return status;
}
