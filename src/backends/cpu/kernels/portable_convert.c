/* Conversions in portable C. */
#include <string.h>

#include "backends/cpu/kernels/levels_internal.h"
#include "backends/cpu/kernels/simd_portable.h"

#include "backends/cpu/kernels/convert_template.h"
