#ifndef OR_BENCH_WORKER_H
#define OR_BENCH_WORKER_H
/* What the measuring programs share: the lines that they take from run.py, the clock, and the same input for all.
 *
 *   op NAME DTYPE SIZE | model PATH | network PATH BATCH SEQUENCE PAST | state PATH BATCH SEQUENCE PAST | limits
 *                                              prepares; answers "ok NUMBER..." (of all but the last: the sum of the
 *                                              first result's magnitudes, so that run.py can compare the answers)
 *   run COUNT                                  one run untimed, then COUNT timed; answers "ok SECONDS" a run
 * What can't be done is answered with "error WORDS". The program ends with its input. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BENCH_LINE_BYTES = 4096, BENCH_TEXT_BYTES = 1024 };

typedef struct bench_worker_t {
  void *self;
  /* Takes a line that is not "run"; writes what follows "ok " or "error ". False: error. */
  int (*prepare)(void *self, const char *line, char *answer);
  /* One run of what was prepared last. False: `answer` says why. */
  int (*run)(void *self, char *answer);
  /* Before the runs of a round: back to what was prepared. May be NULL. */
  int (*rewind)(void *self, char *answer);
} bench_worker_t;

static inline double bench_seconds(void) {
  struct timespec now;
  (void)clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* Element i of operand `seed`: exact in every format, the same in run.py's onnx_model.py and in peer.py. */
static inline double bench_value(size_t i, size_t seed) { return ((double)((i * 7 + seed * 3) % 31) - 15.0) / 16.0; }

/* The token at a position of a text, and how many there may be. */
static inline long long bench_token(long long position) { return (position * 7 + 3) % 30000; }

static inline int bench_timed(const bench_worker_t *worker, long count, char *answer) {
  if (worker->rewind != NULL && !worker->rewind(worker->self, answer)) return 0;
  if (!worker->run(worker->self, answer)) return 0;
  double start = bench_seconds();
  for (long i = 0; i < count; ++i) {
    if (!worker->run(worker->self, answer)) return 0;
  }
  (void)snprintf(answer, BENCH_TEXT_BYTES, "%.9e", (bench_seconds() - start) / (double)count);
  return 1;
}

static inline int bench_serve(const bench_worker_t *worker) {
  static char line[BENCH_LINE_BYTES];
  while (fgets(line, sizeof line, stdin) != NULL) {
    char answer[BENCH_TEXT_BYTES] = "";
    line[strcspn(line, "\n")] = '\0';
    long count = strncmp(line, "run ", 4) == 0 ? strtol(line + 4, NULL, 10) : 0;
    int good = count > 0 ? bench_timed(worker, count, answer) : worker->prepare(worker->self, line, answer);
    (void)printf("%s %s\n", good ? "ok" : "error", answer);
    (void)fflush(stdout);
  }
  return 0;
}

#endif
