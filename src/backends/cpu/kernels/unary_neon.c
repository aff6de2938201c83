/* Elementary functions and activations by NEON. */
#include "backends/cpu/kernels/levels_internal.h"
#include "backends/cpu/kernels/simd_neon.h"

#include "backends/cpu/kernels/math_template.h"

#include "backends/cpu/kernels/unary_template.h"
