#ifndef OR_OPS_RMS_NORMALIZATION_H
#define OR_OPS_RMS_NORMALIZATION_H
/* RMSNormalization (ONNX ai.onnx 23): y = scale x / sqrt(mean(x^2) + epsilon), the mean over the dimensions from `axis`
 * (default -1) on; epsilon 1e-5. X, scale: float16 bfloat16 float32 float64, not necessarily the same; scale broadcasts
 * to X; Y: X's shape, scale's dtype. Everything is computed in double, whatever stash_type says. */

#include "ops/op.h"

extern const or_op_t or_op_rms_normalization;

#endif
