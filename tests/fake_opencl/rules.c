#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fake_opencl/fake_opencl_internal.h"

/* Found by dlsym, in a process that has its own functions of these names (control.c). */
__attribute__((visibility("default"))) void fake_opencl_rule_set(const char *what, const char *value);
__attribute__((visibility("default"))) uint64_t fake_opencl_rule_count(const char *name);
__attribute__((visibility("default"))) int64_t fake_opencl_rule_live(const char *object);
__attribute__((visibility("default"))) const char *fake_opencl_rule_failed(void);

static const char *const names[CALL_COUNT] = {
#define X(form, name, object, parameters, arguments) #name,
#include "fake_opencl/calls_list.h"
#undef X
};
static const char *const objects[OBJECT_COUNT] = {"",        "context", "queue", "memory",
                                                  "program", "kernel",  "event", "svm"};

/* All of it under `lock`, but for `real`, which is written once. */
static struct {
  pthread_mutex_t lock;
  uint64_t counts[CALL_COUNT];
  int64_t live[OBJECT_COUNT];
  int rule_call;      /* CALL_COUNT: any */
  uint64_t countdown; /* 0: nothing fails */
  bool forever;
  const char *failed; /* the last call that did; NULL: none since the rule was made */
  int32_t code;
  char trigger[512], driver[128], hidden[512];
  bool gpu;
  uint32_t group, address_bits;
} state = {.lock = PTHREAD_MUTEX_INITIALIZER, .code = -5};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static void *real[CALL_COUNT];

/* ---- what it is told ---- */

static void copy(char *out, size_t room, const char *text) { (void)snprintf(out, room, "%s", text); }

static void set_rule(const char *rule) {
  const char *colon = strchr(rule, ':'), *number = colon != NULL ? colon + 1 : rule;
  char *end = NULL;
  state.rule_call = CALL_COUNT;
  for (int i = 0; colon != NULL && i < CALL_COUNT; ++i) {
    if (strlen(names[i]) == (size_t)(colon - rule) && strncmp(names[i], rule, strlen(names[i])) == 0)
      state.rule_call = i;
  }
  state.countdown = strtoull(number, &end, 10);
  state.forever = *end == '+';
  state.failed = NULL;
  if ((colon == NULL) == (state.rule_call == CALL_COUNT) && (*end == '\0' || *end == '+')) return;
  (void)fprintf(stderr, "fake_opencl: no such rule: %s\n", rule);
  abort();
}

static void set_locked(const char *what, const char *value) {
  if (strcmp(what, "FAIL") == 0) {
    set_rule(value);
  } else if (strcmp(what, "CODE") == 0) {
    state.code = *value != '\0' ? (int32_t)strtol(value, NULL, 10) : -5;
  } else if (strcmp(what, "TRIGGER") == 0) {
    copy(state.trigger, sizeof state.trigger, value);
  } else if (strcmp(what, "DRIVER") == 0) {
    copy(state.driver, sizeof state.driver, value);
  } else if (strcmp(what, "GPU") == 0) {
    state.gpu = strcmp(value, "1") == 0;
  } else if (strcmp(what, "GROUP") == 0) {
    state.group = (uint32_t)strtoul(value, NULL, 10);
  } else if (strcmp(what, "ADDRESS_BITS") == 0) {
    state.address_bits = (uint32_t)strtoul(value, NULL, 10);
  } else if (strcmp(what, "HIDE") == 0) {
    copy(state.hidden, sizeof state.hidden, value);
  } else {
    (void)fprintf(stderr, "fake_opencl: nothing of that name: %s\n", what);
    abort();
  }
}

static void write_counts(void) {
  const char *path = getenv("FAKE_OPENCL_COUNTS");
  FILE *file = path != NULL ? fopen(path, "w") : NULL;
  if (file == NULL) return;
  (void)pthread_mutex_lock(&state.lock);
  for (int i = 0; i < CALL_COUNT; ++i) {
    if (state.counts[i] > 0) (void)fprintf(file, "%s %llu\n", names[i], (unsigned long long)state.counts[i]);
  }
  for (int i = 1; i < OBJECT_COUNT; ++i) (void)fprintf(file, "live_%s %lld\n", objects[i], (long long)state.live[i]);
  (void)pthread_mutex_unlock(&state.lock);
  (void)fclose(file);
}

static void start(void) {
  static const char *const known[] = {"FAIL", "CODE", "TRIGGER", "DRIVER", "GPU", "GROUP", "ADDRESS_BITS", "HIDE"};
  (void)pthread_mutex_lock(&state.lock);
  for (size_t i = 0; i < sizeof known / sizeof *known; ++i) {
    char name[64];
    (void)snprintf(name, sizeof name, "FAKE_OPENCL_%s", known[i]);
    if (getenv(name) != NULL) set_locked(known[i], getenv(name));
  }
  (void)pthread_mutex_unlock(&state.lock);
  const char *path = getenv("FAKE_OPENCL_REAL");
  void *handle = dlopen(path != NULL ? path : "libOpenCL.so.1", RTLD_NOW | RTLD_LOCAL);
  for (int i = 0; handle != NULL && i < CALL_COUNT; ++i) real[i] = dlsym(handle, names[i]);
  (void)atexit(write_counts);
}

void fake_opencl_rule_set(const char *what, const char *value) {
  (void)pthread_once(&once, start);
  (void)pthread_mutex_lock(&state.lock);
  set_locked(what, value != NULL ? value : "");
  (void)pthread_mutex_unlock(&state.lock);
}

/* ---- what becomes of a call ---- */

static bool triggered(void) {
  if (state.trigger[0] == '\0') return true;
  if (access(state.trigger, F_OK) != 0) return false;
  state.trigger[0] = '\0';
  return true;
}

int32_t fake_enter(fake_call_t call) {
  int32_t code = 0;
  (void)pthread_once(&once, start);
  (void)pthread_mutex_lock(&state.lock);
  ++state.counts[call];
  bool meant = state.rule_call == CALL_COUNT || state.rule_call == (int)call;
  if (state.countdown > 0 && meant && triggered()) {
    bool last = --state.countdown == 0;
    if (last) code = state.code;
    if (last && state.forever) state.countdown = 1;
    if (last) state.failed = names[call];
  }
  (void)pthread_mutex_unlock(&state.lock);
  return code;
}

void *fake_real(fake_call_t call) { return real[call]; }

void fake_hold(fake_object_t object, int change) {
  (void)pthread_mutex_lock(&state.lock);
  state.live[object] += change;
  (void)pthread_mutex_unlock(&state.lock);
}

uint64_t fake_opencl_rule_count(const char *name) {
  uint64_t count = 0;
  (void)pthread_mutex_lock(&state.lock);
  for (int i = 0; i < CALL_COUNT; ++i) {
    if (name == NULL || strcmp(name, names[i]) == 0) count += state.counts[i];
  }
  (void)pthread_mutex_unlock(&state.lock);
  return count;
}

int64_t fake_opencl_rule_live(const char *object) {
  int64_t count = 0;
  (void)pthread_mutex_lock(&state.lock);
  for (int i = 1; i < OBJECT_COUNT; ++i) {
    if (object == NULL || strcmp(object, objects[i]) == 0) count += state.live[i];
  }
  (void)pthread_mutex_unlock(&state.lock);
  return count;
}

const char *fake_opencl_rule_failed(void) {
  (void)pthread_mutex_lock(&state.lock);
  const char *name = state.failed;
  (void)pthread_mutex_unlock(&state.lock);
  return name;
}

/* ---- what devices pretend ---- */

bool fake_is_gpu(void) {
  (void)pthread_mutex_lock(&state.lock);
  bool gpu = state.gpu;
  (void)pthread_mutex_unlock(&state.lock);
  return gpu;
}

static uint32_t number(const uint32_t *told) {
  (void)pthread_mutex_lock(&state.lock);
  const uint32_t value = *told;
  (void)pthread_mutex_unlock(&state.lock);
  return value;
}

uint32_t fake_group(void) { return number(&state.group); }
uint32_t fake_address_bits(void) { return number(&state.address_bits); }

bool fake_driver(char *out, size_t room) {
  (void)pthread_mutex_lock(&state.lock);
  copy(out, room, state.driver);
  (void)pthread_mutex_unlock(&state.lock);
  return out[0] != '\0';
}

/* Whole words. */
static char *find_word(char *text, const char *word, size_t length) {
  for (char *at = strstr(text, word); at != NULL; at = strstr(at + 1, word)) {
    bool begins = at == text || at[-1] == ' ', ends = at[length] == ' ' || at[length] == '\0';
    if (begins && ends) return at;
  }
  return NULL;
}

void fake_hide(char *extensions) {
  char hidden[sizeof state.hidden], *rest = NULL;
  (void)pthread_mutex_lock(&state.lock);
  copy(hidden, sizeof hidden, state.hidden);
  (void)pthread_mutex_unlock(&state.lock);
  for (char *word = strtok_r(hidden, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest)) {
    char *at = find_word(extensions, word, strlen(word));
    if (at != NULL) memset(at, ' ', strlen(word));
  }
}

bool fake_hides(const char *extension) {
  char one[128];
  copy(one, sizeof one, extension);
  fake_hide(one);
  return one[0] == ' ';
}

bool fake_refused_build(void) {
  const char *name = fake_opencl_rule_failed();
  return name != NULL && strcmp(name, names[CALL_clBuildProgram]) == 0;
}
