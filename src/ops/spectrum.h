#ifndef OR_OPS_SPECTRUM_H
#define OR_OPS_SPECTRUM_H
/* DFT (ONNX ai.onnx 17, 20): the discrete Fourier transform along one axis. A tensor's last axis holds the parts of its
 * numbers: 1 (real) or 2 (real, imaginary). With n = `dft_length` (an input; without it the extent of the axis), and
 * the signal cut or filled with zeros to n:
 *
 *   x [.., s, .., 1 or 2]                           -> y [.., n, .., 2]
 *   x [.., s, .., 1], `onesided` 1                  -> y [.., n / 2 + 1, .., 2], from which the rest follows
 *   x [.., s, .., 2], `onesided` 1, `inverse` 1     -> y [.., n, .., 1] of the coefficients 0 to n / 2; n without
 *                                                      `dft_length` is 2 (s - 1). Imaginary parts that a real y
 *                                                      can't have are not looked at
 *
 * `inverse` 1: plus in the exponent, divided by n. The axis: attribute `axis` (default 1) before 20, then an input
 * (default -2); it is not the last. x, y: float16 bfloat16 float32 float64; lengths int32 int64, axis int64.
 *
 * STFT (17): signal [B, L, 1 or 2], or [B, L] of real numbers, as PyTorch's exporter writes it (the standard asks for
 * the last axis); frames of `frame_length` points (without it the window's, or L) that begin
 * `frame_step` apart, each multiplied by `window` [frame_length] and transformed: y [B, (L - frame_length) /
 * frame_step + 1, frame_length, 2], or frame_length / 2 + 1 coefficients where `onesided` is 1 (the default), which a
 * complex signal refuses. A frame longer than the signal is refused. */

#include "ops/op.h"

extern const or_op_t or_op_dft;
extern const or_op_t or_op_stft;

/* A call's attributes, lengths and shapes, read and checked. INVALID_ARGUMENT says what does not fit. Pure; any
 * thread. */
typedef struct or_dft_call_t {
  bool inverse, onesided, axis_known;
  int32_t axis;
  int64_t parts; /* of the input; -1 unknown */
  int64_t n;     /* OR_DIM_UNKNOWN, or a symbol where it is the input's own extent */
} or_dft_call_t;
/* The rank of input 0 is known. */
or_status_t or_dft_call_read(const or_op_call_t *call, or_dft_call_t *out);

typedef struct or_stft_call_t {
  bool onesided;
  int64_t parts, step, n; /* OR_DIM_UNKNOWN where not known */
} or_stft_call_t;
or_status_t or_stft_call_read(const or_op_call_t *call, or_stft_call_t *out);

#endif
