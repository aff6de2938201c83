#ifndef OR_OPS_FFT_H
#define OR_OPS_FFT_H
/* Ours (domain "openruntime", version 1): Fft(x) -> y, the discrete Fourier transform along the last axis (`dims` 1,
 * the default) or the last two (`dims` 2) of any lengths but 0:
 *
 *   y[k] = scale * sum over j of x[j] exp(-2 pi i j k / n), plus in the exponent where `inverse` is 1
 *
 *   x complex64 complex128 [.., n]                  -> y the same
 *   x float32 float64 [.., n]                       -> y complex [.., n / 2 + 1], from which the rest follows; forward
 *   x complex [.., n / 2 + 1], `real`, `inverse` 1  -> y real [.., n]; n is `length`, or 2 (d - 1) of the extent d.
 *                                                      Imaginary parts that a real y can't have are not looked at
 *
 * `norm`: "backward" (default): scale 1 forward and 1 / n back; "forward": the other way round; "ortho": 1 / sqrt(n)
 * both ways; n: all points of a transform. As numpy.fft has it. */

#include "ops/op.h"

extern const or_op_t or_op_fft;

/* A call's attributes and shapes, read and checked. INVALID_ARGUMENT says what does not fit. Pure; any thread. */
typedef struct or_fft_call_t {
  bool two_dims, inverse, real_in, real_out;
  int64_t n, rows;     /* of a transform: points along the last axis and the one before (1 where dims is 1) */
  int64_t in_n, out_n; /* extents of the last axis of x and of y */
  double scale;
} or_fft_call_t;
/* Extents must be static. */
or_status_t or_fft_call_read(const or_op_call_t *call, or_fft_call_t *out);

#endif
