/* Conversions by AVX2 and F16C. */
#include <string.h>

#include "backends/cpu/kernels/levels_internal.h"
#include "backends/cpu/kernels/simd_avx2.h"

#include "backends/cpu/kernels/convert_template.h"
