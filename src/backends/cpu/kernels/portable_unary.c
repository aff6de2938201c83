/* Elementary functions and activations in portable C. */
#include "backends/cpu/kernels/levels_internal.h"
#include "backends/cpu/kernels/simd_portable.h"

#include "backends/cpu/kernels/math_template.h"

#include "backends/cpu/kernels/unary_template.h"
