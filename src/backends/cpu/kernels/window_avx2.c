/* Pooling and depthwise convolution by AVX2. */
#include "backends/cpu/kernels/levels_internal.h"
#include "backends/cpu/kernels/simd_avx2.h"
#include "backends/cpu/kernels/window_internal.h"

#include "backends/cpu/kernels/window_template.h"
