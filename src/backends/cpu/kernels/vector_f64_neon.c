/* fp64 vector functions by NEON. */
#include "backends/cpu/kernels/levels_internal.h"
#include "backends/cpu/kernels/simd_neon.h"

#define E_T double
#define E_V d_t
#define E_W D_WIDTH
#define E(op) d_##op
#define E_NAME(f) OR_LEVEL(or_f64_##f)
#include "backends/cpu/kernels/vector_template.h"

#include "backends/cpu/kernels/vector_sums_template.h"
