#include "fault/memory.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/alloc.h"

#ifdef __GLIBC__
#include <execinfo.h>
#endif

/* The names that the linker gives to what is wrapped. */
const or_allocator_t *__real_or_allocator_system(void);
const or_allocator_t *__wrap_or_allocator_system(void);
or_status_t __real_or_arena_alloc(or_arena_t *arena, size_t bytes, void **out);
or_status_t __wrap_or_arena_alloc(or_arena_t *arena, size_t bytes, void **out);

typedef struct control_t {
  _Atomic uint64_t fail_at, count, failed, held;
} control_t;
_Static_assert(sizeof(control_t) == MEMORY_WORDS * sizeof(uint64_t), "the other process reads words");

static control_t *control; /* set before there is another thread */
static bool traced;
static sqlite3_mem_methods of_sqlite;

/* Where the failing one was asked for, for whoever looks for the cause. */
static void trace(void) {
#ifdef __GLIBC__
  void *frames[40];
  if (traced) backtrace_symbols_fd(frames, backtrace(frames, 40), STDERR_FILENO);
#endif
}

static bool fails(void) {
  const uint64_t number = atomic_fetch_add(&control->count, 1) + 1;
  if (number != atomic_load(&control->fail_at)) return false;
  atomic_store(&control->failed, 1);
  trace();
  return true;
}

static void *counted_alloc(void *self, size_t bytes, size_t alignment) {
  const or_allocator_t *real = __real_or_allocator_system();
  (void)self;
  void *memory = fails() ? NULL : real->alloc(real->self, bytes, alignment);
  if (memory != NULL) (void)atomic_fetch_add(&control->held, 1);
  return memory;
}

static void counted_release(void *self, void *memory) {
  const or_allocator_t *real = __real_or_allocator_system();
  (void)self;
  if (memory != NULL) (void)atomic_fetch_sub(&control->held, 1);
  real->release(real->self, memory);
}

const or_allocator_t *__wrap_or_allocator_system(void) {
  static const or_allocator_t counted = {NULL, counted_alloc, counted_release};
  return control != NULL ? &counted : __real_or_allocator_system();
}

or_status_t __wrap_or_arena_alloc(or_arena_t *arena, size_t bytes, void **out) {
  *out = NULL;
  if (control != NULL && fails()) return or_error(OR_RESOURCE_EXHAUSTED, "out of memory: %zu bytes asked for", bytes);
  return __real_or_arena_alloc(arena, bytes, out);
}

static void *sqlite_alloc(int bytes) { return fails() ? NULL : of_sqlite.xMalloc(bytes); }
static void *sqlite_realloc(void *memory, int bytes) { return fails() ? NULL : of_sqlite.xRealloc(memory, bytes); }

bool memory_open(const char *path) {
  if (path == NULL) return true;
  const int file = open(path, O_RDWR | O_CLOEXEC);
  void *mapped = file >= 0 ? mmap(NULL, sizeof(control_t), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0) : MAP_FAILED;
  if (file >= 0) (void)close(file);
  if (mapped == MAP_FAILED || sqlite3_config(SQLITE_CONFIG_GETMALLOC, &of_sqlite) != SQLITE_OK) return false;
  control = mapped;
  traced = getenv("FAULT_TRACE") != NULL;
  sqlite3_mem_methods failing = of_sqlite;
  failing.xMalloc = sqlite_alloc;
  failing.xRealloc = sqlite_realloc;
  return sqlite3_config(SQLITE_CONFIG_MALLOC, &failing) == SQLITE_OK;
}

size_t memory_held(void) { return control != NULL ? (size_t)atomic_load(&control->held) : 0; }
