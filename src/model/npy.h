#ifndef OR_MODEL_NPY_H
#define OR_MODEL_NPY_H
/* NumPy's .npy, versions 1 to 3 (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html). Pure; any
   thread. */

#include "openruntime/status.h"

/* Where the elements lie in the file, and what they are. Little-endian (or one-byte) elements, C order; an array in
 * Fortran order or of another byte order is refused with the cure. */
typedef struct or_npy_header_t {
  or_dtype_t dtype;
  or_shape_t shape;
  size_t data_offset, data_bytes;
} or_npy_header_t;
/* DATA_LOSS (truncated, not an .npy file), UNIMPLEMENTED (dtype, order), OUT_OF_RANGE (rank, size). */
or_status_t or_npy_parse(const void *bytes, size_t length, or_npy_header_t *out);
/* The header of version 1.0 for dense row-major elements: writes at most OR_NPY_HEADER_BYTES; *length says how many.
 * UNIMPLEMENTED: a dtype that
 * .npy has no name for (bfloat16, float8, 4 bits). */
#define OR_NPY_HEADER_BYTES 512
or_status_t or_npy_header(or_dtype_t dtype, const or_shape_t *shape, char *out, size_t *length);

#endif
