#ifndef OR_OPS_LINE_TRANSFORM_INTERNAL_H
#define OR_OPS_LINE_TRANSFORM_INTERNAL_H
/* The reference's Fourier transform of one line, in double: divides by each small factor in turn (Cooley and Tukey) and
 * adds up directly; what is left, of larger factors, goes by a convolution (Bluestein). */

#include "base/alloc.h"
#include "ops/stop.h"

/* Immutable but for `scratch`: one thread at a time. */
typedef struct or_line_transform_t {
  const or_allocator_t *allocator;
  or_stop_t *stop; /* of the call that it is for, or NULL */
  size_t n, rest;  /* rest: the factor that goes by convolution, 0: none */
  size_t m;        /* the convolution's length, a power of two */
  double *roots;   /* exp(-+ 2 pi i k / n), k < n */
  double *chirp, *filter, *long_roots, *scratch;
} or_line_transform_t;

/* n >= 1; `inverse`: plus in the exponent. No scale. RESOURCE_EXHAUSTED: deinit is then still due. */
or_status_t or_line_transform_init(or_line_transform_t *transform, const or_allocator_t *allocator, size_t n,
                                   bool inverse, or_stop_t *stop);
void or_line_transform_deinit(or_line_transform_t *transform);
/* From in[0], in[step], … (complex; step in elements) to out[0 .. n), elsewhere. */
void or_line_transform_run(const or_line_transform_t *transform, const double *in, size_t step, double *out);

#endif
