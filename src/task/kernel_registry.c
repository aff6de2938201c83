#include "task/kernel_registry.h"

#include <assert.h>
#include <stdatomic.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/thread.h"
#include "kernel/pool.h"
#include "runtime/runtime.h"

struct or_kernel_entry_t {
  or_ref_t ref;
  or_arena_t arena; /* of the record's texts */
  or_kernel_record_t record;
  size_t bytes;
  or_mutex_t mutex;
  or_kernel_t *kernel; /* under the mutex; once set it stays */
};

struct or_kernel_registry_t {
  const or_allocator_t *allocator;
  or_kernels_t *kernels;
  or_kernels_options_t limits;
  or_kernel_keeper_t keeper;
  size_t max_count, max_owner_count, max_bytes;
  _Atomic uint64_t compiles[OR_KERNEL_END_COUNT], runs[OR_KERNEL_END_COUNT];
  or_mutex_t keeping; /* held while one is kept or forgotten, so that keeper and table tell the same; before `mutex` */
  or_mutex_t mutex;
  /* Under the mutex: */
  or_kernel_entry_t **entries; /* by name, then owner; one reference each */
  size_t count, capacity, bytes;
};

or_status_t or_kernel_registry_create(const or_kernel_registry_options_t *options, or_kernel_registry_t **out) {
  const or_allocator_t *allocator = or_runtime_allocator(options->runtime);
  void *memory = NULL;
  *out = NULL;
  or_status_t status = or_alloc_zeroed(allocator, sizeof(or_kernel_registry_t), &memory);
  if (!or_ok(status)) return status;
  or_kernel_registry_t *registry = memory;
  registry->allocator = allocator;
  registry->limits = options->limits != NULL ? *options->limits : or_kernels_options_default();
  if (options->keeper != NULL) registry->keeper = *options->keeper;
  registry->max_count = options->count > 0 ? options->count : OR_KERNEL_REGISTRY_COUNT;
  registry->max_owner_count = options->owner_count > 0 ? options->owner_count : OR_KERNEL_REGISTRY_OWNER_COUNT;
  registry->max_bytes = options->bytes > 0 ? options->bytes : OR_KERNEL_REGISTRY_BYTES;
  or_mutex_init(&registry->keeping);
  or_mutex_init(&registry->mutex);
  status = or_kernels_create(options->runtime, &registry->limits, &registry->kernels);
  if (!or_ok(status)) {
    or_kernel_registry_free(registry);
    return status;
  }
  *out = registry;
  return status;
}

void or_kernel_registry_free(or_kernel_registry_t *registry) {
  if (registry == NULL) return;
  for (size_t i = 0; i < registry->count; ++i) or_kernel_entry_release(registry->entries[i]);
  or_free(registry->allocator, registry->entries);
  or_kernels_release(registry->kernels);
  or_mutex_deinit(&registry->mutex);
  or_mutex_deinit(&registry->keeping);
  or_free(registry->allocator, registry);
}

const or_kernels_options_t *or_kernel_registry_limits(const or_kernel_registry_t *registry) {
  return &registry->limits;
}

/* ---- entries ---- */

static or_status_t keep_text(or_kernel_entry_t *entry, const char **text, size_t length) {
  if (*text == NULL) return or_status_success();
  entry->bytes += length;
  return or_arena_strndup(&entry->arena, *text, length, text);
}

static or_status_t make_entry(const or_kernel_registry_t *registry, const or_kernel_record_t *record,
                              or_kernel_entry_t **out) {
  void *memory = NULL;
  or_status_t status = or_alloc_zeroed(registry->allocator, sizeof(or_kernel_entry_t), &memory);
  if (!or_ok(status)) return status;
  or_kernel_entry_t *entry = memory;
  or_ref_init(&entry->ref);
  or_mutex_init(&entry->mutex);
  or_arena_init(&entry->arena, registry->allocator);
  entry->record = *record;
  entry->bytes = sizeof *entry;
  const char **const texts[] = {&entry->record.owner,  &entry->record.name,       &entry->record.entry,
                                &entry->record.target, &entry->record.parameters, &entry->record.options,
                                &entry->record.facts};
  for (size_t i = 0; or_ok(status) && i < sizeof texts / sizeof *texts; ++i)
    status = keep_text(entry, texts[i], *texts[i] != NULL ? strlen(*texts[i]) : 0);
  if (or_ok(status)) status = keep_text(entry, &entry->record.source, record->source_bytes);
  if (or_ok(status)) {
    *out = entry;
  } else {
    or_kernel_entry_release(entry);
  }
  return status;
}

void or_kernel_entry_retain(or_kernel_entry_t *entry) { or_ref_retain(&entry->ref); }

void or_kernel_entry_release(or_kernel_entry_t *entry) {
  if (entry == NULL || !or_ref_release(&entry->ref)) return;
  const or_allocator_t *allocator = entry->arena.allocator;
  or_kernel_release(entry->kernel);
  or_mutex_deinit(&entry->mutex);
  or_arena_deinit(&entry->arena);
  or_free(allocator, entry);
}

const or_kernel_record_t *or_kernel_entry_record(const or_kernel_entry_t *entry) { return &entry->record; }

bool or_kernel_entry_is_ready(or_kernel_entry_t *entry) {
  or_mutex_lock(&entry->mutex);
  const bool ready = entry->kernel != NULL;
  or_mutex_unlock(&entry->mutex);
  return ready;
}

bool or_kernel_registry_would_wait(const or_kernel_registry_t *registry, const or_kernel_entry_t *entry) {
  return or_worker_is_busy(registry->kernels, entry->record.owner);
}

/* ---- the table, with the lock held ---- */

/* The index of the first that is not before this; *found: it is that very one. */
static size_t search(const or_kernel_registry_t *registry, const char *owner, const char *name, bool *found) {
  size_t low = 0, high = registry->count;
  *found = false;
  while (low < high) {
    const size_t middle = low + (high - low) / 2;
    const or_kernel_record_t *record = &registry->entries[middle]->record;
    int order = strcmp(record->name, name);
    if (order == 0 && owner != NULL) order = strcmp(record->owner, owner);
    if (order < 0) {
      low = middle + 1;
    } else {
      *found = *found || order == 0;
      high = middle;
    }
  }
  return low;
}

static size_t count_of(const or_kernel_registry_t *registry, const char *owner) {
  size_t count = 0;
  for (size_t i = 0; i < registry->count; ++i) {
    const or_kernel_entry_t *entry = registry->entries[i];
    assert(entry != NULL);
    count += strcmp(entry->record.owner, owner) == 0;
  }
  return count;
}

/* Whether there may be one more of that owner, of so many bytes, in place of `replaced` (NULL: of none). */
static or_status_t check_room(const or_kernel_registry_t *registry, const char *owner, size_t bytes,
                              const or_kernel_entry_t *replaced) {
  const size_t freed = replaced != NULL ? replaced->bytes : 0;
  if (replaced == NULL && registry->count >= registry->max_count)
    return or_error(OR_RESOURCE_EXHAUSTED, "there are %zu kernels, which is the limit", registry->count);
  if (replaced == NULL && count_of(registry, owner) >= registry->max_owner_count)
    return or_error(OR_RESOURCE_EXHAUSTED, "there are %zu kernels of this key, which is the limit: remove some",
                    registry->max_owner_count);
  if (registry->bytes - freed + bytes > registry->max_bytes)
    return or_error(OR_RESOURCE_EXHAUSTED, "kernels take %zu bytes; with %zu more they would exceed %zu",
                    registry->bytes - freed, bytes, registry->max_bytes);
  return or_status_success();
}

/* Takes a reference on success. *old: the one whose place it took, for the caller to release. */
static or_status_t insert(or_kernel_registry_t *registry, or_kernel_entry_t *entry, or_kernel_entry_t **old) {
  bool found;
  void *array = registry->entries;
  const size_t index = search(registry, entry->record.owner, entry->record.name, &found);
  *old = found ? registry->entries[index] : NULL;
  or_status_t status = check_room(registry, entry->record.owner, entry->bytes, *old);
  if (or_ok(status) && !found)
    status =
        or_grow_array(registry->allocator, registry->count + 1, sizeof *registry->entries, &array, &registry->capacity);
  registry->entries = array;
  if (!or_ok(status)) {
    *old = NULL;
    return status;
  }
  if (!found) {
    memmove(&registry->entries[index + 1], &registry->entries[index],
            (registry->count - index) * sizeof *registry->entries);
    ++registry->count;
  }
  registry->bytes += entry->bytes;
  if (found) registry->bytes -= (*old)->bytes;
  registry->entries[index] = entry;
  or_kernel_entry_retain(entry);
  return status;
}

/* ---- */

static or_status_t enter(or_kernel_registry_t *registry, or_kernel_entry_t *entry) {
  or_kernel_entry_t *old = NULL;
  or_mutex_lock(&registry->mutex);
  or_status_t status = insert(registry, entry, &old);
  or_mutex_unlock(&registry->mutex);
  or_kernel_entry_release(old);
  return status;
}

or_status_t or_kernel_registry_recall(or_kernel_registry_t *registry, const or_kernel_record_t *record) {
  or_kernel_entry_t *entry = NULL;
  or_status_t status = make_entry(registry, record, &entry);
  if (or_ok(status)) status = enter(registry, entry);
  or_kernel_entry_release(entry);
  return status;
}

or_status_t or_kernel_registry_find(or_kernel_registry_t *registry, const char *owner, const char *name,
                                    or_kernel_entry_t **out) {
  bool found;
  *out = NULL;
  or_mutex_lock(&registry->mutex);
  const size_t index = search(registry, owner, name, &found);
  if (found) {
    *out = registry->entries[index];
    or_kernel_entry_retain(*out);
  }
  or_mutex_unlock(&registry->mutex);
  return found ? or_status_success() : or_error(OR_NOT_FOUND, "no kernel \"%.128s\"", name);
}

or_status_t or_kernel_registry_remove(or_kernel_registry_t *registry, const char *owner, const char *name) {
  or_kernel_entry_t *entry = NULL;
  or_mutex_lock(&registry->keeping);
  or_status_t status = or_kernel_registry_find(registry, owner, name, &entry);
  if (or_ok(status) && registry->keeper.forget != NULL)
    status = registry->keeper.forget(registry->keeper.self, entry->record.owner, name);
  if (or_ok(status)) {
    bool found;
    or_mutex_lock(&registry->mutex);
    const size_t index = search(registry, entry->record.owner, name, &found);
    --registry->count;
    registry->bytes -= entry->bytes;
    memmove(&registry->entries[index], &registry->entries[index + 1],
            (registry->count - index) * sizeof *registry->entries);
    or_mutex_unlock(&registry->mutex);
    or_log(OR_LOG_TASK, OR_LOG_INFO, "kernel_removed", "owner=%s kernel=%s", entry->record.owner, name);
    or_kernel_entry_release(entry); /* the table's */
  }
  or_mutex_unlock(&registry->keeping);
  or_kernel_entry_release(entry);
  return status;
}

void or_kernel_registry_list(or_kernel_registry_t *registry, const char *owner,
                             void (*visit)(void *self, const or_kernel_record_t *record), void *self) {
  or_mutex_lock(&registry->mutex);
  for (size_t i = 0; i < registry->count; ++i) {
    const or_kernel_record_t *record = &registry->entries[i]->record;
    if (owner == NULL || strcmp(record->owner, owner) == 0) visit(self, record);
  }
  or_mutex_unlock(&registry->mutex);
}

/* ---- compiling and running ---- */

static or_kernel_end_t end_of(const or_status_t *status) {
  switch (or_status_code(*status)) {
  case OR_OK: return OR_KERNEL_DONE;
  case OR_DEADLINE_EXCEEDED: return OR_KERNEL_KILLED_TIME;
  case OR_CANCELLED: return OR_KERNEL_KILLED_CANCEL;
  case OR_RESOURCE_EXHAUSTED: return OR_KERNEL_KILLED_DIED;
  default: return OR_KERNEL_FAILED;
  }
}

/* Who did what to whom, for an operator who looks for a cause afterwards. */
static void audit(const or_kernel_record_t *record, const char *event, or_kernel_end_t end, const or_status_t *status) {
  static const char *const reasons[] = {
      [OR_KERNEL_KILLED_TIME] = "time", [OR_KERNEL_KILLED_CANCEL] = "cancelled", [OR_KERNEL_KILLED_DIED] = "died"};
  if (end == OR_KERNEL_DONE) return;
  if (end == OR_KERNEL_FAILED) {
    or_log(OR_LOG_TASK, OR_LOG_INFO, "kernel_failed", "owner=%s kernel=%s during=%s error=%s", record->owner,
           record->name, event, or_status_mapping(or_status_code(*status))->name);
  } else {
    or_log(OR_LOG_TASK, OR_LOG_WARNING, "kernel_killed", "owner=%s kernel=%s during=%s reason=%s", record->owner,
           record->name, event, reasons[end]);
  }
}

static or_status_t compile(or_kernel_registry_t *registry, const or_kernel_record_t *record, const or_cancel_t *cancel,
                           char *log, or_kernel_t **out) {
  const or_kernel_request_t request = {.source = record->source,
                                       .source_bytes = record->source_bytes,
                                       .entry = record->entry,
                                       .options = record->options[0] != '\0' ? record->options : NULL,
                                       .owner = record->owner,
                                       .device = record->target,
                                       .cancel = cancel};
  or_status_t status = or_kernel_compile(registry->kernels, &request, log, out);
  const or_kernel_end_t end = end_of(&status);
  atomic_fetch_add_explicit(&registry->compiles[end], 1, memory_order_relaxed);
  audit(record, "compile", end, &status);
  if (end != OR_KERNEL_DONE) return status;
  const or_kernel_facts_t *facts = or_kernel_facts(*out);
  or_log(OR_LOG_TASK, OR_LOG_INFO, "kernel_compiled",
         "owner=%s kernel=%s device=%s source_bytes=%zu binary_bytes=%zu cached=%d seconds=%.3f", record->owner,
         record->name, facts->device_id, record->source_bytes, facts->binary_bytes, facts->cached,
         facts->compile_seconds);
  return status;
}

/* An entry of what was compiled, with its facts. Takes the kernel on success. */
static or_status_t make_compiled(const or_kernel_registry_t *registry, const or_kernel_record_t *wanted,
                                 or_kernel_t *kernel, const char *log, or_kernel_entry_t **out) {
  or_kernel_record_t record = *wanted;
  or_json_writer_t json;
  or_text_t facts;
  or_text_init(&facts, registry->allocator);
  or_json_begin(&json, &facts, 0);
  or_kernel_facts_write(&json, wanted, or_kernel_facts(kernel), log);
  or_status_t status = or_json_finish(&json);
  record.facts = or_text_string(&facts);
  if (or_ok(status)) status = make_entry(registry, &record, out);
  if (or_ok(status)) (*out)->kernel = kernel;
  or_text_deinit(&facts);
  return status;
}

/* Kept and in the table, or neither. */
static or_status_t keep(or_kernel_registry_t *registry, or_kernel_entry_t *entry) {
  const or_kernel_record_t *record = &entry->record;
  bool found;
  or_mutex_lock(&registry->keeping);
  or_mutex_lock(&registry->mutex);
  const size_t index = search(registry, record->owner, record->name, &found);
  or_status_t status = check_room(registry, record->owner, entry->bytes, found ? registry->entries[index] : NULL);
  or_mutex_unlock(&registry->mutex);
  if (or_ok(status) && registry->keeper.keep != NULL) status = registry->keeper.keep(registry->keeper.self, record);
  if (or_ok(status)) status = enter(registry, entry);
  or_mutex_unlock(&registry->keeping);
  return status;
}

or_status_t or_kernel_registry_compile(or_kernel_registry_t *registry, const or_kernel_record_t *wanted,
                                       const or_cancel_t *cancel, char *log, or_kernel_entry_t **out) {
  or_kernel_t *kernel = NULL;
  or_kernel_entry_t *entry = NULL;
  *out = NULL;
  log[0] = '\0';
  or_status_t status = compile(registry, wanted, cancel, log, &kernel);
  if (!or_ok(status)) return status;
  status = make_compiled(registry, wanted, kernel, log, &entry);
  if (!or_ok(status)) {
    or_kernel_release(kernel);
    return status;
  }
  status = keep(registry, entry);
  if (or_ok(status)) {
    *out = entry;
  } else {
    or_kernel_entry_release(entry);
  }
  return status;
}

/* Two threads that need it at once may both compile; the second finds the first one's binary in the cache. */
or_status_t or_kernel_registry_ready(or_kernel_registry_t *registry, or_kernel_entry_t *entry,
                                     const or_cancel_t *cancel, or_kernel_t **out) {
  or_kernel_t *kernel = NULL;
  or_mutex_lock(&entry->mutex);
  *out = entry->kernel;
  or_mutex_unlock(&entry->mutex);
  if (*out != NULL) return or_status_success();
  or_status_t status = compile(registry, &entry->record, cancel, NULL, &kernel);
  if (!or_ok(status)) return or_status_context(status, "kernel \"%s\"", entry->record.name);
  or_mutex_lock(&entry->mutex);
  if (entry->kernel == NULL) {
    entry->kernel = kernel;
    kernel = NULL;
  }
  *out = entry->kernel;
  or_mutex_unlock(&entry->mutex);
  or_kernel_release(kernel);
  return status;
}

or_status_t or_kernel_registry_run(or_kernel_registry_t *registry, or_kernel_entry_t *entry,
                                   const or_kernel_launch_t *launch, or_kernel_result_t *out) {
  or_kernel_t *kernel = NULL;
  or_status_t status = or_kernel_registry_ready(registry, entry, launch->cancel, &kernel);
  if (!or_ok(status)) return status;
  status = or_kernel_run(kernel, launch, out);
  const or_kernel_end_t end = end_of(&status);
  atomic_fetch_add_explicit(&registry->runs[end], 1, memory_order_relaxed);
  audit(&entry->record, "run", end, &status);
  return status;
}

void or_kernel_registry_stats(or_kernel_registry_t *registry, or_kernel_registry_stats_t *out) {
  for (int end = 0; end < OR_KERNEL_END_COUNT; ++end) {
    out->compiles[end] = atomic_load_explicit(&registry->compiles[end], memory_order_relaxed);
    out->runs[end] = atomic_load_explicit(&registry->runs[end], memory_order_relaxed);
  }
  out->workers = or_kernels_workers(registry->kernels);
  or_mutex_lock(&registry->mutex);
  out->kernels = registry->count;
  out->bytes = registry->bytes;
  or_mutex_unlock(&registry->mutex);
}
