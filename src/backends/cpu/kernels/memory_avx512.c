/* Copying, transposition and the measuring loops by AVX-512. */
#include <string.h>

#include "backends/cpu/kernels/levels_internal.h"
#include "backends/cpu/kernels/simd_avx512.h"
#include "backends/cpu/kernels/transpose_x86.h"

#include "backends/cpu/kernels/measure_template.h"

void or_transpose_avx512(size_t element_bytes, size_t rows, size_t columns, const void *src, size_t src_ld, void *dst,
                         size_t dst_ld) {
  or_transpose_x86(element_bytes, rows, columns, src, src_ld, dst, dst_ld);
}
