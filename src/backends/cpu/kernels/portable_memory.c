/* Copying and the measuring loops in portable C. */
#include <string.h>

#include "backends/cpu/kernels/levels_internal.h"
#include "backends/cpu/kernels/simd_portable.h"

#include "backends/cpu/kernels/measure_template.h"
