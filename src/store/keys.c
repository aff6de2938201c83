/* API keys: all of them in memory, so that a request is checked without a read, and each change in a row. */
#include <errno.h>
#include <string.h>
#if defined(__APPLE__)
#include <sys/random.h>
#else
#include <unistd.h>
#endif

#include "base/clock.h"
#include "store/store_internal.h"

#define SECRET_PREFIX "ork_"
#define SECRET_RANDOM_BYTES 32

static const struct {
  const char *name;
  unsigned scope;
} scope_names[] = {
    {"read", OR_SCOPE_READ}, {"run", OR_SCOPE_RUN}, {"kernels", OR_SCOPE_KERNELS}, {"admin", OR_SCOPE_ADMIN}};
#define SCOPE_COUNT (sizeof scope_names / sizeof *scope_names)

static or_status_t parse_scope(const char *word, size_t length, unsigned *scopes) {
  char name[32];
  const char *candidates[SCOPE_COUNT];
  (void)or_format(name, sizeof name, "%.*s", (int)(length < sizeof name ? length : sizeof name - 1), word);
  for (size_t i = 0; i < SCOPE_COUNT; ++i) {
    candidates[i] = scope_names[i].name;
    if (strcmp(name, scope_names[i].name) != 0) continue;
    *scopes |= scope_names[i].scope;
    return or_status_success();
  }
  const char *nearest = or_string_nearest(name, candidates, SCOPE_COUNT);
  if (nearest != NULL) {
    return or_error(OR_INVALID_ARGUMENT, "scope \"%s\": no such scope; did you mean \"%s\"?", name, nearest);
  }
  return or_error(OR_INVALID_ARGUMENT, "scope \"%s\": no such scope; there are read, run, kernels, admin", name);
}

or_status_t or_store_scopes_parse(const char *text, unsigned *out) {
  unsigned scopes = 0;
  for (const char *word = text;;) {
    size_t length = strcspn(word, ",");
    or_status_t status = parse_scope(word, length, &scopes);
    if (!or_ok(status)) return status;
    if (word[length] == '\0') break;
    word += length + 1;
  }
  *out = scopes;
  return or_status_success();
}

const char *or_store_scopes_format(unsigned scopes, char text[OR_STORE_SCOPES_BYTES]) {
  text[0] = '\0';
  for (size_t i = 0; i < SCOPE_COUNT; ++i) {
    size_t length = strlen(text);
    if ((scopes & scope_names[i].scope) == 0) continue;
    (void)or_format(text + length, OR_STORE_SCOPES_BYTES - length, "%s%s", length > 0 ? "," : "", scope_names[i].name);
  }
  return text;
}

static or_status_t load_key(or_store_t *store, or_query_t *query) {
  or_keys_t *keys = &store->keys;
  void *array = keys->items;
  size_t digest_bytes = 0;
  or_status_t status = or_grow_array(store->allocator, keys->count + 1, sizeof *keys->items, &array, &keys->capacity);
  keys->items = array;
  if (!or_ok(status)) return status;
  or_stored_key_t *stored = &keys->items[keys->count];
  const char *id = or_query_column_text(query, 0), *label = or_query_column_text(query, 2);
  const void *digest = or_query_column_bytes(query, 1, &digest_bytes);
  if (digest_bytes != OR_TASK_DIGEST_BYTES) return or_error(OR_DATA_LOSS, "an API key of the database is damaged");
  (void)or_format(stored->key.id, sizeof stored->key.id, "%s", id != NULL ? id : "");
  (void)or_format(stored->key.label, sizeof stored->key.label, "%s", label != NULL ? label : "");
  stored->key.scopes = (unsigned)or_query_column_int(query, 3);
  stored->key.created_us = or_query_column_int(query, 4);
  stored->key.last_used_us = or_query_column_int(query, 5);
  stored->key.revoked_us = or_query_column_int(query, 6);
  memcpy(stored->digest, digest, sizeof stored->digest);
  keys->count += 1;
  return status;
}

or_status_t or_keys_load(or_store_t *store, or_database_t *database) {
  or_query_t query = or_query(database, OR_SQL_KEYS);
  or_status_t status = or_status_success();
  while (or_ok(status) && or_query_row(&query)) status = load_key(store, &query);
  return or_status_first(status, or_query_end(&query, "keys"));
}

static or_status_t make_secret(char secret[OR_STORE_SECRET_BYTES]) {
  uint8_t bytes[SECRET_RANDOM_BYTES];
  if (getentropy(bytes, sizeof bytes) != 0) {
    char words[128];
    return or_error(OR_UNAVAILABLE, "the system gives no random bytes: %s", or_errno_text(errno, words, sizeof words));
  }
  memcpy(secret, SECRET_PREFIX, sizeof SECRET_PREFIX);
  char *digits = secret + sizeof SECRET_PREFIX - 1;
  for (size_t i = 0; i < sizeof bytes; ++i) {
    digits[2 * i] = "0123456789abcdef"[bytes[i] >> 4];
    digits[2 * i + 1] = "0123456789abcdef"[bytes[i] & 15];
  }
  digits[2 * sizeof bytes] = '\0';
  return or_status_success();
}

/* Room for one more, kept until or_keys_added; `forgotten` gets the oldest revoked key where there are too many. */
static or_status_t reserve(or_store_t *store, char forgotten[OR_TASK_OWNER_BYTES]) {
  or_keys_t *keys = &store->keys;
  or_status_t status = or_status_success();
  or_mutex_lock(&keys->lock);
  if (keys->count + keys->reserved >= OR_STORE_MAX_KEYS) {
    status = or_error(OR_RESOURCE_EXHAUSTED, "there are %d API keys, the most there may be; revoke one first",
                      OR_STORE_MAX_KEYS);
    for (size_t i = 0; i < keys->count; ++i) {
      if (keys->items[i].key.revoked_us == 0) continue;
      (void)or_format(forgotten, OR_TASK_OWNER_BYTES, "%s", keys->items[i].key.id);
      memmove(&keys->items[i], &keys->items[i + 1], (keys->count - i - 1) * sizeof *keys->items);
      keys->count -= 1;
      or_status_ignore(status); /* there is room now */
      status = or_status_success();
      break;
    }
  }
  if (or_ok(status)) {
    void *array = keys->items;
    status =
        or_grow_array(store->allocator, keys->count + keys->reserved + 1, sizeof *keys->items, &array, &keys->capacity);
    keys->items = array;
  }
  if (or_ok(status)) keys->reserved += 1;
  or_mutex_unlock(&keys->lock);
  return status;
}

void or_keys_added(or_store_t *store, const or_item_t *item, bool written) {
  or_keys_t *keys = &store->keys;
  or_mutex_lock(&keys->lock);
  keys->reserved -= 1;
  if (written) {
    or_stored_key_t *stored = &keys->items[keys->count++];
    memset(stored, 0, sizeof *stored);
    stored->key = item->key;
    memcpy(stored->digest, item->digest, sizeof stored->digest);
  }
  or_mutex_unlock(&keys->lock);
}

static or_status_t push_new(or_store_t *store, const or_store_key_t *key, const char *secret, or_journal_done_t done,
                            void *self) {
  uint8_t digest[OR_TASK_DIGEST_BYTES];
  or_item_t *item = NULL;
  or_item_source_t source = {.kind = OR_ITEM_CREATE_KEY};
  or_status_t status = or_store_digest(secret, strlen(secret), digest);
  if (or_ok(status)) status = or_item_make(store, &source, &item);
  if (!or_ok(status)) return status;
  item->key = *key;
  memcpy(item->digest, digest, sizeof digest);
  status = reserve(store, item->forgotten_key);
  if (!or_ok(status)) {
    or_writer_unreserve(&store->writer, item->bytes);
    or_free(store->allocator, item);
    return status;
  }
  or_writer_push(&store->writer, item, done, self);
  return status;
}

or_status_t or_store_create_key(or_store_t *store, const or_store_new_key_t *wanted, or_store_key_t *key,
                                char secret[OR_STORE_SECRET_BYTES], or_journal_done_t done, void *self) {
  memset(key, 0, sizeof *key);
  secret[0] = '\0';
  const char *label = wanted->label != NULL ? wanted->label : "";
  if (strlen(label) >= sizeof key->label || !or_utf8_valid(label, strlen(label)))
    return or_error(OR_INVALID_ARGUMENT, "label: UTF-8 of at most %zu bytes", sizeof key->label - 1);
  if (wanted->scopes == 0 || (wanted->scopes & ~(unsigned)OR_SCOPE_ALL) != 0)
    return or_error(OR_INVALID_ARGUMENT, "scopes: one or more of read, run, kernels, admin");
  char id[OR_TASK_ID_BYTES];
  or_status_t status = or_task_id_make(id);
  if (or_ok(status)) status = make_secret(secret);
  if (!or_ok(status)) return status;
  (void)or_format(key->id, sizeof key->id, "%.26s", id);
  (void)or_format(key->label, sizeof key->label, "%s", label);
  key->scopes = wanted->scopes;
  key->created_us = or_clock_wall_us();
  return push_new(store, key, secret, done, self);
}

or_status_t or_store_find_key(or_store_t *store, const char *secret, or_store_key_t *key) {
  or_keys_t *keys = &store->keys;
  uint8_t digest[OR_TASK_DIGEST_BYTES];
  or_status_t status = or_store_digest(secret, strnlen(secret, OR_STORE_SECRET_BYTES), digest);
  if (!or_ok(status)) return status;
  or_stored_key_t *found = NULL;
  or_mutex_lock(&keys->lock);
  for (size_t i = 0; i < keys->count; ++i) { /* all of them, whichever it is */
    if (or_digest_equal(digest, keys->items[i].digest)) found = &keys->items[i];
  }
  bool usable = found != NULL && found->key.revoked_us == 0;
  if (usable) {
    found->key.last_used_us = or_clock_wall_us();
    found->used = true;
    *key = found->key;
  }
  or_mutex_unlock(&keys->lock);
  return usable ? status : or_error(OR_PERMISSION_DENIED, "no such API key, or it was revoked");
}

or_status_t or_store_revoke_key(or_store_t *store, const char *id, or_journal_done_t done, void *self) {
  or_keys_t *keys = &store->keys;
  or_item_t *item = NULL;
  or_item_source_t source = {.kind = OR_ITEM_REVOKE_KEY};
  or_status_t status = or_item_make(store, &source, &item);
  if (!or_ok(status)) return status;
  bool found = false;
  item->key.revoked_us = or_clock_wall_us();
  (void)or_format(item->key.id, sizeof item->key.id, "%s", id);
  or_mutex_lock(&keys->lock);
  for (size_t i = 0; i < keys->count; ++i) {
    if (strcmp(keys->items[i].key.id, id) != 0) continue;
    found = true;
    if (keys->items[i].key.revoked_us == 0) keys->items[i].key.revoked_us = item->key.revoked_us;
  }
  or_mutex_unlock(&keys->lock);
  if (found) {
    or_writer_push(&store->writer, item, done, self);
    return status;
  }
  or_writer_unreserve(&store->writer, item->bytes);
  or_free(store->allocator, item);
  return or_error(OR_NOT_FOUND, "API key \"%.40s\": no such key", id);
}

void or_store_list_keys(or_store_t *store, void (*visit)(void *self, const or_store_key_t *key), void *self) {
  or_keys_t *keys = &store->keys;
  or_mutex_lock(&keys->lock);
  for (size_t i = 0; i < keys->count; ++i) visit(self, &keys->items[i].key);
  or_mutex_unlock(&keys->lock);
}

size_t or_store_key_count(or_store_t *store) {
  or_keys_t *keys = &store->keys;
  size_t count = 0;
  or_mutex_lock(&keys->lock);
  for (size_t i = 0; i < keys->count; ++i) count += keys->items[i].key.revoked_us == 0 ? 1 : 0;
  or_mutex_unlock(&keys->lock);
  return count;
}

bool or_store_has_keys(or_store_t *store) {
  or_mutex_lock(&store->keys.lock);
  const bool any = store->keys.count > 0;
  or_mutex_unlock(&store->keys.lock);
  return any;
}

bool or_store_has_admin(or_store_t *store) {
  const or_keys_t *keys = &store->keys;
  bool any = false;
  or_mutex_lock(&store->keys.lock);
  for (size_t i = 0; i < keys->count; ++i) {
    const or_store_key_t *key = &keys->items[i].key;
    any = any || (key->revoked_us == 0 && (key->scopes & OR_SCOPE_ADMIN) != 0);
  }
  or_mutex_unlock(&store->keys.lock);
  return any;
}

static void write_time(or_json_writer_t *json, const char *name, int64_t wall_us) {
  char text[OR_CLOCK_TEXT_BYTES];
  or_json_field_string(json, name, wall_us != 0 ? or_clock_format(wall_us, text, sizeof text) : NULL);
}

void or_store_key_write_json(or_json_writer_t *json, const or_store_key_t *key, const char *secret) {
  or_json_object_begin(json);
  or_json_field_string(json, "id", key->id);
  or_json_field_string(json, "label", key->label);
  or_json_key(json, "scopes");
  or_json_array_begin(json);
  for (size_t i = 0; i < SCOPE_COUNT; ++i) {
    if ((key->scopes & scope_names[i].scope) != 0) or_json_string(json, scope_names[i].name);
  }
  or_json_array_end(json);
  write_time(json, "created_at", key->created_us);
  write_time(json, "last_used_at", key->last_used_us);
  or_json_field_bool(json, "revoked", key->revoked_us != 0);
  write_time(json, "revoked_at", key->revoked_us);
  if (secret != NULL) or_json_field_string(json, "secret", secret);
  or_json_object_end(json);
}

/* Takes one key whose use has no row yet. */
static bool next_use(or_keys_t *keys, or_store_key_t *key) {
  bool found = false;
  or_mutex_lock(&keys->lock);
  for (size_t i = 0; i < keys->count && !found; ++i) {
    found = keys->items[i].used;
    if (found) *key = keys->items[i].key;
    keys->items[i].used = false;
  }
  or_mutex_unlock(&keys->lock);
  return found;
}

or_status_t or_keys_write_uses(or_store_t *store) {
  or_store_key_t key;
  or_trouble_t trouble = OR_TROUBLE_NONE;
  if (!next_use(&store->keys, &key)) return or_status_success();
  or_status_t status = or_transaction_begin(store, &trouble);
  if (!or_ok(status)) return status;
  do {
    or_query_t query = or_query(&store->writing, OR_SQL_USE_KEY);
    or_query_text(&query, 1, key.id);
    or_query_int(&query, 2, key.last_used_us);
    status = or_query_run(&query, "key");
  } while (or_ok(status) && next_use(&store->keys, &key));
  return or_transaction_end(store, status, &trouble);
}
