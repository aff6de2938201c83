#ifndef OR_OPS_UNIQUE_H
#define OR_OPS_UNIQUE_H
/* Unique (ONNX ai.onnx 11, 28): the different elements of X flattened, or its different slices along `axis`.
 *
 * Outputs: Y [u], or X's shape with u along the axis; int64: indices [u], where each was met first; inverse [n], which
 * of Y each of X is; counts [u]. In ascending order, or with sorted 0 as they were met. Slices are compared element by
 * element, complex numbers by their real part first; NaN equals NaN and comes last, -0 equals 0; text by its code
 * points. X: floating-point types, integers, complex, bool, text. */

#include "ops/op.h"

extern const or_op_t or_op_unique;

#endif
