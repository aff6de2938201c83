/* Discrete Fourier transforms of complex numbers, of any length: y[k] = scale * sum of x[j] exp(-+ 2 pi i j k / n).
 *
 * A plan holds everything that can be known beforehand; building it takes memory from the caller, running it takes
 * none. Lengths whose prime factors are at most 13 run as mixed-radix passes on columns: W (a vector's lanes) or more
 * transforms that lie side by side go through Stockham's passes together in scratch that stays in the caches, as
 * vectors of real and of imaginary parts. One long line is seen as a matrix of n1 rows and n2 columns (Cooley and Tukey
 * 1965; Bailey 1990): its columns are transformed, turned and multiplied by roots of unity, and transformed again. With
 * n2 = W the last two are one pass. Other lengths become a convolution of a longer power of two (Bluestein 1970).
 *
 * Work is shared in units: a line's stages follow one another, the units of one stage are independent. */
#ifndef OR_BACKENDS_CPU_KERNELS_FFT_H
#define OR_BACKENDS_CPU_KERNELS_FFT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OR_FFT_MAX_PASSES 40 /* 2^40 elements are more than memory has */
#define OR_FFT_MAX_STAGES 8

/* The functions of one element type at one level; opaque but for the kernels' folder. */
typedef struct or_fft_ops_t or_fft_ops_t;

/* Where a plan's tables come from, aligned to 64 bytes; `keep`: they live as long as the plan, else until it is built.
 * NULL: no memory; the build then gives up. */
typedef struct or_fft_memory_t {
  void *(*alloc)(void *self, size_t bytes, bool keep);
  void *self;
} or_fft_memory_t;

/* One pass over columns. Offsets in scalars, from the first of input and output. */
typedef struct or_fft_pass_t {
  uint8_t radix, form; /* or_fft_form_t */
  bool edge;           /* columns are counted as the caller says; else b_count */
  size_t p_count, h_count, b_count;
  ptrdiff_t in_p, in_k, in_h;
  ptrdiff_t out_p, out_k0, out_k, out_h; /* output k > 0 lies at out_k0 + k out_k */
  const void *roots;                     /* [p_count][radix - 1] pairs; NULL: all 1 */
} or_fft_pass_t;

/* Transforms of `length` down columns that lie side by side. */
typedef struct or_fft_columns_t {
  const or_fft_ops_t *ops;
  size_t length, block; /* block: columns at a time, a multiple of the vector */
  size_t pass_count;
  size_t buffer_bytes; /* scratch is two of these; a result that stays there lies in number (pass_count - 1) % 2 */
  double scale;
  or_fft_pass_t passes[OR_FFT_MAX_PASSES];
} or_fft_columns_t;

typedef struct or_fft_plan_t or_fft_plan_t;
struct or_fft_plan_t {
  const or_fft_ops_t *ops;
  size_t n, n1, n2;
  size_t stage_count;
  size_t units[OR_FFT_MAX_STAGES]; /* of each stage of a line */
  size_t shared_bytes;             /* scratch of the line, for all its units */
  size_t scratch_bytes;            /* scratch of a thread */
  /* The rest is for or_fft_run. */
  or_fft_columns_t first, second;
  const void *finish_roots;           /* n2 = W: of the last pass */
  const void *turn_step, *turn_start; /* n2 > W: of the turn */
  const or_fft_plan_t *inner;         /* Bluestein's: the plan of the longer length */
  const void *chirp, *filter, *last;
  double scale;
};

/* Columns of `length`, `columns` of them in all, rows `in_ld` and `out_ld` complex elements apart; in place if these
 * and the addresses are equal. budget_bytes: what two buffers may take of the caches. False: no memory, or the length
 * has a prime factor above 13 (ask or_fft_is_smooth first). */
typedef struct or_fft_columns_options_t {
  size_t length, columns, in_ld, out_ld;
  bool in_split, out_split; /* real and imaginary vectors by turns instead of pairs: for the plans' own matrices */
  bool inverse;
  double scale;
  size_t budget_bytes;
} or_fft_columns_options_t;
bool or_fft_columns_init(or_fft_columns_t *columns, const or_fft_ops_t *ops, const or_fft_columns_options_t *options,
                         or_fft_memory_t memory);
/* Columns [0, count), count <= block, from in to out. */
void or_fft_columns_run(const or_fft_columns_t *columns, const void *in, void *out, size_t count, void *scratch);

bool or_fft_is_smooth(size_t n);

/* A line of n >= 1 elements. inverse: the exponent's sign is plus. False: no memory. */
bool or_fft_plan_init(or_fft_plan_t *plan, const or_fft_ops_t *ops, size_t n, bool inverse, double scale,
                      or_fft_memory_t memory);
/* Where a line lies. `in` and `out` may be one place. */
typedef struct or_fft_places_t {
  const void *in;
  void *out;
  void *shared;  /* plan->shared_bytes, for all units */
  void *scratch; /* plan->scratch_bytes, the thread's own */
} or_fft_places_t;
/* Units [begin, end) of a stage. Stages of a line run in order, each after all units of the one before; units of a
 * stage on any threads. */
void or_fft_run(const or_fft_plan_t *plan, size_t stage, size_t begin, size_t end, const or_fft_places_t *places);
/* The whole line on this thread. */
void or_fft_run_line(const or_fft_plan_t *plan, const or_fft_places_t *places);

/* Real transforms of an even length n by a complex one of h = n / 2. The table for both ways; NULL: no memory. */
const void *or_fft_real_roots(const or_fft_ops_t *ops, size_t n, or_fft_memory_t memory);
/* The transform y[0 .. h] of n real numbers from z, that of h pairs of them. In place: y = z, h + 1 long. */
void or_fft_untangle(const or_fft_ops_t *ops, size_t n, const void *roots, const void *z, void *y);
/* The way back from x[0 .. h]: z, whose inverse transform of length h is that of x of length n. Imaginary parts of x[0]
 * and x[h] are not looked at. In place, too. */
void or_fft_tangle(const or_fft_ops_t *ops, size_t n, const void *roots, const void *x, void *z);

/* All n coefficients of a real line from the first n / 2 + 1; imaginary parts as above. Not in place. */
void or_fft_complete(const or_fft_ops_t *ops, size_t n, const void *x, void *y);

/* Bytes of a scalar of these functions. */
size_t or_fft_scalar_bytes(const or_fft_ops_t *ops);

#endif
