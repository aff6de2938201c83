/* fp64 products by NEON: 8 x 6 register tiles. */
#include <string.h>

#include "backends/cpu/kernels/levels_internal.h"
#include "backends/cpu/kernels/simd_neon.h"

#define G_MR 8
#define G_NV 3
#define G_SIZE "8x6"
#define G_DEPTH 256
#include "backends/cpu/kernels/gemm_terms_f64.h"

#include "backends/cpu/kernels/gemm_strip_template.h"

#include "backends/cpu/kernels/gemv_template.h"

#include "backends/cpu/kernels/gemm_f64_template.h"
