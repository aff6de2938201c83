#ifndef OR_OPS_MEL_WEIGHT_MATRIX_H
#define OR_OPS_MEL_WEIGHT_MATRIX_H
/* MelWeightMatrix (ONNX ai.onnx 17): y [dft_length / 2 + 1, num_mel_bins], whose columns are triangles over the bins
 * of a spectrum: column i goes from 0 at bin b[i] up to 1 at b[i + 1] and down to 0 at b[i + 2], where
 *
 *   b[k] = floor((dft_length + 1) hertz(m + k (n - m) / (num_mel_bins + 2)) / sample_rate)
 *   m, n = mel(lower edge), mel(upper edge); mel(f) = 2595 log10(1 + f / 700), hertz its inverse
 *
 * (num_mel_bins + 2, where one would expect + 1, is what the standard's test data has.) A triangle whose left side has
 * no width is 1 at its peak. num_mel_bins, dft_length, sample_rate: scalars, int32 int64; the edges: scalars, float16
 * bfloat16 float32 float64, 0 <= lower <= upper, and no triangle that ends beyond the spectrum. y: the attribute
 * `output_datatype` (float32), any float of 16 to 64 bits or integer of 8 to 64, which keeps the integer part. */

#include "ops/op.h"

extern const or_op_t or_op_mel_weight_matrix;

#endif
