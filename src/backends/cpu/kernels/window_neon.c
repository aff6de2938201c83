/* Pooling and depthwise convolution by NEON. */
#include "backends/cpu/kernels/levels_internal.h"
#include "backends/cpu/kernels/simd_neon.h"
#include "backends/cpu/kernels/window_internal.h"

#include "backends/cpu/kernels/window_template.h"
