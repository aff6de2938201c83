/* fp64 products in portable C: 4 x 4 register tiles. */
#include <string.h>

#include "backends/cpu/kernels/levels_internal.h"
#include "backends/cpu/kernels/simd_portable.h"

#define G_MR 4
#define G_NV 2
#define G_SIZE "4x4"
#define G_DEPTH 256
#include "backends/cpu/kernels/gemm_terms_f64.h"

#include "backends/cpu/kernels/gemm_strip_template.h"

#include "backends/cpu/kernels/gemv_template.h"

#include "backends/cpu/kernels/gemm_f64_template.h"
