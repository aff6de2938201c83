#include "base/log.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/string.h"
#include "base/thread.h"

static const char *const module_names[OR_LOG_MODULE_COUNT] = {"base",  "hal",  "backend", "graph",  "runtime",
                                                              "model", "task", "store",   "server", "cli"};
static const char *const level_names[] = {"error", "warning", "info", "debug"};

/* Atomics of static storage begin at 0; so a level is kept as its distance from INFO, the default. */
static atomic_int levels_from_info[OR_LOG_MODULE_COUNT];

/* The sink and its argument change together: each change goes into the slot that is not in use, then `active_slot`
 * turns. A writer counts itself in at the active slot and looks again, so a slot with a count of 0 that is not active
 * has no reader and stays so. */
typedef struct sink_slot_t {
  _Atomic(or_log_sink_t) sink;
  _Atomic(void *) self;
  atomic_size_t users;
} sink_slot_t;
typedef struct outlet_t {
  sink_slot_t slots[2];
  atomic_uint active_slot;
  or_mutex_t change; /* one at a time */
} outlet_t;
static outlet_t main_sink = {.change = PTHREAD_MUTEX_INITIALIZER}, tap = {.change = PTHREAD_MUTEX_INITIALIZER};

static void set_outlet(outlet_t *outlet, or_log_sink_t sink, void *self) {
  or_mutex_lock(&outlet->change);
  unsigned before = atomic_load(&outlet->active_slot);
  sink_slot_t *next = &outlet->slots[1 - before];
  atomic_store(&next->sink, sink);
  atomic_store(&next->self, self);
  atomic_store(&outlet->active_slot, 1 - before);
  /* Calls of the old sink that are under way end before we return, so that its owner may free what `self` points to. */
  while (atomic_load(&outlet->slots[before].users) > 0) (void)sched_yield();
  or_mutex_unlock(&outlet->change);
}

void or_log_set_sink(or_log_sink_t sink, void *self) { set_outlet(&main_sink, sink, self); }
void or_log_set_tap(or_log_sink_t sink, void *self) { set_outlet(&tap, sink, self); }

static bool is_open(outlet_t *outlet) {
  unsigned slot = atomic_load_explicit(&outlet->active_slot, memory_order_relaxed);
  return atomic_load_explicit(&outlet->slots[slot].sink, memory_order_relaxed) != NULL;
}

void or_log_set_level(or_log_level_t level) {
  for (size_t i = 0; i < OR_LOG_MODULE_COUNT; ++i) {
    atomic_store_explicit(&levels_from_info[i], (int)level - (int)OR_LOG_INFO, memory_order_relaxed);
  }
}

or_status_t or_log_set_module_level(const char *module, or_log_level_t level) {
  for (size_t i = 0; module != NULL && i < OR_LOG_MODULE_COUNT; ++i) {
    if (strcmp(module, module_names[i]) != 0) continue;
    atomic_store_explicit(&levels_from_info[i], (int)level - (int)OR_LOG_INFO, memory_order_relaxed);
    return or_status_success();
  }
  char known[128] = "";
  for (size_t i = 0; i < OR_LOG_MODULE_COUNT; ++i) {
    size_t length = strlen(known);
    (void)or_format(known + length, sizeof known - length, "%s%s", i > 0 ? ", " : "", module_names[i]);
  }
  return or_error(OR_NOT_FOUND, "log module \"%s\": no such module; there are %s", module != NULL ? module : "", known);
}

const char *or_log_module_name(or_log_module_t module) {
  return (size_t)module < OR_LOG_MODULE_COUNT ? module_names[module] : "unknown";
}

or_log_level_t or_log_module_level(or_log_module_t module) {
  if ((size_t)module >= OR_LOG_MODULE_COUNT) return OR_LOG_OFF;
  return (or_log_level_t)(atomic_load_explicit(&levels_from_info[module], memory_order_relaxed) + (int)OR_LOG_INFO);
}

const char *or_log_level_name(or_log_level_t level) {
  return level >= OR_LOG_ERROR && level <= OR_LOG_DEBUG ? level_names[level] : "off";
}

bool or_log_level_from_name(const char *name, or_log_level_t *out) {
  for (int level = OR_LOG_OFF; level <= OR_LOG_DEBUG; ++level) {
    if (strcmp(name, or_log_level_name((or_log_level_t)level)) != 0) continue;
    *out = (or_log_level_t)level;
    return true;
  }
  return false;
}

bool or_log_enabled(or_log_module_t module, or_log_level_t level) {
  if ((size_t)module >= OR_LOG_MODULE_COUNT || level < OR_LOG_ERROR || level > OR_LOG_DEBUG) return false;
  if (!is_open(&main_sink) && !is_open(&tap)) return false;
  int limit = atomic_load_explicit(&levels_from_info[module], memory_order_relaxed) + (int)OR_LOG_INFO;
  return (int)level <= limit;
}

static void deliver(outlet_t *outlet, or_log_level_t level, const char *line) {
  unsigned slot = atomic_load(&outlet->active_slot);
  (void)atomic_fetch_add(&outlet->slots[slot].users, 1);
  while (atomic_load(&outlet->active_slot) != slot) {
    (void)atomic_fetch_sub(&outlet->slots[slot].users, 1);
    slot = atomic_load(&outlet->active_slot);
    (void)atomic_fetch_add(&outlet->slots[slot].users, 1);
  }
  or_log_sink_t sink = atomic_load(&outlet->slots[slot].sink);
  void *self = atomic_load(&outlet->slots[slot].self);
  if (sink != NULL) sink(self, level, line);
  (void)atomic_fetch_sub(&outlet->slots[slot].users, 1);
}

void or_log_write(or_log_module_t module, or_log_level_t level, const char *event, const char *format, ...) {
  if (!or_log_enabled(module, level)) return;
  char line[OR_LOG_LINE_BYTES];
  (void)or_format(line, sizeof line, "level=%s event=%s%s", level_names[level], event, format[0] != '\0' ? " " : "");
  size_t length = strlen(line);
  va_list arguments;
  va_start(arguments, format);
  int more = vsnprintf(line + length, sizeof line - length, format, arguments);
  va_end(arguments);
  bool cut = more < 0 || (size_t)more >= sizeof line - length;
  length = strlen(line);
  or_utf8_repair(line, length, cut);
  for (char *c = line; *c != '\0'; ++c) { /* one call is one line, whatever the fields hold */
    if ((unsigned char)*c < ' ' || *c == 0x7F) *c = ' ';
  }
  deliver(&main_sink, level, line);
  deliver(&tap, level, line);
}

const char *or_log_quote(const char *value, char *buffer, size_t capacity) {
  if (value == NULL) value = "";
  bool plain = *value != '\0';
  for (const char *c = value; *c != '\0'; ++c) {
    plain = plain && (unsigned char)*c > ' ' && *c != '"' && *c != '\\' && *c != '=' && *c != 0x7F;
  }
  if (plain) return or_format(buffer, capacity, "%s", value);
  if (capacity < sizeof "\"\"") return or_format(buffer, capacity, "%s", "");
  size_t length = 0;
  buffer[length++] = '"';
  for (const char *c = value; *c != '\0'; ++c) {
    char piece[8] = {*c, '\0'};
    if (*c == '"' || *c == '\\') {
      (void)or_format(piece, sizeof piece, "\\%c", *c);
    } else if (*c == '\n') {
      (void)or_format(piece, sizeof piece, "\\n");
    } else if ((unsigned char)*c < ' ' || *c == 0x7F) {
      (void)or_format(piece, sizeof piece, "\\x%02x", (unsigned)(unsigned char)*c);
    }
    size_t bytes = strlen(piece);
    if (length + bytes + sizeof "\"" > capacity) break;
    memcpy(buffer + length, piece, bytes);
    length += bytes;
  }
  buffer[length++] = '"';
  buffer[length] = '\0';
  return buffer;
}
