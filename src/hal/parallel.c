#include "hal/parallel.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/dynlib.h"
#include "hal/parallel_internal.h"
#include "or_config.h"

/* Owned and led by the thread that created it; no other touches it. */
struct or_team_t {
  const or_allocator_t *allocator;
  int size;
  int vendor_threads; /* what libgomp was told last */
  bool running;       /* to assert that a body does not lead */
  pthread_t leader;
  or_pthread_team_t *own; /* NULL: libgomp's, or size 1 */
};

/* What we use of libgomp; its ABI for compiled code is GOMP_parallel (libgomp ABI, "Implementing PARALLEL
 * construct"). Nothing of OpenMP is linked, so one binary runs with and without it. */
static void (*gomp_parallel)(void (*body)(void *), void *data, unsigned threads, unsigned flags);
static int (*gomp_thread_num)(void);
static int (*gomp_num_threads)(void);
static void (*gomp_set_num_threads)(int);
static int (*gomp_max_threads)(void);

static pthread_once_t gomp_once = PTHREAD_ONCE_INIT;
static bool gomp_found;

static void find_libgomp(void) {
  static const char *const names[] = {"libgomp.so.1", NULL};
  const or_dynlib_symbol_t symbols[] = {
      {"GOMP_parallel", (void **)&gomp_parallel, true},
      {"omp_get_thread_num", (void **)&gomp_thread_num, true},
      {"omp_get_num_threads", (void **)&gomp_num_threads, true},
      {"omp_set_num_threads", (void **)&gomp_set_num_threads, true},
      {"omp_get_max_threads", (void **)&gomp_max_threads, true},
  };
  void *handle = NULL;
  or_status_t status = or_dynlib_open(names, symbols, sizeof symbols / sizeof symbols[0], &handle);
  gomp_found = or_ok(status);
  or_status_ignore(status); /* without it the team is of pthreads */
}

static bool have_libgomp(void) {
  pthread_once(&gomp_once, find_libgomp);
  return gomp_found;
}

/* Whether teams are libgomp's. Vendor libraries have theirs from it in any case. */
static bool leads_libgomp(void) { return !OR_PARALLEL_PTHREAD && have_libgomp(); }

#define IDLE_LOOKS "4000"

void or_parallel_prepare_process(void) {
  if (getenv("OMP_WAIT_POLICY") == NULL) (void)setenv("GOMP_SPINCOUNT", IDLE_LOOKS, 0);
}

const char *or_parallel_kind(void) { return leads_libgomp() ? "libgomp" : "pthread"; }

or_status_t or_team_create(const or_allocator_t *allocator, int size, or_team_t **out) {
  void *memory = NULL;
  *out = NULL;
  or_status_t status = or_alloc_zeroed(allocator, sizeof(or_team_t), &memory);
  if (!or_ok(status)) return status;
  or_team_t *team = memory;
  *team = (or_team_t){.allocator = allocator, .size = size < 1 ? 1 : size, .leader = pthread_self()};
  team->vendor_threads = team->size;
  if (have_libgomp()) {
    gomp_set_num_threads(team->size); /* of this thread's regions: what vendor libraries ask for, too */
  }
  if (team->size > 1) status = or_pthread_team_create(allocator, team->size, &team->own);
  if (leads_libgomp()) { /* it ends the process where it can't start a thread: these were the proof that it can */
    or_pthread_team_free(team->own);
    team->own = NULL;
  }
  if (!or_ok(status)) {
    or_free(allocator, team);
    return status;
  }
  *out = team;
  return or_status_success();
}

void or_team_free(or_team_t *team) {
  if (team == NULL) return;
  or_pthread_team_free(team->own);
  or_free(team->allocator, team);
}

int or_team_size(const or_team_t *team) { return team != NULL ? team->size : 1; }

void or_team_limit_vendor(or_team_t *team, int threads) {
  if (team == NULL || team->vendor_threads == threads || !have_libgomp()) return;
  assert(pthread_equal(team->leader, pthread_self()) && "a team is led by the thread that created it");
  team->vendor_threads = threads;
  gomp_set_num_threads(threads);
}

bool or_parallel_limits_vendor(void) { return have_libgomp(); }

int or_vendor_alone_begin(void) {
  if (!have_libgomp()) return 0;
  const int threads = gomp_max_threads();
  if (threads != 1) gomp_set_num_threads(1);
  return threads;
}

void or_vendor_alone_end(int threads) {
  if (threads > 1) gomp_set_num_threads(threads);
}

void or_loop_run_slice(const or_loop_t *loop, int index, int thread) {
  size_t slices = (size_t)loop->slices, each = loop->units / slices, more = loop->units % slices, i = (size_t)index;
  size_t first = i * each + (i < more ? i : more);
  size_t units = each + (i < more ? 1 : 0);
  size_t end = i + 1 == slices ? loop->count : (first + units) * loop->grain;
  loop->body(loop->self, first * loop->grain, end, thread);
}

/* On every thread of the region. libgomp may give fewer threads than were asked for. */
static void gomp_body(void *argument) {
  const or_loop_t *loop = argument;
  int thread = gomp_thread_num(), threads = gomp_num_threads();
  for (int slice = thread; slice < loop->slices; slice += threads) or_loop_run_slice(loop, slice, thread);
}

void or_parallel_for(or_team_t *team, size_t count, size_t grain, or_parallel_body_t body, void *self) {
  if (count == 0) return;
  if (grain == 0) grain = 1;
  size_t units = count / grain, size = (size_t)or_team_size(team);
  if (units < 2 || size < 2) {
    body(self, 0, count, 0);
    return;
  }
  assert(pthread_equal(team->leader, pthread_self()) && "a team is led by the thread that created it");
  assert(!team->running && "a body must not lead a team");
  team->running = true;
  or_loop_t loop = {.body = body,
                    .self = self,
                    .count = count,
                    .grain = grain,
                    .units = units,
                    .slices = (int)(units < size ? units : size)};
  if (team->own != NULL) {
    or_pthread_team_run(team->own, &loop);
  } else {
    /* Always the whole team: libgomp ends threads that a smaller region leaves out and has to start them again for
     * the next. */
    gomp_parallel(gomp_body, &loop, (unsigned)size, 0);
  }
  team->running = false;
}
