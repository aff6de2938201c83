#ifndef OR_BACKENDS_OPENCL_FFT_INTERNAL_H
#define OR_BACKENDS_OPENCL_FFT_INTERNAL_H
/* Transforms of complex numbers along one axis, as launches of kernels/fft.cl and fft_edges.cl. */

#include "backends/opencl/program_internal.h"

/* What the launches of one node have in common. */
typedef struct or_cl_fft_t {
  or_cl_build_t *build;
  const or_cl_traits_t *traits;
  bool wide;         /* double, else float */
  size_t pair_bytes; /* of a complex number */
} or_cl_fft_t;
void or_cl_fft_init(or_cl_build_t *build, bool wide, or_cl_fft_t *out);

/* [outer, n, inner] complex numbers, transformed along n. */
typedef struct or_cl_fft_shape_t {
  size_t outer, n, inner;
  bool inverse; /* plus in the exponent */
  double scale;
} or_cl_fft_shape_t;
/* The most numbers that one transform's kernels can count: of n * inner, or of what they become where n has large prime
 * factors. */
bool or_cl_fft_fits(size_t n, size_t inner);
/* Adds launches that read `source` and write `target`, another place. */
or_status_t or_cl_fft_add(const or_cl_fft_t *fft, const or_cl_fft_shape_t *shape, or_slot_id_t source,
                          or_slot_id_t target);

/* Scratch of so many complex numbers. */
or_status_t or_cl_fft_scratch(const or_cl_fft_t *fft, size_t outer, size_t n, size_t inner, or_slot_id_t *out);
/* exp(-2 pi i k / n), k < count; at the most n. */
or_status_t or_cl_fft_roots(const or_cl_fft_t *fft, size_t n, size_t count, or_slot_id_t *out);

/* A launch of fft_edges.cl over [outer, length, inner]; its outer elements are of type `edge`, NULL: none. */
typedef struct or_cl_fft_edge_t {
  const char *entry, *edge;
  size_t dims[3];
  double bytes;
} or_cl_fft_edge_t;
or_status_t or_cl_fft_edge(const or_cl_fft_t *fft, const or_cl_fft_edge_t *edge, const or_cl_argument_t *arguments,
                           size_t count);

#endif
