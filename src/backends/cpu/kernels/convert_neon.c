/* Conversions by NEON. */
#include <string.h>

#include "backends/cpu/kernels/levels_internal.h"
#include "backends/cpu/kernels/simd_neon.h"

#include "backends/cpu/kernels/convert_template.h"
