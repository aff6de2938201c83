/* Pooling and depthwise convolution in portable C. */
#include "backends/cpu/kernels/levels_internal.h"
#include "backends/cpu/kernels/simd_portable.h"
#include "backends/cpu/kernels/window_internal.h"

#include "backends/cpu/kernels/window_template.h"
