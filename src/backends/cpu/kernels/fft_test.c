#include "backends/cpu/kernels/kernels_test_internal.h"

#define TWO_PI 6.283185307179586476925286766559L

/* Tables from malloc; the `fail_at`-th request and all after it are refused (0: none). */
typedef struct tables_t {
  void *blocks[256];
  size_t count, fail_at;
} tables_t;

static void *take(void *self, size_t bytes, bool keep) {
  tables_t *tables = self;
  (void)keep;
  assert_true(tables->count < sizeof tables->blocks / sizeof *tables->blocks);
  if (tables->fail_at > 0 && tables->count + 1 >= tables->fail_at) return NULL;
  return tables->blocks[tables->count++] = test_aligned(bytes);
}

static void give_back(tables_t *tables) {
  for (size_t i = 0; i < tables->count; ++i) free(tables->blocks[i]);
  tables->count = 0;
}

/* A line in a level's float or double functions, its buffers against protected pages. */
typedef struct line_t {
  const or_fft_ops_t *ops;
  size_t n, scalar;
  or_fft_plan_t plan;
  tables_t tables;
  void *x, *y, *shared, *scratch;
} line_t;

static void line_init(line_t *line, const or_fft_ops_t *ops, size_t n, bool inverse, double scale) {
  *line = (line_t){.ops = ops, .n = n, .scalar = or_fft_scalar_bytes(ops)};
  assert_true(or_fft_plan_init(&line->plan, ops, n, inverse, scale, (or_fft_memory_t){take, &line->tables}));
  line->x = test_buffer(0, 2 * n * line->scalar);
  line->y = test_buffer(1, 2 * n * line->scalar);
  line->shared = test_buffer(2, line->plan.shared_bytes);
  line->scratch = test_buffer(3, line->plan.scratch_bytes);
}

static void line_deinit(line_t *line) {
  assert_true(test_untouched(line->y) && test_untouched(line->shared) && test_untouched(line->scratch));
  give_back(&line->tables);
}

static void set(const line_t *line, void *array, size_t i, double value) {
  if (line->scalar == sizeof(double)) {
    ((double *)array)[i] = value;
  } else {
    ((float *)array)[i] = (float)value;
  }
}

static double at(const line_t *line, const void *array, size_t i) {
  return line->scalar == sizeof(double) ? ((const double *)array)[i] : (double)((const float *)array)[i];
}

static void randomize(const line_t *line, uint32_t seed) {
  uint32_t state = seed;
  for (size_t i = 0; i < 2 * line->n; ++i) set(line, line->x, i, (double)test_uniform(&state));
}

static void run_line(const line_t *line, void *in, void *out) {
  or_fft_run_line(&line->plan, &(or_fft_places_t){in, out, line->shared, line->scratch});
}

enum { MAX_LENGTH = 1 << 16 };
/* cos and sin of 2 pi k / n; made again where n changes. */
static const long double (*roots_of(size_t n))[2] {
  static long double roots[MAX_LENGTH][2];
  static size_t known;
  assert_true(n <= MAX_LENGTH);
  for (size_t k = 0; known != n && k < n; ++k) {
    roots[k][0] = cosl(TWO_PI * (long double)k / (long double)n);
    roots[k][1] = sinl(TWO_PI * (long double)k / (long double)n);
  }
  known = n;
  return (const long double(*)[2])roots;
}

/* Coefficient k by its definition. */
static void definition(const line_t *line, size_t k, bool inverse, double *re, double *im) {
  const long double(*roots)[2] = roots_of(line->n);
  long double sum_re = 0, sum_im = 0;
  for (size_t j = 0; j < line->n; ++j) {
    const long double *root = roots[j * k % line->n], c = root[0], s = inverse ? root[1] : -root[1];
    long double x = (long double)at(line, line->x, 2 * j), y = (long double)at(line, line->x, 2 * j + 1);
    sum_re += x * c - y * s;
    sum_im += x * s + y * c;
  }
  *re = (double)sum_re;
  *im = (double)sum_im;
}

static double bound(const line_t *line) { /* of an error, for numbers in [-1, 1) */
  return (line->scalar == sizeof(double) ? 2e-15 : 1e-6) * (2 + sqrt((double)line->n));
}

static void check_definition(const char *level, const or_fft_ops_t *ops, size_t n, bool inverse) {
  line_t line;
  line_init(&line, ops, n, inverse, 0.5);
  randomize(&line, (uint32_t)n);
  run_line(&line, line.x, line.y);
  for (size_t k = 0; k<n; k += n> 200 ? n / 37 : 1) {
    double re, im;
    definition(&line, k, inverse, &re, &im);
    double gap = fmax(fabs(at(&line, line.y, 2 * k) - re / 2), fabs(at(&line, line.y, 2 * k + 1) - im / 2));
    if (!(gap <= bound(&line)))
      fail_msg("%s, %zu bytes, n %zu%s, k %zu: off by %g", level, line.scalar, n, inverse ? " back" : "", k, gap);
  }
  line_deinit(&line);
}

static const size_t lengths[] = {66,   72,   81,   96,    97,    100,   121,   125,   127,  128,  169,
                                 210,  243,  256,  257,   343,   360,   480,   512,   625,  720,  768,
                                 1000, 1001, 1009, 1024,  1155,  2048,  2187,  2310,  3125, 4096, 4097,
                                 5000, 8192, 9973, 16384, 16807, 20480, 32768, 40000, 65536};
#define LENGTH_COUNT (sizeof lengths / sizeof *lengths)

static void every_length_by_its_definition_in_both_directions(void **state) {
  (void)state;
  FOR_EACH_LEVEL(kernels) {
    for (int wide = 0; wide < 2; ++wide) {
      const or_fft_ops_t *ops = wide ? kernels->fft_f64 : kernels->fft_f32;
      for (size_t n = 1; n <= 64; ++n) {
        check_definition(kernels->name, ops, n, false);
        check_definition(kernels->name, ops, n, true);
      }
      for (size_t i = 0; i < LENGTH_COUNT; ++i) check_definition(kernels->name, ops, lengths[i], i % 2 == 1);
    }
  }
}

/* Energy is kept, a shift turns phases, sums of inputs give sums of results, and there and back is where it began. */
static void check_properties(const or_fft_ops_t *ops, size_t n) {
  line_t line;
  line_init(&line, ops, n, false, 1);
  randomize(&line, 5);
  run_line(&line, line.x, line.y);
  double *first = test_aligned(2 * n * sizeof(double));
  long double before = 0, after = 0; /* energies */
  for (size_t i = 0; i < 2 * n; ++i) {
    first[i] = at(&line, line.y, i);
    long double x = (long double)at(&line, line.x, i), y = (long double)first[i];
    before += x * x;
    after += y * y;
  }
  const double unit = line.scalar == sizeof(double) ? 1e-14 : 4e-6;
  assert_true(fabs((double)(after / (before * (long double)n) - 1)) < unit);
  void *shifted = test_aligned(2 * n * line.scalar);
  for (size_t j = 0; j < n; ++j)
    memcpy((char *)shifted + 2 * j * line.scalar, (char *)line.x + 2 * ((j + 1) % n) * line.scalar, 2 * line.scalar);
  run_line(&line, shifted, line.y);
  for (size_t k = 0; k < n; ++k) {
    double angle = (double)(TWO_PI * (long double)k / (long double)n), re = first[2 * k], im = first[2 * k + 1];
    assert_true(fabs(at(&line, line.y, 2 * k) - (re * cos(angle) - im * sin(angle))) < 3 * bound(&line));
    assert_true(fabs(at(&line, line.y, 2 * k + 1) - (re * sin(angle) + im * cos(angle))) < 3 * bound(&line));
  }
  for (size_t i = 0; i < 2 * n; ++i)
    set(&line, shifted, i, at(&line, line.x, i) + (double)(i % 3)); /* plus an impulse comb */
  run_line(&line, shifted, shifted);                                /* in place */
  void *comb = test_aligned(2 * n * line.scalar);
  for (size_t i = 0; i < 2 * n; ++i) set(&line, comb, i, (double)(i % 3));
  run_line(&line, comb, comb);
  for (size_t i = 0; i < 2 * n; ++i)
    assert_true(fabs(at(&line, shifted, i) - at(&line, comb, i) - first[i]) < 10 * bound(&line) + unit * (double)n);
  free(comb);
  free(shifted);
  free(first);
  line_deinit(&line);
}

static void keeps_energy_shifts_and_sums(void **state) {
  (void)state;
  static const size_t some[] = {2, 15, 64, 97, 256, 1000, 4096, 10007, 65536};
  FOR_EACH_LEVEL(kernels) {
    for (size_t i = 0; i < sizeof some / sizeof *some; ++i) {
      check_properties(kernels->fft_f32, some[i]);
      check_properties(kernels->fft_f64, some[i]);
    }
  }
}

/* Columns of a matrix with room between its rows: each is its own line; what lies between is left alone. */
static void check_columns(const or_fft_ops_t *ops, size_t n, size_t columns) {
  const size_t scalar = or_fft_scalar_bytes(ops), ld = columns + 3, count = 2 * (n * ld - 3);
  tables_t tables = {.count = 0};
  or_fft_columns_t plan;
  const or_fft_columns_options_t options = {
      .length = n, .columns = columns, .in_ld = ld, .out_ld = ld, .scale = 1, .budget_bytes = 65536};
  assert_true(or_fft_columns_init(&plan, ops, &options, (or_fft_memory_t){take, &tables}));
  line_t line = {.ops = ops, .n = n, .scalar = scalar};
  char *x = test_buffer(4, count * scalar), *y = test_buffer(5, count * scalar);
  void *scratch = test_buffer(6, 2 * plan.buffer_bytes);
  uint32_t seed = 9;
  for (size_t i = 0; i < count; ++i) set(&line, x, i, (double)test_uniform(&seed));
  memcpy(y, x, count * scalar);
  for (size_t c = 0; c < columns; c += plan.block) {
    char *block = y + 2 * c * scalar;
    or_fft_columns_run(&plan, block, block, columns - c < plan.block ? columns - c : plan.block, scratch);
  }
  line.x = test_buffer(0, 2 * n * scalar);
  for (size_t c = 0; c < ld; ++c) {
    for (size_t r = 0; c < columns && r < n; ++r)
      memcpy((char *)line.x + 2 * r * scalar, x + 2 * (r * ld + c) * scalar, 2 * scalar);
    for (size_t r = 0; r < n - (c < columns ? 0 : 1); ++r) {
      const char *got = y + 2 * (r * ld + c) * scalar;
      double re, im;
      if (c >= columns) {
        assert_memory_equal(got, x + 2 * (r * ld + c) * scalar, 2 * scalar);
        continue;
      }
      definition(&line, r, false, &re, &im);
      assert_true(fabs(at(&line, got, 0) - re) <= bound(&line) && fabs(at(&line, got, 1) - im) <= bound(&line));
    }
  }
  assert_true(test_untouched(y) && test_untouched(scratch));
  give_back(&tables);
}

static void columns_of_any_number_beside_each_other(void **state) {
  (void)state;
  static const size_t rows[] = {1, 2, 6, 13, 16, 28, 75};
  FOR_EACH_LEVEL(kernels) {
    for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i) {
      for (size_t columns = 1; columns < 70; columns += columns < 20 ? 1 : 7) {
        check_columns(kernels->fft_f32, rows[i], columns);
        check_columns(kernels->fft_f64, rows[i], columns);
      }
    }
  }
}

/* The half of a real line's coefficients from half as many pairs, and back. */
static void real_lines_by_half_the_length(void **state) {
  (void)state;
  for (size_t n = 2; n < 300; n += n < 40 ? 2 : 34) {
    tables_t tables = {.count = 0};
    line_t line;
    const or_fft_ops_t *ops = or_cpu_kernels_level(0)->fft_f64;
    line_init(&line, ops, n, false, 1);
    randomize(&line, (uint32_t)n);
    for (size_t j = 0; j < n; ++j) set(&line, line.x, 2 * j + 1, 0);
    run_line(&line, line.x, line.y); /* all coefficients of the same numbers as complex ones */
    const void *roots = or_fft_real_roots(ops, n, (or_fft_memory_t){take, &tables});
    or_fft_plan_t half, back;
    assert_true(or_fft_plan_init(&half, ops, n / 2, false, 1, (or_fft_memory_t){take, &tables}));
    assert_true(or_fft_plan_init(&back, ops, n / 2, true, 1.0 / (double)n, (or_fft_memory_t){take, &tables}));
    double *packed = test_aligned((n + 2) * sizeof(double)), *z = test_aligned((n + 2) * sizeof(double));
    void *shared = test_aligned(half.shared_bytes + 1), *scratch = test_aligned(half.scratch_bytes + 1);
    for (size_t j = 0; j < n; ++j) packed[j] = at(&line, line.x, 2 * j);
    or_fft_run_line(&half, &(or_fft_places_t){packed, z, shared, scratch});
    or_fft_untangle(ops, n, roots, z, z);
    for (size_t i = 0; i < n + 2; ++i) assert_true(fabs(z[i] - at(&line, line.y, i)) < bound(&line));
    double *all = test_aligned(2 * n * sizeof(double));
    or_fft_complete(ops, n, z, all);
    for (size_t i = 0; i < 2 * n; ++i) assert_true(fabs(all[i] - at(&line, line.y, i)) < bound(&line));
    or_fft_tangle(ops, n, roots, z, z);
    or_fft_run_line(&back, &(or_fft_places_t){z, z, shared, scratch});
    for (size_t j = 0; j < n; ++j) assert_true(fabs(z[j] - packed[j]) < 1e-14);
    free(all);
    free(scratch);
    free(shared);
    free(z);
    free(packed);
    give_back(&tables);
    line_deinit(&line);
  }
}

static void a_plan_without_memory_says_so(void **state) {
  (void)state;
  static const size_t some[] = {13, 60, 256, 1009, 65536};
  for (size_t i = 0; i < sizeof some / sizeof *some; ++i) {
    for (size_t fail_at = 1;; ++fail_at) {
      or_fft_plan_t plan;
      tables_t tables = {.fail_at = fail_at};
      bool made = or_fft_plan_init(&plan, or_cpu_kernels_level(0)->fft_f32, some[i], false, 1,
                                   (or_fft_memory_t){take, &tables});
      bool refused = tables.count + 1 == fail_at;
      give_back(&tables);
      if (made && !refused) break;
      assert_true(fail_at < 50);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_length_by_its_definition_in_both_directions),
      cmocka_unit_test(keeps_energy_shifts_and_sums),
      cmocka_unit_test(columns_of_any_number_beside_each_other),
      cmocka_unit_test(real_lines_by_half_the_length),
      cmocka_unit_test(a_plan_without_memory_says_so),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
