/* Copying, transposition and the measuring loops by NEON. */
#include <string.h>

#include "backends/cpu/kernels/levels_internal.h"
#include "backends/cpu/kernels/simd_neon.h"

#include "backends/cpu/kernels/measure_template.h"

void or_transpose_neon(size_t element_bytes, size_t rows, size_t columns, const void *src, size_t src_ld, void *dst,
                       size_t dst_ld) {
  or_transpose_portable(element_bytes, rows, columns, src, src_ld, dst, dst_ld);
}
