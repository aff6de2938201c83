#include "model/pool_internal.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/string.h"
#include "model/builtin/builtin.h"
#include "model/find.h"
#include "runtime/runtime.h"

#define POLL_NS INT64_C(5000000) /* between two looks at a cancel request */

/* What a request comes to once its name was read and its device chosen. */
typedef struct wanted_t {
  char name[OR_REPOSITORY_NAME_BYTES];
  int64_t version; /* of the file, once it was located */
  bool is_default;
  or_device_t *device;
  or_dtype_t precision; /* NONE for float32 too: both are the model's own types */
  const or_model_request_t *request;
} wanted_t;

static or_status_t read_request(or_model_pool_t *pool, const or_model_request_t *request, wanted_t *out);
static or_status_t take(or_model_pool_t *pool, wanted_t *wanted, or_model_lease_t *lease);
static or_model_entry_t *find_locked(or_model_pool_t *pool, const wanted_t *wanted, bool located);
static or_status_t wait_locked(or_model_pool_t *pool, or_model_entry_t *entry, or_cancel_t *cancel);
static or_status_t make_room_locked(or_model_pool_t *pool, or_model_entry_t **doomed);
static or_status_t load_entry(or_model_pool_t *pool, or_model_entry_t *entry, bool is_default, or_model_lease_t *lease);
static void retire_older_locked(or_model_pool_t *pool, const or_model_entry_t *entry, or_model_entry_t **doomed);
static void remove_locked(or_model_pool_t *pool, or_model_entry_t *entry, or_model_entry_t **doomed);
static void sweep_locked(or_model_pool_t *pool, int64_t now_ns, or_model_entry_t **doomed);
static void bury(or_model_pool_t *pool, or_model_entry_t *doomed);

static int64_t seconds_to_ns(double seconds) { return (int64_t)(seconds * 1e9); }

or_status_t or_model_pool_create(const or_model_pool_options_t *options, or_model_pool_t **out) {
  const or_allocator_t *allocator = or_runtime_allocator(options->runtime);
  void *memory = NULL;
  *out = NULL;
  if (!(options->keep_alive_s >= 0 && options->keep_alive_s <= OR_MODEL_POOL_MAX_KEEP_ALIVE_S)) {
    return or_error(OR_INVALID_ARGUMENT, "keep_alive_s is %g; it is from 0 to %g", options->keep_alive_s,
                    OR_MODEL_POOL_MAX_KEEP_ALIVE_S);
  }
  or_status_t status = or_alloc_zeroed(allocator, sizeof(or_model_pool_t), &memory);
  if (!or_ok(status)) return status;
  or_model_pool_t *pool = memory;
  if (options->directory != NULL) status = or_strdup(allocator, options->directory, &pool->directory);
  if (!or_ok(status)) {
    or_free(allocator, pool);
    return status;
  }
  pool->allocator = allocator;
  pool->runtime = options->runtime;
  pool->max_models = options->max_models != 0 ? options->max_models : OR_MODEL_POOL_MAX_MODELS;
  pool->max_bytes = options->max_bytes != 0 ? options->max_bytes : OR_MODEL_POOL_MAX_BYTES;
  pool->keep_alive_ns = options->keep_alive_s > 0 ? seconds_to_ns(options->keep_alive_s) : INT64_MAX;
  or_mutex_init(&pool->mutex);
  or_cond_init(&pool->changed);
  *out = pool;
  return status;
}

void or_model_pool_free(or_model_pool_t *pool) {
  if (pool == NULL) return;
  bury(pool, pool->entries);
  or_cond_deinit(&pool->changed);
  or_mutex_deinit(&pool->mutex);
  or_free(pool->allocator, pool->directory);
  or_free(pool->allocator, pool);
}

static bool lease_ready_locked(or_model_pool_t *pool, const wanted_t *wanted, or_model_lease_t *lease) {
  or_model_entry_t *entry = find_locked(pool, wanted, false);
  if (entry == NULL || entry->state != OR_MODEL_READY) return false;
  ++entry->leases;
  ++pool->counts.leases;
  *lease = (or_model_lease_t){entry->model, entry->session, entry->max_batch_size, entry, false};
  return true;
}

bool or_model_pool_try(or_model_pool_t *pool, const or_model_request_t *request, or_model_lease_t *lease) {
  wanted_t wanted;
  *lease = (or_model_lease_t){0};
  or_status_t status = read_request(pool, request, &wanted);
  if (!or_ok(status)) {
    or_status_ignore(status); /* acquire says it */
    return false;
  }
  or_mutex_lock(&pool->mutex);
  const bool ready = lease_ready_locked(pool, &wanted, lease);
  or_mutex_unlock(&pool->mutex);
  lease->brief = ready;
  return ready;
}

or_status_t or_model_pool_acquire(or_model_pool_t *pool, const or_model_request_t *request, or_model_lease_t *lease) {
  wanted_t wanted;
  or_model_entry_t *doomed = NULL;
  *lease = (or_model_lease_t){0};
  or_status_t status = read_request(pool, request, &wanted);
  if (!or_ok(status)) return status;
  or_mutex_lock(&pool->mutex);
  sweep_locked(pool, or_clock_ns(), &doomed);
  const bool ready = lease_ready_locked(pool, &wanted, lease);
  or_mutex_unlock(&pool->mutex);
  bury(pool, doomed);
  return ready ? status : take(pool, &wanted, lease);
}

void or_model_pool_release(or_model_pool_t *pool, or_model_lease_t *lease) {
  or_model_entry_t *entry = lease->entry, *doomed = NULL;
  if (entry == NULL) return;
  const bool brief = lease->brief;
  *lease = (or_model_lease_t){0};
  or_mutex_lock(&pool->mutex);
  --entry->leases;
  --pool->counts.leases;
  entry->last_used_us = or_clock_wall_us();
  entry->last_used_ns = or_clock_ns();
  if (!brief) sweep_locked(pool, entry->last_used_ns, &doomed); /* with it, where it was to go with its last lease */
  or_mutex_unlock(&pool->mutex);
  bury(pool, doomed);
}

or_status_t or_model_pool_load(or_model_pool_t *pool, const or_model_request_t *request) {
  wanted_t wanted;
  or_model_lease_t lease = {0};
  or_model_entry_t *doomed = NULL;
  const double keep_alive_s = request->keep_alive_s;
  if (!(keep_alive_s <= OR_MODEL_POOL_MAX_KEEP_ALIVE_S)) {
    return or_error(OR_INVALID_ARGUMENT, "keep_alive_s is %g; it is at most %g", keep_alive_s,
                    OR_MODEL_POOL_MAX_KEEP_ALIVE_S);
  }
  if (request->max_batch_size < 0) {
    return or_error(OR_INVALID_ARGUMENT, "max_batch_size is %lld; it is at least 0",
                    (long long)request->max_batch_size);
  }
  or_status_t status = read_request(pool, request, &wanted);
  if (or_ok(status)) status = take(pool, &wanted, &lease);
  if (!or_ok(status)) return status;
  or_mutex_lock(&pool->mutex);
  lease.entry->max_batch_size = request->max_batch_size;
  lease.entry->keep_alive_ns = keep_alive_s < 0    ? INT64_MAX
                               : keep_alive_s == 0 ? pool->keep_alive_ns
                                                   : seconds_to_ns(keep_alive_s);
  if (wanted.is_default && lease.entry->state == OR_MODEL_READY) retire_older_locked(pool, lease.entry, &doomed);
  or_mutex_unlock(&pool->mutex);
  bury(pool, doomed);
  or_model_pool_release(pool, &lease);
  return status;
}

or_status_t or_model_pool_unload(or_model_pool_t *pool, const char *name) {
  char base[OR_REPOSITORY_NAME_BYTES];
  int64_t version = OR_MODEL_NO_VERSION;
  or_model_entry_t *doomed = NULL, *next = NULL;
  bool found = false;
  or_status_t status = or_model_pool_split(name, base, &version);
  if (!or_ok(status)) return status;
  or_mutex_lock(&pool->mutex);
  for (or_model_entry_t *entry = pool->entries; entry != NULL; entry = next) {
    next = entry->next;
    if (strcmp(entry->name, base) != 0 || (version != OR_MODEL_NO_VERSION && entry->version != version)) continue;
    found = true;
    if (entry->state == OR_MODEL_LOADING) {
      entry->unload_wanted = true;
    } else {
      entry->state = OR_MODEL_UNLOADING;
      if (entry->leases == 0) remove_locked(pool, entry, &doomed);
    }
  }
  or_mutex_unlock(&pool->mutex);
  bury(pool, doomed);
  return found ? status : or_error(OR_NOT_FOUND, "model \"%s\" is not loaded", name);
}

or_status_t or_model_pool_remove(or_model_pool_t *pool, const char *name) {
  char base[OR_REPOSITORY_NAME_BYTES], *file = NULL;
  int64_t version = OR_MODEL_NO_VERSION, found = OR_MODEL_NO_VERSION;
  or_status_t status = or_model_pool_split(name, base, &version);
  if (or_ok(status)) status = or_model_pool_locate(pool, base, version, &file, &found);
  if (!or_ok(status)) return status;
  if (file == NULL) return or_error(OR_FAILED_PRECONDITION, "model \"%s\" is built in, and stays", base);
  or_free(pool->allocator, file);
  status = or_repository_remove(pool->directory, base, version);
  or_status_t unloaded = or_model_pool_unload(pool, name);
  if (or_status_code(unloaded) == OR_NOT_FOUND) { /* it was not loaded */
    or_status_ignore(unloaded);
    return status;
  }
  return or_status_first(status, unloaded);
}

void or_model_pool_sweep(or_model_pool_t *pool, int64_t now_ns) {
  or_model_entry_t *doomed = NULL;
  or_mutex_lock(&pool->mutex);
  sweep_locked(pool, now_ns, &doomed);
  or_mutex_unlock(&pool->mutex);
  bury(pool, doomed);
}

or_model_pool_counts_t or_model_pool_counts(or_model_pool_t *pool) {
  or_mutex_lock(&pool->mutex);
  or_model_pool_counts_t counts = pool->counts;
  or_mutex_unlock(&pool->mutex);
  return counts;
}

or_status_t or_model_pool_split(const char *name, char base[OR_REPOSITORY_NAME_BYTES], int64_t *version) {
  const char *colon = strchr(name, ':');
  const size_t length = colon != NULL ? (size_t)(colon - name) : strlen(name);
  *version = OR_MODEL_NO_VERSION;
  base[0] = '\0';
  if (length < OR_REPOSITORY_NAME_BYTES) or_format(base, OR_REPOSITORY_NAME_BYTES, "%.*s", (int)length, name);
  if (!or_repository_name_valid(base)) {
    return or_error(OR_INVALID_ARGUMENT,
                    "model \"%.200s\": a name is letters, digits, '.', '_' and '-', at most 128, and starts with a "
                    "letter or digit",
                    name);
  }
  if (colon != NULL) {
    char *end = NULL;
    errno = 0;
    *version = isdigit((unsigned char)colon[1]) ? strtoll(colon + 1, &end, 10) : OR_MODEL_NO_VERSION;
    if (end == NULL || *end != '\0' || errno == ERANGE)
      return or_error(OR_INVALID_ARGUMENT, "model \"%.200s\": the version is not a number", name);
  }
  const or_builtin_t *builtin = or_builtin_find(base);
  if (builtin != NULL) or_format(base, OR_REPOSITORY_NAME_BYTES, "%s", builtin->name);
  return or_status_success();
}

static or_status_t read_request(or_model_pool_t *pool, const or_model_request_t *request, wanted_t *out) {
  *out = (wanted_t){.request = request, .device = request->device};
  if (request->precision != OR_FLOAT32) out->precision = request->precision;
  or_status_t status = or_model_pool_split(request->name, out->name, &out->version);
  if (!or_ok(status)) return status;
  if (request->version < 0 || (request->version > 0 && out->version != OR_MODEL_NO_VERSION)) {
    return or_error(OR_INVALID_ARGUMENT, "model \"%.200s\": version %lld is %s", request->name,
                    (long long)request->version, request->version < 0 ? "below 0" : "a second one");
  }
  if (request->version > 0) out->version = request->version;
  out->is_default = out->version == OR_MODEL_NO_VERSION;
  return out->device != NULL ? status : or_runtime_find_device(pool->runtime, "auto", &out->device);
}

or_status_t or_model_pool_locate(const or_model_pool_t *pool, const char *base, int64_t asked, char **file,
                                 int64_t *version) {
  char full[OR_REPOSITORY_NAME_BYTES + 24];
  *file = NULL;
  *version = OR_MODEL_NO_VERSION;
  if (asked == OR_MODEL_NO_VERSION) {
    or_format(full, sizeof full, "%s", base);
  } else {
    or_format(full, sizeof full, "%s:%lld", base, (long long)asked);
  }
  or_status_t status = pool->directory == NULL ? or_error(OR_NOT_FOUND, "no model \"%s\"", full)
                                               : or_repository_find(pool->allocator, pool->directory, full, file);
  if (or_ok(status)) {
    *version = or_repository_version_of(*file);
  } else if (or_status_code(status) == OR_NOT_FOUND && asked == OR_MODEL_NO_VERSION && or_builtin_find(base) != NULL) {
    or_status_ignore(status); /* it is in no file, but built in */
    return or_status_success();
  }
  return or_model_pool_hide(pool, status);
}

/* Files are named as they lie below the folder of models: who asks from afar is not told where that is. */
/* Whether a path can begin behind that character, and does not go on. */
static bool ends_word(char before) {
  return !isalnum((unsigned char)before) && (unsigned char)before < 0x80 && strchr("/._-~+@", before) == NULL;
}

or_status_t or_model_pool_hide(const or_model_pool_t *pool, or_status_t status) {
  if (or_ok(status) || pool->directory == NULL) return status;
  char words[OR_STATUS_MESSAGE_BYTES];
  const char *message = or_status_message(status);
  size_t length = strlen(pool->directory), used = 0;
  while (length > 1 && pool->directory[length - 1] == '/') --length;
  for (const char *at = message; *at != '\0' && used + 1 < sizeof words;) {
    const bool begins = at == message || ends_word(at[-1]);
    if (begins && strncmp(at, pool->directory, length) == 0 && at[length] == '/') {
      at += length;
      while (*at == '/') ++at;
    } else {
      words[used++] = *at++;
    }
  }
  words[used] = '\0';
  or_status_t hidden = or_error(or_status_code(status), "%s", words);
  or_status_ignore(status); /* its words go on */
  return hidden;
}

/* A lease where no ready model was at hand. */
static or_status_t take(or_model_pool_t *pool, wanted_t *wanted, or_model_lease_t *lease) {
  char *file = NULL;
  void *memory = NULL;
  or_model_entry_t *doomed = NULL;
  or_status_t status = or_model_pool_locate(pool, wanted->name, wanted->version, &file, &wanted->version);
  or_free(pool->allocator, file);
  if (or_ok(status)) status = or_alloc_zeroed(pool->allocator, sizeof(or_model_entry_t), &memory);
  if (!or_ok(status)) return status;
  or_model_entry_t *made = memory;
  or_mutex_lock(&pool->mutex);
  or_model_entry_t *entry = find_locked(pool, wanted, true);
  if (entry == NULL) {
    status = make_room_locked(pool, &doomed);
    if (or_ok(status)) {
      entry = made;
      made = NULL;
      or_format(entry->name, sizeof entry->name, "%s", wanted->name);
      entry->version = wanted->version;
      entry->device = wanted->device;
      entry->precision = wanted->precision;
      entry->strict = wanted->request->strict;
      entry->keep_alive_ns = pool->keep_alive_ns;
      entry->next = pool->entries;
      pool->entries = entry;
      entry->state = OR_MODEL_FAILED; /* that is: to be loaded */
      ++pool->counts.models;
    }
  } else if (entry->state == OR_MODEL_LOADING) {
    status = wait_locked(pool, entry, wanted->request->cancel);
  }
  const bool ready = or_ok(status) && entry->model != NULL;
  const bool load = or_ok(status) && !ready;
  if (or_ok(status)) {
    if (load) entry->state = OR_MODEL_LOADING;
    ++entry->leases;
    ++pool->counts.leases;
  }
  if (ready) {
    entry->is_default = entry->is_default || wanted->is_default;
    *lease = (or_model_lease_t){entry->model, entry->session, entry->max_batch_size, entry, false};
  }
  or_mutex_unlock(&pool->mutex);
  or_free(pool->allocator, made);
  bury(pool, doomed);
  return load ? load_entry(pool, entry, wanted->is_default, lease) : status;
}

static or_model_entry_t *find_locked(or_model_pool_t *pool, const wanted_t *wanted, bool located) {
  for (or_model_entry_t *entry = pool->entries; entry != NULL; entry = entry->next) {
    const bool version = !located && wanted->is_default ? entry->is_default : entry->version == wanted->version;
    if (version && entry->state != OR_MODEL_UNLOADING && entry->device == wanted->device &&
        entry->precision == wanted->precision && entry->strict == wanted->request->strict &&
        strcmp(entry->name, wanted->name) == 0)
      return entry;
  }
  return NULL;
}

/* Until the load has ended. On success the entry is loaded and stays until the lock is released. */
static or_status_t wait_locked(or_model_pool_t *pool, or_model_entry_t *entry, or_cancel_t *cancel) {
  or_status_t status = or_status_success();
  ++entry->waiters;
  while (or_ok(status) && entry->state == OR_MODEL_LOADING) {
    (void)or_cond_wait_until(&pool->changed, &pool->mutex, cancel != NULL ? or_clock_ns() + POLL_NS : INT64_MAX);
    if (cancel != NULL && entry->state == OR_MODEL_LOADING) status = or_cancel_status(cancel);
  }
  --entry->waiters;
  if (or_ok(status) && entry->model == NULL) status = or_error(entry->code, "%s", entry->reason);
  return status;
}

/* Idle models go, the least recently used first, until there is room for one more. */
static or_model_entry_t *idle_locked(or_model_pool_t *pool, const or_model_entry_t *but) {
  or_model_entry_t *oldest = NULL;
  for (or_model_entry_t *entry = pool->entries; entry != NULL; entry = entry->next) {
    if (entry == but || entry->leases > 0 || entry->waiters > 0) continue;
    if (oldest == NULL || entry->last_used_ns < oldest->last_used_ns) oldest = entry;
  }
  return oldest;
}

static or_status_t make_room_locked(or_model_pool_t *pool, or_model_entry_t **doomed) {
  while (pool->counts.models >= pool->max_models) {
    or_model_entry_t *idle = idle_locked(pool, NULL);
    if (idle == NULL)
      return or_error(OR_RESOURCE_EXHAUSTED, "%u models are loaded and in use, the limit", pool->max_models);
    ++pool->counts.evictions;
    remove_locked(pool, idle, doomed);
  }
  return or_status_success();
}

static or_status_t fit_locked(or_model_pool_t *pool, const or_model_entry_t *entry, uint64_t bytes,
                              or_model_entry_t **doomed) {
  while (bytes > pool->max_bytes || pool->counts.bytes > pool->max_bytes - bytes) {
    or_model_entry_t *idle = bytes <= pool->max_bytes ? idle_locked(pool, entry) : NULL;
    if (idle == NULL) {
      return or_error(OR_RESOURCE_EXHAUSTED,
                      "model \"%s\" has %llu bytes of weights beside %llu in use; the limit is %llu", entry->name,
                      (unsigned long long)bytes, (unsigned long long)pool->counts.bytes,
                      (unsigned long long)pool->max_bytes);
    }
    ++pool->counts.evictions;
    remove_locked(pool, idle, doomed);
  }
  return or_status_success();
}

static or_status_t read_model(or_model_pool_t *pool, const or_model_entry_t *entry, or_model_t **model,
                              or_session_t **session) {
  char full[OR_REPOSITORY_NAME_BYTES + 24];
  const or_model_search_t search = {.directory = pool->directory};
  const or_session_options_t options = {
      .device = entry->device, .precision = entry->precision, .strict = entry->strict};
  if (entry->version == OR_MODEL_NO_VERSION) {
    or_format(full, sizeof full, "%s", entry->name);
  } else {
    or_format(full, sizeof full, "%s:%lld", entry->name, (long long)entry->version);
  }
  or_status_t status = or_model_find(pool->runtime, &search, full, model);
  return or_ok(status) ? or_session_create(*model, &options, session) : status;
}

/* Loads an entry that is LOADING and leased to this thread; nobody else touches its key. */
static or_status_t load_entry(or_model_pool_t *pool, or_model_entry_t *entry, bool is_default,
                              or_model_lease_t *lease) {
  or_model_t *model = NULL;
  or_session_t *session = NULL;
  or_model_entry_t *doomed = NULL;
  or_status_t status = or_model_pool_hide(pool, read_model(pool, entry, &model, &session));
  const uint64_t bytes = model != NULL ? or_model_weight_bytes(model) : 0;
  or_mutex_lock(&pool->mutex);
  ++pool->counts.loads;
  if (or_ok(status)) status = fit_locked(pool, entry, bytes, &doomed);
  if (or_ok(status)) {
    entry->model = model;
    entry->session = session;
    entry->is_default = is_default; /* from now on: until then an older version served */
    entry->bytes = bytes;
    pool->counts.bytes += bytes;
    entry->loaded_at_us = entry->last_used_us = or_clock_wall_us();
    entry->last_used_ns = or_clock_ns();
    entry->reason[0] = '\0';
    entry->state = entry->unload_wanted ? OR_MODEL_UNLOADING : OR_MODEL_READY;
    *lease = (or_model_lease_t){model, session, entry->max_batch_size, entry, false};
  } else {
    ++pool->counts.failed_loads;
    entry->state = OR_MODEL_FAILED;
    entry->code = or_status_code(status);
    or_format(entry->reason, sizeof entry->reason, "%s", or_status_message(status));
    --entry->leases;
    --pool->counts.leases;
    if (entry->unload_wanted && entry->waiters == 0) remove_locked(pool, entry, &doomed);
  }
  or_cond_broadcast(&pool->changed);
  or_mutex_unlock(&pool->mutex);
  if (!or_ok(status)) {
    or_session_release(session);
    or_model_release(model);
  }
  bury(pool, doomed);
  return status;
}

static void retire_older_locked(or_model_pool_t *pool, const or_model_entry_t *entry, or_model_entry_t **doomed) {
  or_model_entry_t *next = NULL;
  for (or_model_entry_t *other = pool->entries; other != NULL; other = next) {
    next = other->next;
    if (other == entry || !other->is_default || other->state == OR_MODEL_LOADING || other->device != entry->device ||
        other->precision != entry->precision || other->strict != entry->strict || strcmp(other->name, entry->name) != 0)
      continue;
    other->is_default = false;
    other->state = OR_MODEL_UNLOADING;
    if (other->leases == 0) remove_locked(pool, other, doomed);
  }
}

/* Out of the list; what it held is given back by `bury`. One that is waited for goes later: with the next sweep. */
static void remove_locked(or_model_pool_t *pool, or_model_entry_t *entry, or_model_entry_t **doomed) {
  if (entry->waiters > 0) return;
  or_model_entry_t **link = &pool->entries;
  while (*link != NULL && *link != entry) link = &(*link)->next;
  assert(*link == entry && "an entry of another pool");
  if (*link == NULL) return;
  *link = entry->next;
  --pool->counts.models;
  pool->counts.bytes -= entry->bytes;
  entry->next = *doomed;
  *doomed = entry;
}

static void sweep_locked(or_model_pool_t *pool, int64_t now_ns, or_model_entry_t **doomed) {
  or_model_entry_t *next = NULL;
  for (or_model_entry_t *entry = pool->entries; entry != NULL; entry = next) {
    next = entry->next;
    if (entry->leases > 0 || entry->state == OR_MODEL_LOADING) continue;
    const bool idle = entry->state == OR_MODEL_READY && now_ns - entry->last_used_ns >= entry->keep_alive_ns;
    const bool unwanted = entry->state == OR_MODEL_UNLOADING || entry->unload_wanted;
    const bool gone = or_device_state(entry->device, NULL) != OR_DEVICE_AVAILABLE; /* and will not come back */
    if (idle || unwanted || gone) remove_locked(pool, entry, doomed);
  }
}

static void bury(or_model_pool_t *pool, or_model_entry_t *doomed) {
  while (doomed != NULL) {
    or_model_entry_t *next = doomed->next;
    or_session_release(doomed->session);
    or_model_release(doomed->model);
    or_free(pool->allocator, doomed);
    doomed = next;
  }
}
