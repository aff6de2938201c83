#ifndef OR_BACKENDS_OPENCL_FFT_TABLES_H
#define OR_BACKENDS_OPENCL_FFT_TABLES_H
/* Tables of transforms, computed in double on the host. */

#include <stdbool.h>
#include <stddef.h>

#include "openruntime/status.h"

/* A table's content; `work` is 2 * m doubles of a spectrum of chirps, else unused. */
typedef struct or_cl_fft_table_t {
  size_t n, m, count;
  bool wide; /* as doubles, else as floats */
  double *work;
} or_cl_fft_table_t;

/* Each fills `destination` with `count` complex numbers; `self` is an or_cl_fft_table_t. They always succeed, and have
 * the form of or_cl_packing_t.fill.
 * roots: exp(-2 pi i k / n). chirps: exp(-pi i k k / n). spectrum: of m points (a power of two, at least 2 n - 1), of
 * the chirps' conjugates at k and m - k for k < n, divided by m. */
or_status_t or_cl_fft_fill_roots(const void *self, const void *source, void *destination);
or_status_t or_cl_fft_fill_chirps(const void *self, const void *source, void *destination);
or_status_t or_cl_fft_fill_spectrum(const void *self, const void *source, void *destination);

#endif
