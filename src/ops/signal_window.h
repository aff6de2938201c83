#ifndef OR_OPS_SIGNAL_WINDOW_H
#define OR_OPS_SIGNAL_WINDOW_H
/* HannWindow, HammingWindow, BlackmanWindow (ONNX ai.onnx 17): y [size], y[n] = a - b cos(2 pi n / N) + c cos(4 pi n
 * / N) with N = size, or size - 1 where `periodic` is 0 (of which a window of one point is 0 / 0, as the standard's
 * definition has it):
 *
 *   Hann      a 1/2, b 1/2, c 0        Hamming   a 25/46, b 21/46, c 0        Blackman   a 0.42, b 0.5, c 0.08
 *
 * size: a scalar, int32 int64, not negative. y: the attribute `output_datatype` (float32), any float of 16 to 64 bits
 * or integer of 8 to 64, which keeps the integer part. */

#include "ops/op.h"

extern const or_op_t or_op_hann_window;
extern const or_op_t or_op_hamming_window;
extern const or_op_t or_op_blackman_window;

#endif
