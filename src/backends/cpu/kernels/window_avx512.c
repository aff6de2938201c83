/* Pooling and depthwise convolution by AVX-512. */
#include "backends/cpu/kernels/levels_internal.h"
#include "backends/cpu/kernels/simd_avx512.h"
#include "backends/cpu/kernels/window_internal.h"

#include "backends/cpu/kernels/window_template.h"
