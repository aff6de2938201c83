/* The peer FFTW: a complex transform out of place, planned by measuring. Only ever measured; nothing of ours links it.
 * Arguments: the number of threads; "measure" or "patient". */
#include <fftw3.h>
#include <math.h>

#include "worker.h"

#define PATIENT_MAX (1LL << 12) /* elements: longer plans take minutes */

typedef struct transform_t {
  unsigned flags;
  fftwf_plan plan;
  fftwf_complex *x, *y;
  long long size;
} transform_t;

static int prepare(void *self, const char *line, char *answer);
static int run(void *self, char *answer);

int main(int argc, char **argv) {
  transform_t transform = {.flags = argc > 2 && strcmp(argv[2], "patient") == 0 ? FFTW_PATIENT : FFTW_MEASURE};
  int threads = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 1;
  if (!fftwf_init_threads()) {
    (void)printf("error FFTW has no threads\n");
    return 1;
  }
  fftwf_plan_with_nthreads(threads);
  bench_worker_t worker = {&transform, prepare, run};
  (void)printf("ok %s %s\n", fftwf_version, transform.flags == FFTW_PATIENT ? "patient" : "measure");
  (void)fflush(stdout);
  return bench_serve(&worker);
}

static int prepare(void *self, const char *line, char *answer) {
  transform_t *t = self;
  if (t->plan != NULL) fftwf_destroy_plan(t->plan);
  fftwf_free(t->x);
  fftwf_free(t->y);
  *t = (transform_t){.flags = t->flags};
  if (sscanf(line, "op fft fp32 %lld", &t->size) != 1 || t->size <= 0 || t->size > 1 << 28 ||
      (t->flags == FFTW_PATIENT && t->size > PATIENT_MAX)) {
    (void)snprintf(answer, BENCH_TEXT_BYTES, "only op fft fp32 SIZE, patient up to %lld", PATIENT_MAX);
    return 0;
  }
  t->x = fftwf_alloc_complex((size_t)t->size);
  t->y = fftwf_alloc_complex((size_t)t->size);
  if (t->x != NULL && t->y != NULL)
    t->plan = fftwf_plan_dft_1d((int)t->size, t->x, t->y, FFTW_FORWARD, t->flags | FFTW_PRESERVE_INPUT);
  if (t->plan == NULL) {
    (void)snprintf(answer, BENCH_TEXT_BYTES, "no plan");
    return 0;
  }
  for (size_t i = 0; i < (size_t)t->size * 2; ++i) ((float *)t->x)[i] = (float)bench_value(i, 0);
  double sum = 0;
  fftwf_execute(t->plan);
  for (size_t i = 0; i < (size_t)t->size * 2; ++i) sum += fabs((double)((float *)t->y)[i]);
  (void)snprintf(answer, BENCH_TEXT_BYTES, "%.9e", sum);
  return 1;
}

static int run(void *self, char *answer) {
  (void)answer;
  fftwf_execute(((transform_t *)self)->plan);
  return 1;
}
