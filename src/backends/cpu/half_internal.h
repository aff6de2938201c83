#ifndef OR_BACKENDS_CPU_HALF_INTERNAL_H
#define OR_BACKENDS_CPU_HALF_INTERNAL_H
/* float16 and bfloat16 for kernels that compute in float32: a piece at a time is widened on the stack, where it stays
 * in the first-level cache, and narrowed again, rounded once. */

#include "backends/cpu/kernels/kernels.h"
#include "openruntime/types.h"

#define OR_CPU_HALF_PIECE 1024 /* elements */

typedef struct or_cpu_half_t {
  void (*widen)(size_t n, const uint16_t *x, float *y);
  void (*narrow)(size_t n, const float *x, uint16_t *y);
} or_cpu_half_t;

static inline bool or_cpu_is_half(or_dtype_t dtype) { return dtype == OR_FLOAT16 || dtype == OR_BFLOAT16; }

static inline or_cpu_half_t or_cpu_half(const or_cpu_kernels_t *kernels, or_dtype_t dtype) {
  const or_cpu_convert_t *convert = &kernels->convert;
  return dtype == OR_BFLOAT16 ? (or_cpu_half_t){convert->bf16_to_f32, convert->f32_to_bf16}
                              : (or_cpu_half_t){convert->f16_to_f32, convert->f32_to_f16};
}

#endif
