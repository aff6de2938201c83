/* int8 products in portable C. */
#include <string.h>

#include "backends/cpu/kernels/levels_internal.h"

#define OR_LEVEL(name) name##_portable
#define I_MR 4
#define I_NR 8
#define I_SIZE "4x8"

/* Unsigned arithmetic: it wraps where signed would be undefined. */
static void micro_sums(size_t rows, size_t pairs, const int16_t *a, const int16_t *b, int32_t sums[I_MR][I_NR]) {
  memset(sums, 0, sizeof(int32_t) * I_MR * I_NR);
  for (size_t k = 0; k < pairs; ++k) {
    for (size_t i = 0; i < rows; ++i) {
      const int32_t a0 = a[2 * i], a1 = a[2 * i + 1];
      for (size_t j = 0; j < I_NR; ++j) {
        const int32_t product = a0 * b[2 * j] + a1 * b[2 * j + 1];
        sums[i][j] = (int32_t)((uint32_t)sums[i][j] + (uint32_t)product);
      }
    }
    a += 2 * I_MR;
    b += 2 * I_NR;
  }
}

#include "backends/cpu/kernels/gemm_int8_template.h"
