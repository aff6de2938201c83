/* fp32 vector functions by NEON. */
#include "backends/cpu/kernels/levels_internal.h"
#include "backends/cpu/kernels/simd_neon.h"

#define E_T float
#define E_V v_t
#define E_W V_WIDTH
#define E(op) v_##op
#define E_NAME(f) OR_LEVEL(or_f32_##f)
#include "backends/cpu/kernels/vector_template.h"

#include "backends/cpu/kernels/vector_sums_template.h"
