/* Conversions by AVX-512. */
#include <string.h>

#include "backends/cpu/kernels/levels_internal.h"
#include "backends/cpu/kernels/simd_avx512.h"

#include "backends/cpu/kernels/convert_template.h"
