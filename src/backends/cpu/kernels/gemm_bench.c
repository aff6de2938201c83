/* Our fp32 matrix products beside oneDNN's, in one run: interleaved rounds, medians, and our share of the measured
 * multiply-add peak.
 *
 *   gemm_bench [--threads N] [--rounds N] [M N K]...
 *
 * "raw" packs in every call; "packed" has B packed beforehand (oneDNN: matmul with weights in the layout that it
 * chose). */
#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "backends/cpu/kernels/kernels.h"

#if defined(__has_include)
#if __has_include(<dnnl.h>)
#include <dnnl.h>
#if DNNL_VERSION_MAJOR == 2
#define HAVE_DNNL_HEADER 1
#endif
#endif
#endif

enum { THREADS_MAX = 256, ROUNDS_MAX = 1000 };

/* With one thread its processor time: what others do on the machine then disturbs less. */
static clockid_t bench_clock = CLOCK_MONOTONIC;

static double seconds(void) {
  struct timespec now;
  clock_gettime(bench_clock, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void *allocate(size_t bytes) {
  void *memory = aligned_alloc(64, (bytes + 127) / 64 * 64);
  if (memory == NULL) {
    fprintf(stderr, "gemm_bench: no memory for %zu bytes\n", bytes);
    exit(1);
  }
  return memory;
}

/* ---- a team that spins: generation counter out, arrivals back ---- */

typedef struct team_t {
  unsigned threads;
  pthread_t handles[THREADS_MAX];
  _Atomic unsigned generation, arrived;
  _Atomic size_t next;
  void (*work)(void *context, unsigned thread);
  void *context;
  bool quit;
} team_t;

typedef struct member_t {
  team_t *team;
  unsigned thread;
} member_t;

static void *member_main(void *argument) {
  member_t *member = argument;
  team_t *team = member->team;
  for (unsigned seen = 0;;) {
    while (atomic_load_explicit(&team->generation, memory_order_acquire) == seen) {
    }
    ++seen;
    if (team->quit) return NULL;
    team->work(team->context, member->thread);
    atomic_fetch_add_explicit(&team->arrived, 1, memory_order_release);
  }
}

static void team_run(team_t *team, void (*work)(void *, unsigned), void *context) {
  team->work = work;
  team->context = context;
  atomic_store(&team->next, 0);
  atomic_store(&team->arrived, 0);
  atomic_fetch_add_explicit(&team->generation, 1, memory_order_release);
  if (work != NULL) work(context, 0);
  while (atomic_load_explicit(&team->arrived, memory_order_acquire) + 1 < team->threads) {
  }
}

/* ---- ours ---- */

typedef struct ours_t {
  team_t *team;
  or_gemm_plan_t plan;
  or_gemm_args_t args;
  char *scratch[THREADS_MAX];
} ours_t;

static void pack_work(void *context, unsigned thread) {
  ours_t *ours = context;
  (void)thread;
  for (size_t task; (task = atomic_fetch_add(&ours->team->next, 1)) < ours->plan.pack_tasks;) {
    or_gemm_pack(&ours->plan, &ours->args, task);
  }
}

static void tile_work(void *context, unsigned thread) {
  ours_t *ours = context;
  for (size_t tile; (tile = atomic_fetch_add(&ours->team->next, 1)) < ours->plan.tiles;) {
    or_gemm_tile(&ours->plan, &ours->args, tile, ours->scratch[thread]);
  }
}

static void ours_run(void *context) {
  ours_t *ours = context;
  if (ours->team->threads == 1 || ours->plan.tiles == 1) {
    or_gemm_run(&ours->plan, &ours->args, ours->scratch[0]);
    return;
  }
  if (ours->plan.pack_tasks > 0) team_run(ours->team, pack_work, ours);
  team_run(ours->team, tile_work, ours);
}

static void ours_init(ours_t *ours, const or_cpu_kernels_t *kernels, const or_gemm_shape_t *shape,
                      const or_cpu_caches_t *caches) {
  if (!or_gemm_plan_init(&ours->plan, kernels->gemm_f32, shape, caches, ours->team->threads)) exit(1);
  ours->args.workspace = allocate(ours->plan.workspace_bytes);
  for (unsigned i = 0; i < ours->team->threads; ++i) ours->scratch[i] = allocate(ours->plan.scratch_bytes);
}

static void ours_deinit(ours_t *ours) {
  free(ours->args.workspace);
  for (unsigned i = 0; i < ours->team->threads; ++i) free(ours->scratch[i]);
}

/* ---- oneDNN, opened at run time ---- */

#ifdef HAVE_DNNL_HEADER
#define DNNL_SYMBOLS(X)                 \
  X(dnnl_sgemm)                         \
  X(dnnl_engine_create)                 \
  X(dnnl_stream_create)                 \
  X(dnnl_memory_desc_init_by_tag)       \
  X(dnnl_matmul_desc_init)              \
  X(dnnl_primitive_desc_create)         \
  X(dnnl_primitive_desc_query_md)       \
  X(dnnl_primitive_create)              \
  X(dnnl_memory_create)                 \
  X(dnnl_reorder_primitive_desc_create) \
  X(dnnl_primitive_execute)             \
  X(dnnl_stream_wait)

typedef struct dnnl_t {
#define DECLARE(name) __typeof__(name) *name;
  DNNL_SYMBOLS(DECLARE)
#undef DECLARE
  dnnl_engine_t engine;
  dnnl_stream_t stream;
  bool ok;
} dnnl_t;

typedef struct dnnl_product_t {
  const dnnl_t *dnnl;
  size_t m, n, k;
  const float *a, *b;
  float *c;
  dnnl_primitive_t matmul;
  dnnl_exec_arg_t args[3];
} dnnl_product_t;

static void dnnl_open(dnnl_t *dnnl, unsigned threads) {
  void *library = dlopen("libdnnl.so.2", RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) return;
  dnnl->ok = true;
#define LOOK_UP(name)                                    \
  *(void **)(void *)&dnnl->name = dlsym(library, #name); \
  dnnl->ok = dnnl->ok && dnnl->name != NULL;
  DNNL_SYMBOLS(LOOK_UP)
#undef LOOK_UP
  void (*set_threads)(int) = NULL;
  *(void **)(void *)&set_threads = dlsym(library, "omp_set_num_threads"); /* from the OpenMP library that it needs */
  if (set_threads != NULL) set_threads((int)threads);
  dnnl->ok = dnnl->ok && dnnl->dnnl_engine_create(&dnnl->engine, dnnl_cpu, 0) == dnnl_success &&
             dnnl->dnnl_stream_create(&dnnl->stream, dnnl->engine, dnnl_stream_default_flags) == dnnl_success;
}

static void dnnl_raw(void *context) {
  dnnl_product_t *p = context;
  p->dnnl->dnnl_sgemm('N', 'N', (dnnl_dim_t)p->m, (dnnl_dim_t)p->n, (dnnl_dim_t)p->k, 1.0f, p->a, (dnnl_dim_t)p->k,
                      p->b, (dnnl_dim_t)p->n, 0.0f, p->c, (dnnl_dim_t)p->n);
}

static void dnnl_packed(void *context) {
  dnnl_product_t *p = context;
  p->dnnl->dnnl_primitive_execute(p->matmul, p->dnnl->stream, 3, p->args);
  p->dnnl->dnnl_stream_wait(p->dnnl->stream);
}

static bool dnnl_prepare(dnnl_product_t *p) {
  const dnnl_t *d = p->dnnl;
  dnnl_memory_desc_t a, b, any, c;
  const dnnl_dims_t a_dims = {(dnnl_dim_t)p->m, (dnnl_dim_t)p->k}, b_dims = {(dnnl_dim_t)p->k, (dnnl_dim_t)p->n},
                    c_dims = {(dnnl_dim_t)p->m, (dnnl_dim_t)p->n};
  d->dnnl_memory_desc_init_by_tag(&a, 2, a_dims, dnnl_f32, dnnl_ab);
  d->dnnl_memory_desc_init_by_tag(&b, 2, b_dims, dnnl_f32, dnnl_ab);
  d->dnnl_memory_desc_init_by_tag(&any, 2, b_dims, dnnl_f32, dnnl_format_tag_any);
  d->dnnl_memory_desc_init_by_tag(&c, 2, c_dims, dnnl_f32, dnnl_ab);
  dnnl_matmul_desc_t desc;
  dnnl_primitive_desc_t matmul_pd, reorder_pd;
  dnnl_primitive_t reorder;
  if (d->dnnl_matmul_desc_init(&desc, &a, &any, NULL, &c) != dnnl_success) return false;
  if (d->dnnl_primitive_desc_create(&matmul_pd, &desc, NULL, d->engine, NULL) != dnnl_success) return false;
  const dnnl_memory_desc_t *chosen = d->dnnl_primitive_desc_query_md(matmul_pd, dnnl_query_weights_md, 0);
  dnnl_memory_t from, memory[3];
  d->dnnl_memory_create(&from, &b, d->engine, (void *)(uintptr_t)p->b);
  d->dnnl_memory_create(&memory[0], &a, d->engine, (void *)(uintptr_t)p->a);
  d->dnnl_memory_create(&memory[1], chosen, d->engine, DNNL_MEMORY_ALLOCATE);
  d->dnnl_memory_create(&memory[2], &c, d->engine, p->c);
  d->dnnl_reorder_primitive_desc_create(&reorder_pd, &b, d->engine, chosen, d->engine, NULL);
  d->dnnl_primitive_create(&reorder, reorder_pd);
  dnnl_exec_arg_t moves[2] = {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, memory[1]}};
  d->dnnl_primitive_execute(reorder, d->stream, 2, moves);
  d->dnnl_stream_wait(d->stream);
  if (d->dnnl_primitive_create(&p->matmul, matmul_pd) != dnnl_success) return false;
  p->args[0] = (dnnl_exec_arg_t){DNNL_ARG_SRC, memory[0]};
  p->args[1] = (dnnl_exec_arg_t){DNNL_ARG_WEIGHTS, memory[1]};
  p->args[2] = (dnnl_exec_arg_t){DNNL_ARG_DST, memory[2]};
  return true;
}
#endif

/* ---- measuring ---- */

typedef struct entry_t {
  const char *name;
  void (*run)(void *context);
  void *context;
  double rates[ROUNDS_MAX]; /* GFLOP/s of each round */
} entry_t;

static int compare(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static double median(const double *values, size_t count) {
  double sorted[ROUNDS_MAX];
  memcpy(sorted, values, count * sizeof(double));
  qsort(sorted, count, sizeof(double), compare);
  return count % 2 ? sorted[count / 2] : 0.5 * (sorted[count / 2 - 1] + sorted[count / 2]);
}

typedef struct peak_t {
  const or_cpu_kernels_t *kernels;
  uint64_t iterations;
} peak_t;

static void peak_work(void *context, unsigned thread) {
  peak_t *peak = context;
  (void)thread;
  peak->kernels->measure.peak_f32(peak->iterations);
}

static double measure_peak(const or_cpu_kernels_t *kernels, team_t *team) {
  peak_t peak = {kernels, 200000};
  double flops = (double)team->threads * (double)kernels->measure.peak_f32(peak.iterations);
  double start = seconds();
  team_run(team, peak_work, &peak);
  return flops / (seconds() - start) * 1e-9;
}

static void measure(const or_cpu_kernels_t *kernels, team_t *team, entry_t *entries, size_t count, const size_t mnk[3],
                    size_t rounds) {
  double flops = 2.0 * (double)mnk[0] * (double)mnk[1] * (double)mnk[2];
  size_t repeats = 1 + (size_t)(4e8 / flops);
  static double peaks[ROUNDS_MAX], ratio[ROUNDS_MAX];
  for (size_t e = 0; e < count; ++e) entries[e].run(entries[e].context);
  for (size_t round = 0; round < rounds; ++round) {
    peaks[round] = measure_peak(kernels, team);
    for (size_t e = 0; e < count; ++e) {
      double start = seconds();
      for (size_t i = 0; i < repeats; ++i) entries[e].run(entries[e].context);
      entries[e].rates[round] = flops * (double)repeats / (seconds() - start) * 1e-9;
    }
  }
  printf("%5zu %5zu %5zu |", mnk[0], mnk[1], mnk[2]);
  for (size_t e = 0; e < count; ++e) printf(" %s %7.1f", entries[e].name, median(entries[e].rates, rounds));
  for (size_t e = 0; e < 2; ++e) {
    for (size_t i = 0; i < rounds; ++i) ratio[i] = entries[e].rates[i] / peaks[i];
    printf(" | %s %3.0f%% of peak", entries[e].name, 100.0 * median(ratio, rounds));
    for (size_t peer = 2; peer < count; ++peer) {
      for (size_t i = 0; i < rounds; ++i) ratio[i] = entries[e].rates[i] / entries[peer].rates[i];
      printf(" %.2fx %s", median(ratio, rounds), entries[peer].name);
    }
  }
  printf("\n");
  fflush(stdout);
}

static void compare_product(const or_cpu_kernels_t *kernels, team_t *team, const void *peer, const size_t mnk[3],
                            size_t rounds) {
  static entry_t entries[4];
  const or_cpu_caches_t caches = {0, 0, 0};
  size_t m = mnk[0], n = mnk[1], k = mnk[2], count = 2;
  float *a = allocate(m * k * sizeof(float)), *b = allocate(k * n * sizeof(float)),
        *c = allocate(m * n * sizeof(float));
  for (size_t i = 0; i < m * k; ++i) a[i] = (float)(i % 17) * 0.125f - 1.0f;
  for (size_t i = 0; i < k * n; ++i) b[i] = (float)(i % 13) * 0.125f - 0.75f;
  or_gemm_shape_t shape = {.m = m, .n = n, .k = k};
  static ours_t raw, packed;
  raw = (ours_t){.team = team, .args = {.a = a, .lda = k, .b = b, .ldb = n, .c = c, .ldc = n, .alpha = 1.0}};
  ours_init(&raw, kernels, &shape, &caches);
  const or_gemm_const_t weights = {kernels->gemm_f32, k, n, false, caches, b, n};
  void *packed_b = allocate(or_gemm_packed_b_bytes(&weights));
  or_gemm_pack_b_const(&weights, 0, n, packed_b);
  shape.packed_b = true;
  packed = (ours_t){.team = team, .args = {.a = a, .lda = k, .b = packed_b, .c = c, .ldc = n, .alpha = 1.0}};
  ours_init(&packed, kernels, &shape, &caches);
  entries[0] = (entry_t){.name = "raw", .run = ours_run, .context = &raw};
  entries[1] = (entry_t){.name = "packed", .run = ours_run, .context = &packed};
#ifdef HAVE_DNNL_HEADER
  static dnnl_product_t product;
  const dnnl_t *dnnl = peer;
  product = (dnnl_product_t){.dnnl = dnnl, .m = m, .n = n, .k = k, .a = a, .b = b, .c = c};
  if (dnnl->ok) {
    entries[count++] = (entry_t){.name = "sgemm", .run = dnnl_raw, .context = &product};
    if (dnnl_prepare(&product)) entries[count++] = (entry_t){.name = "matmul", .run = dnnl_packed, .context = &product};
  }
#else
  (void)peer;
#endif
  measure(kernels, team, entries, count, mnk, rounds);
  ours_deinit(&raw);
  ours_deinit(&packed);
  free(a);
  free(b);
  free(c);
  free(packed_b);
}

static const size_t usual[][3] = {
    {1024, 1024, 1024}, {2048, 2048, 2048}, {4096, 4096, 4096}, {16, 16, 16},    {32, 32, 32},      {64, 64, 64},
    {128, 128, 128},    {256, 256, 256},    {512, 512, 512},    {257, 255, 259}, {1000, 999, 1001}, {1, 4096, 4096},
    {4, 4096, 4096},    {16, 4096, 1024},   {4096, 16, 1024},   {4096, 1, 4096}, {128, 768, 768},   {128, 3072, 768},
    {128, 768, 3072},   {64, 3136, 576},    {512, 49, 4608},
};

int main(int count, char **values) {
  static team_t team;
  static member_t members[THREADS_MAX];
  size_t rounds = 15, first = 1;
  team.threads = 1;
  for (; first + 1 < (size_t)count && strncmp(values[first], "--", 2) == 0; first += 2) {
    size_t value = (size_t)strtoul(values[first + 1], NULL, 10);
    if (strcmp(values[first], "--threads") == 0 && value >= 1 && value <= THREADS_MAX) team.threads = (unsigned)value;
    if (strcmp(values[first], "--rounds") == 0 && value >= 1 && value <= ROUNDS_MAX) rounds = value;
  }
  if (team.threads == 1) bench_clock = CLOCK_THREAD_CPUTIME_ID;
  const or_cpu_kernels_t *kernels = or_cpu_kernels_select(or_cpu_features_detect());
  for (unsigned i = 1; i < team.threads; ++i) {
    members[i] = (member_t){&team, i};
    pthread_create(&team.handles[i], NULL, member_main, &members[i]);
  }
#ifdef HAVE_DNNL_HEADER
  static dnnl_t dnnl;
  dnnl_open(&dnnl, team.threads);
  const void *peer = &dnnl;
  printf("level %s, %u threads, %zu rounds, oneDNN %s\n", kernels->name, team.threads, rounds,
         dnnl.ok ? "found" : "missing");
#else
  const void *peer = NULL;
  printf("level %s, %u threads, %zu rounds, built without oneDNN's header\n", kernels->name, team.threads, rounds);
#endif
  if (first + 2 < (size_t)count) {
    for (; first + 2 < (size_t)count; first += 3) {
      size_t mnk[3];
      for (size_t i = 0; i < 3; ++i) mnk[i] = (size_t)strtoul(values[first + i], NULL, 10);
      compare_product(kernels, &team, peer, mnk, rounds);
    }
  } else {
    for (size_t i = 0; i < sizeof usual / sizeof usual[0]; ++i) compare_product(kernels, &team, peer, usual[i], rounds);
  }
  if (team.threads > 1) {
    team.quit = true;
    atomic_fetch_add(&team.generation, 1);
    for (unsigned i = 1; i < team.threads; ++i) pthread_join(team.handles[i], NULL);
  }
  return 0;
}
