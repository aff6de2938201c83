#include "hal/packed.h"

#include <assert.h>
#include <string.h>

#include "base/alloc.h"
#include "hal/device_internal.h"

#define READ_BYTES ((size_t)64 << 20) /* between two looks at the cancel token */

typedef enum entry_state_t { FILLING, FILLED, FAILED } entry_state_t;

/* All but `device`, `key` and `buffer` under the cache's mutex; `buffer` is set before the state becomes FILLED and
 * read-only from then on. */
struct or_packed_t {
  or_device_t *device;
  or_packed_key_t key;
  or_buffer_t *buffer;
  size_t bytes;
  uint32_t holders;
  entry_state_t state;
  or_packed_t *next; /* in the bucket */
};

/* A constant on its way to its place. */
typedef struct reading_t {
  const or_constant_t *constant;
  const or_cancel_t *cancel;
} reading_t;

static or_packed_t **slot_of(or_packed_cache_t *cache, const or_packed_key_t *key);
static or_status_t read_plain(void *self, or_buffer_t *buffer);
static or_status_t add_locked(or_device_t *device, const or_packed_key_t *key, size_t bytes, or_packed_t **out);
static or_status_t fill_new(or_packed_t *entry, or_packed_fill_t fill, void *self);
static bool drop_locked(or_packed_t *entry);
static void free_entry(or_packed_t *entry);

void or_packed_cache_init(or_packed_cache_t *cache) {
  memset(cache->buckets, 0, sizeof cache->buckets);
  memset(&cache->counters, 0, sizeof cache->counters);
  or_mutex_init(&cache->mutex);
  or_cond_init(&cache->filled);
}

void or_packed_cache_deinit(or_packed_cache_t *cache) {
  assert(cache->counters.entries == 0 && "packed constants outlive their device");
  or_cond_deinit(&cache->filled);
  or_mutex_deinit(&cache->mutex);
}

or_status_t or_packed_get(or_device_t *device, const or_packed_key_t *key, size_t bytes, or_packed_fill_t fill,
                          void *self, or_packed_t **out) {
  or_packed_cache_t *cache = &device->packed;
  or_packed_t *entry = NULL;
  *out = NULL;
  or_mutex_lock(&cache->mutex);
  /* An entry whose filling failed belongs to the caller who tried: the others start anew, for the reason may be
   * gone. */
  while ((entry = *slot_of(cache, key)) != NULL) {
    ++entry->holders;
    while (entry->state == FILLING) or_cond_wait(&cache->filled, &cache->mutex);
    if (entry->state == FILLED) {
      ++cache->counters.hits;
      or_mutex_unlock(&cache->mutex);
      assert(entry->bytes == bytes && "one packing, two sizes");
      *out = entry;
      return or_status_success();
    }
    if (drop_locked(entry)) free_entry(entry);
  }
  or_status_t status = add_locked(device, key, bytes, &entry);
  or_mutex_unlock(&cache->mutex);
  if (!or_ok(status)) return status;
  status = fill_new(entry, fill, self);
  if (or_ok(status)) *out = entry;
  return status;
}

or_status_t or_packed_plain(or_device_t *device, const or_constant_t *constant, const or_cancel_t *cancel,
                            or_packed_t **out) {
  const or_packed_key_t key = {
      .hash = constant->hash, .dtype = constant->dtype, .source_bytes = constant->bytes, .packing = "plain"};
  reading_t reading = {constant, cancel};
  return or_packed_get(device, &key, constant->bytes, read_plain, &reading, out);
}

/* Straight to its place where the host reaches that, else by way of a piece of the host's memory. */
static or_status_t read_plain(void *self, or_buffer_t *buffer) {
  const reading_t *reading = self;
  const or_constant_t *constant = reading->constant;
  void *place = or_buffer_host_pointer(buffer), *copy = NULL;
  if (constant->data != NULL) return or_buffer_write(buffer, 0, constant->data, constant->bytes);
  if (place != NULL) return or_constant_read(constant, reading->cancel, place);
  const or_allocator_t *allocator = or_buffer_device(buffer)->allocator;
  or_status_t status = or_alloc(allocator, constant->bytes, &copy);
  if (or_ok(status)) status = or_constant_read(constant, reading->cancel, copy);
  if (or_ok(status)) status = or_buffer_write(buffer, 0, copy, constant->bytes);
  or_free(allocator, copy);
  return status;
}

or_status_t or_constant_read(const or_constant_t *constant, const or_cancel_t *cancel, void *destination) {
  or_status_t status = or_status_success();
  for (size_t at = 0; or_ok(status) && at < constant->bytes; at += READ_BYTES) {
    const size_t left = constant->bytes - at, piece = left < READ_BYTES ? left : READ_BYTES;
    status = or_cancel_status(cancel);
    if (or_ok(status)) status = constant->read(constant, at, (char *)destination + at, piece);
  }
  return status;
}

void or_packed_release(or_packed_t *packed) {
  if (packed == NULL) return;
  or_packed_cache_t *cache = &packed->device->packed;
  or_mutex_lock(&cache->mutex);
  bool last = drop_locked(packed);
  or_mutex_unlock(&cache->mutex);
  if (last) free_entry(packed);
}

or_buffer_t *or_packed_buffer(const or_packed_t *packed) { return packed->buffer; }

or_packed_counters_t or_packed_counters(const or_device_t *device) {
  or_packed_cache_t *cache = &((or_device_t *)(uintptr_t)device)->packed; /* only the lock changes */
  or_mutex_lock(&cache->mutex);
  or_packed_counters_t counters = cache->counters;
  or_mutex_unlock(&cache->mutex);
  return counters;
}

static bool keys_equal(const or_packed_key_t *a, const or_packed_key_t *b) {
  return a->hash == b->hash && a->dtype == b->dtype && a->source_bytes == b->source_bytes &&
         strncmp(a->packing, b->packing, OR_PACKING_BYTES) == 0;
}

/* Where the entry of a key is linked in, or the end of its bucket. */
static or_packed_t **slot_of(or_packed_cache_t *cache, const or_packed_key_t *key) {
  or_packed_t **slot = &cache->buckets[key->hash % OR_PACKED_BUCKETS];
  while (*slot != NULL && !keys_equal(&(*slot)->key, key)) slot = &(*slot)->next;
  return slot;
}

static or_status_t add_locked(or_device_t *device, const or_packed_key_t *key, size_t bytes, or_packed_t **out) {
  void *memory = NULL;
  or_status_t status = or_alloc_zeroed(device->allocator, sizeof(or_packed_t), &memory);
  if (!or_ok(status)) return status;
  or_packed_t *entry = memory;
  *entry = (or_packed_t){.device = device, .key = *key, .bytes = bytes, .holders = 1, .state = FILLING};
  *slot_of(&device->packed, key) = entry;
  ++device->packed.counters.entries;
  *out = entry;
  return or_status_success();
}

static or_status_t fill_new(or_packed_t *entry, or_packed_fill_t fill, void *self) {
  or_packed_cache_t *cache = &entry->device->packed;
  or_status_t status = or_buffer_create(entry->device, entry->bytes, &entry->buffer);
  if (or_ok(status)) status = fill(self, entry->buffer);
  bool failed = !or_ok(status), last = false;
  if (failed) {
    or_buffer_release(entry->buffer);
    entry->buffer = NULL;
  }

  or_mutex_lock(&cache->mutex);
  entry->state = failed ? FAILED : FILLED;
  if (failed) {
    *slot_of(cache, &entry->key) = entry->next; /* out of the table at once, so that the next caller tries anew */
    --cache->counters.entries;
    last = drop_locked(entry);
  } else {
    ++cache->counters.fills;
    cache->counters.bytes += entry->bytes;
  }
  or_cond_broadcast(&cache->filled);
  or_mutex_unlock(&cache->mutex);
  if (last) free_entry(entry);
  return status;
}

/* Gives one holder up; true if it was the last and the entry, out of the table now, is the caller's to free. */
static bool drop_locked(or_packed_t *entry) {
  if (--entry->holders > 0) return false;
  if (entry->state == FILLED) {
    or_packed_cache_t *cache = &entry->device->packed;
    *slot_of(cache, &entry->key) = entry->next;
    --cache->counters.entries;
    cache->counters.bytes -= entry->bytes;
  }
  return true;
}

static void free_entry(or_packed_t *entry) {
  const or_allocator_t *allocator = entry->device->allocator;
  or_buffer_release(entry->buffer); /* the device may go with its last buffer */
  or_free(allocator, entry);
}
